"""The sensor's clock and the host's: offset and drift, told by samples that arrive late and never early.

A sample arrives after it was taken: by a little when the line was free, by much when a read waited. So the smallest
difference between arrival and sensor time in each second is kept, and a line put through these by the median of all
slopes between two (Theil 1950, Sen 1968), which delays of up to 29 % of the seconds cannot pull away.
"""

import math
from collections import deque
from dataclasses import dataclass
from typing import Final

import numpy as np

SPAN_S: Final = 600.0
"""What is older is forgotten."""
MINIMUM_SPAN_S: Final = 10.0
_POINTS_FITTED: Final = 60


@dataclass(frozen=True, slots=True)
class ClockFit:
    """The sensor's clock on the host's: ``host = sensor + offset + drift · (sensor - at)``.

    Parameters
    ----------
    at_s, offset_s
        Sensor time of the fit's middle, and what to add there; the shortest delay of the line is in it.
    drift_ppm
        By how many microseconds the sensor's clock loses on the host's in a second.
    span_s
        Over how long it was watched.
    """

    at_s: float
    offset_s: float
    drift_ppm: float
    span_s: float

    def host_s(self, sensor_s: float) -> float:
        """Return when something was on the host's clock."""
        return sensor_s + self.offset_s + self.drift_ppm * 1e-6 * (sensor_s - self.at_s)


class HostClock:
    """Watch when samples arrive.

    Examples
    --------
    >>> clock = HostClock()
    >>> for second in range(60):
    ...     clock.arrived(sensor_s=second * (1 - 50e-6), host_s=1000.0 + second)
    >>> round(clock.fit().drift_ppm)
    50
    """

    def __init__(self) -> None:
        self._points: deque[tuple[float, float]] = deque()
        self._second = -math.inf
        self._fit: ClockFit | None = None
        self._fitted_at = -math.inf

    def arrived(self, *, sensor_s: float, host_s: float) -> None:
        """Take note that a sample taken at ``sensor_s`` had arrived at ``host_s``."""
        offset_s = host_s - sensor_s
        if sensor_s - self._second < 1.0 and self._points:
            if offset_s < self._points[-1][1]:
                self._points[-1] = (sensor_s, offset_s)
            return
        self._second = sensor_s
        self._points.append((sensor_s, offset_s))
        while sensor_s - self._points[0][0] > SPAN_S:
            self._points.popleft()

    def restart(self) -> None:
        """Forget everything: the sensor's clock began anew, or stood still for an unknown time."""
        self._points.clear()
        self._fit, self._fitted_at = None, -math.inf

    def fit(self) -> ClockFit | None:
        """Return offset and drift, or None while there is too little to tell; fitted once a second at most."""
        if self._fitted_at != self._second:
            self._fit, self._fitted_at = self._fitted(), self._second
        return self._fit

    def _fitted(self) -> ClockFit | None:
        """Fit anew."""
        points = list(self._points)
        if len(points) < 3 or points[-1][0] - points[0][0] < MINIMUM_SPAN_S:
            return None
        chosen = np.array(points, np.float64)[
            np.linspace(0, len(points) - 1, min(len(points), _POINTS_FITTED)).astype(int)
        ]
        sensor_s, offset_s = chosen.T
        first, second = np.triu_indices(len(chosen), 1)
        slope = float(np.median((offset_s[second] - offset_s[first]) / (sensor_s[second] - sensor_s[first])))
        at_s = float(sensor_s.mean())
        offset = float(np.median(offset_s - slope * (sensor_s - at_s)))
        return ClockFit(at_s, offset, slope * 1e6, points[-1][0] - points[0][0])
