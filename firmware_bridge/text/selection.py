"""Which of several sensors in one text stream is meant: the one a person has named, or that of the model's placement.

Sketches with two sensors print both in one line (``left_ax .. right_az``), in lines of their own (``L 0.1 0.2 0.9``,
``R 0.4 ..``), or in lines that a number tells apart (``1,0.1,0.2,0.9``, ``2,0.4,..``). Samples of two sensors are never
mixed: one is chosen by a name, or a person is asked.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from edgehar.models.sensing.names import AXES, read_name

_MOST_SENSORS: Final = 8
_FEW_SENSORS: Final = 4
_FEWEST_ROWS: Final = 10
CHANGES: Final = 0.2
"""A number that tells sensors apart changes at least in so many of the rows: a battery or a button does not."""
_USUAL: Final = 0.9
_JUMPS: Final = 1.5
"""Rows of two sensors differ so much more than rows of one."""
_ID_WORDS: Final = frozenset(
    ["id", "sensor", "node", "imu", "addr", "address", "dev", "device", "ch", "channel", "mac", "tag", "board"]
)
_WORD: Final = re.compile(r"[a-z]+|\d+")


@dataclass(frozen=True, slots=True)
class SensorSelection:
    """What is known of the sensor that is wanted.

    Parameters
    ----------
    name
        How a person has called it, or empty.
    placement
        Where the model's sensor is worn, or empty.
    """

    name: str = ""
    placement: str = ""

    def pick(self, named: Sequence[Sequence[str]]) -> int | None:
        """Return which of several sensors is meant, each given by the names of its columns; None if that is open.

        Examples
        --------
        >>> SensorSelection("left").pick([["left_ax", "left_ay", "left_az"], ["right_ax", "right_ay", "right_az"]])
        0
        >>> SensorSelection(placement="front-right-hip").pick([["wrist_x"], ["hip_x"]])
        1
        """
        words = [set(words_of_sensor(names)) for names in named]
        if self.name:
            wanted = set(_words(self.name))
            exact = [at for at, have in enumerate(words) if wanted == have]
            some = exact or [at for at, have in enumerate(words) if wanted <= have]
            if not some and self.name.isdecimal() and 1 <= int(self.name) <= len(named):
                return int(self.name) - 1
            return some[0] if len(some) == 1 else None
        placed = set(_words(self.placement))
        shared = {word for word in words[0] if all(word in have for have in words)} if words else set()
        own = [have - shared for have in words]
        some = [at for at, have in enumerate(own) if have & placed and have <= placed]
        return some[0] if len(some) == 1 else None


def words_of_sensor(names: Sequence[str]) -> list[str]:
    """Return the words that tell a sensor from another, of the names of its columns.

    Examples
    --------
    >>> words_of_sensor(["left_acc_x", "left_acc_y", "left_acc_z"]), words_of_sensor(["IMU1 ax", "ay", "az"])
    (['left'], ['imu', '1'])
    """
    rest = [word for name in names for word in read_name(name).rest]
    return list(dict.fromkeys(part for word in rest for part in _words(word)))


def sensor_number(
    rows: Sequence[tuple[float, ...]], *, axes: Sequence[int], names: Sequence[str], times: Sequence[int] = ()
) -> tuple[int, tuple[int, ...]] | None:
    """Return the slot whose number tells several sensors apart, and its values; None if there is none.

    Parameters
    ----------
    rows
        The numbers of lines of one template.
    axes, times
        Slots that are known to be something else.
    names
        Of all slots, or empty.
    """
    if len(rows) < _FEWEST_ROWS:
        return None
    numbers = np.array(rows, np.float64)
    for slot in range(numbers.shape[1]):
        column = numbers[:, slot]
        if slot in axes or slot in times or not np.all(column == np.rint(column)):
            continue
        values = tuple(map(int, np.unique(column)))
        if not 2 <= len(values) <= _MOST_SENSORS:
            continue
        if np.mean(column[1:] != column[:-1]) < CHANGES:
            continue
        name = names[slot] if slot < len(names) else ""
        called = not _ID_WORDS.isdisjoint(_words(name))
        if name and not called and read_name(name).sensor is not None:
            continue
        others = list(axes) or [other for other in range(numbers.shape[1]) if other != slot and other not in times]
        goes_round = len(values) <= _FEW_SENSORS and not axes and _goes_round(column)
        if called or goes_round or jumps(numbers[:, others], column):
            return slot, values
    return None


def _goes_round(column: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]") -> bool:
    """Tell whether nearly every value is followed by the same other one, as sensors that take turns are."""
    usual = 0
    for value in np.unique(column):
        _, counts = np.unique(column[1:][column[:-1] == value], return_counts=True)
        usual += int(counts.max(initial=0))
    return usual >= _USUAL * (len(column) - 1)


def jumps(
    samples: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]",
    column: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]",
) -> bool:
    """Tell whether a row differs more from the next than from the next with the same number."""
    if not samples.shape[1]:
        return False
    between = np.abs(np.diff(samples, axis=0)).sum(axis=1)[column[1:] != column[:-1]]
    within = [np.abs(np.diff(samples[column == value], axis=0)).sum(axis=1) for value in np.unique(column)]
    same = np.concatenate(within)
    return bool(len(between) and len(same) and np.median(between) > _JUMPS * np.median(same))


def _words(text: str) -> list[str]:
    """Split a name into words and numbers."""
    return [word for word in _WORD.findall(text.lower()) if word not in AXES]


def which_of(names: list[str]) -> str:
    """Return how to answer which of several sensors is meant."""
    return f"{' or '.join(f'--columns {_quoted(name)}' for name in names)}, or all of these for a label each"


def _quoted(name: str) -> str:
    """Return a name as it is typed on a command line."""
    return f'"{name}"' if " " in name else name
