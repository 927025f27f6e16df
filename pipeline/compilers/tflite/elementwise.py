"""Layers that change every number by itself, or only rearrange, as TFLite operators."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from edgehar.models.architecture import (
    Activation,
    Affine,
    LayerNormalization,
    RepeatVector,
    Reshape,
    Reverse,
)
from edgehar.pipeline.compilers.tflite import operators as op
from edgehar.pipeline.compilers.tflite.activations import activation as _activation
from edgehar.pipeline.compilers.tflite.graph import Subgraph, Tensor

Arrays = dict[str, NDArray[Any]]


def activation(graph: Subgraph, layer: Activation, weights: Arrays, values: Tensor) -> Tensor:
    """Lower to one operator, or to those it is composed of."""
    return _activation(graph, layer.activation, values, slope=layer.slope)


def affine(graph: Subgraph, layer: Affine, weights: Arrays, values: Tensor) -> Tensor:
    """Lower to MUL and ADD."""
    return _scaled(graph, layer.name, values, weights["factor"], weights["shift"])


def layer_normalization(graph: Subgraph, layer: LayerNormalization, weights: Arrays, values: Tensor) -> Tensor:
    """Lower to means, differences and a root."""
    centred = op.subtract(graph, values, op.mean_of_channels(graph, values))
    variance = op.mean_of_channels(graph, op.multiply(graph, centred, centred))
    root = op.unary(graph, "RSQRT", op.add(graph, variance, op.number(graph, layer.epsilon)))
    return _scaled(graph, layer.name, op.multiply(graph, centred, root), weights["gamma"], weights["beta"])


def reverse(graph: Subgraph, layer: Reverse, weights: Arrays, values: Tensor) -> Tensor:
    """Lower to REVERSE_V2 along the steps."""
    output = graph.tensor("", values.shape)
    axis = graph.constant("", np.array([len(values.shape) - 2], np.int32))
    graph.operator("REVERSE_V2", [values, axis], [output], schema.ReverseV2OptionsT())
    return output


def repeat_vector(graph: Subgraph, layer: RepeatVector, weights: Arrays, values: Tensor) -> Tensor:
    """Lower to ADD of zeros for every step, which every runtime has."""
    channels = values.shape[-1]
    zeros = graph.constant("", np.zeros((1, layer.count, channels), np.float32))
    return op.add(graph, zeros, op.reshape(graph, values, (1, 1, channels)))


def reshape(graph: Subgraph, layer: Reshape, weights: Arrays, values: Tensor) -> Tensor:
    """Lower to RESHAPE."""
    return op.reshape(graph, values, (1, layer.steps, layer.channels))


ELEMENTWISE: Final[dict[type, Callable[[Subgraph, Any, Arrays, Tensor], Tensor]]] = {
    Activation: activation,
    Affine: affine,
    LayerNormalization: layer_normalization,
    Reverse: reverse,
    RepeatVector: repeat_vector,
    Reshape: reshape,
}


def _scaled(graph: Subgraph, name: str, values: Tensor, factor: NDArray[Any], shift: NDArray[Any]) -> Tensor:
    """Return factor x + shift over the channels."""
    product = op.multiply(graph, values, graph.constant(f"{name}/factor", factor.astype(np.float32)))
    return op.add(graph, product, graph.constant(f"{name}/shift", shift.astype(np.float32)))
