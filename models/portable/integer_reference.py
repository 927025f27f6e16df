"""The integer forward pass in NumPy: what the C engine must give, bit for bit, on every target.

The engine walks through the layers sample by sample; here every layer takes the whole window, which is the same.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.portable.fixed_point import (
    CELL_BITS,
    GATE_BITS,
    SUM_BITS,
    VALUE_BITS,
    Integers,
    attended,
    join,
    mean,
    mix,
    narrow,
    pass_gate,
    refit,
    rescale,
    round_shift,
    sigmoid,
    softmax,
    tanh,
    times,
    to_samples,
    widen,
)
from edgehar.models.portable.geometry import is_first_of_two, margins
from edgehar.models.portable.tables import ATTENTION, BRANCHING, END, FORK, HEADS, RECURRENT, CLayer, CModel, Matrix

_BATCH: Final = 128


def predict(model: CModel, windows: NDArray[Any]) -> NDArray[np.float32]:
    """Return the outputs of windows (n_windows, window, channels) in g: probabilities, or numbers."""
    outputs = np.empty((len(windows), model.classes), np.float32)
    for start in range(0, len(windows), _BATCH):
        part = forward(model, to_samples(windows[start : start + _BATCH], model.sample_bits))
        outputs[start : start + _BATCH] = to_reals(part)
    return outputs


def to_reals(outputs: NDArray[Any]) -> NDArray[np.float32]:
    """Return integer outputs as the float32 next to them: int32 are numbers, uint16 probabilities."""
    bits = SUM_BITS if outputs.dtype == np.int32 else VALUE_BITS
    return (outputs / 2.0**bits).astype(np.float32)


def forward(model: CModel, samples: NDArray[np.int16]) -> NDArray[np.uint16] | NDArray[np.int32]:
    """Return the outputs of windows of samples.

    Parameters
    ----------
    model
        A model with int8 weights.
    samples : ndarray of shape (n_windows, steps, channels), int16, in 1/2048 g

    Returns
    -------
    ndarray of shape (n_windows, n_outputs)
        uint16 probabilities, 32768 for certainty; int32 where they are numbers, 8192 for one
    """
    values = samples.astype(np.int64)
    counts = np.ones(samples.shape[:2], bool) if model.mask is None else np.any(samples != model.mask, axis=-1)
    around = values
    forks: list[_Fork] = []
    for index, layer in enumerate(model.layers[: model.step_layers]):
        if layer.kind in BRANCHING:
            values = around = _branching(layer, values, forks)
        elif layer.merge:
            ends = layer.hands_last or index + 1 == model.step_layers
            values = _backward(layer, values, around, counts, ends=ends)
        elif layer.kind in RECURRENT:
            states = _recurrent(layer, values, counts)
            values, around = (values, states) if is_first_of_two(model.layers, index) else (states, values)
            values = values[:, -1:] if layer.hands_last else values
        else:
            values, around = _MAKE[layer.kind](layer, values, around), values
    values = values[:, -1]
    for layer in model.layers[model.step_layers : -1]:
        values = _activate(layer, _sums(_kernel(layer), values))
    logits = _sums(_kernel(model.layers[-1]), values)
    if model.gives_numbers:
        return logits.astype(np.int32)
    probabilities = softmax(logits) if model.head == HEADS["softmax"] else sigmoid(logits) >> 1
    return probabilities.astype(np.uint16)


@dataclass(frozen=True, slots=True)
class _Fork:
    """What branches are given, how they are joined, and what of those that have ended goes into the joined vectors."""

    given: Integers
    joins: str
    parts: list[Integers]


def _branching(layer: CLayer, values: Integers, forks: list[_Fork]) -> Integers:
    """Begin branches, or end one: return what the next layer is given."""
    if layer.kind == FORK:
        forks.append(_Fork(values, layer.joins, []))
        return values
    fork = forks[-1]
    is_concat = fork.joins == "concat"
    fork.parts.append(
        refit(values, layer.around_bits, layer.fraction) if is_concat else widen(values, layer.around_bits)
    )
    if layer.kind == END:
        return fork.given
    forks.pop()
    if is_concat:
        return np.concatenate(fork.parts, axis=-1)
    if fork.joins == "mul":
        return _activate(layer, times(*fork.parts))
    total = np.sum(fork.parts, axis=0)
    return _activate(layer, mean(total, len(fork.parts)) if fork.joins == "ave" else total)


State = tuple[Integers, Integers]


def _recurrent(layer: CLayer, values: Integers, counts: NDArray[np.bool_]) -> Integers:
    """Return the state after every step; where a step does not count, the state of the one before."""
    hidden, cell = (np.zeros((len(values), layer.units), np.int64) for _ in range(2))
    states = []
    for step in range(values.shape[1]):
        after = _ADVANCE[layer.kind](layer, values[:, step], hidden, cell)
        hidden, cell = (
            np.where(counts[:, step, np.newaxis], new, old) for new, old in zip(after, (hidden, cell), strict=True)
        )
        states.append(hidden)
    return np.stack(states, axis=1)


def _backward(
    layer: CLayer, values: Integers, forwards: Integers, counts: NDArray[np.bool_], *, ends: bool
) -> Integers:
    """Join the states of a walk from the window's end to those of a walk forward: of each step, or the last of each."""
    backwards = _recurrent(layer, values[:, ::-1], counts[:, ::-1])
    if ends:
        return join(layer.merge, forwards[:, -1:], backwards[:, -1:])
    return join(layer.merge, forwards, backwards[:, ::-1])


def _simple_rnn(layer: CLayer, inputs: Integers, hidden: Integers, cell: Integers) -> State:
    return tanh(_sums(_kernel(layer), inputs) + _sums(_second(layer), hidden)), cell


def _lstm(layer: CLayer, inputs: Integers, hidden: Integers, cell: Integers) -> State:
    sums = _sums(_kernel(layer), inputs) + _sums(_second(layer), hidden)
    entering, forget, candidate, output = np.split(sums, 4, axis=-1)
    admitted = round_shift(tanh(candidate) * sigmoid(entering), VALUE_BITS + GATE_BITS - CELL_BITS)
    cell = pass_gate(cell, sigmoid(forget)) + admitted
    return pass_gate(tanh(round_shift(cell, CELL_BITS - SUM_BITS)), sigmoid(output)), cell


def _gru(layer: CLayer, inputs: Integers, hidden: Integers, cell: Integers) -> State:
    gated, recurrent = 2 * layer.units, _second(layer)
    of_input = _sums(_kernel(layer), inputs)
    gates = sigmoid(of_input[:, :gated] + _sums(recurrent, hidden)[:, :gated])
    update, reset = np.split(gates, 2, axis=-1)
    of_state = _sums(recurrent, pass_gate(hidden, reset))[:, gated:]
    return mix(hidden, tanh(of_input[:, gated:] + of_state), update), cell


def _gru_reset_after(layer: CLayer, inputs: Integers, hidden: Integers, cell: Integers) -> State:
    gated = 2 * layer.units
    of_input, of_state = _sums(_kernel(layer), inputs), _sums(_second(layer), hidden)
    update, reset = np.split(sigmoid(of_input[:, :gated] + of_state[:, :gated]), 2, axis=-1)
    reset_sums = pass_gate(of_state[:, gated:], reset)
    return mix(hidden, tanh(of_input[:, gated:] + reset_sums), update), cell


def _dense(layer: CLayer, values: Integers, around: Integers) -> Integers:
    return _activate(layer, _sums(_kernel(layer), values))


def _conv(layer: CLayer, values: Integers, around: Integers) -> Integers:
    return _activate(layer, _convolve(layer, values))


def _residual(layer: CLayer, values: Integers, around: Integers) -> Integers:
    """relu(relu(conv) + what goes around)."""
    second = widen(around, layer.around_bits) if layer.recurrent is None else _sums(layer.recurrent, around)
    return _activate(layer, np.maximum(_convolve(layer, values), 0) + second)


def _attention(layer: CLayer, values: Integers, around: Integers) -> Integers:
    """What every step makes of all of them: narrow(attended O + what goes around)."""
    count, steps, _ = values.shape
    inside = narrow(_sums(_kernel(layer), values), layer.inside_bits)
    keys, held, queries = (
        part.reshape(count, steps, layer.heads, -1).swapaxes(1, 2) for part in np.split(inside, 3, axis=-1)
    )
    found = attended(queries, keys, held, layer.inside_bits).swapaxes(1, 2).reshape(count, steps, -1)
    sums = _sums(_second(layer), found)
    return narrow(sums + widen(values, layer.around_bits) if layer.goes_around else sums, layer.fraction)


def _convolve(layer: CLayer, values: Integers) -> Integers:
    """Return the sums of every place of the filters: each tap is rounded by itself, and zeros stand outside."""
    kernel, steps = _kernel(layer), values.shape[1]
    count, before, after = margins(layer, steps)
    padded = np.pad(values, ((0, 0), (before, after), (0, 0)))
    taps = [
        padded[:, tap * layer.dilation :][:, : (count - 1) * layer.stride + 1 : layer.stride]
        for tap in range(kernel.taps)
    ]
    return _sums_of_taps(kernel, taps)


def _pool(layer: CLayer, values: Integers, around: Integers) -> Integers:
    """Return the largest or the mean of every pool, of what of it is inside the window."""
    count, before, _ = margins(layer, values.shape[1])
    pools = []
    for index in range(count):
        start = index * layer.stride - before
        inside = values[:, max(0, start) : start + layer.pool]
        pools.append(inside.max(axis=1) if layer.kind == "max_pool" else mean(inside.sum(axis=1), inside.shape[1]))
    return np.stack(pools, axis=1)


def _dense_over_time(layer: CLayer, values: Integers, around: Integers) -> Integers:
    taps = [values[:, step] for step in range(values.shape[1])]
    return _activate(layer, _sums_of_taps(_kernel(layer), taps))[:, np.newaxis]


def _activate(layer: CLayer, sums: Integers) -> Integers:
    """Return what a layer hands on of its sums."""
    if layer.activation == "tanh":
        return tanh(sums)
    if layer.activation == "sigmoid":
        return sigmoid(sums) >> 1
    if layer.activation == "relu":
        sums = np.maximum(sums, 0)
    return narrow(sums, layer.fraction)


def _kernel(layer: CLayer) -> Matrix:
    """Return the kernel of a layer that has one."""
    if layer.kernel is None:
        raise ValueError(f"expected a kernel in a {layer.kind} layer")
    return layer.kernel


def _second(layer: CLayer) -> Matrix:
    """Return the recurrent kernel of a layer that has one."""
    if layer.recurrent is None:
        raise ValueError(f"expected a recurrent kernel in a {layer.kind} layer")
    return layer.recurrent


def _sums(matrix: Matrix, inputs: Integers) -> Integers:
    """Return bias + weights x inputs as sums, each row in its own scale."""
    return _sums_of_taps(matrix, [inputs])


def _sums_of_taps(matrix: Matrix, taps: list[Integers]) -> Integers:
    """Return bias + weights x inputs as sums, the products of each tap rounded for themselves.

    The products are added up in float64, which holds integers below 2^53 exactly and multiplies matrices fast.
    """
    sums = np.zeros((1,), np.int64) if matrix.bias is None else matrix.bias.astype(np.int64)
    for inputs, weights in zip(taps, np.split(matrix.weights, matrix.taps, axis=1), strict=True):
        products = inputs.astype(np.float64) @ weights.T.astype(np.float64)
        sums = sums + rescale(products.astype(np.int64), matrix.multipliers, matrix.shift)
    return sums


_ADVANCE: Final[dict[str, Callable[[CLayer, Integers, Integers, Integers], State]]] = {
    "simple_rnn": _simple_rnn,
    "lstm": _lstm,
    "gru": _gru,
    "gru_reset_after": _gru_reset_after,
}

_MAKE: Final[dict[str, Callable[[CLayer, Integers, Integers], Integers]]] = {
    "dense": _dense,
    "conv": _conv,
    "residual": _residual,
    "max_pool": _pool,
    "average_pool": _pool,
    "global_max": lambda layer, values, around: values.max(axis=1, keepdims=True),
    "global_average": lambda layer, values, around: mean(values.sum(axis=1, keepdims=True), values.shape[1]),
    "dense_over_time": _dense_over_time,
    ATTENTION: _attention,
}
