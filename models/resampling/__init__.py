"""From a sensor's rate to a model's: the mathematics that training and live classification share.

    sampleclock.py   when samples were really taken: an even grid fitted to jittery times
    kernel.py        the low-pass filter between two samples
    ratefilter.py    both put together: samples and their times in, samples at the model's rate out

`edgehar.pipeline.data.rate_conversion` runs it over whole recordings, `edgehar.firmware_bridge.stream.resampler` over a
stream: what a model learns from is what it meets.
"""

from typing import Final

RATE_TOLERANCE: Final = 0.005
"""Rates closer than this are taken as equal: over a window of 2 s that is 10 ms."""


def rates_agree(one_hz: float, other_hz: float, tolerance: float = RATE_TOLERANCE) -> bool:
    """Tell whether two rates are so close that samples pass through bit by bit.

    Examples
    --------
    >>> rates_agree(100.4, 100.0), rates_agree(104.0, 100.0)
    (True, False)
    """
    return abs(one_hz / other_hz - 1.0) <= tolerance
