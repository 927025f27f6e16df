"""LSTM in integers: the fused operator with int8 input, weights and output, and an int16 cell."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from edgehar.models.architecture import LSTM, Weights, layer_weights
from edgehar.models.quantization import round_half_away
from edgehar.models.reference import layer_forward, sigmoid
from edgehar.pipeline.compilers.quantization.observation import delayed
from edgehar.pipeline.compilers.tflite.graph import FlatbufferModel, Scale, Subgraph, Tensor
from edgehar.pipeline.compilers.tflite.integer import operators as op
from edgehar.pipeline.compilers.tflite.integer.scales import GATE, number_of, observed_scale
from edgehar.pipeline.compilers.tflite.integer.weights import Factor, store_factors
from edgehar.pipeline.compilers.tflite.operators import last_step

_FINER: Final = 16
"""How many fine steps of the input make a coarse one."""

_CELL_INTEGER_BITS: Final = range(7)
"""Powers of two the operator's tanh takes a cell in: from 1 to 64."""


def lstm_stack(
    model: FlatbufferModel,
    graph: Subgraph,
    layers: Sequence[LSTM],
    weights: Weights,
    values: Tensor,
    observed: NDArray[Any],
) -> tuple[Tensor, NDArray[Any]]:
    """Lower consecutive layers, of which only the last ends the sequence; ``observed`` is their calibrated input."""
    values, observed = _coarse_and_fine(graph, values, observed)
    for index, layer in enumerate(layers):
        own = dict(layer_weights(layer, weights))
        if index == 0:
            own["kernel"] = np.concatenate([own["kernel"], own["kernel"] / _FINER])
        states = layer_forward(replace(layer, return_sequences=True), own, observed)
        values = _lstm(graph, layer, own, values, observed, states)
        observed = states
    return op.widen(graph, last_step(graph, values)), observed[:, -1]


def _coarse_and_fine(graph: Subgraph, window: Tensor, observed: NDArray[Any]) -> tuple[Tensor, NDArray[Any]]:
    """Return an int16 window as int8 with twice the channels: each value rounded, and 16 times what rounding left.

    An int8 that holds 8 g has steps of 0.06 g, at which LSTMs lose 2.5 points of macro-F1. With the kernel of the rest
    divided by 16, the sum of both is the value with 4 more bits.
    """
    coarse_scale = observed_scale(observed, np.int8)
    coarse = op.requantize(graph, window, np.int8, coarse_scale)
    rest = op.subtract(graph, window, op.widen(graph, coarse), Scale(number_of(coarse_scale) / _FINER))
    joined = op.join(graph, [coarse, op.narrow(graph, rest, coarse_scale)])
    step = number_of(coarse_scale)
    rounded = np.clip(round_half_away(observed / step), -128, 127) * step
    return joined, np.concatenate([rounded, (observed - rounded) * _FINER], axis=-1)


def _lstm(
    graph: Subgraph,
    layer: LSTM,
    weights: dict[str, NDArray[Any]],
    values: Tensor,
    inputs: NDArray[Any],
    states: NDArray[Any],
) -> Tensor:
    """Lower one layer to UNIDIRECTIONAL_SEQUENCE_LSTM with its 24 inputs and 5 intermediates."""
    hidden_scale = observed_scale(states, np.int8, headroom=1.0)
    before = delayed(states)
    kernels, biases, recurrent_kernels = [], [], []
    for gate, kernel, recurrent_kernel, bias in zip(
        "ifco", *(np.split(weights[name], 4, axis=-1) for name in ("kernel", "recurrent_kernel", "bias")), strict=True
    ):
        factors = [
            Factor(f"{layer.name}/kernel_{gate}", kernel, values.scale, inputs),
            Factor(f"{layer.name}/recurrent_kernel_{gate}", recurrent_kernel, hidden_scale, before),
        ]
        stored, offset = store_factors(graph, f"{layer.name}/bias_{gate}", factors, bias, np.int32)
        kernels.append(stored[0])
        recurrent_kernels.append(stored[1])
        biases.append(offset)
    state_shape = (1, layer.units)
    state = graph.tensor(f"{layer.name}/state", state_shape, np.int8, scale=hidden_scale, variable=True)
    cell_scale = _cell_scale(weights, inputs, before)
    cell = graph.tensor(f"{layer.name}/cell", state_shape, np.int16, scale=cell_scale, variable=True)
    # Four gates and the state before projection: kernels read the scale of the last, and want the others to be there.
    intermediates = [graph.tensor("", (0,), np.int16, scale=GATE) for _ in range(4)]
    intermediates.append(graph.tensor("", (0,), np.int8, scale=hidden_scale))
    absent: list[Tensor | None] = [None] * 4
    peepholes, projection, norms = absent[:3], absent[:2], absent
    operands = [values, *kernels, *recurrent_kernels, *peepholes, *biases, *projection, state, cell, *norms]
    options = schema.UnidirectionalSequenceLSTMOptionsT()
    options.fusedActivationFunction = schema.ActivationFunctionType.TANH
    sequence = graph.tensor(layer.name, (1, values.shape[1], layer.units), np.int8, scale=hidden_scale)
    graph.operator("UNIDIRECTIONAL_SEQUENCE_LSTM", operands, [sequence], options, intermediates=intermediates)
    return sequence


def _cell_scale(weights: dict[str, NDArray[Any]], inputs: NDArray[Any], before: NDArray[Any]) -> Scale:
    """Return the power of two that holds the cell, walking it along the calibration windows."""
    gates = inputs @ weights["kernel"] + before @ weights["recurrent_kernel"] + weights["bias"]
    update, forget, candidate, _ = np.split(gates, 4, axis=-1)
    added, kept = sigmoid(update) * np.tanh(candidate), sigmoid(forget)
    cell, largest = np.zeros_like(added[:, 0]), 0.0
    for step in range(added.shape[1]):
        cell = kept[:, step] * cell + added[:, step]
        largest = max(largest, float(np.abs(cell).max()))
    bits = math.ceil(math.log2(max(largest, 2.0**-15)))
    return Scale(2.0 ** (min(max(bits, _CELL_INTEGER_BITS[0]), _CELL_INTEGER_BITS[-1]) - 15))
