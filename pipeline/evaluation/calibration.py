"""Whether a probability means what it says: reliability, and one temperature that brings it closer.

Source: Guo, Pleiss, Sun & Weinberger, On Calibration of Modern Neural Networks, 2017: reliability diagrams and expected
calibration error (section 2), temperature scaling (section 4.2).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Probabilities = npt.NDArray[np.floating]
_FLOOR: Final = 1e-7
_RANGE: Final = (0.05, 20.0)
_GOLDEN: Final = (np.sqrt(5) - 1) / 2
_STEPS: Final = 60


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Windows whose label got about the same probability: its mean, the share that is right, and how many there are."""

    confidence: float
    accuracy: float
    windows: int


@dataclass(frozen=True, slots=True)
class Reliability:
    """Bins of a reliability diagram, those without windows left out, and the expected calibration error."""

    bins: tuple[ReliabilityBin, ...]
    expected_error: float


def reliability(probabilities: Probabilities, truth: npt.NDArray[np.int64], *, bins: int = 10) -> Reliability:
    """Compare the probability of the best class with how often it is right.

    Parameters
    ----------
    probabilities : ndarray of shape (n, n_classes)
    truth : ndarray of shape (n,), int64
        Positions of the true classes.
    bins
        Equally wide ones between 0 and 1.

    Examples
    --------
    >>> found = reliability(np.array([[0.8, 0.2], [0.8, 0.2]]), np.array([0, 1]))
    >>> found.bins, round(found.expected_error, 3)
    ((ReliabilityBin(confidence=0.8, accuracy=0.5, windows=2),), 0.3)
    """
    confidence = np.asarray(probabilities.max(axis=1), np.float64)
    right = probabilities.argmax(axis=1) == truth
    which = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    found = []
    for number in range(bins):
        own = which == number
        if own.any():
            found.append(ReliabilityBin(float(confidence[own].mean()), float(right[own].mean()), int(own.sum())))
    error = sum(each.windows * abs(each.confidence - each.accuracy) for each in found) / max(1, len(truth))
    return Reliability(tuple(found), float(error))


def tempered(probabilities: Probabilities, temperature: float) -> npt.NDArray[np.float64]:
    """Return probabilities with their logarithms divided by a temperature: above 1 they become less sure."""
    logits = np.log(np.maximum(np.asarray(probabilities, np.float64), _FLOOR)) / temperature
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def fit_temperature(probabilities: Probabilities, truth: npt.NDArray[np.int64]) -> float:
    """Return the temperature under which the truth is most likely, between 0.05 and 20.

    The search is a golden section over the logarithm of the temperature: the likelihood has one maximum.

    Parameters
    ----------
    probabilities : ndarray of shape (n, n_classes), n at least 1
    truth : ndarray of shape (n,), int64
    """
    rows = np.arange(len(truth))

    def surprise(logarithm: float) -> float:
        given = tempered(probabilities, float(np.exp(logarithm)))[rows, truth]
        return float(-np.log(np.maximum(given, _FLOOR)).mean())

    low, high = np.log(_RANGE)
    for _ in range(_STEPS):
        left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        if surprise(left) <= surprise(right):
            high = right
        else:
            low = left
    return float(np.exp((low + high) / 2))
