"""Lower a model to a TFLite flatbuffer: static batch of one, built-in operators only, at their lowest versions."""

from collections.abc import Callable
from itertools import groupby
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.architecture import GRU, LSTM, Architecture, Dense, SimpleRNN, Weights, layer_weights
from models.bundle import FLOAT_TOLERANCE, CompiledArtifact
from models.engines.litert import TfliteModel
from models.errors import CompileError
from models.golden import golden_windows
from models.manifest import TensorSpec
from pipeline.compilers.tflite import fused, gru, integer
from pipeline.compilers.tflite.graph import FlatbufferModel, Subgraph, Tensor
from pipeline.compilers.tflite.operators import activation, fully_connected, reshape
from pipeline.compilers.tflite.storage import STORAGES, as_float32

INTEGER: Final = "int8"
QUANTIZATIONS: Final = (*STORAGES, INTEGER)

TOLERANCES: Final = {"int8-weights": 0.02, INTEGER: 0.02}
"""How far two runtimes may be apart: their integer kernels round differently, and a recurrence carries that along."""


def supports(architecture: Architecture, quantization: str) -> bool:
    """Whether this architecture can be lowered at this quantization."""
    if quantization == INTEGER:
        return integer.supports(architecture)
    return quantization in STORAGES and {type(layer) for layer in architecture.layers} <= {GRU, *_LAYERS}


def lower(
    architecture: Architecture, weights: Weights, quantization: str, calibration: NDArray[Any] | None
) -> CompiledArtifact:
    """Return the artifact; see `pipeline.compilers.compile_model`."""
    model = FlatbufferModel(STORAGES.get(quantization, as_float32))
    if quantization == INTEGER:
        window, values = integer.lower_integer(model, architecture, weights, _required(calibration))
    else:
        window, values = _lower_float(model, architecture, weights)
    file, content = f"model.{quantization}.tflite", model.finish()
    return CompiledArtifact(
        file=file,
        format="tflite",
        quantization=quantization,
        route="direct",
        input=_spec(window),
        output=_spec(values),
        content=content,
        expected=None if quantization == "float32" else _recorded(architecture, file, content),
        tolerance=TOLERANCES.get(quantization, FLOAT_TOLERANCE),
    )


def _recorded(architecture: Architecture, file: str, content: bytes) -> NDArray[np.float32]:
    """Return what the file makes of the golden windows: rounding is part of a quantized model."""
    return TfliteModel(content, file=file).predict(golden_windows(architecture.window, architecture.channels))


def _required(calibration: NDArray[Any] | None) -> NDArray[Any]:
    """Return the calibration windows, or say that integers need them."""
    if calibration is None or not len(calibration):
        raise CompileError(
            f"quantization {INTEGER}: expected calibration windows of training subjects, got none",
            next_step="Pass --data with the recordings the model was trained on.",
        )
    return calibration


def _lower_float(model: FlatbufferModel, architecture: Architecture, weights: Weights) -> tuple[Tensor, Tensor]:
    """Lower a model whose activations are float; return its input and output."""
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
    """Lower consecutive layers of one kind."""
    if kind is GRU:
        return gru.gru_stack(model, graph, layers, weights, values)
    for layer in layers:
        values = _LAYERS[kind](graph, layer, layer_weights(layer, weights), values)
    return values


def _dense(graph: Subgraph, layer: Dense, weights: dict[str, NDArray[Any]], values: Tensor) -> Tensor:
    """Lower to FULLY_CONNECTED and an activation."""
    kernel = graph.kernel(f"{layer.name}/kernel", weights["kernel"].T)
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
