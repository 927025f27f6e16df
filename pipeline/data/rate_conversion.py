"""Bring recordings to another rate, by the filter that a live stream goes through (`edgehar.models.resampling`)."""

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np

from edgehar.models.resampling import rates_agree
from edgehar.models.resampling.ratefilter import RateFilter, Resampled, Samples, Times
from edgehar.models.resampling.sampleclock import SampleClock

_BLOCK: Final = 8192
"""Samples at a time: a recording of weeks needs no more memory than one of minutes."""
_MOST_OFF: Final = 1.0
"""Periods by which a sample may lie off the even grid for a cubic through its neighbours to reach it."""


def resample(samples: Samples, *, from_hz: float, to_hz: float, timestamps_s: Times | None = None) -> Samples:
    """Return samples at another rate; the first stays where it is, and none lies after the last.

    Rates that agree (`edgehar.models.resampling.RATE_TOLERANCE`) give back the very same array.

    Parameters
    ----------
    samples : ndarray of shape (n, channels), float32
        One stretch without gaps.
    from_hz, to_hz
        Samples per second, before and after.
    timestamps_s : ndarray of shape (n,), float64, in s
        When the samples were taken; evenly by default.

    Returns
    -------
    ndarray of shape (m, channels), float32
        ``m`` is ``floor((n - 1) * to_hz / from_hz) + 1``; counted by the timestamps where there are any.

    Examples
    --------
    >>> resample(np.ones((51, 3), np.float32), from_hz=50, to_hz=100).shape
    (101, 3)
    """
    return resample_timed(samples, from_hz=from_hz, to_hz=to_hz, timestamps_s=timestamps_s)[0]


def resample_timed(
    samples: Samples, *, from_hz: float, to_hz: float, timestamps_s: Times | None = None
) -> tuple[Samples, Times]:
    """Return samples at another rate as `resample` does, and the time of each.

    A stream that is fed to `har live` comes out the same, up to the last samples, whose successors a stream still waits
    for. Only times that no filter of neighbours can follow, because they wander off an even grid by more than a step,
    are first interpolated linearly; a recording can look back, a stream cannot.

    Returns
    -------
    samples : ndarray of shape (m, channels), float32
    times_s : ndarray of shape (m,), float64
        Since the first sample, or on the clock of ``timestamps_s``.
    """
    times_s = np.arange(len(samples), dtype=np.float64) / from_hz if timestamps_s is None else timestamps_s
    if rates_agree(from_hz, to_hz) or not len(samples):
        return samples, times_s
    grid_s = times_s if timestamps_s is None else SampleClock(rate_hz=from_hz).follow(times_s)
    if np.abs(times_s - grid_s).max() * from_hz > _MOST_OFF:
        samples, times_s = _evened(samples, times_s, from_hz)
        grid_s = times_s
    parts = _filtered(samples, times_s, grid_s, from_hz=from_hz, to_hz=to_hz)
    return np.concatenate([part.samples_g for part in parts]), np.concatenate([part.times_s for part in parts])


def resample_blocks(
    samples: Callable[[int, int], Samples],
    times_s: Callable[[int, int], Times] | None,
    length: int,
    *,
    from_hz: float,
    to_hz: float,
) -> Iterator[Samples]:
    """Yield what `resample` returns, block by block: a stretch of months needs no more memory than one of minutes.

    Only where times wander off an even grid, the whole stretch is read at once.

    Parameters
    ----------
    samples, times_s
        Return the samples from one number to another, and their times; ``times_s`` is None where samples are even.
    length
        How many samples there are.
    from_hz, to_hz
        Samples per second, before and after; not the same.

    Examples
    --------
    >>> still = np.ones((51, 3), np.float32)
    >>> blocks = resample_blocks(lambda start, stop: still[start:stop], None, 51, from_hz=50, to_hz=100)
    >>> sum(len(block) for block in blocks)
    101
    """
    cuts = [(start, min(length, start + _BLOCK)) for start in range(0, length, _BLOCK)]
    if times_s is not None:
        clock, off = SampleClock(rate_hz=from_hz), 0.0
        for start, stop in cuts:
            stamps = times_s(start, stop)
            off = max(off, float(np.abs(stamps - clock.follow(stamps)).max()))
        if off * from_hz > _MOST_OFF:
            yield resample(samples(0, length), from_hz=from_hz, to_hz=to_hz, timestamps_s=times_s(0, length))
            return
    clock, rate_filter = SampleClock(rate_hz=from_hz), RateFilter(from_hz, to_hz)
    for start, stop in cuts:
        stamps = np.arange(start, stop, dtype=np.float64) / from_hz if times_s is None else times_s(start, stop)
        grid_s = stamps if times_s is None else clock.follow(stamps)
        marks = np.zeros(stop - start, np.bool_)
        yield rate_filter.feed(samples(start, stop), stamps, marks, grid_s, 1.0 / from_hz).samples_g
    yield rate_filter.finish().samples_g


def _filtered(samples: Samples, times_s: Times, grid_s: Times, *, from_hz: float, to_hz: float) -> list[Resampled]:
    """Run the filter over all samples."""
    rate_filter = RateFilter(from_hz, to_hz)
    unmarked = np.zeros(_BLOCK, np.bool_)
    parts = []
    for start in range(0, len(samples), _BLOCK):
        block = slice(start, start + _BLOCK)
        marks = unmarked[: len(samples[block])]
        parts.append(rate_filter.feed(samples[block], times_s[block], marks, grid_s[block], 1.0 / from_hz))
    return [*parts, rate_filter.finish()]


def _evened(samples: Samples, times_s: Times, rate_hz: float) -> tuple[Samples, Times]:
    """Interpolate every axis linearly onto an even grid."""
    count = int(np.floor((times_s[-1] - times_s[0]) * rate_hz + 1e-6)) + 1
    even_s = times_s[0] + np.arange(count, dtype=np.float64) / rate_hz
    made = np.stack([np.interp(even_s, times_s, samples[:, axis]) for axis in range(samples.shape[1])], axis=1)
    return made.astype(np.float32), even_s
