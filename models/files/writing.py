"""Put a file or a folder in the place of an old one, whole or not at all, and on the disk when it is there."""

import contextlib
import errno
import glob
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from edgehar.models.files.exchange import exchange
from edgehar.models.files.locking import locked


@contextlib.contextmanager
def alone(target: Path) -> Iterator[None]:
    """Be the only writer of ``target`` during the block, after what killed writers left there was tidied up.

    The block must not take the lock of the same target again.

    Raises
    ------
    HarError
        If another process is writing it.
    """
    target = _real(target)
    with locked(target) as known:
        if known:
            _tidy(target)
        yield


@contextlib.contextmanager
def atomic_path(target: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``target`` that becomes ``target`` when the block succeeds.

    Whatever the block wrote is removed when it raises. The parent folder is made if it is missing.

    Raises
    ------
    HarError
        If another process is writing it.
    """
    target = _real(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    with alone(target):
        handle, name = tempfile.mkstemp(prefix=_prefix(target), suffix=target.suffix, dir=target.parent)
        os.close(handle)
        temporary = Path(name)
        try:
            yield temporary
            temporary.chmod(0o666 & ~_umask())
            _flush(temporary)
            temporary.replace(target)
            _flush_folder(target.parent)
        finally:
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_folder(target: Path, *, lock: bool = True) -> Iterator[Path]:
    """Yield a temporary folder beside ``target`` that takes its place when the block succeeds.

    At every moment, even if the program is killed, a reader who looks for `settled` of the target finds the old folder
    or the new one, whole.

    Parameters
    ----------
    target
        Where the folder shall stand; what a link there points to is replaced, not the link.
    lock
        False where the caller is `alone` already.

    Raises
    ------
    HarError
        If another process is writing it.
    """
    target = _real(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    with alone(target) if lock else contextlib.nullcontext():
        temporary = Path(tempfile.mkdtemp(prefix=_prefix(target), dir=target.parent))
        try:
            yield temporary
            temporary.chmod(0o777 & ~_umask())
            _flush_tree(temporary)
            _put_in_place(temporary, target)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def settled(target: Path) -> Path:
    """Return where to read ``target`` from: beside it while it is being replaced, or where that was never finished."""
    if target.exists():
        return target
    previous = _previous(_real(target))
    return previous if previous.is_dir() else target


def _put_in_place(temporary: Path, target: Path) -> None:
    """Let a folder take the target's place, and leave the old one, if there is one, under the temporary name."""
    if target.exists() and not target.is_dir():
        raise FileExistsError(errno.EEXIST, "a file stands where a folder shall be written", os.fspath(target))
    previous = _previous(target)
    if target.exists() and not exchange(temporary, target):
        target.replace(previous)
        _flush_folder(target.parent)
    if not target.exists():
        try:
            temporary.replace(target)
        except OSError:
            if previous.exists():
                previous.replace(target)
            raise
    # The new one is on the disk before anything of the old one goes.
    _flush_folder(target.parent)
    _remove(previous)


def _tidy(target: Path) -> None:
    """Undo what killed writers began, and remove what they left."""
    previous = _previous(target)
    if previous.exists() and not target.exists():
        previous.replace(target)
    _remove(previous)
    for orphan in target.parent.glob(f"{glob.escape(_prefix(target))}*"):
        _remove(orphan)


def _remove(path: Path) -> None:
    """Remove a file or a folder, if there is one."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _flush_tree(folder: Path) -> None:
    """Bring everything in a folder, and the folder, to the disk."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            _flush_tree(path)
        elif path.is_file():
            _flush(path)
    _flush_folder(folder)


def _flush(file: Path) -> None:
    """Bring a file's content to the disk."""
    handle = os.open(file, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _flush_folder(folder: Path) -> None:
    """Bring a folder's list of names to the disk; not every file system can, and Windows does so by itself."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):
            os.fsync(handle)
    finally:
        os.close(handle)


def _real(target: Path) -> Path:
    """Return the path from the root on, so that it has a name, and where it points to if it is a link."""
    return target.resolve() if target.is_symlink() else Path(os.path.abspath(target))  # noqa: PTH100


def _prefix(target: Path) -> str:
    """Return how the names of temporary neighbours begin."""
    return f".{target.name}.writing-"


def _previous(target: Path) -> Path:
    """Return where the old folder stands while there is none at the target."""
    return target.with_name(f".{target.name}.previous")


def _umask() -> int:
    """Return the process umask without changing it."""
    current = os.umask(0)
    os.umask(current)
    return current
