"""Where up is in a model's frame: what a sensor feels while the people learned from stand, and while they walk."""

import numpy as np

from edgehar.pipeline.data.mounting_takes import stands, walks
from edgehar.pipeline.data.windows import Indices, Windows


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
