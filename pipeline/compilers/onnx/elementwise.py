"""Layers that change every number by itself, or only rearrange, as ONNX operators."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.architecture import (
    Activation,
    Affine,
    LayerNormalization,
    RepeatVector,
    Reshape,
    Reverse,
)
from edgehar.pipeline.compilers.onnx.activations import activation as _activation
from edgehar.pipeline.compilers.onnx.values import BATCH_FIRST, Values

Arrays = dict[str, NDArray[Any]]

_TO_THE_START: Final = np.iinfo(np.int64).min + 1


def activation(layer: Activation, weights: Arrays, values: Values) -> Values:
    """Lower to one operator, or to those it is composed of."""
    axis = values.axes.index("C")
    result = _activation(values.graph, layer.activation, values.name, axis=axis, slope=layer.slope)
    return Values(values.graph, result, values.axes)


def affine(layer: Affine, weights: Arrays, values: Values) -> Values:
    """Lower to Mul and Add."""
    flat = values.channels_last
    return Values(flat.graph, _scaled(flat, flat.name, layer.name, weights["factor"], weights["shift"]), flat.axes)


def layer_normalization(layer: LayerNormalization, weights: Arrays, values: Values) -> Values:
    """Lower to means, differences and a root: the operator of this name is younger than the operator sets we write."""
    flat = values.channels_last
    graph = flat.graph
    centred = graph.node("Sub", [flat.name, _mean(flat, flat.name)])
    epsilon = graph.constant(f"{layer.name}/epsilon", np.array(layer.epsilon, np.float32))
    variance = graph.node("Add", [_mean(flat, graph.node("Mul", [centred, centred])), epsilon])
    normalized = graph.node("Div", [centred, graph.node("Sqrt", [variance])])
    return Values(graph, _scaled(flat, normalized, layer.name, weights["gamma"], weights["beta"]), flat.axes)


def reverse(layer: Reverse, weights: Arrays, values: Values) -> Values:
    """Lower to Slice with steps of -1."""
    graph = values.graph
    numbers = (("last", -1), ("before_first", _TO_THE_START), ("time", values.axes.index("L")), ("back", -1))
    bounds = [graph.constant(f"reverse/{name}_{number}", np.array([number])) for name, number in numbers]
    return Values(graph, graph.node("Slice", [values.name, *bounds]), values.axes)


def repeat_vector(layer: RepeatVector, weights: Arrays, values: Values) -> Values:
    """Lower to Unsqueeze and Expand."""
    graph = values.graph
    column = graph.node("Unsqueeze", [values.name, graph.constant("axis_1", np.array([1]))])
    shape = graph.constant(f"{layer.name}/shape", np.array([1, layer.count, 1]))
    return Values(graph, graph.node("Expand", [column, shape]), BATCH_FIRST)


def reshape(layer: Reshape, weights: Arrays, values: Values) -> Values:
    """Lower to Reshape."""
    graph, source = values.graph, values.as_(BATCH_FIRST) if "L" in values.axes else values.name
    shape = graph.constant(f"{layer.name}/shape", np.array([-1, layer.steps, layer.channels]))
    return Values(graph, graph.node("Reshape", [source, shape]), BATCH_FIRST)


def _mean(values: Values, name: str) -> str:
    """Return the mean over the channels, which lie last."""
    return values.graph.node("ReduceMean", [name], axes=[len(values.axes) - 1], keepdims=1)


def _scaled(values: Values, name: str, layer: str, factor: NDArray[Any], shift: NDArray[Any]) -> str:
    """Return factor x + shift over the channels, which lie last."""
    graph = values.graph
    product = graph.node("Mul", [name, graph.constant(f"{layer}/factor", factor.astype(np.float32))])
    return graph.node("Add", [product, graph.constant(f"{layer}/shift", shift.astype(np.float32))])
