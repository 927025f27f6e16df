"""The forward pass of every layer in NumPy: the oracle all other engines are held to.

Computed in float64 unless told otherwise, with the weights and the input as they are stored in float32, so its own
rounding is far below the 1e-5 that float engines are allowed.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import DTypeLike, NDArray

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
    Dropout,
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
    SimpleRNN,
    TemporalBlock,
    Weights,
    layer_weights,
)
from edgehar.models.reference import feedforward, masks, recurrent
from edgehar.models.reference.activations import ACTIVATIONS, sigmoid, softmax

__all__ = ["ACTIVATIONS", "chain_forward", "forward", "layer_forward", "sigmoid", "softmax", "supports"]

Array = NDArray[Any]


def forward(
    architecture: Architecture, weights: Weights, windows: Array, *, dtype: DTypeLike = np.float64
) -> NDArray[np.floating[Any]]:
    """Return the class probabilities of every window.

    Parameters
    ----------
    architecture, weights
        The model; the weights in Keras layout.
    windows : ndarray of shape (n_windows, window_length, channels)
        In the unit the weights were made for: raw g for folded weights.
    dtype
        Type of all arithmetic.

    Returns
    -------
    ndarray of shape (n_windows, n_classes), or (n_windows, steps, n_classes) with an output for every step, ``dtype``
    """
    values = np.asarray(windows, dtype=dtype)
    # Weights at the ends of their range overflow; who compares the outcome finds what is no number in it.
    with np.errstate(over="ignore", invalid="ignore"):
        return chain_forward(architecture.layers, weights, values)


def layer_forward(layer: Layer, weights: Weights, values: Array, mask: Array | None = None) -> Array:
    """Return what one layer makes of ``values`` (n, ...), computed in their type; ``weights`` by their short names.

    ``mask`` (n, steps) is which steps count; all by default.
    """
    own = {name: np.asarray(weight, values.dtype) for name, weight in weights.items()}
    if mask is not None and isinstance(layer, Recurrent | Bidirectional):
        return recurrent.MASKED[type(layer)](layer, own, values, mask)
    return _FORWARD[layer.kind](layer, own, values)


def chain_forward(layers: Sequence[Layer], weights: Weights, values: Array) -> Array:
    """Return what layers make of values, one after the other; ``weights`` by ``"<layer>/<weight>"``."""
    mask: Array | None = None
    for layer in layers:
        following = masks.after(layer, values, mask)
        values = layer_forward(layer, layer_weights(layer, weights), values, mask)
        mask = following
    return values


def _branches(layer: Branches, weights: dict[str, Array], values: Array) -> Array:
    """Join what every chain makes of the same values."""
    ends = [chain_forward(branch, weights, values) for branch in layer.branches]
    return np.asarray(recurrent.MERGED[layer.merge](ends))


_FORWARD: Final[dict[str, Callable[[Any, dict[str, Array], Array], Array]]] = {
    SimpleRNN.kind: recurrent.recurrent,
    LSTM.kind: recurrent.recurrent,
    GRU.kind: recurrent.recurrent,
    Bidirectional.kind: recurrent.bidirectional,
    Dense.kind: feedforward.dense,
    Conv1D.kind: feedforward.conv1d,
    MaxPooling1D.kind: feedforward.max_pooling,
    AveragePooling1D.kind: feedforward.average_pooling,
    GlobalAveragePooling1D.kind: lambda layer, weights, values: values.mean(axis=1),
    GlobalMaxPooling1D.kind: lambda layer, weights, values: values.max(axis=1),
    Flatten.kind: lambda layer, weights, values: values.reshape(len(values), -1),
    Dropout.kind: lambda layer, weights, values: values,
    TemporalBlock.kind: feedforward.temporal_block,
    SelfAttention.kind: feedforward.self_attention,
    Activation.kind: feedforward.activation,
    Affine.kind: feedforward.affine,
    LayerNormalization.kind: feedforward.layer_normalization,
    Reverse.kind: lambda layer, weights, values: values[:, ::-1],
    RepeatVector.kind: lambda layer, weights, values: np.repeat(values[:, np.newaxis], layer.count, axis=1),
    Reshape.kind: lambda layer, weights, values: values.reshape(len(values), layer.steps, layer.channels),
    Embedding.kind: feedforward.embedding,
    Masking.kind: lambda layer, weights, values: values * masks.of_values(layer, values)[..., np.newaxis],
    Branches.kind: _branches,
}


def supports(layer: Layer) -> bool:
    """Whether the oracle knows this layer; a test holds every layer type to it."""
    return layer.kind in _FORWARD
