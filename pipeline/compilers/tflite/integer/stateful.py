"""Full integer files that take samples of one stream and its states: int16 with scales, as tensors and no variables."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgehar.models.architecture import Architecture, Recurrent, Weights, layer_weights
from edgehar.models.architecture.stateful import NEXT, states_of
from edgehar.models.reference import layer_forward
from edgehar.pipeline.compilers.tflite import operators as plain
from edgehar.pipeline.compilers.tflite.graph import FlatbufferModel, Scale, Subgraph, Tensor
from edgehar.pipeline.compilers.tflite.integer import operators as op
from edgehar.pipeline.compilers.tflite.integer.cells import Calibrated
from edgehar.pipeline.compilers.tflite.integer.feedforward import LOWERINGS
from edgehar.pipeline.compilers.tflite.integer.recurrent import calibrated, continued_stack, one_step
from edgehar.pipeline.compilers.tflite.integer.scales import SAMPLE, number_of, observed_scale
from edgehar.pipeline.compilers.tflite.loop import State


def lower_stateful_integer(
    model: FlatbufferModel, architecture: Architecture, weights: Weights, calibration: NDArray[Any]
) -> tuple[Tensor, Tensor]:
    """Lower a model whose window is a block of samples; return its input and output.

    Its scales come from whole ``calibration`` windows, each from a fresh state.
    """
    observed, graph = np.asarray(calibration, np.float64), model.subgraph("main")
    scale = Scale(max(SAMPLE, number_of(observed_scale(observed, headroom=1.0))))
    samples = graph.tensor("Input", (1, *architecture.input_shape), np.int16, scale=scale)
    names = iter([state.name for state in states_of(architecture)])
    before: list[Tensor] = []
    after: list[Tensor] = []
    values = samples
    for is_recurrent, group in groupby(architecture.layers, key=lambda layer: isinstance(layer, Recurrent)):
        layers: list[Any] = list(group)
        if is_recurrent:
            met = calibrated(layers, weights, observed)
            own = [
                graph.tensor(next(names), (1, each.layer.units), np.int16, scale=scale)
                for each in met
                for scale in each.state_scales
            ]
            values, following = _advanced(model, graph, met, values, own)
            before, after = before + own, after + following
        for layer in layers:
            if not is_recurrent:
                values = LOWERINGS[type(layer)](graph, layer, layer_weights(layer, weights), values, observed)
            observed = layer_forward(layer, layer_weights(layer, weights), observed)
    values = plain.reshape(graph, values, (1, *architecture.output_shape))
    if values in after and values.scale is not None:
        values = op.requantize(graph, values, np.int16, values.scale)
    output = graph.renamed(values, "Output") if values.name != "Output" else values
    following = [graph.renamed(state, start.name + NEXT) for state, start in zip(after, before, strict=True)]
    graph.set_interface([samples, *before], [output, *following])
    return samples, output


def _advanced(
    model: FlatbufferModel, graph: Subgraph, layers: Sequence[Calibrated], values: Tensor, states: Sequence[Tensor]
) -> tuple[Tensor, list[Tensor]]:
    """Lower consecutive recurrent layers: to a loop over the block, or without one for a sample alone."""
    if values.shape[1] > 1:
        return continued_stack(model, graph, layers, values, [State.of(state) for state in states])
    sample = plain.reshape(graph, values, (1, values.shape[-1]))
    output, after = one_step(graph, layers, sample, states)
    is_sequence = layers[-1].layer.return_sequences
    return (plain.reshape(graph, output, (1, 1, output.shape[-1])) if is_sequence else output), after
