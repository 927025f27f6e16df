"""The sensor's clock against the host's: offset and drift, from the times at which samples arrive.

Strategy. A sample always arrives after it was taken. The delay is short when the line was free and long when a read
had to wait, so a mean over all samples would measure the load of the host.

1. In each second of sensor time, keep only the sample with the smallest difference between arrival and sensor time.
2. Fit a line through these points. Its slope is the drift, its height the offset. The slope is the median of the
   slopes between all pairs of points (Theil 1950, Sen 1968): up to 29 % of the seconds may be delayed without effect.
3. The standard error of the slope comes from the ranks of the same slopes (Sen 1968, section 4): the slopes that lie
   one standard deviation of Kendall's statistic below and above the median.

Points older than ten minutes are dropped, so the fit follows a clock that warms up and memory stays bounded.
"""

import math
from collections import deque
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

SPAN_S: Final = 600.0
"""What is older is forgotten."""
MINIMUM_SPAN_S: Final = 10.0
LARGEST_DRIFT_PPM: Final = 20_000.0
"""Two percent: a quartz is off by up to 100 ppm, the RC oscillator of a microcontroller by about one percent."""
_POINTS_FITTED: Final = 60


@dataclass(frozen=True, slots=True)
class ClockFit:
    """The sensor's clock on the host's: ``host = sensor + offset + drift · (sensor - at)``.

    Parameters
    ----------
    at_s, offset_s
        Sensor time of the fit's middle, and what to add there; the shortest delay of the line is in it.
    drift_ppm, uncertainty_ppm
        By how many microseconds the sensor's clock loses on the host's in a second, and the standard error of that.
    span_s
        Over how long it was watched.

    Examples
    --------
    >>> for drift_ppm in (41.6, -12.0, 0.2):
    ...     print(ClockFit(0.0, 0.0, drift_ppm, 3.0, 60.0))
    42 ± 3 ppm slow
    12 ± 3 ppm fast
    right to 4 ppm
    """

    at_s: float
    offset_s: float
    drift_ppm: float
    uncertainty_ppm: float
    span_s: float

    @property
    def may_be_drift(self) -> bool:
        """Whether clocks can differ so much: a recording that is played faster than real time is no drift."""
        return abs(self.drift_ppm) <= LARGEST_DRIFT_PPM and self.uncertainty_ppm <= LARGEST_DRIFT_PPM

    def __str__(self) -> str:
        size_ppm, uncertainty_ppm = abs(self.drift_ppm), max(1.0, self.uncertainty_ppm)
        if size_ppm <= uncertainty_ppm:
            return f"right to {math.ceil(size_ppm + uncertainty_ppm):,} ppm"
        return f"{size_ppm:,.0f} ± {uncertainty_ppm:,.0f} ppm {'slow' if self.drift_ppm > 0 else 'fast'}"

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
        slopes = np.sort((offset_s[second] - offset_s[first]) / (sensor_s[second] - sensor_s[first]))
        slope = float(np.median(slopes))
        at_s = float(sensor_s.mean())
        offset = float(np.median(offset_s - slope * (sensor_s - at_s)))
        return ClockFit(
            at_s, offset, slope * 1e6, _slope_error(slopes, len(chosen)) * 1e6, points[-1][0] - points[0][0]
        )


def _slope_error(slopes: NDArray[np.float64], points: int) -> float:
    """Return the standard error of the median of the sorted slopes between all pairs of so many points."""
    deviation = math.sqrt(points * (points - 1) * (2 * points + 5) / 18)
    low = max(0, math.floor((len(slopes) - deviation) / 2))
    high = min(len(slopes) - 1, math.ceil((len(slopes) + deviation) / 2))
    return float(slopes[high] - slopes[low]) / 2
