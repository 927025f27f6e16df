"""The column that says which of several devices a row is of: rows of two sensors must not become one recording.

It is found by its name (``device``, ``position``, ``mac``), or by its words taking turns in a fixed order, as where a
hub writes one row of each sensor after the other. Numbers that go round in order count the samples of a packet.
"""

import re
from collections.abc import Collection, Sequence
from itertools import pairwise
from typing import Final

from edgehar.models.sensing.names import words_of
from edgehar.models.sensing.roles import INDEX, SENSOR, role_of
from edgehar.pipeline.data.importing.cells import is_number
from edgehar.pipeline.data.importing.preamble import Preamble

_NAMES: Final = (
    re.compile(r"devices?|mac|address|uuid|serial|node|imu|hub"),
    re.compile(r"position|side|placement|hand|limb|body|bodypart|location|site|wrist|leg|foot|arm"),
    re.compile(r"watch|phone|model|channel|sensor|sensorid"),
)
"""Words of names, the surest first."""
_IDENTITY: Final = re.compile(r"id")
_OF_BODY: Final = _NAMES[1]
_MOST_DEVICES: Final = 16
_FEWEST_ROUNDS: Final = 8
_FEWEST_IN_ORDER: Final = 0.95


def device_column(preamble: Preamble, taken: Collection[int]) -> int | None:
    """Return the column of the device; None if all rows are of one, as far as the first rows tell.

    Parameters
    ----------
    preamble
        How the table is written.
    taken
        Columns that are known to be something else.
    """
    header = preamble.header or ()
    rows = [row for row in preamble.head if len(row) >= preamble.width]
    others = [
        place
        for place in range(preamble.width)
        if place not in taken and (place >= len(header) or role_of(header[place]).role in ("", INDEX, SENSOR))
    ]
    columns = {place: [row[place] for row in rows] for place in others}
    few = {place: cells for place, cells in columns.items() if _are_names(cells)}
    for form in _NAMES:
        for place in few:
            if place < len(header) and _is_named(header[place], form):
                return place
    named = {place for place in few if place < len(header) and _is_named(header[place], _IDENTITY)}
    return next(
        (place for place, cells in few.items() if (place in named or not is_number(cells[0])) and _take_turns(cells)),
        None,
    )


def is_of_body(name: str) -> bool:
    """Tell whether a column of this name says where on the body a device was."""
    return _is_named(name, _OF_BODY)


def _is_named(name: str, form: re.Pattern[str]) -> bool:
    """Tell whether a word of a name, or all of them together, are of a form."""
    words = words_of(name)
    return any(form.fullmatch(word) for word in (*words, "".join(words)))


def _are_names(cells: Sequence[str]) -> bool:
    """Tell whether cells may name devices: few different words or whole numbers."""
    different = set(cells)
    whole = all(cell and (not is_number(cell) or cell.lstrip("+-").isdigit()) for cell in different)
    return whole and 0 < len(different) <= _MOST_DEVICES


def _take_turns(cells: Sequence[str]) -> bool:
    """Tell whether cells come back in the same order, round by round."""
    period = len(set(cells))
    if period < 2 or len(cells) < _FEWEST_ROUNDS * period or len(set(cells[:period])) < period:
        return False
    if period > 2 and all(is_number(cell) for cell in cells):
        steps = {int(after) - int(before) for before, after in pairwise(cells)}
        if len(steps) == 2 and steps & {1, -1}:
            return False
    same = sum(before == after for before, after in zip(cells, cells[period:], strict=False))
    return same >= _FEWEST_IN_ORDER * (len(cells) - period)
