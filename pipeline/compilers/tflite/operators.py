"""The TFLite operators our lowerings use, one function each: tensors in, tensor out, at the lowest version."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edgehar.models.architecture import Shape
from edgehar.pipeline.compilers.tflite.graph import Subgraph, Tensor


def fully_connected(graph: Subgraph, values: Tensor, kernel: Tensor, bias: Tensor | None, *, name: str = "") -> Tensor:
    """Return values @ kernel.T + bias, with ``kernel`` of shape (units, inputs) and all but that axis flattened."""
    units, inputs = kernel.shape
    rows = int(np.prod(values.shape)) // inputs
    output = graph.tensor(name, (rows, units))
    version = 3 if kernel.dtype == np.int8 else 1
    operands = [values, kernel, bias]
    graph.operator("FULLY_CONNECTED", operands, [output], schema.FullyConnectedOptionsT(), version=version)
    return output


def add(graph: Subgraph, left: Tensor, right: Tensor) -> Tensor:
    """Return left + right, of the shape of ``left``."""
    return _arithmetic(graph, "ADD", left, right, schema.AddOptionsT())


def subtract(graph: Subgraph, left: Tensor, right: Tensor) -> Tensor:
    """Return left - right, of the shape of ``left``."""
    return _arithmetic(graph, "SUB", left, right, schema.SubOptionsT())


def multiply(graph: Subgraph, left: Tensor, right: Tensor) -> Tensor:
    """Return left * right, of the shape of ``left``."""
    return _arithmetic(graph, "MUL", left, right, schema.MulOptionsT())


def concatenate(graph: Subgraph, parts: Sequence[Tensor]) -> Tensor:
    """Return the parts joined along the last axis."""
    *outer, _ = parts[0].shape
    options = schema.ConcatenationOptionsT()
    options.axis = len(outer)
    output = graph.tensor("", (*outer, sum(part.shape[-1] for part in parts)))
    graph.operator("CONCATENATION", parts, [output], options)
    return output


def split(graph: Subgraph, values: Tensor, parts: int) -> list[Tensor]:
    """Return ``parts`` equal slices of the last axis."""
    *outer, width = values.shape
    outputs = [graph.tensor("", (*outer, width // parts)) for _ in range(parts)]
    options = schema.SplitOptionsT()
    options.numSplits = parts
    graph.operator("SPLIT", [graph.constant("", np.array(len(outer), np.int32)), values], outputs, options)
    return outputs


def reshape(graph: Subgraph, values: Tensor, shape: Shape) -> Tensor:
    """Return the values in another shape of the same size."""
    if values.shape == shape:
        return values
    output = graph.tensor("", shape, values.dtype, scale=values.scale)
    options = schema.ReshapeOptionsT()
    options.newShape = list(shape)
    graph.operator("RESHAPE", [values, graph.constant("", np.array(shape, np.int32))], [output], options)
    return output


def reduce(graph: Subgraph, kind: str, sequence: Tensor) -> Tensor:
    """Return MEAN or REDUCE_MAX of a sequence (1, steps, channels), or an image one pixel high, as (1, channels)."""
    output = graph.tensor("", (1, sequence.shape[-1]))
    axes = np.arange(1, len(sequence.shape) - 1, dtype=np.int32)
    options = schema.ReducerOptionsT()
    options.keepDims = False
    graph.operator(kind, [sequence, graph.constant("", axes)], [output], options)
    return output


def batch_matmul(graph: Subgraph, left: Tensor, right: Tensor, *, transposed: bool = False) -> Tensor:
    """Return left @ right, or left @ right' with ``transposed``, of tensors (1, rows, columns)."""
    options = schema.BatchMatMulOptionsT()
    options.adjY = transposed
    output = graph.tensor("", (1, left.shape[1], right.shape[1 if transposed else 2]))
    graph.operator("BATCH_MATMUL", [left, right], [output], options)
    return output


def pad_before(graph: Subgraph, image: Tensor, zeros: int) -> Tensor:
    """Return an image (1, 1, steps, channels) with so many steps of zeros before it."""
    _, _, steps, channels = image.shape
    output = graph.tensor("", (1, 1, steps + zeros, channels))
    margins = graph.constant("", np.array([[0, 0], [0, 0], [zeros, 0], [0, 0]], np.int32))
    graph.operator("PAD", [image, margins], [output], schema.PadOptionsT())
    return output


def take_step(graph: Subgraph, sequence: Tensor, step: Tensor) -> Tensor:
    """Return the step of a sequence (1, steps, channels) that the scalar ``step`` names, as (1, channels)."""
    taken = graph.tensor("", (1, sequence.shape[2]), sequence.dtype, scale=sequence.scale)
    options = schema.GatherOptionsT()
    options.axis = 1
    graph.operator("GATHER", [sequence, step], [taken], options)
    return taken


def take_rows(graph: Subgraph, table: Tensor, rows: Tensor) -> Tensor:
    """Return the rows of a table (all, numbers) that a tensor (1, steps) names, as floats (1, steps, numbers)."""
    taken = graph.tensor("", (*rows.shape, table.shape[1]), table.dtype, scale=table.scale)
    options = schema.GatherOptionsT()
    options.axis = 0
    is_float = table.dtype == np.float32
    graph.operator("GATHER", [table, rows], [taken], options, version=1 if is_float else 2)
    if is_float:
        return taken
    wide = graph.tensor("", taken.shape)
    graph.operator("DEQUANTIZE", [taken], [wide], schema.DequantizeOptionsT(), version=2)
    return wide


def put_step(graph: Subgraph, sequence: Tensor, values: Tensor, step: Tensor) -> Tensor:
    """Return the sequence (1, steps, units) with ``values`` (1, units) written at the step that ``step`` names."""
    zero = graph.constant("", np.array(0, np.int32))
    position = graph.tensor("", (3,), np.int32)
    options = schema.PackOptionsT()
    options.valuesCount = 3
    graph.operator("PACK", [zero, step, zero], [position], options)
    output = graph.tensor("", sequence.shape, sequence.dtype, scale=sequence.scale)
    update = reshape(graph, values, (1, 1, sequence.shape[2]))
    graph.operator("DYNAMIC_UPDATE_SLICE", [sequence, update, position], [output], schema.DynamicUpdateSliceOptionsT())
    return output


def unary(graph: Subgraph, kind: str, values: Tensor, options: Any = None) -> Tensor:
    """Return an operator of one tensor, which keeps its shape."""
    output = graph.tensor("", values.shape, values.dtype)
    graph.operator(kind, [values], [output], options)
    return output


def minimum(graph: Subgraph, left: Tensor, right: Tensor) -> Tensor:
    """Return the smaller of both, of the shape of ``left``."""
    return _arithmetic(graph, "MINIMUM", left, right, schema.MaximumMinimumOptionsT())


def maximum(graph: Subgraph, left: Tensor, right: Tensor) -> Tensor:
    """Return the larger of both, of the shape of ``left``."""
    return _arithmetic(graph, "MAXIMUM", left, right, schema.MaximumMinimumOptionsT())


def divide(graph: Subgraph, left: Tensor, right: Tensor) -> Tensor:
    """Return left / right, of the shape of ``left``."""
    return _arithmetic(graph, "DIV", left, right, schema.DivOptionsT())


def number(graph: Subgraph, value: float) -> Tensor:
    """Return one number as a constant."""
    return graph.constant("", np.array([value], np.float32))


def mean_of_channels(graph: Subgraph, values: Tensor) -> Tensor:
    """Return the mean over the last axis, which becomes one."""
    *outer, _ = values.shape
    output = graph.tensor("", (*outer, 1))
    options = schema.ReducerOptionsT()
    options.keepDims = True
    graph.operator("MEAN", [values, graph.constant("", np.array([len(outer)], np.int32))], [output], options)
    return output


def largest_of_channels(graph: Subgraph, values: Tensor) -> Tensor:
    """Return the maximum over the last axis, which becomes one."""
    *outer, _ = values.shape
    output = graph.tensor("", (*outer, 1))
    options = schema.ReducerOptionsT()
    options.keepDims = True
    graph.operator("REDUCE_MAX", [values, graph.constant("", np.array([len(outer)], np.int32))], [output], options)
    return output


def subtract_from(graph: Subgraph, value: float, values: Tensor) -> Tensor:
    """Return value - values."""
    output = graph.tensor("", values.shape)
    graph.operator("SUB", [number(graph, value), values], [output], schema.SubOptionsT())
    return output


def _arithmetic(graph: Subgraph, kind: str, left: Tensor, right: Tensor, options: Any) -> Tensor:
    """Add an operator of two equally shaped tensors."""
    output = graph.tensor("", left.shape, left.dtype)
    graph.operator(kind, [left, right], [output], options)
    return output
