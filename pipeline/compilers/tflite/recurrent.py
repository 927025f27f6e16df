"""Recurrent layers with float activations as one loop over the steps of a window, without state between invocations.

Consecutive layers share a loop: at each step the first layer's new state is the second one's input, so that the
sequences between them never exist. A bidirectional layer is one loop in which one state walks from the window's end.
TFLite's fused operators are not used (docs/decisions/0017-recurrent-layers-as-one-loop.md).
"""

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgehar.models.architecture import DIRECTIONS, Bidirectional, Recurrent, Weights, layer_weights
from edgehar.pipeline.compilers.tflite import operators as op
from edgehar.pipeline.compilers.tflite.cells import STEPS
from edgehar.pipeline.compilers.tflite.graph import FlatbufferModel, Subgraph, Tensor
from edgehar.pipeline.compilers.tflite.loop import State, loop_over_steps


def recurrent_stack(
    model: FlatbufferModel, graph: Subgraph, layers: Sequence[Recurrent], weights: Weights, values: Tensor
) -> Tensor:
    """Lower consecutive layers, of which all but the last return sequences."""
    zeros = [State((1, layer.units)) for layer in layers for _ in range(layer.states)]
    return continued_stack(model, graph, layers, weights, values, zeros)[0]


def continued_stack(
    model: FlatbufferModel,
    graph: Subgraph,
    layers: Sequence[Recurrent],
    weights: Weights,
    values: Tensor,
    cells: Sequence[State],
) -> tuple[Tensor, list[Tensor]]:
    """Lower consecutive layers that begin with states; also return those after the last step."""
    last, steps = layers[-1], values.shape[1]
    sequence = [State((1, steps, last.units))] if last.return_sequences else []

    def add_step(body: Subgraph, step: Tensor, before: list[Tensor]) -> list[Tensor]:
        window, *states = before
        kept = states[len(cells) :]
        current, after = one_step(body, layers, weights, op.take_step(body, window, step), states[: len(cells)])
        return [window, *after, *(op.put_step(body, each, current, step) for each in kept)]

    _, *result = loop_over_steps(model, graph, steps, [State.of(values), *cells, *sequence], add_step)
    after = result[: len(cells)]
    return result[-1] if last.return_sequences else after[-last.states], after


def one_step(
    body: Subgraph, layers: Sequence[Recurrent], weights: Weights, values: Tensor, states: Sequence[Tensor]
) -> tuple[Tensor, list[Tensor]]:
    """Return what consecutive layers make of one step (1, inputs) and their states, and the states after it."""
    after: list[Tensor] = []
    for layer in layers:
        own = list(states[len(after) : len(after) + layer.states])
        result = STEPS[layer.kind](body, layer, layer_weights(layer, weights), values, own)
        values = result[0]
        after += result
    return values, after


def both_ways(
    model: FlatbufferModel,
    graph: Subgraph,
    layer: Bidirectional,
    weights: dict[str, dict[str, NDArray[Any]]],
    values: Tensor,
) -> Tensor:
    """Lower a bidirectional layer; ``weights`` are those of each direction."""
    steps, add_cell, count = values.shape[1], STEPS[layer.cell], layer.direction(DIRECTIONS[0]).states
    sequences = [State((1, steps, layer.units))] * 2 if layer.return_sequences else []

    def add_step(body: Subgraph, step: Tensor, before: list[Tensor]) -> list[Tensor]:
        window, cells, kept = before[0], before[1 : 1 + 2 * count], before[1 + 2 * count :]
        last = body.constant("", np.array(steps - 1, np.int32))
        places = [step, op.subtract(body, last, step)]
        results = [
            add_cell(body, layer.direction(which), weights[which], op.take_step(body, window, place), own)
            for which, place, own in zip(DIRECTIONS, places, (cells[:count], cells[count:]), strict=True)
        ]
        outputs = [result[0] for result in results]
        written = [op.put_step(body, *each) for each in zip(kept, outputs, places, strict=False)]
        return [window, *results[0], *results[1], *written]

    cells = [State((1, layer.units))] * (2 * count)
    result = loop_over_steps(model, graph, steps, [State.of(values), *cells, *sequences], add_step)
    outputs = result[-2:] if layer.return_sequences else [result[1], result[1 + count]]
    return merged(graph, layer.merge, outputs)


def merged(graph: Subgraph, how: str, outputs: Sequence[Tensor]) -> Tensor:
    """Return outputs joined along the channels, or number by number."""
    if how == "concat":
        return op.concatenate(graph, outputs)
    join = op.multiply if how == "mul" else op.add
    total = functools.reduce(lambda left, right: join(graph, left, right), outputs)
    return op.multiply(graph, total, op.number(graph, 1 / len(outputs))) if how == "ave" else total
