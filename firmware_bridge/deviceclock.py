"""The clock of a device, as far as the ticks it sends with its samples tell: time, missing samples, wraps, restarts."""

from dataclasses import dataclass
from typing import Final

COUNTER_MODULI: Final = (2**8, 2**16, 2**32)
"""Where counters of microcontrollers begin anew: ``micros()`` does so every 71.6 minutes."""
LONGEST_GAP_PERIODS: Final = 1000
"""A longer step between two samples must be confirmed by the next one: a damaged digit looks the same."""
_GAP_FACTOR: Final = 1.5
_PERIOD_MEMORY: Final = 1000
_PROBED_PERIODS: Final = 20


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
        The device's clock began anew, so that how many samples are missing cannot be known.
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

    A step of more than 1.5 periods means missing samples. A step backward is a counter that wraps, if one of the usual
    widths explains it; otherwise, and for a step of more than a thousand periods, the sample is set aside until the
    next one shows whether the clock jumped or the tick was damaged.

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
        self._weight = _PROBED_PERIODS
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
            self._origin = self._last = tick
            return ClockStep(self._origin_s)
        now = self._unwrapped(tick, self._last)
        step = now - self._last
        if 0 <= step <= LONGEST_GAP_PERIODS * self._period:
            self._doubtful = None
            return self._forward(now, step)
        if announced:
            return self._restart(tick, set_aside=0)
        if self._doubtful is not None and 0 < tick - self._doubtful <= LONGEST_GAP_PERIODS * self._period:
            self._doubtful = None
            return self._forward(now, step) if step > 0 else self._restart(tick, set_aside=1)
        self._doubtful = tick
        return ClockStep(self._seconds(self._last), usable=False)

    def _forward(self, now: float, step: float) -> ClockStep:
        """Move on by a step that is zero or more."""
        self._last = now
        if step == 0:
            return ClockStep(self._seconds(now), usable=False, repeated=True)
        if step <= _GAP_FACTOR * self._period:
            self._weight = min(self._weight + 1, _PERIOD_MEMORY)
            self._period += (step - self._period) / self._weight
            return ClockStep(self._seconds(now))
        return ClockStep(self._seconds(now), lost=max(0, round(step / self._period) - 1))

    def _restart(self, tick: float, *, set_aside: int) -> ClockStep:
        """Go on after the device began anew; only samples set aside before this one are known to be missing."""
        now = (self._last or 0.0) + (1 + set_aside) * self._period
        self._offset = now - tick
        self._last = now
        return ClockStep(self._seconds(now), lost=set_aside, restarted=True)

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
