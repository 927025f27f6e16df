"""Other days: how a sensor sits otherwise than when a take was recorded."""

from typing import Final

import numpy as np

from edgehar.pipeline.training.augmentation import Rotations, random_rotations

USUAL_DEG: Final = 6.0
SELDOM_DEG: Final = 25.0
_SELDOM: Final = 0.2
"""Deviations of the angle, and how often it is the larger one: between takes of one activity by one person of USC-HAD
gravity turns by 3 degrees (median), 15 (nine of ten), 44 at most (decision 29)."""


def turns_of_days(count: int, rng: np.random.Generator) -> Rotations:
    """Return so many rotations by which a sensor may sit otherwise on another day: mostly small, some large.

    Examples
    --------
    >>> turns = turns_of_days(10_000, np.random.default_rng(0))
    >>> angles_deg = np.degrees(np.arccos(np.clip((np.trace(turns, axis1=1, axis2=2) - 1) / 2, -1, 1)))
    >>> np.percentile(angles_deg, [50, 90, 99]).round().tolist()
    [5.0, 17.0, 49.0]
    """
    turns = random_rotations(count, deviation_deg=USUAL_DEG, rng=rng)
    large = random_rotations(count, deviation_deg=SELDOM_DEG, rng=rng)
    seldom = rng.random(count) < _SELDOM
    turns[seldom] = large[seldom]
    return turns
