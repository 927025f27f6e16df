"""How sure accuracy and macro-F1 are: groups of windows drawn again, with replacement.

Windows of one person, or of one stretch of an activity, are alike. What is drawn is therefore never single windows, but
people, or stretches of one person.

Source: Efron & Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13 (percentile intervals).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

LEVEL: Final = 0.9
_DRAWS: Final = 2000
_SEED: Final = 0
_AT_ONCE: Final = 200


@dataclass(frozen=True, slots=True)
class Intervals:
    """Lower and upper ends of accuracy and macro-F1, and how many groups were drawn from."""

    accuracy: tuple[float, float]
    macro_f1: tuple[float, float]
    groups: int


def bootstrap(confusions: Sequence[npt.NDArray[np.int64]]) -> Intervals | None:
    """Return the intervals that hold 90 % of what other groups like these would give; None of fewer than three groups.

    Parameters
    ----------
    confusions : ndarrays of shape (n_classes, n_classes)
        One for each group; the row is what was done.

    Examples
    --------
    >>> bootstrap([np.array([[3, 1], [0, 4]])] * 5).accuracy
    (0.875, 0.875)
    """
    if len(confusions) < 3:
        return None
    stacked = np.asarray(confusions, np.float64).reshape(len(confusions), -1)
    shape = (-1, *np.shape(confusions[0]))
    generator = np.random.default_rng(_SEED)
    accuracies, macro_f1s = [], []
    for _ in range(_DRAWS // _AT_ONCE):
        draws = generator.multinomial(len(stacked), np.full(len(stacked), 1 / len(stacked)), size=_AT_ONCE)
        drawn = (draws @ stacked).reshape(shape)
        right, involved = np.diagonal(drawn, axis1=1, axis2=2), drawn.sum(axis=1) + drawn.sum(axis=2)
        accuracies.append(right.sum(axis=1) / np.maximum(1, drawn.sum(axis=(1, 2))))
        f1 = 2 * right / np.maximum(1, involved)
        macro_f1s.append(f1.sum(axis=1) / np.maximum(1, (involved > 0).sum(axis=1)))
    return Intervals(_ends(np.concatenate(accuracies)), _ends(np.concatenate(macro_f1s)), len(stacked))


def _ends(values: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Return the ends of the interval."""
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
