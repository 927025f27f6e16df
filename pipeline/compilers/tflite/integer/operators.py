"""The int16 forms of the operators our loops and heads use: every output has a scale of its own."""

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edgehar.models.architecture import Conv1D, MaxPooling1D, Shape
from edgehar.pipeline.compilers.tflite import operators as _plain
from edgehar.pipeline.compilers.tflite.graph import Scale, Subgraph, Tensor
from edgehar.pipeline.compilers.tflite.integer.scales import UNIT, number_of

_ACTIVATIONS: Final = {"tanh": "TANH", "sigmoid": "LOGISTIC", "softmax": "SOFTMAX"}
_MOST_MAGNIFIED: Final = 2.0**13

_VERSION: Final = 3
"""Version from which activations and additions take int16."""


def linear(
    graph: Subgraph, values: Tensor, kernel: Tensor, bias: Tensor | None, scale: Scale, *, relu: bool = False
) -> Tensor:
    """Return int16 values (..., inputs) times an int8 kernel (units, inputs), plus a bias of 64 bits, row by row."""
    result = graph.tensor("", (math.prod(values.shape[:-1]), kernel.shape[0]), np.int16, scale=scale)
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


def convolve(
    graph: Subgraph, layer: Conv1D, image: Tensor, weights: tuple[Tensor, Tensor], shape: Shape, scale: Scale
) -> Tensor:
    """Return an image one pixel high, margins included, convolved with an int8 kernel, plus a bias of 64 bits."""
    result = graph.tensor("", shape, np.int16, scale=scale)
    options = schema.Conv2DOptionsT()
    options.padding = schema.Padding.VALID
    options.strideH = options.dilationHFactor = 1
    options.strideW, options.dilationWFactor = layer.strides, layer.dilation
    if layer.activation == "relu":
        options.fusedActivationFunction = schema.ActivationFunctionType.RELU
    graph.operator("CONV_2D", [image, *weights], [result], options, version=4)
    return result


def pool(graph: Subgraph, kind: str, layer: MaxPooling1D, values: Tensor, shape: Shape) -> Tensor:
    """Return the pools of a sequence, as an image one pixel high at the same scale."""
    options = schema.Pool2DOptionsT()
    options.padding = schema.Padding.SAME if layer.padding == "same" else schema.Padding.VALID
    options.filterWidth, options.strideW = layer.pool_size, layer.stride
    options.filterHeight = options.strideH = 1
    result = graph.tensor("", shape, np.int16, scale=values.scale)
    graph.operator(kind, [_plain.reshape(graph, values, (1, 1, *values.shape[-2:]))], [result], options, version=3)
    return result


def mean(graph: Subgraph, sequence: Tensor, scale: Scale | None) -> Tensor:
    """Return the mean over the steps, as (1, channels)."""
    result = graph.tensor("", (1, sequence.shape[-1]), np.int16, scale=scale)
    axes = np.arange(1, len(sequence.shape) - 1, dtype=np.int32)
    options = schema.ReducerOptionsT()
    options.keepDims = False
    graph.operator("MEAN", [sequence, graph.constant("", axes)], [result], options, version=3)
    return result


def concatenate(graph: Subgraph, parts: Sequence[Tensor], *, axis: int) -> Tensor:
    """Return tensors of one scale joined along an axis."""
    first = parts[0].shape
    size = sum(part.shape[axis] for part in parts)
    result = graph.tensor("", (*first[:axis], size, *first[axis + 1 :]), np.int16, scale=parts[0].scale)
    options = schema.ConcatenationOptionsT()
    options.axis = axis
    graph.operator("CONCATENATION", parts, [result], options, version=3)
    return result


def batch_matmul(graph: Subgraph, left: Tensor, right: Tensor, scale: Scale, *, transposed: bool = False) -> Tensor:
    """Return left @ right, or left @ right' with ``transposed``, of tensors (1, rows, columns)."""
    options = schema.BatchMatMulOptionsT()
    options.adjY = transposed
    shape = (1, left.shape[1], right.shape[1 if transposed else 2])
    result = graph.tensor("", shape, np.int16, scale=scale)
    graph.operator("BATCH_MATMUL", [left, right], [result], options, version=3)
    return result


def add(graph: Subgraph, left: Tensor, right: Tensor, scale: Scale, *, relu: bool = False) -> Tensor:
    """Return left + right, or with ``relu`` what of it is above zero.

    Kernels abort where an addition has to magnify its operands: the scale is then coarser than the one asked for.
    """
    coarsest = max(number_of(left.scale), number_of(right.scale)) / _MOST_MAGNIFIED
    scale = scale if number_of(scale) >= coarsest else Scale(coarsest)
    options = schema.AddOptionsT()
    if relu:
        options.fusedActivationFunction = schema.ActivationFunctionType.RELU
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


def next_step(graph: Subgraph, sequence: Tensor, *, backwards: bool = False) -> tuple[Tensor, Tensor]:
    """Return the first step of a sequence (1, steps, channels) as (1, 1, channels), and the sequence rolled on by one.

    Backwards, the last step and the sequence rolled back. Taking a step by its number would need a GATHER of int16,
    which microcontrollers do not have.
    """
    step, rest = _apart(graph, sequence, last=backwards)
    return step, concatenate(graph, [step, rest] if backwards else [rest, step], axis=1)


def keep_step(graph: Subgraph, sequence: Tensor, step: Tensor, *, backwards: bool = False) -> Tensor:
    """Return a sequence less its first step, with another one at its end; backwards, the other way round."""
    _, rest = _apart(graph, sequence, last=backwards)
    step = _plain.reshape(graph, step, (1, 1, sequence.shape[2]))
    return concatenate(graph, [step, rest] if backwards else [rest, step], axis=1)


def _apart(graph: Subgraph, sequence: Tensor, *, last: bool) -> tuple[Tensor, Tensor]:
    """Return the first or the last step of a sequence, and the others."""
    _, steps, channels = sequence.shape
    counts = [steps - 1, 1] if last else [1, steps - 1]
    parts = [graph.tensor("", (1, count, channels), np.int16, scale=sequence.scale) for count in counts]
    options = schema.SplitVOptionsT()
    options.numSplits = 2
    sizes, axis = np.array(counts, np.int32), np.array(1, np.int32)
    inputs = [sequence, graph.constant("", sizes), graph.constant("", axis)]
    graph.operator("SPLIT_V", inputs, parts, options, version=2)
    return (parts[1], parts[0]) if last else (parts[0], parts[1])


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
