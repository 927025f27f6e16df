"""A hidden Markov model over posteriors: the forward recursion, and smoothing that waits a fixed lag.

Rabiner 1989, equations 19-20 (forward) and 24-27 (smoothing). All classes are held equally likely at first, so that a
posterior stands for a scaled likelihood. Windows overlap, and models are surer than they are right: a posterior counts
with an exponent below one.

Going forward, products are added up class by class: `edgehar.models.batch_decoding` does the same in C, to the bit.
"""

from collections import deque
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_Row = NDArray[np.float64]

FLOOR: Final = 1e-4
"""No class is ever ruled out by one window: a softmax that says 0 is not a proof."""


class MarkovFilter:
    """Return for every window what the windows up to ``lag_windows`` later say of its class.

    Parameters
    ----------
    transitions : ndarray of shape (n_classes, n_classes)
        Probabilities, row by row, of going from each class to each from one window to the next.
    weight
        The exponent of a posterior; the first window's is 1, for it repeats nothing.
    lag_windows
        How many later windows are waited for; 0 gives the forward recursion.

    Examples
    --------
    >>> smooth = MarkovFilter(np.array([[0.9, 0.1], [0.1, 0.9]]), weight=1.0, lag_windows=1)
    >>> [row.round(2).tolist() for row in smooth.feed(np.array([0.5, 0.5]))]
    []
    >>> [row.round(2).tolist() for row in smooth.feed(np.array([0.9, 0.1]))]
    [[0.82, 0.18]]
    >>> [row.round(2).tolist() for row in smooth.finish()]
    [[0.9, 0.1]]
    """

    def __init__(self, transitions: _Row, *, weight: float, lag_windows: int = 0) -> None:
        self._transitions = transitions
        self._weight = weight
        self._lag = lag_windows
        self._belief: _Row | None = None
        self._waiting: deque[_Row] = deque()

    def feed(self, posterior: NDArray[Any]) -> list[_Row]:
        """Take the next window's posterior; return that of the window ``lag_windows`` before, if there is one."""
        evidence = np.maximum(np.asarray(posterior, np.float64), FLOOR)
        is_first = self._belief is None and not self._waiting
        self._waiting.append(evidence if is_first else evidence**self._weight)
        return [self._oldest()] if len(self._waiting) > self._lag else []

    def finish(self) -> list[_Row]:
        """Return the posteriors of the windows that still wait, and forget everything."""
        rows = [self._oldest() for _ in range(len(self._waiting))]
        self.restart()
        return rows

    def restart(self) -> None:
        """Forget what was before: the stream was broken."""
        self._belief = None
        self._waiting.clear()

    def _oldest(self) -> _Row:
        """Go one window forward, and return its belief with what is known of the windows after it."""
        self._belief = forward_step(self._transitions, self._waiting.popleft(), self._belief)
        later: _Row | None = None
        for row in reversed(self._waiting):
            later = self._transitions @ (row if later is None else row * later)
            later /= later.sum()
        smoothed = self._belief if later is None else self._belief * later
        return np.asarray(smoothed / in_order(smoothed), np.float64)


def forward_step(transitions: _Row, evidence: _Row, belief: _Row | None) -> _Row:
    """Return the belief after a window, from the one before it, if there is one."""
    if belief is None:
        found = evidence
    else:
        found = np.asarray(in_order(belief[:, np.newaxis] * transitions) * evidence, np.float64)
    return np.asarray(found / in_order(found), np.float64)


def in_order(values: _Row) -> Any:
    """Return the sum over the first axis, added up one after the other: the same bits wherever it is computed."""
    return np.add.accumulate(values, axis=0)[-1]


def scaled_transitions(matrix: _Row, steps: float) -> _Row:
    """Return transition probabilities over ``steps`` steps, which need not be whole.

    The whole part is a matrix power; the rest moves that share of the way from staying to one step, which is exact to
    the first order in the probability of leaving and always gives probabilities.

    Examples
    --------
    >>> scaled_transitions(np.array([[0.9, 0.1], [0.2, 0.8]]), 0.5).round(3).tolist()
    [[0.95, 0.05], [0.1, 0.9]]
    """
    whole = int(steps)
    still = np.eye(len(matrix))
    moved: _Row = np.linalg.matrix_power(matrix, whole) @ (still + (steps - whole) * (matrix - still))
    return moved


def uniform_transitions(classes: int, stay_probability: float, steps: float) -> _Row:
    """Return transition probabilities over ``steps`` steps, each of which leaves a class for every other one alike.

    All eigenvalues of one step but the first are (n p - 1) / (n - 1); their power needs no whole number of steps.

    Examples
    --------
    >>> uniform_transitions(3, 0.9, 1.0).round(3).tolist()
    [[0.9, 0.05, 0.05], [0.05, 0.9, 0.05], [0.05, 0.05, 0.9]]
    """
    kept = ((classes * stay_probability - 1) / (classes - 1)) ** steps if classes > 1 else 1.0
    matrix: _Row = np.full((classes, classes), (1 - kept) / classes) + kept * np.eye(classes)
    return matrix
