"""The int16 forms of the operators our loops and heads use: every output has a scale of its own."""

from typing import Any, Final

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edgehar.pipeline.compilers.tflite.graph import Scale, Subgraph, Tensor
from edgehar.pipeline.compilers.tflite.integer.scales import UNIT

_ACTIVATIONS: Final = {"tanh": "TANH", "sigmoid": "LOGISTIC", "softmax": "SOFTMAX"}
_VERSION: Final = 3
"""Version from which activations and additions take int16."""


def linear(
    graph: Subgraph, values: Tensor, kernel: Tensor, bias: Tensor | None, scale: Scale, *, relu: bool = False
) -> Tensor:
    """Return int16 values (1, inputs) times an int8 kernel (units, inputs), plus a bias of 64 bits."""
    result = graph.tensor("", (1, kernel.shape[0]), np.int16, scale=scale)
    options = schema.FullyConnectedOptionsT()
    if relu:
        options.fusedActivationFunction = schema.ActivationFunctionType.RELU
    graph.operator("FULLY_CONNECTED", [values, kernel, bias], [result], options, version=4)
    return result


def activation(graph: Subgraph, kind: str, values: Tensor, *, name: str = "") -> Tensor:
    """Return tanh, sigmoid or softmax, in 2^-15."""
    result = graph.tensor(name, values.shape, np.int16, scale=UNIT)
    options = None
    if kind == "softmax":
        options = schema.SoftmaxOptionsT()
        options.beta = 1.0
    graph.operator(_ACTIVATIONS[kind], [values], [result], options, version=_VERSION)
    return result


def add(graph: Subgraph, left: Tensor, right: Tensor, scale: Scale) -> Tensor:
    """Return left + right."""
    options = schema.AddOptionsT()
    options.potScaleInt16 = False
    return _arithmetic(graph, "ADD", left, right, scale, options, _VERSION)


def subtract(graph: Subgraph, left: Tensor, right: Tensor, scale: Scale) -> Tensor:
    """Return left - right."""
    options = schema.SubOptionsT()
    options.potScaleInt16 = False
    return _arithmetic(graph, "SUB", left, right, scale, options, 5)


def multiply(graph: Subgraph, left: Tensor, right: Tensor, scale: Scale) -> Tensor:
    """Return left * right."""
    return _arithmetic(graph, "MUL", left, right, scale, schema.MulOptionsT(), 4)


def split(graph: Subgraph, values: Tensor, parts: int) -> list[Tensor]:
    """Return ``parts`` equal slices of the last axis."""
    *outer, width = values.shape
    results = [graph.tensor("", (*outer, width // parts), np.int16, scale=values.scale) for _ in range(parts)]
    options = schema.SplitOptionsT()
    options.numSplits = parts
    axis = graph.constant("", np.array(len(outer), np.int32))
    graph.operator("SPLIT", [axis, values], results, options, version=4)
    return results


def next_step(graph: Subgraph, sequence: Tensor) -> tuple[Tensor, Tensor]:
    """Return the first step of a sequence (1, steps, channels) as (1, channels), and the sequence rolled on by one.

    Taking a step by its number would need a GATHER of int16, which microcontrollers do not have.
    """
    _, steps, channels = sequence.shape
    first = graph.tensor("", (1, 1, channels), np.int16, scale=sequence.scale)
    rest = graph.tensor("", (1, steps - 1, channels), np.int16, scale=sequence.scale)
    options = schema.SplitVOptionsT()
    options.numSplits = 2
    sizes, axis = np.array([1, steps - 1], np.int32), np.array(1, np.int32)
    split_inputs = [sequence, graph.constant("", sizes), graph.constant("", axis)]
    graph.operator("SPLIT_V", split_inputs, [first, rest], options, version=2)
    rolled = graph.tensor("", sequence.shape, np.int16, scale=sequence.scale)
    joining = schema.ConcatenationOptionsT()
    joining.axis = 1
    graph.operator("CONCATENATION", [rest, first], [rolled], joining, version=3)
    return first, rolled


def requantize(graph: Subgraph, values: Tensor, dtype: type, scale: Scale) -> Tensor:
    """Return the same numbers as integers of another type and scale."""
    result = graph.tensor("", values.shape, dtype, scale=scale)
    graph.operator("QUANTIZE", [values], [result], schema.QuantizeOptionsT())
    return result


def _arithmetic(
    graph: Subgraph, kind: str, left: Tensor, right: Tensor, scale: Scale, options: Any, version: int
) -> Tensor:
    """Add an operator of two equally shaped tensors."""
    result = graph.tensor("", left.shape, np.int16, scale=scale)
    graph.operator(kind, [left, right], [result], options, version=version)
    return result
