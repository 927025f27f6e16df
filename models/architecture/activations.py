"""The activation functions a layer may name; `edgehar.models.reference.activations` says what each of them computes."""

from typing import Final

ACTIVATION_NAMES: Final = (
    "linear",
    "relu",
    "tanh",
    "sigmoid",
    "softmax",
    "elu",
    "exponential",
    "gelu",
    "hard_sigmoid",
    "hard_silu",
    "hard_tanh",
    "leaky_relu",
    "log_sigmoid",
    "mish",
    "relu6",
    "selu",
    "silu",
    "softplus",
    "softsign",
)
"""Activations a layer may name, by the names of Keras 3."""

CELL_ACTIVATIONS: Final = tuple(name for name in ACTIVATION_NAMES if name != "softmax")
"""Activations of recurrent cells and their gates: each number by itself."""

LEAK: Final = 0.2
"""Slope of ``leaky_relu`` below zero, where a layer does not say another one."""
