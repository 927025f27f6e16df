"""A run of samples to another rate, by the time each was taken, in three steps.

A grid fitted to the times comes with the samples (`sampleclock.py`); samples that were taken off it are moved onto it
by a cubic through their neighbours; and a low-pass filter (`kernel.py`) is evaluated where a sample is wanted. What
comes out does not depend on how the run is cut into calls.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.resampling.kernel import SincKernel

_COARSE_TICK_S: Final = 1e-3
_NEIGHBOURS: Final = 2
"""Samples on the right that a cubic needs."""
_FORGIVEN: Final = 1e-6
"""Periods by which rounding may move a place."""

Samples = NDArray[np.float32]
Times = NDArray[np.float64]
Marks = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Resampled:
    """Samples at the model's rate (n, 3), their times, and which of them rest on interpolated ones.

    ``began`` tells that they do not continue what came before: the stream turned out to have another rate.
    """

    samples_g: Samples
    times_s: Times
    filled: Marks
    began: bool = False


class RateFilter:
    """Resample one run of samples without a hole, in as many pieces as they come.

    Parameters
    ----------
    from_hz, to_hz
        The two rates: the filter is designed for these; where the samples lie, their times tell.

    Examples
    --------
    >>> quarter, times_s = RateFilter(200.0, 50.0), np.arange(9) / 200
    >>> first = quarter.feed(np.ones((9, 3), np.float32), times_s, np.zeros(9, np.bool_), times_s, 1 / 200)
    >>> parts = [first, quarter.finish()]
    >>> np.concatenate([part.times_s for part in parts]).round(3).tolist()
    [0.0, 0.02, 0.04]
    """

    def __init__(self, from_hz: float, to_hz: float) -> None:
        self.from_hz = from_hz
        self._step_s = 1.0 / to_hz
        self._kernel = SincKernel(to_hz / from_hz)
        self._half = self._kernel.half_width
        self._taps = np.arange(1 - self._half, self._half + 1)
        self._channels = 3
        self.restart()

    @property
    def reach(self) -> int:
        """Samples that must come after the place of an output."""
        return self._half + _NEIGHBOURS

    def restart(self) -> None:
        """Begin a new run."""
        self._raw = np.empty((0, 0))
        self._times_s = np.empty(0)
        self._grid_s = np.empty(0)
        self._marks = np.empty(0, np.bool_)
        self._moved = np.empty((0, 0))
        self._made = 0
        self._period_s = 1.0 / self.from_hz
        self._origin_s: float | None = None

    def feed(self, samples_g: Samples, times_s: Times, filled: Marks, grid_s: Times, period_s: float) -> Resampled:
        """Take samples and their places on the even grid; return what is ready."""
        self._channels = samples_g.shape[1]
        if not len(samples_g):
            return self._nothing()
        if self._origin_s is None:
            self._begin(samples_g[0], float(grid_s[0]), period_s)
        self._period_s = period_s
        self._raw = np.concatenate([self._raw, samples_g])
        self._times_s = np.concatenate([self._times_s, times_s])
        self._grid_s = np.concatenate([self._grid_s, grid_s])
        self._marks = np.concatenate([self._marks, filled])
        self._move()
        return self._evaluate()

    def finish(self) -> Resampled:
        """Let the signal stand still after its last sample, and return what lies before that; the run is over."""
        if self._origin_s is None:
            return self._nothing()
        end_s, count = float(self._grid_s[-1]), self._half + _NEIGHBOURS + 1
        places_s: Times = end_s + np.arange(1, count + 1, dtype=np.float64) * self._period_s
        still_g = np.repeat(self._raw[-1:], count, axis=0).astype(np.float32)
        made = self.feed(still_g, places_s, np.zeros(count, np.bool_), places_s, self._period_s)
        kept = int(np.searchsorted(made.times_s, end_s + _FORGIVEN * self._period_s, side="right"))
        self.restart()
        return Resampled(made.samples_g[:kept], made.times_s[:kept], made.filled[:kept])

    def _nothing(self) -> Resampled:
        """Return no samples, of as many channels as there are."""
        return Resampled(np.empty((0, self._channels), np.float32), np.empty(0), np.empty(0, np.bool_))

    def _begin(self, first_g: Samples, at_s: float, period_s: float) -> None:
        """Let the signal stand still before its first sample, so that the first output lies there."""
        self._origin_s = at_s
        self._raw = np.repeat(first_g[np.newaxis].astype(np.float64), self._half, axis=0)
        places_s: Times = at_s + np.arange(-self._half, 0, dtype=np.float64) * period_s
        self._times_s = self._grid_s = places_s
        self._marks = np.zeros(self._half, np.bool_)
        self._moved = self._raw[:1]

    def _move(self) -> None:
        """Bring samples that have their neighbours by now from where they were taken to the grid."""
        first, last = len(self._moved), len(self._raw) - _NEIGHBOURS
        if last <= first:
            return
        around = np.arange(first, last)[:, np.newaxis] + np.arange(-1, 3)
        times_s, wanted_s = self._times_s[around], self._grid_s[first:last]
        off_s = times_s[:, 1] - wanted_s
        # A time that was rounded to milliseconds does not tell where within them the sample was taken.
        coarse = np.abs(times_s[:, 1] / _COARSE_TICK_S - np.rint(times_s[:, 1] / _COARSE_TICK_S)) < 1e-4
        still = np.abs(off_s) <= np.where(coarse, _COARSE_TICK_S, 0.0)
        moved = np.einsum("nk,nkc->nc", _cubic_weights(times_s, wanted_s), self._raw[around])
        moved = np.where(still[:, np.newaxis], self._raw[first:last], moved)
        self._moved = np.concatenate([self._moved, moved])

    def _evaluate(self) -> Resampled:
        """Evaluate the filter wherever enough samples are there, and forget samples that are needed no more."""
        origin_s = self._origin_s or 0.0
        # The last place that has all its samples on the right; it lies before that sample, so the next one decides it.
        last = len(self._moved) - self._half - 1
        if last < 1:
            return self._nothing()
        # The kernel ends in a small step: a place that rounding put just before a sample must count as on it.
        forgiven_s = _FORGIVEN / self.from_hz
        ready = int(np.ceil((self._grid_s[last] - forgiven_s - origin_s) / self._step_s))
        count = max(0, ready - self._made)
        wanted_s: Times = origin_s + np.arange(self._made, self._made + count, dtype=np.float64) * self._step_s
        self._made += count
        right = np.searchsorted(self._grid_s, wanted_s + forgiven_s, side="right")
        left = np.clip(right - 1, self._half - 1, last - 1)
        fraction = (wanted_s - self._grid_s[left]) / (self._grid_s[left + 1] - self._grid_s[left])
        weights = self._kernel.weights(np.clip(fraction, 0.0, 1.0))
        around = left[:, np.newaxis] + self._taps
        made = np.einsum("nk,nkc->nc", weights, self._moved[around])
        marks = self._marks[left] | self._marks[left + 1] if self._marks.any() else np.zeros(count, np.bool_)
        self._forget(last - 1 - self._half)
        return Resampled(made.astype(np.float32), wanted_s, marks)

    def _forget(self, samples: int) -> None:
        """Drop samples that no later output needs."""
        if samples > 4 * self._half:
            for name in ("_raw", "_times_s", "_grid_s", "_marks", "_moved"):
                setattr(self, name, getattr(self, name)[samples:])


def _cubic_weights(nodes: Times, at: Times) -> Times:
    """Return Lagrange's weights (n, 4) of four nodes (n, 4) each, for one place (n,) each."""
    weights = np.ones_like(nodes)
    for one in range(4):
        for other in range(4):
            if one != other:
                weights[:, one] *= (at - nodes[:, other]) / (nodes[:, one] - nodes[:, other])
    return weights
