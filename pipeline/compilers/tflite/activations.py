"""Activation functions as TFLite operators: one where there is one, else a few that every runtime has."""

from collections.abc import Callable
from typing import Final

from ai_edge_litert import schema_py_generated as schema

from edgehar.models.architecture import LEAK
from edgehar.models.reference.activations import SELU_ALPHA, SELU_SCALE
from edgehar.pipeline.compilers.tflite import operators as op
from edgehar.pipeline.compilers.tflite.graph import Subgraph, Tensor


def activation(graph: Subgraph, kind: str, values: Tensor, *, name: str = "", slope: float = LEAK) -> Tensor:
    """Return an activation function of the values."""
    if kind == "linear":
        return values
    if kind in _COMPOSED:
        return _COMPOSED[kind](graph, values)
    options = None
    if kind == "softmax":
        options = schema.SoftmaxOptionsT()
        options.beta = 1.0
    elif kind == "leaky_relu":
        options = schema.LeakyReluOptionsT()
        options.alpha = slope
    elif kind == "gelu":
        options = schema.GeluOptionsT()
    output = graph.tensor(name, values.shape)
    graph.operator(_OPERATORS[kind], [values], [output], options)
    return output


_OPERATORS: Final = {
    "relu": "RELU",
    "tanh": "TANH",
    "sigmoid": "LOGISTIC",
    "softmax": "SOFTMAX",
    "elu": "ELU",
    "exponential": "EXP",
    "gelu": "GELU",
    "leaky_relu": "LEAKY_RELU",
    "relu6": "RELU6",
}


def _softplus(graph: Subgraph, values: Tensor) -> Tensor:
    """relu(x) + log(1 + exp(-|x|)): no input overflows."""
    power = op.unary(graph, "EXP", op.unary(graph, "NEG", op.unary(graph, "ABS", values)))
    rest = op.unary(graph, "LOG", op.add(graph, power, op.number(graph, 1)))
    return op.add(graph, op.unary(graph, "RELU", values), rest)


def _hard_sigmoid(graph: Subgraph, values: Tensor) -> Tensor:
    """relu6(x + 3) / 6."""
    raised = op.unary(graph, "RELU6", op.add(graph, values, op.number(graph, 3)))
    return op.multiply(graph, raised, op.number(graph, 1 / 6))


def _hard_tanh(graph: Subgraph, values: Tensor) -> Tensor:
    """x, between -1 and 1."""
    return op.minimum(graph, op.maximum(graph, values, op.number(graph, -1)), op.number(graph, 1))


def _selu(graph: Subgraph, values: Tensor) -> Tensor:
    """scale (relu(x) + alpha elu(min(x, 0)))."""
    above = op.multiply(graph, op.unary(graph, "RELU", values), op.number(graph, SELU_SCALE))
    below = op.unary(graph, "ELU", op.minimum(graph, values, op.number(graph, 0)))
    return op.add(graph, above, op.multiply(graph, below, op.number(graph, SELU_SCALE * SELU_ALPHA)))


def _softsign(graph: Subgraph, values: Tensor) -> Tensor:
    """x / (1 + |x|)."""
    return op.divide(graph, values, op.add(graph, op.unary(graph, "ABS", values), op.number(graph, 1)))


def _log_sigmoid(graph: Subgraph, values: Tensor) -> Tensor:
    """-softplus(-x)."""
    return op.unary(graph, "NEG", _softplus(graph, op.unary(graph, "NEG", values)))


_COMPOSED: Final[dict[str, Callable[[Subgraph, Tensor], Tensor]]] = {
    "hard_sigmoid": _hard_sigmoid,
    "hard_silu": lambda graph, values: op.multiply(graph, values, _hard_sigmoid(graph, values)),
    "hard_tanh": _hard_tanh,
    "log_sigmoid": _log_sigmoid,
    "mish": lambda graph, values: op.multiply(graph, values, op.unary(graph, "TANH", _softplus(graph, values))),
    "selu": _selu,
    "silu": lambda graph, values: op.multiply(graph, values, op.unary(graph, "LOGISTIC", values)),
    "softplus": _softplus,
    "softsign": _softsign,
}
