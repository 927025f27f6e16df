"""Which unnamed columns are the axes of an accelerometer: told by a second or two of their numbers, or not at all.

A column that counts up is a time. One that never changes is an address, a battery, a temperature. Four whose squares
add up to one are a quaternion. One that is the length of three others is a magnitude. Of what is left, three columns
in a row are acceleration if they are written alike, change about as much, and have a mean vector as long as gravity. If
two triples are, only the person who wrote the sketch can tell which it is: then there is no answer, and a reason.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.sensing.gravity import guess_unit

_NORM_TOLERANCE: Final = 0.02
"""How far the length of a quaternion may be from one: two decimals are common."""
_UNLIKE: Final = 12.0
"""Axes of one sensor do not differ by such a factor in how much they change from row to row."""
_FEWEST_CHANGING: Final = 2
"""An axis that points along or across gravity may not change at all, but not two of them."""
_STEADIER: Final = 3.0
"""Whole numbers that are steadier by such a factor are as good an evidence as fractions."""
_TINY: Final = 1e-30
_STEADY_LENGTH: Final = 0.004
"""An accelerometer that is turned by a hand is shaken as well: its length does not stay so near one."""


@dataclass(frozen=True, slots=True)
class ColumnEvidence:
    """What the numbers say: the columns of x, y and z, or None and the reason; and what each other column is.

    ``fitting`` are the columns of all sensors that gravity speaks for, one or more.
    """

    axes: tuple[int, int, int] | None
    others: dict[int, str]
    reason: str = ""
    fitting: frozenset[tuple[int, int, int]] = frozenset()


def find_axes(rows: NDArray[np.float64], *, times: Sequence[int] = ()) -> ColumnEvidence:
    """Return which columns are acceleration.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_columns), float64
        A second or more of numbers, all of them finite.
    times
        Columns that are known to be times or counters.

    Examples
    --------
    >>> wave = np.sin(np.arange(100))[:, None] * [0.3, 0.2, 0.1] + [0.0, 0.6, 0.8]
    >>> find_axes(np.hstack([np.ones((100, 1)), wave])).axes
    (1, 2, 3)
    """
    others = dict.fromkeys(times, "time")
    columns = [column for column in range(rows.shape[1]) if column not in others]
    # A quaternion may have a part that never changes.
    for start in _quaternions(rows, columns):
        others |= dict.fromkeys(range(start, start + 4), "a quaternion")
    columns = [column for column in columns if column not in others]
    steady = _steady(rows, columns)
    others |= dict.fromkeys(steady, "never changes")
    columns = [column for column in columns if column not in others]
    for column in _magnitudes(rows, columns):
        others[column] = "a magnitude"
    columns = [column for column in columns if column not in others]
    # A sensor that lies still may send the same numbers again and again, and then it is not what varies beside it.
    resting = [triple for triple in zip(steady, steady[1:], steady[2:], strict=False) if _is_gravity(rows, triple)]
    if len(columns) == 3 and columns[2] - columns[0] == 2 and not resting:
        return ColumnEvidence((columns[0], columns[1], columns[2]), others)
    found = _by_gravity(rows, columns, others)
    if not found.fitting and not resting and steady:
        # Or one of its axes does not change.
        whole_row = _by_gravity(rows, sorted([*columns, *steady]), dict.fromkeys(times, "time"))
        found = whole_row if whole_row.fitting else found
    return ColumnEvidence(None, others, _could_be([*resting, *sorted(found.fitting)])) if resting else found


def _by_gravity(rows: NDArray[np.float64], columns: list[int], others: dict[int, str]) -> ColumnEvidence:
    """Return the one triple whose mean vector is as long as gravity."""
    whole = np.all(rows == np.rint(rows), axis=0)
    triples = _triples(rows, columns, whole)
    fitting = [triple for triple in triples if guess_unit(rows[:, triple]).unit is not None]
    fitting = _best_written(rows, fitting, whole)
    if len(fitting) == 1:
        (axes,) = _whole(fitting)
        return ColumnEvidence(axes, others, fitting=_whole(fitting))
    if not fitting:
        return ColumnEvidence(None, others, "no three columns in a row have a mean as long as gravity in any unit")
    return ColumnEvidence(None, others, _could_be(fitting), _whole(fitting))


def _could_be(triples: Sequence[Sequence[int]]) -> str:
    """Return the reason of doubt about columns that gravity speaks for."""
    shown = " or ".join(",".join(str(column + 1) for column in triple) for triple in triples)
    return f"the columns {shown} could {'all ' if len(triples) > 1 else ''}be acceleration"


def _is_gravity(rows: NDArray[np.float64], triple: tuple[int, int, int]) -> bool:
    """Tell whether three columns in a row are as long as gravity in some unit."""
    return triple[2] - triple[0] == 2 and guess_unit(rows[:, list(triple)]).unit is not None


def _best_written(rows: NDArray[np.float64], fitting: list[list[int]], whole: NDArray[np.bool_]) -> list[list[int]]:
    """Leave out whole numbers where fractions fit: they fit one count or another easily, unless they are steadier.

    A gyroscope at rest can be as long as gravity too, but is much noisier than an accelerometer for its length.
    """
    fractions = [triple for triple in fitting if not whole[triple].any()]
    if not fractions:
        return fitting
    limit = max(_unsteadiness(rows[:, triple]) for triple in fractions) / _STEADIER
    return [triple for triple in fitting if triple in fractions or _unsteadiness(rows[:, triple]) < limit]


def _unsteadiness(rows: NDArray[np.float64]) -> float:
    """Return the deviation as a share of the length of the mean vector."""
    return float(np.sqrt(rows.var(axis=0).sum()) / max(np.linalg.norm(rows.mean(axis=0)), _TINY))


def _whole(triples: list[list[int]]) -> frozenset[tuple[int, int, int]]:
    """Return triples as a set."""
    return frozenset((x, y, z) for x, y, z in triples)


def _triples(rows: NDArray[np.float64], columns: list[int], whole: NDArray[np.bool_]) -> list[list[int]]:
    """Return the sensors of three columns that can stand in a row: side by side, with one or two columns between them.

    Of the ways to cut a row into sensors, those are left out in which some sensor's axes are unlike each other, unless
    all are like that.
    """
    runs: list[list[int]] = []
    for column in columns:
        if runs and column == runs[-1][-1] + 1:
            runs[-1].append(column)
        else:
            runs.append([column])
    triples: list[list[int]] = []
    for run in runs:
        ways = [[run[start : start + 3] for start in starts] for starts in _cuts(len(run))]
        alike = [[triple for triple in way if _alike(rows[:, triple], whole[triple])] for way in ways]
        sound = [way for way, found in zip(ways, alike, strict=True) if way == found]
        triples += [triple for way in (sound or alike) for triple in way]
    return [list(triple) for triple in sorted({tuple(triple) for triple in triples})]


def _cuts(length: int) -> list[list[int]]:
    """Return where the sensors of three columns begin, for every place of the one or two columns that are left."""
    sensors, others = divmod(length, 3)
    gaps = combinations_with_replacement(range(sensors + 1), others)
    return [[3 * at + sum(gap <= at for gap in each) for at in range(sensors)] for each in gaps]


def _alike(rows: NDArray[np.float64], whole: NDArray[np.bool_]) -> bool:
    """Tell whether three columns can be of one sensor: written alike, and about equally noisy if they change at all."""
    if len(rows) < 2:
        return bool(whole.any() == whole.all())
    spread = np.abs(np.diff(rows, axis=0)).mean(axis=0)
    changing = spread > 0
    if changing.sum() < _FEWEST_CHANGING or whole[changing].any() != whole[changing].all():
        return False
    return bool(spread.max() <= _UNLIKE * spread[changing].min())


def _steady(rows: NDArray[np.float64], columns: list[int]) -> list[int]:
    """Return the columns that hardly change, if at least three others do."""
    steady = [column for column in columns if np.ptp(rows[:, column]) == 0]
    return steady if len(columns) - len(steady) >= 3 else []


def _quaternions(rows: NDArray[np.float64], columns: list[int]) -> list[int]:
    """Return where four columns in a row begin whose squares add up to one, although no three of them do."""
    found: list[int] = []
    for start in columns:
        four = list(range(start, start + 4))
        if not set(four) <= set(columns) or (found and start < found[-1] + 4):
            continue
        lengths = np.linalg.norm(rows[:, four], axis=1)
        if np.abs(lengths - 1).max() > _NORM_TOLERANCE:
            continue
        inner = min(np.abs(np.linalg.norm(rows[:, four[at : at + 3]], axis=1) - 1).max() for at in (0, 1))
        wobble = float(lengths.std())
        turns = wobble < _STEADY_LENGTH and float(rows[:, four].std(axis=0).max()) > 4 * wobble
        if inner > _NORM_TOLERANCE or len(columns) >= 7 or turns:
            found.append(start)
    return found


def _magnitudes(rows: NDArray[np.float64], columns: list[int]) -> list[int]:
    """Return the columns that are the length of the three before or behind them."""
    found = []
    for column in columns:
        for start in (column - 3, column + 1):
            three = list(range(start, start + 3))
            if not set(three) <= set(columns):
                continue
            lengths = np.linalg.norm(rows[:, three], axis=1)
            tolerance = _NORM_TOLERANCE * max(float(lengths.max()), 1e-9)
            if np.abs(lengths - rows[:, column]).max() <= tolerance and lengths.std() > 0:
                found.append(column)
    return found
