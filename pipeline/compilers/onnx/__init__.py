"""Lower a model to an ONNX graph: dynamic batch, recurrent operators instead of loops of small ones, opset 13 to 17."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any, Final, TypeGuard

import numpy as np
from numpy.typing import NDArray

from edgehar.models.architecture import (
    GRU,
    LSTM,
    Activation,
    Affine,
    Architecture,
    AveragePooling1D,
    Bidirectional,
    Branches,
    Conv1D,
    Dense,
    Embedding,
    Flatten,
    GlobalAveragePooling1D,
    GlobalMaxPooling1D,
    Layer,
    LayerNormalization,
    Masking,
    MaxPooling1D,
    Recurrent,
    RepeatVector,
    Reshape,
    Reverse,
    SelfAttention,
    Shape,
    SimpleRNN,
    TemporalBlock,
    Weights,
    chain_shapes,
    every_layer,
    is_standard,
    layer_weights,
)
from edgehar.models.architecture.masks import makes_mask
from edgehar.models.bundle import CompiledArtifact
from edgehar.models.bundle.golden import golden_inputs
from edgehar.models.bundle.manifest import TensorSpec
from edgehar.models.inputs import input_type
from edgehar.models.reference import forward
from edgehar.pipeline.compilers.onnx import elementwise, feedforward, masks, recurrent
from edgehar.pipeline.compilers.onnx.activations import inside_cell
from edgehar.pipeline.compilers.onnx.graph import INPUT, OUTPUT, End, OnnxGraph
from edgehar.pipeline.compilers.onnx.masks import Mask
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
    AveragePooling1D: feedforward.average_pooling,
    GlobalAveragePooling1D: feedforward.global_average,
    GlobalMaxPooling1D: feedforward.global_max,
    Flatten: feedforward.flatten,
    TemporalBlock: feedforward.temporal_block,
    SelfAttention: feedforward.self_attention,
    Activation: elementwise.activation,
    Affine: elementwise.affine,
    LayerNormalization: elementwise.layer_normalization,
    Reverse: elementwise.reverse,
    RepeatVector: elementwise.repeat_vector,
    Reshape: elementwise.reshape,
    Embedding: feedforward.embedding,
    Masking: masks.masking,
}


def obstacle(architecture: Architecture, quantization: str) -> str | None:
    """Return what keeps this architecture from being lowered at this quantization, or None."""
    if quantization not in QUANTIZATIONS:
        return f"it knows the quantizations {', '.join(QUANTIZATIONS)}"
    for layer in every_layer(architecture.layers):
        if isinstance(layer, Recurrent | Bidirectional):
            for name in (layer.activation, getattr(layer, "recurrent_activation", layer.activation)):
                if inside_cell(name) is None:
                    return f"layer {layer.name} has the activation {name}, which recurrent operators do not have"
    return None


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
    if any(makes_mask(layer) for layer in architecture.layers):
        options = replace(options, fast=False)
    graph = OnnxGraph(STORAGES[quantization], opset=options.opset)
    shapes = architecture.shapes()
    values = Values(graph, INPUT, BATCH_FIRST[: len(architecture.input_shape) + 1])
    values = _lower_chain(architecture.layers, weights, values, shapes[0], options)
    result = values.as_(BATCH_FIRST) if "L" in values.axes else values.name
    content = graph.finish(
        architecture.name,
        results={OUTPUT: result},
        takes=[End.of_windows(INPUT, architecture.input_shape, input_type(architecture))],
        gives=[End.of_windows(OUTPUT, shapes[-1])],
    )
    return CompiledArtifact(
        file=f"model.{quantization}.onnx",
        format="onnx",
        quantization=quantization,
        route="direct",
        input=TensorSpec(INPUT, input_type(architecture).name, (OPEN_DIMENSION, *architecture.input_shape), 0.0, 0),
        output=TensorSpec(OUTPUT, "float32", (OPEN_DIMENSION, *shapes[-1]), 0.0, 0),
        content=content,
        expected=None if quantization == "float32" else expected_outputs(architecture, rounded(weights, quantization)),
    )


def _lower_chain(
    chain: Sequence[Layer], weights: Weights, values: Values, input_shape: Shape, options: OnnxOptions
) -> Values:
    """Lower layers, one after the other."""
    shapes = dict(zip(chain, chain_shapes(chain, input_shape), strict=False))
    mask: Mask | None = None
    for layers in _lowered_together(chain, shapes, options):
        own, (first, *_) = [layer_weights(layer, weights) for layer in layers], layers
        if isinstance(first, Branches):
            ends = [_lower_chain(branch, own[0], values, shapes[first], options) for branch in first.branches]
            values = feedforward.merged(first, ends)
        elif options.fast and _is_stack(layers):
            values = simple_rnn_stack(layers, own, values, steps=shapes[first][0])
        else:
            following = masks.after(first, values, mask, shapes[first][0])
            values = _lower_layer(first, own[0], values, mask)
            mask = following
    return values


def _lower_layer(layer: Layer, weights: dict[str, NDArray[Any]], values: Values, mask: Mask | None) -> Values:
    """Lower one layer; recurrent ones skip the steps that a mask leaves out."""
    if not isinstance(layer, Recurrent | Bidirectional) or mask is None:
        return LOWERINGS[type(layer)](layer, weights, values)
    return masks.recurrent(layer, weights, values, mask)


def _lowered_together(
    chain: Sequence[Layer], shapes: Mapping[Layer, Shape], options: OnnxOptions
) -> Iterator[tuple[Layer, ...]]:
    """Yield the layers in order: in the fast form a stack of SimpleRNN that keeps its last state as one."""
    for _, group in groupby(chain, key=lambda layer: isinstance(layer, SimpleRNN)):
        layers = tuple(group)
        if options.fast and _is_stack(layers) and len(layers) <= shapes[layers[0]][0]:
            yield layers
        else:
            yield from ((layer,) for layer in layers)


def _is_stack(layers: tuple[Layer, ...]) -> TypeGuard[tuple[SimpleRNN, ...]]:
    """Whether these layers become one operator."""
    last = layers[-1]
    standard = all(isinstance(layer, SimpleRNN) and is_standard(layer) for layer in layers)
    return standard and isinstance(last, SimpleRNN) and not last.return_sequences


def expected_outputs(architecture: Architecture, weights: Weights) -> NDArray[np.float32]:
    """Return what the oracle makes of the golden windows with these weights."""
    windows = golden_inputs(architecture)
    return np.asarray(forward(architecture, weights, windows), np.float32)
