"""SimpleRNN and GRU in integers: one loop for the whole stack, int16 states, int8 weights."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgehar.models.architecture import GRU, SimpleRNN, Weights, layer_weights
from edgehar.models.reference import layer_forward, sigmoid
from edgehar.pipeline.compilers.quantization.observation import delayed
from edgehar.pipeline.compilers.tflite.graph import FlatbufferModel, Scale, Subgraph, Tensor
from edgehar.pipeline.compilers.tflite.integer import operators as op
from edgehar.pipeline.compilers.tflite.integer.scales import GATE, UNIT, gate_part_scale
from edgehar.pipeline.compilers.tflite.integer.weights import Factor, store_factors
from edgehar.pipeline.compilers.tflite.loop import State, walk

_DIFFERENCE = Scale(2.0**-14)
"""Scale of what lies between -2 and 2: the difference of two states."""


def recurrent_stack(
    model: FlatbufferModel,
    graph: Subgraph,
    layers: Sequence[SimpleRNN | GRU],
    weights: Weights,
    values: Tensor,
    observed: NDArray[Any],
) -> tuple[Tensor, NDArray[Any]]:
    """Lower consecutive layers, of which only the last ends the sequence; ``observed`` is their calibrated input."""
    inputs = [observed]
    for layer in layers:
        sequence = replace(layer, return_sequences=True)
        inputs.append(layer_forward(sequence, layer_weights(layer, weights), inputs[-1]))

    def take_turn(body: Subgraph, step: Tensor, states: list[Tensor]) -> list[Tensor]:
        current, rolled = op.next_step(body, states[0])
        following = [rolled]
        for index, (layer, state) in enumerate(zip(layers, states[1:], strict=True)):
            add_layer: Any = _simple_rnn_step if isinstance(layer, SimpleRNN) else _gru_step
            own, before = layer_weights(layer, weights), delayed(inputs[index + 1])
            current = add_layer(body, layer, own, current, state, inputs[index], before)
            following.append(current)
        return following

    states = [State.of(values), *(State((1, layer.units), np.int16, UNIT) for layer in layers)]
    return walk(model, graph, values.shape[1], states, take_turn)[-1], inputs[-1][:, -1]


def _simple_rnn_step(
    body: Subgraph,
    layer: SimpleRNN,
    weights: dict[str, NDArray[Any]],
    values: Tensor,
    state: Tensor,
    inputs: NDArray[Any],
    before: NDArray[Any],
) -> Tensor:
    """Return tanh(x W + b + h U)."""
    kernel, recurrent_kernel, bias = weights["kernel"], weights["recurrent_kernel"], weights["bias"]
    factors = [
        Factor(f"{layer.name}/kernel", kernel, values.scale, inputs),
        Factor(f"{layer.name}/recurrent_kernel", recurrent_kernel, state.scale, before),
    ]
    (stored, recurrent_stored), offset = store_factors(body, f"{layer.name}/bias", factors, bias, np.int64)
    fresh = op.linear(body, values, stored, offset, gate_part_scale(inputs @ kernel + bias))
    recalled = op.linear(body, state, recurrent_stored, None, gate_part_scale(before @ recurrent_kernel))
    return op.activation(body, "tanh", op.add(body, fresh, recalled, GATE))


def _gru_step(
    body: Subgraph,
    layer: GRU,
    weights: dict[str, NDArray[Any]],
    values: Tensor,
    state: Tensor,
    inputs: NDArray[Any],
    before: NDArray[Any],
) -> Tensor:
    """Return n + z (h - n)."""
    gated, both = 2 * layer.units, weights["bias"]
    bias, recurrent_bias = both if layer.reset_after else (both, np.zeros_like(both))
    kernel, recurrent_kernel = weights["kernel"], weights["recurrent_kernel"]

    def factor(part: str, tensor: Tensor, matrix: NDArray[Any], seen: NDArray[Any]) -> Factor:
        return Factor(f"{layer.name}/{part}", matrix, tensor.scale, seen)

    def linear(
        part: str, tensor: Tensor, matrix: NDArray[Any], offset: NDArray[Any], seen: NDArray[Any]
    ) -> tuple[Tensor, NDArray[Any]]:
        result, own = seen @ matrix + offset, [factor(part, tensor, matrix, seen)]
        (stored,), stored_offset = store_factors(body, f"{layer.name}/{part}_bias", own, offset, np.int64)
        return op.linear(body, tensor, stored, stored_offset, gate_part_scale(result)), result

    gate_bias = (bias + recurrent_bias)[:gated]
    seen_fresh, seen_recalled = inputs @ kernel[:, :gated] + gate_bias, before @ recurrent_kernel[:, :gated]
    factors = [
        factor("gates", values, kernel[:, :gated], inputs),
        factor("recurrent_gates", state, recurrent_kernel[:, :gated], before),
    ]
    (stored, recurrent_stored), stored_bias = store_factors(
        body, f"{layer.name}/gates_bias", factors, gate_bias, np.int64
    )
    fresh_gates = op.linear(body, values, stored, stored_bias, gate_part_scale(seen_fresh))
    recalled_gates = op.linear(body, state, recurrent_stored, None, gate_part_scale(seen_recalled))
    gates = op.activation(body, "sigmoid", op.add(body, fresh_gates, recalled_gates, GATE))
    update, reset = op.split(body, gates, 2)
    seen_reset = sigmoid(seen_fresh + seen_recalled)[..., layer.units :]
    fresh, _ = linear("candidate", values, kernel[:, gated:], bias[gated:], inputs)
    if layer.reset_after:
        recalled, seen = linear("recalled", state, recurrent_kernel[:, gated:], recurrent_bias[gated:], before)
        recalled = op.multiply(body, reset, recalled, gate_part_scale(seen_reset * seen))
    else:
        kept = op.multiply(body, reset, state, UNIT)
        recalled, _ = linear("recalled", kept, recurrent_kernel[:, gated:], np.zeros(layer.units), seen_reset * before)
    candidate = op.activation(body, "tanh", op.add(body, fresh, recalled, GATE))
    change = op.multiply(body, update, op.subtract(body, state, candidate, _DIFFERENCE), _DIFFERENCE)
    return op.add(body, candidate, change, UNIT)
