"""Bytes from and to a device, by whatever line: serial ports, TCP, loops, and memory for tests.

=====================  ===============================================================================
URL                    what it opens
=====================  ===============================================================================
``/dev/ttyUSB0``       a serial port, locked for this program alone; so are links to one, and ``COM3``
``usb:1a86:7523``      the port of a USB device: vendor, product and, if need be, ``:SERIAL`` number
``socket://HOST:PORT`` a TCP connection: a serial server, an emulator
``rfc2217://H:P``      a remote serial port with its settings
``loop://``            what is written comes back
=====================  ===============================================================================

Whatever goes wrong with a port is a :class:`~edgehar.models.errors.BridgeError`, with ``details["reason"]`` one of
``missing``, ``busy``, ``denied``, ``refused``, ``unplugged``, ``ambiguous`` or ``not_a_port``.
"""

import contextlib
from collections import deque
from collections.abc import Iterable
from typing import Final, Protocol
from urllib.parse import urlsplit

from edgehar.models.errors import BridgeError, UsageError

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


def open_transport(url: str, *, baud: int = DEFAULT_BAUD) -> Transport:
    """Open a port by its URL.

    Raises
    ------
    UsageError
        When the URL names no kind of port there is, or the baud rate cannot be.
    BridgeError
        When the port is missing, busy, denied, refused, or no port at all.
    """
    if baud <= 0:
        raise UsageError(f"expected a baud rate above 0, got {baud}", next_step="Pass the rate the device was set to.")
    if url.lower().startswith("usb:"):
        from edgehar.firmware_bridge.line.identity import find_port, parse_identity

        url = find_port(parse_identity(url))
    scheme = url.partition("://")[0].lower() if "://" in url else ""
    if scheme == "socket":
        from edgehar.firmware_bridge.line.tcp import TcpTransport

        host, port = _host_and_port(url)
        return TcpTransport(host, port, name=url)
    if scheme not in ("", "rfc2217", "loop"):
        raise UsageError(
            "expected a port like /dev/ttyUSB0, COM3, usb:VENDOR:PRODUCT, socket://HOST:PORT, rfc2217://HOST:PORT or "
            f"loop://, got {url!r}",
            next_step="List the ports of this machine with `har ports`.",
            port=url,
        )
    if scheme == "rfc2217":
        _host_and_port(url)
    from edgehar.firmware_bridge.line.serial_port import SerialTransport

    return SerialTransport(url, baud=baud)


def unplugged(name: str) -> BridgeError:
    """Return the error of a line that was there and is gone."""
    return BridgeError(
        f"{name}: the device was unplugged, or the other side closed the line",
        next_step="Plug it in again, then start again.",
        port=name,
        reason="unplugged",
    )


def is_unplugged(error: BridgeError) -> bool:
    """Tell whether an error means that the line was there and is gone."""
    return error.details.get("reason") == "unplugged"


def _host_and_port(url: str) -> tuple[str, int]:
    """Return the host and port of a network URL."""
    with contextlib.suppress(ValueError):
        parts = urlsplit(url)
        if parts.hostname and parts.port:
            return parts.hostname, parts.port
    scheme = url.partition("://")[0]
    raise UsageError(
        f"expected {scheme}://HOST:PORT with a port from 1 to 65535, got {url!r}",
        next_step=f"For example {scheme}://127.0.0.1:4000.",
        port=url,
    )
