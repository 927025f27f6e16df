"""GRU layers as one WHILE over static shapes: TFLite has no fused GRU.

Consecutive layers walk along the window together, one step of each per turn, so the sequences between them never exist.
A turn is made of operators that runtimes hand to XNNPACK whole; the input is carried along raw, because a loop copies
what it carries.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from models.architecture import GRU, Weights, layer_weights
from pipeline.compilers.tflite.graph import FlatbufferModel, Subgraph, Tensor
from pipeline.compilers.tflite.operators import (
    activation,
    add,
    concatenate,
    fully_connected,
    multiply,
    put_step,
    split,
    subtract,
    take_step,
)


def gru_stack(
    model: FlatbufferModel, graph: Subgraph, layers: Sequence[GRU], weights: Weights, values: Tensor
) -> Tensor:
    """Lower consecutive GRU layers, of which all but the last return sequences."""
    condition, body = model.subgraph("more_steps"), model.subgraph("one_step")
    last = layers[-1]
    sequence_shape = (1, values.shape[1], last.units)
    collected = [sequence_shape] if last.return_sequences else []
    shapes = [*((1, layer.units) for layer in layers), *collected]

    carried = _Carried.declare(condition, values, shapes)
    more = condition.tensor("", (), np.bool_)
    steps = condition.constant("", np.array(values.shape[1], np.int32))
    condition.operator("LESS", [carried.step, steps], [more], schema.LessOptionsT())
    condition.set_interface(carried.tensors, [more])

    carried = _Carried.declare(body, values, shapes)
    following = body.tensor("", (), np.int32)
    one = body.constant("", np.array(1, np.int32))
    body.operator("ADD", [carried.step, one], [following], schema.AddOptionsT())
    current = take_step(body, carried.window, carried.step)
    states = []
    for layer, state in zip(layers, carried.states, strict=False):
        current = _gru_step(body, layer, layer_weights(layer, weights), current, state)
        states.append(current)
    if last.return_sequences:
        states.append(put_step(body, carried.states[-1], current, carried.step))
    body.set_interface(carried.tensors, [following, carried.window, *states])

    start = [graph.constant("", np.array(0, np.int32)), values]
    zeros = [graph.constant("", np.zeros(shape, np.float32)) for shape in shapes]
    result = _Carried.declare(graph, values, shapes)
    options = schema.WhileOptionsT()
    options.condSubgraphIndex, options.bodySubgraphIndex = condition.index, body.index
    graph.operator("WHILE", [*start, *zeros], result.tensors, options)
    return result.states[-1]


@dataclass(frozen=True, slots=True)
class _Carried:
    """What a turn of the loop hands to the next: the step's number, the window, the states."""

    step: Tensor
    window: Tensor
    states: list[Tensor]

    @classmethod
    def declare(cls, graph: Subgraph, window: Tensor, shapes: Sequence[tuple[int, ...]]) -> "_Carried":
        """Add the tensors to a subgraph."""
        step = graph.tensor("", (), np.int32)
        return cls(step, graph.tensor("", window.shape), [graph.tensor("", shape) for shape in shapes])

    @property
    def tensors(self) -> list[Tensor]:
        """All of them, in the loop's order."""
        return [self.step, self.window, *self.states]


def _gru_step(body: Subgraph, layer: GRU, weights: dict[str, NDArray[Any]], values: Tensor, state: Tensor) -> Tensor:
    """Return the next state (1, units) of a GRU: h' = n + z (h - n)."""
    gated = 2 * layer.units
    kernel, recurrent_kernel = weights["kernel"], weights["recurrent_kernel"]
    bias, recurrent_bias = weights["bias"] if layer.reset_after else (weights["bias"], np.zeros_like(weights["bias"]))

    def linear(part: str, inputs: Tensor, matrix: NDArray[Any], offset: NDArray[Any] | None) -> Tensor:
        stored = body.constant(f"{layer.name}/{part}", np.ascontiguousarray(matrix.T))
        added = None if offset is None else body.constant(f"{layer.name}/{part}_bias", offset)
        return fully_connected(body, inputs, stored, added)

    joined = concatenate(body, [values, state])
    gates = np.concatenate([kernel[:, :gated], recurrent_kernel[:, :gated]])
    opened = activation(body, "sigmoid", linear("gates", joined, gates, (bias + recurrent_bias)[:gated]))
    update, reset = split(body, opened, 2)
    fresh = linear("candidate", values, kernel[:, gated:], bias[gated:])
    if layer.reset_after:
        recalled = linear("recalled", state, recurrent_kernel[:, gated:], recurrent_bias[gated:])
        recalled = multiply(body, reset, recalled)
    else:
        recalled = linear("recalled", multiply(body, reset, state), recurrent_kernel[:, gated:], None)
    candidate = activation(body, "tanh", add(body, fresh, recalled))
    return add(body, candidate, multiply(body, update, subtract(body, state, candidate)))
