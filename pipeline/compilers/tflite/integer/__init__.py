"""Full integer models: no float tensor anywhere. Scales come from calibration windows of training subjects.

Weights are int8, one scale a matrix. Activations are int16. The probabilities come out as int16, 2^15 to one.
"""

from itertools import takewhile
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.architecture import GRU, LSTM, Architecture, Dense, SimpleRNN, Weights, layer_weights
from edgehar.models.reference import ACTIVATIONS
from edgehar.pipeline.compilers.tflite.graph import FlatbufferModel, Scale, Subgraph, Tensor
from edgehar.pipeline.compilers.tflite.integer import operators as op
from edgehar.pipeline.compilers.tflite.integer.recurrent import recurrent_stack
from edgehar.pipeline.compilers.tflite.integer.scales import SAMPLE, number_of, observed_scale
from edgehar.pipeline.compilers.tflite.integer.weights import Factor, store_factors

_RECURRENT: Final = (LSTM, SimpleRNN, GRU)
_HEAD_ACTIVATIONS: Final = ("linear", "relu", "softmax")


def obstacle(architecture: Architecture) -> str | None:
    """Return what is not expressed in integers: all but stacks of SimpleRNN, LSTM and GRU with a dense head."""
    recurrent: list[Any] = list(takewhile(lambda layer: isinstance(layer, _RECURRENT), architecture.layers))
    if not recurrent:
        first = architecture.layers[0]
        return f"layer {first.name} is a {first.kind}, integers take SimpleRNN, LSTM and GRU there"
    for layer in architecture.layers[len(recurrent) :]:
        if not isinstance(layer, Dense):
            return f"layer {layer.name} is a {layer.kind}, integers take Dense behind recurrent layers"
        if layer.activation not in _HEAD_ACTIVATIONS:
            known = ", ".join(_HEAD_ACTIVATIONS)
            return f"layer {layer.name} has the activation {layer.activation}, integers take {known}"
    if recurrent[-1].return_sequences:
        return f"layer {recurrent[-1].name} gives a sequence, integers take its last step"
    return None


def lower_integer(
    model: FlatbufferModel, architecture: Architecture, weights: Weights, calibration: NDArray[Any]
) -> tuple[Tensor, Tensor]:
    """Lower a model that has no `obstacle`; return its input and output."""
    observed = np.asarray(calibration, np.float64)
    graph = model.subgraph("main")
    scale = Scale(max(SAMPLE, number_of(observed_scale(observed, headroom=1.0))))
    window = graph.tensor("Input", (1, architecture.window, architecture.channels), np.int16, scale=scale)
    recurrent: list[Any] = [layer for layer in architecture.layers if not isinstance(layer, Dense)]
    values, observed = recurrent_stack(model, graph, recurrent, weights, window, observed)
    for layer in architecture.layers[len(recurrent) :]:
        values, observed = _dense(graph, layer, layer_weights(layer, weights), values, observed)
    graph.set_interface([window], [values])
    return window, values


def _dense(
    graph: Subgraph, layer: Any, weights: dict[str, NDArray[Any]], values: Tensor, observed: NDArray[Any]
) -> tuple[Tensor, NDArray[Any]]:
    """Lower a dense layer of the head."""
    sums = observed @ weights["kernel"] + weights["bias"]
    factor = Factor(f"{layer.name}/kernel", weights["kernel"], values.scale, observed)
    (kernel,), bias = store_factors(graph, f"{layer.name}/bias", [factor], weights["bias"], np.int64)
    result = op.linear(graph, values, kernel, bias, observed_scale(sums), relu=layer.activation == "relu")
    if layer.activation == "softmax":
        result = op.activation(graph, "softmax", result, name=layer.name)
    return result, ACTIVATIONS[layer.activation](sums)
