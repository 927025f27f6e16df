"""The recurrent layers in NumPy: all windows of a batch walk together, one step after the other."""

import functools
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.architecture import DIRECTIONS, GRU, LSTM, Bidirectional, SimpleRNN
from edgehar.models.reference.activations import ACTIVATIONS

Array = NDArray[Any]


def simple_rnn(layer: SimpleRNN, weights: dict[str, Array], values: Array) -> Array:
    """h = activation(x W + h U + b), which is tanh unless the layer says another one."""
    recurrent_kernel = weights["recurrent_kernel"]
    projected = values @ weights["kernel"] + weights["bias"]
    hidden = np.zeros((len(values), layer.units), values.dtype)
    outputs, activate = [], ACTIVATIONS[layer.activation]
    for step in range(values.shape[1]):
        hidden = activate(projected[:, step] + hidden @ recurrent_kernel)
        outputs.append(hidden)
    return _sequence_or_last(layer.return_sequences, outputs)


def lstm(layer: LSTM, weights: dict[str, Array], values: Array) -> Array:
    """c = f c + i tanh(g), h = o tanh(c), with gates i, f, g, o = x W + h U + b."""
    recurrent_kernel, units = weights["recurrent_kernel"], layer.units
    projected = values @ weights["kernel"] + weights["bias"]
    hidden = np.zeros((len(values), units), values.dtype)
    cell = np.zeros_like(hidden)
    outputs, activate, gate = [], ACTIVATIONS[layer.activation], ACTIVATIONS[layer.recurrent_activation]
    for step in range(values.shape[1]):
        gates = projected[:, step] + hidden @ recurrent_kernel
        update, forget = gate(gates[:, :units]), gate(gates[:, units : 2 * units])
        candidate, reveal = activate(gates[:, 2 * units : 3 * units]), gate(gates[:, 3 * units :])
        cell = forget * cell + update * candidate
        hidden = reveal * activate(cell)
        outputs.append(hidden)
    return _sequence_or_last(layer.return_sequences, outputs)


def gru(layer: GRU, weights: dict[str, Array], values: Array) -> Array:
    """h = z h + (1 - z) tanh(n); the reset gate is on the state or, with ``reset_after``, on its product."""
    recurrent_kernel, bias, units = weights["recurrent_kernel"], weights["bias"], layer.units
    input_bias, recurrent_bias = bias if layer.reset_after else (bias, np.zeros_like(bias))
    projected = values @ weights["kernel"] + input_bias
    hidden = np.zeros((len(values), units), values.dtype)
    outputs, activate, gate = [], ACTIVATIONS[layer.activation], ACTIVATIONS[layer.recurrent_activation]
    for step in range(values.shape[1]):
        from_input, gated = projected[:, step], 2 * units
        from_state = hidden @ recurrent_kernel[:, :gated] + recurrent_bias[:gated]
        update = gate(from_input[:, :units] + from_state[:, :units])
        reset = gate(from_input[:, units:gated] + from_state[:, units:])
        if layer.reset_after:
            recalled = reset * (hidden @ recurrent_kernel[:, gated:] + recurrent_bias[gated:])
        else:
            recalled = (reset * hidden) @ recurrent_kernel[:, gated:]
        candidate = activate(from_input[:, gated:] + recalled)
        hidden = update * hidden + (1 - update) * candidate
        outputs.append(hidden)
    return _sequence_or_last(layer.return_sequences, outputs)


def bidirectional(layer: Bidirectional, weights: dict[str, Array], values: Array) -> Array:
    """Join a walk forwards and a walk backwards, the latter's sequence turned to run with time."""
    parts = []
    for which in DIRECTIONS:
        cell = layer.direction(which)
        own = {name.removeprefix(f"{which}_"): value for name, value in weights.items() if name.startswith(which)}
        seen = values if which == "forward" else values[:, ::-1]
        result = _CELLS[cell.kind](cell, own, seen)
        turned = result[:, ::-1] if which == "backward" and layer.return_sequences else result
        parts.append(turned)
    return np.asarray(MERGED[layer.merge](parts))


MERGED: Final[dict[str, Callable[[list[Array]], Array]]] = {
    "concat": lambda parts: np.concatenate(parts, axis=-1),
    "sum": lambda parts: functools.reduce(np.add, parts),
    "mul": lambda parts: functools.reduce(np.multiply, parts),
    "ave": lambda parts: functools.reduce(np.add, parts) / len(parts),
}
"""How outputs are joined."""

_CELLS: dict[str, Any] = {SimpleRNN.kind: simple_rnn, LSTM.kind: lstm, GRU.kind: gru}


def _sequence_or_last(return_sequences: bool, outputs: list[Array]) -> Array:
    """Return all steps as (n, steps, units), or only the last as (n, units)."""
    return np.stack(outputs, axis=1) if return_sequences else outputs[-1]
