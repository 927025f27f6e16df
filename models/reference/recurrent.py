"""The recurrent layers in NumPy: all windows of a batch walk together, one step after the other."""

import functools
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.architecture import DIRECTIONS, GRU, LSTM, Bidirectional, Recurrent, SimpleRNN
from edgehar.models.reference.activations import ACTIVATIONS

Array = NDArray[Any]

States = tuple[Array, ...]
"""What one step hands to the next: the hidden state (n, units), which is the output, and of an LSTM its cell."""

Step = Callable[[Array, States], States]
"""From x W + b of one step (n, gates x units) and the states before it to the states after it."""


def recurrent(layer: Recurrent, weights: dict[str, Array], values: Array) -> Array:
    """Return the sequence (n, steps, units), or the last output (n, units), of a walk that begins with zeros."""
    return walk(layer, weights, values)[0]


def walk(
    layer: Recurrent,
    weights: dict[str, Array],
    values: Array,
    states: States | None = None,
    mask: Array | None = None,
) -> tuple[Array, States]:
    """Return what a layer gives for values (n, steps, inputs), and its states after the last step.

    Parameters
    ----------
    layer, weights
        The layer; its weights by their short names.
    values
        At least one step of them.
    states
        What the walk begins with; zeros by default.
    mask : ndarray of shape (n, steps)
        Which steps count; the states stay what they were at the others. All by default.
    """
    step = _STEPS[layer.kind](layer, weights)
    input_bias = weights["bias"][0] if weights["bias"].ndim == 2 else weights["bias"]
    projected = values @ weights["kernel"] + input_bias
    if states is None:
        states = (np.zeros((len(values), layer.units), values.dtype),) * layer.states
    outputs = []
    for index in range(values.shape[1]):
        following = step(projected[:, index], states)
        if mask is not None:
            counts = mask[:, index, np.newaxis]
            following = tuple(np.where(counts, *each) for each in zip(following, states, strict=True))
        states = following
        outputs.append(states[0])
    return np.stack(outputs, axis=1) if layer.return_sequences else outputs[-1], states


def bidirectional(layer: Bidirectional, weights: dict[str, Array], values: Array, mask: Array | None = None) -> Array:
    """Join a walk forwards and a walk backwards, the latter's sequence turned to run with time."""
    parts = []
    for which in DIRECTIONS:
        own = {name.removeprefix(f"{which}_"): value for name, value in weights.items() if name.startswith(which)}
        turn = slice(None, None, 1 if which == "forward" else -1)
        counts = None if mask is None else mask[:, turn]
        result, _ = walk(layer.direction(which), own, values[:, turn], mask=counts)
        turned = result[:, ::-1] if which == "backward" and layer.return_sequences else result
        parts.append(turned)
    merged = np.asarray(MERGED[layer.merge](parts))
    # Keras gives zeros at masked steps here, and its last output in a layer of one direction.
    return merged if mask is None or not layer.return_sequences else merged * mask[..., np.newaxis]


MERGED: Final[dict[str, Callable[[list[Array]], Array]]] = {
    "concat": lambda parts: np.concatenate(parts, axis=-1),
    "sum": lambda parts: functools.reduce(np.add, parts),
    "mul": lambda parts: functools.reduce(np.multiply, parts),
    "ave": lambda parts: functools.reduce(np.add, parts) / len(parts),
}
"""How outputs are joined."""


def _masked(layer: Recurrent, weights: dict[str, Array], values: Array, mask: Array) -> Array:
    """Return the sequence, or the last output, of a walk that skips masked steps."""
    return walk(layer, weights, values, mask=mask)[0]


MASKED: Final[dict[type, Callable[[Any, dict[str, Array], Array, Array], Array]]] = {
    **dict.fromkeys((SimpleRNN, LSTM, GRU), _masked),
    Bidirectional: bidirectional,
}
"""Layers that can skip steps."""


def _simple_rnn(layer: SimpleRNN, weights: dict[str, Array]) -> Step:
    """h = activation(x W + h U + b), which is tanh unless the layer says another one."""
    recurrent_kernel, activate = weights["recurrent_kernel"], ACTIVATIONS[layer.activation]

    def step(projected: Array, states: States) -> States:
        return (activate(projected + states[0] @ recurrent_kernel),)

    return step


def _lstm(layer: LSTM, weights: dict[str, Array]) -> Step:
    """c = f c + i tanh(g), h = o tanh(c), with gates i, f, g, o = x W + h U + b."""
    recurrent_kernel, units = weights["recurrent_kernel"], layer.units
    activate, gate = ACTIVATIONS[layer.activation], ACTIVATIONS[layer.recurrent_activation]

    def step(projected: Array, states: States) -> States:
        hidden, cell = states
        gates = projected + hidden @ recurrent_kernel
        update, forget = gate(gates[:, :units]), gate(gates[:, units : 2 * units])
        candidate, reveal = activate(gates[:, 2 * units : 3 * units]), gate(gates[:, 3 * units :])
        cell = forget * cell + update * candidate
        return reveal * activate(cell), cell

    return step


def _gru(layer: GRU, weights: dict[str, Array]) -> Step:
    """h = z h + (1 - z) tanh(n); the reset gate is on the state or, with ``reset_after``, on its product."""
    recurrent_kernel, bias, gated = weights["recurrent_kernel"], weights["bias"], 2 * layer.units
    recurrent_bias = bias[1] if layer.reset_after else np.zeros_like(bias)
    activate, gate = ACTIVATIONS[layer.activation], ACTIVATIONS[layer.recurrent_activation]

    def step(projected: Array, states: States) -> States:
        (hidden,) = states
        from_state = hidden @ recurrent_kernel[:, :gated] + recurrent_bias[:gated]
        update = gate(projected[:, : layer.units] + from_state[:, : layer.units])
        reset = gate(projected[:, layer.units : gated] + from_state[:, layer.units :])
        if layer.reset_after:
            recalled = reset * (hidden @ recurrent_kernel[:, gated:] + recurrent_bias[gated:])
        else:
            recalled = (reset * hidden) @ recurrent_kernel[:, gated:]
        candidate = activate(projected[:, gated:] + recalled)
        return (update * hidden + (1 - update) * candidate,)

    return step


_STEPS: Final[dict[str, Callable[[Any, dict[str, Array]], Step]]] = {
    SimpleRNN.kind: _simple_rnn,
    LSTM.kind: _lstm,
    GRU.kind: _gru,
}
