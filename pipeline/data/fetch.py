"""Fetch a public data set from its official address: download, check, unpack.

The archives are not ours and are never passed on; each is taken from where its authors publish it. The addresses are
those in use by published code that reads these data sets.
"""

import contextlib
import importlib
import shutil
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final, cast

from edgehar.models.errors import DataError, UsageError
from edgehar.models.files import atomic_folder
from edgehar.pipeline.data.readers import Reader


@dataclass(frozen=True, slots=True)
class Source:
    """Where a data set is published.

    Parameters
    ----------
    url
        The archive, a zip file.
    reader
        The module that must recognise what is unpacked.
    """

    url: str
    reader: str


SOURCES: Final = {
    "usc-had": Source("https://sipi.usc.edu/had/USC-HAD.zip", "edgehar.pipeline.data.readers.usc_had"),
    "hapt": Source(
        "https://archive.ics.uci.edu/ml/machine-learning-databases/00341/HAPT%20Data%20Set.zip",
        "edgehar.pipeline.data.readers.hapt",
    ),
}
"""The data sets that can be fetched, by name."""

_MAX_UNPACKED: Final = 8 * 2**30
_CLUTTER: Final = ("__MACOSX", ".DS_Store")


def fetch(
    name: str, destination: Path, *, url: str | None = None, progress: Callable[[int, int | None], None] | None = None
) -> Path:
    """Bring a data set to a folder.

    The archive is collected in ``DESTINATION.zip.part`` beside the folder. That file stays when a download breaks, so
    that the next call goes on where this one stopped, and goes when the data set is unpacked. The folder appears whole
    or not at all.

    Parameters
    ----------
    name
        One of ``SOURCES``.
    destination
        The folder to make.
    url
        Another address for the archive, such as a mirror.
    progress
        Called with (bytes here, bytes in all or None).

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    UsageError
        When the name is unknown, or something is at the destination already.
    DataError
        When the download fails, or the archive is damaged, dangerous, or holds something else.
    """
    if name not in SOURCES:
        raise UsageError(f"data set {name!r} is not one of {', '.join(SOURCES)}", next_step="Choose one of these.")
    if destination.exists() and (not destination.is_dir() or any(destination.iterdir())):
        raise UsageError(
            f"{destination}: expected a new or empty folder, found something in it",
            next_step="Choose another folder, or use what is there.",
            path=str(destination),
        )
    # The network's modules load when something is fetched.
    from edgehar.pipeline.data.download import download

    source = SOURCES[name]
    part = destination.parent / f"{destination.name}.zip.part"
    download(url or source.url, part, progress=progress)
    with _archive(part) as archive, atomic_folder(destination) as folder:
        _unpack(archive, folder, part)
        reader = cast(Reader, importlib.import_module(source.reader))
        if not reader.recognises(folder):
            part.unlink()
            raise DataError(
                f"{url or source.url}: expected the archive of {name}, got {', '.join(_top(folder)) or 'nothing'}",
                next_step="Check the address.",
                url=url or source.url,
            )
    part.unlink()
    return destination


@contextlib.contextmanager
def _archive(part: Path) -> Iterator[zipfile.ZipFile]:
    """Open a downloaded archive after checking every byte of it; one that is damaged is removed."""
    try:
        with zipfile.ZipFile(part) as archive:
            total = sum(item.file_size for item in archive.infolist())
            if total > _MAX_UNPACKED:
                raise _dangerous(part, f"at most {_MAX_UNPACKED:,} bytes when unpacked, got {total:,}")
            damaged = archive.testzip()
            if damaged is None:
                yield archive
                return
        reason = f"a wrong checksum in {damaged}"
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        reason = f"something else ({error})"
    size = part.stat().st_size
    part.unlink()
    raise DataError(
        f"{part.name}: expected a whole zip archive, got {reason} in {size:,} bytes",
        next_step="It was removed; run the command again, or check the address.",
        path=str(part),
    )


def _unpack(archive: zipfile.ZipFile, folder: Path, part: Path) -> None:
    """Unpack files and folders, without a top folder that holds everything."""
    members = [item for item in archive.infolist() if not any(name in item.filename for name in _CLUTTER)]
    tops = {PurePosixPath(item.filename).parts[0] for item in members if item.filename.strip("/")}
    nested = len(tops) == 1 and all(item.is_dir() or "/" in item.filename for item in members)
    for item in members:
        path = PurePosixPath(item.filename.replace("\\", "/"))
        kind = stat.S_IFMT(item.external_attr >> 16)
        if (
            path.is_absolute()
            or ".." in path.parts
            or ":" in item.filename
            or kind not in (0, stat.S_IFREG, stat.S_IFDIR)
        ):
            raise _dangerous(part, f"plain files inside its own folder, got {item.filename!r}")
        target = folder.joinpath(*path.parts[1 if nested else 0 :])
        if item.is_dir():
            target.mkdir(parents=True, exist_ok=True)
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(item) as packed, target.open("wb") as stream:
            shutil.copyfileobj(packed, stream)


def _dangerous(part: Path, sentence: str) -> DataError:
    """Return the error for an archive that is not unpacked."""
    part.unlink(missing_ok=True)
    return DataError(
        f"{part.name}: expected {sentence}", next_step="It was removed; check the address.", path=str(part)
    )


def _top(folder: Path) -> list[str]:
    """Return some names in a folder."""
    return sorted(item.name for item in folder.iterdir())[:5]
