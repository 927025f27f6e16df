"""Runs: stretches of a table that are one recording of one person, with time running forward."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from edgehar.models.errors import DataError, UsageError
from edgehar.pipeline.data.readers.column_roles import Layout
from edgehar.pipeline.data.readers.sheet import refusal
from edgehar.pipeline.data.readers.table import DROP_OPTION, Table
from edgehar.pipeline.data.readers.timestamps import Clock, check_time_unit, detect_time_unit, read_clock, to_seconds
from edgehar.pipeline.data.recordings import LabelInterval

_MOST_LOST: Final = 0.2
_RATES_AGREE: Final = 0.1

_Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """A recording whose unit is not known yet; ``values`` is float64 (n, 3)."""

    recording_id: str
    subject: str
    path: Path
    values: npt.NDArray[np.float64]
    rate_hz: float
    seconds: npt.NDArray[np.float64] | None
    gaps: tuple[int, ...]
    labels: tuple[LabelInterval, ...]
    problems: tuple[str, ...]

    @property
    def duration_s(self) -> float:
        """Seconds of signal."""
        return len(self.values) / self.rate_hz


def cut_into_runs(table: Table, layout: Layout, *, name: str, path: Path) -> tuple[list[Run], list[str]]:
    """Cut a table where the person changes, or where time starts over with another activity.

    Returns
    -------
    tuple
        The runs, and sentences about what was detected.

    Raises
    ------
    DataError
        When time does not run forward within a run, or nothing tells the rate.
    """
    seconds, notes = _seconds(table, layout, path)
    starts = _starts(table, seconds)
    pieces = [
        _Piece(table, seconds, start, stop, layout, path)
        for start, stop in zip(starts, [*starts[1:], len(table.lines)], strict=True)
    ]
    rate_hz = _rate(pieces, layout, path)
    if layout.rate_hz is None:
        notes.append(_about_rates([piece.clock.rate_hz for piece in pieces if piece.clock]))
    if len(pieces) > len({piece.subject for piece in pieces}):
        notes.append("A recording ends where the person changes, or where time starts over with another activity.")
    counts: dict[str, int] = {}
    runs = []
    for piece in pieces:
        counts[piece.subject] = counts.get(piece.subject, 0) + 1
        several = table.subject is not None or len(pieces) > 1
        suffix = f"#{piece.subject}" + (f"/{counts[piece.subject]}" if counts[piece.subject] > 1 else "")
        runs.append(piece.as_run(name + suffix if several else name, rate_hz))
    return runs, notes


class _Piece:
    """Rows ``start`` to ``stop`` of a table, with the rows taken out whose time does not run forward."""

    def __init__(
        self, table: Table, seconds: npt.NDArray[np.float64] | None, start: int, stop: int, layout: Layout, path: Path
    ) -> None:
        keep = np.ones(stop - start, dtype=bool)
        if seconds is not None:
            keep = _forward(seconds[start:stop], table.lines[start:stop], layout.drop_bad_rows, path)
        self.table = table
        self.rows = np.flatnonzero(keep) + start
        self.layout = layout
        self.path = path
        self.subject = str(table.subject[start]) if table.subject is not None else str(layout.subject_name)
        self.seconds = None if seconds is None else seconds[self.rows]
        self.clock: Clock | None = None
        if self.seconds is not None and len(self.seconds) >= 3:
            self.clock = read_clock(self.seconds)
        places = [int(np.searchsorted(self.rows, lost.row)) for lost in table.lost if start < lost.row < stop]
        self.lost_at = {place for place in places if 0 < place < len(self.rows)}
        last = stop == len(table.lines)
        self.lost = [lost for lost in table.lost if start <= lost.row < stop or (last and lost.row == stop)]
        self.turned = np.flatnonzero(~keep) + start

    def as_run(self, name: str, rate_hz: float) -> Run:
        """Return the piece as a run."""
        own = self.clock.rate_hz if self.clock and self.layout.rate_hz is None else rate_hz
        gaps = tuple(sorted(self.lost_at | set(self.clock.gaps if self.clock else ())))
        return Run(
            recording_id=name,
            subject=self.subject,
            path=self.path,
            values=self.table.axes[self.rows],
            rate_hz=own,
            seconds=self.seconds,
            gaps=gaps,
            labels=tuple(self._labels()),
            problems=tuple(self._problems()),
        )

    def _labels(self) -> Iterator[LabelInterval]:
        """Yield the stretches of equal labels."""
        if self.table.label is None:
            if self.layout.activity_name:
                yield LabelInterval(0, len(self.rows), self.layout.activity_name)
            return
        labels = self.table.label[self.rows]
        edges = [0, *(np.flatnonzero(labels[1:] != labels[:-1]) + 1).tolist(), len(labels)]
        for start, stop in pairwise(edges):
            if labels[start] and labels[start] not in self.layout.unlabelled:
                yield LabelInterval(start, stop, str(labels[start]))

    def _problems(self) -> Iterator[str]:
        """Yield what was left out and what is missing."""
        if self.lost:
            shown = "; ".join(f"line {lost.line}: {lost.reason}" for lost in self.lost[:3])
            yield f"{_counted(len(self.lost), 'bad row')} left out ({shown}{'; …' if len(self.lost) > 3 else ''})."
        if len(self.turned):
            line = self.table.lines[self.turned[0]]
            yield f"{_counted(len(self.turned), 'row')} left out: time does not run forward (first in line {line})."
        if self.clock and self.clock.gaps:
            line = self.table.lines[self.rows[self.clock.gaps[0]]]
            gaps = _counted(len(self.clock.gaps), "gap")
            yield f"{gaps} in time, together {self.clock.missing_s:.3g} s (first before line {line})."


def _seconds(table: Table, layout: Layout, path: Path) -> tuple[npt.NDArray[np.float64] | None, list[str]]:
    """Return the time column in s, and what was detected about it."""
    if table.time is None:
        return None, []
    if table.iso:
        return to_seconds(table.time, "iso"), ["Times are dates (ISO 8601)."]
    if layout.time_unit is not None:
        check_time_unit(layout.time_unit)
        if layout.time_unit == "iso":
            raise refusal(
                path,
                "expected times that are dates, got numbers",
                next_step="Import it with --time-unit s, ms, us or ns.",
            )
        return to_seconds(table.time, layout.time_unit), []
    unit = detect_time_unit(table.time)
    if unit is None:
        raise refusal(
            path,
            f"expected times with steps of 0.5 ms to 500 ms, written in s, ms, us or ns, got {_usual_step(table.time)}",
            next_step="Import it with --time-unit, or ignore its times: --time-column none --rate HZ.",
        )
    return to_seconds(table.time, unit), [f"Times are in {unit}, by their usual step."]


def _starts(table: Table, seconds: npt.NDArray[np.float64] | None) -> list[int]:
    """Return the rows at which a new recording starts."""
    change: _Mask = np.zeros(len(table.lines), dtype=bool)
    change[0] = True
    if table.subject is not None:
        change[1:] |= table.subject[1:] != table.subject[:-1]
    if table.label is not None and seconds is not None:
        change[1:] |= (table.label[1:] != table.label[:-1]) & (np.diff(seconds) <= 0)
    starts: list[int] = np.flatnonzero(change).tolist()
    return starts


def _forward(seconds: npt.NDArray[np.float64], lines: npt.NDArray[np.int64], drop: bool, path: Path) -> _Mask:
    """Return which rows are later than all before them; refuse a run where some are not, unless they may be dropped."""
    latest = np.maximum.accumulate(seconds)
    keep: _Mask = np.concatenate([[True], seconds[1:] > latest[:-1]])
    back = np.flatnonzero(~keep)
    if not len(back) or (drop and len(back) <= _MOST_LOST * len(keep)):
        return keep
    row = int(back[0])
    step = float(seconds[row] - seconds[row - 1])
    what = "the same time again" if step == 0 else f"a step of {step:.6g} s"
    if drop:
        raise refusal(
            path,
            f"expected time to run forward, but {len(back)} of {len(keep)} rows do not (here {what})",
            line=int(lines[row]),
            next_step="Split the file where time starts over, or ignore its times: --time-column none --rate HZ.",
        )
    raise refusal(
        path,
        f"expected time to run forward, got {what}",
        line=int(lines[row]),
        next_step=f"Sort it, or import it with {DROP_OPTION}, or with --time-column none --rate HZ.",
    )


def _rate(pieces: list[_Piece], layout: Layout, path: Path) -> float:
    """Return the declared rate, or the middle one of those the timestamps give."""
    measured = [piece.clock.rate_hz for piece in pieces if piece.clock]
    middle = float(np.median(measured)) if measured else None
    if layout.rate_hz is not None:
        if not 0 < layout.rate_hz < np.inf:
            raise UsageError(f"rate {layout.rate_hz} Hz is not above 0", next_step="Declare the rate in Hz.")
        if middle is not None and abs(middle / layout.rate_hz - 1) > _RATES_AGREE:
            raise DataError(
                f"{path}: expected {layout.rate_hz:g} Hz as declared, but the timestamps give {middle:g} Hz",
                next_step="Correct --rate or --time-unit, or ignore its times: --time-column none.",
                path=str(path),
            )
        return layout.rate_hz
    if middle is None:
        raise refusal(path, "expected timestamps or a rate, got neither", next_step="Import it with --rate HZ.")
    return middle


def _usual_step(time: npt.NDArray[Any]) -> str:
    """Say which step times have."""
    return f"steps of {np.median(np.diff(time)):g}" if len(time) > 1 else "one row"


def _counted(number: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _about_rates(rates: list[float]) -> str:
    """Say which rates the timestamps give."""
    low, high = min(rates), max(rates)
    return (
        f"The rate is {low:g} Hz, by the timestamps."
        if low == high
        else f"Rates are {low:g} to {high:g} Hz, by the timestamps."
    )
