"""Metrics of a classifier, all from its confusion matrix."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """How often which activity was taken for which.

    Parameters
    ----------
    labels
        Names of the classes.
    confusion : ndarray of shape (n_classes, n_classes), int64
        Windows; the row is what was done, the column what it was taken for.

    Examples
    --------
    >>> scores = Scores.of(("walk", "sit"), truth=[0, 0, 1, 1], predicted=[0, 1, 1, 1])
    >>> scores.accuracy, scores.confusion.tolist()
    (0.75, [[1, 1], [0, 2]])
    """

    labels: tuple[str, ...]
    confusion: NDArray[np.int64]

    @classmethod
    def of(cls, labels: tuple[str, ...], *, truth: ArrayLike, predicted: ArrayLike) -> "Scores":
        """Count windows by their true and predicted class, given as positions in ``labels``."""
        classes = len(labels)
        pairs = np.asarray(truth, np.int64) * classes + np.asarray(predicted, np.int64)
        return cls(labels, np.bincount(pairs, minlength=classes**2).reshape(classes, classes))

    @classmethod
    def pooled(cls, parts: Iterable["Scores"]) -> "Scores":
        """Add up scores over the same labels, as if all windows had been judged at once."""
        found = list(parts)
        return cls(found[0].labels, np.sum([part.confusion for part in found], axis=0))

    @property
    def windows(self) -> int:
        """Number of windows judged."""
        return int(self.confusion.sum())

    @property
    def accuracy(self) -> float:
        """Share of windows given their true label."""
        return float(np.trace(self.confusion) / max(1, self.windows))

    @property
    def per_class_f1(self) -> dict[str, float]:
        """F1 of every class, 2 TP / (2 TP + FP + FN); 0 for a class that neither occurs nor is ever named."""
        return dict(zip(self.labels, self._f1().tolist(), strict=True))

    @property
    def macro_f1(self) -> float:
        """Mean F1 of the classes that occur or are named, each counting the same however many windows it has."""
        involved = self._involved() > 0
        return float(self._f1()[involved].mean()) if involved.any() else 0.0

    def _involved(self) -> NDArray[np.int64]:
        """Return 2 TP + FP + FN of every class."""
        return np.asarray(self.confusion.sum(axis=0) + self.confusion.sum(axis=1))

    def _f1(self) -> NDArray[np.float64]:
        """Return F1 of every class."""
        return np.asarray(2 * np.diag(self.confusion) / np.maximum(1, self._involved()))


def mean_and_deviation(values: Iterable[float]) -> tuple[float, float]:
    """Return mean and standard deviation of a sample (n - 1); the deviation of one value is 0.

    Examples
    --------
    >>> mean_and_deviation([0.5, 0.7])
    (0.6, 0.14142135623730948)
    """
    found = np.array(list(values), np.float64)
    return float(found.mean()), float(found.std(ddof=1)) if len(found) > 1 else 0.0
