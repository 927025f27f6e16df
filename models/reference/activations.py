"""Activation functions in NumPy; they keep the type of their input."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def sigmoid(values: Array) -> Array:
    """Return 1 / (1 + exp(-x)), written with tanh so that no input overflows."""
    return np.asarray(0.5 * np.tanh(0.5 * values) + 0.5, dtype=values.dtype)


def softmax(values: Array) -> Array:
    """Return the softmax over the last axis, shifted by its maximum so that no input overflows."""
    powers = np.exp(values - values.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


ACTIVATIONS: Final[dict[str, Callable[[Array], Array]]] = {
    "linear": lambda values: values,
    "relu": lambda values: np.maximum(values, 0),
    "tanh": np.tanh,
    "sigmoid": sigmoid,
    "softmax": softmax,
}
"""Activation functions a layer may name."""
