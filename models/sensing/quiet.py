"""Gravity in a recording whose wearer rests now and then, and sensors that are stuck.

A stretch of rest tells gravity better than a whole recording does. A live stream has no time to wait for one: its unit
is found by `edgehar.models.sensing.gravity`, which also tells which units fit what is measured here.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

REMOVED_G: Final = 0.3
"""The mean of a quiet stretch is shorter than this only where gravity was taken out of the signal."""


def gravity_of(values: Floats, rate_hz: float) -> float:
    """Return the length of the mean vector over the quietest quarter of a recording, in the unit of ``values``.

    Parameters
    ----------
    values : ndarray of shape (n, 3)
        Acceleration in any unit.
    rate_hz
        Samples per second, to choose stretches of two seconds.
    """
    means, restlessness = quiet_blocks(values, rate_hz)
    return gravity_of_blocks(means, restlessness)


def quiet_blocks(values: Floats, rate_hz: float, *, block_s: float = 2.0) -> tuple[Floats, Floats]:
    """Return the mean vector and the restlessness of consecutive stretches: what gravity is measured from.

    Returns
    -------
    tuple
        ndarrays of shape (blocks, 3) and (blocks,).
    """
    length = min(len(values), max(2, round(block_s * rate_hz)))
    blocks = np.ascontiguousarray(values[: len(values) // length * length].T).reshape(3, -1, length)
    return blocks.mean(axis=2).T, blocks.std(axis=2).sum(axis=0)


def gravity_of_blocks(means: Floats, restlessness: Floats) -> float:
    """Return the median length of the mean vectors of the quietest quarter of all stretches."""
    quiet = np.argsort(restlessness)[: max(1, len(means) // 4)]
    return float(np.median(np.linalg.norm(means[quiet], axis=1)))


def longest_repeat(values: Floats) -> tuple[int, int]:
    """Return where the longest run of equal consecutive rows starts, and its length in rows.

    Examples
    --------
    >>> longest_repeat(np.array([[1.0, 2, 3], [0, 0, 1], [0, 0, 1], [0, 0, 1]]))
    (1, 3)
    """
    moved = np.zeros(len(values) - 1, dtype=bool)
    for axis in range(values.shape[1]):
        moved |= values[1:, axis] != values[:-1, axis]
    edges = np.flatnonzero(np.concatenate([[True], moved, [True]]))
    lengths = np.diff(edges)
    longest = int(np.argmax(lengths))
    return int(edges[longest]), int(lengths[longest])
