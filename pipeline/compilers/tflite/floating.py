"""Lower a model whose activations are float, layer by layer."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any, Final

from numpy.typing import NDArray

from edgehar.models.architecture import (
    DIRECTIONS,
    GRU,
    LSTM,
    Architecture,
    Bidirectional,
    Branches,
    Layer,
    SimpleRNN,
    Weights,
    layer_weights,
)
from edgehar.models.architecture.masks import ends_mask
from edgehar.models.inputs import input_type
from edgehar.pipeline.compilers.tflite import feedforward, masks
from edgehar.pipeline.compilers.tflite.graph import FlatbufferModel, Subgraph, Tensor
from edgehar.pipeline.compilers.tflite.recurrent import both_ways, merged, recurrent_stack

_ONE_WAY: Final = (SimpleRNN, LSTM, GRU)


def lower_floating(model: FlatbufferModel, architecture: Architecture, weights: Weights) -> tuple[Tensor, Tensor]:
    """Lower a model; return its input and output."""
    graph = model.subgraph("main")
    window = graph.tensor("Input", (1, *architecture.input_shape), input_type(architecture))
    values = _lower_chain(model, graph, architecture.layers, weights, window)
    if len(architecture.output_shape) > 1:
        values = feedforward.as_sequence(graph, values)
    graph.set_interface([window], [values])
    return window, values


def _lower_chain(
    model: FlatbufferModel, graph: Subgraph, chain: Sequence[Layer], weights: Weights, values: Tensor
) -> Tensor:
    """Lower layers, one after the other; consecutive recurrent ones together."""
    mask: Tensor | None = None
    for is_recurrent, layers in groupby(chain, key=lambda layer: isinstance(layer, _ONE_WAY)):
        if is_recurrent:
            stack: list[Any] = list(layers)
            values = recurrent_stack(model, graph, stack, weights, feedforward.as_sequence(graph, values), mask)
            mask = None if ends_mask(stack[-1]) else mask
            continue
        for layer in layers:
            following = masks.after(graph, layer, values, mask)
            values = _lower_layer(model, graph, layer, layer_weights(layer, weights), values, mask)
            mask = following
    return values


def _lower_layer(
    model: FlatbufferModel,
    graph: Subgraph,
    layer: Any,
    weights: dict[str, NDArray[Any]],
    values: Tensor,
    mask: Tensor | None,
) -> Tensor:
    """Lower a layer that shares nothing with its neighbours."""
    if isinstance(layer, Branches):
        values = feedforward.as_sequence(graph, values)
        ends = [_lower_chain(model, graph, branch, weights, values) for branch in layer.branches]
        return merged(graph, layer.merge, [feedforward.as_sequence(graph, end) for end in ends])
    if not isinstance(layer, Bidirectional):
        return feedforward.LOWERINGS[type(layer)](graph, layer, weights, values)
    directions = {
        which: {name.removeprefix(f"{which}_"): value for name, value in weights.items() if name.startswith(which)}
        for which in DIRECTIONS
    }
    return both_ways(model, graph, layer, directions, feedforward.as_sequence(graph, values), mask)
