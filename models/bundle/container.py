"""The files of a bundle, from a folder or a zip, each read with a limit that no header can talk it out of."""

import zipfile
from pathlib import Path, PurePosixPath
from typing import Final

from edgehar.models.bundle.npz import DAMAGE
from edgehar.models.errors import BundleError

MANIFEST: Final = "manifest.json"


def open_source(path: Path) -> "FolderSource | ZipSource":
    """Return a reader of the folder or the zip at ``path``.

    Raises
    ------
    BundleError
        If there is nothing at ``path``, or something that is neither.
    """
    if path.is_dir():
        return FolderSource(path)
    if not path.exists():
        raise BundleError(
            f"{path}: expected a bundle, found nothing", next_step="Make one with `har train`.", path=path
        )
    if not path.is_file() or not zipfile.is_zipfile(path):
        raise BundleError(
            f"{path}: expected a bundle folder or a zip of one, got another kind of file",
            next_step="Name the folder that `har train --out` wrote.",
            path=path,
        )
    return ZipSource(path)


class FolderSource:
    """Files of a bundle that is a folder."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, name: str, limit: int) -> bytes:
        """Return a file's bytes, at most ``limit`` and one more."""
        file = self._path / name
        if not file.is_file():
            raise _missing(self._path, name)
        _refuse_larger(self._path, name, file.stat().st_size, limit)
        with file.open("rb") as stream:
            return stream.read(limit + 1)


class ZipSource:
    """Files of a bundle that is a zip, at its root or inside one folder."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            with zipfile.ZipFile(path) as archive:
                self._members = {member.filename: member for member in archive.infolist()}
        except DAMAGE as error:
            raise BundleError(
                f"{path}: expected a readable zip, got a damaged one ({error})", next_step="Download it again."
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
            with zipfile.ZipFile(self._path) as archive, archive.open(member) as stream:
                return stream.read(limit + 1)
        except DAMAGE as error:
            raise BundleError(
                f"{self._path}: expected a readable {name}, got a damaged one ({error})", next_step="Download it again."
            ) from error


def _missing(path: Path, name: str) -> BundleError:
    """Return the error for a file that is not there."""
    return BundleError(
        f"{path}: expected {name} in the bundle, it is missing",
        next_step="Name the folder that `har train --out` wrote.",
        file=name,
    )


def _refuse_larger(path: Path, name: str, size: int, limit: int) -> None:
    """Refuse a file that is larger than its manifest entry or the cap, before reading it."""
    if size > limit:
        raise BundleError(
            f"{path}: expected {name} of at most {limit:,} bytes, it has {size:,}",
            next_step="Do not use this bundle: it is damaged or made to exhaust memory.",
            file=name,
        )
