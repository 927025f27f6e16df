"""Serial ports of this machine, through pyserial: listed, opened for one program alone, and read without loss."""

import contextlib
import errno
import os
import select
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from edgehar.firmware_bridge.line.transport import unplugged
from edgehar.models.errors import BridgeError
from edgehar.models.installation import install_command

_BUSY: Final = (errno.EBUSY, errno.EAGAIN, errno.EWOULDBLOCK)
_MISSING: Final = (errno.ENOENT, errno.ENXIO, errno.ENODEV)
_DENIED: Final = (errno.EACCES, errno.EPERM)
_WRITE_TIMEOUT_S: Final = 5.0
_READ_BYTES: Final = 65536


@dataclass(frozen=True, slots=True)
class PortInfo:
    """A serial port of this machine.

    ``accessible`` tells whether this user may open it; ``usb`` is ``vendor:product`` in hexadecimal, or empty.
    """

    device: str
    description: str
    manufacturer: str
    serial_number: str
    usb: str
    accessible: bool


def list_ports() -> list[PortInfo]:
    """Return the serial ports of this machine, USB devices first."""
    from serial.tools import list_ports as pyserial_list

    ports = [_describe(port) for port in pyserial_list.comports()]
    return sorted(ports, key=lambda port: (not port.usb, port.device))


def how_to_get_access(device: str) -> str:
    """Return what a user must do to be allowed to open a port."""
    with contextlib.suppress(ImportError, OSError, KeyError):
        import grp

        status = Path(device).stat()
        group = grp.getgrgid(status.st_gid).gr_name
        if status.st_mode & stat.S_IRGRP and status.st_mode & stat.S_IWGRP:
            return f"Join the group {group} (sudo usermod -aG {group} $USER), then log out and in again."
    return f"Ask the owner of {device} for read and write access."


class SerialTransport:
    """A port that pyserial opens, as a line.

    Raises
    ------
    BridgeError
        When the port is missing, busy, denied, or no port at all, or pyserial is not installed.
    """

    def __init__(self, url: str, *, baud: int) -> None:
        self.name = url
        try:
            import serial
        except ImportError as error:
            raise BridgeError(
                f"{url}: expected pyserial to open a port, it is not installed",
                next_step=f"Install it: {install_command('edge')}.",
                port=url,
                reason="not_installed",
            ) from error
        self._gone: tuple[type[Exception], ...] = (serial.SerialException, OSError, TypeError, ValueError)
        exclusive = {} if "://" in url or os.name == "nt" else {"exclusive": True}
        try:
            self._port: Any = serial.serial_for_url(url, baudrate=baud, write_timeout=_WRITE_TIMEOUT_S, **exclusive)
        except (OSError, ValueError) as error:
            raise _open_error(url, error, baud) from error
        self._descriptor: int | None = getattr(self._port, "fd", None) if os.name == "posix" else None
        self._shut_out_others()

    def read(self, *, timeout_s: float) -> bytes:
        """Return the bytes that have arrived, waiting for the first one."""
        try:
            if self._descriptor is None:
                return self._read_through_pyserial(timeout_s)
            # pyserial sets the port up anew for every time-out, and makes four system calls of every read.
            readable, _, _ = select.select([self._descriptor], [], [], timeout_s)
            if not readable:
                return b""
            data = os.read(self._descriptor, _READ_BYTES)
        except self._gone as error:
            raise unplugged(self.name) from error
        if not data:
            raise unplugged(self.name)
        return data

    def _read_through_pyserial(self, timeout_s: float) -> bytes:
        """Read where there is no file descriptor: remote ports, loops, Windows."""
        if self._port.timeout != timeout_s:
            self._port.timeout = timeout_s
        waiting = self._port.in_waiting
        if waiting:
            return bytes(self._port.read(waiting))
        first = bytes(self._port.read(1))
        # A line that breaks just now breaks again at the next read; the byte that came is not lost for it.
        with contextlib.suppress(*self._gone):
            waiting = self._port.in_waiting if first else 0
            if waiting:
                return first + bytes(self._port.read(waiting))
        return first

    def write(self, data: bytes) -> None:
        """Send all of ``data``."""
        try:
            self._port.write(data)
        except self._gone as error:
            raise unplugged(self.name) from error

    def close(self) -> None:
        """Give the port back."""
        if self._descriptor is not None:
            # The number may be given to another file; a later read must fail instead.
            self._descriptor = -1
        with contextlib.suppress(*self._gone):
            self._port.close()

    def _shut_out_others(self) -> None:
        """Keep programs that do not ask for a lock (a terminal, ``cat``) from opening the port and taking bytes."""
        # On a virtual terminal the mark would outlive this program; its other end has no use for it.
        if self._descriptor is None or Path(self.name).resolve().is_relative_to("/dev/pts"):
            return
        with contextlib.suppress(ImportError, OSError):
            import fcntl
            import termios

            fcntl.ioctl(self._descriptor, termios.TIOCEXCL)


def _describe(port: Any) -> PortInfo:
    """Return what pyserial knows about a port, without its placeholders."""

    def known(value: str | None) -> str:
        return "" if value in (None, "n/a") else str(value)

    usb = f"{port.vid:04x}:{port.pid:04x}" if port.vid is not None and port.pid is not None else ""
    accessible = os.name == "nt" or os.access(port.device, os.R_OK | os.W_OK)
    return PortInfo(
        port.device, known(port.description), known(port.manufacturer), known(port.serial_number), usb, accessible
    )


def _open_error(url: str, error: Exception, baud: int) -> BridgeError:
    """Return the error that says why a port could not be opened and what to do."""
    code = getattr(error, "errno", None)
    if "://" in url:
        return BridgeError(
            f"{url}: expected a serial server there, got {error.__context__ or error}",
            next_step="Start the server first, and check its address.",
            port=url,
            reason="refused",
        )
    if code in _BUSY:
        message, next_step, reason = "is used by another program", f"Close it first; `fuser -v {url}` names it.", "busy"
    elif code in _MISSING:
        message, next_step, reason = (
            "there is no such port",
            "Plug the device in; `har ports` lists what is there.",
            "missing",
        )
    elif code in _DENIED:
        message, next_step, reason = "permission denied", how_to_get_access(url), "denied"
    elif isinstance(error, ValueError):
        message, next_step, reason = f"cannot be set to {baud} baud", "Pass another --baud.", "baud"
    else:
        message, next_step, reason = (
            "is not a serial port",
            "List the ports of this machine with `har ports`.",
            "not_a_port",
        )
    return BridgeError(f"{url}: {message}", next_step=next_step, port=url, reason=reason)
