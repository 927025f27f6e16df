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
from edgehar.pipeline.compilers.tflite.masks import blended


def recurrent_stack(
    model: FlatbufferModel,
    graph: Subgraph,
    layers: Sequence[Recurrent],
    weights: Weights,
    values: Tensor,
    mask: Tensor | None = None,
) -> Tensor:
    """Lower consecutive layers, of which all but the last return sequences; ``mask`` is which steps count."""
    zeros = [State((1, layer.units)) for layer in layers for _ in range(layer.states)]
    return continued_stack(model, graph, layers, weights, values, zeros, mask)[0]


def continued_stack(
    model: FlatbufferModel,
    graph: Subgraph,
    layers: Sequence[Recurrent],
    weights: Weights,
    values: Tensor,
    cells: Sequence[State],
    mask: Tensor | None = None,
) -> tuple[Tensor, list[Tensor]]:
    """Lower consecutive layers that begin with states; also return those after the last step."""
    last, steps = layers[-1], values.shape[1]
    sequence = [State((1, steps, last.units))] if last.return_sequences else []
    inputs = [State.of(values)] if mask is None else [State.of(values), State.of(mask)]

    def add_step(body: Subgraph, step: Tensor, before: list[Tensor]) -> list[Tensor]:
        given, states = before[: len(inputs)], before[len(inputs) :]
        kept = states[len(cells) :]
        current, *counts = (op.take_step(body, each, step) for each in given)
        current, after = one_step(body, layers, weights, current, states[: len(cells)], *counts)
        return [*given, *after, *(op.put_step(body, each, current, step) for each in kept)]

    result = loop_over_steps(model, graph, steps, [*inputs, *cells, *sequence], add_step)[len(inputs) :]
    after = result[: len(cells)]
    return result[-1] if last.return_sequences else after[-last.states], after


def one_step(
    body: Subgraph,
    layers: Sequence[Recurrent],
    weights: Weights,
    values: Tensor,
    states: Sequence[Tensor],
    counts: Tensor | None = None,
) -> tuple[Tensor, list[Tensor]]:
    """Return what consecutive layers make of one step (1, inputs) and their states, and the states after it.

    Where ``counts`` (1, 1) is zero, the states stay what they were.
    """
    after: list[Tensor] = []
    for layer in layers:
        own = list(states[len(after) : len(after) + layer.states])
        result = STEPS[layer.kind](body, layer, layer_weights(layer, weights), values, own)
        if counts is not None:
            result = [blended(body, counts, *each) for each in zip(result, own, strict=True)]
        values = result[0]
        after += result
    return values, after


def both_ways(
    model: FlatbufferModel,
    graph: Subgraph,
    layer: Bidirectional,
    weights: dict[str, dict[str, NDArray[Any]]],
    values: Tensor,
    mask: Tensor | None = None,
) -> Tensor:
    """Lower a bidirectional layer; ``weights`` are those of each direction, ``mask`` is which steps count."""
    steps, add_cell, count = values.shape[1], STEPS[layer.cell], layer.direction(DIRECTIONS[0]).states
    sequences = [State((1, steps, layer.units))] * 2 if layer.return_sequences else []

    inputs = [State.of(values)] if mask is None else [State.of(values), State.of(mask)]

    def add_step(body: Subgraph, step: Tensor, before: list[Tensor]) -> list[Tensor]:
        (window, *masks), states = before[: len(inputs)], before[len(inputs) :]
        cells, kept = states[: 2 * count], states[2 * count :]
        last = body.constant("", np.array(steps - 1, np.int32))
        places = [step, op.subtract(body, last, step)]
        results = [
            add_cell(body, layer.direction(which), weights[which], op.take_step(body, window, place), own)
            for which, place, own in zip(DIRECTIONS, places, (cells[:count], cells[count:]), strict=True)
        ]
        outputs = [result[0] for result in results]
        for each in masks:
            counts = [op.take_step(body, each, place) for place in places]
            if layer.return_sequences:
                outputs = [op.multiply(body, *pair) for pair in zip(outputs, counts, strict=True)]
            results = [
                [blended(body, here, *pair) for pair in zip(result, own, strict=True)]
                for here, result, own in zip(counts, results, (cells[:count], cells[count:]), strict=True)
            ]
        written = [op.put_step(body, *each) for each in zip(kept, outputs, places, strict=False)]
        return [window, *masks, *results[0], *results[1], *written]

    cells = [State((1, layer.units))] * (2 * count)
    result = loop_over_steps(model, graph, steps, [*inputs, *cells, *sequences], add_step)[len(inputs) :]
    outputs = result[-2:] if layer.return_sequences else [result[0], result[count]]
    return merged(graph, layer.merge, outputs)


def merged(graph: Subgraph, how: str, outputs: Sequence[Tensor]) -> Tensor:
    """Return outputs joined along the channels, or number by number."""
    if how == "concat":
        return op.concatenate(graph, outputs)
    join = op.multiply if how == "mul" else op.add
    total = functools.reduce(lambda left, right: join(graph, left, right), outputs)
    return op.multiply(graph, total, op.number(graph, 1 / len(outputs))) if how == "ave" else total
