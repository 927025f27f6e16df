"""Run functions in a process of their own, where native code that crashes or hangs on a file harms nothing else."""

import multiprocessing
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from types import TracebackType
from typing import Any, Final, ParamSpec, Self, TypeVar

from edgehar.models.errors import EngineError

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")

_TIMEOUT_S: Final = 120.0


class Isolation:
    """A process that runs one function after the other; one that dies is replaced for the next.

    Use as a context manager. Functions, their arguments and results travel by pickle, between processes of one program.
    """

    def __init__(self) -> None:
        self._process: SpawnProcess | None = None
        self._connection: Connection[Any, Any] | None = None

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
            If the process dies, or gives no answer for two minutes.
        """
        connection = self._connect()
        connection.send((function, args, kwargs))
        if not connection.poll(_TIMEOUT_S):
            self._end()
            raise EngineError(
                f"expected an answer within {_TIMEOUT_S:.0f} s, the runtime hangs on this file",
                next_step="Do not use the file: compile it again with `har compile`.",
            )
        try:
            succeeded, answer = connection.recv()
        except EOFError as error:
            raise EngineError(
                f"expected the runtime to load and run the file, it crashed ({self._end()})",
                next_step="Do not use the file: compile it again with `har compile`.",
            ) from error
        if not succeeded:
            raise answer
        result: _Result = answer
        return result

    def _connect(self) -> "Connection[Any, Any]":
        """Return the line to the process, starting one if there is none."""
        if self._connection is None:
            context = multiprocessing.get_context("spawn")
            self._connection, theirs = context.Pipe()
            self._process = context.Process(target=_serve, args=(theirs,), daemon=True)
            self._process.start()
            theirs.close()
        return self._connection

    def _end(self) -> str:
        """End the process, and return how it ended."""
        if self._process is None or self._connection is None:
            return "not started"
        self._connection.close()
        self._process.join(1.0)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        code = self._process.exitcode or 0
        self._process = self._connection = None
        return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def _serve(connection: "Connection[Any, Any]") -> None:
    """Answer requests until the line is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        try:
            function, args, kwargs = connection.recv()
        except EOFError:
            return
        try:
            answer = True, function(*args, **kwargs)
        except Exception as error:
            answer = False, error
        connection.send(answer)
