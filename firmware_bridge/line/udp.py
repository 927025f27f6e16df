"""Datagrams as a line: a sensor that sends UDP, such as an ESP32 in the same network."""

import contextlib
import select
import socket
from typing import Final

from edgehar.firmware_bridge.line.transport import unplugged
from edgehar.models.errors import BridgeError

_LONGEST_DATAGRAM: Final = 65536
_MOST_AT_ONCE: Final = 64
_LINE_ENDS: Final = (b"\n", b"\r", b"\0")


class UdpTransport:
    """Listen for datagrams on a port of this machine.

    A datagram of text is a line, or several, even without a line end. What is written goes to the last sender.

    Raises
    ------
    BridgeError
        When the port cannot be listened on.
    """

    def __init__(self, host: str, port: int, *, name: str) -> None:
        self.name = name
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        try:
            self._socket.bind((host, port))
        except OSError as error:
            self._socket.close()
            raise BridgeError(
                f"{name}: expected to listen on port {port}, got {error.strerror or error}",
                next_step="Close the program that uses it, or choose another port.",
                port=name,
                reason="refused",
            ) from error
        self._socket.setblocking(False)
        self._sender: tuple[str, int] | None = None

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return int(self._socket.getsockname()[1])

    def read(self, *, timeout_s: float) -> bytes:
        """Return the bytes that have arrived, waiting for the first datagram."""
        try:
            readable, _, _ = select.select([self._socket], [], [], timeout_s)
            received: list[bytes] = []
            while readable and len(received) < _MOST_AT_ONCE:
                with contextlib.suppress(BlockingIOError):
                    data, self._sender = self._socket.recvfrom(_LONGEST_DATAGRAM)
                    received.append(as_lines(data))
                    continue
                break
        except (OSError, ValueError) as error:
            raise unplugged(self.name) from error
        return b"".join(received)

    def write(self, data: bytes) -> None:
        """Send ``data`` to whoever sent last; nobody is there before."""
        if self._sender is not None:
            with contextlib.suppress(OSError):
                self._socket.sendto(data, self._sender)

    def close(self) -> None:
        """Listen no more."""
        self._socket.close()


def as_lines(message: bytes) -> bytes:
    """Return a message with a line end, if it is text without one.

    Examples
    --------
    >>> as_lines(b"0.1,0.2,0.9"), as_lines(b"0.1,0.2,0.9\\n")
    (b'0.1,0.2,0.9\\n', b'0.1,0.2,0.9\\n')
    """
    is_text = b"\0" not in message and not any(byte < 0x09 for byte in message[:64])
    return message + b"\n" if message and is_text and not message.endswith(_LINE_ENDS) else message
