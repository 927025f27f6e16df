"""Latencies over any length of time in a fixed amount of memory, with their percentiles."""

import math
from typing import Final

import numpy as np

_SHORTEST_S: Final = 1e-6
_LONGEST_S: Final = 1e3
_GROWTH: Final = 1.02
_BINS: Final = math.ceil(math.log(_LONGEST_S / _SHORTEST_S) / math.log(_GROWTH))


class LatencyHistogram:
    """Count latencies in bins that grow by 2 %, from 1 µs to 1000 s: percentiles are right to 1 %.

    Examples
    --------
    >>> histogram = LatencyHistogram()
    >>> for milliseconds in range(1, 101):
    ...     histogram.add(milliseconds / 1000)
    >>> round(histogram.percentile_s(50), 3), histogram.count
    (0.05, 100)
    """

    def __init__(self) -> None:
        self._bins = np.zeros(_BINS, np.int64)
        self._total = 0

    @property
    def count(self) -> int:
        """How many latencies were added."""
        return self._total

    def add(self, latency_s: float) -> None:
        """Count one latency."""
        position = math.log(max(latency_s, _SHORTEST_S) / _SHORTEST_S) / math.log(_GROWTH)
        self._bins[min(int(position), _BINS - 1)] += 1
        self._total += 1

    def percentile_s(self, percent: float) -> float | None:
        """Return the latency that ``percent`` of all stay at or below, or None when there is none."""
        if not self._total:
            return None
        rank = max(1, math.ceil(self._total * percent / 100))
        index = int(np.searchsorted(np.cumsum(self._bins), rank))
        return float(_SHORTEST_S * _GROWTH ** (index + 0.5))
