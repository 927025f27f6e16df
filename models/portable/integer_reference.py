"""The integer forward pass in NumPy: what the C engine must give, bit for bit, on every target."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.portable.fixed_point import (
    CELL_BITS,
    GATE_BITS,
    SUM_BITS,
    VALUE_BITS,
    Integers,
    mix,
    narrow,
    pass_gate,
    rescale,
    round_shift,
    sigmoid,
    softmax,
    tanh,
    to_samples,
)
from edgehar.models.portable.tables import HEADS, CLayer, CModel, Matrix

_BATCH: Final = 512


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
    steppers = [_Stepper(layer, len(samples)) for layer in model.layers[: model.step_layers]]
    values = np.empty(0, np.int64)
    for step in range(samples.shape[1]):
        values = samples[:, step].astype(np.int64)
        for stepper in steppers:
            values = stepper.step(values)
    for layer in model.layers[model.step_layers : -1]:
        values = _dense(layer, values)
    logits = _sums(model.layers[-1].kernel, values)
    if model.gives_numbers:
        return logits.astype(np.int32)
    probabilities = softmax(logits) if model.head == HEADS["softmax"] else sigmoid(logits) >> 1
    return probabilities.astype(np.uint16)


class _Stepper:
    """One layer, stepped along the windows, and its state between the steps."""

    def __init__(self, layer: CLayer, windows: int) -> None:
        self._layer = layer
        self._advance = _ADVANCE[layer.kind]
        self.hidden: Integers = np.zeros((windows, layer.units), np.int64)
        self.cell: Integers = np.zeros((windows, layer.units), np.int64)

    def step(self, inputs: Integers) -> Integers:
        """Take one step and return what the layer hands on."""
        self.hidden, self.cell = self._advance(self._layer, inputs, self.hidden, self.cell)
        return self.hidden


State = tuple[Integers, Integers]


def _simple_rnn(layer: CLayer, inputs: Integers, hidden: Integers, cell: Integers) -> State:
    return tanh(_sums(layer.kernel, inputs) + _sums(_recurrent(layer), hidden)), cell


def _lstm(layer: CLayer, inputs: Integers, hidden: Integers, cell: Integers) -> State:
    sums = _sums(layer.kernel, inputs) + _sums(_recurrent(layer), hidden)
    entering, forget, candidate, output = np.split(sums, 4, axis=-1)
    admitted = round_shift(tanh(candidate) * sigmoid(entering), VALUE_BITS + GATE_BITS - CELL_BITS)
    cell = pass_gate(cell, sigmoid(forget)) + admitted
    return pass_gate(tanh(round_shift(cell, CELL_BITS - SUM_BITS)), sigmoid(output)), cell


def _gru(layer: CLayer, inputs: Integers, hidden: Integers, cell: Integers) -> State:
    gated, recurrent = 2 * layer.units, _recurrent(layer)
    of_input = _sums(layer.kernel, inputs)
    gates = sigmoid(of_input[:, :gated] + _sums(recurrent, hidden)[:, :gated])
    update, reset = np.split(gates, 2, axis=-1)
    of_state = _sums(recurrent, pass_gate(hidden, reset))[:, gated:]
    return mix(hidden, tanh(of_input[:, gated:] + of_state), update), cell


def _gru_reset_after(layer: CLayer, inputs: Integers, hidden: Integers, cell: Integers) -> State:
    gated = 2 * layer.units
    of_input, of_state = _sums(layer.kernel, inputs), _sums(_recurrent(layer), hidden)
    update, reset = np.split(sigmoid(of_input[:, :gated] + of_state[:, :gated]), 2, axis=-1)
    reset_sums = pass_gate(of_state[:, gated:], reset)
    return mix(hidden, tanh(of_input[:, gated:] + reset_sums), update), cell


def _dense_step(layer: CLayer, inputs: Integers, hidden: Integers, cell: Integers) -> State:
    return _dense(layer, inputs), cell


def _dense(layer: CLayer, inputs: Integers) -> Integers:
    """Return what a dense layer before the last one hands on."""
    sums = _sums(layer.kernel, inputs)
    if layer.activation == "tanh":
        return tanh(sums)
    if layer.activation == "sigmoid":
        return sigmoid(sums) >> 1
    if layer.activation == "relu":
        sums = np.maximum(sums, 0)
    return narrow(sums, layer.fraction)


def _recurrent(layer: CLayer) -> Matrix:
    """Return the recurrent kernel of a layer that has one."""
    if layer.recurrent is None:
        raise ValueError(f"expected a recurrent kernel in a {layer.kind} layer")
    return layer.recurrent


def _sums(matrix: Matrix, inputs: Integers) -> Integers:
    """Return bias + weights x inputs as sums, each row in its own scale.

    The products are added up in float64, which holds integers below 2^53 exactly and multiplies matrices fast.
    """
    products = inputs.astype(np.float64) @ matrix.weights.T.astype(np.float64)
    sums = rescale(products.astype(np.int64), matrix.multipliers, matrix.shift)
    return sums if matrix.bias is None else sums + matrix.bias.astype(np.int64)


_ADVANCE: Final[dict[str, Callable[[CLayer, Integers, Integers, Integers], State]]] = {
    "simple_rnn": _simple_rnn,
    "lstm": _lstm,
    "gru": _gru,
    "gru_reset_after": _gru_reset_after,
    "dense": _dense_step,
}
