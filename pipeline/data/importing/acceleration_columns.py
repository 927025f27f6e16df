"""Which of the named columns are the accelerometer's, with gravity: the one that is named, or the one that values tell.

Programs call acceleration without gravity ``acceleration`` too, and robots call acceleration with gravity ``linear``.
Where gravity stands in columns of its own, or the values are as long as gravity is, the values decide, not the names.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from edgehar.models.contract import STANDARD_GRAVITY_M_S2
from edgehar.models.sensing import names as sensor_names
from edgehar.models.sensing.names import accelerometers, read_name, sensor_groups, sensor_of_text, words_of
from edgehar.pipeline.data.importing.cells import is_number
from edgehar.pipeline.data.importing.preamble import Preamble
from edgehar.pipeline.data.importing.refusals import foreign, refusal, unrecognised

_ASK: Final = "Import it with --columns X,Y,Z: names, or numbers counted from 1"
_OTHER_SENSORS: Final = (
    sensor_names.GYROSCOPE,
    sensor_names.MAGNETOMETER,
    sensor_names.GRAVITY,
    sensor_names.QUATERNION,
    sensor_names.OTHER,
)
_WITH_GRAVITY: Final = frozenset(["total", "including", "incl", "with", "plus"])
_WITHOUT: Final = frozenset(["body", "without", "excluding", "excl"])
_FEWEST_ROWS: Final = 50
_MOST_AXES: Final = 24
_REMOVED: Final = 0.35
_PRESENT: Final = 0.5
_AS_LONG: Final = (0.85, 1.15)

Axes = tuple[int, int, int]


def acceleration_columns(
    preamble: Preamble, header: Sequence[str], stem: str, *, known: bool
) -> tuple[Axes, tuple[int, ...], list[str]]:
    """Return the columns of the accelerometer, those of the gravity to be added where it was taken away, and notes.

    Parameters
    ----------
    preamble, header
        How the table is written, and the names of its columns.
    stem
        The name of the file without suffix.
    known
        Whether another column says that rows are of the accelerometer.

    Raises
    ------
    ForeignTableError
        When the table holds another sensor.
    UnrecognisedError
        When nothing says which columns are an accelerometer's.
    DataError
        When several sensors may be meant.
    """
    groups = accelerometers(header)
    if len(groups) > 1:
        groups = _with_gravity(header, groups)
    if len(groups) > 1:
        raise _several(preamble, groups)
    linear, gravity = (
        sensor_groups(header, sensor) for sensor in (sensor_names.LINEAR_ACCELERATION, sensor_names.GRAVITY)
    )
    if groups:
        if not known and read_name(header[groups[0][0]]).sensor is None:
            _refuse_by_stem(preamble, stem)
        if gravity and _lacks(preamble, groups[0], gravity[0]):
            return groups[0], gravity[0], ["The acceleration has no gravity in it, which stands in columns of its own."]
        return groups[0], (), []
    if linear and gravity:
        return linear[0], gravity[0], []
    if linear:
        if _is_as_long_as_gravity(preamble, linear[0]):
            said = "The acceleration is called linear, but gravity is in it: on average it is as long as that."
            return linear[0], (), [said]
        raise _gravity_removed(preamble)
    if numbered := _numbered(header):
        return numbered, (), []
    raise _no_sensor(preamble, header)


def _with_gravity(header: Sequence[str], groups: list[Axes]) -> list[Axes]:
    """Return the only group that is named after its gravity, where the others are the same sensor without."""
    words = [set(words_of(header[group[0]])) for group in groups]
    told = [at for at, each in enumerate(words) if each & _WITH_GRAVITY]
    if len(told) != 1:
        return groups
    place = [set(read_name(header[group[0]]).rest) - _WITHOUT - _WITH_GRAVITY for group in groups]
    return [groups[told[0]]] if all(each == place[told[0]] for each in place) else groups


def _lacks(preamble: Preamble, axes: Axes, gravity: Axes) -> bool:
    """Tell, by the first rows, whether acceleration is without the gravity that other columns hold."""
    whole, apart = _mean(preamble, axes), _mean(preamble, gravity)
    if whole is None or apart is None or not np.linalg.norm(apart):
        return False
    length = float(np.linalg.norm(apart))
    nearer = float(np.linalg.norm(whole - apart)) > _PRESENT * length
    return nearer and float(np.linalg.norm(whole)) < _REMOVED * length


def _is_as_long_as_gravity(preamble: Preamble, axes: Axes) -> bool:
    """Tell whether the mean of the first rows is as long as gravity in m/s²: no movement is, for so long."""
    mean = _mean(preamble, axes)
    units = {read_name((preamble.header or ())[at]).unit for at in axes}
    if mean is None or not units <= {None, "m/s2"}:
        return False
    low, high = _AS_LONG
    return low <= float(np.linalg.norm(mean)) / STANDARD_GRAVITY_M_S2 <= high


def _mean(preamble: Preamble, axes: Axes) -> npt.NDArray[np.float64] | None:
    """Return the mean of three columns over the first rows; None where there are too few."""
    cells = [[row[at] for at in axes] for row in preamble.head if len(row) > max(axes)]
    rows = [cell for cell in cells if all(is_number(each, comma=preamble.decimal_comma) for each in cell)]
    values = np.array([[float(each.replace(",", ".")) for each in row] for row in rows]).reshape(-1, 3)
    values = values[np.isfinite(values).all(axis=1)]
    return values.mean(axis=0) if len(values) >= _FEWEST_ROWS else None


def _numbered(header: Sequence[str]) -> Axes | None:
    """Return the columns of acceleration whose axes are numbered from 0 or 1: ``acc_0``, ``acc_1``, ``acc_2``."""
    found: dict[tuple[str, ...], dict[int, int]] = {}
    for at, name in enumerate(header):
        read = read_name(name)
        if read.sensor == sensor_names.ACCELERATION and read.axis is None and read.rest and read.rest[-1].isdecimal():
            found.setdefault(read.rest[:-1], {})[int(read.rest[-1])] = at
    whole = [axes for axes in found.values() if sorted(axes) in ([0, 1, 2], [1, 2, 3])]
    if len(found) != 1 or not whole:
        return None
    x, y, z = (whole[0][number] for number in sorted(whole[0]))
    return x, y, z


def _several(preamble: Preamble, groups: Sequence[tuple[int, int, int]]) -> Exception:
    """Return the question which of several sensors is meant."""
    listed = " and ".join("/".join(preamble.called(place)[7:] for place in places) for places in groups)
    numbers = " or ".join(",".join(str(place + 1) for place in places) for places in groups)
    return refusal(
        preamble.name,
        f"expected columns of one accelerometer, got {len(groups)}: {listed}",
        line=max(1, preamble.first_line - 1),
        next_step=f"{_ASK}: {numbers}.",
    )


def _refuse_by_stem(preamble: Preamble, stem: str) -> None:
    """Refuse a file whose name says that it is another sensor's."""
    sensor = sensor_of_text(stem)
    if sensor == sensor_names.LINEAR_ACCELERATION:
        raise _gravity_removed(preamble)
    if sensor not in (None, sensor_names.ACCELERATION):
        raise foreign(preamble.name, f"expected a recording of an accelerometer, got one of the {sensor} by its name")


def _gravity_removed(preamble: Preamble) -> Exception:
    """Return the error for linear acceleration."""
    return foreign(
        preamble.name,
        "expected acceleration with gravity, got linear acceleration: gravity is removed, so that postures look alike",
        next_step="Record or export the accelerometer with gravity.",
    )


def _no_sensor(preamble: Preamble, header: Sequence[str]) -> Exception:
    """Return the error for a table without acceleration."""
    there = ", ".join(header)
    for at, name in enumerate(header):
        said = {row[at] for row in preamble.head if len(row) > at}
        if len(said) <= _MOST_AXES and {read_name(text).axis for text in said} >= set(sensor_names.AXES):
            return unrecognised(
                preamble.name,
                f"expected x, y and z in columns of their own, got a row for each of them, named in {name!r}",
                next_step="Write x, y and z of each sample into one row.",
            )
    other = {sensor for sensor in _OTHER_SENSORS if sensor_groups(header, sensor)}
    if other:
        sentence = f"expected columns of an accelerometer, got those of the {' and the '.join(sorted(other))}: {there}"
        return foreign(preamble.name, sentence)
    sentence = f"expected columns named like x, y, z or acc_x, acc_y, acc_z, got {there[:300]}"
    return unrecognised(preamble.name, sentence, next_step=f"{_ASK}.")
