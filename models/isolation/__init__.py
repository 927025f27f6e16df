"""Run things in processes of their own: the one room that starts, limits, asks and ends them.

Native code that crashes, hangs or takes all memory over a file then harms nothing else.

=====================  ==========================================================================================
`IsolatedProcess`      any program that answers a line with a line: started, asked with a time limit, ended
`run_to_end`           any program that does one thing and ends, with a time limit
`Isolation`            functions of this program, one call after the other, with limits of time, memory and processor
=====================  ==========================================================================================

No process has the current folder on its import path, whatever files lie there. `ProcessEndError` says how a process
ended, in the same words everywhere.
"""

from edgehar.models.isolation.calls import Isolation
from edgehar.models.isolation.ending import ProcessEndError, how_it_ended
from edgehar.models.isolation.process import IsolatedProcess, safe_environment
from edgehar.models.isolation.program import Finished, python_module, run_to_end

__all__ = [
    "Finished",
    "IsolatedProcess",
    "Isolation",
    "ProcessEndError",
    "how_it_ended",
    "python_module",
    "run_to_end",
    "safe_environment",
]
