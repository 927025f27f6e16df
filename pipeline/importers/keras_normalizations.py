"""The normalisations of Keras: what is an affine map once it is trained becomes one."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.architecture import Affine, LayerNormalization, Shape
from edgehar.pipeline.importers.keras_weights import Arrays, taken
from edgehar.pipeline.importers.model import Converted
from edgehar.pipeline.importers.options import Options

_LEAST_DEVIATION: Final = 1e-7
"""What Keras divides by at least, in ``Normalization``."""


def batch_normalization(name: str, options: Options, arrays: Arrays, shape: Shape) -> list[Converted]:
    """Convert to gamma / sqrt(variance + epsilon) and beta - mean times that."""
    _over_channels(options, shape)
    epsilon = options.number("epsilon", 1e-3)
    options.take("momentum")
    options.take("renorm_momentum")
    options.only("virtual_batch_size", None)
    parts = _scale_and_center(options)
    found = iter(taken(options, arrays, [shape[-1:]] * (len(parts) + 2)))
    own = {part: next(found).astype(np.float64) for part in (*parts, "mean", "variance")}
    factor = own.get("gamma", 1.0) / np.sqrt(own["variance"] + epsilon)
    return [_affine(name, factor, own.get("beta", 0.0) - own["mean"] * factor)]


def layer_normalization(name: str, options: Options, arrays: Arrays, shape: Shape) -> list[Converted]:
    """Convert a normalisation over the channels of every step."""
    _over_channels(options, shape)
    options.only("rms_scaling", False)
    layer = LayerNormalization(name, options.share("epsilon", options.number("epsilon", 1e-3)))
    parts = _scale_and_center(options)
    own = dict(zip(parts, taken(options, arrays, [shape[-1:]] * len(parts)), strict=True))
    plain = {"gamma": np.ones(shape[-1:], np.float32), "beta": np.zeros(shape[-1:], np.float32)}
    return [Converted(layer, plain | own)]


def normalization(name: str, options: Options, arrays: Arrays, shape: Shape) -> list[Converted]:
    """Convert (x - mean) / deviation, with statistics that were given or measured."""
    _over_channels(options, shape)
    options.only("invert", False)
    mean, variance = options.take("mean"), options.take("variance")
    if mean is None or variance is None:
        mean, variance = taken(options, arrays, [shape[-1:]] * 2)
    mean, variance = (_per_channel(options, each, shape) for each in (mean, variance))
    factor = 1 / np.maximum(np.sqrt(variance), _LEAST_DEVIATION)
    return [_affine(name, factor, -mean * factor)]


def rescaling(name: str, options: Options, arrays: Arrays, shape: Shape) -> list[Converted]:
    """Convert scale x + offset."""
    factor, shift = (_per_channel(options, options.take(key, 0.0), shape) for key in ("scale", "offset"))
    return [_affine(name, factor, shift)]


def _affine(name: str, factor: NDArray[Any], shift: NDArray[Any]) -> Converted:
    """Return an affine map; kept in double precision until it is folded."""
    return Converted(Affine(name), {"factor": np.asarray(factor), "shift": np.asarray(shift)})


def _per_channel(options: Options, value: Any, shape: Shape) -> NDArray[np.float64]:
    """Return a number, or one for every channel, as one for every channel."""
    try:
        found = np.broadcast_to(np.asarray(value, np.float64).reshape(-1), shape[-1:])
    except (TypeError, ValueError):
        options.refuse("statistics", value, "one number for every channel")
    return np.array(found)


def _over_channels(options: Options, shape: Shape) -> None:
    """Take the axis, which must be that of the channels."""
    options.only("axis", -1, [-1], len(shape), [len(shape)])


def _scale_and_center(options: Options) -> list[str]:
    """Take which of gamma and beta there are."""
    there = {"gamma": options.flag("scale", True), "beta": options.flag("center", True)}
    return [part for part, is_there in there.items() if is_there]


NORMALIZATION_LAYERS: Final[dict[str, Any]] = {
    "BatchNormalization": batch_normalization,
    "LayerNormalization": layer_normalization,
    "Normalization": normalization,
    "Rescaling": rescaling,
}
