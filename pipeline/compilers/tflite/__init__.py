"""Lower a model to a TFLite flatbuffer: static batch of one, built-in operators only, at their lowest versions."""

from collections.abc import Callable
from itertools import groupby
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.architecture import GRU, LSTM, Architecture, Dense, SimpleRNN, Weights, layer_weights
from models.bundle import CompiledArtifact
from models.manifest import TensorSpec
from pipeline.compilers.tflite import fused, loop
from pipeline.compilers.tflite.graph import FlatbufferModel, Subgraph, Tensor
from pipeline.compilers.tflite.operators import activation, fully_connected, reshape

QUANTIZATIONS: Final = ("float32",)


def supports(architecture: Architecture, quantization: str) -> bool:
    """Whether this architecture can be lowered at this quantization."""
    kinds = {type(layer) for layer in architecture.layers}
    return quantization in QUANTIZATIONS and kinds <= {GRU, *_LAYERS}


def lower(
    architecture: Architecture, weights: Weights, quantization: str, calibration: NDArray[Any] | None
) -> CompiledArtifact:
    """Return the artifact; see `pipeline.compilers.compile_model`."""
    model = FlatbufferModel()
    graph = model.subgraph("main")
    window = graph.tensor("Input", (1, architecture.window, architecture.channels))
    values = window
    for kind, run in groupby(architecture.layers, key=type):
        values = _lower_run(model, graph, kind, list(run), weights, values)
    graph.set_interface([window], [values])
    return CompiledArtifact(
        file=f"model.{quantization}.tflite",
        format="tflite",
        quantization=quantization,
        route="direct",
        input=_spec(window),
        output=_spec(values),
        content=model.finish(),
    )


def _lower_run(
    model: FlatbufferModel, graph: Subgraph, kind: type, layers: list[Any], weights: Weights, values: Tensor
) -> Tensor:
    """Lower consecutive layers of one kind."""
    if kind is GRU:
        return loop.gru_stack(model, graph, layers, weights, values)
    for layer in layers:
        values = _LAYERS[kind](graph, layer, layer_weights(layer, weights), values)
    return values


def _dense(graph: Subgraph, layer: Dense, weights: dict[str, NDArray[Any]], values: Tensor) -> Tensor:
    """Lower to FULLY_CONNECTED and an activation."""
    kernel = graph.constant(f"{layer.name}/kernel", weights["kernel"].T)
    bias = graph.constant(f"{layer.name}/bias", weights["bias"])
    shape = (*values.shape[:-1], layer.units)
    product = reshape(graph, fully_connected(graph, values, kernel, bias), shape)
    return activation(graph, layer.activation, product, name=layer.name)


def _spec(tensor: Tensor) -> TensorSpec:
    """Describe an input or output for the manifest."""
    scale, zero_point = (
        (0.0, 0) if tensor.scale is None else (float(np.asarray(tensor.scale.scale)), tensor.scale.zero_point)
    )
    return TensorSpec(tensor.name, tensor.dtype.name, tensor.shape, scale, zero_point)


_LAYERS: Final[dict[type, Callable[[Subgraph, Any, dict[str, NDArray[Any]], Tensor], Tensor]]] = {
    SimpleRNN: fused.simple_rnn,
    LSTM: fused.lstm,
    Dense: _dense,
}
