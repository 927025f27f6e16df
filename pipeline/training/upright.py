"""Where up is in a model's frame: what a sensor feels while the people learned from stand, and while they walk."""

from typing import Final

import numpy as np

from edgehar.pipeline.data.windows import Indices, Windows

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


def upright_g(windows: Windows, indices: Indices) -> tuple[float, float, float] | None:
    """Return the mean acceleration of people who stand and who walk, each person and either counting the same.

    Parameters
    ----------
    windows, indices
        In g; which of them a model learns from.

    Returns
    -------
    tuple of three float, in g, or None
        None where nobody does both.
    """
    subjects, labels = windows.subjects[indices], windows.labels[indices]
    found = []
    for name in np.unique(subjects).tolist():
        means = []
        for fits in (stands, walks):
            meant = [label for label, activity in enumerate(windows.activities) if fits(activity)]
            own = indices[(subjects == name) & np.isin(labels, meant)]
            if len(own):
                means.append(windows.batch(own)[:, :, :3].mean(axis=(0, 1), dtype=np.float64))
        if len(means) == 2:
            found.append(np.mean(means, axis=0))
    if not found:
        return None
    x, y, z = np.mean(found, axis=0).tolist()
    return x, y, z
