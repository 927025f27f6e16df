"""Which columns are what in a table without names: x, y, z, with a time before or behind them, or a question."""

from collections.abc import Collection, Sequence
from itertools import pairwise
from typing import Final

from edgehar.pipeline.data.importing.cells import is_number
from edgehar.pipeline.data.importing.dates import is_only_a_date, looks_like_date
from edgehar.pipeline.data.importing.preamble import Preamble
from edgehar.pipeline.data.importing.refusals import refusal

_LOOKED_AT: Final = 20
_MOSTLY: Final = 0.9
_FEWEST_ROWS: Final = 3


def unnamed_columns(preamble: Preamble, declared: tuple[int, ...]) -> tuple[tuple[int, int, int], tuple[int, ...]]:
    """Return the columns of x, y, z and of the time.

    Parameters
    ----------
    preamble
        How the table is written.
    declared
        The columns of the time, where the caller says them.

    Raises
    ------
    DataError
        When there are more columns than that, or none of four is a time.
    """
    width = preamble.width
    numeric = [
        all(len(row) > at and is_number(row[at], comma=preamble.decimal_comma) for row in preamble.head[:_LOOKED_AT])
        for at in range(width)
    ]
    dates = _dates(preamble, ())
    if width == 3 and all(numeric) and not declared:
        return (0, 1, 2), ()
    if width == 5 and dates == (0, 1) and all(numeric[2:]) and declared in ((), dates):
        return (2, 3, 4), dates
    if width == 4:
        time = declared or dates or next(((at,) for at in (0, 3) if numeric[at] and _rises(preamble, at)), ())
        # A counter that goes round, or rows in disorder, are looked into further on.
        time = time or ((0,) if numeric[0] and _is_like_none_of_the_others(preamble) else ())
        if time in ((0,), (3,)) and all(numeric[at] for at in range(4) if at != time[0]):
            return ((1, 2, 3), time) if time == (0,) else ((0, 1, 2), time)
    shown = preamble.delimiter.join(preamble.head[0])[:80] if preamble.head else ""
    raise refusal(
        preamble.name,
        f"expected column names, or x, y, z with or without a time, got {shown!r}",
        line=preamble.first_line,
        next_step="Import it with columns by number: --columns 4,5,6 --label-column 2.",
    )


def times_beside(preamble: Preamble, taken: Collection[int], *, numbers_too: bool) -> tuple[int, ...]:
    """Return the columns of the time beside declared axes: those of dates, else a number that rises at the beginning.

    Parameters
    ----------
    preamble
        How the table is written.
    taken
        Columns that are something else.
    numbers_too
        Whether a number may be a time.
    """
    dates = _dates(preamble, taken)
    if dates or not numbers_too or 0 in taken or not _is_filled(preamble, 0):
        return dates
    return (0,) if _rises(preamble, 0) else ()


def _dates(preamble: Preamble, taken: Collection[int]) -> tuple[int, ...]:
    """Return the column of dates, or those of a date and a time of day."""
    found = [
        at
        for at in range(preamble.width)
        if at not in taken and preamble.head and all(map(looks_like_date, _column(preamble, at)[:_LOOKED_AT]))
    ]
    if len(found) > 1 and is_only_a_date(_column(preamble, found[0])[0]):
        return found[0], found[1]
    return tuple(found[:1])


def _column(preamble: Preamble, place: int) -> Sequence[str]:
    """Return the first cells of a column."""
    return [row[place] for row in preamble.head if len(row) > place]


def _is_filled(preamble: Preamble, place: int) -> bool:
    """Tell whether a column begins with numbers."""
    cells = _column(preamble, place)[:_LOOKED_AT]
    return bool(cells) and all(is_number(cell, comma=preamble.decimal_comma) for cell in cells)


def _numbers(preamble: Preamble, place: int) -> list[float]:
    """Return the first numbers of a column."""
    cells = (cell.replace(",", ".") for cell in _column(preamble, place))
    return [float(cell) for cell in cells if is_number(cell)]


def _rises(preamble: Preamble, place: int) -> bool:
    """Tell whether a column hardly ever falls, and is more than a few values: not a label, not a measured value."""
    values = _numbers(preamble, place)
    if len(values) < _FEWEST_ROWS:
        return True
    falls = sum(after < before for before, after in pairwise(values))
    return falls <= (1 - _MOSTLY) * len(values) and len(set(values)) > min(_FEWEST_ROWS, len(values) // 2)


def _is_like_none_of_the_others(preamble: Preamble) -> bool:
    """Tell whether the first of four columns is much larger than the others, as a time in disorder is."""
    first, *others = (max(map(abs, _numbers(preamble, at)), default=0.0) for at in range(4))
    return first > 10 * max(others)
