"""Full integer models: no float tensor anywhere. Scales come from calibration windows of training subjects.

Weights are int8, one scale a matrix. Activations are int16. The probabilities come out as int16, 2^15 to one.
"""

from collections.abc import Sequence
from itertools import groupby
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.architecture import (
    GRU,
    LSTM,
    Architecture,
    Bidirectional,
    Branches,
    Conv1D,
    Dense,
    Layer,
    Recurrent,
    SimpleRNN,
    Weights,
    is_standard,
    layer_weights,
)
from edgehar.models.architecture.branches import every_layer
from edgehar.models.reference import layer_forward
from edgehar.pipeline.compilers.tflite import operators as plain
from edgehar.pipeline.compilers.tflite.graph import FlatbufferModel, Scale, Subgraph, Tensor
from edgehar.pipeline.compilers.tflite.integer.feedforward import ACTIVATIONS, LOWERINGS
from edgehar.pipeline.compilers.tflite.integer.joining import joined
from edgehar.pipeline.compilers.tflite.integer.recurrent import both_ways, recurrent_stack
from edgehar.pipeline.compilers.tflite.integer.scales import SAMPLE, number_of, observed_scale

_RECURRENT: Final = (LSTM, SimpleRNN, GRU)
_MERGES: Final = ("concat", "sum", "mul")


def obstacle(architecture: Architecture) -> str | None:
    """Return what is not expressed in integers."""
    for layer in every_layer(architecture.layers):
        if isinstance(layer, Bidirectional | Recurrent):
            if not is_standard(layer):
                return f"layer {layer.name} has the activation {layer.activation}, integers take tanh and sigmoid there"
            if isinstance(layer, Bidirectional) and layer.merge not in _MERGES:
                return f"layer {layer.name} merges by {layer.merge}, integers take {', '.join(_MERGES)}"
        elif isinstance(layer, Branches):
            continue
        elif type(layer) not in LOWERINGS:
            known = ", ".join(kind.__name__ for kind in (*_RECURRENT, Bidirectional, Branches, *LOWERINGS))
            return f"layer {layer.name} is a {layer.kind}, integers take {known}"
        elif isinstance(layer, Dense | Conv1D) and layer.activation not in ACTIVATIONS:
            return f"layer {layer.name} has the activation {layer.activation}, integers take {', '.join(ACTIVATIONS)}"
    return None


def lower_integer(
    model: FlatbufferModel, architecture: Architecture, weights: Weights, calibration: NDArray[Any]
) -> tuple[Tensor, Tensor]:
    """Lower a model that has no `obstacle`; return its input and output."""
    observed = np.asarray(calibration, np.float64)
    graph = model.subgraph("main")
    scale = Scale(max(SAMPLE, number_of(observed_scale(observed, headroom=1.0))))
    window = graph.tensor("Input", (1, architecture.window, architecture.channels), np.int16, scale=scale)
    values, _ = _lower_chain(model, graph, architecture.layers, weights, window, observed)
    if len(architecture.output_shape) > 1:
        values = _sequence(graph, values)
    graph.set_interface([window], [values])
    return window, values


def _lower_chain(
    model: FlatbufferModel,
    graph: Subgraph,
    chain: Sequence[Layer],
    weights: Weights,
    values: Tensor,
    observed: NDArray[Any],
) -> tuple[Tensor, NDArray[Any]]:
    """Lower layers, one after the other, consecutive recurrent ones together; return what they make of calibration."""
    for is_recurrent, group in groupby(chain, key=lambda layer: isinstance(layer, _RECURRENT)):
        layers: list[Any] = list(group)
        for part in [layers] if is_recurrent else [[layer] for layer in layers]:
            layer, own = part[0], layer_weights(part[0], weights)
            if is_recurrent:
                values = recurrent_stack(model, graph, part, weights, _sequence(graph, values), observed)
            elif isinstance(layer, Bidirectional):
                values = both_ways(model, graph, layer, own, _sequence(graph, values), observed)
            elif isinstance(layer, Branches):
                taken = _sequence(graph, values)
                ends = [_lower_chain(model, graph, each, own, taken, observed) for each in layer.branches]
                values = joined(graph, layer, [(_sequence(graph, end), seen) for end, seen in ends])
            else:
                taken = values if isinstance(layer, Conv1D) else _sequence(graph, values)
                values = LOWERINGS[type(layer)](graph, layer, own, taken, observed)
            for each in part:
                observed = layer_forward(each, layer_weights(each, weights), observed)
    return values, observed


def _sequence(graph: Any, values: Tensor) -> Tensor:
    """Return an image one pixel high as a sequence; anything else as it is."""
    return plain.reshape(graph, values, (1, *values.shape[2:])) if len(values.shape) == 4 else values
