"""Open a port to be read by a thread, and again when its device comes back, whatever its name is then."""

from typing import Protocol

from edgehar.firmware_bridge.line.identity import ListPorts, find_port, identify
from edgehar.firmware_bridge.line.opening import open_transport
from edgehar.firmware_bridge.line.reader import LineReader
from edgehar.firmware_bridge.line.serial_port import list_ports
from edgehar.firmware_bridge.line.transport import DEFAULT_BAUD, Transport


class Opening(Protocol):
    """What opens a port by its URL, as `open_transport` does."""

    def __call__(self, url: str, *, baud: int = DEFAULT_BAUD) -> Transport:
        """Open it."""
        ...


def open_reader(
    url: str,
    *,
    baud: int = DEFAULT_BAUD,
    reconnect: bool | None = None,
    ports: ListPorts = list_ports,
    opening: Opening | None = None,
) -> LineReader:
    """Open a port by its URL, and read it in a thread.

    Parameters
    ----------
    url, baud
        As for :func:`~edgehar.firmware_bridge.line.opening.open_transport`.
    reconnect
        Whether to wait for the device when it is unplugged; None to do so if it is a USB device that can be told from
        others. One that cannot is waited for under the same name.
    ports
        Lists the ports of this machine.
    opening
        Opens the port, where a room above this one knows more kinds of them; `open_transport` by default.

    Raises
    ------
    UsageError
        When the URL names no kind of port there is.
    BridgeError
        When the port cannot be opened.
    """
    opens: Opening = opening or open_transport
    transport = opens(url, baud=baud)
    identity = identify(url if url.lower().startswith("usb:") else transport.name, ports=ports)

    def reopen() -> Transport:
        return opens(url if identity is None else find_port(identity, ports=ports), baud=baud)

    wanted = identity is not None if reconnect is None else reconnect
    return LineReader(transport, reopen=reopen if wanted else None)
