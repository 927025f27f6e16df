"""When a sensor was not worn: all three axes nearly still for an hour.

The rule of Doherty et al. 2017 (PLoS ONE 12(2): e0169649), after van Hees et al. 2011 (PLoS ONE 6(7): e22922): ten
seconds in which the standard deviation of every axis is below 13 mg are still; still seconds that last an hour or
longer are time not worn. A night's sleep moves more than that in any hour.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from edgehar.models.batch_decoding import window_sums

RULE: Final = "Doherty et al. 2017: standard deviation of every axis below 13 mg for at least 60 minutes"
STILL_G: Final = 0.013
BLOCK_S: Final = 10.0
LEAST_S: Final = 3600.0

Floats = npt.NDArray[np.float64]


def still_blocks(blocks: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    """Tell which blocks are still.

    Parameters
    ----------
    blocks : ndarray of shape (n, samples, 3), in g

    Examples
    --------
    >>> still_blocks(np.zeros((1, 1000, 3), np.float32)).tolist()
    [True]
    """
    samples, axes = blocks.shape[1:]
    sums, squares = window_sums(blocks.reshape(-1, axes), length=samples, hop=samples, squares=True)
    found: npt.NDArray[np.bool_] = (squares / samples - (sums / samples) ** 2 < STILL_G**2).all(axis=1)
    return found


def not_worn(starts_s: Floats, still: npt.NDArray[np.bool_]) -> list[tuple[float, float]]:
    """Return when the sensor was not worn, as (start, end) in s.

    Parameters
    ----------
    starts_s
        When each block of ten seconds begins, in order; where the next one begins later than it should, time is missing
        and a still stretch ends.
    still
        Which blocks are still.

    Examples
    --------
    >>> not_worn(np.arange(400) * 10.0, np.ones(400, bool))
    [(0.0, 4000.0)]
    """
    found = []
    if not len(still):
        return []
    follows = np.concatenate([[False], np.diff(starts_s) < 1.5 * BLOCK_S])
    begins = np.flatnonzero(still & ~(follows & np.concatenate([[False], still[:-1]])))
    ends = np.flatnonzero(still & ~np.concatenate([(follows[1:] & still[1:]), [False]]))
    for first, last in zip(begins.tolist(), ends.tolist(), strict=True):
        start_s, end_s = float(starts_s[first]), float(starts_s[last]) + BLOCK_S
        if end_s - start_s >= LEAST_S:
            found.append((start_s, end_s))
    return found


def inside(times_s: Floats, intervals: list[tuple[float, float]]) -> npt.NDArray[np.bool_]:
    """Tell which times lie in one of some intervals.

    Examples
    --------
    >>> inside(np.array([1.0, 5.0]), [(4.0, 6.0)]).tolist()
    [False, True]
    """
    if not intervals:
        return np.zeros(len(times_s), np.bool_)
    starts, ends = np.array(intervals).T
    place = np.searchsorted(starts, times_s, side="right") - 1
    found: npt.NDArray[np.bool_] = (place >= 0) & (times_s < ends[np.maximum(place, 0)])
    return found
