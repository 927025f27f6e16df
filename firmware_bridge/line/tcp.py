"""A device behind a TCP connection: a serial server, an emulator, another machine's sensor."""

import contextlib
import select
import socket
from typing import Final

from edgehar.firmware_bridge.line.transport import unplugged
from edgehar.models.errors import BridgeError

_CONNECT_TIMEOUT_S: Final = 5.0
_WRITE_TIMEOUT_S: Final = 5.0
_READ_BYTES: Final = 65536


class TcpTransport:
    """A TCP connection as a line.

    pyserial's own ``socket://`` discards what the other side sent first and what it sent last; this one does not.

    Raises
    ------
    BridgeError
        When no program listens there, or the host cannot be found.
    """

    def __init__(self, host: str, port: int, *, name: str) -> None:
        self.name = name
        try:
            self._socket = socket.create_connection((host, port), timeout=_CONNECT_TIMEOUT_S)
        except OSError as error:
            raise BridgeError(
                f"{name}: expected a server at {host}, port {port}, got {error.strerror or error}",
                next_step="Start the server or the emulator first, and check its address.",
                port=name,
                reason="refused",
            ) from error
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def read(self, *, timeout_s: float) -> bytes:
        """Return the bytes that have arrived, waiting for the first one."""
        try:
            readable, _, _ = select.select([self._socket], [], [], timeout_s)
            if not readable:
                return b""
            data = self._socket.recv(_READ_BYTES)
        except (OSError, ValueError) as error:
            raise unplugged(self.name) from error
        if not data:
            raise unplugged(self.name)
        return data

    def write(self, data: bytes) -> None:
        """Send all of ``data``."""
        try:
            self._socket.settimeout(_WRITE_TIMEOUT_S)
            self._socket.sendall(data)
        except OSError as error:
            raise unplugged(self.name) from error

    def close(self) -> None:
        """Close the connection."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
