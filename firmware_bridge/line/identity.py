"""Which device a port is, whatever its name: USB vendor, product and serial number.

``usb:1a86:7523`` is the only port of that vendor and product, ``usb:1a86:7523:0001`` the one with that serial number.
"""

import contextlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edgehar.firmware_bridge.line.serial_port import PortInfo, list_ports
from edgehar.models.errors import BridgeError, UsageError

PREFIX: Final = "usb:"
_PATTERN: Final = re.compile(r"usb:([0-9a-f]{1,4}):([0-9a-f]{1,4})(?::(.+))?", re.IGNORECASE)
ListPorts = Callable[[], Sequence[PortInfo]]


@dataclass(frozen=True, slots=True)
class PortIdentity:
    """A USB device: ``usb`` is ``vendor:product`` in four hexadecimal digits each; an empty serial number is any.

    Examples
    --------
    >>> str(parse_identity("usb:1A86:7523"))
    'usb:1a86:7523'
    """

    usb: str
    serial_number: str = ""

    def __str__(self) -> str:
        return f"{PREFIX}{self.usb}{':' * bool(self.serial_number)}{self.serial_number}"

    def matches(self, port: PortInfo) -> bool:
        """Tell whether a port is this device."""
        return port.usb == self.usb and self.serial_number in ("", port.serial_number)


def parse_identity(url: str) -> PortIdentity:
    """Return the identity written as ``usb:VENDOR:PRODUCT[:SERIAL]``.

    Raises
    ------
    UsageError
        When it is not written like this.
    """
    found = _PATTERN.fullmatch(url)
    if found is None:
        raise UsageError(
            f"expected usb:VENDOR:PRODUCT or usb:VENDOR:PRODUCT:SERIAL in hexadecimal, got {url!r}",
            next_step="`har ports` shows these for every port: usb:1a86:7523, for example.",
            port=url,
        )
    vendor, product, serial_number = found.groups()
    return PortIdentity(f"{int(vendor, 16):04x}:{int(product, 16):04x}", serial_number or "")


def find_port(identity: PortIdentity, *, ports: ListPorts = list_ports) -> str:
    """Return the name that a device's port has now.

    Raises
    ------
    BridgeError
        When it is not plugged in, or several ports fit.
    """
    fitting = [port for port in ports() if identity.matches(port)]
    if not fitting:
        raise BridgeError(
            f"{identity}: no such device is plugged in",
            next_step="Plug it in; `har ports` lists what is there.",
            port=str(identity),
            reason="missing",
        )
    if len(fitting) > 1:
        choices = ", ".join(f"{port.device} ({port.serial_number or 'no serial number'})" for port in fitting)
        raise BridgeError(
            f"{identity}: expected one such device, got {len(fitting)}: {choices}",
            next_step="Add the serial number, usb:VENDOR:PRODUCT:SERIAL, or name the port.",
            port=str(identity),
            reason="ambiguous",
        )
    return fitting[0].device


def identify(url: str, *, ports: ListPorts = list_ports) -> PortIdentity | None:
    """Return which USB device a port is; None when it is none, or nothing tells it from another one of its kind."""
    if url.lower().startswith(PREFIX):
        return parse_identity(url)
    if "://" in url:
        return None
    with contextlib.suppress(OSError, BridgeError, ImportError):
        device = str(Path(url).resolve())
        known = list(ports())
        for port in known:
            if port.usb and device in (port.device, str(Path(port.device).resolve())):
                identity = PortIdentity(port.usb, port.serial_number)
                return identity if sum(identity.matches(other) for other in known) == 1 else None
    return None
