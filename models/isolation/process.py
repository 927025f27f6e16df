"""A process that answers each line with a line: start it, ask it with a time limit, and end it."""

import contextlib
import os
import queue
import subprocess
import tempfile
import threading
from collections.abc import Mapping, Sequence
from typing import IO, Final

from edgehar.models.errors import EngineError
from edgehar.models.isolation.ending import ProcessEndError, how_it_ended, no_answer

FAREWELL_S: Final = 1.0
"""How long a process has to end by itself."""

_READ_BYTES: Final = 1 << 16
_COMPLAINT_BYTES: Final = 1 << 16
"""Bytes at the end of standard error that are looked at."""


def safe_environment(changes: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return this program's environment with changes, and without the current folder on Python's import path.

    An empty entry of ``PYTHONPATH`` stands for the current folder. Every Python from 3.11 on leaves the current folder
    out where ``PYTHONSAFEPATH`` is set.
    """
    environment = {**os.environ, **(changes or {}), "PYTHONSAFEPATH": "1"}
    entries = [entry for entry in environment.get("PYTHONPATH", "").split(os.pathsep) if entry]
    environment["PYTHONPATH"] = os.pathsep.join(entries)
    if not entries:
        del environment["PYTHONPATH"]
    return environment


class IsolatedProcess:
    """A program in a process of its own that is asked over its standard input and answers on its standard output.

    It is started in a session of its own: an interruption from the keyboard reaches this program alone, which then ends
    the process. A process whose parent has gone ends when its standard input does.

    Parameters
    ----------
    command
        The program and its arguments.
    environment
        What to change in the environment of this program.
    farewell_s
        How long the process has to end by itself once its input is closed, and again once it was asked to.

    Raises
    ------
    EngineError
        If the program cannot be started.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        farewell_s: float = FAREWELL_S,
    ) -> None:
        self._farewell_s = farewell_s
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115  (closed in close)
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._complaints,
                env=safe_environment(environment),
                start_new_session=True,
            )
        except OSError as error:
            self._complaints.close()
            raise EngineError(f"expected to start {command[0]}, got: {error.strerror}") from error
        self._input, self._output = _pipe(self._process.stdin), _pipe(self._process.stdout)
        self._lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        # A thread reads, because no call waits for a pipe with a time limit on every system.
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    def ask(self, line: bytes, *, timeout_s: float) -> bytes:
        """Send one line, and return the line that answers it, both without their ends.

        Raises
        ------
        ProcessEndError
            If the process dies, or gives no answer in time; it is to be closed then.
        """
        try:
            self._input.write(line + b"\n")
            self._input.flush()
        except (OSError, ValueError) as error:
            raise self._ended() from error
        try:
            answer = self._lines.get(timeout=timeout_s)
        except queue.Empty:
            raise no_answer(timeout_s) from None
        if answer is None:
            self._lines.put(None)
            raise self._ended()
        return answer

    def close(self) -> None:
        """End the process: by closing its input, by asking, by force."""
        with contextlib.suppress(OSError):
            self._input.close()
        for stop in (self._process.poll, self._process.terminate, self._process.kill):
            stop()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=self._farewell_s)
                break
        self._reader.join(self._farewell_s)
        self._output.close()
        self._complaints.close()

    def _read(self) -> None:
        """Hand on every line, and None at the end."""
        unread = b""
        with contextlib.suppress(OSError, ValueError):
            while part := os.read(self._output.fileno(), _READ_BYTES):
                *lines, last = part.split(b"\n")
                if lines:
                    lines[0] = unread + lines[0]
                    unread = b""
                unread += last
                for line in lines:
                    self._lines.put(line)
        self._lines.put(None)

    def _ended(self) -> ProcessEndError:
        """Return what is known of the end of the process."""
        try:
            code = self._process.wait(timeout=self._farewell_s)
        except subprocess.TimeoutExpired:
            return ProcessEndError("closed its output")
        return how_it_ended(code, self._complained())

    def _complained(self) -> str:
        """Return the end of what the process wrote on standard error."""
        if self._complaints.closed:
            return ""
        size = self._complaints.seek(0, os.SEEK_END)
        self._complaints.seek(max(0, size - _COMPLAINT_BYTES))
        return self._complaints.read().decode(errors="replace")


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    """Return an end of a pipe that was asked for."""
    if stream is None:
        raise RuntimeError("a process was started without its pipe")
    return stream
