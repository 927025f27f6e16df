"""Where recordings come from: files, folders, .gz and .zip, as named streams of bytes; nothing is unpacked.

What is not a recording by its name is passed over, and said by the caller.
"""

import contextlib
import gzip
import io
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Final, cast

from edgehar.models.errors import DataError
from edgehar.pipeline.data.importing.refusals import refusal

TABLES: Final = (".csv", ".tsv")
"""Suffixes that say that a file is a table."""
MAYBE_TABLES: Final = (".txt", ".dat", ".log", ".data")
"""Suffixes of tables as well as of notes: taken when named, and in folders that hold nothing of ``TABLES``."""
DOCUMENTS: Final = (".json", ".cbor")
MAX_MEMBERS: Final = 100_000
_MOST_INFLATED: Final = 200
"""A zip member that grows by more is refused: text of numbers shrinks to a third or a tenth."""
_DAMAGE: Final = (OSError, EOFError, zlib.error, zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError)


@dataclass(frozen=True, slots=True)
class Source:
    """A file, or a member of an archive.

    Parameters
    ----------
    name
        As people are told it.
    inner
        Relative path below what was named, in POSIX form, without ``.gz``.
    path
        The file on disk.
    member
        The member of the zip archive at ``path``, if it is one.
    """

    name: str
    inner: str
    path: Path
    member: str | None = None

    @property
    def suffix(self) -> str:
        """The suffix in lower case, without ``.gz``."""
        return PurePosixPath(self.inner).suffix.lower()

    @property
    def stem(self) -> str:
        """The relative path without suffix: the id of a recording."""
        return PurePosixPath(self.inner).with_suffix("").as_posix()

    @property
    def size(self) -> int:
        """Bytes on disk, or in the archive after inflating."""
        if self.member is None:
            return self.path.stat().st_size
        with zipfile.ZipFile(self.path) as archive:
            return archive.getinfo(self.member).file_size

    @contextlib.contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """Yield the bytes as a stream.

        Raises
        ------
        DataError
            When the file cannot be read, or an archive is damaged or grows beyond reason.
        """
        try:
            with contextlib.ExitStack() as stack:
                yield self._stream(stack)
        except DataError:
            raise
        except _DAMAGE as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            raise refusal(self.name, f"expected a readable file, but {reason}", next_step="Check the file.") from error

    def _stream(self, stack: contextlib.ExitStack) -> IO[bytes]:
        """Open the file, the member, or what a .gz holds."""
        if self.member is None:
            if self.path.name.lower().endswith(".gz"):
                return cast(IO[bytes], stack.enter_context(gzip.open(self.path, "rb")))
            return stack.enter_context(self.path.open("rb"))
        archive = stack.enter_context(zipfile.ZipFile(self.path))
        info = archive.getinfo(self.member)
        if info.file_size > _MOST_INFLATED * max(info.compress_size, 1024):
            raise refusal(
                self.name, f"expected a recording, got {info.compress_size} bytes that claim {info.file_size}"
            )
        stream = stack.enter_context(archive.open(info))
        return io.BufferedReader(stream) if not self.member.lower().endswith(".gz") else gzip.open(stream, "rb")  # type: ignore[return-value,type-var]


def find_sources(path: Path) -> list[Source]:
    """Return every file that may be a recording at a path, in order.

    Raises
    ------
    DataError
        When an archive cannot be read.
    """
    if path.is_file() and path.suffix.lower() == ".zip":
        return _in_archive(path, path.name)
    if path.is_file():
        return [Source(str(path), _without_gz(path.name), path)]
    return _in_folder(path)


def may_hold_recordings(path: Path) -> bool:
    """Tell, from names alone, whether a path is or holds a file that may be a recording."""
    if path.is_file():
        plain = Path(_without_gz(path.name)).suffix.lower()
        return plain in (*TABLES, *MAYBE_TABLES, *DOCUMENTS, ".zip")
    return any(_wanted(path, file) for file in path.rglob("*"))


def _in_folder(folder: Path) -> list[Source]:
    """Return the files below a folder that are not hidden."""
    found: list[Source] = []
    for file in sorted(folder.rglob("*")):
        if not _wanted(folder, file):
            continue
        inner = file.relative_to(folder).as_posix()
        if file.suffix.lower() == ".zip":
            found += _in_archive(file, inner)
        else:
            found.append(Source(str(file), _without_gz(inner), file))
    return found


def _wanted(folder: Path, file: Path) -> bool:
    """Tell whether a file below a folder may be a recording, by its name."""
    hidden = any(part.startswith((".", "__MACOSX")) for part in file.relative_to(folder).parts)
    suffix = Path(_without_gz(file.name)).suffix.lower()
    return not hidden and suffix in (*TABLES, *MAYBE_TABLES, *DOCUMENTS, ".zip") and file.is_file()


def _in_archive(path: Path, inner: str) -> list[Source]:
    """Return the members of an archive that are not hidden."""
    try:
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
    except _DAMAGE as error:
        raise refusal(str(path), f"expected a readable zip archive, but {error}", next_step="Copy it again.") from error
    if len(infos) > MAX_MEMBERS:
        raise refusal(str(path), f"expected at most {MAX_MEMBERS} files in an archive, got {len(infos)}")
    stem = PurePosixPath(inner).with_suffix("").as_posix()
    found = []
    for info in sorted(infos, key=lambda info: info.filename):
        member = PurePosixPath(info.filename)
        hidden = any(part.startswith((".", "__MACOSX")) for part in member.parts)
        plain = _without_gz(info.filename)
        if (
            not info.is_dir()
            and not hidden
            and PurePosixPath(plain).suffix.lower() in (*TABLES, *MAYBE_TABLES, *DOCUMENTS)
        ):
            found.append(Source(f"{path}/{info.filename}", f"{stem}/{plain}", path, info.filename))
    return found


def _without_gz(name: str) -> str:
    """Return a name without .gz."""
    return name[:-3] if name.lower().endswith(".gz") else name
