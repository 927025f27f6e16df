"""Timestamps of a recording: their unit, the rate they imply, and where they jump."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from edgehar.models.errors import UsageError

SECONDS: Final = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
"""How long one step of a numeric time column may be."""

_SLOWEST_HZ: Final = 2.0
_FASTEST_HZ: Final = 2000.0
_LOST_ONE: Final = 1.5

_Times = npt.NDArray[np.int64] | npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Clock:
    """What timestamps say.

    Parameters
    ----------
    rate_hz
        Samples per second, gaps left out.
    gaps
        Samples before which time jumps.
    missing_s
        How long the jumps are together.
    """

    rate_hz: float
    gaps: tuple[int, ...]
    missing_s: float


def detect_time_unit(time: _Times) -> str | None:
    """Return the only unit in which the usual step makes a rate between 2 and 2000 Hz; None if there is no step.

    Examples
    --------
    >>> detect_time_unit(np.array([0, 10, 20])), detect_time_unit(np.array([0.0, 0.02, 0.04]))
    ('ms', 's')
    """
    steps = np.diff(time)
    steps = steps[steps > 0]
    if not len(steps):
        return None
    step = float(np.median(steps))
    for unit, seconds in SECONDS.items():
        if _SLOWEST_HZ <= 1.0 / (step * seconds) < _FASTEST_HZ:
            return unit
    return None


def check_time_unit(unit: str) -> None:
    """Refuse a time unit that does not exist."""
    if unit not in (*SECONDS, "iso"):
        raise UsageError(
            f"time unit {unit!r} is not one of {', '.join(SECONDS)}, iso", next_step="Choose one of these."
        )


def to_seconds(time: _Times, unit: str) -> npt.NDArray[np.float64]:
    """Return times in s; whole numbers too large for a float64 are counted from the first."""
    if unit == "iso":
        return time.astype(np.float64)
    start = time[0] if time.dtype.kind == "i" and abs(int(time[0])) > 2**53 else 0
    return (time - start).astype(np.float64) * SECONDS[unit]


def read_clock(seconds: npt.NDArray[np.float64]) -> Clock:
    """Return the rate and the gaps of increasing timestamps.

    A step is a gap when it is longer than one and a half usual steps, or, where steps are irregular, one and a half
    times as long as all but one in ten. The rate is the mean over all other steps: times rounded to milliseconds
    average out.
    """
    steps = np.diff(seconds)
    usual = float(np.median(steps))
    limit = _LOST_ONE * max(usual, float(np.quantile(steps, 0.9)))
    gaps = np.flatnonzero(steps > limit) + 1
    regular = steps[steps <= limit]
    rate_hz = len(regular) / float(regular.sum())
    missing_s = float(steps[gaps - 1].sum()) - len(gaps) / rate_hz
    return Clock(round(rate_hz, 4), tuple(int(gap) for gap in gaps), missing_s)
