"""How sure a score is: intervals by drawing people again, with replacement.

Windows of one person are alike, so that an interval over windows would be far too narrow; what varies is who is judged.

Source: Efron & Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13 (percentile intervals).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.pipeline.evaluation.metrics import Scores

LEVEL: Final = 0.9
_DRAWS: Final = 2000
_SEED: Final = 0


@dataclass(frozen=True, slots=True)
class Intervals:
    """Where accuracy and macro-F1 of other people like these would lie.

    Parameters
    ----------
    accuracy, macro_f1
        Lower and upper end, of the mean over seeds.
    people
        How many were drawn from.
    """

    accuracy: tuple[float, float]
    macro_f1: tuple[float, float]
    people: int

    def to_json(self) -> dict[str, Any]:
        """Return the intervals as JSON-ready data."""
        return {
            "level": LEVEL,
            "people": self.people,
            "accuracy": list(self.accuracy),
            "macro_f1": list(self.macro_f1),
        }


def bootstrap_intervals(seeds: Sequence[Mapping[str, Scores]]) -> Intervals:
    """Return the intervals of the mean over seeds.

    Parameters
    ----------
    seeds
        For every seed the scores of each person; the same people for all.

    Examples
    --------
    >>> people = {name: Scores.of(("a", "b"), truth=[0, 1, 1], predicted=[0, 1, 1]) for name in "xyz"}
    >>> bootstrap_intervals([people]).macro_f1
    (1.0, 1.0)
    """
    names = list(seeds[0])
    return confusion_intervals(np.array([[scores[name].confusion for name in names] for scores in seeds]))


def confusion_intervals(confusions: NDArray[np.int64]) -> Intervals:
    """Return the intervals of the mean over seeds.

    Parameters
    ----------
    confusions : ndarray of shape (seeds, people, n_classes, n_classes or more)
        Of every person; columns beyond the classes are answers that are never right, such as ``unknown``.
    """
    people, drawn = confusions.shape[1], _drawn(confusions)
    right = np.diagonal(drawn, axis1=2, axis2=3).sum(axis=2)
    return Intervals(_ends(right / drawn.sum(axis=(2, 3))), _ends(_macro_f1(drawn)), people)


def difference_interval(
    seeds: Sequence[Mapping[str, Scores]], others: Sequence[Mapping[str, Scores]]
) -> tuple[float, float]:
    """Return the interval of how much macro-F1 others have more, each time of the same people; means over seeds.

    Examples
    --------
    >>> people = {name: Scores.of(("a", "b"), truth=[0, 1, 1], predicted=[0, 1, 0]) for name in "xyz"}
    >>> difference_interval([people], [people])
    (0.0, 0.0)
    """
    names = list(seeds[0])
    before, after = (
        _macro_f1(_drawn(np.array([[scores[name].confusion for name in names] for scores in each]))).mean(axis=0)
        for each in (seeds, others)
    )
    return _ends((after - before)[np.newaxis])


def _drawn(confusions: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the confusions (seeds, draws, classes, ...) of people (seeds, people, classes, ...) drawn again."""
    people = confusions.shape[1]
    draws = np.random.default_rng(_SEED).multinomial(people, np.full(people, 1 / people), size=_DRAWS)
    return np.asarray(np.einsum("dp,spij->sdij", draws, confusions.astype(np.float64)))


def _macro_f1(confusions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return macro-F1 of confusion matrices (..., classes, classes or more), as `Scores.macro_f1` has it."""
    classes = confusions.shape[-2]
    involved = confusions.sum(axis=-1) + confusions[..., :classes].sum(axis=-2)
    f1 = 2 * np.diagonal(confusions, axis1=-2, axis2=-1) / np.maximum(1, involved)
    return np.asarray(f1.sum(axis=-1) / np.maximum(1, (involved > 0).sum(axis=-1)))


def _ends(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the ends of the interval of the mean over seeds (seeds, draws)."""
    low, high = np.quantile(values.mean(axis=0), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
