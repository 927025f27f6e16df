"""The columns of a table in a text file, as arrays, with the line of every row known.

A cell that is not what it must be ends in an error that names file, line and column; or, where bad rows may be dropped,
the row is left out, counted, and its place is remembered.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from edgehar.pipeline.data.readers.sheet import MISSING, Sheet, is_number, refusal

DROP_OPTION: Final = "--drop-bad-rows"
_BLOCK_ROWS: Final = 65_536

_Floats = npt.NDArray[np.float64]
_Cells = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Lost:
    """A line that was left out: it stood before row ``row``."""

    row: int
    line: int
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """The wanted columns of a file.

    Parameters
    ----------
    axes : ndarray of shape (n, 3), float64
        The acceleration columns, in the unit of the file, finite.
    time : ndarray of shape (n,), int64 or float64, or None
        The time column as written; in s since 1970 if ``iso``.
    iso
        Whether times were dates.
    label, subject : ndarray of shape (n,) of str, or None
        The text columns; an empty string where nothing was written.
    lines : ndarray of shape (n,), int64
        The line of each row.
    lost
        What was left out.
    """

    axes: _Floats
    time: npt.NDArray[np.int64] | _Floats | None
    iso: bool
    label: npt.NDArray[np.object_] | None
    subject: npt.NDArray[np.object_] | None
    lines: npt.NDArray[np.int64]
    lost: tuple[Lost, ...]


@dataclass(frozen=True, slots=True)
class Places:
    """Where the wanted columns are, counted from 0."""

    axes: tuple[int, int, int]
    time: int | None = None
    label: int | None = None
    subject: int | None = None


def read_table(sheet: Sheet, places: Places, *, drop_bad_rows: bool) -> Table:
    """Read the wanted columns of every row.

    Raises
    ------
    DataError
        When a row has another number of columns or a cell is not a finite number, unless such rows may be dropped; or
        when no row is left.
    """
    clock = _clock_kind(sheet, places.time)
    blocks: list[_Block] = []
    lost: list[Lost] = []
    rows_so_far = 0
    rows = sheet.rows()
    while numbered := list(islice(rows, _BLOCK_ROWS)):
        block = _Block(sheet, places, clock, numbered)
        if block.bad and not drop_bad_rows:
            first = min(block.bad)
            step = f"Repair the line, or import the file with {DROP_OPTION}."
            raise refusal(sheet.path, block.bad[first], line=int(block.lines[first]), next_step=step)
        lost += block.losses(rows_so_far)
        rows_so_far += int(block.keep.sum())
        blocks.append(block)
    if not rows_so_far:
        left_out = f" after {len(lost)} bad ones were left out ({lost[0].reason})" if lost else ""
        raise refusal(sheet.path, f"expected rows of data, got none{left_out}")
    return _joined(blocks, clock == "iso", tuple(lost))


@dataclass(slots=True, eq=False)
class _Block:
    """Some rows, turned into columns; ``bad`` says why a row cannot be used."""

    sheet: Sheet
    places: Places
    clock: str
    numbered: list[tuple[int, list[str]]]
    bad: dict[int, str] = field(default_factory=dict)
    lines: npt.NDArray[np.int64] = field(init=False)
    keep: npt.NDArray[np.bool_] = field(init=False)
    axes: _Floats = field(init=False)
    time: npt.NDArray[np.int64] | _Floats | None = None
    label: npt.NDArray[np.object_] | None = None
    subject: npt.NDArray[np.object_] | None = None

    def __post_init__(self) -> None:
        columns = self._columns()
        self.lines = np.array([line for line, _ in self.numbered], dtype=np.int64)
        self.axes = np.stack([self._numbers(columns[place], place) for place in self.places.axes], axis=1)
        if self.places.time is not None:
            self.time = self._times(columns[self.places.time], self.places.time)
        if self.places.label is not None:
            self.label = _texts(columns[self.places.label])
        if self.places.subject is not None:
            self.subject = _texts(columns[self.places.subject])
            for row in np.flatnonzero(self.subject == ""):
                self.bad.setdefault(
                    int(row), f"expected a subject in {self.sheet.called(self.places.subject)}, got none"
                )
        self.keep = np.ones(len(self.numbered), dtype=bool)
        self.keep[list(self.bad)] = False
        self.numbered = []

    def losses(self, rows_before: int) -> Iterator[Lost]:
        """Yield what this block leaves out."""
        kept_before = np.cumsum(self.keep)
        for row, reason in sorted(self.bad.items()):
            yield Lost(rows_before + int(kept_before[row]), int(self.lines[row]), reason)

    def _columns(self) -> list[_Cells]:
        """Turn rows into columns; a row of another width is bad and counts as empty."""
        width = self.sheet.width
        rows = [row for _, row in self.numbered]
        if any(len(row) != width for row in rows):
            for index, row in enumerate(rows):
                if len(row) == width + 1 and not row[-1]:
                    row.pop()
                elif len(row) != width:
                    self.bad[index] = f"expected {width} columns, got {len(row)}"
                    rows[index] = [""] * width
        return list(zip(*rows, strict=True))

    def _numbers(self, cells: _Cells, place: int) -> _Floats:
        """Turn cells into finite numbers, or note the bad rows."""
        if self.sheet.decimal_comma:
            cells = tuple(cell.replace(",", ".") for cell in cells)
        try:
            values = np.array(list(map(float, cells)))
        except ValueError:
            values = np.array([float(cell) if is_number(cell) else np.nan for cell in cells])
        for row in np.flatnonzero(~np.isfinite(values)):
            self.bad.setdefault(int(row), f"expected a number in {self.sheet.called(place)}, got {cells[row][:40]!r}")
        return values

    def _times(self, cells: _Cells, place: int) -> npt.NDArray[np.int64] | _Floats:
        """Turn cells into times, or note the bad rows."""
        if self.clock == "float":
            return self._numbers(cells, place)
        iso = self.clock == "iso"
        convert: Callable[[str], float] = _iso_seconds if iso else int
        values: npt.NDArray[Any] = np.zeros(len(cells), dtype=np.float64 if iso else np.int64)
        try:
            values[:] = list(map(convert, cells))
        except (ValueError, OverflowError):
            for row, cell in enumerate(cells):
                try:
                    values[row] = convert(cell)
                except (ValueError, OverflowError):
                    what = "a date and time" if iso else "a whole number"
                    self.bad.setdefault(row, f"expected {what} in {self.sheet.called(place)}, got {cell[:40]!r}")
        return values


def _clock_kind(sheet: Sheet, place: int | None) -> str:
    """Return how times are written, judged by the first rows: int, float or iso."""
    cells = [] if place is None else [row[place].strip() for row in sheet.head if len(row) > place]
    written = [cell for cell in cells if cell.lower() not in MISSING]
    if written and all(cell.lstrip("+-").isdecimal() for cell in written):
        return "int"
    return "iso" if written and not is_number(written[0], comma=sheet.decimal_comma) else "float"


def _iso_seconds(cell: str) -> float:
    """Return the seconds since 1970 of an ISO 8601 date and time; without a zone it counts as UTC."""
    moment = datetime.fromisoformat(cell.strip())
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _texts(cells: _Cells) -> npt.NDArray[np.object_]:
    """Return cells as text, empty where a value is missing."""
    known: dict[str, str] = {}
    for cell in set(cells):
        text = cell.strip()
        known[cell] = "" if text.lower() in MISSING else text
    return np.array([known[cell] for cell in cells], dtype=object)


def _joined(blocks: Sequence[_Block], iso: bool, lost: tuple[Lost, ...]) -> Table:
    """Join what the blocks kept."""

    def gather(take: Callable[[_Block], npt.NDArray[Any] | None]) -> Any:
        parts = [(take(block), block.keep) for block in blocks]
        return (
            np.concatenate([part[keep] for part, keep in parts if part is not None])
            if parts[0][0] is not None
            else None
        )

    return Table(
        axes=gather(lambda block: block.axes),
        time=gather(lambda block: block.time),
        iso=iso,
        label=gather(lambda block: block.label),
        subject=gather(lambda block: block.subject),
        lines=gather(lambda block: block.lines),
        lost=lost,
    )
