"""Activation functions as ONNX operators, alone and inside the recurrent ones; the others are composed of several."""

from collections.abc import Callable
from typing import Final

import numpy as np

from edgehar.models.architecture import LEAK
from edgehar.pipeline.compilers.onnx.graph import OnnxGraph

_SIXTH: Final = 1 / 6


def activation(graph: OnnxGraph, kind: str, values: str, *, axis: int = -1, slope: float = LEAK) -> str:
    """Return an activation function; softmax over the channels, which lie along ``axis``."""
    if kind == "linear":
        return values
    if kind == "softmax":
        return graph.node("Softmax", [values], axis=axis)
    if kind == "leaky_relu":
        return graph.node("LeakyRelu", [values], alpha=slope)
    if kind in _OPERATORS:
        return graph.node(_OPERATORS[kind], [values])
    return _COMPOSED[kind](graph, values)


def inside_cell(kind: str) -> tuple[str, float | None, float | None] | None:
    """Return the name, alpha and beta by which recurrent operators know an activation; None if they do not."""
    return _INSIDE.get(kind)


_OPERATORS: Final = {
    "relu": "Relu",
    "tanh": "Tanh",
    "sigmoid": "Sigmoid",
    "elu": "Elu",
    "exponential": "Exp",
    "selu": "Selu",
    "softplus": "Softplus",
    "softsign": "Softsign",
}

_INSIDE: Final[dict[str, tuple[str, float | None, float | None]]] = {
    "tanh": ("Tanh", None, None),
    "sigmoid": ("Sigmoid", None, None),
    "relu": ("Relu", None, None),
    "softplus": ("Softplus", None, None),
    "softsign": ("Softsign", None, None),
    "linear": ("Affine", 1.0, 0.0),
    "elu": ("Elu", 1.0, None),
    "leaky_relu": ("LeakyRelu", LEAK, None),
    "hard_sigmoid": ("HardSigmoid", _SIXTH, 0.5),
}


def _hard_sigmoid(graph: OnnxGraph, values: str) -> str:
    return graph.node("HardSigmoid", [values], alpha=_SIXTH, beta=0.5)


def _clip(graph: OnnxGraph, values: str, low: float, high: float) -> str:
    bounds = [graph.constant(f"bound_{bound:g}", np.array(bound, np.float32)) for bound in (low, high)]
    return graph.node("Clip", [values, *bounds])


def _gelu(graph: OnnxGraph, values: str) -> str:
    half = graph.constant("half", np.array(0.5, np.float32))
    root = graph.constant("root_of_half", np.array(np.sqrt(0.5), np.float32))
    one = graph.constant("one", np.array(1, np.float32))
    share = graph.node("Add", [graph.node("Erf", [graph.node("Mul", [values, root])]), one])
    return graph.node("Mul", [graph.node("Mul", [values, half]), share])


def _times(graph: OnnxGraph, values: str, other: str) -> str:
    return graph.node("Mul", [values, other])


_COMPOSED: Final[dict[str, Callable[[OnnxGraph, str], str]]] = {
    "gelu": _gelu,
    "hard_sigmoid": _hard_sigmoid,
    "hard_silu": lambda graph, values: _times(graph, values, _hard_sigmoid(graph, values)),
    "hard_tanh": lambda graph, values: _clip(graph, values, -1, 1),
    "log_sigmoid": lambda graph, values: graph.node("Neg", [graph.node("Softplus", [graph.node("Neg", [values])])]),
    "mish": lambda graph, values: _times(graph, values, graph.node("Tanh", [graph.node("Softplus", [values])])),
    "relu6": lambda graph, values: _clip(graph, values, 0, 6),
    "silu": lambda graph, values: _times(graph, values, graph.node("Sigmoid", [values])),
}
