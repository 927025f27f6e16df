"""The head of a text file: what is metadata, what are names, what are units, and where the rows of data begin.

Loggers write a few lines about themselves before the table: `sep=,`, serial numbers, a rate, comments behind `#`. The
table is found from its body: the delimiter is the one that splits most lines into equally many cells of which at least
three are numbers; the names stand in the last line of words before it, units perhaps between.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from edgehar.models.sensing.unit_names import unit_named
from edgehar.pipeline.data.importing.cells import cells_of, is_number
from edgehar.pipeline.data.importing.dates import looks_like_date
from edgehar.pipeline.data.importing.header_lines import read_header
from edgehar.pipeline.data.importing.refusals import refusal

DELIMITERS: Final = {"\t": "tab", ";": "semicolon", "|": "bar", ",": "comma", " ": "space"}
"""What may stand between columns."""

HEAD_LINES: Final = 400
_NAMES_WITHIN: Final = 10
MAX_LINE: Final = 2**20

_SEP: Final = re.compile(r'^\ufeff?"?sep=(\\t|.)"?\s*$', re.IGNORECASE)
_ATTRIBUTE: Final = re.compile(
    r"\s*@(?:attribute\s+(?P<name>'[^']*'|\"[^\"]*\"|\S+)\s|data\b|relation\b)", re.IGNORECASE
)
"""How Weka's files name their columns, and say where the rows begin."""
_HERTZ: Final = re.compile(r"(\d+(?:[.,]\d+)?)\s*(?:hz|hertz|samples?/s(?:ec)?|sps)\b", re.IGNORECASE)
_RATE: Final = re.compile(
    r"\b(?:sampl\w*[ _-]?(?:rate|frequency|freq)|rate|frequency|fs|odr|output[ _-]?rate)(?:[ _]?\(?hz\)?)?"
    r"\s*[:=,;\t]\s*"
    r"(\d+(?:[.,]\d+)?)\s*(?:hz)?\s*[,;]*\s*$",
    re.IGNORECASE,
)
_INTERVAL: Final = re.compile(
    r"\b(?:sampl\w*[ _-]?)?(?:interval|period|dt)(?:[ _]?\(?(?P<beside>ms|us|s)\)?)?\s*[:=,;\t]\s*"
    r"(?P<value>\d+(?:[.,]\d+)?)\s*(?P<behind>ms|us|s)?\s*[,;]*\s*$",
    re.IGNORECASE,
)
_PER_S: Final = {"s": 1.0, "ms": 1e3, "us": 1e6}
_FILTER: Final = re.compile(r"filter|cut[- ]?off|band\s?width|low[- ]?pass|high[- ]?pass|gyro|magnet", re.IGNORECASE)
_SCALE: Final = re.compile(
    r"(\d+(?:\.\d+)?)\s*(?:lsb|counts?|digits?)\s*(?:/|per)\s*g\b"
    r"|\b(?:scale|sensitivity|counts_per_g|lsb_per_g)\s*[:=,]\s*(\d+(?:\.\d+)?)\s*(?:(?:lsb|counts?)\s*(?:/|per)\s*g)?\s*$",
    re.IGNORECASE,
)
_UNIT: Final = re.compile(r"\bunits?(?: of acceleration)?\s*[:=,;\t]\s*(\S.*?)\s*$", re.IGNORECASE)
_SUBJECT: Final = re.compile(
    r"^\W*(?:subject|participant|person)(?:[ _]?(?:code|id|name))?\s*[:=,;\t]\s*(\S.*?)\W*$", re.I
)
_DAY_FIRST: Final = re.compile(r"date format\s+(d+|M+)/", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Preamble:
    """How a text file holds its table.

    Parameters
    ----------
    name
        Of the file, for messages.
    delimiter
        One character.
    width
        Columns in a row.
    header
        Names of the columns, if there are any.
    units
        What the row of units says, cell by cell, if there is one.
    decimal_comma
        Whether numbers are written like 9,81.
    first_line
        The line of the first row of data, counted from 1.
    head
        The first rows of data.
    rate_hz, unit, subject, day_first
        What the lines before the table say, if they do.
    metadata
        How many lines stand before the table that are neither blank, names nor units.
    ends_in_semicolon
        Whether records end in a semicolon, and several may stand on a line.
    """

    name: str
    delimiter: str
    width: int
    header: tuple[str, ...] | None
    units: tuple[str, ...] | None
    decimal_comma: bool
    first_line: int
    head: tuple[tuple[str, ...], ...]
    rate_hz: float | None = None
    unit: str | None = None
    subject: str | None = None
    day_first: bool | None = None
    metadata: int = 0
    ends_in_semicolon: bool = False

    def called(self, column: int) -> str:
        """Return how to name a column in a message."""
        return f"column {self.header[column]!r}" if self.header else f"column {column + 1}"


def read_preamble(
    lines: Sequence[str], name: str, *, delimiter: str | None = None, names: Sequence[str] = (), skip: int = 0
) -> Preamble:
    """Look at the first lines of a file.

    Parameters
    ----------
    lines
        The first ``HEAD_LINES`` lines at most, without their ends.
    name
        Of the file, for messages.
    delimiter, names
        Declared, if they are.
    skip
        Lines that are passed over, whatever they look like.

    Raises
    ------
    DataError
        When no table with at least three columns is there.
    """
    said = next((match[1] for line in lines[:3] if (match := _SEP.match(line))), None)
    body = [
        (number, line)
        for number, line in enumerate(lines, 1)
        if number > skip and line.strip() and not _SEP.match(line) and not _ATTRIBUTE.match(line)
    ]
    attributes = tuple(
        match["name"].strip("'\"") for line in lines if (match := _ATTRIBUTE.match(line)) and match["name"]
    )
    if not any(not line.lstrip().startswith("#") for _, line in body):
        raise refusal(name, "expected a table, got an empty file")
    mark = delimiter or ("\t" if said == "\\t" else said) or _delimiter([line for _, line in body])
    rows = [] if mark is None else [(number, cells_of(line, mark, name)) for number, line in body]
    if mark is None or max(len(cells) for _, cells in rows) < 3:
        raise refusal(name, f"expected at least three columns, got {body[0][1].strip()[:60]!r}", line=body[0][0])
    comma = mark != "," and _has_decimal_comma([cells for _, cells in rows])
    start = _first_data(rows, comma)
    data = rows[start:]
    width = Counter(len(cells) for _, cells in data).most_common(1)[0][0] if data else 0
    if mark == "," and start and 2 * len(rows[start - 1][1]) == width and not _numbers(rows[start - 1][1], comma):
        raise refusal(
            name,
            f"expected one column for each of the {width // 2} names, got {width}: "
            "the comma separates decimals and columns",
            line=rows[start - 1][0],
            next_step="Export it with semicolons between the columns, or with decimal points.",
        )
    words = read_header(rows[:start], width, comma=comma)
    header, units, used = words.names or attributes or None, words.units, words.used
    # Rows between the names and the first whole row of data are broken ones, not metadata.
    start -= words.broken
    data = [row for row in rows[start:] if not row[1][0].startswith("#")]
    if header is not None and len(header) == width - 1 and _have_row_numbers(data):
        header = ("", *header)
    if header is not None:
        width = len(header)
    elif names:
        header = tuple(names)[:width] if len(names) >= width else None
    before = [line for number, line in body if number < (data[0][0] if data else len(lines) + 1)]
    metadata = before[: len(before) - used]
    terminated = mark != ";" and any(line.rstrip().endswith(";") for _, line in body[start:])
    return Preamble(
        name=name,
        delimiter=mark,
        width=width,
        header=header,
        units=units,
        decimal_comma=comma,
        first_line=data[0][0] if data else len(lines) + 1,
        head=tuple(tuple(cells) for _, cells in data),
        rate_hz=_rate(metadata),
        unit=_unit(metadata),
        subject=next((m[1][:80] for line in metadata if (m := _SUBJECT.match(line))), None),
        day_first=next((m[1][0] == "d" for line in metadata if (m := _DAY_FIRST.search(line))), None),
        metadata=len(metadata),
        ends_in_semicolon=terminated,
    )


def read_pairs(lines: Sequence[str], name: str) -> Preamble | None:
    """Return the head of a table of two columns with names, such as times and labels; None if it is none."""
    for mark in (",", ";", "\t"):
        rows = [cells_of(line, mark, name) for line in lines if line.strip()]
        if len(rows) > 1 and all(len(row) == 2 for row in rows) and not any(map(is_number, rows[0])):
            header, *body = (tuple(row) for row in rows)
            return Preamble(name, mark, 2, (header[0], header[1]), None, False, 2, tuple(body))
    return None


def _delimiter(lines: Sequence[str]) -> str | None:
    """Return what stands between the columns: what makes most lines equally wide, with at least three numbers."""
    best: tuple[float, str] | None = None
    for mark in DELIMITERS:
        shapes: Counter[int] = Counter()
        for line in lines[-200:]:
            cells = line.split() if mark == " " else line.rstrip("; \t" if mark == "," else " ").split(mark)
            numbers = sum(is_number(cell.strip(' "'), comma=mark != ",") for cell in cells)
            if numbers >= min(3, len(cells)) and len(cells) >= 3:
                shapes[len(cells)] += 1
        if shapes:
            score = shapes.most_common(1)[0][1]
            if best is None or score > best[0] * 1.01:
                best = (score, mark)
    if best is not None:
        return best[1]
    for mark in DELIMITERS:
        counts = Counter(len(line.split()) - 1 if mark == " " else line.count(mark) for line in lines)
        count, times = counts.most_common(1)[0]
        if count >= 2 and times >= 0.6 * len(lines) and mark != " ":
            return mark
    return None


def _has_decimal_comma(rows: Sequence[Sequence[str]]) -> bool:
    """Tell whether cells look like 9,81."""
    cells = [cell for row in rows[-100:] for cell in row]
    commas = sum(bool(re.fullmatch(r"[-+]?\d*,\d+(?:[eE][-+]?\d+)?", cell)) for cell in cells)
    points = sum(bool(re.fullmatch(r"[-+]?\d*\.\d+(?:[eE][-+]?\d+)?", cell)) for cell in cells)
    return commas > points


def _first_data(rows: Sequence[tuple[int, list[str]]], comma: bool) -> int:
    """Return which row is the first of the table's body: of the usual width, with at least three numbers."""
    widths = Counter(len(cells) for _, cells in rows if _numbers(cells, comma) >= min(3, len(cells)))
    if not widths:
        return next((at for at, (_, cells) in enumerate(rows) if _numbers(cells, comma)), len(rows))
    width = max(widths, key=lambda width: (widths[width], width))
    near = {width, width + 1, width - 1}
    named = False
    for at, (_, cells) in enumerate(rows):
        if len(cells) not in near or cells[0].startswith("#"):
            continue
        if _numbers(cells, comma) >= min(3, len(cells)) and (named or not _stands_before_names(rows, at, comma)):
            return at
        named = named or _are_names(cells, comma)
    return len(rows)


def _stands_before_names(rows: Sequence[tuple[int, list[str]]], at: int, comma: bool) -> bool:
    """Tell whether a line of words and numbers is metadata, as the names of the columns come soon behind it."""
    if _numbers(rows[at][1], comma) == len(rows[at][1]):
        return False
    return any(_are_names(cells, comma) for _, cells in rows[at + 1 : at + 1 + _NAMES_WITHIN])


def _are_names(cells: Sequence[str], comma: bool) -> bool:
    """Tell whether a line holds three words and no number."""
    return sum(map(bool, cells)) >= 3 and not _numbers(cells, comma) and not any(map(looks_like_date, cells))


def _have_row_numbers(rows: Sequence[tuple[int, list[str]]]) -> bool:
    """Tell whether rows begin with their number, which has no name, as those that R writes do."""
    first = [cells[0] for _, cells in rows]
    if len(first) < 2 or not all(cell.isdecimal() for cell in first):
        return False
    return all(int(after) - int(before) == 1 for before, after in pairwise(first))


def _numbers(cells: Sequence[str], comma: bool) -> int:
    """Count the cells that hold numbers."""
    return sum(bool(cell) and is_number(cell, comma=comma) for cell in cells)


def _rate(metadata: Sequence[str]) -> float | None:
    """Return the only rate that the lines before the table name."""
    found = set()
    for line in metadata:
        matches = [] if _FILTER.search(line.split("Hz")[0].split("at ")[0]) else _HERTZ.findall(line)
        matches = matches or [match[1] for match in [_RATE.search(line)] if match]
        found |= {float(match.replace(",", ".")) for match in matches}
        if (match := _INTERVAL.search(line)) and (unit := match["beside"] or match["behind"]):
            interval = float(match["value"].replace(",", "."))
            found |= {_PER_S[unit.lower()] / interval} if interval else set()
    return found.pop() if len(found) == 1 and min(found) > 0 else None


def _unit(metadata: Sequence[str]) -> str | None:
    """Return the unit that the lines before the table name, or the counts per g."""
    for line in metadata:
        if (match := _SCALE.search(line)) and float(match[1] or match[2]) > 0:
            return f"raw:{float(match[1] or match[2]):g}"
        if (match := _UNIT.search(line)) and (unit := unit_named(match[1])):
            return unit
    return None
