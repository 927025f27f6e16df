"""Branches that are joined, in integers: what is put side by side has one scale, what is added or multiplied any."""

from collections.abc import Sequence
from functools import reduce
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.architecture import Branches
from edgehar.pipeline.compilers.tflite.graph import Scale, Subgraph, Tensor
from edgehar.pipeline.compilers.tflite.integer import operators as op
from edgehar.pipeline.compilers.tflite.integer.scales import UNIT, number_of, observed_scale

End = tuple[Tensor, NDArray[Any]]
"""What a branch ends in, and what that was in calibration."""

_HEADROOM: Final = 8.0
"""How many times larger than in calibration a sum or product may be."""


def joined(graph: Subgraph, layer: Branches, ends: Sequence[End]) -> Tensor:
    """Return the ends of branches, joined as the layer says."""
    if layer.merge == "concat":
        coarsest = Scale(max(number_of(tensor.scale) for tensor, _ in ends))
        parts = [
            tensor if tensor.scale == coarsest else op.requantize(graph, tensor, np.int16, coarsest)
            for tensor, _ in ends
        ]
        return op.concatenate(graph, parts, axis=len(parts[0].shape) - 1)
    if layer.merge == "mul":
        return reduce(lambda a, b: _product(graph, a, b), ends)[0]
    total, seen = reduce(lambda a, b: _sum(graph, a, b), ends)
    if layer.merge == "sum":
        return total
    share = graph.constant(f"{layer.name}/share", _shares(total, len(ends)), scale=UNIT)
    return op.multiply(graph, total, share, observed_scale(seen / len(ends), headroom=_HEADROOM))


def _sum(graph: Subgraph, left: End, right: End) -> End:
    """Return the sum of two ends."""
    seen = left[1] + right[1]
    return op.add(graph, left[0], right[0], observed_scale(seen, headroom=_HEADROOM)), seen


def _product(graph: Subgraph, left: End, right: End) -> End:
    """Return the product of two ends, number by number."""
    seen = left[1] * right[1]
    return op.multiply(graph, left[0], right[0], observed_scale(seen, headroom=_HEADROOM)), seen


def _shares(values: Tensor, count: int) -> NDArray[np.int16]:
    """Return one by ``count``, for each number of a tensor."""
    return np.full(values.shape, round(2**15 / count), np.int16)
