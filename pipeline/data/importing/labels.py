"""What was done, and by whom, where no column says it: names of files and folders, and tables of intervals."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from edgehar.models.errors import DataError, UsageError
from edgehar.models.sensing.names import words_of
from edgehar.pipeline.data.importing.clock import SECONDS
from edgehar.pipeline.data.importing.dates import DAY_S, looks_like_date, read_form, seconds_of
from edgehar.pipeline.data.importing.preamble import Preamble, is_number
from edgehar.pipeline.data.label_file import COLUMNS, Interval, intervals_in_samples, intervals_of_rows
from edgehar.pipeline.data.recordings import LabelInterval, Recording

_FIELDS: Final = ("subject", "activity", "placement")
_START: Final = frozenset(
    {
        *("start", "begin", "from", "onset", "starts", "beginning", "starttime", "begintime"),
        *("beginn", "anfang", "von", "début", "debut", "inicio"),
    }
)
_STOP: Final = frozenset(["end", "stop", "to", "offset", "finish", "ends", "endtime", "stoptime", "ende", "bis", "fin"])
_DURATION: Final = frozenset({"duration", "length", "dauer", "durée", "duree", "duración"})
_RECORDING: Final = frozenset({"file", "filename", "recording", "recordingid", "csv", "path", "session", "video"})
_LABELS: Final = (
    "label", "labels", "activity", "activities", "annotation", "timeserieslabels", "behavior", "class", "event", "text",
    "marker", "value", "comment", "name",
)  # fmt: skip
"""What a column of labels is called; where there are several, the first of these."""
_TEXTS: Final = frozenset({"text", "value", "name", "comment", "marker", "event"})
"""Columns of these names hold labels only if they do not hold numbers."""
_CLOCK: Final = frozenset({"time", "timestamp", "elapsed", "seconds", "t"})


@dataclass(frozen=True, slots=True)
class IntervalTable:
    """A file that says what was done when.

    Parameters
    ----------
    name, folder, stem
        Of the file.
    intervals
        (start, stop, label) in the file's own numbers; a stop of None is the next start, or the end.
    named
        Intervals by recording, in its own time, where it is a label file of ``har data label``.
    owners
        The file that each interval belongs to, where the table says that.
    unusable
        How many rows have no start, or an end before it.
    """

    name: str
    folder: str
    stem: str
    intervals: tuple[tuple[float, float | None, str], ...]
    named: dict[str, list[Interval]] | None = None
    owners: tuple[str, ...] | None = None
    unusable: int = 0

    def of(self, item: Recording) -> "IntervalTable":
        """Return the table with the intervals of one recording only, where it says whose they are."""
        if self.owners is None:
            return self
        name = item.recording_id.partition("#")[0].rpartition("/")[2]
        own = [interval for interval, owner in zip(self.intervals, self.owners, strict=True) if _means(owner, name)]
        return replace(self, intervals=tuple(own), owners=None)


def from_name(inner: str, pattern: str | None, *, name: str, path: str) -> dict[str, str]:
    """Return what the path of a file says about subject, activity and placement.

    Parameters
    ----------
    inner
        The path, without ``.gz``.
    pattern
        Such as ``{subject}_{activity}*.csv``, matched against its end; None says nothing.
    name, path
        Of the file, for messages.

    Raises
    ------
    UsageError
        When the pattern has no field, or one twice.
    DataError
        When the path is not like the pattern.

    Examples
    --------
    >>> from_name("data/acc_walking_chest.csv", "acc_{activity}_{placement}.csv", name="a", path="a")
    {'activity': 'walking', 'placement': 'chest'}
    """
    if pattern is None:
        return {}
    expression = re.escape(pattern).replace(r"\*", "[^/]*")
    for field in _FIELDS:
        expression = expression.replace(rf"\{{{field}\}}", f"(?P<{field}>[^/]+?)", 1)
    if not re.search(r"\(\?P<", expression) or r"\{" in expression:
        raise UsageError(
            f"file pattern {pattern!r}: expected {{subject}}, {{activity}} or {{placement}}, each once, and nothing "
            "else in braces",
            next_step="Write it like {subject}_{activity}*.csv.",
        )
    match = re.fullmatch(f"(?:.*/)?{expression}(?:\\.gz)?", inner)
    if match is None:
        raise DataError(
            f"{path}: expected a name like {pattern}, got {name}",
            next_step="Rename the file, move it away, or change the pattern.",
            path=path,
        )
    return match.groupdict()


def read_intervals(
    preamble: Preamble, rows: Sequence[Sequence[str]], *, folder: str, stem: str
) -> IntervalTable | None:
    """Return the intervals of a table that has a label and a start, and no axes; None if it is another table."""
    if preamble.header is None:
        return None
    if tuple(preamble.header) == COLUMNS:
        named = intervals_of_rows(rows, name=preamble.name)
        every = tuple(each for intervals in named.values() for each in intervals)
        return IntervalTable(preamble.name, folder, stem, every, named)
    words = [words_of(name) for name in preamble.header]
    label = next((at for name in _LABELS for at, w in enumerate(words) if w and name in (w[0], w[-1])), None)
    start = next((at for at, w in enumerate(words) if set(w) & _START or "".join(w) in _START), None)
    stop = next((at for at, w in enumerate(words) if set(w) & _STOP or "".join(w) in _STOP), None)
    if label is None or any(word in "xyz" for w in words for word in w):
        return None
    length = next((at for at, w in enumerate(words) if set(w) & _DURATION), None) if stop is None else None
    whose = next((at for at, w in enumerate(words) if at != label and "".join(w) in _RECORDING), None)
    if start is None or (stop is None and length is None):
        start = next((at for at, w in enumerate(words) if at != label and set(w) & _CLOCK), None)
        stop = length = None
    if start is None:
        return None
    intervals: list[tuple[float, float | None, str]] = []
    owners: list[str] = []
    unusable = 0
    for row in rows:
        if len(row) <= max(label, start, stop or 0, length or 0, whose or 0) or not row[label].strip():
            continue
        if is_number(row[label]) and preamble.header[label].lower() in _TEXTS:
            continue
        begun = moment_of(row[start])
        ended = None if stop is None else moment_of(row[stop])
        if length is not None and begun is not None and (lasting := moment_of(row[length])) is not None:
            ended = begun + lasting
        if begun is None or (ended is not None and ended <= begun):
            unusable += 1
            continue
        intervals.append((begun, ended, row[label].strip()))
        owners.append("" if whose is None else row[whose])
    if not intervals:
        return None
    order = sorted(range(len(intervals)), key=lambda at: intervals[at][0])
    return IntervalTable(
        preamble.name,
        folder,
        stem,
        tuple(intervals[at] for at in order),
        owners=None if whose is None else tuple(owners[at] for at in order),
        unusable=unusable,
    )


def labelled(
    recordings: Sequence[Recording], tables: Sequence[IntervalTable]
) -> tuple[list[Recording], list[str], list[str]]:
    """Return recordings with the labels of the interval tables of their folder, notes, and problems."""
    done = list(recordings)
    notes, problems = [], []
    for table in tables:
        used = overlaps = 0
        if table.unusable:
            rows = f"{table.unusable} row{'s' * (table.unusable > 1)}"
            problems.append(f"{table.name}: {rows} left out that have no start, or an end that is not after it.")
        for at, item in enumerate(done):
            if table.named is not None:
                given = table.named.get(item.recording_id.removeprefix(f"{table.folder}/"))
                if given is not None:
                    done[at] = replace(item, labels=intervals_in_samples(item, given))
                    used += 1
                continue
            folder = item.recording_id.rpartition("/")[0]
            alike = table.stem.startswith(item.recording_id.rpartition("/")[2] + ".")
            if folder != table.folder or item.labels or (not alike and _named_after_one(table, done)):
                continue
            own = table.of(item)
            labels = _labels(item, own)
            if labels:
                done[at] = replace(item, labels=labels)
                used += 1
                overlaps += _overlaps(own)
        if overlaps:
            what = f"{overlaps} interval{'s begin' if overlaps > 1 else ' begins'}"
            problems.append(
                f"{table.name}: {what} before the one before has ended; the earlier one counts until there."
            )
        if used:
            notes.append(f"Labels are taken from {table.name} ({len(table.intervals)} intervals).")
        else:
            problems.append(
                f"{table.name} holds {len(table.intervals)} intervals with labels that meet no recording beside it."
            )
    return done, notes, problems


def _means(owner: str, name: str) -> bool:
    """Tell whether the name of a file in a table is that of a recording; a prefix of an upload may stand before it."""
    stem = re.sub(r"\.\w{1,5}(\.gz)?$", "", re.split(r"[/\\]", owner.strip())[-1])
    return stem == name or re.fullmatch(rf"[0-9a-f]{{8}}-{re.escape(name)}", stem) is not None


def _overlaps(table: IntervalTable) -> int:
    """Count the intervals that begin before the one before has ended."""
    return sum(stop is not None and after < stop for (_, stop, _), (after, _, _) in pairwise(table.intervals))


def _named_after_one(table: IntervalTable, recordings: Sequence[Recording]) -> bool:
    """Tell whether a table is named after one of the recordings, and means it alone."""
    return any(table.stem.startswith(item.recording_id.rpartition("/")[2] + ".") for item in recordings)


def moment_of(cell: str) -> float | None:
    """Return a start or an end as a number, or a date in s."""
    if is_number(plain := cell.replace(",", ".")):
        return float(plain) if np.isfinite(float(plain)) else None
    if looks_like_date(cell) and (form := read_form([cell])):
        return float(seconds_of(np.array([cell.encode()]), form)[0])
    return None


def _labels(item: Recording, table: IntervalTable) -> tuple[LabelInterval, ...]:
    """Return the labels of a recording: intervals in its own time or counted from its start, whichever meets it."""
    grid = item.timestamps_s if item.timestamps_s is not None else np.arange(len(item)) / item.rate_hz
    first, last = float(grid[0]), float(grid[-1]) + 1 / item.rate_hz
    if not table.intervals:
        return ()
    for origin in (0.0, first, first // DAY_S * DAY_S):
        for scale in SECONDS.values():
            placed = [
                (origin + start * scale, last if stop is None else origin + stop * scale, label)
                for start, stop, label in table.intervals
            ]
            if all(stop is None for _, stop, _ in table.intervals):
                ends = [*(start for start, _, _ in placed[1:]), last]
                placed = [(start, end, label) for (start, _, label), end in zip(placed, ends, strict=True)]
            inside = sum(max(0.0, min(stop, last) - max(start, first)) for start, stop, _ in placed)
            starts = [start for start, _, _ in placed]
            slack = 0.02 * (last - first) + 2 / item.rate_hz
            if inside > 0.02 * (last - first) and first - slack <= starts[0] and starts[-1] < last + slack:
                return _on_grid(placed, grid, item)
    return ()


def _on_grid(
    placed: Sequence[tuple[float, float, str]],
    grid: npt.NDArray[np.float64],
    item: Recording,
) -> tuple[LabelInterval, ...]:
    """Return intervals in samples; where two overlap, the later one begins where the earlier ends."""
    labels: list[LabelInterval] = []
    half = 0.5 / item.rate_hz
    for start, stop, name in placed:
        first = int(np.searchsorted(grid, start - half))
        end = int(np.searchsorted(grid, stop - half))
        first = max(first, labels[-1].stop if labels else 0)
        if first < end:
            labels.append(LabelInterval(first, end, name))
    return tuple(labels)
