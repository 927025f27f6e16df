"""Bring a stretch of samples to another rate: filtered when that loses frequencies, linear when it does not."""

from fractions import Fraction
from typing import Any, Final

import numpy as np
import numpy.typing as npt

RATE_TOLERANCE: Final = 0.005
"""Rates closer than this are taken as equal: over a window of 2 s that is 10 ms."""

_JITTER: Final = 0.1
_LARGEST_FACTOR: Final = 500

_Samples = npt.NDArray[np.float32]
_Times = npt.NDArray[np.float64]


def resample(samples: _Samples, *, from_hz: float, to_hz: float, timestamps_s: _Times | None = None) -> _Samples:
    """Return samples at another rate; the first stays where it is, and none lies after the last.

    A faster source goes through a polyphase anti-alias filter. A slower one is interpolated linearly, which is what a
    live stream can do sample by sample: a model sees the same signal in training and on the wire. Equal rates give back
    the very same array.

    Parameters
    ----------
    samples : ndarray of shape (n, 3), float32
        One stretch without gaps.
    from_hz, to_hz
        Samples per second, before and after.
    timestamps_s : ndarray of shape (n,), float64, in s
        When the samples were taken; where they are not evenly spaced, the samples are first put on an even grid.

    Returns
    -------
    ndarray of shape (m, 3), float32
        ``m`` is ``floor((n - 1) * to_hz / from_hz) + 1``; counted by the timestamps if these are uneven.

    Examples
    --------
    >>> resample(np.float32([[0, 0, 0], [1, 2, 4]]), from_hz=50, to_hz=100).tolist()
    [[0.0, 0.0, 0.0], [0.5, 1.0, 2.0], [1.0, 2.0, 4.0]]
    """
    same = abs(from_hz / to_hz - 1.0) <= RATE_TOLERANCE
    grid_hz = from_hz if from_hz > to_hz and not same else to_hz
    if timestamps_s is not None and _is_uneven(timestamps_s, from_hz):
        elapsed = timestamps_s - timestamps_s[0]
        samples = _interpolated(samples, elapsed, np.arange(_last(elapsed[-1] * grid_hz) + 1) / grid_hz)
        same, from_hz = same or grid_hz == to_hz, grid_hz
    if same or len(samples) < 2:
        return samples
    count = _last((len(samples) - 1) * to_hz / from_hz) + 1
    if from_hz < to_hz:
        return _interpolated(samples, np.arange(len(samples), dtype=np.float64), np.arange(count) * (from_hz / to_hz))
    return _filtered(samples, to_hz / from_hz)[:count]


def _is_uneven(timestamps_s: _Times, rate_hz: float) -> bool:
    """Tell whether samples lie off an even grid by more than a tenth of a step."""
    even = timestamps_s[0] + np.arange(len(timestamps_s)) / rate_hz
    return bool(np.abs(timestamps_s - even).max() > _JITTER / rate_hz)


def _last(position: float) -> int:
    """Return the last whole position, forgiving what floating point took from an exact one."""
    return int(np.floor(position + 1e-6))


def _interpolated(samples: _Samples, at: _Times, wanted: npt.NDArray[np.floating[Any]]) -> _Samples:
    """Interpolate every axis linearly."""
    return np.stack([np.interp(wanted, at, samples[:, axis]) for axis in range(3)], axis=1).astype(np.float32)


def _filtered(samples: _Samples, ratio: float) -> _Samples:
    """Reduce the rate with a polyphase filter; a line through the ends keeps gravity from ringing at the edges."""
    from scipy.signal import resample_poly

    factor = Fraction(ratio).limit_denominator(_LARGEST_FACTOR)
    reduced = resample_poly(samples.astype(np.float64), factor.numerator, factor.denominator, axis=0, padtype="line")
    made: _Samples = reduced.astype(np.float32)
    return made
