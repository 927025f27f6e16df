"""Which steps of a window count, and how recurrent operators skip the others.

The operators know how long each sequence is, and not that steps in it are masked. A masked step changes no state, so
that it may as well not be there: steps that count are moved to the front, the operator is told how many there are, and
what it gives is moved back to where the steps stood.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx

from edgehar.models.architecture import Bidirectional, Embedding, Masking, Reverse
from edgehar.models.architecture.masks import ends_mask
from edgehar.pipeline.compilers.onnx.graph import OnnxGraph
from edgehar.pipeline.compilers.onnx.values import BATCH_FIRST, Values


@dataclass(frozen=True, slots=True)
class Mask:
    """Which of ``steps`` count: a tensor (windows, steps) of ones and zeros, as float32."""

    graph: OnnxGraph
    name: str
    steps: int

    @property
    def lengths(self) -> str:
        """How many steps of each window count, as int32."""
        total = self.graph.node("ReduceSum", [self.name, self._axis(1)], keepdims=0)
        return self.graph.node("Cast", [total], to=onnx.TensorProto.INT32)

    def compacted(self, values: Values) -> Values:
        """Return a sequence with the steps that count at its front, in their order."""
        graph = self.graph
        place = graph.constant("mask/place", np.arange(self.steps, dtype=np.float32))
        late = graph.constant("mask/late", np.array(-self.steps, np.float32))
        # A masked step stands as many places behind as there are steps: behind all others.
        wanted = graph.node("Add", [graph.node("Mul", [self.name, late]), place])
        outputs = [graph.fresh("mask/sorted"), graph.fresh("mask/order")]
        count = graph.constant("mask/count", np.array([self.steps]))
        graph.node("TopK", [wanted, count], outputs=outputs, axis=1, largest=0)
        order = outputs[1]
        return self._taken(values, order)

    def restored(self, values: Values, *, zeros: bool) -> Values:
        """Return a sequence with its steps where they stood: masked ones repeat the last, or are zeros.

        Those before the first that counts are zeros anyway.
        """
        graph = self.graph
        done = graph.node("CumSum", [self.name, graph.constant("mask/axis", np.array(1))])
        one = graph.constant("mask/one", np.array(1, np.float32))
        zero = graph.constant("mask/zero", np.array(0, np.float32))
        last = graph.node("Max", [graph.node("Sub", [done, one]), zero])
        moved = self._taken(values, graph.node("Cast", [last], to=onnx.TensorProto.INT64))
        counts = self.name if zeros else graph.node("Min", [done, one])
        return Values(graph, graph.node("Mul", [moved.name, self.as_channel(counts)]), BATCH_FIRST)

    def _taken(self, values: Values, steps: str) -> Values:
        """Return the steps of each window that a tensor (windows, steps) names."""
        taken = self.graph.node("GatherND", [values.as_(BATCH_FIRST), self.as_channel(steps)], batch_dims=1)
        return Values(self.graph, taken, BATCH_FIRST)

    def as_channel(self, name: str) -> str:
        """Return a tensor (windows, steps) as (windows, steps, 1)."""
        return self.graph.node("Unsqueeze", [name, self._axis(2)])

    def _axis(self, axis: int) -> str:
        """Return the number of an axis as a constant."""
        return self.graph.constant(f"axis_{axis}", np.array([axis]))


def after(layer: Any, values: Values, mask: Mask | None, steps: int) -> Mask | None:
    """Return which steps count behind a layer, from its input of so many steps and what counts before it."""
    graph = values.graph
    if isinstance(layer, Masking):
        return _of_values(layer, values, steps)
    if isinstance(layer, Embedding):
        if not layer.mask_zero:
            return None
        hidden = graph.node("Equal", [values.name, graph.constant("mask/token", np.array(0, np.int32))])
        counts = graph.node("Not", [hidden])
        return Mask(graph, graph.node("Cast", [counts], to=onnx.TensorProto.FLOAT), steps)
    if mask is None or ends_mask(layer):
        return None
    if isinstance(layer, Reverse):
        return Mask(graph, reversed_steps(graph, mask.name), steps)
    return mask


def masking(layer: Masking, weights: Any, values: Values) -> Values:
    """Lower to a product: masked steps become zeros."""
    graph, sequence = values.graph, values.as_(BATCH_FIRST)
    mask = _of_values(layer, values, 0)
    return Values(graph, graph.node("Mul", [sequence, mask.as_channel(mask.name)]), BATCH_FIRST)


def _of_values(layer: Masking, values: Values, steps: int) -> Mask:
    """Return which steps have a channel of another value than the one that masks."""
    graph = values.graph
    number = graph.constant(f"{layer.name}/value", np.array(layer.value, np.float32))
    equal = graph.node("Equal", [values.as_(BATCH_FIRST), number])
    # Where all channels are equal, the least of these ones and zeros is one.
    alike = graph.node("ReduceMin", [graph.node("Cast", [equal], to=onnx.TensorProto.FLOAT)], axes=[2], keepdims=0)
    one = graph.constant("mask/one", np.array(1, np.float32))
    return Mask(graph, graph.node("Sub", [one, alike]), steps)


def reversed_steps(graph: OnnxGraph, name: str) -> str:
    """Return a tensor (windows, steps) the other way round."""
    ends = [("start", -1), ("end", np.iinfo(np.int64).min), ("axis", 1), ("step", -1)]
    return graph.node("Slice", [name, *(graph.constant(f"mask/reverse_{each}", np.array([at])) for each, at in ends)])


def gives_zeros(layer: Any) -> bool:
    """Whether a layer gives zeros at masked steps, and not its last output again."""
    return isinstance(layer, Bidirectional)
