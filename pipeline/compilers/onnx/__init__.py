"""Lower a model to an ONNX graph: dynamic batch, recurrent operators instead of loops of small ones, opset 13 to 17."""

from collections.abc import Callable, Iterator
from itertools import groupby
from typing import Any, Final, TypeGuard

import numpy as np
from numpy.typing import NDArray

from edgehar.models.architecture import (
    GRU,
    LSTM,
    Architecture,
    Bidirectional,
    Conv1D,
    Dense,
    Flatten,
    GlobalAveragePooling1D,
    GlobalMaxPooling1D,
    Layer,
    MaxPooling1D,
    SelfAttention,
    SimpleRNN,
    TemporalBlock,
    Weights,
    layer_weights,
)
from edgehar.models.bundle import CompiledArtifact
from edgehar.models.bundle.golden import golden_windows
from edgehar.models.bundle.manifest import TensorSpec
from edgehar.models.reference import forward
from edgehar.pipeline.compilers.onnx import feedforward, recurrent
from edgehar.pipeline.compilers.onnx.graph import INPUT, OUTPUT, OnnxGraph
from edgehar.pipeline.compilers.onnx.storage import STORAGES, rounded, shared_scales
from edgehar.pipeline.compilers.onnx.values import BATCH_FIRST, Values
from edgehar.pipeline.compilers.onnx.wave import simple_rnn_stack
from edgehar.pipeline.compilers.onnx_options import OnnxOptions
from edgehar.pipeline.compilers.quantization.prerounding import preround

QUANTIZATIONS: Final = tuple(STORAGES)
INT8: Final = "int8-weights"
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
    architecture: Architecture,
    weights: Weights,
    quantization: str,
    calibration: NDArray[Any] | None,
    *,
    options: OnnxOptions,
) -> CompiledArtifact:
    """Return the artifact; see `edgehar.pipeline.compilers.compile_model`."""
    if quantization == INT8 and calibration is not None:
        weights = preround(architecture, weights, calibration, shared_scales)
    graph = OnnxGraph(STORAGES[quantization], opset=options.opset)
    shapes = architecture.shapes()
    values = Values(graph, INPUT, BATCH_FIRST)
    for layers in _lowered_together(architecture, options):
        own = [layer_weights(layer, weights) for layer in layers]
        if options.fast and _is_stack(layers):
            steps = shapes[architecture.layers.index(layers[0])][0]
            values = simple_rnn_stack(layers, own, values, steps=steps)
        else:
            values = LOWERINGS[type(layers[0])](layers[0], own[0], values)
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


def _lowered_together(architecture: Architecture, options: OnnxOptions) -> Iterator[tuple[Layer, ...]]:
    """Yield the layers in order: in the fast form a stack of SimpleRNN that keeps its last state as one."""
    shapes = dict(zip(architecture.layers, architecture.shapes(), strict=False))
    for _, group in groupby(architecture.layers, key=lambda layer: isinstance(layer, SimpleRNN)):
        layers = tuple(group)
        if options.fast and _is_stack(layers) and len(layers) <= shapes[layers[0]][0]:
            yield layers
        else:
            yield from ((layer,) for layer in layers)


def _is_stack(layers: tuple[Layer, ...]) -> TypeGuard[tuple[SimpleRNN, ...]]:
    """Whether these layers become one operator."""
    last = layers[-1]
    return isinstance(last, SimpleRNN) and not last.return_sequences


def _expected(architecture: Architecture, weights: Weights) -> NDArray[np.float32]:
    """Return what the oracle makes of the golden windows with these weights."""
    windows = golden_windows(architecture.window, architecture.channels)
    return np.asarray(forward(architecture, weights, windows), np.float32)
