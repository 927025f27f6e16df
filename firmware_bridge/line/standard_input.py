"""Standard input as a line: what another program prints is read as if a sensor sent it."""

import os
import sys
import threading
from typing import Final

from edgehar.firmware_bridge.line.pushed import PushedBytes
from edgehar.firmware_bridge.line.transport import ended

_READ_BYTES: Final = 65536


class StandardInput:
    """Read standard input in a thread of its own: not every system can wait for it with a time-out.

    Parameters
    ----------
    descriptor
        Where to read; standard input by default.
    """

    def __init__(self, descriptor: int | None = None) -> None:
        self.name = "-"
        self._descriptor = sys.stdin.fileno() if descriptor is None else descriptor
        self._pushed = PushedBytes()
        threading.Thread(target=self._run, name="read standard input", daemon=True).start()

    def read(self, *, timeout_s: float) -> bytes:
        """Return the bytes that have arrived, waiting for the first one."""
        return self._pushed.take(timeout_s=timeout_s)

    def write(self, data: bytes) -> None:
        """Write nothing: nobody listens on the other side of a pipe."""

    def close(self) -> None:
        """Leave standard input as it is."""

    def _run(self) -> None:
        """Read until the end."""
        try:
            while data := os.read(self._descriptor, _READ_BYTES):
                self._pushed.push(data)
        except OSError:
            pass
        self._pushed.end(ended(self.name))
