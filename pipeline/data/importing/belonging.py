"""Whether a file in which no recording was found is a broken recording, or something else that lies beside recordings.

A file that was cut, emptied or overwritten no longer says what it was; its name and its neighbours do. In this order:

1. files of the same name, digits apart, were read: it is one of them; or they were other things: it is another;
2. its name is that of another sensor;
3. its first line is that of a file that was read, or the beginning of one, or holds most of its names;
4. it is a whole table with other names, a list of numbers, or sentences: something else;
5. more files of its kind in its folder are recordings than are not.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath
from typing import Final

from edgehar.models.errors import DataError
from edgehar.models.sensing.names import ACCELERATION, sensor_of_text
from edgehar.pipeline.data.importing.cells import is_number
from edgehar.pipeline.data.importing.preamble import read_pairs, read_preamble
from edgehar.pipeline.data.importing.sources import DOCUMENTS, Source
from edgehar.pipeline.data.importing.text import encoding_of

_HEAD_BYTES: Final = 2**14
_HEAD_LINES: Final = 40
_LONGEST_LINE: Final = 300
_MOST_NAMES: Final = 0.6
_DIGITS: Final = re.compile(r"\d+")
_CELLS: Final = re.compile(r"[,;\t|]")
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0e-\x1f\x7f\ufffd]")
_WORD: Final = re.compile(r"[^\W\d_]{2,}")
_FEWEST_LETTERS: Final = 0.7


def shape_of(source: Source) -> str:
    """Return the name of a file with its digits alike, and without its folders.

    Examples
    --------
    >>> from pathlib import Path
    >>> shape_of(Source("a/walk_12.csv", "a/walk_12.csv", Path("a/walk_12.csv")))
    'walk_0.csv'
    """
    return _DIGITS.sub("0", PurePosixPath(source.inner).name.lower())


class Neighbours:
    """What came of the files of a folder, and so what the others are.

    Parameters
    ----------
    read
        Files that hold recordings.
    foreign
        Files that surely hold something else.
    """

    def __init__(self, read: Iterable[Source], foreign: Iterable[Source]) -> None:
        self._read = list(read)
        self._votes: Counter[tuple[object, ...]] = Counter()
        self._decided: set[tuple[object, ...]] = set()
        self._starts: set[str] | None = None
        self._names: set[frozenset[str]] = set()
        for source in self._read:
            self._count(source, 1)
        for source in foreign:
            self._count(source, -1)

    def broken_among(self, unrecognised: Sequence[Source]) -> set[Source]:
        """Return those that are broken recordings."""
        broken, open_ones = set(), []
        for source in unrecognised:
            belongs = self._by_name(source)
            if belongs is None:
                belongs = self._by_content(source)
            if belongs is None:
                open_ones.append(source)
                continue
            self._count(source, 1 if belongs else -1)
            if belongs:
                broken.add(source)
        return broken | {source for source in open_ones if self._lies_among_recordings(source)}

    def _count(self, source: Source, vote: int) -> None:
        """Let a file speak for those like it: +1 for a recording, -1 for something else."""
        for key in _keys(source):
            self._votes[key] += vote
            self._decided.add(key)

    def _by_name(self, source: Source) -> bool | None:
        """Tell it by the files of the same name, or by the name of another sensor."""
        name, *_ = _keys(source)
        if name in self._decided:
            return self._votes[name] >= 0
        return False if sensor_of_text(source.stem) not in (None, ACCELERATION) else None

    def _by_content(self, source: Source) -> bool | None:
        """Tell it by what is left in the file."""
        lines = _lines_of(source)
        if self._begins_like_one(lines):
            return True
        return False if _is_something_else(source, lines) else None

    def _begins_like_one(self, lines: Sequence[str]) -> bool:
        """Tell whether the first line is that of a file that was read, cut or altered."""
        if not lines:
            return False
        if self._starts is None:
            heads = [_lines_of(source) for source in self._read]
            self._starts = {_alike(head[0]) for head in heads if head and _WORD.search(head[0])}
            self._names = {names for head in heads for line in head if len(names := _names_in(line)) >= 3}
        first = _alike(lines[0])
        if len(first) > 1 and any(start.startswith(first) for start in self._starts):
            return True
        own = [_names_in(line) for line in lines[:5]]
        return any(len(names & known) >= _MOST_NAMES * len(known) for names in own for known in self._names)

    def _lies_among_recordings(self, source: Source) -> bool:
        """Tell whether more files of its suffix in its folder, or else as deep as it, are recordings than are not."""
        _, *near = _keys(source)
        return next((self._votes[key] > 0 for key in near if key in self._decided), False)


def _keys(source: Source) -> tuple[tuple[object, ...], ...]:
    """Return what files like this one share: the name, the folder, the depth."""
    folder = PurePosixPath(source.inner).parent
    return (shape_of(source),), (source.suffix, folder), (source.suffix, len(folder.parts))


def _lines_of(source: Source) -> list[str]:
    """Return the first lines of a file that are not blank; none where it is no text."""
    try:
        with source.open() as stream:
            start = stream.read(_HEAD_BYTES)
        text = start.decode(encoding_of(start, source.name), "replace")
    except DataError:
        return []
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    lines = lines[:-1] if len(start) == _HEAD_BYTES and len(lines) > 1 else lines
    return [line for line in lines if line.strip()][:_HEAD_LINES]


def _alike(line: str) -> str:
    """Return a line with what differs from file to file made alike."""
    return _DIGITS.sub("0", line.strip().lower())[:_LONGEST_LINE]


def _names_in(line: str) -> frozenset[str]:
    """Return the cells of a line that are words."""
    cells = (cell.strip(" \"'#").lower() for cell in _CELLS.split(line[: 20 * _LONGEST_LINE]))
    return frozenset(cell for cell in cells if cell and not is_number(cell.replace(",", ".")))


def _is_something_else(source: Source, lines: Sequence[str]) -> bool:
    """Tell whether lines are those of a whole file of another kind."""
    if source.suffix in DOCUMENTS or not lines or any(_CONTROLS.search(line) for line in lines):
        return False
    if all(is_number(cell) for line in lines for cell in _CELLS.split(line)) and len(lines) > 1:
        return max(len(_CELLS.split(line)) for line in lines) < 3
    return _is_prose(lines) or _has_names(source, lines)


def _has_names(source: Source, lines: Sequence[str]) -> bool:
    """Tell whether lines are a table with names, and with rows."""
    try:
        table = read_pairs(lines, source.name) or read_preamble(lines, source.name)
    except DataError:
        return False
    return table.header is not None and bool(table.head) and all(name.isprintable() for name in table.header)


def _is_prose(lines: Sequence[str]) -> bool:
    """Tell whether lines are mostly words with blanks between them."""
    text = " ".join(lines)
    letters = sum(character.isalpha() or character == " " for character in text)
    spoken = any(len(_WORD.findall(line)) >= 3 and len(line.split()) >= 3 for line in lines)
    return spoken and letters >= _FEWEST_LETTERS * len(text)
