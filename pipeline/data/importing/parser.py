"""Rows of a table as columns of numbers, in chunks: by NumPy's parser or PyArrow's, row by row where something is odd.

A row that cannot be used ends in an error that names the line; or, where bad rows may be dropped, it is left out,
counted, and its place is remembered. What is read goes to a spool, so that a file may be longer than memory.
"""

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from edgehar.pipeline.data.importing.cells import MISSING, is_number
from edgehar.pipeline.data.importing.dates import seconds_of
from edgehar.pipeline.data.importing.last_line import wrong_with_last_line
from edgehar.pipeline.data.importing.long_numbers import read_long_numbers
from edgehar.pipeline.data.importing.options import DROP_OPTION
from edgehar.pipeline.data.importing.preamble import Preamble
from edgehar.pipeline.data.importing.refusals import refusal
from edgehar.pipeline.data.importing.rows import Lost, Places, Rows, note_anchor
from edgehar.pipeline.data.importing.spool import Workspace
from edgehar.pipeline.data.importing.text import Chunk

_WIDEST_TEXT: Final = 256

_Floats = npt.NDArray[np.float64]


def read_rows(
    chunks: Iterable[Chunk],
    preamble: Preamble,
    places: Places,
    *,
    drop_bad_rows: bool,
    workspace: Workspace,
    cut: bool = False,
) -> Rows:
    """Read the wanted columns of every row.

    Parameters
    ----------
    chunks
        Whole lines of the file from its first line on, as UTF-8.
    preamble, places
        How the table is written, and which columns are wanted.
    drop_bad_rows
        Leave out what cannot be used.
    workspace
        Keeps the columns.
    cut
        Whether a last line without a line end was cut off, and is a bad row; else that is judged by its last cell.

    Raises
    ------
    DataError
        When a row has another number of columns or a cell is not a finite number, unless such rows may be dropped; or
        when no row is left.
    """
    parser = _Parser(preamble, places, drop_bad_rows, workspace)
    line = 1
    for chunk, lines, ended in chunks:
        if line + lines > preamble.first_line:
            skip = max(0, preamble.first_line - line)
            data, more = _without_lines(chunk, skip), lines - skip
            reason = None if ended else wrong_with_last_line(data, preamble, sure=cut)
            if reason is None:
                parser.feed(data, line + skip, more)
            else:
                parser.feed(data[: data.rfind(b"\n", 0, -1) + 1], line + skip, more - 1)
                parser.lose(line + lines - 1, reason)
        parser.rows.ended = ended
        line += lines
    rows = parser.rows
    if not len(rows):
        reason = f" after {len(rows.lost)} bad ones were left out ({rows.lost[0].reason})" if rows.lost else ""
        raise refusal(preamble.name, f"expected rows of data, got none{reason}")
    return rows


class _Parser:
    """Turns chunks of lines into columns."""

    def __init__(self, preamble: Preamble, places: Places, drop: bool, workspace: Workspace) -> None:
        self._preamble, self._places, self._drop = preamble, places, drop
        self.rows = Rows(
            values=workspace.column(columns=workspace.channels),
            time=workspace.column() if places.time else None,
            labels=None if places.label is None else [],
            subjects=None if places.subject is None else [],
            devices=None if places.device is None else [],
            workspace=workspace,
        )
        self._trailing = any(len(row) == preamble.width + 1 and not row[-1] for row in preamble.head[:20])
        cells = [row[place] for row in preamble.head for place in places.texts if len(row) > place]
        self._text_width = max([8, *(len(cell.encode()) + 4 for cell in cells)])
        self._mark = None if preamble.delimiter == " " else preamble.delimiter

    def feed(self, chunk: bytes, line: int, lines: int) -> None:
        """Read the lines of a chunk, the first of which is ``line``."""
        if not lines:
            return
        if self._preamble.decimal_comma:
            chunk = chunk.replace(b",", b".")
        plain = chunk.replace(b";\n", b"\n") if self._preamble.ends_in_semicolon else chunk
        if b'"' not in plain and not (self._preamble.ends_in_semicolon and b";" in plain):
            table = self._plain(plain, lines)
            if table is not None:
                self._take(table, line)
                return
        self._row_by_row(chunk, line)

    def _dtype(self) -> np.dtype[Any]:
        """Return the type of a row: every column has a field, so that a row of another width is noticed."""
        wanted = dict.fromkeys(self._places.numbers, "f8") | dict.fromkeys(self._places.texts, f"S{self._text_width}")
        return np.dtype([(f"c{at}", wanted.get(at, "S1")) for at in range(self._preamble.width + self._trailing)])

    def _plain(self, chunk: bytes, lines: int) -> npt.NDArray[Any] | None:
        """Return a chunk as a structured array; None if a row is not what the others are, blank ones included."""
        while True:
            dtype = self._dtype()
            table = read_long_numbers(chunk, dtype, self._mark, lines)
            try:
                if table is None:
                    table = np.loadtxt(
                        io.BytesIO(chunk), dtype, comments=None, delimiter=self._mark, ndmin=1, encoding="latin1"
                    )
            except (ValueError, OverflowError):
                return None
            if len(table) != lines:
                return None
            if not any(_may_be_cut(table, f"c{place}") for place in self._places.texts):
                break
            if self._text_width > _WIDEST_TEXT:
                return None
            self._text_width *= 4
        with np.errstate(invalid="ignore", over="ignore"):
            sums = sum((table[f"c{place}"] for place in self._places.numbers), start=np.zeros(1))
        return table if np.isfinite(sums).all() else None

    def _take(self, table: npt.NDArray[Any], line: int) -> None:
        """Append a structured array whose rows stand on consecutive lines."""
        places = self._places
        if places.sensor is not None:
            said = np.char.strip(table[f"c{places.sensor}"])
            kept = np.isin(said, [name.encode() for name in places.sensors])
            self.rows.passed_over += int((~kept).sum())
            line += int(np.argmax(kept))
            table = table[kept]
        self._append(table, line)

    def _append(self, table: npt.NDArray[Any], line: int) -> None:
        """Append columns; a date that cannot be read sends its rows back to be read one by one."""
        places, rows = self._places, self.rows
        if not len(table):
            return
        start = len(rows)
        time: _Floats | None = None
        if places.time:
            time = self._times(table)
            bad = np.flatnonzero(~np.isfinite(time))
            if len(bad):
                self._split_at(table, line, bad, time)
                return
        values = np.stack([table[f"c{place}"] for place in (*places.axes, *places.gyroscope)], axis=1)
        for axis, added in enumerate(places.added):
            values[:, axis] += table[f"c{added}"]
        rows.values.append(values)
        if rows.time is not None and time is not None:
            rows.time.append(time)
        texts = ((rows.labels, places.label), (rows.subjects, places.subject), (rows.devices, places.device))
        for runs, place in texts:
            if runs is not None and place is not None:
                _note_changes(runs, table[f"c{place}"], start)
        note_anchor(rows.anchors, start, line)

    def _split_at(self, table: npt.NDArray[Any], line: int, bad: npt.NDArray[np.intp], time: _Floats) -> None:
        """Append what stands between rows whose date cannot be read."""
        edge = 0
        for row in bad.tolist():
            self._append(table[edge:row], line + edge)
            cell = self._date_text(table[row : row + 1])[0].decode("utf-8", "replace")
            column = self._preamble.called(self._places.time[0])
            self.lose(line + row, f"expected a date and time in {column}, got {cell[:40]!r}")
            edge = row + 1
        self._append(table[edge:], line + edge)

    def _times(self, table: npt.NDArray[Any]) -> _Floats:
        """Return the times of rows as numbers."""
        places = self._places
        if places.form is None:
            times = np.asarray(table[f"c{places.time[0]}"])
        else:
            times = seconds_of(self._date_text(table), places.form)
        return times if places.part is None else times + table[f"c{places.part}"] * places.part_s

    def _date_text(self, table: npt.NDArray[Any]) -> npt.NDArray[np.bytes_]:
        """Return the dates of rows as text: of one column, or of a date and a time of day."""
        columns = [np.ascontiguousarray(table[f"c{place}"]) for place in self._places.time]
        if len(columns) == 1:
            return columns[0]
        return np.char.add(np.char.add(columns[0], b" "), columns[1])

    def _row_by_row(self, chunk: bytes, line: int) -> None:
        """Read lines one by one, and note the ones that cannot be used."""
        preamble, places = self._preamble, self._places
        ready: list[tuple[Any, ...]] = []
        lines: list[int] = []
        for number, cells in _records(chunk.decode("utf-8"), line, preamble):
            if not cells:
                self._flush(ready, lines)
                self.rows.breaks.append(len(self.rows))
            elif preamble.header is not None and tuple(cells[: preamble.width]) == preamble.header:
                self._flush(ready, lines)
                self.rows.breaks.append(len(self.rows))
                self.rows.repeated_names.append(len(self.rows))
            elif places.sparse and len(cells) > max(places.axes) and self._holds_none(cells):
                self.rows.passed_over += 1
            elif reason := self._wrong_with(cells):
                self._flush(ready, lines)
                self.lose(number, reason)
            else:
                wanted = [float(cells[at]) if at in places.numbers else cells[at].encode() for at in self._columns]
                ready.append(tuple(wanted))
                lines.append(number)
        self._flush(ready, lines)

    @property
    def _columns(self) -> list[int]:
        """The wanted columns in the order of the file."""
        return sorted({*self._places.numbers, *self._places.texts})

    def _holds_none(self, cells: list[str]) -> bool:
        """Tell whether a row holds no value of the accelerometer."""
        return all(cells[at].lower() in MISSING for at in self._places.axes)

    def _flush(self, ready: list[tuple[Any, ...]], lines: list[int]) -> None:
        """Append rows that were read one by one, in stretches of consecutive lines."""
        if not ready:
            return
        longest = max((len(cell) for row in ready for cell in row if isinstance(cell, bytes)), default=1)
        kinds = [(f"c{at}", "f8" if at in self._places.numbers else f"S{max(longest, 1)}") for at in self._columns]
        table = np.array(ready, dtype=kinds)
        # Between rows of other sensors, a line is told by the first of its stretch.
        apart = 0 if self._places.sparse else len(lines)
        edges = [0, *(at for at in range(1, apart) if lines[at] not in (lines[at - 1] + 1, lines[at - 1]))]
        for start, stop in zip(edges, [*edges[1:], len(lines)], strict=True):
            self._take(table[start:stop], lines[start])
        ready.clear()
        lines.clear()

    def _wrong_with(self, cells: list[str]) -> str | None:
        """Say why a row cannot be used."""
        width, called = self._preamble.width, self._preamble.called
        if len(cells) == width + 1 and not cells[-1]:
            cells.pop()
        if len(cells) != width:
            return f"expected {width} columns, got {len(cells)}"
        for place in self._places.numbers:
            if not is_number(cells[place]) or not np.isfinite(float(cells[place])):
                what = "a number" if place not in self._places.time else "a time"
                return f"expected {what} in {called(place)}, got {cells[place][:40]!r}"
        if self._places.subject is not None and not cells[self._places.subject]:
            return f"expected a subject in {called(self._places.subject)}, got none"
        return None

    def lose(self, line: int, reason: str) -> None:
        """Note a line that is left out, or refuse the file."""
        if not self._drop:
            step = f"Repair the line, or import the file with {DROP_OPTION}."
            raise refusal(self._preamble.name, reason, line=line, next_step=step)
        self.rows.lost.append(Lost(len(self.rows), line, reason))


def _records(text: str, line: int, preamble: Preamble) -> Iterator[tuple[int, list[str]]]:
    """Yield (line, cells); no cells for a blank line. Comments are passed over."""
    mark = preamble.delimiter
    for number, written in enumerate(text.split("\n")[:-1], line):
        if written.startswith("#"):
            continue
        records = [written]
        if preamble.ends_in_semicolon:
            records = [part for part in written.split(";") if part.strip()] or [""]
        for record in records:
            record = record.strip() if mark == " " else record.rstrip(" ;") if mark != ";" else record
            if mark == " ":
                record = " ".join(record.split())
            try:
                cells = next(csv.reader([record], delimiter=mark, skipinitialspace=True, strict=True), [])
            except csv.Error as error:
                sentence = f"expected every quote closed and short cells, but {error}"
                raise refusal(preamble.name, sentence, line=number) from error
            yield number, [cell.strip() for cell in cells] if record.strip(mark + " ") else []


def _note_changes(runs: list[tuple[int, str]], texts: npt.NDArray[np.bytes_], start: int) -> None:
    """Note the rows where a text changes."""
    edges = [0, *(np.flatnonzero(texts[1:] != texts[:-1]) + 1).tolist()]
    for edge in edges:
        text = _unquoted(texts[edge].decode("utf-8", "replace").strip())
        if not runs or runs[-1][1] != text:
            runs.append((start + edge, text))


def _unquoted(text: str) -> str:
    """Return a text without the quotes around it; one at its end alone belongs to it."""
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text


def _may_be_cut(table: npt.NDArray[Any], name: str) -> bool:
    """Tell whether a text fills its field to the last byte, so that it may have been longer."""
    field = table.dtype.fields[name]  # type: ignore[index]
    place = field[1] + field[0].itemsize - 1
    last = np.ndarray((len(table),), np.uint8, buffer=table, offset=place, strides=(table.dtype.itemsize,))
    return bool(last.any())


def _without_lines(chunk: bytes, count: int) -> bytes:
    """Return a chunk without its first lines."""
    at = 0
    for _ in range(count):
        at = chunk.index(b"\n", at) + 1
    return chunk[at:]
