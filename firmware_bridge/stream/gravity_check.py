"""Hold a stream to gravity all the time: a unit or a scale that is wrong shows in the mean vector of a window.

A sensor that is worn turns and shakes, but the mean vector of two seconds stays near 1 g. A scale that is off by a
factor of two, the usual mistake with a sensor's range, moves it away from there whatever the wearer does. One window
is enough to doubt a sensor that lies still; one that moves must be off twice in a row. Two good windows end the doubt.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgehar.firmware_bridge.stream.samples import Remark
from edgehar.models.sensing.gravity import PLAUSIBLE_LENGTH_G, describe_unit, unit_of_length
from edgehar.models.units import Unit

_STILL_G: Final = 0.05
"""A sensor whose deviation is smaller lies still."""
_MISSING_G: Final = 0.4
_BAD_WINDOWS: Final = 2
_GOOD_WINDOWS: Final = 2


class GravityCheck:
    """Notice a stream in which gravity is not about 1 g long, and that it is again.

    Parameters
    ----------
    window_length
        Samples of a window.

    Examples
    --------
    >>> check = GravityCheck(window_length=100)
    >>> check.after(np.tile(np.float32([0, 0, 0.5]), (100, 1)), Unit("raw:8192", 8192.0, counts=True))[0].text
    'gravity should be 1 g long and is 0.5 g: pass --unit raw:4096 (16 bits at ±8 g) if that is the sensor'
    >>> check.doubtful
    True
    """

    def __init__(self, *, window_length: int) -> None:
        self._window_length = window_length
        self._sum = np.zeros(3)
        self._squares = 0.0
        self._count = 0
        self._bad = self._good = 0
        self._doubtful = False

    @property
    def doubtful(self) -> bool:
        """Whether the last windows say that the unit is wrong, or the last one alone: a label says so at once."""
        return self._doubtful or self._bad > 0

    def after(self, samples_g: NDArray[np.float32], unit: Unit | None) -> list[Remark]:
        """Return what is to be said after these samples: once when a doubt begins, once when it ends."""
        remarks: list[Remark] = []
        while len(samples_g):
            part = samples_g[: self._window_length - self._count].astype(np.float64)
            samples_g = samples_g[len(part) :]
            self._sum += part.sum(axis=0)
            self._squares += float((part**2).sum())
            self._count += len(part)
            if self._count == self._window_length:
                remarks += self._window(unit)
        return remarks

    def _window(self, unit: Unit | None) -> list[Remark]:
        """Judge a window and begin the next."""
        mean = self._sum / self._count
        length_g = float(np.linalg.norm(mean))
        still = self._squares / self._count - length_g**2 < _STILL_G**2
        self._sum, self._squares, self._count = np.zeros(3), 0.0, 0
        low, high = PLAUSIBLE_LENGTH_G
        if low <= length_g <= high:
            self._good, self._bad = self._good + 1, 0
            if self._doubtful and self._good >= _GOOD_WINDOWS:
                self._doubtful = False
                return [Remark(f"gravity is {length_g:.3g} g long again")]
            return []
        self._good, self._bad = 0, self._bad + 1
        if self._doubtful or not (still or self._bad >= _BAD_WINDOWS):
            return []
        self._doubtful = True
        return [Remark(_doubt(length_g, unit), warning=True)]


def _doubt(length_g: float, unit: Unit | None) -> str:
    """Return the sentence of a doubt, with the option that may end it."""
    text = f"gravity should be 1 g long and is {length_g:.3g} g"
    better = None if unit is None else unit_of_length(length_g * unit.per_g, whole=unit.counts)
    if better is not None:
        return f"{text}: pass --unit {describe_unit(better)} if that is the sensor"
    if length_g < _MISSING_G:
        return (
            f"{text}: it is missing, as in linear acceleration; send the acceleration with gravity in it, or pass the "
            "--columns that hold it"
        )
    return f"{text}: pass the --unit that the sensor really sends, or the --columns of its acceleration"
