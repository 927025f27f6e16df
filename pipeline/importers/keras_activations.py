"""The activations of Keras, as options of a layer and as layers of their own."""

from typing import Any, Final

from edgehar.models.architecture import ACTIVATION_NAMES, CELL_ACTIVATIONS, Activation, Shape
from edgehar.pipeline.importers.keras_weights import Arrays
from edgehar.pipeline.importers.model import Converted
from edgehar.pipeline.importers.options import Options

_OTHER_NAMES: Final = {"swish": "silu", "hard_swish": "hard_silu", "celu": "elu", "log_sigmoid": "log_sigmoid"}
"""Names of Keras for activations that are called otherwise here."""

_ELU_LEAK: Final = 1.0


def activation_of(options: Options, *, name: str = "activation", default: str = "linear", cell: bool = False) -> str:
    """Take the activation of a layer; None means none."""
    known = CELL_ACTIVATIONS if cell else ACTIVATION_NAMES
    if options.peek(name, default) is None:
        options.take(name)
        return "linear"
    found = options.choice(name, default, (*known, *_OTHER_NAMES))
    return _OTHER_NAMES.get(found, found)


def activation_layer(name: str, options: Options, arrays: Arrays, shape: Shape) -> list[Converted]:
    """Convert ``Activation``."""
    return _alone(name, activation_of(options))


def relu_layer(name: str, options: Options, arrays: Arrays, shape: Shape) -> list[Converted]:
    """Convert ``ReLU``: plain, up to 6, or leaky."""
    options.only("threshold", 0.0, 0, None)
    ceiling, slope = options.take("max_value"), options.number("negative_slope", 0.0)
    if ceiling not in (None, 6) or (ceiling is not None and slope):
        options.refuse("max_value", ceiling, "none, or 6 without a slope")
    if slope:
        return [Converted(Activation(name, "leaky_relu", options.share("negative_slope", slope)))]
    return _alone(name, "relu" if ceiling is None else "relu6")


def leaky_relu_layer(name: str, options: Options, arrays: Arrays, shape: Shape) -> list[Converted]:
    """Convert ``LeakyReLU``; Keras 2 calls its slope ``alpha``."""
    slope = options.number("alpha", options.number("negative_slope", 0.3))
    return [Converted(Activation(name, "leaky_relu", options.share("negative_slope", slope)))]


def elu_layer(name: str, options: Options, arrays: Arrays, shape: Shape) -> list[Converted]:
    """Convert ``ELU`` of the slope one."""
    options.only("alpha", _ELU_LEAK, 1)
    return _alone(name, "elu")


def softmax_layer(name: str, options: Options, arrays: Arrays, shape: Shape) -> list[Converted]:
    """Convert ``Softmax`` over the last axis."""
    options.only("axis", -1, [-1], len(shape), [len(shape)])
    return _alone(name, "softmax")


def _alone(name: str, kind: str) -> list[Converted]:
    """Return a layer of an activation; none where it changes nothing."""
    return [] if kind == "linear" else [Converted(Activation(name, kind))]


ACTIVATION_LAYERS: Final[dict[str, Any]] = {
    "Activation": activation_layer,
    "ReLU": relu_layer,
    "LeakyReLU": leaky_relu_layer,
    "ELU": elu_layer,
    "Softmax": softmax_layer,
}
