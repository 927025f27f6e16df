"""Numbers with a decimal comma in quotes, between commas: ``"0,02","-1,5"``, as spreadsheets export in some locales."""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from edgehar.pipeline.data.importing.text import Chunk

_DECIMAL: Final = re.compile(r"\s*[-+]?\d+,\d+(?:[eE][-+]?\d+)?\s*")
_THOUSANDS: Final = re.compile(r"\s*[-+]?[1-9]\d{0,2}(?:,\d{3})+\s*")
"""A comma between thousands: where nothing but such numbers is there, it separates no decimals."""
_MOSTLY: Final = 0.8
_LOOKED_AT: Final = 100


@dataclass(frozen=True, slots=True)
class QuotedDecimals:
    """Such lines; ``example`` is the first of them."""

    example: str

    @classmethod
    def found_in(cls, lines: Sequence[str]) -> "QuotedDecimals | None":
        """Return that lines are like that, if nearly all of the last ones are."""
        body = [line for line in lines if line.strip()][-_LOOKED_AT:]
        like = [line for line in body if sum(map(bool, map(_DECIMAL.fullmatch, _cells(line)))) >= 3]
        cells = [cell for line in like for cell in _cells(line) if _DECIMAL.fullmatch(cell)]
        if not body or len(like) < _MOSTLY * len(body) or all(map(_THOUSANDS.fullmatch, cells)):
            return None
        return cls(like[0].strip()[:60])

    def rewritten_head(self, lines: Sequence[str]) -> list[str]:
        """Return the first lines with semicolons between the columns."""
        return [_row(line) for line in lines]

    def rewritten(self, chunks: Iterator[Chunk]) -> Iterator[Chunk]:
        """Yield pieces of the file with semicolons between the columns."""
        for chunk in chunks:
            rows = [_row(line) for line in chunk.data.decode("utf-8").split("\n")[:-1]]
            yield Chunk(("\n".join(rows) + "\n").encode(), chunk.lines, chunk.ended)


def _cells(line: str) -> list[str]:
    """Return the cells of a line; none where it has no quotes, or a cell longer than any of a table."""
    try:
        return next(csv.reader([line]), []) if '"' in line else []
    except csv.Error:
        return []


def _row(line: str) -> str:
    """Return a line with semicolons between its cells; one that cannot be split as it is, for the parser to refuse."""
    try:
        return ";".join(cell.replace(";", ",") for cell in next(csv.reader([line]), []))
    except csv.Error:
        return line
