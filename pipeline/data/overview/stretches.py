"""Pieces of signal to draw: some seconds of every activity, and a whole recording thinned to its extremes."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from edgehar.pipeline.data.overview.measuring import pieces
from edgehar.pipeline.data.recordings import Recording

UNLABELLED: Final = "(no label)"
_POINTS: Final = 200
_COLUMNS: Final = 300
"""Places of a whole recording at which its lowest and highest value are kept: what a picture can show."""


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """Some seconds of one activity.

    Parameters
    ----------
    activity, subject
        Of what, of whom.
    seconds
        How long; shorter than asked for where no longer piece without a gap is there.
    samples : ndarray of shape (n, 3), in g
        Thinned to what a small picture shows.
    """

    activity: str
    subject: str
    seconds: float
    samples: npt.NDArray[np.float32]


def longest_stretches(recordings: Iterable[Recording], *, duration_s: float) -> dict[str, Stretch]:
    """Return a stretch of every activity, from the middle of its longest piece without a gap."""
    best: dict[str, tuple[float, Recording, int, int]] = {}
    for item in recordings:
        for activity, start, stop in pieces(item, 0, len(item)):
            edges = [start, *(gap for gap in item.gaps if start < gap < stop), stop]
            at, length = max(((one, other - one) for one, other in pairwise(edges)), key=lambda piece: piece[1])
            name = UNLABELLED if activity is None else activity
            if length / item.rate_hz > best.get(name, (0.0,))[0]:
                best[name] = (length / item.rate_hz, item, at, length)
    return {name: _middle(name, *found[1:], duration_s=duration_s) for name, found in best.items()}


def _middle(name: str, item: Recording, at: int, length: int, *, duration_s: float) -> Stretch:
    """Return the middle of a piece."""
    wanted = min(length, max(2, round(duration_s * item.rate_hz)))
    start = at + (length - wanted) // 2
    rows = np.linspace(start, start + wanted - 1, min(wanted, _POINTS)).round().astype(np.int64)
    return Stretch(name, item.subject, wanted / item.rate_hz, item.samples[rows, :3])


def outline(item: Recording) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float32]]:
    """Return a recording as few points that look the same: their times in s, and their values, (n, 3), in g.

    A time is counted in samples at the recording's rate: what is missing takes no room.
    """
    if len(item) <= 2 * _COLUMNS:
        return np.arange(len(item)) / item.rate_hz, np.asarray(item.samples[:, :3])
    edges = np.linspace(0, len(item), _COLUMNS + 1).astype(np.int64)
    values = np.empty((2 * _COLUMNS, 3), np.float32)
    for column, (start, stop) in enumerate(pairwise(edges.tolist())):
        part = item.samples[start:stop, :3]
        # Low and high take turns in coming first, so that the line goes up and down once a column, not twice.
        ends = (part.min(axis=0), part.max(axis=0))
        values[2 * column], values[2 * column + 1] = ends if column % 2 else ends[::-1]
    times = np.repeat(edges[:-1], 2) / item.rate_hz
    times[1::2] += np.diff(edges) / 2 / item.rate_hz
    return times, values
