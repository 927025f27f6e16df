"""When a sensor really took its samples: an even grid fitted to jittery times, sample by sample.

An alpha-beta filter whose gains shrink as 2 (2k + 1) / ((k + 1)(k + 2)) and 6 / ((k + 1)(k + 2)) is the least-squares
line through all times so far (Brookner 1998, ch. 1); held at the gains of ``k = MEMORY`` it forgets what is older, and
so follows a clock that drifts.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

MEMORY: Final = 1000
"""Samples after which the fit begins to forget."""


class SampleClock:
    """Follow the times of a stream.

    Parameters
    ----------
    rate_hz
        Declared rate: the period until two samples have shown another.

    Examples
    --------
    >>> clock = SampleClock(rate_hz=50.0)
    >>> clock.follow(np.arange(5) * 0.01).round(6).tolist(), round(clock.rate_hz, 6)
    ([0.0, 0.01, 0.02, 0.03, 0.04], 100.0)
    """

    def __init__(self, *, rate_hz: float) -> None:
        self._period = 1.0 / rate_hz
        self._now: float | None = None
        self._of_phase = 0
        self._of_period = 1

    @property
    def rate_hz(self) -> float:
        """Samples a second, as the times tell."""
        return 1.0 / self._period

    @property
    def period_s(self) -> float:
        """Seconds from one sample to the next."""
        return self._period

    def restart(self) -> None:
        """Begin anew at the next sample, after a hole; the period is still known."""
        self._now = None
        self._of_phase = 0

    def follow(self, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where these samples lie on the even grid.

        Parameters
        ----------
        times_s : ndarray of shape (n,)
            Of samples that follow those before without a hole.
        """
        grid = np.empty(len(times_s))
        period, now, of_phase, of_period = self._period, self._now, self._of_phase, self._of_period
        for index, time_s in enumerate(times_s.tolist()):
            if now is None:
                now = time_s
            else:
                now += period
                error = time_s - now
                now += error * 2 * (2 * of_phase + 1) / ((of_phase + 1) * (of_phase + 2))
                period += error * 6 / ((of_period + 1) * (of_period + 2))
                of_period = min(of_period + 1, MEMORY)
            of_phase = min(of_phase + 1, MEMORY)
            grid[index] = now
        self._period, self._now, self._of_phase, self._of_period = period, now, of_phase, of_period
        return grid
