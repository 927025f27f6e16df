"""Which rows of a table are of the accelerometer, where rows of several sensors stand in turn.

The column that says it is found by its name, or by what it says: words that name sensors, or Android's numbers for
them.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from edgehar.models.sensing.names import ACCELERATION, sensor_of_text, words_of
from edgehar.models.sensing.roles import AXIS, SENSOR, TIME, ColumnRole
from edgehar.pipeline.data.importing.cells import MISSING, is_number
from edgehar.pipeline.data.importing.preamble import Preamble

_ANDROID: Final = {
    "1": "accelerometer", "2": "magnetometer", "3": "orientation", "4": "gyroscope", "5": "light", "6": "pressure",
    "8": "proximity", "9": "gravity", "10": "linear acceleration", "11": "rotation vector", "14": "raw magnetometer",
    "15": "game rotation vector", "16": "raw gyroscope", "18": "steps", "19": "steps", "21": "heart rate",
    "35": "raw accelerometer",
}  # fmt: skip
"""Android's numbers of its sensors."""
_TYPE_WORDS: Final = frozenset(["sensor", "type", "sensortype"])
_WITH_GRAVITY: Final = frozenset(["total", "including", "incl"])
_UNTREATED: Final = frozenset(["uncalibrated", "raw"])
_MOST_SENSORS: Final = 24
_SPARSE: Final = 0.1
_FEWEST_WHOLE: Final = 10
_REGULAR: Final = 0.9
_ALONE: Final = 0.5


@dataclass(frozen=True, slots=True)
class SensorRows:
    """Which rows are taken.

    Parameters
    ----------
    place
        The column that says it, counted from 0; None where all rows are of one sensor.
    sensors
        What it says for rows that are taken.
    several
        Whether these are several accelerometers, to be taken apart.
    notes
        As sentences.
    """

    place: int | None = None
    sensors: tuple[str, ...] = ()
    several: bool = False
    notes: tuple[str, ...] = ()


def find_sensor_rows(preamble: Preamble, roles: Sequence[ColumnRole]) -> SensorRows:
    """Return the rows of the accelerometer.

    Parameters
    ----------
    preamble
        How the table is written.
    roles
        What its columns are by their names.
    """
    named = [at for at, column in enumerate(roles) if column.role == SENSOR]
    others = [at for at, column in enumerate(roles) if column.role not in (SENSOR, TIME, AXIS)]
    for place in (*named, *others):
        said = _said(preamble, place)
        if not 1 < len(said) <= _MOST_SENSORS:
            continue
        kinds = _kinds(said, words_of((preamble.header or ())[place]))
        wanted = tuple(text for text in said if kinds.get(text) == ACCELERATION)
        if not wanted or len(wanted) == len(said) or (place in others and None in kinds.values()):
            continue
        wanted = _preferred(wanted)
        listed = " and ".join(repr(text) for text in wanted)
        left = ", ".join(repr(text) for text in said if text not in wanted)
        note = f"Only rows whose {preamble.called(place)} is {listed} are taken; passed over: {left}."
        return SensorRows(place, wanted, len(wanted) > 1, (note,))
    return SensorRows()


def are_sparse(preamble: Preamble, axes: Sequence[int], others: Sequence[int]) -> bool:
    """Tell whether many rows hold nothing of the axes, but another sensor's values: sensors of different rates in one.

    Parameters
    ----------
    preamble
        How the table is written.
    axes
        The columns of the accelerometer.
    others
        Columns that are something else than a sensor.
    """
    rows = [row for row in preamble.head if len(row) >= preamble.width]
    rest = [at for at in range(preamble.width) if at not in {*axes, *others}]
    bare = [all(row[at].lower() in MISSING for at in axes) for row in rows]
    alone = [all(row[at].lower() in MISSING for at in rest) for row in rows]
    whole = [number for number, is_bare in enumerate(bare) if not is_bare]
    if sum(bare) <= _SPARSE * len(rows) or len(whole) < _FEWEST_WHOLE or any(map(all, zip(bare, alone, strict=True))):
        return False
    # A value that is lost is missing beside values of the same moment, now and then.
    steps = Counter(after - before for before, after in pairwise(whole))
    is_regular = steps.most_common(1)[0][1] >= _REGULAR * (len(whole) - 1)
    return is_regular or sum(alone[number] for number in whole) >= _ALONE * len(whole)


def _said(preamble: Preamble, place: int) -> list[str]:
    """Return what the first rows say in a column."""
    return list(dict.fromkeys(row[place] for row in preamble.head if len(row) > place and row[place]))


def _kinds(said: Sequence[str], words: Sequence[str]) -> dict[str, str | None]:
    """Return which sensor each text or number means."""
    if all(map(is_number, said)):
        android = set(said) <= set(_ANDROID) and "1" in said and not _TYPE_WORDS.isdisjoint(words)
        return {text: sensor_of_text(_ANDROID[text]) or "" for text in said} if android else {}
    return {text: sensor_of_text(text) for text in said}


def _preferred(wanted: tuple[str, ...]) -> tuple[str, ...]:
    """Return the one of several that holds gravity by its name, or those that are calibrated; else all of them."""
    for chosen in (
        [text for text in wanted if not _WITH_GRAVITY.isdisjoint(words_of(text))],
        [text for text in wanted if _UNTREATED.isdisjoint(words_of(text)) and text != "35"],
    ):
        if len(chosen) == 1:
            return tuple(chosen)
    return wanted
