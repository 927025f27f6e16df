"""The limits of physics for numbers that a sensor, a capture or a user claims about samples.

A claimed number decides how much memory and time is spent on a stream, so each is held to these limits before it is
used. The limits are wide: every part that can be bought fits, and nothing that fits can exhaust a small computer.
"""

import math
from typing import Final

LOWEST_RATE_HZ: Final = 0.1
"""Ten seconds a sample: the slowest that data loggers offer, and far too slow to tell one movement from another."""
HIGHEST_RATE_HZ: Final = 32_000.0
"""The fastest output data rate of acceleration sensors on a chip; a filter down to 100 Hz then takes 121 MB."""
SMALLEST_RANGE_G: Final = 0.1
LARGEST_RANGE_G: Final = 40_000.0
"""A count of one g, as the coarsest parts have it, gives 16-bit samples a range of 32,767 g."""
SMALLEST_TURNING_RANGE_DEG_S: Final = 1.0
LARGEST_TURNING_RANGE_DEG_S: Final = 100_000.0
"""Gyroscopes on a chip measure from 15 to 20,000 degrees/s."""
SLOWEST_GUESS_HZ: Final = 8.0
FASTEST_GUESS_HZ: Final = 8000.0
"""Rates outside are not believed where they are only guessed."""
MOST_G: Final = 400.0
"""No accelerometer that is worn or shipped in a phone measures more."""
UNUSUAL_G: Final = 32.0
"""People rarely exceed this, and the usual sensors end at 16 g."""


def is_possible_rate(rate_hz: float) -> bool:
    """Tell whether a sensor can have this rate.

    Examples
    --------
    >>> is_possible_rate(100.0), is_possible_rate(4_294_967.295), is_possible_rate(float("nan"))
    (True, False, False)
    """
    return LOWEST_RATE_HZ <= rate_hz <= HIGHEST_RATE_HZ


def is_possible_range(range_g: float) -> bool:
    """Tell whether a sensor can have this range, in g.

    Examples
    --------
    >>> is_possible_range(16.0), is_possible_range(1e30), is_possible_range(0.0)
    (True, False, False)
    """
    return math.isfinite(range_g) and SMALLEST_RANGE_G <= range_g <= LARGEST_RANGE_G


def is_possible_turning_range(range_deg_s: float) -> bool:
    """Tell whether a gyroscope can have this range, in degrees/s.

    Examples
    --------
    >>> is_possible_turning_range(2000.0), is_possible_turning_range(0.0), is_possible_turning_range(float("nan"))
    (True, False, False)
    """
    return SMALLEST_TURNING_RANGE_DEG_S <= range_deg_s <= LARGEST_TURNING_RANGE_DEG_S
