"""Which steps of windows count, from layer to layer."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgehar.models.architecture import Embedding, Layer, Masking, Reverse
from edgehar.models.architecture.masks import ends_mask

Array = NDArray[Any]


def after(layer: Layer, values: Array, mask: Array | None) -> Array | None:
    """Return which steps count behind a layer (n, steps), from its input and what counts before it; None for all."""
    if isinstance(layer, Masking):
        return of_values(layer, values)
    if isinstance(layer, Embedding):
        return values[..., 0] != 0 if layer.mask_zero else None
    if mask is None or ends_mask(layer):
        return None
    return mask[:, ::-1] if isinstance(layer, Reverse) else mask


def of_values(layer: Masking, values: Array) -> Array:
    """Return which steps have a channel of another value than the one that masks."""
    found: Array = np.any(values != np.float32(layer.value), axis=-1)
    return found
