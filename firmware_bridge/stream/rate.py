"""The true sample rate of a stream: a line fitted through (samples taken, time), with its uncertainty."""

import math
from collections import deque
from dataclasses import dataclass
from typing import Final

import numpy as np

MINIMUM_SPAN_S: Final = 1.0
"""Nothing is said about a rate before it was watched for so long."""
MAXIMUM_SPAN_S: Final = 60.0
"""Older observations are forgotten, so that the estimate follows a drifting clock."""
MINIMUM_POINTS: Final = 8
_SPACING_S: Final = 0.1
_COUNTING_VARIANCE: Final = 1 / 12
"""Samples are counted whole: a count is off by up to half a sample, evenly, however regular the stream looks."""


@dataclass(frozen=True, slots=True)
class RateEstimate:
    """A measured rate with its standard error (one sigma), and the seconds it was measured over.

    ``by_device`` tells whether the sensor's own clock measured it, and not the time of arrival.
    """

    rate_hz: float
    uncertainty_hz: float
    span_s: float
    by_device: bool = False

    def __str__(self) -> str:
        digits = max(1, -math.floor(math.log10(max(self.uncertainty_hz, 1e-3))))
        return f"{self.rate_hz:.{digits}f} ± {max(self.uncertainty_hz, 10.0**-digits):.{digits}f} Hz"


class RateMeter:
    """Estimate how many samples a second a stream carries.

    Reads arrive in bursts (a USB adapter delivers every 1 to 16 ms), so single intervals say little; the slope of a
    line through many points does. Observations closer than 0.1 s to the one before are skipped, which bounds memory.

    Parameters
    ----------
    by_device
        Whether times are the sensor's own.

    Examples
    --------
    >>> meter = RateMeter()
    >>> for second in range(11):
    ...     meter.observe(count=104 * second, time_s=float(second))
    >>> round(meter.estimate().rate_hz, 3)
    104.0
    """

    def __init__(self, *, by_device: bool = False) -> None:
        self._by_device = by_device
        self._points: deque[tuple[float, int]] = deque()

    def observe(self, *, count: int, time_s: float) -> None:
        """Take note that ``count`` samples had been taken (lost ones included) at ``time_s``."""
        points = self._points
        if points and time_s - points[-1][0] < _SPACING_S:
            return
        points.append((time_s, count))
        while time_s - points[0][0] > MAXIMUM_SPAN_S:
            points.popleft()

    def restart(self) -> None:
        """Forget everything: the stream stood still or began anew."""
        self._points.clear()

    def estimate(self) -> RateEstimate | None:
        """Return the rate, or None when the stream was not watched for long enough."""
        points = self._points
        if len(points) < MINIMUM_POINTS or points[-1][0] - points[0][0] < MINIMUM_SPAN_S:
            return None
        time_s, count = np.array(points, np.float64).T
        time_s, count = time_s - time_s.mean(), count - count.mean()
        spread = float(time_s @ time_s)
        slope = float(time_s @ count) / spread
        residual = count - slope * time_s
        variance = max(float(residual @ residual) / (len(points) - 2), _COUNTING_VARIANCE)
        return RateEstimate(slope, math.sqrt(variance / spread), points[-1][0] - points[0][0], self._by_device)
