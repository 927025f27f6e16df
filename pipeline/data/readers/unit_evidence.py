"""The unit of acceleration: as declared, or told by what gravity measures.

A sensor at rest measures 1 g. So the mean vector over the quietest stretches of a recording is about 1 long in g,
9.81 in m/s², and something else in raw counts; the first two are recognised, counts must be declared.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from edgehar.models.units import parse_unit

PLAUSIBLE_G: Final = (0.7, 1.4)
"""Gravity in g, allowing for a sensor that is off by a third, and for wearers who never rest."""

_BLOCK_S: Final = 2.0


def gravity(values: npt.NDArray[np.float64], rate_hz: float) -> float:
    """Return the length of the mean vector over the quietest quarter of a recording, in the unit of ``values``.

    Parameters
    ----------
    values : ndarray of shape (n, 3)
        Acceleration in any unit.
    rate_hz
        Samples per second, to choose stretches of two seconds.
    """
    length = min(len(values), max(2, round(_BLOCK_S * rate_hz)))
    blocks = values[: len(values) // length * length].reshape(-1, length, 3)
    restlessness = blocks.std(axis=1).sum(axis=1)
    quiet = np.argsort(restlessness)[: max(1, len(blocks) // 4)]
    return float(np.median(np.linalg.norm(blocks[quiet].mean(axis=1), axis=1)))


def detect_unit(gravities: Sequence[float]) -> str | None:
    """Return ``g`` or ``m/s2`` if gravity, measured in several recordings, is as long as it must be; else None."""
    middle = float(np.median(gravities))
    for unit in ("g", "m/s2"):
        if is_plausible(middle, unit):
            return unit
    return None


def is_plausible(length: float, unit: str) -> bool:
    """Tell whether gravity may measure this in a unit.

    Examples
    --------
    >>> is_plausible(9.7, "m/s2"), is_plausible(9.7, "g")
    (True, False)
    """
    low, high = PLAUSIBLE_G
    return low <= length / parse_unit(unit).per_g <= high
