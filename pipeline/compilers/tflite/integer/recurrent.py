"""Recurrent layers in integers: one loop for the whole stack, int16 states, int8 weights."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgehar.models.architecture import DIRECTIONS, Bidirectional, Recurrent, Weights, layer_weights
from edgehar.models.reference import layer_forward
from edgehar.pipeline.compilers.quantization.observation import delayed
from edgehar.pipeline.compilers.tflite.graph import FlatbufferModel, Subgraph, Tensor
from edgehar.pipeline.compilers.tflite.integer import operators as op
from edgehar.pipeline.compilers.tflite.integer.cells import STEPS, Calibrated
from edgehar.pipeline.compilers.tflite.integer.scales import UNIT, observed_scale
from edgehar.pipeline.compilers.tflite.loop import State, loop_over_steps


def recurrent_stack(
    model: FlatbufferModel,
    graph: Subgraph,
    layers: Sequence[Recurrent],
    weights: Weights,
    values: Tensor,
    observed: NDArray[Any],
    *,
    backwards: bool = False,
) -> Tensor:
    """Lower consecutive layers, of which all but the last return sequences; ``observed`` is their calibrated input.

    Backwards they walk from the window's end, and a sequence they give runs with time all the same.
    """
    met = calibrated(layers, weights, observed[:, ::-1] if backwards else observed)
    return continued_stack(model, graph, met, values, states_of(met), backwards=backwards)[0]


def calibrated(layers: Sequence[Recurrent], weights: Weights, observed: NDArray[Any]) -> list[Calibrated]:
    """Return consecutive layers with what they meet in calibration, in the order in which they walk."""
    found = []
    for layer in layers:
        own: Any = layer_weights(layer, weights)
        sequence = layer_forward(replace(layer, return_sequences=True), own, observed)
        found.append(Calibrated(layer, own, observed, delayed(sequence)))
        observed = sequence
    return found


def states_of(layers: Sequence[Calibrated]) -> list[State]:
    """Return the states of layers, which begin as zeros."""
    return [State((1, met.layer.units), np.int16, scale) for met in layers for scale in met.state_scales]


def continued_stack(
    model: FlatbufferModel,
    graph: Subgraph,
    layers: Sequence[Calibrated],
    values: Tensor,
    states: Sequence[State],
    *,
    backwards: bool = False,
) -> tuple[Tensor, list[Tensor]]:
    """Lower layers that go on from states to a loop; return what the last one gives, and the states after it."""
    last, scale = layers[-1].layer, layers[-1].state_scales[0]
    kept = [State((1, values.shape[1], last.units), np.int16, scale)] if last.return_sequences else []

    def add_step(body: Subgraph, step: Tensor, before: list[Tensor]) -> list[Tensor]:
        current, rolled = op.next_step(body, before[0], backwards=backwards)
        sequences = before[1 + len(states) :]
        current, after = one_step(body, layers, current, before[1 : 1 + len(states)])
        return [rolled, *after, *(op.keep_step(body, each, current, backwards=backwards) for each in sequences)]

    _, *result = loop_over_steps(model, graph, values.shape[1], [State.of(values), *states, *kept], add_step)
    after = result[: len(states)]
    return (result[-1] if last.return_sequences else after[-len(layers[-1].state_scales)]), after


def one_step(
    graph: Subgraph, layers: Sequence[Calibrated], values: Tensor, states: Sequence[Tensor]
) -> tuple[Tensor, list[Tensor]]:
    """Add one step of every layer; return what the last one gives, and all states after it."""
    after: list[Tensor] = []
    for met in layers:
        first = len(after)
        result = STEPS[met.layer.kind](graph, met, values, list(states[first : first + len(met.state_scales)]))
        values = result[0]
        after += result
    return values, after


def both_ways(
    model: FlatbufferModel,
    graph: Subgraph,
    layer: Bidirectional,
    weights: Weights,
    values: Tensor,
    observed: NDArray[Any],
) -> Tensor:
    """Lower a bidirectional layer to a loop for each direction; ``weights`` are its own."""
    outputs, seen = [], []
    for which in DIRECTIONS:
        cell, backwards = layer.direction(which), which == "backward"
        own = {
            f"{cell.name}/{name.removeprefix(f'{which}_')}": value
            for name, value in weights.items()
            if name.startswith(which)
        }
        outputs.append(recurrent_stack(model, graph, [cell], own, values, observed, backwards=backwards))
        seen.append(layer_forward(cell, layer_weights(cell, own), observed[:, ::-1] if backwards else observed))
    if layer.merge == "concat":
        return op.concatenate(graph, outputs, axis=len(outputs[0].shape) - 1)
    if layer.return_sequences:
        seen[1] = seen[1][:, ::-1]
    if layer.merge == "mul":
        return op.multiply(graph, outputs[0], outputs[1], UNIT)
    return op.add(graph, outputs[0], outputs[1], observed_scale(seen[0] + seen[1]))
