"""The layers without a memory in NumPy."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgehar.models.architecture import (
    Activation,
    Affine,
    AveragePooling1D,
    Conv1D,
    Dense,
    Embedding,
    LayerNormalization,
    MaxPooling1D,
    SelfAttention,
    TemporalBlock,
)
from edgehar.models.reference.activations import ACTIVATIONS, leaky_relu, softmax

Array = NDArray[Any]


def dense(layer: Dense, weights: dict[str, Array], values: Array) -> Array:
    """activation(x W + b)."""
    return ACTIVATIONS[layer.activation](values @ weights["kernel"] + weights["bias"])


def conv1d(layer: Conv1D, weights: dict[str, Array], values: Array) -> Array:
    """activation(sum over k of x[t + k dilation] W[k] + b), zeros outside the window.

    A folded layer with margins has an ``offset``, taken from its input first: what is zero outside is then the mean.
    """
    return ACTIVATIONS[layer.activation](
        _convolve(layer, weights["kernel"], weights["bias"], _centred(weights, values))
    )


def max_pooling(layer: MaxPooling1D, weights: dict[str, Array], values: Array) -> Array:
    """Return the largest of every ``pool_size`` steps."""
    return np.asarray(_pools(layer, values, -np.inf).max(axis=-1))


def average_pooling(layer: AveragePooling1D, weights: dict[str, Array], values: Array) -> Array:
    """Return the mean of every ``pool_size`` steps, of those inside the window."""
    inside = _pools(layer, np.ones_like(values[:1, :, :1]), 0).sum(axis=-1)
    return np.asarray(_pools(layer, values, 0).sum(axis=-1) / inside)


def _pools(layer: MaxPooling1D, values: Array, outside: float) -> Array:
    """Return every pool along the last axis (n, pools, channels, pool_size)."""
    places = layer.places(values.shape[1])
    margins = ((0, 0), (places.before, places.after), (0, 0))
    padded = np.pad(values, margins, constant_values=outside)
    return np.lib.stride_tricks.sliding_window_view(padded, layer.pool_size, axis=1)[:, :: layer.stride]


def activation(layer: Activation, weights: dict[str, Array], values: Array) -> Array:
    """Return an activation function alone."""
    if layer.activation == "leaky_relu":
        return leaky_relu(values, layer.slope)
    return ACTIVATIONS[layer.activation](values)


def affine(layer: Affine, weights: dict[str, Array], values: Array) -> Array:
    """Return factor x + shift."""
    return np.asarray(values * weights["factor"] + weights["shift"])


def layer_normalization(layer: LayerNormalization, weights: dict[str, Array], values: Array) -> Array:
    """Return (x - mean) / sqrt(variance + epsilon) * gamma + beta, over the channels."""
    centred = values - values.mean(axis=-1, keepdims=True)
    deviation = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + values.dtype.type(layer.epsilon))
    return np.asarray(centred / deviation * weights["gamma"] + weights["beta"])


def temporal_block(layer: TemporalBlock, weights: dict[str, Array], values: Array) -> Array:
    """relu(x R + relu(conv(relu(conv(x)))))."""
    relu = ACTIVATIONS["relu"]
    values = _centred(weights, values)
    first = relu(_convolve(layer.convolution, weights["first_kernel"], weights["first_bias"], values))
    second = relu(_convolve(layer.convolution, weights["second_kernel"], weights["second_bias"], first))
    around = values
    if "residual_kernel" in weights:
        around = values @ weights["residual_kernel"] + weights["residual_bias"]
    return relu(around + second)


def self_attention(layer: SelfAttention, weights: dict[str, Array], values: Array) -> Array:
    """x + softmax(Q K' / sqrt(d)) V O, for every head."""
    count, steps, _ = values.shape
    query, key, value = (
        (values @ weights[f"{which}_kernel"] + weights[f"{which}_bias"])
        .reshape(count, steps, layer.heads, layer.key_size)
        .swapaxes(1, 2)
        for which in ("query", "key", "value")
    )
    shares = softmax(query @ key.swapaxes(2, 3) / values.dtype.type(math.sqrt(layer.key_size)))
    attended = (shares @ value).swapaxes(1, 2).reshape(count, steps, layer.width)
    output = attended @ weights["output_kernel"] + weights["output_bias"]
    return np.asarray(values + output if layer.residual else output)


def embedding(layer: Embedding, weights: dict[str, Array], values: Array) -> Array:
    """Return the vector of every token (n, steps, 1); engines refuse those that there are not."""
    return np.take(weights["embeddings"], values[..., 0].astype(np.int64), axis=0, mode="clip")


def _centred(weights: dict[str, Array], values: Array) -> Array:
    """Return the values less the layer's offset, if it has one."""
    return values - weights["offset"] if "offset" in weights else values


def _convolve(layer: Conv1D, kernel: Array, bias: Array, values: Array) -> Array:
    """Return the convolution as one matrix product over the samples each filter sees."""
    places = layer.places(values.shape[1])
    padded = np.pad(values, ((0, 0), (places.before, places.after), (0, 0)))
    seen = np.lib.stride_tricks.sliding_window_view(padded, layer.reach + 1, axis=1)
    seen = seen[:, :: layer.strides, :, :: layer.dilation]
    count, steps = seen.shape[:2]
    columns = seen.swapaxes(2, 3).reshape(count, steps, -1)
    return np.asarray(columns @ kernel.reshape(-1, kernel.shape[-1]) + bias)
