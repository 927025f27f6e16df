"""Times in two columns: whole seconds, and what has passed of each second, as ROS, Windows and many loggers write them.

::

    sec,nanosec            timestamp,milliseconds           Time,Second Fraction
    1700000000,20000000    2024-01-05 10:00:00,20           2024-01-05 10:00:00,0.02
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from edgehar.models.sensing.names import words_of
from edgehar.models.sensing.roles import DATE, TIME, ColumnRole
from edgehar.models.sensing.unit_names import time_unit_named
from edgehar.pipeline.data.importing.cells import is_number
from edgehar.pipeline.data.importing.clock import SECONDS
from edgehar.pipeline.data.importing.dates import looks_like_date, read_form, seconds_of
from edgehar.pipeline.data.importing.preamble import Preamble

_PARTS: Final = {1e3: "ms", 1e6: "us", 1e9: "ns"}
_FRACTIONS: Final = frozenset(["fraction", "frac", "subsecond", "subseconds", "subsec"])
_COARSER: Final = frozenset(["minute", "minutes", "min", "hour", "hours"])
_FEWEST_ROWS: Final = 8
_MOSTLY: Final = 0.9


@dataclass(frozen=True, slots=True)
class Subseconds:
    """Where whole seconds and their parts are.

    Parameters
    ----------
    seconds, part
        Columns, counted from 0.
    part_s
        What one of the part is, in s.
    """

    seconds: int
    part: int
    part_s: float


def find_subseconds(preamble: Preamble, roles: Sequence[ColumnRole]) -> Subseconds | None:
    """Return the columns of whole seconds and of their parts: the part rises within a second, and falls at the next.

    Parameters
    ----------
    preamble
        How the table is written.
    roles
        What its columns are by their names.
    """
    rows = [row for row in preamble.head if len(row) >= preamble.width]
    words = [words_of(name) for name in preamble.header or ()]
    times = [at for at, role in enumerate(roles) if role.role in (TIME, DATE) or _unit_of(words[at]) is not None]
    if len(times) < 2 or len(rows) < _FEWEST_ROWS or any(set(each) & _COARSER for each in words):
        return None
    columns = {at: _values([row[at] for row in rows], comma=preamble.decimal_comma) for at in times}
    for seconds in times:
        for part in times:
            whole, parts = columns[seconds], columns[part]
            if whole is None or parts is None or seconds == part or looks_like_date(rows[0][part]):
                continue
            unit_s = _unit_s(parts, _unit_of(words[part]))
            if unit_s is not None and _go_round(whole, parts):
                return Subseconds(seconds, part, unit_s)
    return None


def _unit_of(words: Sequence[str]) -> str | None:
    """Return the unit of time that a word of a name is; a fraction is of seconds."""
    if set(words) & _FRACTIONS:
        return "s"
    return next((unit for word in reversed(words) if (unit := time_unit_named(word)) is not None), None)


def _values(cells: Sequence[str], *, comma: bool) -> list[float] | None:
    """Return cells as numbers, or dates in s; None where they are neither."""
    if all(is_number(cell, comma=comma) for cell in cells):
        return [float(cell.replace(",", ".") if comma else cell) for cell in cells]
    if all(map(looks_like_date, cells)) and (form := read_form(cells)):
        values: list[float] = seconds_of(np.array([cell.encode() for cell in cells]), form).tolist()
        return values
    return None


def _unit_s(parts: Sequence[float], named: str | None) -> float | None:
    """Return what one of the parts of a second is, in s; None if they are none."""
    if min(parts) < 0:
        return None
    if max(parts) < 1:
        return 1.0 if any(parts) else None
    if any(part % 1 for part in parts):
        return None
    # Parts reach far into the second, or they would not go round with it.
    fitting = next((unit for limit, unit in _PARTS.items() if 0.5 * limit <= max(parts) < limit), None)
    return SECONDS[fitting] if fitting is not None and named in (None, fitting, "s") else None


def _go_round(whole: Sequence[float], parts: Sequence[float]) -> bool:
    """Tell whether parts rise while the second is the same, and fall whenever it is the next one."""
    if any(second % 1 for second in whole):
        return False
    steps = [after - before for before, after in pairwise(whole)]
    turns = [after - before for before, after in pairwise(parts)]
    same = [turn for step, turn in zip(steps, turns, strict=True) if step == 0]
    next_one = [turn for step, turn in zip(steps, turns, strict=True) if step == 1]
    return (
        min(steps) >= 0
        and min(same, default=-1) >= 0
        and any(same)
        and bool(next_one)
        and sum(turn < 0 for turn in next_one) >= _MOSTLY * len(next_one)
    )
