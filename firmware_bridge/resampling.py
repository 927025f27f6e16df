"""Samples at a sensor's true rate to samples at a model's rate, as they come, by the time each was taken.

Where the rates agree (to 0.5 %, as when recordings are resampled for training) samples pass through bit by bit. Where
they do not, three steps: a grid is fitted to the times (`firmware_bridge.sampleclock`), samples that were taken off it
are moved onto it by a cubic through their neighbours, and a low-pass filter (`firmware_bridge.kernel`) is evaluated
where the model wants a sample. The rate is the one the times show; the declared one only says how to begin.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from firmware_bridge.kernel import SincKernel
from firmware_bridge.sampleclock import SampleClock

RATE_TOLERANCE: Final = 0.005
"""Rates closer than this are taken as equal: over a window of 2 s that is 10 ms."""
_HYSTERESIS: Final = 0.2
"""So much of the tolerance must be crossed to change between passing through and filtering."""
_OFF_DESIGN: Final = 0.05
"""A filter made for a rate that is off by more is made anew."""
_JUDGED_EVERY_S: Final = 2.0
_COARSE_TICK_S: Final = 1e-3
_NEIGHBOURS: Final = 2
"""Samples on the right that a cubic needs."""

_Samples = NDArray[np.float32]
_Times = NDArray[np.float64]
_Marks = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Resampled:
    """Samples at the model's rate (n, 3), their times, and which of them rest on interpolated ones.

    ``began`` tells that they do not continue what came before: the stream turned out to have another rate.
    """

    samples_g: _Samples
    times_s: _Times
    filled: _Marks
    began: bool = False


class StreamResampler:
    """Resample a stream. What comes out does not depend on how the stream is cut into calls.

    Parameters
    ----------
    from_hz, to_hz
        Declared rate of the sensor, and rate of the model.

    Examples
    --------
    >>> resampler = StreamResampler(from_hz=200.0, to_hz=100.0)
    >>> at_rest = np.tile(np.float32([0, 0, 1]), (400, 1))
    >>> (made,) = resampler.feed(at_rest, np.arange(400) / 200)
    >>> len(made.samples_g), bool(np.allclose(made.samples_g, [0, 0, 1])), made.times_s[:3].round(3).tolist()
    (191, True, [0.0, 0.01, 0.02])
    """

    def __init__(self, *, from_hz: float, to_hz: float) -> None:
        self._to_hz = to_hz
        self._clock = SampleClock(rate_hz=from_hz)
        self._judged_every = max(2, round(_JUDGED_EVERY_S * from_hz))
        self._taken = 0
        self._filter = None if _agree(from_hz, to_hz, RATE_TOLERANCE) else _Filter(from_hz, to_hz)

    @property
    def passes_through(self) -> bool:
        """Whether the rates agree, so that nothing is changed."""
        return self._filter is None

    @property
    def delay_s(self) -> float:
        """How long the filter waits for samples after the one that is wanted."""
        return 0.0 if self._filter is None else self._filter.reach * self._clock.period_s

    @property
    def rate_hz(self) -> float:
        """The sensor's rate, as the times tell."""
        return self._clock.rate_hz

    def restart(self) -> None:
        """Begin a new run at the next sample: what follows does not continue what came before."""
        self._clock.restart()
        if self._filter is not None:
            self._filter.restart()

    def feed(self, samples_g: _Samples, times_s: _Times, filled: _Marks | None = None) -> list[Resampled]:
        """Return the samples that are ready.

        Parameters
        ----------
        samples_g : ndarray of shape (n, 3), float32, in g
        times_s : ndarray of shape (n,), float64
        filled : ndarray of shape (n,), bool
            Which of them were interpolated; none by default.
        """
        marks = np.zeros(len(samples_g), np.bool_) if filled is None else filled
        made: list[Resampled] = []
        done = 0
        while done < len(samples_g):
            count = min(len(samples_g) - done, self._judged_every - self._taken % self._judged_every)
            part = slice(done, done + count)
            made.append(self._run(samples_g[part], times_s[part], marks[part]))
            done += count
            self._taken += count
            if self._taken % self._judged_every == 0 and self._judge():
                self.restart()
                made.append(Resampled(samples_g[:0], times_s[:0], marks[:0], began=True))
        return made

    def _run(self, samples_g: _Samples, times_s: _Times, filled: _Marks) -> Resampled:
        """Take samples that lie between two judgements."""
        period_s = self._clock.period_s
        grid_s = self._clock.follow(times_s)
        if self._filter is None:
            return Resampled(samples_g, times_s, filled)
        return self._filter.feed(samples_g, times_s, filled, grid_s, period_s)

    def _judge(self) -> bool:
        """Compare the rate the times show with the one that was believed; tell whether another way is taken now."""
        rate_hz = self._clock.rate_hz
        if self._filter is None:
            if _agree(rate_hz, self._to_hz, RATE_TOLERANCE * (1 + _HYSTERESIS)):
                return False
            self._filter = _Filter(rate_hz, self._to_hz)
            return True
        if _agree(rate_hz, self._to_hz, RATE_TOLERANCE * (1 - _HYSTERESIS)):
            self._filter = None
            return True
        if _agree(rate_hz, self._filter.from_hz, _OFF_DESIGN):
            return False
        self._filter = _Filter(rate_hz, self._to_hz)
        return True


class _Filter:
    """The three steps, for one pair of rates."""

    def __init__(self, from_hz: float, to_hz: float) -> None:
        self.from_hz = from_hz
        self._step_s = 1.0 / to_hz
        self._kernel = SincKernel(to_hz / from_hz)
        self._half = self._kernel.half_width
        self._taps = np.arange(1 - self._half, self._half + 1)
        self.restart()

    @property
    def reach(self) -> int:
        """Samples that must come after the place of an output."""
        return self._half + _NEIGHBOURS

    def restart(self) -> None:
        """Begin a new run."""
        self._raw = np.empty((0, 3))
        self._times_s = np.empty(0)
        self._grid_s = np.empty(0)
        self._marks = np.empty(0, np.bool_)
        self._moved = np.empty((0, 3))
        self._made = 0
        self._origin_s: float | None = None

    def feed(self, samples_g: _Samples, times_s: _Times, filled: _Marks, grid_s: _Times, period_s: float) -> Resampled:
        """Take samples and their places on the even grid; return what is ready."""
        if self._origin_s is None:
            self._begin(samples_g[0], float(grid_s[0]), period_s)
        self._raw = np.concatenate([self._raw, samples_g])
        self._times_s = np.concatenate([self._times_s, times_s])
        self._grid_s = np.concatenate([self._grid_s, grid_s])
        self._marks = np.concatenate([self._marks, filled])
        self._move()
        return self._evaluate()

    def _begin(self, first_g: _Samples, at_s: float, period_s: float) -> None:
        """Let the signal stand still before its first sample, so that the first output lies there."""
        self._origin_s = at_s
        self._raw = np.repeat(first_g[np.newaxis].astype(np.float64), self._half, axis=0)
        places_s: _Times = at_s + np.arange(-self._half, 0, dtype=np.float64) * period_s
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
            return Resampled(np.empty((0, 3), np.float32), np.empty(0), np.empty(0, np.bool_))
        count = max(0, int(np.ceil((self._grid_s[last] - origin_s) / self._step_s - 1e-9)) - self._made)
        wanted_s: _Times = origin_s + np.arange(self._made, self._made + count, dtype=np.float64) * self._step_s
        self._made += count
        left = np.clip(np.searchsorted(self._grid_s, wanted_s, side="right") - 1, self._half - 1, last - 1)
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


def _agree(one_hz: float, other_hz: float, tolerance: float) -> bool:
    """Tell whether two rates are close enough."""
    return abs(one_hz / other_hz - 1.0) <= tolerance


def _cubic_weights(nodes: _Times, at: _Times) -> _Times:
    """Return Lagrange's weights (n, 4) of four nodes (n, 4) each, for one place (n,) each."""
    weights = np.ones_like(nodes)
    for one in range(4):
        for other in range(4):
            if one != other:
                weights[:, one] *= (at - nodes[:, other]) / (nodes[:, one] - nodes[:, other])
    return weights
