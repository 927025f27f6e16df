"""Layers without a memory as ONNX operators."""

import functools
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgehar.models.architecture import (
    AveragePooling1D,
    Bidirectional,
    Branches,
    Conv1D,
    Dense,
    Embedding,
    Flatten,
    GlobalAveragePooling1D,
    GlobalMaxPooling1D,
    MaxPooling1D,
    SelfAttention,
    TemporalBlock,
)
from edgehar.pipeline.compilers.onnx.activations import activation
from edgehar.pipeline.compilers.onnx.graph import OnnxGraph
from edgehar.pipeline.compilers.onnx.values import BATCH_FIRST, CHANNELS_SECOND, VECTOR, Values

Arrays = dict[str, NDArray[Any]]


def dense(layer: Dense, weights: Arrays, values: Values) -> Values:
    """Lower to MatMul, Add and an activation: right for windows and for every step of a sequence."""
    flat = values.channels_last
    result = _project(values.graph, layer.name, flat.name, weights["kernel"], weights["bias"])
    return Values(values.graph, activation(values.graph, layer.activation, result), flat.axes)


def conv1d(layer: Conv1D, weights: Arrays, values: Values) -> Values:
    """Lower to Conv."""
    images = _centred(weights, values).as_(CHANNELS_SECOND)
    result = _convolve(values.graph, layer.name, layer, weights["kernel"], weights["bias"], images)
    return Values(values.graph, activation(values.graph, layer.activation, result, axis=1), CHANNELS_SECOND)


def max_pooling(layer: MaxPooling1D, weights: Arrays, values: Values) -> Values:
    """Lower to MaxPool."""
    return _pooled("MaxPool", layer, values)


def average_pooling(layer: AveragePooling1D, weights: Arrays, values: Values) -> Values:
    """Lower to AveragePool, which leaves out what stands beyond the ends."""
    return _pooled("AveragePool", layer, values)


def global_average(layer: GlobalAveragePooling1D, weights: Arrays, values: Values) -> Values:
    """Lower to ReduceMean over time."""
    return _reduce("ReduceMean", values)


def global_max(layer: GlobalMaxPooling1D, weights: Arrays, values: Values) -> Values:
    """Lower to ReduceMax over time."""
    return _reduce("ReduceMax", values)


def flatten(layer: Flatten, weights: Arrays, values: Values) -> Values:
    """Lower to Flatten, step after step."""
    return Values(values.graph, values.graph.node("Flatten", [values.as_(BATCH_FIRST)], axis=1), VECTOR)


def temporal_block(layer: TemporalBlock, weights: Arrays, values: Values) -> Values:
    """Lower to two Conv, the way around them, and a Relu of the sum."""
    graph, name, shape = values.graph, layer.name, layer.convolution
    around = _centred(weights, values).as_(CHANNELS_SECOND)
    first = _convolve(graph, f"{name}/first", shape, weights["first_kernel"], weights["first_bias"], around)
    first = graph.node("Relu", [first])
    second = _convolve(graph, f"{name}/second", shape, weights["second_kernel"], weights["second_bias"], first)
    second = graph.node("Relu", [second])
    if "residual_kernel" in weights:
        pointwise = Conv1D(f"{name}/residual", layer.filters, 1)
        kernel, bias = weights["residual_kernel"][np.newaxis], weights["residual_bias"]
        around = _convolve(graph, pointwise.name, pointwise, kernel, bias, around)
    return Values(graph, graph.node("Relu", [graph.node("Add", [around, second])]), CHANNELS_SECOND)


def self_attention(layer: SelfAttention, weights: Arrays, values: Values) -> Values:
    """Lower to four dense layers and two MatMul, of all heads at once."""
    graph, inputs = values.graph, values.as_(BATCH_FIRST)

    def project(which: str, name: str) -> str:
        return _project(graph, f"{layer.name}/{which}", name, weights[f"{which}_kernel"], weights[f"{which}_bias"])

    def by_head(name: str, order: list[int]) -> str:
        shape = graph.constant(f"{layer.name}/heads", np.array([0, 0, layer.heads, layer.key_size]))
        return graph.node("Transpose", [graph.node("Reshape", [name, shape])], perm=order)

    query, key, value = (project(which, inputs) for which in ("query", "key", "value"))
    if layer.heads == 1:
        key = graph.node("Transpose", [key], perm=[0, 2, 1])
    else:
        query, key, value = by_head(query, [0, 2, 1, 3]), by_head(key, [0, 2, 3, 1]), by_head(value, [0, 2, 1, 3])
    scores = graph.node("MatMul", [query, key])
    scale = graph.constant(f"{layer.name}/scale", np.array(1 / math.sqrt(layer.key_size), np.float32))
    shares = graph.node("Softmax", [graph.node("Mul", [scores, scale])], axis=-1)
    attended = graph.node("MatMul", [shares, value])
    if layer.heads > 1:
        width = graph.constant(f"{layer.name}/width", np.array([0, 0, layer.width]))
        attended = graph.node("Reshape", [graph.node("Transpose", [attended], perm=[0, 2, 1, 3]), width])
    output = project("output", attended)
    return Values(graph, graph.node("Add", [inputs, output]) if layer.residual else output, BATCH_FIRST)


def embedding(layer: Embedding, weights: Arrays, values: Values) -> Values:
    """Lower to Gather."""
    table = values.graph.kernel(f"{layer.name}/embeddings", weights["embeddings"], axis=1)
    return Values(values.graph, values.graph.node("Gather", [table, values.name], axis=0), BATCH_FIRST)


def merged(layer: Branches | Bidirectional, ends: list[Values]) -> Values:
    """Return the outputs of chains joined along the channels, or number by number."""
    graph, axes = ends[0].graph, VECTOR if "L" not in ends[0].axes else BATCH_FIRST
    names = [end.as_(axes) for end in ends]
    if layer.merge == "concat":
        return Values(graph, graph.node("Concat", names, axis=len(axes) - 1, name=layer.name), axes)
    kind = "Mul" if layer.merge == "mul" else "Add"
    total = functools.reduce(lambda left, right: graph.node(kind, [left, right]), names)
    if layer.merge == "ave":
        share = graph.constant(f"{layer.name}/share", np.array(1 / len(names), np.float32))
        total = graph.node("Mul", [total, share])
    return Values(graph, total, axes)


def _pooled(kind: str, layer: MaxPooling1D, values: Values) -> Values:
    """Return the pools of a window."""
    # What TensorFlow calls "same": the odd margin at the end.
    where = {"auto_pad": "SAME_UPPER"} if layer.padding == "same" else {}
    size, strides = [layer.pool_size], [layer.stride]
    images = values.as_(CHANNELS_SECOND)
    pooled = values.graph.node(kind, [images], kernel_shape=size, strides=strides, **where)
    return Values(values.graph, pooled, CHANNELS_SECOND)


def _project(graph: OnnxGraph, name: str, values: str, kernel: NDArray[Any], bias: NDArray[Any]) -> str:
    """Return values W + b over the last axis."""
    product = graph.node("MatMul", [values, graph.kernel(f"{name}/kernel", kernel, axis=1)])
    return graph.node("Add", [product, graph.constant(f"{name}/bias", bias)], name=name)


def _convolve(graph: OnnxGraph, name: str, layer: Conv1D, kernel: NDArray[Any], bias: NDArray[Any], images: str) -> str:
    """Return the convolution of (batch, channels, steps), without its activation."""
    # Filters are (outputs, inputs, steps).
    inputs = [
        images,
        graph.kernel(f"{name}/kernel", kernel.transpose(2, 1, 0), axis=0),
        graph.constant(f"{name}/bias", bias),
    ]
    options: dict[str, Any] = {"dilations": [layer.dilation]}
    if layer.strides > 1:
        options["strides"] = [layer.strides]
    if layer.padding == "same" and layer.strides > 1:
        # The margins depend on the length of the window.
        options["auto_pad"] = "SAME_UPPER"
    else:
        before = {"valid": 0, "same": layer.reach // 2, "causal": layer.reach}[layer.padding]
        options["pads"] = [before, layer.reach - before if layer.padding == "same" else 0]
    return graph.node("Conv", inputs, name=name, **options)


def _centred(weights: Arrays, values: Values) -> Values:
    """Return the values less the layer's offset, if it has one: zeros beyond the window's ends then mean the mean."""
    if "offset" not in weights:
        return values
    flat = values.channels_last
    centred = flat.graph.node("Sub", [flat.name, flat.graph.constant("offset", weights["offset"].astype(np.float32))])
    return Values(flat.graph, centred, flat.axes)


def _reduce(kind: str, values: Values) -> Values:
    """Reduce over time."""
    return Values(
        values.graph, values.graph.node(kind, [values.name], axes=[values.axes.index("L")], keepdims=0), VECTOR
    )
