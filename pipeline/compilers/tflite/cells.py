"""One step of SimpleRNN, LSTM and GRU as TFLite operators: from the input and the states to the next states.

Every operator is one that runtimes hand to XNNPACK. Where kernels are kept as floats, input and state are joined, so
that one matrix product serves both. Where they are kept as int8, each has a product and a scale of its own: what
acceleration is multiplied with is several times as large as what a state is multiplied with.
"""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.architecture import GRU, LSTM, Recurrent, SimpleRNN
from edgehar.pipeline.compilers.tflite import operators as op
from edgehar.pipeline.compilers.tflite.activations import activation
from edgehar.pipeline.compilers.tflite.graph import Subgraph, Tensor

Arrays = dict[str, NDArray[Any]]


def simple_rnn_step(
    body: Subgraph, layer: SimpleRNN, weights: Arrays, values: Tensor, states: list[Tensor]
) -> list[Tensor]:
    """Return h' = activation(x W + h U + b)."""
    inputs = _Inputs(body, layer, values, states[0])
    return [activation(body, layer.activation, inputs.sum("kernel", *_columns(weights, slice(None))))]


def lstm_step(body: Subgraph, layer: LSTM, weights: Arrays, values: Tensor, states: list[Tensor]) -> list[Tensor]:
    """Return c' = f c + i tanh(...) and h' = o tanh(c'), as (h', c')."""
    state, cell = states
    inputs = _Inputs(body, layer, values, state)
    gates, candidates = lstm_columns(layer)
    opened = activation(body, layer.recurrent_activation, inputs.sum("gates", *_columns(weights, gates)))
    update, forget, output = op.split(body, opened, 3)
    candidate = inputs.sum("candidate", *_columns(weights, candidates))
    added = op.multiply(body, update, activation(body, layer.activation, candidate))
    following = op.add(body, op.multiply(body, forget, cell), added)
    return [op.multiply(body, output, activation(body, layer.activation, following)), following]


def lstm_columns(layer: LSTM) -> tuple[NDArray[np.intp], slice]:
    """Return which of Keras's columns (i, f, c, o) are the gates i, f, o, and which the candidate c."""
    units = layer.units
    return np.r_[: 2 * units, 3 * units : 4 * units], slice(2 * units, 3 * units)


def gru_step(body: Subgraph, layer: GRU, weights: Arrays, values: Tensor, states: list[Tensor]) -> list[Tensor]:
    """Return h' = n + z (h - n)."""
    (state,) = states
    gated = 2 * layer.units
    kernel, recurrent_kernel = weights["kernel"], weights["recurrent_kernel"]
    bias, recurrent_bias = weights["bias"] if layer.reset_after else (weights["bias"], np.zeros_like(weights["bias"]))

    inputs = _Inputs(body, layer, values, state)
    gates = inputs.sum("gates", kernel[:, :gated], recurrent_kernel[:, :gated], (bias + recurrent_bias)[:gated])
    opened = activation(body, layer.recurrent_activation, gates)
    update, reset = op.split(body, opened, 2)
    fresh = _linear(body, layer, "candidate", values, kernel[:, gated:], bias[gated:])
    if layer.reset_after:
        recalled = _linear(body, layer, "recalled", state, recurrent_kernel[:, gated:], recurrent_bias[gated:])
        recalled = op.multiply(body, reset, recalled)
    else:
        recalled = _linear(body, layer, "recalled", op.multiply(body, reset, state), recurrent_kernel[:, gated:], None)
    candidate = activation(body, layer.activation, op.add(body, fresh, recalled))
    return [op.add(body, candidate, op.multiply(body, update, op.subtract(body, state, candidate)))]


Step = Callable[[Subgraph, Any, Arrays, Tensor, list[Tensor]], list[Tensor]]
"""From the input of a step and the states before it to the states after it; the first of them is the output."""

STEPS: Final[dict[str, Step]] = {SimpleRNN.kind: simple_rnn_step, LSTM.kind: lstm_step, GRU.kind: gru_step}
"""How each kind of layer takes a step."""


class _Inputs:
    """What a step of a layer is given: its input and its state, joined once if kernels are."""

    def __init__(self, body: Subgraph, layer: Recurrent, values: Tensor, state: Tensor) -> None:
        self._body, self._layer, self._values, self._state = body, layer, values, state
        self._joined = op.concatenate(body, [values, state]) if body.joins_kernels else None

    def sum(self, part: str, kernel: NDArray[Any], recurrent_kernel: NDArray[Any], bias: NDArray[Any]) -> Tensor:
        """Return x W + h U + b."""
        body, layer = self._body, self._layer
        if self._joined is not None:
            return _linear(body, layer, part, self._joined, np.concatenate([kernel, recurrent_kernel]), bias)
        fresh = _linear(body, layer, part, self._values, kernel, bias)
        return op.add(body, fresh, _linear(body, layer, f"recurrent_{part}", self._state, recurrent_kernel, None))


def _columns(weights: Arrays, columns: slice | NDArray[np.intp]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return some columns of the kernel, the recurrent kernel and the bias."""
    return weights["kernel"][:, columns], weights["recurrent_kernel"][:, columns], weights["bias"][columns]


def _linear(
    body: Subgraph, layer: Recurrent, part: str, inputs: Tensor, matrix: NDArray[Any], bias: NDArray[Any] | None
) -> Tensor:
    """Return inputs @ matrix + bias."""
    stored = body.kernel(f"{layer.name}/{part}", matrix.T)
    added = None if bias is None else body.constant(f"{layer.name}/{part}_bias", bias)
    return op.fully_connected(body, inputs, stored, added)
