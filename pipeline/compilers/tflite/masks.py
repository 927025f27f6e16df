"""Which steps of a window count, as a tensor (1, steps, 1) of ones and zeros: every runtime multiplies."""

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edgehar.models.architecture import Embedding, Masking, Reverse
from edgehar.models.architecture.masks import ends_mask
from edgehar.pipeline.compilers.tflite import operators as op
from edgehar.pipeline.compilers.tflite.elementwise import reverse
from edgehar.pipeline.compilers.tflite.graph import Subgraph, Tensor


def after(graph: Subgraph, layer: Any, values: Tensor, mask: Tensor | None) -> Tensor | None:
    """Return which steps count behind a layer, from its input and what counts before it; None for all."""
    if isinstance(layer, Masking):
        return of_values(graph, layer, values)
    if isinstance(layer, Embedding):
        tokens = _unequal(graph, values, np.array([0], np.int32)) if layer.mask_zero else None
        return None if tokens is None else op.reshape(graph, tokens, (1, values.shape[1], 1))
    if mask is None or ends_mask(layer):
        return None
    return reverse(graph, layer, {}, mask) if isinstance(layer, Reverse) else mask


def of_values(graph: Subgraph, layer: Masking, values: Tensor) -> Tensor:
    """Return which steps of a sequence have a channel of another value."""
    return op.largest_of_channels(graph, _unequal(graph, values, np.array([layer.value], np.float32)))


def masking(graph: Subgraph, layer: Masking, weights: Any, values: Tensor) -> Tensor:
    """Lower to a product: masked steps become zeros."""
    return op.multiply(graph, values, of_values(graph, layer, values))


def blended(body: Subgraph, mask: Tensor, following: Tensor, before: Tensor) -> Tensor:
    """Return what follows where a step counts, and what was before where not, both without rounding."""
    kept = op.multiply(body, before, op.subtract_from(body, 1.0, mask))
    return op.add(body, op.multiply(body, following, mask), kept)


def _unequal(graph: Subgraph, values: Tensor, number: Any) -> Tensor:
    """Return 1 where values are another number, else 0."""
    unequal = graph.tensor("", values.shape, np.bool_)
    graph.operator("NOT_EQUAL", [values, graph.constant("", number)], [unequal], schema.NotEqualOptionsT())
    found = graph.tensor("", values.shape)
    options = schema.CastOptionsT()
    options.inDataType, options.outDataType = schema.TensorType.BOOL, schema.TensorType.FLOAT32
    graph.operator("CAST", [unequal], [found], options)
    return found
