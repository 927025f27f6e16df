"""What was done, and by whom, where no column says it: names of files and folders, and tables of intervals."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from edgehar.models.errors import DataError, UsageError
from edgehar.pipeline.data.importing.clock import SECONDS
from edgehar.pipeline.data.importing.dates import DAY_S
from edgehar.pipeline.data.importing.intervals import IntervalTable, wears
from edgehar.pipeline.data.importing.label_owners import meant_by
from edgehar.pipeline.data.label_file import intervals_in_samples
from edgehar.pipeline.data.recordings import LabelInterval, Recording

_FIELDS: Final = ("subject", "activity", "placement")
_EARLY: Final = 0.2
_LATE: Final = 0.5
"""Where whole numbers end as ms, and as samples, for samples to be meant: shares of a recording."""


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


def labelled(
    recordings: Sequence[Recording], tables: Sequence[IntervalTable]
) -> tuple[list[Recording], list[str], list[str]]:
    """Return recordings with the labels of the interval tables that are about them, notes, and problems."""
    done = list(recordings)
    notes: list[str] = []
    problems: list[str] = []
    own = [_without_strangers(table, recordings) for table in tables]
    meant = [meant_by(table, recordings) for table in own]
    claims = _claims(done, own, meant)
    disputed = {at for at, claimed in claims.items() if len(claimed) > 1}
    for number, table in enumerate(own):
        if table.unusable:
            rows = f"{table.unusable} row{'s' * (table.unusable > 1)}"
            problems.append(f"{table.name}: {rows} left out that have no start, or an end that is not after it.")
        used = overlaps = 0
        for at, item in enumerate(done):
            labels = _given(item, table) if table.named is not None else claims.get(at, {}).get(number, ())
            if labels is None or (table.named is None and (not labels or at in disputed)):
                continue
            done[at] = replace(item, labels=labels)
            used += 1
            overlaps += 0 if table.named is not None else _overlaps(table.of(item))
        if overlaps:
            what = f"{overlaps} interval{'s begin' if overlaps > 1 else ' begins'}"
            problems.append(
                f"{table.name}: {what} before the one before has ended; the earlier one counts until there."
            )
        if used:
            notes.append(f"Labels are taken from {table.name} ({len(table.intervals)} intervals).")
        elif not any(number in claims[at] for at in disputed):
            problems.append(
                f"{table.name} holds {len(table.intervals)} intervals with labels that meet no recording beside it."
            )
    return done, notes, [*problems, *_about_disputes(done, own, claims, disputed)]


def _given(item: Recording, table: IntervalTable) -> tuple[LabelInterval, ...] | None:
    """Return the labels that a label file of ``har data label`` gives to a recording; None if it does not name it."""
    given = (table.named or {}).get(item.recording_id.removeprefix(f"{table.folder}/"))
    return None if given is None else intervals_in_samples(item, given)


def _claims(
    recordings: Sequence[Recording], tables: Sequence[IntervalTable], meant: Sequence[tuple[list[int], bool]]
) -> dict[int, dict[int, tuple[LabelInterval, ...]]]:
    """Return the labels that tables have for every recording without any: of those named after it, else of all."""
    claims: dict[int, dict[int, tuple[LabelInterval, ...]]] = {}
    for wanted in (True, False):
        found: dict[int, dict[int, tuple[LabelInterval, ...]]] = {}
        for number, (table, (places, is_named)) in enumerate(zip(tables, meant, strict=True)):
            for at in places if is_named == wanted and table.named is None else ():
                if at in claims or recordings[at].labels:
                    continue
                if labels := _labels(recordings[at], table.of(recordings[at])):
                    found.setdefault(at, {})[number] = labels
        claims |= found
    return claims


def _about_disputes(
    recordings: Sequence[Recording],
    tables: Sequence[IntervalTable],
    claims: Mapping[int, Mapping[int, object]],
    disputed: Collection[int],
) -> Iterator[str]:
    """Say which recordings stay without labels as the times of several tables meet them."""
    by_tables: dict[tuple[int, ...], list[int]] = {}
    for at in sorted(disputed):
        by_tables.setdefault(tuple(sorted(claims[at])), []).append(at)
    for numbers, places in by_tables.items():
        names = " and ".join(tables[number].name for number in numbers[:3])
        first = recordings[places[0]].recording_id
        more = f" and {len(places) - 1} more" if len(places) > 1 else ""
        stem = first.partition("#")[0].rpartition("/")[2]
        yield (
            f"{first}{more}: the intervals of {names} meet it, and nothing says which are its own: it stays without "
            f"labels. Name the table after its recording, such as {stem}.labels.csv."
        )


def _without_strangers(table: IntervalTable, recordings: Sequence[Recording]) -> IntervalTable:
    """Return a table without its people where it names only one, and that one no recording knows."""
    if table.people is None or len(set(table.people)) > 1:
        return table
    near = [item for item in recordings if item.recording_id.rpartition("/")[0] == table.folder]
    return table if any(wears(table.people[0], item) for item in near) else replace(table, people=None)


def _overlaps(table: IntervalTable) -> int:
    """Count the intervals that begin before the one before has ended."""
    return sum(stop is not None and after < stop for (_, stop, _), (after, _, _) in pairwise(table.intervals))


def _labels(item: Recording, table: IntervalTable) -> tuple[LabelInterval, ...]:
    """Return the labels of a recording: intervals in its own time or counted from its start, whichever meets it."""
    grid = item.timestamps_s if item.timestamps_s is not None else np.arange(len(item)) / item.rate_hz
    first, last = float(grid[0]), float(grid[-1]) + 1 / item.rate_hz
    if not table.intervals:
        return ()
    if table.in_samples or _count_samples(item, table):
        last = first + len(item) / item.rate_hz
        placed = [
            (first + start / item.rate_hz, last if stop is None else first + stop / item.rate_hz, label)
            for start, stop, label in table.intervals
        ]
        even = first + np.arange(len(item)) / item.rate_hz
        return _on_grid(_up_to_the_next(placed, table, last), even, item) if placed[-1][0] < last else ()
    for origin in (0.0, first, first // DAY_S * DAY_S):
        for scale in SECONDS.values():
            placed = [
                (origin + start * scale, last if stop is None else origin + stop * scale, label)
                for start, stop, label in table.intervals
            ]
            placed = _up_to_the_next(placed, table, last)
            inside = sum(max(0.0, min(stop, last) - max(start, first)) for start, stop, _ in placed)
            starts = [start for start, _, _ in placed]
            slack = 0.02 * (last - first) + 2 / item.rate_hz
            if inside > 0.02 * (last - first) and first - slack <= starts[0] and starts[-1] < last + slack:
                return _on_grid(placed, grid, item)
    return ()


def _up_to_the_next(
    placed: list[tuple[float, float, str]], table: IntervalTable, last: float
) -> list[tuple[float, float, str]]:
    """Return intervals of which each goes on to the next, where the table says no ends."""
    if not all(stop is None for _, stop, _ in table.intervals):
        return placed
    ends = [*(start for start, _, _ in placed[1:]), last]
    return [(start, end, label) for (start, _, label), end in zip(placed, ends, strict=True)]


def _count_samples(item: Recording, table: IntervalTable) -> bool:
    """Tell whether whole numbers are of samples: they reach the end of them, but as ms the beginning only."""
    ends = [start if stop is None else stop for start, stop, _ in table.intervals]
    if any(end % 1 for end in ends) or ends[-1] <= len(item) / item.rate_hz:
        return False
    duration_ms = 1000 * len(item) / item.rate_hz
    return max(ends) <= _EARLY * duration_ms and _LATE * len(item) <= max(ends) <= 1.02 * len(item)


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
