"""Files whose lines are rows of a table, but written in another way: they are rewritten, and read as a table."""

from collections.abc import Iterator, Sequence
from typing import Final, Protocol

from edgehar.pipeline.data.importing.json_lines import JsonLines
from edgehar.pipeline.data.importing.labelled_lines import LabelledLines
from edgehar.pipeline.data.importing.listed_cells import ListedCells
from edgehar.pipeline.data.importing.quoted_decimals import QuotedDecimals
from edgehar.pipeline.data.importing.text import Chunk


class Rewriting(Protocol):
    """A way of writing rows."""

    @property
    def example(self) -> str:
        """The first such line."""

    def rewritten_head(self, lines: Sequence[str]) -> list[str]:
        """Return the first lines as those of a table."""

    def rewritten(self, chunks: Iterator[Chunk]) -> Iterator[Chunk]:
        """Yield pieces of the file as those of a table."""


_KINDS: Final = (JsonLines, QuotedDecimals, ListedCells, LabelledLines)


def find_rewriting(lines: Sequence[str]) -> Rewriting | None:
    """Return how the rows of a file are written, if its first lines are not those of a table."""
    return next((found for kind in _KINDS if (found := kind.found_in(lines)) is not None), None)
