"""Lower a model whose activations are float, layer by layer."""

from collections.abc import Callable
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
from edgehar.pipeline.compilers.tflite import feedforward, fused, gru
from edgehar.pipeline.compilers.tflite import operators as op
from edgehar.pipeline.compilers.tflite.graph import FlatbufferModel, Subgraph, Tensor

_FUSED: Final[dict[str, Callable[..., Tensor]]] = {SimpleRNN.kind: fused.simple_rnn, LSTM.kind: fused.lstm}
"""Recurrent layers TFLite has an operator for."""

_WALKING: Final = (SimpleRNN, LSTM, GRU, Bidirectional)


def lower_floating(model: FlatbufferModel, architecture: Architecture, weights: Weights) -> tuple[Tensor, Tensor]:
    """Lower a model; return its input and output."""
    graph = model.subgraph("main")
    window = graph.tensor("Input", (1, architecture.window, architecture.channels))
    values = window
    for kind, run in groupby(architecture.layers, key=type):
        values = _lower_run(model, graph, kind, list(run), weights, values)
    graph.set_interface([window], [values])
    return window, values


def _lower_run(
    model: FlatbufferModel, graph: Subgraph, kind: type, layers: list[Any], weights: Weights, values: Tensor
) -> Tensor:
    """Lower consecutive layers of one kind; GRUs share a loop."""
    if kind in _WALKING:
        values = feedforward.as_sequence(graph, values)
    if kind is GRU:
        return gru.gru_stack(model, graph, layers, weights, values)
    for layer in layers:
        own = layer_weights(layer, weights)
        if kind is Bidirectional:
            values = _bidirectional(model, graph, layer, own, values)
        elif layer.kind in _FUSED:
            values = _FUSED[layer.kind](graph, layer, own, values)
        else:
            values = feedforward.LOWERINGS[kind](graph, layer, own, values)
    return values


def _bidirectional(
    model: FlatbufferModel, graph: Subgraph, layer: Bidirectional, weights: dict[str, NDArray[Any]], values: Tensor
) -> Tensor:
    """Lower to one loop for two GRUs, or to two fused operators, one of which sees the window reversed."""
    own = {
        which: {name.removeprefix(f"{which}_"): value for name, value in weights.items() if name.startswith(which)}
        for which in DIRECTIONS
    }
    if layer.cell == GRU.kind:
        return gru.gru_both_ways(model, graph, layer, own, values)
    lower, (forward, backward) = _FUSED[layer.cell], DIRECTIONS
    there = lower(graph, layer.direction(forward), own[forward], values)
    back = lower(graph, layer.direction(backward), own[backward], op.reverse_time(graph, values))
    return op.concatenate(graph, [there, op.reverse_time(graph, back) if layer.return_sequences else back])
