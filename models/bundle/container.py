"""The files of a bundle, from a folder or a zip, each read with a limit that no header can talk it out of.

No link is followed: in a stranger's folder one may point to anything its reader can read.
"""

import errno
import os
import stat
import zipfile
from pathlib import Path, PurePosixPath
from typing import Final

from edgehar.models.bundle.names import MANIFEST
from edgehar.models.bundle.ziplimits import DAMAGE, read_member, refuse_long_directory
from edgehar.models.errors import BundleError
from edgehar.models.foreign_text import printable

_LINK_REFUSED: Final = {errno.ELOOP, errno.EMLINK}
"""What systems say of a link that is not to be followed."""


def open_source(path: Path) -> "FolderSource | ZipSource":
    """Return a reader of the folder or the zip at ``path``.

    Raises
    ------
    BundleError
        If there is nothing at ``path``, or something that is neither, or it cannot be looked at.
    """
    try:
        if path.is_dir():
            return FolderSource(path)
        if not path.exists():
            raise BundleError(
                f"{path}: expected a bundle, found nothing",
                next_step="Name a bundle's folder or zip, or make one with `har train`.",
                path=path,
            )
        if path.is_file() and zipfile.is_zipfile(path):
            return ZipSource(path)
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    raise BundleError(
        f"{path}: expected a bundle folder or a zip of one, got another kind of file",
        next_step="Name the folder that `har train --out` wrote.",
        path=path,
    )


class FolderSource:
    """Files of a bundle that is a folder."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, name: str, limit: int) -> bytes:
        """Return a file's bytes, at most ``limit`` and one more."""
        return read_plain(self._path / name, limit, name=name)


class ZipSource:
    """Files of a bundle that is a zip, at its root or inside one folder."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            with path.open("rb") as stream:
                refuse_long_directory(stream)
                with zipfile.ZipFile(stream) as archive:
                    self._members = {member.filename: member for member in archive.infolist()}
        except DAMAGE as error:
            raise BundleError(
                f"{path}: expected a readable zip, got a damaged one ({printable(str(error), 100)})",
                next_step="Download it again.",
            ) from error
        roots = [name.removesuffix(MANIFEST) for name in self._members if PurePosixPath(name).name == MANIFEST]
        self._root = min(roots, key=len, default="")

    def read(self, name: str, limit: int) -> bytes:
        """Return a file's bytes, at most ``limit`` and one more, whatever the zip's directory claims."""
        member = self._members.get(self._root + name)
        if member is None:
            raise _missing(self._path, name)
        _refuse_larger(self._path, name, member.file_size, limit)
        try:
            with zipfile.ZipFile(self._path) as archive:
                return read_member(archive, member, limit + 1)
        except DAMAGE as error:
            raise BundleError(
                f"{self._path}: expected a readable {name}, got a damaged one ({printable(str(error), 100)})",
                next_step="Download it again.",
            ) from error


def read_plain(file: Path, limit: int, *, name: str) -> bytes:
    """Return the bytes of a file that is neither link, pipe nor device, at most ``limit`` and one more.

    Raises
    ------
    BundleError
        If it is not there, something else, larger than the limit, or cannot be read.
    """
    flags = os.O_RDONLY | sum(getattr(os, each, 0) for each in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY"))
    try:
        if not hasattr(os, "O_NOFOLLOW") and is_link(file):
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        with os.fdopen(os.open(file, flags), "rb") as stream:
            facts = os.fstat(stream.fileno())
            if not stat.S_ISREG(facts.st_mode):
                raise _no_plain_file(file, name, "something else")
            _refuse_larger(file.parent, name, facts.st_size, limit)
            return stream.read(limit + 1)
    except FileNotFoundError as error:
        raise _missing(file.parent, name) from error
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno in _LINK_REFUSED:
            raise _no_plain_file(file, name, "a link") from error
        if file.is_dir():
            raise _no_plain_file(file, name, "a folder") from error
        raise _unreadable(file, error) from error


def is_link(path: Path) -> bool:
    """Whether a path is a link of any kind, such as Windows' junctions."""
    return path.is_symlink() or bool(getattr(os.path, "isjunction", lambda _: False)(path))


def _missing(path: Path, name: str) -> BundleError:
    """Return the error for a file that is not there."""
    return BundleError(
        f"{path}: expected {name} in the bundle, it is missing",
        next_step="Name the folder that `har train --out` wrote.",
        file=name,
    )


def _no_plain_file(file: Path, name: str, got: str) -> BundleError:
    """Return the error for a link, a folder, a pipe or a device."""
    return BundleError(
        f"{file}: expected a plain file, got {got}",
        next_step="Do not use this bundle unless you know why: what it points to is not part of it.",
        file=name,
    )


def _unreadable(path: Path, error: OSError | ValueError) -> BundleError:
    """Return the error of a path that the system does not let us read."""
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return BundleError(
        f"{path}: expected a bundle that can be read, the system says: {reason}",
        next_step="Check the name and the permissions.",
        path=path,
    )


def _refuse_larger(path: Path, name: str, size: int, limit: int) -> None:
    """Refuse a file that is larger than its manifest entry or the cap, before reading it."""
    if size > limit:
        raise BundleError(
            f"{path}: expected {name} of at most {limit:,} bytes, it has {size:,}",
            next_step="Do not use this bundle: it is damaged or made to exhaust memory.",
            file=name,
        )
