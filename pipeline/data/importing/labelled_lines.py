"""Lines in which every number bears its name: ``Acceleration X: 0.51, Y: 9.67, Z: -1.42 m/s^2``, ``{"x": 1, "y": 2}``.

Sketches print such lines to the serial monitor, which puts the time of day before them. They are rewritten as rows of a
table; lines of another shape that come again and again are of another sensor, and passed over.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from edgehar.models.sensing.unit_names import unit_named
from edgehar.pipeline.data.importing.text import Chunk

_NUMBER: Final = r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?"
_PAIR: Final = re.compile(rf"[\"']?([A-Za-z][\w .]*?)[\"']?\s*[:=]\s*({_NUMBER})(?![\d:.])")
_STAMP: Final = re.compile(r"^\s*(\d{1,2}:\d{2}:\d{2}(?:\.\d+)?)\s*->\s*")
_TAIL: Final = re.compile(r"([A-Za-z][\w/^*()²]*)\s*[\"'}\])]*\s*$")
_SHARE: Final = 0.2


@dataclass(frozen=True, slots=True)
class LabelledLines:
    """The shape of such lines.

    Parameters
    ----------
    names
        Of the numbers, in order.
    stamped
        Whether a time of day stands before each.
    unit
        The unit at the end of the line, if there is one.
    example
        The first such line.
    """

    names: tuple[str, ...]
    stamped: bool
    unit: str | None
    example: str

    @classmethod
    def found_in(cls, lines: Sequence[str]) -> "LabelledLines | None":
        """Return the shape of lines with x, y and z among their names, if many are like that."""
        shapes: Counter[tuple[str, ...]] = Counter()
        first: dict[tuple[str, ...], str] = {}
        for line in lines:
            names = tuple(match[1].strip() for match in _PAIR.finditer(_STAMP.sub("", line)))
            if {"x", "y", "z"} <= {name.lower().split()[-1][-1] for name in names if name}:
                shapes[names] += 1
                first.setdefault(names, line)
        if not shapes:
            return None
        (names, count), *others = shapes.most_common()
        # Where two sensors print such lines in turn, the names say which one is meant.
        wanted = [shape for shape in (names, *(other for other, _ in others)) if "acc" in " ".join(shape).lower()]
        names = wanted[0] if wanted else names
        count = shapes[names]
        if count < max(3, _SHARE * sum(bool(line.strip()) for line in lines)):
            return None
        line = first[names]
        tail = _TAIL.search(line)
        unit = unit_named(tail[1]) if tail else None
        return cls(names, bool(_STAMP.match(line)), unit, line.strip()[:60])

    @property
    def header(self) -> str:
        """The names as the first line of a table; a bare axis is the sensor of the one before it."""
        sensor = ""
        written = []
        for name in self.names:
            words = name.split()
            if len(words) > 1 and words[-1].lower() in "xyz":
                sensor = " ".join(words[:-1])
            axis = len(words) == 1 and name.lower() in "xyz"
            full = f"{sensor} {name}".strip() if axis else name
            written.append(f"{full} ({self.unit})" if self.unit and words[-1].lower() in "xyz" else full)
        return ",".join(["Time", *written] if self.stamped else written)

    def row(self, line: str) -> str | None:
        """Return a line as a row; None where it has another shape."""
        stamp = _STAMP.match(line)
        pairs = _PAIR.findall(line[stamp.end() :] if stamp else line)
        if tuple(name.strip() for name, _ in pairs) != self.names or bool(stamp) != self.stamped:
            return None
        cells = [value for _, value in pairs]
        return ",".join([stamp[1], *cells] if stamp else cells)

    def rewritten_head(self, lines: Sequence[str]) -> list[str]:
        """Return the first lines as those of a table."""
        return [self.header, *(row for line in lines if (row := self.row(line)) is not None)]

    def rewritten(self, chunks: Iterator[Chunk]) -> Iterator[Chunk]:
        """Yield pieces of the file as those of a table."""
        yield Chunk((self.header + "\n").encode(), 1)
        for chunk in chunks:
            rows = [row for line in chunk.data.decode("utf-8").split("\n") if (row := self.row(line)) is not None]
            if rows:
                yield Chunk(("\n".join(rows) + "\n").encode(), len(rows), chunk.ended)
