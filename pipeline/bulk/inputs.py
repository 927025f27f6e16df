"""What paths, patterns and addresses name: files here or in an object store, data sets, and their content hash.

`s3://`, `gs://`, `https://` and whatever else fsspec knows are read where they lie; credentials are those of the
environment.
"""

import contextlib
import hashlib
import json
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from edgehar.models.errors import DataError, HarError
from edgehar.models.foreign_text import printable
from edgehar.pipeline.data.readers import SYNTHETIC, recognise

PARQUET: Final = (".parquet", ".pq")
_MAGIC: Final = "*?["
_CHUNK: Final = 2**20


@dataclass(frozen=True, slots=True)
class Input:
    """A file that may hold recordings, or a folder that is one data set.

    Parameters
    ----------
    url
        Where it is: a path, or an address that fsspec knows.
    inner
        Relative path below what was named, in POSIX form: it tells recordings of equal names apart.
    size
        In bytes, as far as known.
    form
        ``parquet``, ``file``, or ``dataset`` for what only makes sense as a whole.
    """

    url: str
    inner: str
    size: int
    form: str

    @property
    def is_remote(self) -> bool:
        """Whether it lies in an object store or behind a web address."""
        return "://" in self.url

    @property
    def stem(self) -> str:
        """The id of its recording: the relative path without suffixes."""
        plain = PurePosixPath(self.inner)
        return (plain.with_suffix("") if plain.suffix.lower() == ".gz" else plain).with_suffix("").as_posix()


def find_inputs(paths: Iterable[str]) -> list[Input]:
    """Return every file that paths, patterns and addresses name, each once, in order.

    Raises
    ------
    DataError
        When one of them names nothing, or its store refuses.
    """
    found: dict[str, Input] = {}
    for path in paths:
        here = _remote(path) if "://" in path else _local(path)
        if not here:
            raise DataError(
                f"{printable(path)}: expected recordings (.parquet, .csv, .tsv, .txt, .json, .gz, .zip), found none",
                next_step="Check the path.",
                path=path,
            )
        for item in here:
            found.setdefault(item.url, item)
    return list(found.values())


def content_key(item: Input) -> str:
    """Return a hash of what is in a file or data set; of an object store, of the tag it gives the content.

    Raises
    ------
    DataError
        When it cannot be read.
    """
    if item.url.partition(":")[0] == SYNTHETIC:
        return hashlib.sha256(item.url.encode()).hexdigest()
    with _readable(item.url):
        if item.is_remote:
            return _remote_key(item)
        place = Path(item.url)
        if place.is_file():
            return _file_hash(place)
        digest = hashlib.sha256()
        for file in sorted(file for file in place.rglob("*") if file.is_file()):
            digest.update(f"{file.relative_to(place).as_posix()}\0{_file_hash(file)}\0".encode())
        return digest.hexdigest()


@contextlib.contextmanager
def opened_stream(item: Input) -> Iterator[Any]:
    """Yield a file as a stream that can be read from any place, or its path where it is here."""
    with _readable(item.url):
        if not item.is_remote:
            yield item.url
            return
        system, path = _system(item.url)
        with system.open(path, "rb", block_size=8 * _CHUNK) as stream:
            yield stream


@contextlib.contextmanager
def local_copy(item: Input) -> Iterator[Path]:
    """Yield a path on this machine, in a temporary folder where the file is elsewhere."""
    if not item.is_remote:
        yield Path(item.url)
        return
    with tempfile.TemporaryDirectory(prefix="edgehar-") as folder, _readable(item.url):
        place = Path(folder) / PurePosixPath(item.inner).name
        system, path = _system(item.url)
        with system.open(path, "rb") as stream, place.open("wb") as copy:
            while block := stream.read(8 * _CHUNK):
                copy.write(block)
        yield place


def _local(path: str) -> list[Input]:
    """Return the files that a path or a pattern on this machine names."""
    if path.partition(":")[0] == SYNTHETIC:
        return [Input(path, path, 0, "dataset")]
    place = Path(path)
    if not place.exists() and any(mark in path for mark in _MAGIC):
        anchor = Path(place.anchor) if place.is_absolute() else Path()
        matches = sorted(anchor.glob(str(place.relative_to(place.anchor)) if place.is_absolute() else path))
        return [item for match in matches for item in _at(match, match.as_posix().lstrip("/"))]
    if not place.exists():
        raise DataError(f"{place}: expected a file or folder, found nothing", next_step="Check the path.", path=path)
    return _at(place, place.name)


def _at(place: Path, inner: str) -> list[Input]:
    """Return what stands at a path: a file, a data set, or the files of a folder."""
    if place.is_file():
        form = _form(place.name)
        return [Input(str(place), inner, place.stat().st_size, form)] if form else []
    files = [file for file in sorted(place.rglob("*")) if file.is_file() and not _is_hidden(file, place)]
    try:
        kind = recognise(place)
    except DataError:
        kind = "csv"
    if kind != "csv":
        return [Input(str(place), inner, sum(file.stat().st_size for file in files), "dataset")]
    return [
        Input(str(file), file.relative_to(place).as_posix(), file.stat().st_size, form)
        for file in files
        if (form := _form(file.name))
    ]


def _is_hidden(file: Path, folder: Path) -> bool:
    """Tell whether a file, or a folder it is in, begins with a dot."""
    return any(part.startswith((".", "__MACOSX")) for part in file.relative_to(folder).parts)


def _form(name: str) -> str:
    """Return how a file is to be read, by its name; empty for one that is no recording."""
    if name.lower().endswith(PARQUET):
        return "parquet"
    return "file" if name.lower().endswith((".zip", ".harcap")) or _may_be_text(name) else ""


def _may_be_text(name: str) -> bool:
    """Tell whether the importing chain takes a file of this name."""
    plain = name[:-3] if name.lower().endswith(".gz") else name
    return plain.lower().endswith((".csv", ".tsv", ".txt", ".dat", ".log", ".data", ".json", ".cbor"))


def _remote(address: str) -> list[Input]:
    """Return the files that an address or a pattern names."""
    with _readable(address):
        system, path = _system(address)
        scheme = address.partition("://")[0]
        if any(mark in path for mark in _MAGIC) and scheme not in ("http", "https"):
            found = {name: system.info(name) for name in sorted(system.glob(path))}
            root = path[: min(path.index(mark) for mark in _MAGIC if mark in path)].rpartition("/")[0]
        elif scheme not in ("http", "https") and system.isdir(path):
            found, root = system.find(path, detail=True), path
        else:
            found, root = {path: system.info(path)}, path.rpartition("/")[0]
        inputs = []
        for name, info in found.items():
            form = _form(PurePosixPath(name.partition("?")[0]).name)
            if form and info.get("type") == "file":
                inner = name.removeprefix(root).strip("/")
                inputs.append(Input(system.unstrip_protocol(name), inner, int(info.get("size") or 0), form))
        return inputs


def _system(address: str) -> tuple[Any, str]:
    """Return the file system of an address, and the path in it."""
    import fsspec

    system, path = fsspec.core.url_to_fs(address)
    return system, path


def _remote_key(item: Input) -> str:
    """Return a hash of the tag that a store gives the content; where it gives none, of the content."""
    system, path = _system(item.url)
    system.invalidate_cache()
    info = system.info(path)
    tag = {key: str(info[key]) for key in ("ETag", "etag", "md5Hash", "sha256", "crc32c") if info.get(key)}
    if tag:
        return hashlib.sha256(json.dumps([tag, info.get("size")], sort_keys=True).encode()).hexdigest()
    digest = hashlib.sha256()
    with system.open(path, "rb") as stream:
        while block := stream.read(8 * _CHUNK):
            digest.update(block)
    return digest.hexdigest()


def _file_hash(path: Path) -> str:
    """Return the hash of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@contextlib.contextmanager
def _readable(where: str) -> Iterator[None]:
    """Turn what a file system or a store says into one sentence."""
    try:
        yield
    except (HarError, ModuleNotFoundError, MemoryError):
        raise
    except Exception as error:
        if not isinstance(error, OSError | ValueError) and "://" not in where:
            raise
        raise _refused(where, error) from error


def _refused(where: str, error: Exception) -> DataError:
    """Return the error of a file that cannot be reached."""
    name, said = printable(where), printable(" ".join(str(error).split()), 200) or type(error).__name__
    credentials = ("credential", "accesskey", "forbidden", "access denied", "403", "401", "signature", "token")
    if isinstance(error, PermissionError) or any(word in said.lower() for word in credentials):
        return DataError(
            f"{name}: expected to be let in, but the store or the system refused ({said})",
            next_step="Check the credentials in the environment (for s3: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY).",
            path=where,
        )
    if isinstance(error, FileNotFoundError):
        return DataError(f"{name}: expected a file, found nothing", next_step="Check the path.", path=where)
    return DataError(f"{name}: expected a readable file, but {said}", next_step="Check the file.", path=where)
