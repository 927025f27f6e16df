"""Layers without a memory as TFLite operators.

Sequences are (1, steps, channels). Convolutions and pooling see, and give, images one pixel high:
(1, 1, steps, channels). The others take either.
"""

import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from edgehar.models.architecture import (
    AveragePooling1D,
    Conv1D,
    Dense,
    Embedding,
    Flatten,
    GlobalAveragePooling1D,
    GlobalMaxPooling1D,
    Masking,
    MaxPooling1D,
    SelfAttention,
    TemporalBlock,
)
from edgehar.pipeline.compilers.tflite import operators as op
from edgehar.pipeline.compilers.tflite.activations import activation
from edgehar.pipeline.compilers.tflite.elementwise import ELEMENTWISE
from edgehar.pipeline.compilers.tflite.graph import Subgraph, Tensor
from edgehar.pipeline.compilers.tflite.masks import masking

Arrays = dict[str, NDArray[Any]]


def dense(graph: Subgraph, layer: Dense, weights: Arrays, values: Tensor) -> Tensor:
    """Lower to FULLY_CONNECTED and an activation."""
    product = _project(graph, layer.name, values, weights["kernel"], weights["bias"])
    return activation(graph, layer.activation, product, name=layer.name)


def conv1d(graph: Subgraph, layer: Conv1D, weights: Arrays, values: Tensor) -> Tensor:
    """Lower to CONV_2D over an image one pixel high."""
    return _convolve(graph, layer.name, layer, weights["kernel"], weights["bias"], _centred(graph, weights, values))


def max_pooling(graph: Subgraph, layer: MaxPooling1D, weights: Arrays, values: Tensor) -> Tensor:
    """Lower to MAX_POOL_2D over an image one pixel high."""
    return _pooled(graph, "MAX_POOL_2D", layer, values)


def average_pooling(graph: Subgraph, layer: AveragePooling1D, weights: Arrays, values: Tensor) -> Tensor:
    """Lower to AVERAGE_POOL_2D over an image one pixel high; it leaves out what stands beyond the ends."""
    return _pooled(graph, "AVERAGE_POOL_2D", layer, values)


def global_average(graph: Subgraph, layer: GlobalAveragePooling1D, weights: Arrays, values: Tensor) -> Tensor:
    """Lower to MEAN over time."""
    return op.reduce(graph, "MEAN", values)


def global_max(graph: Subgraph, layer: GlobalMaxPooling1D, weights: Arrays, values: Tensor) -> Tensor:
    """Lower to REDUCE_MAX over time."""
    return op.reduce(graph, "REDUCE_MAX", values)


def flatten(graph: Subgraph, layer: Flatten, weights: Arrays, values: Tensor) -> Tensor:
    """Lower to RESHAPE."""
    return op.reshape(graph, values, (1, math.prod(values.shape)))


def temporal_block(graph: Subgraph, layer: TemporalBlock, weights: Arrays, values: Tensor) -> Tensor:
    """Lower to two convolutions, the way around them, and a RELU of the sum."""
    values, name, shape = _as_image(graph, _centred(graph, weights, values)), layer.name, layer.convolution
    first = _convolve(graph, f"{name}/first", shape, weights["first_kernel"], weights["first_bias"], values)
    second = _convolve(graph, f"{name}/second", shape, weights["second_kernel"], weights["second_bias"], first)
    if "residual_kernel" in weights:
        values = _project(graph, f"{name}/residual", values, weights["residual_kernel"], weights["residual_bias"])
    return activation(graph, "relu", op.add(graph, values, second))


def self_attention(graph: Subgraph, layer: SelfAttention, weights: Arrays, values: Tensor) -> Tensor:
    """Lower to four dense layers and two BATCH_MATMUL a head; 1 / sqrt(d) is in the query's weights."""
    scale, values = np.float32(1 / math.sqrt(layer.key_size)), as_sequence(graph, values)

    def project(which: str, inputs: Tensor, factor: np.float32 | int = 1) -> Tensor:
        kernel, bias = weights[f"{which}_kernel"] * factor, weights[f"{which}_bias"] * factor
        return _project(graph, f"{layer.name}/{which}", inputs, kernel, bias)

    projected = [project("query", values, scale), project("key", values), project("value", values)]
    heads = zip(*(op.split(graph, each, layer.heads) if layer.heads > 1 else [each] for each in projected), strict=True)
    attended = []
    for query, key, value in heads:
        shares = activation(graph, "softmax", op.batch_matmul(graph, query, key, transposed=True))
        attended.append(op.batch_matmul(graph, shares, value))
    output = project("output", op.concatenate(graph, attended) if layer.heads > 1 else attended[0])
    return op.add(graph, values, output) if layer.residual else output


def embedding(graph: Subgraph, layer: Embedding, weights: Arrays, values: Tensor) -> Tensor:
    """Lower to GATHER; vectors that are kept as int8 are widened after they are taken."""
    stored = graph.kernel(f"{layer.name}/embeddings", weights["embeddings"])
    return op.take_rows(graph, stored, values)


def as_sequence(graph: Subgraph, values: Tensor) -> Tensor:
    """Return an image one pixel high as a sequence; anything else as it is."""
    return op.reshape(graph, values, (1, *values.shape[2:])) if len(values.shape) == 4 else values


LOWERINGS: Final[dict[type, Callable[[Subgraph, Any, Arrays, Tensor], Tensor]]] = {
    Dense: dense,
    Conv1D: conv1d,
    MaxPooling1D: max_pooling,
    AveragePooling1D: average_pooling,
    GlobalAveragePooling1D: global_average,
    GlobalMaxPooling1D: global_max,
    Flatten: flatten,
    TemporalBlock: temporal_block,
    SelfAttention: self_attention,
    Embedding: embedding,
    Masking: masking,
    **ELEMENTWISE,
}


def _pooled(graph: Subgraph, kind: str, layer: MaxPooling1D, values: Tensor) -> Tensor:
    """Return the pools of a window, as an image one pixel high."""
    steps, channels = layer.output_shape(values.shape[-2:])
    options = schema.Pool2DOptionsT()
    options.padding = schema.Padding.SAME if layer.padding == "same" else schema.Padding.VALID
    options.filterWidth, options.strideW = layer.pool_size, layer.stride
    options.filterHeight = options.strideH = 1
    pooled = graph.tensor("", (1, 1, steps, channels))
    graph.operator(kind, [_as_image(graph, values)], [pooled], options)
    return pooled


def _project(graph: Subgraph, name: str, values: Tensor, kernel: NDArray[Any], bias: NDArray[Any]) -> Tensor:
    """Return values W + b over the last axis."""
    stored = graph.kernel(f"{name}/kernel", kernel.T)
    product = op.fully_connected(graph, values, stored, graph.constant(f"{name}/bias", bias))
    return op.reshape(graph, product, (*values.shape[:-1], kernel.shape[1]))


def _centred(graph: Subgraph, weights: Arrays, values: Tensor) -> Tensor:
    """Return the values less the layer's offset, if it has one: zeros beyond the window's ends then mean the mean."""
    if "offset" not in weights:
        return values
    return op.subtract(graph, values, graph.constant("offset", weights["offset"]))


def _convolve(
    graph: Subgraph, name: str, layer: Conv1D, kernel: NDArray[Any], bias: NDArray[Any], values: Tensor
) -> Tensor:
    """Return the convolution with its activation."""
    image = _as_image(graph, values)
    if layer.padding == "causal":
        image = op.pad_before(graph, image, layer.reach)
    options = schema.Conv2DOptionsT()
    options.padding = schema.Padding.SAME if layer.padding == "same" else schema.Padding.VALID
    options.strideH = options.dilationHFactor = 1
    options.strideW, options.dilationWFactor = layer.strides, layer.dilation
    is_relu = layer.activation == "relu"
    if is_relu:
        options.fusedActivationFunction = schema.ActivationFunctionType.RELU
    # Filters are (outputs, height, width, inputs).
    stored = graph.kernel(f"{name}/kernel", kernel.transpose(2, 0, 1)[:, np.newaxis])
    steps, filters = layer.output_shape(values.shape[-2:])
    result = graph.tensor("", (1, 1, steps, filters))
    version = 2 if stored.dtype == np.int8 else 1
    inputs = [image, stored, graph.constant(f"{name}/bias", bias)]
    graph.operator("CONV_2D", inputs, [result], options, version=version)
    return result if is_relu else activation(graph, layer.activation, result)


def _as_image(graph: Subgraph, values: Tensor) -> Tensor:
    """Return a sequence as an image one pixel high; an image as it is."""
    return op.reshape(graph, values, (1, 1, *values.shape[-2:]))
