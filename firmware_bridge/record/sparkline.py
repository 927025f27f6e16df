"""The last seconds of a signal as one line of eight heights: enough to see whether a sensor lives, and how it lies."""

from collections import deque
from typing import Final

import numpy as np
from numpy.typing import NDArray

_HEIGHTS: Final = "▁▂▃▄▅▆▇█"
_LEAST_RANGE_G: Final = 0.5
"""A sensor at rest is drawn as a flat line, and its noise is not enlarged."""


class Trace:
    """The mean of every few samples of three axes.

    Parameters
    ----------
    points
        How many are kept.
    samples_per_point
        Samples that one of them stands for.

    Examples
    --------
    >>> trace = Trace(points=8, samples_per_point=1)
    >>> trace.add(np.linspace(0, 1, 8, dtype=np.float32)[:, np.newaxis] * np.float32([1, 0, -1]))
    >>> trace.lines(8)
    ['▁▂▃▄▅▆▇█', '▅▅▅▅▅▅▅▅', '█▇▆▅▄▃▂▁']
    """

    def __init__(self, *, points: int, samples_per_point: int) -> None:
        self._points: deque[NDArray[np.float64]] = deque(maxlen=points)
        self._per_point = max(1, samples_per_point)
        self._rest: NDArray[np.float32] = np.empty((0, 3), np.float32)

    def add(self, samples_g: NDArray[np.float32]) -> None:
        """Take samples (n, 3) in g."""
        samples = np.concatenate([self._rest, samples_g])
        whole = len(samples) // self._per_point
        means = samples[: whole * self._per_point].reshape(whole, self._per_point, 3).mean(axis=1, dtype=np.float64)
        self._points.extend(means)
        self._rest = samples[whole * self._per_point :]

    @property
    def newest_g(self) -> tuple[float, float, float] | None:
        """The last point in g, or None before the first."""
        if not self._points:
            return None
        x, y, z = self._points[-1].tolist()
        return x, y, z

    def lines(self, width: int) -> list[str]:
        """Return one line for each axis, the newest point on the right, each axis scaled to its own range."""
        if not self._points:
            return [" " * width] * 3
        points = np.array(self._points)[-width:]
        middle = (points.max(axis=0) + points.min(axis=0)) / 2
        reach = np.maximum(np.ptp(points, axis=0), _LEAST_RANGE_G) / 2
        steps = np.clip(np.floor((points - middle) / reach * 4 + 4), 0, len(_HEIGHTS) - 1).astype(int)
        return ["".join(_HEIGHTS[step] for step in steps[:, axis]).rjust(width) for axis in range(3)]
