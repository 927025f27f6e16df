"""A line to a device: bytes come and go, whatever carries them; and a line in memory, for tests.

Whatever goes wrong with a port is a :class:`~edgehar.models.errors.BridgeError`, with ``details["reason"]`` one of
``missing``, ``busy``, ``denied``, ``refused``, ``unplugged``, ``ambiguous`` or ``not_a_port``.
"""

from collections import deque
from collections.abc import Iterable
from typing import Final, Protocol

from edgehar.models.errors import BridgeError

DEFAULT_BAUD: Final = 115200


class Transport(Protocol):
    """A line to a device. Used by one thread at a time."""

    @property
    def name(self) -> str:
        """What the line is called in messages: its URL."""
        ...

    def read(self, *, timeout_s: float) -> bytes:
        """Return the bytes that have arrived, waiting for the first one; empty when none came in time.

        Raises
        ------
        BridgeError
            When the line is gone and everything that had arrived was returned.
        """
        ...

    def write(self, data: bytes) -> None:
        """Send all of ``data``.

        Raises
        ------
        BridgeError
            When the line is gone, or the other side does not take the bytes.
        """
        ...

    def close(self) -> None:
        """Give the line back; closing twice is fine."""
        ...


class MemoryTransport:
    """A line in memory: reads give the chunks it was made with, then it is unplugged.

    An empty chunk is a read that timed out.

    Examples
    --------
    >>> line = MemoryTransport([b"0,0,1\\n"])
    >>> line.read(timeout_s=0.1)
    b'0,0,1\\n'
    """

    def __init__(self, chunks: Iterable[bytes] = (), *, name: str = "memory://") -> None:
        self.name = name
        self.written = bytearray()
        self.closed = False
        self._chunks = deque(chunks)

    def read(self, *, timeout_s: float) -> bytes:
        """Return the next chunk."""
        if not self._chunks or self.closed:
            raise unplugged(self.name)
        return self._chunks.popleft()

    def write(self, data: bytes) -> None:
        """Keep ``data`` in ``written``."""
        if self.closed:
            raise unplugged(self.name)
        self.written += data

    def close(self) -> None:
        """Unplug the line."""
        self.closed = True


def unplugged(name: str) -> BridgeError:
    """Return the error of a line that was there and is gone."""
    return BridgeError(
        f"{name}: the device was unplugged, or the other side closed the line",
        next_step="Plug it in again, then start again.",
        port=name,
        reason="unplugged",
    )


def ended(name: str) -> BridgeError:
    """Return the error of a line that has come to its end, as a pipe does: nothing is wrong."""
    return BridgeError(f"{name}: the end was reached", port=name, reason="unplugged", ended=True)


def has_ended(error: BridgeError) -> bool:
    """Tell whether an error means the natural end of a line."""
    return bool(error.details.get("ended"))


def is_unplugged(error: BridgeError) -> bool:
    """Tell whether an error means that the line was there and is gone."""
    return error.details.get("reason") == "unplugged"
