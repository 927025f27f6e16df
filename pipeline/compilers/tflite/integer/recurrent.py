"""Recurrent layers in integers: one loop for the whole stack, int16 states, int8 weights."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgehar.models.architecture import Recurrent, Weights, layer_weights
from edgehar.models.reference import layer_forward
from edgehar.pipeline.compilers.quantization.observation import delayed
from edgehar.pipeline.compilers.tflite.graph import FlatbufferModel, Subgraph, Tensor
from edgehar.pipeline.compilers.tflite.integer import operators as op
from edgehar.pipeline.compilers.tflite.integer.cells import STEPS, Calibrated
from edgehar.pipeline.compilers.tflite.loop import State, loop_over_steps


def recurrent_stack(
    model: FlatbufferModel,
    graph: Subgraph,
    layers: Sequence[Recurrent],
    weights: Weights,
    values: Tensor,
    observed: NDArray[Any],
) -> tuple[Tensor, NDArray[Any]]:
    """Lower consecutive layers, of which only the last ends the sequence; ``observed`` is their calibrated input."""
    calibrated = []
    for layer in layers:
        own: Any = layer_weights(layer, weights)
        sequence = layer_forward(replace(layer, return_sequences=True), own, observed)
        calibrated.append(Calibrated(layer, own, observed, delayed(sequence)))
        observed = sequence
    scales = [met.state_scales for met in calibrated]

    def add_step(body: Subgraph, step: Tensor, before: list[Tensor]) -> list[Tensor]:
        current, rolled = op.next_step(body, before[0])
        states, after = before[1:], [rolled]
        for met, own in zip(calibrated, scales, strict=True):
            result = STEPS[met.layer.kind](body, met, current, states[: len(own)])
            states, current = states[len(own) :], result[0]
            after += result
        return after

    cells = [
        State((1, met.layer.units), np.int16, scale)
        for met, own in zip(calibrated, scales, strict=True)
        for scale in own
    ]
    result = loop_over_steps(model, graph, values.shape[1], [State.of(values), *cells], add_step)
    return result[-len(scales[-1])], observed[:, -1]
