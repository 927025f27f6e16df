"""The lock of a file or folder that is going to be replaced: one writer at a time, in this program and in others.

The lock is the system's on a file beside the target, so it ends with its process however that ends. The file is removed
by who holds the lock; who then gets the lock of a removed file notices, and tries again.
"""

import contextlib
import errno
import logging
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from edgehar.models.errors import HarError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_LOGGER = logging.getLogger(__name__)

PATIENCE_S: Final = 60.0
"""How long a writer waits for another one: writing takes seconds, training is over before."""

_PAUSE_S: Final = 0.02
_NO_LOCKS_HERE: Final = {errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}
"""What file systems say that know no locks."""


@contextlib.contextmanager
def locked(target: Path, *, patience_s: float = PATIENCE_S) -> Iterator[bool]:
    """Hold the lock of ``target`` during the block; yield whether the file system knows locks.

    The lock is not held twice: a block must not take the lock of the same target again.

    Raises
    ------
    HarError
        If another writer holds it for longer than ``patience_s``.
    """
    file = target.with_name(f".{target.name}.lock")
    handle, known = _acquire(file, target, time.monotonic() + patience_s)
    try:
        yield known
    finally:
        _release(handle, file)


def _acquire(file: Path, target: Path, deadline: float) -> tuple[int, bool]:
    """Return the open lock file once the lock is ours, and whether there are locks at all."""
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
    while True:
        handle = os.open(file, flags, 0o666)
        try:
            if _try_lock(handle) and _is_still(handle, file):
                return handle, True
        except OSError as error:
            if error.errno in _NO_LOCKS_HERE:
                _LOGGER.warning("%s: the file system knows no locks, two writers at once may lose a change", target)
                return handle, False
            os.close(handle)
            raise
        os.close(handle)
        if time.monotonic() > deadline:
            raise HarError(
                f"{target}: expected to be its only writer, another process is writing it",
                next_step="Wait until that has ended, then run this again.",
                path=target,
            )
        time.sleep(_PAUSE_S)


def _is_still(handle: int, file: Path) -> bool:
    """Whether an open lock file is the one that others would open now."""
    try:
        return os.path.samestat(os.fstat(handle), file.stat(follow_symlinks=False))
    except FileNotFoundError:
        return False


if sys.platform == "win32":

    def _try_lock(handle: int) -> bool:
        """Take the lock if it is free."""
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        return True

    def _release(handle: int, file: Path) -> None:
        """Give the lock back; Windows removes no file that another process waits for."""
        with contextlib.suppress(OSError):
            os.lseek(handle, 0, os.SEEK_SET)
            msvcrt.locking(handle, msvcrt.LK_UNLCK, 1)
        os.close(handle)
        with contextlib.suppress(OSError):
            file.unlink()

else:

    def _try_lock(handle: int) -> bool:
        """Take the lock if it is free."""
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _release(handle: int, file: Path) -> None:
        """Remove the lock file, then give the lock back."""
        with contextlib.suppress(OSError):
            file.unlink()
        os.close(handle)
