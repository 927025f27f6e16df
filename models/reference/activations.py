"""Activation functions in NumPy; they keep the type of their input."""

import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.architecture import LEAK

Array = NDArray[Any]


def sigmoid(values: Array) -> Array:
    """Return 1 / (1 + exp(-x)), written with tanh so that no input overflows."""
    return np.asarray(0.5 * np.tanh(0.5 * values) + 0.5, dtype=values.dtype)


def softmax(values: Array) -> Array:
    """Return the softmax over the last axis, shifted by its maximum so that no input overflows."""
    powers = np.exp(values - values.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def softplus(values: Array) -> Array:
    """Return log(1 + exp(x)), written so that no input overflows."""
    return np.asarray(np.maximum(values, 0) + np.log1p(np.exp(-np.abs(values))), dtype=values.dtype)


def elu(values: Array) -> Array:
    """Return x above zero and exp(x) - 1 below (Clevert et al., 2015)."""
    return np.asarray(np.where(values > 0, values, np.expm1(np.minimum(values, 0))))


def selu(values: Array) -> Array:
    """Return the elu that keeps mean and variance (Klambauer et al., 2017)."""
    return np.asarray(SELU_SCALE * np.where(values > 0, values, SELU_ALPHA * np.expm1(np.minimum(values, 0))))


def gelu(values: Array) -> Array:
    """Return x times the normal distribution's share below x (Hendrycks & Gimpel, 2016)."""
    return np.asarray(values * 0.5 * (1 + _erf(values / math.sqrt(2))), dtype=values.dtype)


def hard_sigmoid(values: Array) -> Array:
    """Return x / 6 + 1/2, between 0 and 1: that of Keras 3."""
    return np.asarray(np.clip(values + 3, 0, 6) / 6, dtype=values.dtype)


def leaky_relu(values: Array, slope: float = LEAK) -> Array:
    """Return x above zero and ``slope`` x below."""
    return np.asarray(np.where(values > 0, values, slope * values), dtype=values.dtype)


def _erf(values: Array) -> Array:
    """Return the error function, number by number: NumPy has none."""
    return np.array(list(map(math.erf, values.ravel().tolist())), values.dtype).reshape(values.shape)


SELU_ALPHA: Final = 1.6732632423543772
SELU_SCALE: Final = 1.0507009873554805

ACTIVATIONS: Final[dict[str, Callable[[Array], Array]]] = {
    "linear": lambda values: values,
    "relu": lambda values: np.maximum(values, 0),
    "tanh": np.tanh,
    "sigmoid": sigmoid,
    "softmax": softmax,
    "elu": elu,
    "exponential": np.exp,
    "gelu": gelu,
    "hard_sigmoid": hard_sigmoid,
    "hard_silu": lambda values: values * hard_sigmoid(values),
    "hard_tanh": lambda values: np.clip(values, -1, 1),
    "leaky_relu": leaky_relu,
    "log_sigmoid": lambda values: -softplus(-values),
    "mish": lambda values: values * np.tanh(softplus(values)),
    "relu6": lambda values: np.clip(values, 0, 6),
    "selu": selu,
    "silu": lambda values: values * sigmoid(values),
    "softplus": softplus,
    "softsign": lambda values: values / (1 + np.abs(values)),
}
"""Activation functions a layer may name."""
