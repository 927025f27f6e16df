"""Call functions of this program in another process: results and errors come back, crashes and hangs become errors."""

import base64
import pickle
from collections.abc import Callable
from types import TracebackType
from typing import Final, ParamSpec, Self, TypeVar

from edgehar.models.errors import EngineError
from edgehar.models.isolation.ending import ProcessEndError
from edgehar.models.isolation.process import IsolatedProcess
from edgehar.models.isolation.program import python_module

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")

_TIMEOUT_S: Final = 120.0
_SERVER: Final = "edgehar.models.isolation.server"
_ADVICE: Final = "Do not use the file: it is damaged, or made to do harm."


class Isolation:
    """A process that runs one function after the other; one that dies is replaced for the next.

    Use as a context manager. Functions, their arguments and results travel by pickle, between processes of one program:
    this keeps a crash away, it does not keep code that has taken the process over from harming the user.

    Parameters
    ----------
    timeout_s
        Longest time one call may take.
    memory_bytes
        Most address space the process may have, libraries included; no limit by default, nor where the system has none.
    processor_s
        Most processor time all calls together may take; no limit by default, nor where the system has none.

    Examples
    --------
    >>> with Isolation(timeout_s=60) as isolation:
    ...     isolation.run(divmod, 17, 5)
    (3, 2)
    """

    def __init__(
        self, *, timeout_s: float = _TIMEOUT_S, memory_bytes: int | None = None, processor_s: int | None = None
    ) -> None:
        self._timeout_s = timeout_s
        limits = ("" if limit is None else str(limit) for limit in (memory_bytes, processor_s))
        self._command = python_module(_SERVER, *limits)
        self._process: IsolatedProcess | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def run(
        self, function: Callable[_Arguments, _Result], *args: _Arguments.args, **kwargs: _Arguments.kwargs
    ) -> _Result:
        """Return what the function returns, or raise what it raises.

        Raises
        ------
        EngineError
            If the process dies, runs out of memory, or gives no answer in time.
        """
        if self._process is None:
            self._process = IsolatedProcess(self._command)
        request = base64.b64encode(pickle.dumps((function, args, kwargs)))
        try:
            reply = self._process.ask(request, timeout_s=self._timeout_s)
        except ProcessEndError as ended:
            self._end()
            raise EngineError(
                f"expected an answer about this file, the process that reads it {ended.message}",
                next_step=_ADVICE,
                **ended.details,
            ) from ended
        except BaseException:
            # An interruption leaves an answer under way, which would be taken for the next one.
            self._end()
            raise
        succeeded, answer = pickle.loads(base64.b64decode(reply))
        if isinstance(answer, MemoryError) and not succeeded:
            self._end()
            raise EngineError(
                "expected an answer about this file, the process that reads it ran out of memory", next_step=_ADVICE
            ) from answer
        if not succeeded:
            raise answer
        result: _Result = answer
        return result

    def _end(self) -> None:
        """End the process, if there is one."""
        if self._process is not None:
            self._process.close()
            self._process = None
