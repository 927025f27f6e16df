"""Macro-F1 where a label may be refused: unknown is a column of the confusion, and never right."""

import numpy as np
import numpy.typing as npt

from edgehar.models.decoder import REJECTED

Confusion = npt.NDArray[np.int64]


def confusion_of(truth: npt.NDArray[np.int64], shown: npt.NDArray[np.int64], classes: int) -> Confusion:
    """Count windows by what was done (row) and what was said; the last column is unknown.

    Windows of an activity that the model has no label for are left out; `called_unknown` counts these.

    Examples
    --------
    >>> confusion_of(np.array([0, 0, 1]), np.array([0, REJECTED, 1]), 2).tolist()
    [[1, 0, 1], [0, 1, 0]]
    """
    learned = truth != REJECTED
    truth, said = truth[learned], np.where(shown == REJECTED, classes, shown)[learned]
    return np.bincount(truth * (classes + 1) + said, minlength=classes * (classes + 1)).reshape(classes, classes + 1)


def f1_of(confusion: Confusion) -> npt.NDArray[np.float64]:
    """Return F1 of every class; not a number for one that neither occurs nor is named."""
    classes = len(confusion)
    involved = confusion.sum(axis=1) + confusion[:, :classes].sum(axis=0)
    return np.where(involved > 0, 2 * np.diag(confusion) / np.maximum(1, involved), np.nan)


def macro_f1_of(confusion: Confusion) -> float:
    """Return the mean F1 of the classes that occur or are named."""
    f1 = f1_of(confusion)
    return float(np.nanmean(f1)) if np.isfinite(f1).any() else 0.0


def called_unknown(truth: npt.NDArray[np.int64], shown: npt.NDArray[np.int64]) -> tuple[int, int]:
    """Return how many windows of activities that the model has no label for there are, and how many are `unknown`.

    Examples
    --------
    >>> called_unknown(np.array([0, REJECTED, REJECTED]), np.array([0, REJECTED, 1]))
    (2, 1)
    """
    unlearned = truth == REJECTED
    return int(np.count_nonzero(unlearned)), int(np.count_nonzero(shown[unlearned] == REJECTED))
