"""How a text file holds a table: its encoding, its delimiter, its header, found by looking at the first lines."""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from edgehar.models.errors import DataError

DELIMITERS: Final = {"\t": "tab", ";": "semicolon", "|": "bar", ",": "comma", " ": "space"}
"""What may stand between columns, in the order it is looked for; the comma comes late, it may be a decimal comma."""

MISSING: Final = frozenset({"", "nan", "na", "n/a", "null", "none", "-"})
"""How a missing value is written, in lower case."""

_MAX_LINE: Final = 2**20
_SNIFFED_LINES: Final = 50
_SNIFFED_BYTES: Final = 2**16


@dataclass(frozen=True, slots=True)
class Sheet:
    """How a text file holds its table.

    Parameters
    ----------
    path, encoding, delimiter
        Where, and in which characters.
    width
        Columns in a row.
    header
        Their names, when the first line holds names.
    decimal_comma
        Whether numbers are written like 9,81.
    head
        The first rows of data.
    """

    path: Path
    encoding: str
    delimiter: str
    width: int
    header: tuple[str, ...] | None
    decimal_comma: bool
    head: tuple[tuple[str, ...], ...]

    def called(self, column: int) -> str:
        """Return how to name a column in a message."""
        return f"column {self.header[column]!r}" if self.header else f"column {column + 1}"

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Yield (line, cells) for every row of data.

        Raises
        ------
        DataError
            When the file is not text all the way, or a line or cell is absurdly long.
        """
        lines = _Lines(self.path, self.encoding)
        reader = csv.reader(
            (_ended(line, self.delimiter) for line in lines), delimiter=self.delimiter, skipinitialspace=True
        )
        try:
            for row in islice(reader, 0 if self.header is None else 1, None):
                yield lines.number, row
        except csv.Error as error:
            sentence = f"expected every quote closed and short cells, but {error}"
            raise refusal(self.path, sentence, line=lines.number) from error


def sniff(path: Path, *, delimiter: str | None = None) -> Sheet:
    """Look at the first lines of a file.

    Raises
    ------
    DataError
        When the file is empty, binary, or has fewer than three columns.
    """
    encoding = _encoding(path)
    lines = list(islice(_Lines(path, encoding), _SNIFFED_LINES))
    if not lines:
        raise refusal(path, "expected a table, got an empty file")
    mark = delimiter or _delimiter(lines)
    rows = [] if mark is None else _split(path, lines, mark)
    if mark is None or not rows or len(rows[0]) < 3:
        raise refusal(path, f"expected at least three columns, got {lines[0].strip()[:60]!r}", line=1)
    decimal_comma = mark != "," and any("," in cell and is_number(cell, comma=True) for row in rows[1:] for cell in row)
    named = not any(is_number(cell, comma=decimal_comma) for cell in rows[0])
    body = rows[1:] if named else rows
    width = Counter(len(row) for row in rows).most_common(1)[0][0]
    header = tuple(cell.strip() for cell in rows[0]) if named else None
    if header is not None:
        width = len(header)
    return Sheet(path, encoding, mark, width, header, decimal_comma, tuple(tuple(row) for row in body))


def is_number(cell: str, *, comma: bool = False) -> bool:
    """Tell whether a cell holds a number, or a missing one written as NaN."""
    try:
        float(cell.replace(",", ".") if comma else cell)
    except ValueError:
        return False
    return True


def refusal(path: Path, sentence: str, *, line: int | None = None, next_step: str | None = None) -> DataError:
    """Return the error for a text file that is not what it must be."""
    place = str(path) if line is None else f"{path}, line {line}"
    return DataError(f"{place}: {sentence}", next_step=next_step or "Repair the file.", path=str(path), line=line)


class _Lines:
    """The lines of a text file that are neither blank nor comments; ``number`` counts all of them."""

    def __init__(self, path: Path, encoding: str) -> None:
        self.path = path
        self.encoding = encoding
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        try:
            with self.path.open(encoding=self.encoding, newline="") as stream:
                while line := stream.readline(_MAX_LINE + 1):
                    self.number += 1
                    if len(line) > _MAX_LINE:
                        raise refusal(self.path, f"expected at most {_MAX_LINE} characters on a line", line=self.number)
                    if line.strip() and not line.startswith("#"):
                        yield line
        except UnicodeDecodeError as error:
            sentence = f"expected {self.encoding} text, got the byte 0x{error.object[error.start]:02x} soon after"
            raise refusal(self.path, sentence, line=self.number) from error


def _encoding(path: Path) -> str:
    """Return the encoding of a text file, judged by its first bytes."""
    try:
        with path.open("rb") as stream:
            start = stream.read(_SNIFFED_BYTES)
    except OSError as error:
        raise refusal(path, f"expected a readable file, but {error.strerror}", next_step="Check the path.") from error
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if b"\0" in start:
        raise refusal(path, "expected a text file, got a binary one", next_step="Export the recording as CSV.")
    try:
        # A character may be cut in two at the end of what was read; a line is not.
        start[: start.rfind(b"\n") + 1 or None].decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8-sig"


def _delimiter(lines: list[str]) -> str | None:
    """Return what stands between the columns: the first mark that most lines hold equally often, at least twice."""
    for mark in DELIMITERS:
        counts = Counter(len(line.split()) - 1 if mark == " " else _ended(line, mark).count(mark) for line in lines)
        count, times = counts.most_common(1)[0]
        if count >= 2 and times >= 0.6 * len(lines):
            return mark
    return None


def _split(path: Path, lines: Iterable[str], mark: str) -> list[list[str]]:
    """Split the first lines into cells."""
    try:
        return list(csv.reader((_ended(line, mark) for line in lines), delimiter=mark, skipinitialspace=True))
    except csv.Error as error:
        raise refusal(path, f"expected a table, but {error}", line=1) from error


def _ended(line: str, mark: str) -> str:
    """Return a line without its end, which some recorders write as a semicolon."""
    line = line.rstrip("\r\n")
    if mark == " ":
        line = line.strip()
    return line if mark == ";" else line.rstrip("; ")
