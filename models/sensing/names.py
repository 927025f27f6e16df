"""What the name of a column says: which sensor it is of, which axis, and in which unit.

Names in the wild differ: ``ax``, ``AcX``, ``acc_x``, ``x_acc``, ``Accelerometer X (g)``, ``accX[m/s^2]``,
``userAcceleration.x``. A name is split into words. One of them may be an axis, one a sensor, one a unit; what is left
tells two sensors of a kind apart (``left acc x``, ``right acc x``).

A sensor that is named wins over bare axes: of ``w,x,y,z,ax,ay,az`` the last three are acceleration. Linear
acceleration and gravity are never taken for acceleration: a model needs both in one.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from edgehar.models.sensing.unit_names import COUNTS, OF_ACCELERATION, SHORT_UNIT, any_unit_named, name_of_match

ACCELERATION: Final = "acceleration"
LINEAR_ACCELERATION: Final = "linear acceleration"
GRAVITY: Final = "gravity"
GYROSCOPE: Final = "gyroscope"
MAGNETOMETER: Final = "magnetometer"
QUATERNION: Final = "quaternion"
OTHER: Final = "other"
"""A quantity that has a name and is none of the others, such as a temperature or an angle."""

AXES: Final = ("x", "y", "z")

_SENSORS: Final = {
    ACCELERATION: "a ac acc accl acl accel acceler accelero accelerometer accelerometers acceleration gforce xl "
    "加速度 加速 가속도",
    LINEAR_ACCELERATION: "linear lin free freeacc linacc linaccel linearacceleration user useracc useracceleration la "
    "lacc laccel areal aworld aareal aaworld",
    GRAVITY: "gravity grav",
    GYROSCOPE: "gy gyr gyro gyros gyroscope rot rotation rotationrate omega angular dps angularvelocity angvel "
    "角速度 陀螺仪 ジャイロ 각속도 자이로",
    MAGNETOMETER: "mag magn magnet magnetic magnetometer compass 磁场 磁力 地磁気 자기",
    QUATERNION: "q quat quaternion",
    OTHER: (
        "roll pitch yaw ypr rpy euler heading attitude ang angle angles orientation orient tilt "
        "temp tmp temperature pressure humidity "
        "alt altitude magnitude norm svm total abs sum mean rms battery batt bat voltage volt light lux steps step "
        "latitude longitude lat lon speed velocity vel position pos distance dist rssi heart hr ecg emg eda ppg jerk "
        "角度 姿态角 欧拉角 温度"
    ),
}
_SENSOR_OF: Final = {word: sensor for sensor, words in _SENSORS.items() for word in words.split()}
_BEGINNINGS: Final = (
    (re.compile(r"acce\w*(?:without|excl|nograv)\w*"), LINEAR_ACCELERATION),
    (
        re.compile(
            r"acce\w*|accle\w*|acel\w*|beschleun\w*|versnell\w*|akcel\w*|przysp\w*|zrychl\w*|kiihty\w*|ivme\w*|ускор\w*"
        ),
        ACCELERATION,
    ),
    (re.compile(r"gyro\w*|giro\w*|rotat\w*|angularv\w*"), GYROSCOPE),
    (re.compile(r"magneto\w*|magneti\w*"), MAGNETOMETER),
    (re.compile(r"quat\w*"), QUATERNION),
    (re.compile(r"orient\w*|temper\w*|thermom\w*"), OTHER),
)
"""Words that people lengthen, or write in their own language: ``accelerometerdata``, ``giroscopio``."""
_ORIENTATION: Final = frozenset(
    ["roll", "pitch", "yaw", "euler", "heading", "attitude", "ang", "angle", "angles", "orientation", "orient", "tilt"]
)
_MAGNITUDES: Final = frozenset(["total", "abs"])
"""Magnitudes, but beside an axis: ``total_acc_x`` is acceleration with gravity."""
_OF_UNIT: Final = {"deg/s": GYROSCOPE, "rad/s": GYROSCOPE, "uT": MAGNETOMETER, "degrees": OTHER, "rad": OTHER}
"""What a unit says of its sensor, whatever the name says."""
_BESIDE_AN_AXIS: Final = {"g": GYROSCOPE, "w": GYROSCOPE, "m": MAGNETOMETER, "gf": ACCELERATION}
"""Letters that name a sensor only where an axis is glued to them: ``gx``, ``wx``, ``mx``, ``gFx``."""

_FILLERS: Final = frozenset(
    "is and the of axis 轴 軸 축 value values val data reading sensor sample".split()  # noqa: SIM905
)
"""Words of a sentence; they tell nothing apart."""
_WITHOUT: Final = frozenset(["without", "no", "excl", "excluding", "exclude", "less", "minus", "removed", "free"])
_WITH: Final = frozenset(["with", "incl", "including", "include", "plus"])
"""``accelerationIncludingGravity`` is acceleration, ``accelerationWithoutGravity`` is linear acceleration."""
_IN_BRACKETS: Final = re.compile(r"[(\[{<]([^)\]}>]*)[)\]}>]")
_AXIS_BEHIND: Final = re.compile(r"(?:(?<![A-Za-z])[xyzXYZ]|(?<=[a-z])[XYZ])(?=[Aa]xis|AXIS|轴|軸|축)")
"""An axis with the word glued to it, as in ``AccelerometerXAxis``."""
_WORD: Final = re.compile(r"[^\W_]+")
_G_FORCE: Final = re.compile(r"(?<![^\W_])[gG][-_ ]?[fF]orce")
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SPLIT_SENSOR: Final = re.compile(
    rf"({'|'.join(sorted([*_SENSOR_OF, *_BESIDE_AN_AXIS], key=len, reverse=True))})(\d*)([wxyz])(\d*)"
)
_NUMBERED: Final = re.compile(r"([a-z]+?)(\d+)")
_FILLED: Final = re.compile(r"([xyz])(?:axis|values?|val|data|out)|(?:axis|values?|val|data|out)([xyz])")
"""An axis and a filler in one word: ``ACCEL_XOUT``, ``XVALUE``, ``axisx``."""


@dataclass(frozen=True, slots=True)
class ColumnName:
    """What a name says.

    Parameters
    ----------
    sensor
        One of the constants of this module, or None where no word names a sensor.
    axis
        ``x``, ``y``, ``z`` or ``w``, or None.
    unit
        As `edgehar.models.sensing.unit_names` names it, or None.
    rest
        The words left over, in their order.
    """

    sensor: str | None
    axis: str | None
    unit: str | None
    rest: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NamedColumns:
    """Which columns hold acceleration, by their names; or why that cannot be told.

    Parameters
    ----------
    axes
        The columns of x, y and z, counted from 0; None where names do not decide.
    unit
        The unit their names give, or None.
    doubt
        What a person must be told: that there are two accelerometers, or only linear acceleration; None where names say
        nothing at all, or all is clear.
    """

    axes: tuple[int, int, int] | None
    unit: str | None = None
    doubt: str | None = None


def read_name(name: str) -> ColumnName:
    """Return what a column's name says.

    Examples
    --------
    >>> read_name("AcX"), read_name("x_gyro (deg/s)").sensor, read_name("Accelerometer Y (m/s²)").unit
    (ColumnName(sensor='acceleration', axis='x', unit=None, rest=()), 'gyroscope', 'm/s2')
    >>> read_name("userAcceleration.z").sensor, read_name("left_acc_x").rest, read_name("gFx").sensor
    ('linear acceleration', ('left',), 'acceleration')
    >>> read_name("W ax").axis, read_name("quat.w").axis
    ('x', 'w')
    """
    unit, bare = _unit_of(name)
    words = words_of(bare)
    sensors = [_OF_UNIT[unit]] if unit in _OF_UNIT else []
    if GRAVITY in {_sensor_of(word) for word in words} and not _WITH.isdisjoint(words):
        words = [word for word in words if word not in _WITH and _sensor_of(word) != GRAVITY]
    elif not _WITHOUT.isdisjoint(words) and ("g" in words or GRAVITY in {_sensor_of(word) for word in words}):
        sensors.append(LINEAR_ACCELERATION)
        words = [word for word in words if word not in _WITHOUT and word != "g"]
    # A level of a log may stand before a name: "W ax".
    axis = next((word for word in words if word in AXES), "w" if "w" in words else None)
    rest: list[str] = []
    for at, word in enumerate(words):
        if word == axis and axis not in words[:at]:
            continue
        sensor = _sensor_of(word)
        if sensor is not None and not (axis is not None and word in _MAGNITUDES):
            sensors.append(sensor)
        elif word not in _FILLERS:
            rest.append(word)
    if axis is not None and not sensors:
        # "g x" is what is left of "gX": a gyroscope's, as "gx" is.
        for letter in [word for word in rest if word in _BESIDE_AN_AXIS]:
            sensors.append(_BESIDE_AN_AXIS[letter])
            rest.remove(letter)
    return ColumnName(_strongest(sensors), axis, unit, tuple(rest))


def sensor_of_text(text: str) -> str | None:
    """Return the sensor that the name of a file, or a cell, speaks of; None if it does not say.

    A file may be called ``steps`` or ``user 3`` and hold acceleration: only words of motion sensors count.

    Examples
    --------
    >>> sensor_of_text("Gyroscope"), sensor_of_text("LinearAccelerometer"), sensor_of_text("user_3/walk")
    ('gyroscope', 'linear acceleration', None)
    """
    words = [word for word in words_of(re.sub(r".*/", "", text)) if len(word) > 2]
    sensors = [sensor for word in words if (sensor := _sensor_of(word)) != OTHER or word in _ORIENTATION]
    if "user" in words and ACCELERATION not in sensors:
        sensors = [sensor for sensor in sensors if sensor != LINEAR_ACCELERATION]
    return _strongest([sensor for sensor in sensors if sensor is not None])


def sensor_groups(names: Sequence[str], sensor: str | None) -> list[tuple[int, int, int]]:
    """Return the columns x, y, z of every sensor of a kind that has all three; ``None`` for bare axes.

    Examples
    --------
    >>> sensor_groups(["t", "gx", "gy", "gz", "ax", "ay", "az"], GYROSCOPE)
    [(1, 2, 3)]
    """
    return _whole_groups([read_name(name) for name in names], sensor)


def accelerometers(names: Sequence[str], units: Sequence[str | None] = ()) -> list[tuple[int, int, int]]:
    """Return the columns of all that may be accelerometers: those that say so, else bare axes without a ``w``.

    Parameters
    ----------
    names
        Of all columns.
    units
        Of all columns, where something else than their names tells them. A sensor that is printed twice, in counts and
        in a unit, is read in its unit.
    """
    read = [read_name(name) for name in names]
    named = _whole_groups(read, ACCELERATION)
    groups = named or [group for group in _whole_groups(read, None) if not _is_quaternion(read, group)]
    written = [said.unit or beside for said, beside in zip(read, units or (None,) * len(read), strict=True)]
    in_units = [group for group in groups if written[group[0]] in OF_ACCELERATION]
    in_counts = [group for group in groups if written[group[0]] in (None, COUNTS)]
    return in_units if len(in_units) == 1 and len(in_units) + len(in_counts) == len(groups) else groups


def find_acceleration(names: Sequence[str], units: Sequence[str | None] = ()) -> NamedColumns:
    """Return which of the named columns are the axes of the one accelerometer.

    Parameters
    ----------
    names
        Of all columns.
    units
        Of all columns, where something else than their names tells them.

    Examples
    --------
    >>> find_acceleration(["t", "gx", "gy", "gz", "ax", "ay", "az", "temp"]).axes
    (4, 5, 6)
    >>> find_acceleration(["w", "x", "y", "z"]).axes is None
    True
    >>> find_acceleration(["lin_acc_x", "lin_acc_y", "lin_acc_z"]).doubt
    'the columns lin_acc_x, lin_acc_y, lin_acc_z are linear acceleration, with gravity taken out'
    """
    groups = accelerometers(names, units)
    read = [read_name(name) for name in names]
    if len(groups) == 1:
        said = {read[column].unit for column in groups[0]} - {None}
        return NamedColumns(groups[0], said.pop() if len(said) == 1 else None)
    if len(groups) > 1:
        found = " and ".join("/".join(names[column] for column in group) for group in groups)
        return NamedColumns(None, doubt=f"there are {len(groups)} accelerometers: {found}")
    for sensor, what in ((LINEAR_ACCELERATION, ", with gravity taken out"), (GRAVITY, " alone, without the movement")):
        for group in _whole_groups(read, sensor):
            listed = ", ".join(names[column] for column in group)
            return NamedColumns(None, doubt=f"the columns {listed} are {sensor}{what}")
    return NamedColumns(None)


def words_of(name: str) -> list[str]:
    """Split a name into lower-case words: at other characters, at capitals, and between a sensor and its axis.

    Examples
    --------
    >>> words_of("Accelerometer Y (g)"), words_of("gz"), words_of("gFx")
    (['accelerometer', 'y', 'g'], ['gyro', 'z'], ['gf', 'x'])
    """
    words: list[str] = []
    name = _G_FORCE.sub("gforce", _AXIS_BEHIND.sub(r" \g<0> ", name)).replace("gF", "gf ")
    for word in _WORD.findall(_CAMEL.sub(" ", name)):
        words += _split(word.lower())
    if "gy" in words and not {"w", *AXES} & set(words):
        # Beside "gx" and "gz" it is an axis; beside one, as in "gy_x", it names the sensor.
        at = words.index("gy")
        words[at : at + 1] = _spelled_out("g"), "y"
    return words


def _unit_of(name: str) -> tuple[str | None, str]:
    """Return the unit in a name, and the name without it."""
    for inner in _IN_BRACKETS.findall(name):
        unit = any_unit_named(inner)
        if unit is not None:
            return unit, _IN_BRACKETS.sub(" ", name)
    for mark in ("_", " in ", " ", ",", "/"):
        head, found, tail = name.rpartition(mark)
        match = SHORT_UNIT.fullmatch(tail.strip()) if found and head else None
        if match is not None and read_axis(head):
            return name_of_match(match), head
    # A unit may hold the mark itself: "ax m/s^2".
    match = re.search(rf"[\s_,]({SHORT_UNIT.pattern})\s*$", name, re.IGNORECASE)
    if match is not None and read_axis(name[: match.start()]):
        inner = SHORT_UNIT.fullmatch(match[1])
        return (name_of_match(inner) if inner else None), name[: match.start()]
    return None, name


def read_axis(name: str) -> str | None:
    """Return the axis that a name without a unit names, or None."""
    axes = [word for word in words_of(name) if word in AXES]
    return axes[0] if len(axes) == 1 else None


def _sensor_of(word: str) -> str | None:
    """Return the sensor that a word names, or None."""
    known = _SENSOR_OF.get(word)
    return known or next((sensor for pattern, sensor in _BEGINNINGS if pattern.fullmatch(word)), None)


def _split(word: str) -> list[str]:
    """Split ``accx`` and ``xacc`` into sensor and axis, ``acc1`` into sensor and number."""
    if word in _SENSOR_OF or word in ("w", *AXES):
        return [word]
    match = _SPLIT_SENSOR.fullmatch(word) or _SPLIT_SENSOR.fullmatch(word[1:] + word[0])
    if match is not None:
        sensor = match[1]
        spelled = [_spelled_out(sensor)] if sensor in _BESIDE_AN_AXIS and sensor not in _SENSOR_OF else [sensor]
        return [*spelled, *(number for number in (match[2], match[4]) if number), match[3]]
    filled = _FILLED.fullmatch(word)
    if filled is not None:
        return [filled[1] or filled[2]]
    numbered = _NUMBERED.fullmatch(word)
    if numbered is not None and (numbered[1] in _SENSOR_OF or numbered[1] in AXES):
        return [numbered[1], numbered[2]]
    return [word]


def _spelled_out(letter: str) -> str:
    """Return a word that names the sensor of a letter glued to an axis."""
    return {GYROSCOPE: "gyro", MAGNETOMETER: "mag", ACCELERATION: "acc"}[_BESIDE_AN_AXIS[letter]]


def _strongest(sensors: Sequence[str]) -> str | None:
    """Return the sensor that several words mean together: "linear acceleration" is linear, "acc magnitude" other."""
    for sensor in (LINEAR_ACCELERATION, GRAVITY, QUATERNION, GYROSCOPE, MAGNETOMETER, OTHER, ACCELERATION):
        if sensor in sensors:
            return sensor
    return None


def _whole_groups(read: Sequence[ColumnName], sensor: str | None) -> list[tuple[int, int, int]]:
    """Return the columns x, y, z of every sensor of a kind that has all three."""
    groups: dict[tuple[object, ...], dict[str, int]] = {}
    for column, name in enumerate(read):
        if name.sensor == sensor and name.axis is not None:
            # The same name again is the same axis of another group: "X: 1 Y: 2 Z: 3 X: 0.1 Y: 0.2 Z: 0.3".
            again = next(count for count in range(len(read)) if name.axis not in groups.get((count, *name.rest), ()))
            groups.setdefault((again, *name.rest), {})[name.axis] = column
    whole = [axes for axes in groups.values() if set(AXES) <= set(axes)]
    if not whole:
        # The first name of a line may carry words for all of them: "mpu6050: ax=1 ay=2 az=3".
        alike: dict[str, list[int]] = {}
        for axes in groups.values():
            for axis, column in axes.items():
                alike.setdefault(axis, []).append(column)
        if set(AXES) <= set(alike) and all(len(alike[axis]) == 1 for axis in AXES):
            whole = [{axis: alike[axis][0] for axis in AXES}]
    return [(axes["x"], axes["y"], axes["z"]) for axes in whole]


def _is_quaternion(read: Sequence[ColumnName], group: Sequence[int]) -> bool:
    """Tell whether bare x, y, z stand beside a bare w."""
    rest = read[group[0]].rest
    return any(name.axis == "w" and name.sensor is None and name.rest == rest for name in read)
