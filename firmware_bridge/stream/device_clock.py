"""The clock of a device, from the ticks it sends with its samples: time, missing samples, wraps, restarts.

Strategy. A line of text has no checksum, so a tick can be wrong: one damaged digit looks like a jump. So a tick is used
at once only if it fits, and any other must be confirmed by the tick after it. For each tick, the first of these holds:

1. It lies up to a thousand periods ahead: it is used. More than one and a half periods mean missing samples, and their
   number is the step divided by the period.
2. It lies behind, and a counter of 8, 16 or 32 bits that wrapped explains it as a step that rule 1 allows: the same.
3. It lies behind, and the device has announced a restart: the time goes on by one period.
4. It follows a tick that was set aside before: both are right. A jump forward is loss; a jump backward is a restart,
   and how many samples are missing is unknown.
5. Otherwise it is set aside: it may be damaged, or the first after a jump.

The period is averaged over up to a thousand samples, because ticks of a millisecond are too coarse to show it in one
step. Losses of more than ten samples are left out of the average: their number depends on the period.
"""

from dataclasses import dataclass
from typing import Final

COUNTER_MODULI: Final = (2**8, 2**16, 2**32)
"""Where counters of microcontrollers begin anew: ``micros()`` does so every 71.6 minutes."""
LONGEST_GAP_PERIODS: Final = 1000
"""A longer step between two samples must be confirmed by the next one: a damaged digit looks the same."""
_GAP_FACTOR: Final = 1.5
_FEWEST_PERIODS: Final = 20
_PERIODS_AVERAGED: Final = 1000
_SURE_GAP: Final = 10
"""So many missing samples are counted right even while the period is known only roughly."""


@dataclass(frozen=True, slots=True)
class ClockStep:
    """What one tick says about its sample.

    Parameters
    ----------
    time_s
        Seconds since the first tick, plus the clock's origin.
    lost
        Samples missing just before this one.
    restarted
        The device's clock began anew unannounced, so that how many samples are missing cannot be known.
    usable
        False when the sample must not be used: its tick repeats the one before or cannot be true.
    repeated
        Whether it repeats the one before.
    """

    time_s: float
    lost: int = 0
    restarted: bool = False
    usable: bool = True
    repeated: bool = False


class DeviceClock:
    """Follow the ticks of a device.

    Parameters
    ----------
    tick_s
        Length of a tick in seconds.
    period_ticks
        Typical ticks from one sample to the next, refined as samples come.
    origin_s
        What time the first tick stands for.

    Examples
    --------
    >>> clock = DeviceClock(tick_s=1e-3, period_ticks=10)
    >>> [clock.advance(tick).lost for tick in (500, 510, 521, 560)]
    [0, 0, 0, 3]
    """

    def __init__(self, *, tick_s: float, period_ticks: float, origin_s: float = 0.0) -> None:
        self._tick_s = tick_s
        self._origin_s = origin_s
        self._period = period_ticks
        self._anchor = 0.0
        self._periods = 0
        self._averaged = False
        self._last: float | None = None
        self._offset = 0.0
        self._origin = 0.0
        self._doubtful: float | None = None
        self._restart_announced = False

    @property
    def period_s(self) -> float:
        """Seconds from one sample to the next, as observed."""
        return self._period * self._tick_s

    def announce_restart(self) -> None:
        """Take note that the device has said it began anew: a step backward needs no confirmation."""
        self._restart_announced = True

    def advance(self, tick: float) -> ClockStep:
        """Take the tick of the next sample."""
        announced, self._restart_announced = self._restart_announced, False
        if self._last is None:
            self._origin = self._last = self._anchor = tick
            return ClockStep(self._origin_s)
        now = self._unwrapped(tick, self._last)
        step = now - self._last
        if 0 <= step <= LONGEST_GAP_PERIODS * self._period:
            self._doubtful = None
            return self._forward(now, step)
        if announced:
            return ClockStep(self._restart(tick, periods=1), restarted=True)
        if self._doubtful is not None and 0 < tick - self._doubtful <= LONGEST_GAP_PERIODS * self._period:
            self._doubtful = None
            if step > 0:
                return self._forward(now, step)
            return ClockStep(self._restart(tick, periods=2), lost=1, restarted=True)
        self._doubtful = tick
        return ClockStep(self._seconds(self._last), usable=False)

    def _forward(self, now: float, step: float) -> ClockStep:
        """Move on by a step that is zero or more."""
        self._last = now
        if step == 0:
            return ClockStep(self._seconds(now), usable=False, repeated=True)
        lost = round(step / self._period) - 1 if step > _GAP_FACTOR * self._period else 0
        self._refine_period(now, 1 + lost)
        return ClockStep(self._seconds(now), lost=lost)

    def _refine_period(self, now: float, periods: int) -> None:
        """Average the period over many samples: ticks may be too coarse to show it in one step."""
        if periods > 1 + _SURE_GAP:
            self._anchor, self._periods = now, 0
            return
        self._periods += periods
        full = self._periods >= _PERIODS_AVERAGED
        if full or (not self._averaged and self._periods >= _FEWEST_PERIODS):
            self._period = (now - self._anchor) / self._periods
        if full:
            self._anchor, self._periods, self._averaged = now, 0, True

    def _restart(self, tick: float, *, periods: int) -> float:
        """Go on after the device began anew, so many periods after the last sample that was used."""
        now = (self._last or 0.0) + periods * self._period
        self._offset = now - tick
        self._last = self._anchor = now
        self._periods = 0
        return self._seconds(now)

    def _unwrapped(self, tick: float, last: float) -> float:
        """Return the tick on a scale that does not wrap."""
        now = tick + self._offset
        if now >= last:
            return now
        for modulus in COUNTER_MODULI:
            longest = min(LONGEST_GAP_PERIODS * self._period, modulus / 4)
            if last - self._offset < modulus and 0 < now + modulus - last <= longest:
                self._offset += modulus
                return now + modulus
        return now

    def _seconds(self, now: float) -> float:
        """Return a tick on the scale that does not wrap in seconds."""
        return self._origin_s + (now - self._origin) * self._tick_s
