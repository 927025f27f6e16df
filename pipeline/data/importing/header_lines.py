"""The lines of words before a table: names, units, and names of groups above them, as spreadsheets merge cells.

::

    Time,Accelerometer,,,Gyroscope,,         each x, y, z belongs to the word above it, or to the last one on its left
    (s),x,y,z,x,y,z
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from edgehar.models.sensing.names import read_name
from edgehar.models.sensing.unit_names import time_unit_named, unit_named
from edgehar.pipeline.data.importing.cells import is_number
from edgehar.pipeline.data.importing.dates import looks_like_date

_MOST_BROKEN: Final = 6


@dataclass(frozen=True, slots=True)
class HeaderLines:
    """What stands directly before the rows of data.

    Parameters
    ----------
    names, units
        Cell by cell, where there are any.
    used
        How many lines they are.
    broken
        How many lines stand between them and the first whole row.
    """

    names: tuple[str, ...] | None = None
    units: tuple[str, ...] | None = None
    used: int = 0
    broken: int = 0


def read_header(before: Sequence[tuple[int, list[str]]], width: int, *, comma: bool) -> HeaderLines:
    """Return the names and units before the data.

    Parameters
    ----------
    before
        Lines before the first whole row, as (number, cells).
    width
        Columns in a row; 0 where there are no rows.
    comma
        Whether numbers have a decimal comma.
    """
    words: list[tuple[str, ...]] = []
    broken = 0
    lines = [_without_mark(cells) for _, cells in before[-_MOST_BROKEN:]]
    for at in reversed(range(len(lines))):
        if _are_words(lines[at], width, comma=comma):
            words.append(_trimmed(lines[at], width))
            if len(words) == 2 or not _are_units(words[0]):
                above = lines[at - 1] if at else []
                return _grouped(words, above if _are_words(above, width, comma=comma) else [], broken)
        elif words:
            break
        else:
            broken += 1
    return _grouped(words, [], broken) if words else HeaderLines()


def _grouped(words: Sequence[tuple[str, ...]], above: list[str], broken: int) -> HeaderLines:
    """Return names, with those of their groups before them where there are some."""
    names, units = (words[1], words[0]) if len(words) == 2 else (words[0], None)
    groups = _filled(above, len(names))
    if groups is None or not _name_groups(groups, names):
        return HeaderLines(names, units, len(words), broken)
    full = tuple(f"{group} {name}".strip() for group, name in zip(groups, names, strict=True))
    return HeaderLines(full, units, len(words) + 1, broken)


def _filled(above: list[str], width: int) -> list[str] | None:
    """Return the names of groups for all columns: an empty cell belongs to the group on its left."""
    if not above:
        return None
    groups: list[str] = []
    for cell in [*above, *[""] * width][:width]:
        groups.append(cell or (groups[-1] if groups else ""))
    return groups


def _name_groups(groups: Sequence[str], names: Sequence[str]) -> bool:
    """Tell whether a line names groups: one word over several columns, of which axes come again or are bare."""
    counts = Counter(group for group in groups if group)
    axes = [read_name(name) for name in names]
    bare = [at for at, name in enumerate(axes) if name.axis is not None and name.sensor is None]
    told = {groups[at] for at in bare if read_name(groups[at]).sensor is not None}
    return bool(told) and any(counts[group] >= 3 for group in told)


def _without_mark(cells: list[str]) -> list[str]:
    """Return cells without the mark of a comment before the first."""
    return [cell.lstrip("#%").strip() if at == 0 else cell for at, cell in enumerate(cells)]


def _are_words(cells: Sequence[str], width: int, *, comma: bool) -> bool:
    """Tell whether a line holds as many words as rows have columns, and neither numbers nor dates."""
    return (
        len(cells) >= 3
        and (width == 0 or len(cells) in (width, width + 1, width - 1))
        and not any(cell and is_number(cell, comma=comma) for cell in cells)
        and not any(map(looks_like_date, cells))
    )


def _trimmed(cells: list[str], width: int) -> tuple[str, ...]:
    """Return names without an empty one behind the last delimiter."""
    return tuple(cells[:-1] if len(cells) > max(3, width - 1) and not cells[-1] and len(cells) != width else cells)


def _are_units(cells: Sequence[str]) -> bool:
    """Tell whether a row of words holds units."""
    named = [cell for cell in cells if cell]
    known = sum(unit_named(cell) is not None or time_unit_named(cell) is not None for cell in named)
    return bool(named) and known >= 3
