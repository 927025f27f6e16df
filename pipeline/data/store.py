"""The store: a data set in one folder, its samples in one file that is mapped into memory instead of read.

::

    STORE/index.json        what is where: schema, activities, and per recording its rows, rate, labels, gaps, problems
    STORE/samples.npy       float32 (n, 3) in g, or (n, 6) in g and deg/s, all recordings one after the other
    STORE/timestamps.npy    float64 (m,) in s, of the recordings that have them; absent when none has

Nothing is ever unpickled. The content hash in the index is checked whenever a store is opened.
"""

import contextlib
import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from tokenize import TokenError
from typing import IO, Any, Final, TypeVar

import numpy as np
import numpy.typing as npt

from edgehar.models.errors import DataError, UsageError
from edgehar.models.files import atomic_folder
from edgehar.pipeline.data.recordings import Dataset, LabelInterval, Recording

FORMAT: Final = "edgehar recordings"
SCHEMA_MAJOR: Final = 1
SCHEMA_MINOR: Final = 2
INDEX_NAME: Final = "index.json"
SAMPLES_NAME: Final = "samples.npy"
TIMESTAMPS_NAME: Final = "timestamps.npy"
MAX_INDEX_BYTES: Final = 256 * 2**20
_MAX_HEADER: Final = 1024

_Kind = TypeVar("_Kind")


def is_store(path: Path) -> bool:
    """Tell whether a folder holds an index that names itself one of ours."""
    try:
        with (path / INDEX_NAME).open("rb") as stream:
            return FORMAT.encode() in stream.read(256)
    except OSError:
        return False


def check_target(path: Path) -> None:
    """Refuse to write a store where something else is.

    Raises
    ------
    UsageError
        When ``path`` is something else than a store or an empty folder: it would be deleted.
    """
    occupied = path.exists() and not (path.is_dir() and (is_store(path) or not any(path.iterdir())))
    if occupied:
        raise UsageError(
            f"{path}: expected a new path or an existing store to replace, found something else there",
            next_step="Choose another path for the store.",
            path=str(path),
        )


def save_store(dataset: Dataset, path: Path) -> str:
    """Write a data set as a store, replacing a store that stands there; return its content hash.

    Raises
    ------
    UsageError
        When ``path`` is something else than a store or an empty folder.
    """
    check_target(path)
    with atomic_folder(path) as folder:
        content_hash = _write_content(dataset, folder)
        index = json.dumps(_index(dataset, content_hash), indent=1) + "\n"
        (folder / INDEX_NAME).write_text(index, encoding="utf-8")
    return content_hash


def load_store(path: Path) -> Dataset:
    """Open a store; samples are views into the mapped file.

    Raises
    ------
    DataError
        When a file or key is missing, the schema is unknown, a recording lies outside its file, or the content is not
        what the index says.
    """
    index = _read_index(path / INDEX_NAME)
    try:
        entries = [_object(entry) for entry in _take(index, "recordings", list)]
        timed = any(entry.get("timestamps_start") is not None for entry in entries)
        samples = _map_rows(path / SAMPLES_NAME, np.dtype("<f4"), 2)
        timestamps = _map_rows(path / TIMESTAMPS_NAME, np.dtype("<f8"), 1) if timed else None
        dataset = Dataset(
            name=_take(index, "name", str),
            activities=tuple(_each(index, "activities", str)),
            recordings=tuple(recording_of(entry, samples, timestamps) for entry in entries),
            problems=tuple(_each(index, "problems", str)),
            notes=tuple(_each(index, "notes", str)),
            terms=_take(index, "terms", str),
        )
        promised = _take(index, "content_hash", str)
    except (DataError, TypeError, ValueError, OverflowError) as error:
        reason = error.message if isinstance(error, DataError) else str(error)
        raise _refusal(path, f"expected a store, but {reason}") from error
    if dataset.content_hash != promised:
        raise _refusal(path, f"expected content with hash {promised[:12]}…, got {dataset.content_hash[:12]}…")
    return dataset


def entry_of(item: Recording, row: int, time_row: int | None) -> dict[str, Any]:
    """Return what an index says of a recording whose samples and times begin at these rows."""
    return {
        "recording_id": item.recording_id,
        "subject": item.subject,
        "rate_hz": float(item.rate_hz),
        "placement": item.placement,
        "source": item.source,
        "samples_start": row,
        "samples_stop": row + len(item),
        "timestamps_start": time_row,
        "labels": [[int(label.start), int(label.stop), label.activity] for label in item.labels],
        "gaps": [int(gap) for gap in item.gaps],
        "problems": list(item.problems),
        **({"origin": list(item.origin)} if item.origin else {}),
    }


def _index(dataset: Dataset, content_hash: str) -> dict[str, Any]:
    """Return what is written to the index file."""
    entries: list[dict[str, Any]] = []
    row = time_row = 0
    for item in dataset.recordings:
        entries.append(entry_of(item, row, None if item.timestamps_s is None else time_row))
        row += len(item)
        time_row += 0 if item.timestamps_s is None else len(item)
    return {
        "format": FORMAT,
        "schema_version": f"{SCHEMA_MAJOR}.{SCHEMA_MINOR}",
        "name": dataset.name,
        "activities": list(dataset.activities),
        "terms": dataset.terms,
        "notes": list(dataset.notes),
        "problems": list(dataset.problems),
        "content_hash": content_hash,
        "recordings": entries,
    }


def _write_content(dataset: Dataset, folder: Path) -> str:
    """Write samples and timestamps, each as one .npy file, and return the hash of the content."""
    rows = sum(len(item) for item in dataset.recordings)
    timed = sum(len(item) for item in dataset.recordings if item.timestamps_s is not None)
    digest = hashlib.sha256()
    with contextlib.ExitStack() as stack:
        streams = {"samples": _npy_file(stack, folder / SAMPLES_NAME, "<f4", (rows, len(dataset.channels)))}
        if timed:
            streams["timestamps"] = _npy_file(stack, folder / TIMESTAMPS_NAME, "<f8", (timed,))
        for kind, part in dataset.content():
            digest.update(part)
            if kind in streams:
                streams[kind].write(part)
    return digest.hexdigest()


def _npy_file(stack: contextlib.ExitStack, path: Path, descr: str, shape: tuple[int, ...]) -> IO[bytes]:
    """Open a .npy file and write its header."""
    stream = stack.enter_context(path.open("wb"))
    np.lib.format.write_array_header_1_0(stream, {"descr": descr, "fortran_order": False, "shape": shape})
    return stream


def _map_rows(path: Path, dtype: np.dtype[Any], ndim: int) -> npt.NDArray[Any]:
    """Map a .npy file into memory after checking that its header and its size are those of what the store wrote."""
    try:
        with path.open("rb") as stream:
            if np.lib.format.read_magic(stream) != (1, 0):
                raise ValueError("another version of the format")
            shape, fortran_order, found = np.lib.format.read_array_header_1_0(stream, max_header_size=_MAX_HEADER)
            start = stream.tell()
    except (OSError, ValueError, EOFError, TypeError, SyntaxError, TokenError, MemoryError, RecursionError) as error:
        raise DataError(f"{path.name} is missing, cut short or not an array ({error})") from error
    if (
        found != dtype
        or fortran_order
        or len(shape) != ndim
        or (ndim == 2 and shape[1] not in (3, 6))
        or min(shape) < 1
    ):
        raise DataError(f"{path.name} holds {found} of shape {shape}")
    promised, size = math.prod(shape) * dtype.itemsize, path.stat().st_size - start
    if promised != size:
        raise DataError(f"{path.name} is missing, cut short or not an array ({promised} bytes promised, {size} there)")
    return np.asarray(np.memmap(path, dtype=dtype, mode="r", offset=start, shape=shape))


def _read_index(path: Path) -> dict[str, Any]:
    """Read the index file and refuse what is not one of a schema known here."""
    try:
        if path.stat().st_size > MAX_INDEX_BYTES:
            raise _refusal(path, f"expected at most {MAX_INDEX_BYTES} bytes, got {path.stat().st_size}")
        index = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise _refusal(path, f"expected a readable JSON file, but {error}") from error
    if not _is_text(index):
        raise _refusal(path, "expected names that are text, got half a character (a lone surrogate)")
    if not isinstance(index, dict) or index.get("format") != FORMAT:
        raise _refusal(path, f'expected "format": "{FORMAT}", got another file')
    version = str(index.get("schema_version"))
    if version.partition(".")[0] != str(SCHEMA_MAJOR):
        raise DataError(
            f"{path}: expected schema version {SCHEMA_MAJOR}.x, got {version}",
            next_step="Update this program, or import the recordings again.",
            path=str(path),
        )
    return index


def recording_of(entry: Mapping[str, Any], samples: npt.NDArray[Any], times: npt.NDArray[Any] | None) -> Recording:
    """Return the recording an entry of an index describes.

    Raises
    ------
    DataError
        When a key is missing or of another type, or rows lie outside.
    """
    start, stop = _take(entry, "samples_start", int), _take(entry, "samples_stop", int)
    if not 0 <= start < stop <= len(samples):
        raise DataError(f"recording rows {start} to {stop} lie outside the {len(samples)} rows of {SAMPLES_NAME}")
    if "timestamps_start" not in entry:
        raise DataError("the key 'timestamps_start' is missing")
    at = entry["timestamps_start"]
    if at is not None and (type(at) is not int or times is None or not 0 <= at <= len(times) - (stop - start)):
        raise DataError(f"timestamps from row {at!r} lie outside {TIMESTAMPS_NAME}")
    return Recording(
        recording_id=_take(entry, "recording_id", str),
        subject=_take(entry, "subject", str),
        samples=samples[start:stop],
        rate_hz=_take(entry, "rate_hz", float),
        labels=tuple(_label(label) for label in _take(entry, "labels", list)),
        placement=_take(entry, "placement", str),
        source=_take(entry, "source", str),
        timestamps_s=None if at is None or times is None else times[at : at + stop - start],
        gaps=tuple(_each(entry, "gaps", int)),
        problems=tuple(_each(entry, "problems", str)),
        origin=_origin(entry),
    )


def _origin(entry: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return data set and subject of a recording that was mixed in; the key may be absent."""
    if "origin" not in entry:
        return None
    pair = _each(entry, "origin", str)
    if len(pair) != 2:
        raise DataError(f"the key 'origin' holds {len(pair)} names, not data set and subject")
    return pair[0], pair[1]


def _label(item: Any) -> LabelInterval:
    """Return a label interval, written as [start, stop, activity]."""
    if not isinstance(item, list) or [type(part) for part in item] != [int, int, str]:
        raise DataError(f"a label is {str(item)[:40]!r}, not [start, stop, activity]")
    return LabelInterval(*item)


def _object(entry: Any) -> dict[str, Any]:
    """Return an entry of the index that must be an object."""
    if not isinstance(entry, dict):
        raise DataError(f"an entry of 'recordings' is {type(entry).__name__}, not an object")
    return entry


def _take(mapping: Mapping[str, Any], key: str, kind: type[_Kind]) -> _Kind:
    """Return a required value of the index, of the type it must have."""
    if key not in mapping:
        raise DataError(f"the key {key!r} is missing")
    value = mapping[key]
    if type(value) is not kind:
        raise DataError(f"the key {key!r} holds {type(value).__name__}, not {kind.__name__}")
    return value


def _each(mapping: Mapping[str, Any], key: str, kind: type[_Kind]) -> list[_Kind]:
    """Return a required list of the index whose items all are of one type."""
    items = _take(mapping, key, list)
    if any(type(item) is not kind for item in items):
        raise DataError(f"the key {key!r} holds other things than {kind.__name__}")
    return items


def _is_text(value: Any) -> bool:
    """Tell whether every string of a JSON value can be written as UTF-8."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except (UnicodeEncodeError, RecursionError):
        return False
    return True


def _refusal(path: Path, sentence: str) -> DataError:
    """Return the error for a store that cannot be used."""
    return DataError(f"{path}: {sentence}", next_step="Import the recordings again.", path=str(path))
