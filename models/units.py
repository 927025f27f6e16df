"""The unit a sensor or a file gives its acceleration in, and the way from there to g and back.

A unit is declared by the person who knows the sensor, never guessed:

====================  ==========================================================================================
``g``                 multiples of standard gravity
``m/s2``              metres per second squared
``raw:SCALE``         counts; SCALE is how many counts make one g (the data sheet's sensitivity, in LSB/g):
                      ``raw:16384`` for an MPU-6050 at ±2 g, ``raw:2048`` at ±16 g, ``raw:1000`` for milli-g
====================  ==========================================================================================
"""

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edgehar.models.contract import STANDARD_GRAVITY_M_S2
from edgehar.models.errors import UsageError
from edgehar.models.quantization import quantize

UNIT_HELP: Final = "g, m/s2, or raw:SCALE with SCALE in counts per g (raw:16384 for an MPU-6050 at ±2 g)"
"""What a unit may be, for the help of a command."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of acceleration.

    Parameters
    ----------
    name
        As the user writes it.
    per_g
        How many of this unit make one g.
    counts
        Whether a sensor sends whole numbers (16 bits, signed) in this unit.

    Examples
    --------
    >>> parse_unit("raw:16384").to_g([[0, 8192, -16384]]).tolist()
    [[0.0, 0.5, -1.0]]
    """

    name: str
    per_g: float
    counts: bool = False

    def to_g(self, values: ArrayLike) -> NDArray[np.float32]:
        """Return values of this unit as float32 in g; the division is done in float64."""
        in_g: NDArray[np.float32] = (np.asarray(values, np.float64) / self.per_g).astype(np.float32)
        return in_g

    def from_g(self, samples_g: ArrayLike) -> NDArray[Any]:
        """Return samples in g as this unit: float64, or int16 (rounded, saturated) where a sensor sends counts."""
        samples = np.asarray(samples_g, np.float64)
        if self.counts:
            return quantize(samples, scale=1.0 / self.per_g, dtype=np.int16)
        return samples * self.per_g


def parse_unit(text: str) -> Unit:
    """Return the unit written as ``g``, ``m/s2`` or ``raw:SCALE``.

    Raises
    ------
    UsageError
        When it is none of these, or SCALE is not a positive number.
    """
    name = text.strip().lower().replace("²", "2").replace("^2", "2")
    if name == "g":
        return Unit("g", 1.0)
    if name == "m/s2":
        return Unit("m/s2", STANDARD_GRAVITY_M_S2)
    kind, _, scale = name.partition(":")
    if kind == "raw":
        return Unit(f"raw:{scale}", _parse_scale(scale, text), counts=True)
    raise UsageError(
        f"expected the unit g, m/s2 or raw:SCALE, got {text!r}",
        next_step="SCALE is how many counts make one g: raw:1000 for milli-g, raw:16384 for an MPU-6050 at ±2 g.",
        unit=text,
    )


def _parse_scale(scale: str, unit: str) -> float:
    """Return the SCALE of raw:SCALE, in counts per g."""
    try:
        per_g = float(scale)
    except ValueError:
        per_g = math.nan
    if not (math.isfinite(per_g) and per_g > 0):
        raise UsageError(
            f"expected raw:SCALE with SCALE a number of counts per g above 0, got {unit!r}",
            next_step="Take the sensitivity in LSB/g from the sensor's data sheet, for example raw:16384.",
            unit=unit,
        )
    return per_g
