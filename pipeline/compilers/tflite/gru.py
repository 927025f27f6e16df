"""GRU layers with float activations: consecutive ones walk along the window together, in one loop.

The sequences between them never exist, and a turn is made of operators that runtimes hand to XNNPACK whole.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgehar.models.architecture import DIRECTIONS, GRU, Bidirectional, Weights, layer_weights
from edgehar.pipeline.compilers.tflite.graph import FlatbufferModel, Subgraph, Tensor
from edgehar.pipeline.compilers.tflite.loop import State, walk
from edgehar.pipeline.compilers.tflite.operators import (
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
    last = layers[-1]
    collected = [State((1, values.shape[1], last.units))] if last.return_sequences else []

    def take_turn(body: Subgraph, step: Tensor, states: list[Tensor]) -> list[Tensor]:
        current = take_step(body, states[0], step)
        following = [states[0]]
        for layer, state in zip(layers, states[1:], strict=False):
            current = gru_step(body, layer, layer_weights(layer, weights), current, state)
            following.append(current)
        if last.return_sequences:
            following.append(put_step(body, states[-1], current, step))
        return following

    states = [State.of(values), *(State((1, layer.units)) for layer in layers), *collected]
    return walk(model, graph, values.shape[1], states, take_turn)[-1]


def gru_both_ways(
    model: FlatbufferModel,
    graph: Subgraph,
    layer: Bidirectional,
    weights: dict[str, dict[str, NDArray[Any]]],
    values: Tensor,
) -> Tensor:
    """Lower a bidirectional GRU: one loop, in which one state walks from the window's end."""
    steps = values.shape[1]
    cells: list[Any] = [layer.direction(which) for which in DIRECTIONS]
    collected = [State((1, steps, layer.units))] * 2 if layer.return_sequences else []

    def take_turn(body: Subgraph, step: Tensor, states: list[Tensor]) -> list[Tensor]:
        window, results = states[0], []
        last = body.constant("", np.array(steps - 1, np.int32))
        places = [step, subtract(body, last, step)]
        for place, cell, which, state in zip(places, cells, DIRECTIONS, states[1:3], strict=True):
            results.append(gru_step(body, cell, weights[which], take_step(body, window, place), state))
        kept = [put_step(body, *each) for each in zip(states[3:], results, places, strict=False)]
        return [window, *results, *kept]

    states = [State.of(values), *[State((1, layer.units))] * 2, *collected]
    return concatenate(graph, walk(model, graph, steps, states, take_turn)[-2:])


def gru_step(body: Subgraph, layer: GRU, weights: dict[str, NDArray[Any]], values: Tensor, state: Tensor) -> Tensor:
    """Return the next state (1, units) of a GRU: h' = n + z (h - n)."""
    gated = 2 * layer.units
    kernel, recurrent_kernel = weights["kernel"], weights["recurrent_kernel"]
    bias, recurrent_bias = weights["bias"] if layer.reset_after else (weights["bias"], np.zeros_like(weights["bias"]))

    def linear(part: str, inputs: Tensor, matrix: NDArray[Any], offset: NDArray[Any] | None) -> Tensor:
        stored = body.kernel(f"{layer.name}/{part}", matrix.T)
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
