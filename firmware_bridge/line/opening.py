"""Open a port by its URL, whatever line it is.

=====================  ===============================================================================
URL                    what it opens
=====================  ===============================================================================
``/dev/ttyUSB0``       a serial port, locked for this program alone; so are links to one, and ``COM3``
``usb:1a86:7523``      the port of a USB device: vendor, product and, if need be, ``:SERIAL`` number
``socket://HOST:PORT`` a TCP connection: a serial server, an emulator
``rfc2217://H:P``      a remote serial port with its settings
``loop://``            what is written comes back
``-``                  standard input: what another program prints
``udp://:PORT``        datagrams that a sensor sends to this machine
``ws://HOST:PORT/..``  a WebSocket of a phone app; ``ws://:PORT`` listens for one (package websockets)
``http://:PORT``       messages that a phone app posts to this machine
``phyphox://HOST``     the app phyphox on a phone, with remote access
``ble:NAME``           a Bluetooth Low Energy sensor (package bleak)
``phone://``           a page for a phone: `edgehar.firmware_bridge.web.phone_line` opens it, above this room
=====================  ===============================================================================
"""

import contextlib
from urllib.parse import urlsplit

from edgehar.firmware_bridge.line.identity import find_port, parse_identity
from edgehar.firmware_bridge.line.serial_port import SerialTransport
from edgehar.firmware_bridge.line.tcp import TcpTransport
from edgehar.firmware_bridge.line.transport import DEFAULT_BAUD, Transport
from edgehar.models.errors import UsageError


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
    if url == "-":
        from edgehar.firmware_bridge.line.standard_input import StandardInput

        return StandardInput()
    if url.lower().startswith("ble:"):
        from edgehar.firmware_bridge.line.bluetooth import BluetoothTransport

        return BluetoothTransport(url[4:], name=url)
    if url.lower().startswith("usb:"):
        url = find_port(parse_identity(url))
    scheme = url.partition("://")[0].lower() if "://" in url else ""
    if scheme == "socket":
        host, port = _host_and_port(url)
        return TcpTransport(host, port, name=url)
    if scheme == "phyphox":
        return _phone(url)
    if scheme in ("udp", "http"):
        return _listener(scheme, url)
    if scheme in ("ws", "wss"):
        _port_or_refuse(url)
        from edgehar.firmware_bridge.line.websocket import WebSocketTransport

        return WebSocketTransport(url)
    if scheme not in ("", "rfc2217", "loop"):
        raise UsageError(
            "expected a port like /dev/ttyUSB0, COM3, usb:VENDOR:PRODUCT, socket://HOST:PORT, rfc2217://HOST:PORT, "
            f"ble:NAME, udp://:PORT, ws://HOST:PORT, http://:PORT, phyphox://HOST, loop:// or -, got {url!r}",
            next_step="List the ports of this machine with `har ports`.",
            port=url,
        )
    if scheme == "rfc2217":
        _host_and_port(url)
    return SerialTransport(url, baud=baud)


def _phone(url: str) -> Transport:
    """Return the line to phyphox on a phone."""
    host, port = "", None
    with contextlib.suppress(ValueError):
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    if not host or port == 0:
        raise UsageError(
            f"expected phyphox://HOST or phyphox://HOST:PORT, got {url!r}",
            next_step="Pass the address that the app shows under remote access.",
            port=url,
        )
    from edgehar.firmware_bridge.line.phyphox import PhyphoxTransport

    return PhyphoxTransport(host, port, name=url)


def _listener(scheme: str, url: str) -> Transport:
    """Return what listens on a port of this machine, on every address of it unless one is named."""
    parts = urlsplit(url)
    port = _port_or_refuse(url)
    if scheme == "udp":
        from edgehar.firmware_bridge.line.udp import UdpTransport

        return UdpTransport(parts.hostname or "0.0.0.0", port, name=url)
    if parts.hostname is not None:
        raise UsageError(
            f"expected http://:PORT, which listens on this machine, got {url!r}",
            next_step="Let the phone post to this machine's address.",
            port=url,
        )
    from edgehar.firmware_bridge.line.http_push import HttpPushTransport

    return HttpPushTransport("", port, name=url)


def _port_or_refuse(url: str) -> int:
    """Return the port number of a URL that must have one."""
    with contextlib.suppress(ValueError):
        if (port := urlsplit(url).port) is not None:
            return port
    scheme = url.partition("://")[0]
    raise UsageError(
        f"expected {scheme}://:PORT with a port from 1 to 65535, got {url!r}",
        next_step=f"For example {scheme}://:8000.",
        port=url,
    )


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
