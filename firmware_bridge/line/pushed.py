"""A line whose bytes are pushed by another thread: by a server, a Bluetooth callback, a reader that cannot wait."""

import threading
from collections import deque
from typing import Final

from edgehar.models.errors import BridgeError

MOST_WAITING_BYTES: Final = 1 << 20
"""What nobody takes beyond that is thrown away, the oldest first."""


class PushedBytes:
    """Bytes that one thread pushes and another one takes.

    Examples
    --------
    >>> pushed = PushedBytes()
    >>> pushed.push(b"0,0,1\\n")
    >>> pushed.take(timeout_s=0.0), pushed.take(timeout_s=0.0)
    (b'0,0,1\\n', b'')
    """

    def __init__(self) -> None:
        self._chunks: deque[bytes] = deque()
        self._waiting = 0
        self._error: BridgeError | None = None
        self._changed = threading.Condition()

    def push(self, data: bytes) -> None:
        """Add bytes."""
        with self._changed:
            self._chunks.append(data)
            self._waiting += len(data)
            while self._waiting > MOST_WAITING_BYTES:
                self._waiting -= len(self._chunks.popleft())
            self._changed.notify_all()

    def end(self, error: BridgeError) -> None:
        """Let `take` raise an error once everything is taken."""
        with self._changed:
            self._error = self._error or error
            self._changed.notify_all()

    def take(self, *, timeout_s: float) -> bytes:
        """Return what has come, waiting for the first byte; empty when none came in time.

        Raises
        ------
        BridgeError
            When the line has ended and everything was taken.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._chunks or self._error is not None, timeout_s)
            if not self._chunks and self._error is not None:
                raise self._error
            data = b"".join(self._chunks)
            self._chunks.clear()
            self._waiting = 0
            return data
