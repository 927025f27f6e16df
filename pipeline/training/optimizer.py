"""AdamW over one flat array of parameters, with gradients clipped by their norm; its constants serve both trainers.

Source: Loshchilov & Hutter, Decoupled Weight Decay Regularization, 2019, algorithm 2; the small number is added to the
root of the uncorrected second moment, as Keras does it (Kingma & Ba, 2015, end of section 2).
"""

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

FIRST_DECAY: Final = 0.9
SECOND_DECAY: Final = 0.999
SMALL: Final = 1e-7


class AdamW:
    """The moments of every parameter, and the step that follows from them.

    Parameters
    ----------
    decays : ndarray of shape (n,), bool
        Which parameters decay: kernels, not biases.
    weight_decay
        Share of the learning rate by which they do.
    clip_norm
        Largest Euclidean norm of a gradient; 0 does not clip.

    Examples
    --------
    >>> optimizer = AdamW(np.array([True]), weight_decay=0.0, clip_norm=0.0)
    >>> optimizer.step(np.array([1.0], np.float32), np.array([5.0], np.float32), learning_rate=0.1).round(3)
    array([0.9], dtype=float32)
    """

    def __init__(self, decays: NDArray[np.bool_], *, weight_decay: float, clip_norm: float) -> None:
        self._decay = decays.astype(np.float32) * np.float32(weight_decay)
        self._clip_norm = clip_norm
        self._first = np.zeros(len(decays), np.float32)
        self._second = np.zeros(len(decays), np.float32)
        self._steps = 0

    def step(self, parameters: NDArray[Any], gradient: NDArray[Any], *, learning_rate: float) -> NDArray[np.float32]:
        """Return the parameters after one step."""
        gradient = clipped(gradient, self._clip_norm)
        self._steps += 1
        self._first += (gradient - self._first) * np.float32(1 - FIRST_DECAY)
        self._second += (gradient * gradient - self._second) * np.float32(1 - SECOND_DECAY)
        rate = learning_rate * math.sqrt(1 - SECOND_DECAY**self._steps) / (1 - FIRST_DECAY**self._steps)
        decayed = parameters - parameters * self._decay * np.float32(learning_rate)
        moved = decayed - np.float32(rate) * self._first / (np.sqrt(self._second) + np.float32(SMALL))
        return np.asarray(moved, np.float32)


def clipped(gradient: NDArray[Any], norm: float) -> NDArray[Any]:
    """Return the gradient, made shorter where it is longer than ``norm``; 0 leaves it.

    Examples
    --------
    >>> clipped(np.array([3.0, 4.0]), 1.0).round(6).tolist()
    [0.6, 0.8]
    """
    length = float(np.sqrt(np.dot(gradient, gradient)))
    return gradient * gradient.dtype.type(norm / length) if norm and length > norm else gradient
