"""Where recordings come from: files, folders, .gz and .zip, as named streams of bytes; nothing is unpacked.

What is not a recording by its name is passed over, and said by the caller.
"""

import contextlib
import gzip
import io
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path, PurePath, PurePosixPath
from typing import IO, Final, cast

from edgehar.models.errors import DataError
from edgehar.pipeline.data.importing.refusals import refusal

TABLES: Final = (".csv", ".tsv")
"""Suffixes that say that a file is a table."""
MAYBE_TABLES: Final = (".txt", ".dat", ".log", ".data", ".jsonl", ".ndjson", ".arff")
"""Suffixes of tables as well as of notes: taken when named, and in folders that hold nothing of ``TABLES``."""
DOCUMENTS: Final = (".json", ".cbor")
_READ: Final = (*TABLES, *MAYBE_TABLES, *DOCUMENTS, ".zip")
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
    content
        What is read instead of the file: the same, written in another way.
    """

    name: str
    inner: str
    path: Path
    member: str | None = None
    content: bytes | None = field(default=None, repr=False)

    @property
    def suffix(self) -> str:
        """The suffix in lower case, without ``.gz``."""
        return PurePosixPath(self.inner).suffix.lower()

    @property
    def stem(self) -> str:
        """The relative path without suffix: the id of a recording."""
        return PurePosixPath(self.inner).with_suffix("").as_posix()

    @property
    def _archive(self) -> zipfile.ZipFile:
        """The archive that holds the member."""
        return _opened(self.path, self.path.stat().st_mtime_ns)

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
        if self.content is not None:
            return io.BytesIO(self.content)
        if self.member is None:
            if self.path.name.lower().endswith(".gz"):
                return cast(IO[bytes], stack.enter_context(gzip.open(self.path, "rb")))
            return stack.enter_context(self.path.open("rb"))
        archive = self._archive
        info = archive.getinfo(self.member)
        if info.file_size > _MOST_INFLATED * max(info.compress_size, 1024):
            raise refusal(
                self.name, f"expected a recording, got {info.compress_size} bytes that claim {info.file_size}"
            )
        stream = stack.enter_context(archive.open(info))
        return io.BufferedReader(stream) if not self.member.lower().endswith(".gz") else gzip.open(stream, "rb")  # type: ignore[return-value,type-var]


@dataclass(slots=True, eq=False)
class Listing:
    """The files at a path.

    Parameters
    ----------
    sources
        Those that may be recordings by their names, in order.
    broken
        Archives and links that lead nowhere, and why.
    others
        How many files there are of every other suffix.
    """

    sources: list[Source] = field(default_factory=list)
    broken: list[tuple[Source, DataError]] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)


def find_sources(path: Path) -> Listing:
    """Return every file that may be a recording at a path, in order; and what else is there.

    Raises
    ------
    DataError
        When the path is an archive that cannot be read.
    """
    listing = Listing()
    if path.is_file() and path.suffix.lower() == ".zip":
        _add_archive(listing, path, path.name)
    elif path.is_file():
        listing.sources.append(Source(str(path), _without_gz(path.name), path))
    else:
        _add_folder(listing, path)
    return listing


def may_hold_recordings(path: Path) -> bool:
    """Tell, from names alone, whether a path is or holds a file that may be a recording."""
    if path.is_file():
        return _suffix(path.name) in _READ
    return any(_suffix(file.name) in _READ and not _hidden(file.relative_to(path)) for file in path.rglob("*"))


def _add_folder(listing: Listing, folder: Path) -> None:
    """List the files below a folder that are not hidden; an archive that cannot be read is a broken file."""
    for file in sorted(folder.rglob("*")):
        inner = file.relative_to(folder)
        if _hidden(inner) or file.is_dir():
            continue
        source = Source(str(file), _without_gz(inner.as_posix()), file)
        if _suffix(file.name) not in _READ:
            listing.others[_suffix(file.name)] += 1
        elif not file.is_file():
            error = refusal(
                source.name, "expected a file, got a link to none, or a device", next_step="Copy the file here."
            )
            listing.broken.append((source, error))
        elif file.suffix.lower() != ".zip":
            listing.sources.append(source)
        else:
            try:
                _add_archive(listing, file, inner.as_posix())
            except DataError as error:
                listing.broken.append((source, error))


def _add_archive(listing: Listing, path: Path, inner: str) -> None:
    """List the members of an archive that are not hidden."""
    try:
        infos = _opened(path, path.stat().st_mtime_ns).infolist()
    except _DAMAGE as error:
        raise refusal(str(path), f"expected a readable zip archive, but {error}", next_step="Copy it again.") from error
    if len(infos) > MAX_MEMBERS:
        raise refusal(str(path), f"expected at most {MAX_MEMBERS} files in an archive, got {len(infos)}")
    stem = PurePosixPath(inner).with_suffix("").as_posix()
    for info in sorted(infos, key=lambda info: info.filename):
        if info.is_dir() or _hidden(PurePosixPath(info.filename)):
            continue
        suffix = _suffix(info.filename)
        if suffix not in _READ or suffix == ".zip":
            listing.others[suffix] += 1
            continue
        plain = f"{stem}/{_without_gz(info.filename)}"
        listing.sources.append(Source(f"{path}/{info.filename}", plain, path, info.filename))


@lru_cache(maxsize=4)
def _opened(path: Path, changed_ns: int) -> zipfile.ZipFile:
    """Return an archive, opened once: its list of members is read anew by every opening."""
    return zipfile.ZipFile(path)


def _hidden(inner: PurePath) -> bool:
    """Tell whether a path below what was named is hidden, or made by an archiver."""
    return any(part.startswith((".", "__MACOSX")) for part in inner.parts)


def _suffix(name: str) -> str:
    """Return the suffix of a name in lower case, without .gz."""
    return PurePosixPath(_without_gz(name)).suffix.lower()


def _without_gz(name: str) -> str:
    """Return a name without .gz."""
    return name[:-3] if name.lower().endswith(".gz") else name
