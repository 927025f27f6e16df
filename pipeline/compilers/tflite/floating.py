"""Lower a model whose activations are float, layer by layer."""

from itertools import groupby
from typing import Any, Final

from numpy.typing import NDArray

from edgehar.models.architecture import (
    DIRECTIONS,
    GRU,
    LSTM,
    Architecture,
    Bidirectional,
    SimpleRNN,
    Weights,
    layer_weights,
)
from edgehar.pipeline.compilers.tflite import feedforward
from edgehar.pipeline.compilers.tflite.graph import FlatbufferModel, Subgraph, Tensor
from edgehar.pipeline.compilers.tflite.recurrent import both_ways, recurrent_stack

_ONE_WAY: Final = (SimpleRNN, LSTM, GRU)


def lower_floating(model: FlatbufferModel, architecture: Architecture, weights: Weights) -> tuple[Tensor, Tensor]:
    """Lower a model; return its input and output."""
    graph = model.subgraph("main")
    window = graph.tensor("Input", (1, architecture.window, architecture.channels))
    values = window
    for is_recurrent, layers in groupby(architecture.layers, key=lambda layer: isinstance(layer, _ONE_WAY)):
        if is_recurrent:
            stack: list[Any] = list(layers)
            values = recurrent_stack(model, graph, stack, weights, feedforward.as_sequence(graph, values))
            continue
        for layer in layers:
            values = _lower_layer(model, graph, layer, layer_weights(layer, weights), values)
    graph.set_interface([window], [values])
    return window, values


def _lower_layer(
    model: FlatbufferModel, graph: Subgraph, layer: Any, weights: dict[str, NDArray[Any]], values: Tensor
) -> Tensor:
    """Lower a layer that shares nothing with its neighbours."""
    if not isinstance(layer, Bidirectional):
        return feedforward.LOWERINGS[type(layer)](graph, layer, weights, values)
    directions = {
        which: {name.removeprefix(f"{which}_"): value for name, value in weights.items() if name.startswith(which)}
        for which in DIRECTIONS
    }
    return both_ways(model, graph, layer, directions, feedforward.as_sequence(graph, values))
