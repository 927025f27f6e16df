"""A virtual serial port: a pty behind a link with a stable name. The reader's end looks like any /dev/tty*."""

import array
import contextlib
import errno
import os
import select
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from edgehar.models.errors import BridgeError, UsageError

_READ_BYTES: Final = 65536
_REFILL_S: Final = 0.02
"""At most 4095 bytes can be read at once; the kernel hands on the rest in the background."""


class VirtualPort:
    """The device's end of a pty.

    The port is raw from the start: nothing is echoed, nothing translated. It has no modem lines.

    Parameters
    ----------
    link
        Where to put a symbolic link to the port, or None for none. A link that points nowhere is replaced.

    Raises
    ------
    UsageError
        When something other than a dead link stands at ``link``, or its folder is missing.
    BridgeError
        When this system has no ptys, or another running port seems to own the link.
    """

    def __init__(self, link: Path | None = None) -> None:
        try:
            import tty
        except ImportError as error:
            raise BridgeError(
                "a virtual port needs ptys, and this system has none", next_step="Use Linux, macOS, or WSL."
            ) from error
        if link is not None:
            _check_free(link)
        self._end, reader_end = os.openpty()
        tty.setraw(reader_end)
        self.device = os.ttyname(reader_end)
        os.close(reader_end)
        os.set_blocking(self._end, False)
        self._link = link
        self._closed = False
        if link is not None:
            self._make_link(link)

    @property
    def name(self) -> str:
        """What a reader opens: the link, or the device if there is none."""
        return str(self._link or self.device)

    def has_reader(self) -> bool:
        """Tell whether some program holds the port open."""
        return not self._poll(0.0) & select.POLLHUP

    def send(self, data: bytes, *, timeout_s: float) -> int:
        """Write what the port takes, waiting up to ``timeout_s`` for room; return how many bytes it took."""
        flags = self._poll(timeout_s)
        if flags & select.POLLHUP or not flags & select.POLLOUT:
            return 0
        with contextlib.suppress(BlockingIOError):
            return os.write(self._end, data)
        return 0

    def receive(self) -> bytes:
        """Return what the reader has written to the device, without waiting."""
        # Without a reader the end reports an error; there is nothing to receive then.
        with contextlib.suppress(OSError):
            return os.read(self._end, _READ_BYTES)
        return b""

    def unread(self) -> int:
        """Return how many bytes lie in the port that no reader has taken yet (up to 4095: there may be more behind)."""
        import fcntl
        import termios

        waiting = array.array("i", [0])
        with contextlib.suppress(OSError), self._reader_end() as reader_end:
            fcntl.ioctl(reader_end, termios.FIONREAD, waiting)
        return waiting[0]

    def take_back(self) -> bytes:
        """Empty the port after its reader has left, and return what it had not read."""
        taken = bytearray()
        # Where a reader has locked the port against others, nothing can be taken back.
        with contextlib.suppress(OSError), self._reader_end() as reader_end:
            while select.select([reader_end], [], [], _REFILL_S)[0]:
                taken += os.read(reader_end, _READ_BYTES)
        return bytes(taken)

    def close(self) -> None:
        """Unplug: the link is removed, a reader's next read fails; closing twice is fine."""
        if self._closed:
            return
        self._closed = True
        with contextlib.suppress(OSError):
            if self._link is not None and str(self._link.readlink()) == self.device:
                self._link.unlink()
        os.close(self._end)

    def _poll(self, timeout_s: float) -> int:
        """Return the poll flags of the device's end."""
        poller = select.poll()
        poller.register(self._end, select.POLLOUT)
        ready = poller.poll(timeout_s * 1000)
        return ready[0][1] if ready else 0

    @contextlib.contextmanager
    def _reader_end(self) -> Iterator[int]:
        """Open the reader's end for a moment."""
        handle = os.open(self.device, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        try:
            yield handle
        finally:
            os.close(handle)

    def _make_link(self, link: Path) -> None:
        """Put the link in place in one step."""
        temporary = link.with_name(f".{link.name}.{os.getpid()}")
        try:
            temporary.symlink_to(self.device)
            temporary.replace(link)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            os.close(self._end)
            raise _link_error(link, error) from error


def _check_free(link: Path) -> None:
    """Refuse to put a link where something else stands."""
    if link.is_symlink():
        if link.exists():
            raise BridgeError(
                f"{link}: expected a free name, it is a link to {link.readlink()}, where another sensor may be running",
                next_step=f"Choose another --link, or remove the link if it is left over: rm {link}.",
                port=str(link),
                reason="busy",
            )
        return
    if link.exists():
        raise UsageError(
            f"{link}: expected a free name for a link, there is {'a folder' if link.is_dir() else 'a file'}",
            next_step="Choose another --link.",
        )
    if not link.parent.is_dir():
        raise UsageError(f"{link.parent}: expected a folder for the link, there is none", next_step="Make it first.")


def _link_error(link: Path, error: OSError) -> BridgeError:
    """Return the error of a link that cannot be made."""
    denied = error.errno in (errno.EACCES, errno.EPERM, errno.EROFS)
    return BridgeError(
        f"{link}: could not make the link ({error.strerror})",
        next_step="Choose a --link in a folder you may write to." if denied else "Choose another --link.",
        port=str(link),
    )
