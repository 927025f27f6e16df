"""A JSON object on every line, as loggers write that add to a file: rewritten as the rows of a table.

Lines of several sensors in turn may have other keys each; a cell whose key a line has not stays empty.
"""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from edgehar.pipeline.data.importing.json_rows import columns_of, flat
from edgehar.pipeline.data.importing.text import Chunk

_MOSTLY: Final = 0.8
_FEWEST: Final = 3
_NO_CELLS: Final = str.maketrans('",', "' ")


@dataclass(frozen=True, slots=True)
class JsonLines:
    """The columns of such lines.

    Parameters
    ----------
    columns
        The keys, those one level deeper behind a point.
    example
        The first such line.
    """

    columns: tuple[str, ...]
    example: str

    @classmethod
    def found_in(cls, lines: Sequence[str]) -> "JsonLines | None":
        """Return the columns of lines that are JSON objects, if nearly all are."""
        written = [line for line in lines if line.strip()]
        found = [(line, parsed) for line in written if (parsed := _parsed(line)) is not None]
        if len(found) < max(_FEWEST, _MOSTLY * len(written)):
            return None
        columns = columns_of([flat(parsed) for _, parsed in found])
        return cls(columns, found[0][0].strip()[:60]) if len(columns) >= _FEWEST else None

    def rewritten_head(self, lines: Sequence[str]) -> list[str]:
        """Return the first lines as those of a table."""
        return [_row(self.columns), *(self._row(line) for line in lines if line.strip())]

    def rewritten(self, chunks: Iterator[Chunk]) -> Iterator[Chunk]:
        """Yield pieces of the file as those of a table; a damaged line becomes one cell."""
        yield Chunk((_row(self.columns) + "\n").encode(), 1)
        for chunk in chunks:
            rows = [self._row(line) for line in chunk.data.decode("utf-8").split("\n")[:-1]]
            yield Chunk(("\n".join(rows) + "\n").encode(), len(rows), chunk.ended)

    def _row(self, line: str) -> str:
        """Return a line as a row."""
        parsed = _parsed(line)
        if parsed is None:
            return line.translate(_NO_CELLS)
        cells = flat(parsed)
        return _row([cells.get(name, "") for name in self.columns])


def _parsed(line: str) -> dict[str, Any] | None:
    """Return the object of a line; None where it holds none."""
    if not line.lstrip().startswith("{"):
        return None
    try:
        parsed = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return parsed if isinstance(parsed, dict) else None


def _row(cells: Sequence[object]) -> str:
    """Return cells as a line of CSV."""
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(cells)
    return text.getvalue().replace("\n", " ")
