"""What gravity says about the unit of an accelerometer.

A sensor that is worn turns and shakes, but over a second or two its mean vector stays near the length of gravity: over
all windows of two seconds of USC-HAD, running and jumping included, it lies between 0.75 and 1.33 g. That interval is
narrower than a factor of two, and each range of a sensor is twice the one before: so at most one of them fits.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.contract import STANDARD_GRAVITY_M_S2

MEAN_LENGTH_G: Final = (0.75, 1.33)
"""Length of the mean vector of a window, in g, on people: what a unit is chosen by."""
PLAUSIBLE_LENGTH_G: Final = (0.70, 1.41)
"""The same with room for a sensor that is off by a few percent: what a known unit is doubted by."""

_COUNTS_PER_G: Final = tuple(2**power for power in range(6, 16))
"""What a range of a converter with a whole number of bits gives; so near to each other that no two fit."""
KNOWN_COUNTS_PER_G: Final = tuple(sorted({*_COUNTS_PER_G, 341, 1000, 17367}))
"""Sensitivities of common sensors in LSB/g, to be proposed: gravity alone does not tell these from their neighbours."""
_RANGES: Final = {
    "1000": "milli-g",
    "256": "10 bits at any range in full resolution, as an ADXL345",
    "1024": "12 bits at ±2 g",
    "2048": "16 bits at ±16 g",
    "4096": "16 bits at ±8 g",
    "8192": "16 bits at ±4 g",
    "16384": "16 bits at ±2 g",
}
_MOST_MOTION: Final = 3.0
"""How many times as long as its mean vector a worn sensor's deviation is at most: on USC-HAD 2.96 in one second."""
_CALM: Final = 0.8
"""Up to walking, a sensor's deviation is a smaller share of its mean vector."""
_CALM_FACTOR: Final = 1.18
"""By so much the mean vector of a calm second is off gravity at most: on USC-HAD 0.85 to 1.17 g."""
_OFFSET_SHARE: Final = 0.2
"""A converter's reading that never comes nearer to zero than this share of its largest value has an offset."""


@dataclass(frozen=True, slots=True)
class UnitGuess:
    """The unit in which gravity is as long as it must be.

    Parameters
    ----------
    unit
        As `parse_unit` reads it; None where no unit fits.
    length
        Length of the mean vector, in the unit of the numbers.
    reason
        What was seen, for a person.
    """

    unit: str | None
    length: float
    reason: str


def mean_vector_lengths(values: NDArray[np.float64], window: int) -> NDArray[np.float64]:
    """Return the length of the mean vector of every whole window.

    Parameters
    ----------
    values : ndarray of shape (n, 3)
        Acceleration in any unit, all of it finite.
    window
        Samples in a window.

    Examples
    --------
    >>> mean_vector_lengths(np.tile([0.0, 0.6, 0.8], (4, 1)), 2).tolist()
    [1.0, 1.0]
    """
    count = len(values) // window
    lengths: NDArray[np.float64] = np.linalg.norm(
        values[: count * window].reshape(count, window, 3).mean(axis=1), axis=1
    )
    return lengths


def guess_unit(values: NDArray[np.float64]) -> UnitGuess:
    """Return the one unit in which the mean vector is as long as gravity.

    Parameters
    ----------
    values : ndarray of shape (n, 3), float64
        A second or more of a worn sensor, in an unknown unit.

    Examples
    --------
    >>> guess_unit(np.tile([0.0, 0.0, 9.7], (100, 1))).unit, guess_unit(np.tile([0.0, 0.0, 3960], (100, 1))).unit
    ('m/s2', 'raw:4096')
    """
    if not len(values):
        return UnitGuess(None, 0.0, "no line had all of its numbers")
    length = float(np.linalg.norm(values.mean(axis=0)))
    if has_offset(values):
        return UnitGuess(None, length, "all three axes keep far from zero, as raw readings of a converter do")
    motion = float(np.sqrt(values.var(axis=0).sum()))
    if motion > _MOST_MOTION * length:
        moves = f"the numbers vary by {motion:.3g} around a mean vector that is {length:.3g} long"
        return UnitGuess(None, length, f"{moves}: gravity is not in them")
    whole = bool(np.all(values == np.rint(values)))
    unit = unit_of_length(length, whole=whole)
    if unit is None:
        return UnitGuess(None, length, f"the mean vector is {length:.4g} long, which is gravity in no unit")
    if whole and motion < _CALM * length and abs(math.log(length / _per_g(unit))) > math.log(_CALM_FACTOR):
        told = f"the mean vector is {length:.4g} long, which is too far from the next usual scale, {unit}"
        return UnitGuess(None, length, f"{told}: pass --unit raw:{length:.4g} if that is gravity at rest")
    return UnitGuess(unit, length, f"gravity is {length:.4g} long")


def _per_g(unit: str) -> float:
    """Return how much of a unit makes 1 g."""
    return {"g": 1.0, "m/s2": STANDARD_GRAVITY_M_S2}.get(unit) or float(unit.removeprefix("raw:"))


def unit_of_length(length: float, *, whole: bool) -> str | None:
    """Return the one unit in which gravity may be so long, as `parse_unit` reads it; None if there is none.

    Parameters
    ----------
    length
        Length of the mean vector of a window, in the unit that is looked for.
    whole
        Whether the sensor sends whole numbers, which may be counts.
    """
    if not length > 0:
        return None
    candidates: list[tuple[str, float]] = [("g", 1.0), ("m/s2", STANDARD_GRAVITY_M_S2), ("raw:1000", 1000.0)]
    if whole:
        candidates += [(f"raw:{counts}", float(counts)) for counts in _COUNTS_PER_G]
    low, high = MEAN_LENGTH_G
    fitting = [(abs(math.log(length / per_g)), unit) for unit, per_g in candidates if low <= length / per_g <= high]
    if not fitting:
        return None
    # Between milli-g and 12 bits at ±2 g gravity cannot tell, nor does it matter.
    return "raw:1000" if any(unit == "raw:1000" for _, unit in fitting) else min(fitting)[1]


def resting_unit(length: float) -> str | None:
    """Return ``g`` or ``m/s2`` if gravity at rest is as long as it must be in it, else None: counts are asked for.

    Examples
    --------
    >>> resting_unit(1.38), resting_unit(9.8), resting_unit(1000.0)
    ('g', 'm/s2', None)
    """
    low, high = PLAUSIBLE_LENGTH_G
    return next(
        (u for u, per_g in (("g", 1.0), ("m/s2", STANDARD_GRAVITY_M_S2)) if low <= length / per_g <= high), None
    )


def propose_counts(length: float) -> int | None:
    """Return the usual sensitivity, in counts per g, that is nearest to the length of gravity at rest, in counts.

    Examples
    --------
    >>> propose_counts(16405.0), propose_counts(5.0)
    (16384, None)
    """
    nearest = min(KNOWN_COUNTS_PER_G, key=lambda counts: abs(math.log(max(length, 1e-9) / counts)))
    return nearest if 0.8 <= length / nearest <= 1.25 else None


def has_offset(values: NDArray[np.float64]) -> bool:
    """Tell whether these are readings of an analogue sensor, in which zero acceleration is not zero.

    Examples
    --------
    >>> has_offset(np.array([[512.0, 480, 610], [514, 485, 606]])), has_offset(np.array([[10.0, -20, 1010]]))
    (True, False)
    """
    magnitude = np.abs(values)
    same_sign = bool((values > 0).all() or (values < 0).all())
    return same_sign and bool(magnitude.min() > _OFFSET_SHARE * magnitude.max()) and float(magnitude.max()) > 64


def describe_unit(unit: str) -> str:
    """Return a unit with the setting of a common sensor that gives it.

    Examples
    --------
    >>> describe_unit("raw:8192"), describe_unit("m/s2")
    ('raw:8192 (16 bits at ±4 g)', 'm/s2')
    """
    known = _RANGES.get(unit.removeprefix("raw:"))
    return f"{unit} ({known})" if known else unit
