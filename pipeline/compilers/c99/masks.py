"""Masked samples in the C engine: the number that masks, and what calibration is without them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgehar.models.architecture import Architecture
from edgehar.models.portable.fixed_point import to_samples
from edgehar.models.reference import masks
from edgehar.models.stepping import masking


def mask_number(architecture: Architecture, bits: int, *, integer: bool) -> float | None:
    """Return the number that masks a sample, of an integer model as a sample with so many bits; None for no mask.

    Integer samples are masked where all of them round to it.
    """
    layer = masking(architecture)
    if layer is None:
        return None
    return int(to_samples(np.array(layer.value), bits)) if integer else float(np.float32(layer.value))


def counting(architecture: Architecture, windows: NDArray[Any]) -> NDArray[np.bool_] | None:
    """Return which samples of windows are not masked; None where the model has no mask."""
    layer = masking(architecture)
    return None if layer is None else np.asarray(masks.of_values(layer, windows), bool)


def unmasked(architecture: Architecture, windows: NDArray[Any] | None) -> NDArray[Any] | None:
    """Return windows with zeros in the place of masked samples, which may be far from what a sensor measures."""
    counts = None if windows is None else counting(architecture, windows)
    return windows if windows is None or counts is None else windows * counts[..., np.newaxis]
