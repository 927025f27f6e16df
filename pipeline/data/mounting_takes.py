"""The takes that show how a sensor is mounted: standing still, and walking straight ahead; told by their labels."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgehar.pipeline.data.recordings import Recording

SETTLING_S: Final = 1.0
"""Left out at the start of a take: the wearer is still turning or setting off."""

_STANDING: Final = ("stand", "still")
_OTHER_WALKS: Final = ("left", "right", "up", "down", "back", "stair")


def stands(activity: str) -> bool:
    """Tell whether a label means standing.

    Examples
    --------
    >>> [name for name in ("Standing", "STANDING", "Sitting") if stands(name)]
    ['Standing', 'STANDING']
    """
    return any(word in activity.lower() for word in _STANDING)


def walks(activity: str) -> bool:
    """Tell whether a label means walking straight ahead on level ground.

    Examples
    --------
    >>> [name for name in ("Walking Forward", "walk", "Walking Left", "Walking Upstairs") if walks(name)]
    ['Walking Forward', 'walk']
    """
    name = activity.lower()
    return "walk" in name and not any(word in name for word in _OTHER_WALKS)


def takes(
    recordings: Iterable[Recording], fits: Callable[[str], bool], *, least_s: float, most_s: float
) -> Iterator[tuple[NDArray[np.float32], float]]:
    """Yield the unbroken takes whose label fits, from where they have settled, and their rates.

    Parameters
    ----------
    recordings
        Of one person.
    fits
        Tells from a label whether the take is meant: `stands` or `walks`.
    least_s, most_s
        Shorter ones are left out, longer ones cut.

    Yields
    ------
    samples : ndarray of shape (n, channels), float32
    rate_hz : float
    """
    for recording in recordings:
        rate_hz = recording.rate_hz
        for label in recording.labels:
            start = label.start + round(SETTLING_S * rate_hz)
            stop = min(label.stop, start + round(most_s * rate_hz))
            whole = not any(start < gap < stop for gap in recording.gaps)
            if fits(label.activity) and whole and stop - start >= least_s * rate_hz:
                yield recording.samples[start:stop], rate_hz
