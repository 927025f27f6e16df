"""Layers without a memory in integers: int16 values, int8 kernels, scales from what calibration windows made of them.

Margins of convolutions are joined to their input, so that no operator pads: zeros, or, where a first layer has the
normalisation folded into it, the mean.
"""

import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.architecture import (
    AveragePooling1D,
    Conv1D,
    Dense,
    Flatten,
    GlobalAveragePooling1D,
    GlobalMaxPooling1D,
    MaxPooling1D,
    SelfAttention,
    TemporalBlock,
)
from edgehar.models.quantization import quantize
from edgehar.models.reference import ACTIVATIONS as REFERENCE
from edgehar.models.reference import softmax
from edgehar.pipeline.compilers.tflite import operators as plain
from edgehar.pipeline.compilers.tflite.graph import Scale, Subgraph, Tensor
from edgehar.pipeline.compilers.tflite.integer import operators as op
from edgehar.pipeline.compilers.tflite.integer.scales import GATE, UNIT, number_of, observed_scale
from edgehar.pipeline.compilers.tflite.integer.weights import Factor, store_factors

Array = NDArray[Any]
Arrays = dict[str, Array]

ACTIVATIONS: Final = ("linear", "relu", "tanh", "sigmoid", "softmax")
"""Activations of dense layers and convolutions that integers have."""

_HEADROOM: Final = 8.0
"""How many times larger than in calibration a value may be: an impact, or a sensor at its limit."""

_MOST_ROWS: Final = 20_000
"""Of what a kernel meets in calibration: enough to round it by."""


def dense(graph: Subgraph, layer: Dense, weights: Arrays, values: Tensor, observed: Array) -> Tensor:
    """Lower to FULLY_CONNECTED and an activation."""
    return _linear(graph, layer.name, values, observed, weights["kernel"], weights["bias"], layer.activation)


def conv1d(graph: Subgraph, layer: Conv1D, weights: Arrays, values: Tensor, observed: Array) -> Tensor:
    """Lower to CONV_2D over an image one pixel high, and an activation."""
    offset = weights.get("offset")
    return _convolve(graph, layer.name, layer, (weights["kernel"], weights["bias"], offset), values, observed)[0]


def pooling(graph: Subgraph, layer: MaxPooling1D, weights: Arrays, values: Tensor, observed: Array) -> Tensor:
    """Lower to MAX_POOL_2D or AVERAGE_POOL_2D, at the scale of the input."""
    steps, channels = layer.output_shape(values.shape[-2:])
    kind = "MAX_POOL_2D" if layer.kind == MaxPooling1D.kind else "AVERAGE_POOL_2D"
    return op.pool(graph, kind, layer, values, (1, 1, steps, channels))


def global_average(
    graph: Subgraph, layer: GlobalAveragePooling1D, weights: Arrays, values: Tensor, observed: Array
) -> Tensor:
    """Lower to MEAN over time."""
    return op.mean(graph, values, _roomy(observed.mean(axis=1)))


def global_max(graph: Subgraph, layer: GlobalMaxPooling1D, weights: Arrays, values: Tensor, observed: Array) -> Tensor:
    """Lower to one pool over all steps, at the scale of the input: tflite-micro has no REDUCE_MAX of int16."""
    steps, channels = values.shape[-2:]
    pool = op.pool(graph, "MAX_POOL_2D", MaxPooling1D(layer.name, steps), values, (1, 1, 1, channels))
    return plain.reshape(graph, pool, (1, channels))


def flatten(graph: Subgraph, layer: Flatten, weights: Arrays, values: Tensor, observed: Array) -> Tensor:
    """Lower to RESHAPE."""
    return plain.reshape(graph, values, (1, math.prod(values.shape)))


def temporal_block(graph: Subgraph, layer: TemporalBlock, weights: Arrays, values: Tensor, observed: Array) -> Tensor:
    """Lower to two convolutions, the way around them, and a sum with RELU."""
    name, shape, offset = layer.name, layer.convolution, weights.get("offset")
    parts = {which: (weights[f"{which}_kernel"], weights[f"{which}_bias"]) for which in ("first", "second")}
    first, seen_first = _convolve(graph, f"{name}/first", shape, (*parts["first"], offset), values, observed)
    second, seen = _convolve(graph, f"{name}/second", shape, (*parts["second"], None), first, seen_first)
    around, seen_around = plain.reshape(graph, values, second.shape[:-1] + values.shape[-1:]), observed
    if "residual_kernel" in weights:
        kernel, bias = weights["residual_kernel"], weights["residual_bias"]
        bias = bias if offset is None else bias - offset @ kernel
        around = _linear(graph, f"{name}/residual", around, observed, kernel, bias, "linear")
        seen_around = observed @ kernel + bias
    return op.add(graph, around, second, _roomy(np.maximum(seen_around + seen, 0)), relu=True)


def self_attention(graph: Subgraph, layer: SelfAttention, weights: Arrays, values: Tensor, observed: Array) -> Tensor:
    """Lower to four dense layers and two BATCH_MATMUL a head; 1 / sqrt(d) is in the query's weights."""
    factor = 1 / math.sqrt(layer.key_size)
    projected, seen = [], []
    for which, by in (("query", factor), ("key", 1.0), ("value", 1.0)):
        kernel, bias = weights[f"{which}_kernel"] * by, weights[f"{which}_bias"] * by
        made = _linear(graph, f"{layer.name}/{which}", values, observed, kernel, bias, "linear")
        projected.append(op.split(graph, made, layer.heads) if layer.heads > 1 else [made])
        seen.append(np.split(observed @ kernel + bias, layer.heads, axis=-1))
    # One scale for all heads: they are joined. Attention gives means of values.
    whole = _roomy(np.concatenate(seen[2], axis=-1))
    attended, seen_attended = [], []
    for (query, key, value), (seen_query, seen_key, seen_value) in zip(
        zip(*projected, strict=True), zip(*seen, strict=True), strict=True
    ):
        scores = seen_query @ seen_key.swapaxes(1, 2)
        found = op.batch_matmul(graph, query, key, _roomy(scores), transposed=True)
        seen_attended.append(softmax(scores) @ seen_value)
        shares = op.activation(graph, "softmax", found)
        attended.append(op.batch_matmul(graph, shares, value, whole))
    joined, together = attended[0], np.concatenate(seen_attended, axis=-1)
    if layer.heads > 1:
        joined = op.concatenate(graph, attended, axis=2)
    kernel, bias = weights["output_kernel"], weights["output_bias"]
    result = _linear(graph, f"{layer.name}/output", joined, together, kernel, bias, "linear")
    if not layer.residual:
        return result
    return op.add(graph, values, result, _roomy(observed + together @ kernel + bias))


Lowering = Callable[[Subgraph, Any, Arrays, Tensor, Array], Tensor]

LOWERINGS: Final[dict[type, Lowering]] = {
    Dense: dense,
    Conv1D: conv1d,
    MaxPooling1D: pooling,
    AveragePooling1D: pooling,
    GlobalAveragePooling1D: global_average,
    GlobalMaxPooling1D: global_max,
    Flatten: flatten,
    TemporalBlock: temporal_block,
    SelfAttention: self_attention,
}
"""How each kind of layer is lowered: from its input and what that was in calibration (n, steps, channels)."""


def _linear(
    graph: Subgraph, name: str, values: Tensor, observed: Array, kernel: Array, bias: Array, activation: str
) -> Tensor:
    """Return activation(x W + b) over the last axis."""
    sums = observed @ kernel + bias
    # What comes of states between -1 and 1 is bounded.
    before = _scale_before(activation, sums, observed_scale if values.scale == UNIT else _roomy)
    factor = Factor(f"{name}/kernel", kernel, values.scale, _some(observed))
    (stored,), offset = store_factors(graph, f"{name}/bias", [factor], bias, np.int64)
    result = op.linear(graph, values, stored, offset, before, relu=activation == "relu")
    result = plain.reshape(graph, result, (*values.shape[:-1], kernel.shape[1]))
    return _activated(graph, activation, result, name)


def _convolve(
    graph: Subgraph,
    name: str,
    layer: Conv1D,
    weights: tuple[Array, Array, Array | None],
    values: Tensor,
    observed: Array,
) -> tuple[Tensor, Array]:
    """Return the convolution with its activation, and what it was in calibration; ``weights`` end in the offset."""
    kernel, bias, offset = weights
    channels, filters = kernel.shape[1:]
    bias = bias if offset is None else bias - np.tensordot(offset, kernel, axes=(0, 1)).sum(axis=0)
    margin, places = np.zeros(channels) if offset is None else offset, layer.places(values.shape[-2])
    sequence = plain.reshape(graph, values, (1, *values.shape[-2:]))
    ends = [np.tile(margin, (1, count, 1)) for count in (places.before, places.after)]
    stored_ends = [
        graph.constant(
            f"{name}/margin", quantize(end, scale=number_of(values.scale), dtype=np.int16), scale=values.scale
        )
        if end.size
        else None
        for end in ends
    ]
    parts = [part for part in (stored_ends[0], sequence, stored_ends[1]) if part is not None]
    padded = op.concatenate(graph, parts, axis=1) if len(parts) > 1 else sequence
    image = plain.reshape(graph, padded, (1, 1, padded.shape[1], channels))
    around = [np.repeat(end, len(observed), axis=0) for end in ends]
    columns = _columns(layer, np.concatenate([around[0], observed, around[1]], axis=1))
    matrix = kernel.reshape(-1, filters)
    sums = columns @ matrix + bias
    factor = Factor(
        f"{name}/kernel", matrix, values.scale, _some(columns), shape=(filters, 1, layer.kernel_size, channels)
    )
    (stored,), stored_bias = store_factors(graph, f"{name}/bias", [factor], bias, np.int64)
    shape, before = (1, 1, places.count, filters), _scale_before(layer.activation, sums, _roomy)
    result = op.convolve(graph, layer, image, (stored, stored_bias), shape, before)
    return _activated(graph, layer.activation, result, name), REFERENCE[layer.activation](sums)


def _columns(layer: Conv1D, padded: Array) -> Array:
    """Return what every filter sees at every step (n, steps, kernel_size x channels)."""
    seen = np.lib.stride_tricks.sliding_window_view(padded, layer.reach + 1, axis=1)
    seen = seen[:, :: layer.strides, :, :: layer.dilation].swapaxes(2, 3)
    return np.asarray(seen.reshape(*seen.shape[:2], -1))


def _some(observed: Array) -> Array:
    """Return up to `_MOST_ROWS` of what was met, evenly over all of it."""
    rows = observed.reshape(-1, observed.shape[-1])
    return np.asarray(rows[np.linspace(0, len(rows) - 1, min(len(rows), _MOST_ROWS)).astype(int)])


def _scale_before(activation: str, sums: Array, scale_of: Callable[[Array], Scale]) -> Scale:
    """Return the scale of what goes into an activation; of a relu, of what comes out."""
    if activation in ("tanh", "sigmoid"):
        return GATE
    return scale_of(np.maximum(sums, 0) if activation == "relu" else sums)


def _roomy(values: Array) -> Scale:
    """Return a scale with room for inputs several times as large as those of calibration; 13 bits of 16 are left."""
    return observed_scale(values, headroom=_HEADROOM)


def _activated(graph: Subgraph, activation: str, values: Tensor, name: str) -> Tensor:
    """Return an activation of values; a relu is part of the operator before it."""
    return values if activation in ("linear", "relu") else op.activation(graph, activation, values, name=name)
