"""How a process ended, in words: by a signal, with an exit code, or not within its time."""

import signal
from typing import Final

from edgehar.models.errors import EngineError

_LONGEST_COMPLAINT: Final = 200


class ProcessEndError(EngineError):
    """A process gave no answer. The message is a predicate, such as ``was ended by SIGSEGV (Segmentation fault)``.

    ``details`` holds ``signal`` or ``code`` where the process has ended, and neither where it gave no answer in time.
    """


def how_it_ended(code: int, complaints: str = "") -> ProcessEndError:
    """Return what an exit code says; negative ones are signals.

    Parameters
    ----------
    code
        As `subprocess.Popen.returncode` gives it.
    complaints
        What the process wrote on standard error; its last line is told where no signal explains the end.

    Examples
    --------
    >>> str(how_it_ended(3, "cannot import name"))
    'ended with code 3 (cannot import name)'
    """
    if code < 0:
        return ProcessEndError(f"was ended by {_signal_name(-code)}", signal=-code)
    lines = [line.strip() for line in complaints.splitlines() if line.strip()]
    last = f" ({lines[-1][:_LONGEST_COMPLAINT]})" if lines else ""
    return ProcessEndError(f"ended with code {code}{last}", code=code)


def no_answer(timeout_s: float) -> ProcessEndError:
    """Return the end of a process that was waited for in vain."""
    return ProcessEndError(f"gave no answer within {timeout_s:.0f} s")


def _signal_name(number: int) -> str:
    """Return a signal's name with what it means: ``SIGSEGV (Segmentation fault)``."""
    try:
        name = signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
    return f"{name} ({signal.strsignal(number)})"
