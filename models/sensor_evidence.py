"""What names and values tell about a sensor: which column is which axis, in which unit, and whether gravity agrees.

Names in the wild differ: ``ax``, ``acc_x``, ``Accelerometer X (g)``, ``gFx``, ``AccX [mg]``, ``x-axis``. A name is
split into words; one word is an axis, and the others say which sensor it is. Columns that share the other words are one
sensor. A unit in brackets is part of the evidence: it is held to gravity, which measures 1 g in the mean of any quiet
stretch and nothing else.

No input or output here: files and live streams use the same rules.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.contract import STANDARD_GRAVITY_M_S2

Floats = NDArray[np.float64]

PLAUSIBLE_G: Final = (0.7, 1.4)
"""Gravity in g, allowing for a sensor that is off by a third, and for wearers who never rest."""
REMOVED_G: Final = 0.3
"""The mean of a quiet stretch is shorter than this only where gravity was taken out of the signal."""
MOST_G: Final = 400.0
"""No accelerometer that is worn or shipped in a phone measures more."""
UNUSUAL_G: Final = 32.0
"""People rarely exceed this, and the usual sensors end at 16 g."""
SLOWEST_HZ: Final = 8.0
FASTEST_HZ: Final = 8000.0
"""Rates outside are not believed where they are only guessed."""
COUNTS_PER_G: Final = (64, 128, 256, 341, 512, 1000, 1024, 2048, 4096, 8192, 16384, 17367, 32768)
"""Sensitivities of common sensors in LSB/g; 1000 is milli-g."""

_AXES: Final = frozenset("xyz")
_KINDS: Final = {
    "gravity": r"grav|gravity|gravitational",
    "linear": r"lin|linear|linacc|user|useracceleration|lacc|without|nograv\w*",
    "gyroscope": r"gyr|gyro\w*|rot\w*|omega|deg|degs|dps|mdps|rad|rads|angular|angvel\w*|w",
    "magnetometer": r"mag\w*|ut|compass",
    "other": r"orient\w*|attitude|euler|quat\w*|q|angle\w*|roll|pitch|yaw|pos|position|vel|velocity|temp\w*|jerk",
    "accelerometer": r"a|ac|acc\w*|accel\w*|gf|gforce|xl",
}
_GLUED: Final = re.compile(
    r"(acc|accel|accelerometer|acceleration|ac|a|gf|gyr|gyro|gyroscope|gy|g|w|rot|mag|m|lin|q|angle)([xyz])"
)
_SHORT: Final = {"g": "gyro", "gy": "gyro", "w": "gyro", "m": "mag", "q": "quat"}
_BRACKETS: Final = re.compile(r"[(\[{]([^()\[\]{}]*(?:\([^()]*\)[^()\[\]{}]*)?)[)\]}]")
_UNITS: Final = {
    "g": r"g|g's|gs|gravit(y|ies)|std?\.? ?g|standard gravity",
    "m/s2": r"m/s/s|m/\(?s(ec)?\^?\*{0,2}2\)?|m/sec2|m s-2|m\*s\^?-2|ms-?2|ms\^-?2|mps2|meters?/s(ec)?\^?2",
    "raw:1000": r"mg|milli-?g",
    "raw:1000000": r"ug|micro-?g",
    "counts": r"raw|counts?|lsb|adc|digits?|int16|ticks",
}
_TIME_UNITS: Final = {
    "s": r"s|secs?|seconds?",
    "ms": r"ms|msecs?|millis|millisecs?|milliseconds?",
    "us": r"us|usecs?|micros|microsecs?|microseconds?|samplet?imefine|fine",
    "ns": r"ns|nsecs?|nanos|nanosecs?|nanoseconds?",
}
_TIME: Final = re.compile(
    r"time\w*|timestamps?|ts?|datetime|epoch?|epoc|elapsed|millis\w*|micros\w*|nanos\w*|seconds?|ms|us|ns|clock|unix"
    r"|zeit|zeitstempel|uhrzeit|temps|horodatage|tiempo|hora|tijd|sampletimefine|since|yyyy\w*"
)
_DATE: Final = re.compile(r"date|datum|fecha")
_LABEL: Final = re.compile(
    r"labels?|activity|activities|activityid|activityname|class|target|annotations?|gt|behaviou?r|aktivität|aktivitaet"
    r"|activité|actividad|text"
)
_SUBJECT: Final = re.compile(r"subjects?|users?|person|participants?|pid|volunteer|userid|subjectid|wearer|benutzer")
_INDEX: Final = re.compile(r"|id|idx|index|no|nr|number|row|samples?|count|counter|packetcounter|packet|seq\w*|unnamed")
_SENSOR: Final = re.compile(r"sensor|sensors|sensorname|sensortype|type")


@dataclass(frozen=True, slots=True)
class ColumnName:
    """What the name of a column says.

    Parameters
    ----------
    role
        ``axis``, ``time``, ``date``, ``label``, ``subject``, ``index``, ``sensor``, or empty.
    axis
        ``x``, ``y`` or ``z`` for an axis.
    sensor
        The words that tell this sensor from others.
    kind
        Of the sensor: ``accelerometer``, ``linear``, ``gravity``, ``gyroscope``, ``magnetometer``, ``other``, or empty
        where the name does not say.
    unit
        The unit written in the name: of acceleration as :mod:`edgehar.models.units` names it, or ``counts``; of time
        ``s``, ``ms``, ``us`` or ``ns``. None where there is none.
    """

    role: str
    axis: str = ""
    sensor: tuple[str, ...] = ()
    kind: str = ""
    unit: str | None = None


def words_of(name: str) -> list[str]:
    """Split the name of a column into lower-case words.

    Examples
    --------
    >>> words_of("accX"), words_of("Accelerometer Y (g)"), words_of("gz"), words_of("gFx")
    (['acc', 'x'], ['accelerometer', 'y', 'g'], ['gyro', 'z'], ['gf', 'x'])
    """
    name = re.sub(r"\bgF([xyz])\b", r"gf_\1", name)
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    words: list[str] = []
    for word in re.findall(r"[^\W_]+", spaced.lower()):
        glued = _GLUED.fullmatch(word)
        turned = _GLUED.fullmatch(word[1:] + word[0]) if word[0] in _AXES else None
        match = glued or turned
        words += [_SHORT.get(match[1], match[1]), match[2]] if match else [word]
    return words


def read_name(name: str) -> ColumnName:
    """Return what the name of a column says.

    Examples
    --------
    >>> read_name("AccX [mg]")
    ColumnName(role='axis', axis='x', sensor=('acc',), kind='accelerometer', unit='raw:1000')
    >>> read_name("Time (s)").unit, read_name("Linear Acceleration z (m/s^2)").kind
    ('s', 'linear')
    """
    bracketed = [match[1].strip().lower() for match in _BRACKETS.finditer(name)]
    bare = _BRACKETS.sub(" ", name).strip()
    words = words_of(bare)
    axes = [word for word in words if word in _AXES]
    if len(axes) == 1:
        return _axis(axes[0], tuple(word for word in words if word not in _AXES), bracketed)
    joined = "".join(words)
    first = words[0] if words else ""
    for role, pattern in (("index", _INDEX), ("sensor", _SENSOR), ("date", _DATE)):
        if pattern.fullmatch(joined):
            return ColumnName(role)
    for role, pattern in (("label", _LABEL), ("subject", _SUBJECT)):
        if pattern.fullmatch(joined) or (first and pattern.fullmatch(first)):
            return ColumnName(role)
    odd = joined == "t" and bracketed and _unit_of(bracketed, _TIME_UNITS) is None  # T(°) is a temperature
    if not axes and not odd and any(_TIME.fullmatch(word) for word in (joined, *words)):
        return ColumnName("time", unit=_unit_of([*bracketed, joined, *reversed(words)], _TIME_UNITS))
    return ColumnName("")


def kind_of(text: str) -> str:
    """Return which kind of sensor a name of a sensor or a file speaks of; empty if it does not say.

    Examples
    --------
    >>> kind_of("Gyroscope"), kind_of("TotalAcceleration"), kind_of("LinearAccelerometer"), kind_of("walk_1")
    ('gyroscope', 'accelerometer', 'linear', '')
    """
    words = [word for word in words_of(re.sub(r".*/", "", text)) if len(word) > 2]
    return next((k for k, pattern in _KINDS.items() if any(re.fullmatch(pattern, word) for word in words)), "")


def unit_named(text: str) -> str | None:
    """Return the unit of acceleration that a text names, or None.

    Examples
    --------
    >>> unit_named("m/(s^2)"), unit_named("mg"), unit_named("deg/s")
    ('m/s2', 'raw:1000', None)
    """
    return _unit_of([text.strip().strip("()[] ").lower(), text.strip().lower()], _UNITS)


def time_unit_named(text: str) -> str | None:
    """Return the unit of time that a text names, or None."""
    return _unit_of([text.strip().strip("()[] ").lower()], _TIME_UNITS)


def gravity_of(values: Floats, rate_hz: float) -> float:
    """Return the length of the mean vector over the quietest quarter of a recording, in the unit of ``values``.

    Parameters
    ----------
    values : ndarray of shape (n, 3)
        Acceleration in any unit.
    rate_hz
        Samples per second, to choose stretches of two seconds.
    """
    means, restlessness = quiet_blocks(values, rate_hz)
    return gravity_of_blocks(means, restlessness)


def quiet_blocks(values: Floats, rate_hz: float, *, block_s: float = 2.0) -> tuple[Floats, Floats]:
    """Return the mean vector and the restlessness of consecutive stretches: what gravity is measured from.

    Returns
    -------
    tuple
        ndarrays of shape (blocks, 3) and (blocks,).
    """
    length = min(len(values), max(2, round(block_s * rate_hz)))
    blocks = np.ascontiguousarray(values[: len(values) // length * length].T).reshape(3, -1, length)
    return blocks.mean(axis=2).T, blocks.std(axis=2).sum(axis=0)


def gravity_of_blocks(means: Floats, restlessness: Floats) -> float:
    """Return the median length of the mean vectors of the quietest quarter of all stretches."""
    quiet = np.argsort(restlessness)[: max(1, len(means) // 4)]
    return float(np.median(np.linalg.norm(means[quiet], axis=1)))


def guess_unit(gravity: float) -> str | None:
    """Return ``g`` or ``m/s2`` if gravity is as long as it must be in it; else None."""
    for unit, per_g in (("g", 1.0), ("m/s2", STANDARD_GRAVITY_M_S2)):
        if is_plausible(gravity / per_g):
            return unit
    return None


def is_plausible(gravity_g: float) -> bool:
    """Tell whether gravity may measure this, in g.

    Examples
    --------
    >>> is_plausible(0.98), is_plausible(9.8)
    (True, False)
    """
    low, high = PLAUSIBLE_G
    return low <= gravity_g <= high


def propose_counts(gravity: float) -> int | None:
    """Return the usual sensitivity, in counts per g, that is nearest to what gravity measures in counts.

    Examples
    --------
    >>> propose_counts(16405.0), propose_counts(5.0)
    (16384, None)
    """
    nearest = min(COUNTS_PER_G, key=lambda counts: abs(np.log(max(gravity, 1e-9) / counts)))
    return nearest if 0.8 <= gravity / nearest <= 1.25 else None


def longest_repeat(values: Floats) -> tuple[int, int]:
    """Return where the longest run of equal consecutive rows starts, and its length in rows.

    Examples
    --------
    >>> longest_repeat(np.array([[1.0, 2, 3], [0, 0, 1], [0, 0, 1], [0, 0, 1]]))
    (1, 3)
    """
    moved = np.zeros(len(values) - 1, dtype=bool)
    for axis in range(values.shape[1]):
        moved |= values[1:, axis] != values[:-1, axis]
    edges = np.flatnonzero(np.concatenate([[True], moved, [True]]))
    lengths = np.diff(edges)
    longest = int(np.argmax(lengths))
    return int(edges[longest]), int(lengths[longest])


def _axis(axis: str, sensor: tuple[str, ...], bracketed: Sequence[str]) -> ColumnName:
    """Return what the name of an axis says about its sensor."""
    unit = _unit_of(bracketed, _UNITS)
    foreign = (
        bool(bracketed) and unit is None and any(re.search(r"deg|rad|dps|°|t\b|gauss", item) for item in bracketed)
    )
    if unit is None and sensor and sensor[-1] in ("raw", "counts", "lsb", "mg"):
        unit = "raw:1000" if sensor[-1] == "mg" else "counts"
    kinds = [kind for kind, pattern in _KINDS.items() if any(re.fullmatch(pattern, word) for word in sensor)]
    kind = kinds[0] if kinds else ""
    if foreign:
        kind = next((kind for kind in kinds if kind != "accelerometer"), "other")
    if kind == "gravity" and "accelerometer" in kinds and re.search(r"with|incl", " ".join(sensor)):
        kind = "accelerometer"
    return ColumnName("axis", axis, sensor, kind, unit)


def _unit_of(candidates: Sequence[str], units: dict[str, str]) -> str | None:
    """Return the first unit that one of the texts names."""
    for text in candidates:
        for unit, pattern in units.items():
            if re.fullmatch(pattern, text.replace("²", "2").replace("µ", "u").strip()):
                return unit
    return None
