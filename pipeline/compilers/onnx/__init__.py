"""Lower a model to an ONNX graph: dynamic batch, one operator per recurrent layer, opset 17."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.architecture import (
    GRU,
    LSTM,
    Architecture,
    Bidirectional,
    Conv1D,
    Dense,
    Flatten,
    GlobalAveragePooling1D,
    GlobalMaxPooling1D,
    MaxPooling1D,
    SelfAttention,
    SimpleRNN,
    TemporalBlock,
    Weights,
    layer_weights,
)
from models.bundle import CompiledArtifact
from models.golden import golden_windows
from models.manifest import TensorSpec
from models.reference import forward
from pipeline.compilers.onnx import feedforward, recurrent
from pipeline.compilers.onnx.graph import INPUT, OUTPUT, OnnxGraph
from pipeline.compilers.onnx.storage import STORAGES, rounded
from pipeline.compilers.onnx.values import BATCH_FIRST, Values

QUANTIZATIONS: Final = tuple(STORAGES)
OPEN_DIMENSION: Final = -1
"""How the manifest writes the dimension of the batch."""

LOWERINGS: Final[dict[type, Callable[[Any, dict[str, NDArray[Any]], Values], Values]]] = {
    SimpleRNN: recurrent.recurrent,
    LSTM: recurrent.recurrent,
    GRU: recurrent.recurrent,
    Bidirectional: recurrent.bidirectional,
    Dense: feedforward.dense,
    Conv1D: feedforward.conv1d,
    MaxPooling1D: feedforward.max_pooling,
    GlobalAveragePooling1D: feedforward.global_average,
    GlobalMaxPooling1D: feedforward.global_max,
    Flatten: feedforward.flatten,
    TemporalBlock: feedforward.temporal_block,
    SelfAttention: feedforward.self_attention,
}


def obstacle(architecture: Architecture, quantization: str) -> str | None:
    """Return what keeps this architecture from being lowered at this quantization, or None."""
    return None if quantization in QUANTIZATIONS else f"it knows the quantizations {', '.join(QUANTIZATIONS)}"


def lower(
    architecture: Architecture, weights: Weights, quantization: str, calibration: NDArray[Any] | None
) -> CompiledArtifact:
    """Return the artifact; see `pipeline.compilers.compile_model`."""
    graph = OnnxGraph(STORAGES[quantization])
    shapes = architecture.shapes()
    values = Values(graph, INPUT, BATCH_FIRST)
    for layer in architecture.layers:
        values = LOWERINGS[type(layer)](layer, layer_weights(layer, weights), values)
    content = graph.finish(architecture.name, input_shape=shapes[0], result=values.name, output_shape=shapes[-1])
    return CompiledArtifact(
        file=f"model.{quantization}.onnx",
        format="onnx",
        quantization=quantization,
        route="direct",
        input=TensorSpec(INPUT, "float32", (OPEN_DIMENSION, *shapes[0]), 0.0, 0),
        output=TensorSpec(OUTPUT, "float32", (OPEN_DIMENSION, *shapes[-1]), 0.0, 0),
        content=content,
        expected=None if quantization == "float32" else _expected(architecture, rounded(weights, quantization)),
    )


def _expected(architecture: Architecture, weights: Weights) -> NDArray[np.float32]:
    """Return what the oracle makes of the golden windows with these weights."""
    windows = golden_windows(architecture.window, architecture.channels)
    return np.asarray(forward(architecture, weights, windows), np.float32)
