"""The forward pass of every layer in NumPy: the oracle all other engines are held to.

Computed in float64 unless told otherwise, with the weights and the input as they are stored in float32, so its own
rounding is far below the 1e-5 that float engines are allowed.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from models.architecture import GRU, LSTM, Architecture, Dense, Layer, SimpleRNN, Weights, layer_weights

Array = NDArray[Any]


def forward(
    architecture: Architecture, weights: Weights, windows: Array, *, dtype: DTypeLike = np.float64
) -> NDArray[np.floating[Any]]:
    """Return the class probabilities of every window.

    Parameters
    ----------
    architecture, weights
        The model; the weights in Keras layout.
    windows : ndarray of shape (n_windows, window_length, channels)
        In the unit the weights were made for: raw g for folded weights.
    dtype
        Type of all arithmetic.

    Returns
    -------
    ndarray of shape (n_windows, n_classes), ``dtype``
    """
    values = np.asarray(windows, dtype=dtype)
    for layer in architecture.layers:
        values = layer_forward(layer, layer_weights(layer, weights), values)
    return values


def layer_forward(layer: Layer, weights: Weights, values: Array) -> Array:
    """Return what one layer makes of ``values`` (n, ...), computed in their type; ``weights`` by their short names."""
    own = {name: np.asarray(weight, values.dtype) for name, weight in weights.items()}
    return _FORWARD[layer.kind](layer, own, values)


def sigmoid(values: Array) -> Array:
    """Return 1 / (1 + exp(-x)), written with tanh so that no input overflows."""
    return np.asarray(0.5 * np.tanh(0.5 * values) + 0.5, dtype=values.dtype)


def softmax(values: Array) -> Array:
    """Return the softmax over the last axis, shifted by its maximum so that no input overflows."""
    powers = np.exp(values - values.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "linear": lambda values: values,
    "relu": lambda values: np.maximum(values, 0),
    "tanh": np.tanh,
    "sigmoid": sigmoid,
    "softmax": softmax,
}
"""Activation functions a layer may name."""


def _dense(layer: Dense, weights: dict[str, Array], values: Array) -> Array:
    return ACTIVATIONS[layer.activation](values @ weights["kernel"] + weights["bias"])


def _simple_rnn(layer: SimpleRNN, weights: dict[str, Array], values: Array) -> Array:
    recurrent_kernel = weights["recurrent_kernel"]
    projected = values @ weights["kernel"] + weights["bias"]
    hidden = np.zeros((len(values), layer.units), values.dtype)
    outputs = []
    for step in range(values.shape[1]):
        hidden = np.tanh(projected[:, step] + hidden @ recurrent_kernel)
        outputs.append(hidden)
    return _sequence_or_last(layer.return_sequences, outputs)


def _lstm(layer: LSTM, weights: dict[str, Array], values: Array) -> Array:
    recurrent_kernel, units = weights["recurrent_kernel"], layer.units
    projected = values @ weights["kernel"] + weights["bias"]
    hidden = np.zeros((len(values), units), values.dtype)
    cell = np.zeros_like(hidden)
    outputs = []
    for step in range(values.shape[1]):
        gates = projected[:, step] + hidden @ recurrent_kernel
        update, forget = sigmoid(gates[:, :units]), sigmoid(gates[:, units : 2 * units])
        candidate, reveal = np.tanh(gates[:, 2 * units : 3 * units]), sigmoid(gates[:, 3 * units :])
        cell = forget * cell + update * candidate
        hidden = reveal * np.tanh(cell)
        outputs.append(hidden)
    return _sequence_or_last(layer.return_sequences, outputs)


def _gru(layer: GRU, weights: dict[str, Array], values: Array) -> Array:
    recurrent_kernel, bias, units = weights["recurrent_kernel"], weights["bias"], layer.units
    input_bias, recurrent_bias = bias if layer.reset_after else (bias, np.zeros_like(bias))
    projected = values @ weights["kernel"] + input_bias
    hidden = np.zeros((len(values), units), values.dtype)
    outputs = []
    for step in range(values.shape[1]):
        from_input, gated = projected[:, step], 2 * units
        from_state = hidden @ recurrent_kernel[:, :gated] + recurrent_bias[:gated]
        update = sigmoid(from_input[:, :units] + from_state[:, :units])
        reset = sigmoid(from_input[:, units:gated] + from_state[:, units:])
        if layer.reset_after:
            recalled = reset * (hidden @ recurrent_kernel[:, gated:] + recurrent_bias[gated:])
        else:
            recalled = (reset * hidden) @ recurrent_kernel[:, gated:]
        candidate = np.tanh(from_input[:, gated:] + recalled)
        hidden = update * hidden + (1 - update) * candidate
        outputs.append(hidden)
    return _sequence_or_last(layer.return_sequences, outputs)


def _sequence_or_last(return_sequences: bool, outputs: list[Array]) -> Array:
    """Return all steps as (n, steps, units), or only the last as (n, units)."""
    return np.stack(outputs, axis=1) if return_sequences else outputs[-1]


_FORWARD: dict[str, Callable[[Any, dict[str, Array], Array], Array]] = {
    SimpleRNN.kind: _simple_rnn,
    LSTM.kind: _lstm,
    GRU.kind: _gru,
    Dense.kind: _dense,
}


def supports(layer: Layer) -> bool:
    """Whether the oracle knows this layer; a test holds every layer type to it."""
    return layer.kind in _FORWARD
