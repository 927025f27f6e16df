"""The label file: intervals that somebody marked on recordings, one a line, as `har data label` keeps them.

::

    recording,start_s,end_s,label
    walks/anna,12.500000,31.020000,Walking
    walks/bert,,,

Times are the recording's own timestamps, or seconds from its first sample where it has none; an interval holds the
samples from start_s (inclusive) to end_s (exclusive). A line without times says that a recording has no labels. Labels
of a recording that the file names replace those it had; other recordings keep theirs.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from edgehar.models.errors import DataError
from edgehar.models.files import atomic_path
from edgehar.models.foreign_text import unprintable
from edgehar.pipeline.data.recordings import Dataset, LabelInterval, Recording

COLUMNS: Final = ("recording", "start_s", "end_s", "label")
SUFFIX: Final = ".labels.csv"
MAX_BYTES: Final = 64 * 2**20
_MOMENT_S: Final = 1e-6
"""Times are written with six decimals."""

Interval = tuple[float, float, str]
"""Start and end in s, and the label."""


def label_file_of(path: str | Path) -> Path:
    """Return the label file that belongs to recordings: beside them, with their name.

    Examples
    --------
    >>> label_file_of("walks/anna.csv.gz").name, label_file_of("walks/").name
    ('anna.labels.csv', 'walks.labels.csv')
    """
    place = Path(path)
    place = place if place.name not in ("", "..") else place.resolve()
    name = place.name.removesuffix(".gz")
    stem = Path(name).stem if place.suffix and not place.is_dir() else name
    return place.with_name(f"{stem}{SUFFIX}")


def is_label_file(path: Path) -> bool:
    """Tell whether a file begins as label files do."""
    try:
        with path.open("rb") as stream:
            return stream.read(64).decode("utf-8-sig", "replace").splitlines()[:1] == [",".join(COLUMNS)]
    except OSError:
        return False


def read_label_file(path: Path) -> dict[str, list[Interval]]:
    """Return the intervals of every recording that a label file names.

    Raises
    ------
    DataError
        When it cannot be read, or a line is not one of a label file.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise _refusal(path, 1, f"expected at most {MAX_BYTES} bytes, got {path.stat().st_size}")
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: expected a readable label file ({error})", path=str(path)) from error
    rows = csv.reader(io.StringIO(text, newline=""))
    try:
        head = tuple(next(rows, ()))
        if head != COLUMNS:
            raise _refusal(path, 1, f"expected the columns {','.join(COLUMNS)}, got {','.join(head)[:80]!r}")
        return intervals_of_rows(rows, name=str(path))
    except csv.Error as error:
        raise _refusal(path, rows.line_num, f"expected a CSV line ({error})") from error


def intervals_of_rows(rows: Iterable[Sequence[str]], *, name: str) -> dict[str, list[Interval]]:
    """Return the intervals of every recording that rows below the names of the columns name.

    Raises
    ------
    DataError
        When a row is not one of a label file.
    """
    found: dict[str, list[Interval]] = {}
    for line, row in enumerate(rows, 2):
        if row:
            recording, interval = _read_row(name, line, row)
            found.setdefault(recording, []).extend([interval] if interval else [])
    return {recording: sorted(intervals, key=lambda item: item[0]) for recording, intervals in found.items()}


def _read_row(path: str, line: int, row: Sequence[str]) -> tuple[str, Interval | None]:
    """Return the recording and the interval of a line."""
    if len(row) != len(COLUMNS) or not row[0]:
        raise _refusal(path, line, f"expected {len(COLUMNS)} cells, a recording first, got {','.join(row)[:80]}")
    name, start, end, label = row
    if not (start or end or label):
        return name, None
    try:
        begun, ended = float(start), float(end)
    except ValueError:
        raise _refusal(path, line, f"expected times in s, got {start[:20]!r} and {end[:20]!r}") from None
    if not (np.isfinite(begun) and np.isfinite(ended) and begun < ended and label.strip() and not unprintable(label)):
        raise _refusal(path, line, f"expected a start before an end, and a label, got {','.join(row)[:80]}")
    return name, (begun, ended, label.strip())


def write_label_file(path: Path, labels: Mapping[str, Iterable[Interval]]) -> None:
    """Write intervals of recordings, whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_text(label_file_text(labels), encoding="utf-8")


def label_file_text(labels: Mapping[str, Iterable[Interval]]) -> str:
    """Return the content of a label file."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for name, intervals in labels.items():
        rows = [(name, f"{start:.6f}", f"{end:.6f}", label) for start, end, label in intervals]
        writer.writerows(rows or [(name, "", "", "")])
    return text.getvalue()


def with_label_file(dataset: Dataset, path: str | Path, file: Path | None = None) -> Dataset:
    """Return a data set with the labels of a label file: the one that is named, or the one beside the recordings.

    Raises
    ------
    DataError
        When the file cannot be read, or belongs to other recordings.
    """
    beside = label_file_of(path)
    chosen = file or (beside if is_label_file(beside) else None)
    return dataset if chosen is None else apply_labels(dataset, read_label_file(chosen), name=chosen.name)


def apply_labels(dataset: Dataset, labels: Mapping[str, Iterable[Interval]], *, name: str) -> Dataset:
    """Return a data set with the labels of a label file.

    Parameters
    ----------
    dataset
        Any.
    labels
        Intervals by recording.
    name
        Of the file, for notes.

    Raises
    ------
    DataError
        When none of the recordings is in the data set: the file belongs to others.
    """
    known = {item.recording_id for item in dataset.recordings}
    strange = [each for each in labels if each not in known]
    if labels and len(strange) == len(labels):
        raise DataError(
            f"{name}: expected recordings of {dataset.name}, such as {next(iter(known))!r}, got {strange[0]!r}",
            next_step="Name the label file of these recordings.",
        )
    items = tuple(
        replace(item, labels=intervals_in_samples(item, labels[item.recording_id]))
        if item.recording_id in labels
        else item
        for item in dataset.recordings
    )
    named = dict.fromkeys(label.activity for item in items for label in item.labels)
    activities = tuple(dict.fromkeys([*(name for name in dataset.activities if name in named), *named]))
    problems = tuple(each for each in dataset.problems if "nothing is labelled" not in each or not named)
    if strange:
        problems += (f"{name} names {len(strange)} recordings that are not here, such as {strange[0]!r}.",)
    note = f"Labels of {len(labels) - len(strange)} recordings are taken from {name}."
    return replace(dataset, recordings=items, activities=activities, problems=problems, notes=(*dataset.notes, note))


def intervals_in_samples(item: Recording, intervals: Iterable[Interval]) -> tuple[LabelInterval, ...]:
    """Return intervals as samples of a recording; where two overlap, the later one begins where the earlier ends."""
    grid = times_of(item)
    labels: list[LabelInterval] = []
    for start, end, label in sorted(intervals, key=lambda each: each[0]):
        first = max(int(np.searchsorted(grid, start - _MOMENT_S)), labels[-1].stop if labels else 0)
        stop = int(np.searchsorted(grid, end - _MOMENT_S))
        if first < stop:
            labels.append(LabelInterval(first, stop, label))
    return tuple(labels)


def intervals_in_seconds(item: Recording, labels: Iterable[LabelInterval]) -> list[Interval]:
    """Return labels of a recording in its own time."""
    grid = times_of(item)
    end = float(grid[-1]) + 1 / item.rate_hz
    return [
        (float(grid[label.start]), float(grid[label.stop]) if label.stop < len(item) else end, label.activity)
        for label in labels
    ]


def times_of(item: Recording) -> npt.NDArray[np.float64]:
    """Return when every sample was taken, in s: its timestamps, or counted from the first sample."""
    return np.arange(len(item)) / item.rate_hz if item.timestamps_s is None else item.timestamps_s


def _refusal(path: Path | str, line: int, sentence: str) -> DataError:
    """Return the error for a file that is no label file."""
    return DataError(
        f"{path}, line {line}: {sentence}", next_step="Repair the line, or name another --labels.", path=str(path)
    )
