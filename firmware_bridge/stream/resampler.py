"""Samples at a sensor's true rate to samples at a model's rate, as they come, by the time each was taken.

Where the rates agree (to 0.5 %, as when recordings are resampled for training) samples pass through bit by bit. Where
they do not, they go through the filter that recordings went through (`edgehar.models.resampling`). The rate is the one
the times show; the declared one only says how to begin. Times that show a rate that no sensor has are not believed: a
filter for a rate of megahertz would take gigabytes.
"""

from typing import Final

import numpy as np

from edgehar.models.resampling import RATE_TOLERANCE, rates_agree
from edgehar.models.resampling.ratefilter import Marks, RateFilter, Resampled, Samples, Times
from edgehar.models.resampling.sampleclock import SampleClock
from edgehar.models.sensor_limits import is_possible_rate

_HYSTERESIS: Final = 0.2
"""So much of the tolerance must be crossed to change between passing through and filtering."""
_OFF_DESIGN: Final = 0.05
"""A filter made for a rate that is off by more is made anew."""
_JUDGED_EVERY_S: Final = 2.0


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
        self._declared_hz = from_hz
        self._to_hz = to_hz
        self._clock = SampleClock(rate_hz=from_hz)
        self._judged_every = max(2, round(_JUDGED_EVERY_S * from_hz))
        self._taken = 0
        self._filter = None if rates_agree(from_hz, to_hz) else RateFilter(from_hz, to_hz)

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
        """The sensor's rate, as the times tell; the declared one where they tell what cannot be."""
        period_s = self._clock.period_s
        possible = period_s > 0 and is_possible_rate(1.0 / period_s)
        return 1.0 / period_s if possible else self._declared_hz

    def restart(self) -> None:
        """Begin a new run at the next sample: what follows does not continue what came before."""
        self._clock.restart()
        if self._filter is not None:
            self._filter.restart()

    def feed(self, samples_g: Samples, times_s: Times, filled: Marks | None = None) -> list[Resampled]:
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

    def _run(self, samples_g: Samples, times_s: Times, filled: Marks) -> Resampled:
        """Take samples that lie between two judgements."""
        period_s = self._clock.period_s
        grid_s = self._clock.follow(times_s)
        if self._filter is None:
            return Resampled(samples_g, times_s, filled)
        return self._filter.feed(samples_g, times_s, filled, grid_s, period_s)

    def _judge(self) -> bool:
        """Compare the rate that the times show with the one in use; return whether the way of samples changes."""
        rate_hz = self.rate_hz
        if self._filter is None:
            if rates_agree(rate_hz, self._to_hz, RATE_TOLERANCE * (1 + _HYSTERESIS)):
                return False
            self._filter = RateFilter(rate_hz, self._to_hz)
            return True
        if rates_agree(rate_hz, self._to_hz, RATE_TOLERANCE * (1 - _HYSTERESIS)):
            self._filter = None
            return True
        if rates_agree(rate_hz, self._filter.from_hz, _OFF_DESIGN):
            return False
        self._filter = RateFilter(rate_hz, self._to_hz)
        return True
