"""Rows in which x, y and z stand in one cell, in brackets: ``0.02,"[0.1, 0.9, -0.2]"``, as lists are written to CSV."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from edgehar.pipeline.data.importing.text import Chunk

_NUMBER: Final = r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?"
_BETWEEN: Final = r"(?:\s*[,;]\s*|\s+)"
_TRIPLE: Final = re.compile(
    rf"\"?[\[(]\s*({_NUMBER}){_BETWEEN}({_NUMBER}){_BETWEEN}({_NUMBER})\s*,?\s*[\])]\"?(?=\s*(?:[,;\t]|$))"
)
_MARK: Final = re.compile(r"[,;\t]")
_MOSTLY: Final = 0.8
_LOOKED_AT: Final = 100


@dataclass(frozen=True, slots=True)
class ListedCells:
    """How such lines are written.

    Parameters
    ----------
    mark
        What stands between cells.
    places
        Which cells hold three numbers.
    example
        The first such line.
    """

    mark: str
    places: tuple[int, ...]
    example: str

    @classmethod
    def found_in(cls, lines: Sequence[str]) -> "ListedCells | None":
        """Return how lines are written, if nearly all of the last ones are like that."""
        body = [line for line in lines if line.strip()][-_LOOKED_AT:]
        like = [line for line in body if _TRIPLE.search(line)]
        if not body or len(like) < _MOSTLY * len(body):
            return None
        bare = _TRIPLE.sub("\0", like[-1])
        mark = next(iter(_MARK.findall(bare)), ",")
        places = tuple(at for at, cell in enumerate(bare.split(mark)) if "\0" in cell)
        return cls(mark, places, like[0].strip()[:60])

    def rewritten_head(self, lines: Sequence[str]) -> list[str]:
        """Return the first lines with a cell for every number."""
        return [self._row(line) for line in lines]

    def rewritten(self, chunks: Iterator[Chunk]) -> Iterator[Chunk]:
        """Yield pieces of the file with a cell for every number."""
        for chunk in chunks:
            rows = [self._row(line) for line in chunk.data.decode("utf-8").split("\n")[:-1]]
            yield Chunk(("\n".join(rows) + "\n").encode(), chunk.lines, chunk.ended)

    def _row(self, line: str) -> str:
        """Return a line with a cell for every number; a name of three becomes three names."""
        if _TRIPLE.search(line):
            return _TRIPLE.sub(lambda match: self.mark.join(match.groups()), line)
        cells = line.split(self.mark)
        if len(cells) <= max(self.places):
            return line
        for at in self.places:
            name = cells[at].strip().strip('"')
            cells[at] = self.mark.join(f"{name} {axis}" for axis in "xyz")
        return self.mark.join(cells)
