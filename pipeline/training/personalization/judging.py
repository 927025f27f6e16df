"""Verdicts of cross-validation: macro-F1, and how sure a difference is, over parts of takes."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgehar.pipeline.data.windows import Indices

_DRAWS: Final = 200

Counts = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Verdict:
    """What windows were taken for.

    Parameters
    ----------
    confusions : ndarray of shape (n_parts, n_classes, n_classes)
        Of every part that was judged apart from the others: windows beside one another are alike, parts are less so.
    """

    confusions: Counts

    @classmethod
    def of(cls, truth: Indices, predicted: NDArray[np.int64], parts: Indices, *, classes: int) -> "Verdict":
        """Count windows.

        Parameters
        ----------
        truth, parts : ndarray of shape (n,)
            What was done in each window, and in which part it lies.
        predicted : ndarray of shape (n_days, n)
            What it was taken for, on every day.
        classes
            How many there are.
        """
        names, inverse = np.unique(parts, return_inverse=True)
        confusions = np.zeros((len(names), classes, classes))
        for day in predicted:
            np.add.at(confusions, (inverse, truth, day), 1)
        return cls(confusions)

    @property
    def macro_f1(self) -> float:
        """Mean F1 of the classes that occur or are named."""
        return float(_macro_f1(self.confusions.sum(axis=0)[None])[0])


def error_of(verdict: Verdict) -> float:
    """Return the standard error of a verdict's macro-F1, over draws of parts with replacement.

    Examples
    --------
    >>> error_of(Verdict.of(np.array([0, 1]), np.array([[0, 1]]), np.array([0, 0]), classes=2))
    0.0
    """
    return float(_drawn(verdict).std())


def error_of_difference(one: Verdict, other: Verdict) -> float:
    """Return the standard error of the difference in macro-F1 between two verdicts on the same windows.

    It is the deviation over draws of parts with replacement (Efron & Tibshirani, An Introduction to the Bootstrap).

    Examples
    --------
    >>> right = Verdict.of(np.array([0, 1]), np.array([[0, 1]]), np.array([0, 1]), classes=2)
    >>> error_of_difference(right, right)
    0.0
    """
    return float((_drawn(one) - _drawn(other)).std())


def _drawn(verdict: Verdict) -> Counts:
    """Return macro-F1 over draws of parts, the same draws for all verdicts on as many parts."""
    count = len(verdict.confusions)
    draws = np.random.default_rng(0).multinomial(count, np.full(count, 1 / count), size=_DRAWS)
    return _macro_f1(np.tensordot(draws, verdict.confusions, axes=1))


def _macro_f1(confusions: Counts) -> NDArray[np.float64]:
    """Return macro-F1 of every confusion matrix (n, n_classes, n_classes)."""
    involved = confusions.sum(axis=1) + confusions.sum(axis=2)
    f1 = 2 * np.diagonal(confusions, axis1=1, axis2=2) / np.maximum(1, involved)
    counted = involved > 0
    return np.asarray(f1.sum(axis=1, where=counted) / np.maximum(1, counted.sum(axis=1)))
