"""Which steps of a window count, and how recurrent layers skip the others.

The operators do not know of masks. A masked step changes no state, so that it may as well not be there: steps that
count are moved to the front in the order in which they are walked, the operator walks over them and whatever is behind,
and of what it gives only the part for steps that count is taken. Their ``sequence_lens`` are not used: OpenVINO gives
another last state with them than onnxruntime.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import onnx

from edgehar.models.architecture import DIRECTIONS, Bidirectional, Embedding, Masking, Recurrent, Reverse
from edgehar.models.architecture.masks import ends_mask
from edgehar.pipeline.compilers.onnx import feedforward
from edgehar.pipeline.compilers.onnx.graph import OnnxGraph
from edgehar.pipeline.compilers.onnx.recurrent import Arrays, direction_weights
from edgehar.pipeline.compilers.onnx.recurrent import recurrent as without_mask
from edgehar.pipeline.compilers.onnx.values import BATCH_FIRST, VECTOR, Values


@dataclass(frozen=True, slots=True)
class Mask:
    """Which of ``steps`` count: a tensor (windows, steps) of ones and zeros, as float32."""

    graph: OnnxGraph
    name: str
    steps: int

    def compacted(self, values: Values, *, backwards: bool) -> Values:
        """Return a sequence with the steps that count at its front, in their order or the other way round."""
        graph = self.graph
        places = np.arange(self.steps, dtype=np.float32)
        place = graph.constant(f"mask/{self.steps}_{backwards}", places[::-1] if backwards else places)
        late = graph.constant(f"mask/late_{self.steps}", np.array(-self.steps, np.float32))
        # A step that counts stands as many places further in front as there are steps.
        wanted = graph.node("Add", [graph.node("Mul", [self.name, late]), place])
        outputs = [graph.fresh("mask/sorted"), graph.fresh("mask/order")]
        count = graph.constant(f"mask/count_{self.steps}", np.array([self.steps]))
        graph.node("TopK", [wanted, count], outputs=outputs, axis=1, largest=0)
        return self._taken(values, outputs[1])

    def restored(self, values: Values, *, backwards: bool, zeros: bool) -> Values:
        """Return a sequence with its steps where they stood: masked ones repeat the last, or are zeros.

        Those before the first that counts are zeros anyway.
        """
        graph, one = self.graph, self._number("one", 1)
        done = graph.node("CumSum", [self.name, graph.constant("mask/axis", np.array(1))])
        place = graph.node("Sub", [self._total(), done] if backwards else [done, one])
        moved = self._taken(values, self._as_index(place))
        counts = self.name if zeros else graph.node("Min", [done, one])
        return Values(graph, graph.node("Mul", [moved.name, self.as_channel(counts)]), BATCH_FIRST)

    def last(self, values: Values) -> Values:
        """Return the last of the steps that count, or zeros where none does."""
        graph, total, one = self.graph, self._total(), self._number("one", 1)
        place = self._as_index(graph.node("Sub", [total, one]))
        taken = graph.node("GatherND", [values.as_(BATCH_FIRST), place], batch_dims=1)
        return Values(graph, graph.node("Mul", [taken, graph.node("Min", [total, one])]), VECTOR)

    def as_channel(self, name: str) -> str:
        """Return a tensor (windows, steps) as (windows, steps, 1)."""
        return self.graph.node("Unsqueeze", [name, self.graph.constant("axis_2", np.array([2]))])

    def _taken(self, values: Values, steps: str) -> Values:
        """Return the steps of each window that a tensor (windows, steps) names."""
        taken = self.graph.node("GatherND", [values.as_(BATCH_FIRST), self.as_channel(steps)], batch_dims=1)
        return Values(self.graph, taken, BATCH_FIRST)

    def _total(self) -> str:
        """Return how many steps of each window count, as (windows, 1)."""
        axis = self.graph.constant("axis_1", np.array([1]))
        return self.graph.node("ReduceSum", [self.name, axis], keepdims=1)

    def _as_index(self, places: str) -> str:
        """Return places as whole numbers from 0."""
        found = self.graph.node("Max", [places, self._number("zero", 0)])
        return self.graph.node("Cast", [found], to=onnx.TensorProto.INT64)

    def _number(self, name: str, value: float) -> str:
        """Return a number as a constant."""
        return self.graph.constant(f"mask/{name}", np.array(value, np.float32))


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
    return replace(mask, name=_reversed(graph, mask.name)) if isinstance(layer, Reverse) else mask


def recurrent(layer: Recurrent | Bidirectional, weights: Arrays, values: Values, mask: Mask) -> Values:
    """Lower a recurrent layer that skips the steps that do not count."""
    if isinstance(layer, Recurrent):
        return _one_way(layer, weights, values, mask, backwards=False, zeros=False)
    ends = [
        _one_way(
            layer.direction(which),
            direction_weights(weights, which),
            values,
            mask,
            backwards=which != DIRECTIONS[0],
            zeros=True,
        )
        for which in DIRECTIONS
    ]
    return feedforward.merged(layer, ends)


def masking(layer: Masking, weights: Any, values: Values) -> Values:
    """Lower to a product: masked steps become zeros."""
    graph, sequence = values.graph, values.as_(BATCH_FIRST)
    mask = _of_values(layer, values, 0)
    return Values(graph, graph.node("Mul", [sequence, mask.as_channel(mask.name)]), BATCH_FIRST)


def _one_way(layer: Recurrent, weights: Arrays, values: Values, mask: Mask, *, backwards: bool, zeros: bool) -> Values:
    """Lower one direction of a layer."""
    walked = without_mask(replace(layer, return_sequences=True), weights, mask.compacted(values, backwards=backwards))
    return mask.restored(walked, backwards=backwards, zeros=zeros) if layer.return_sequences else mask.last(walked)


def _of_values(layer: Masking, values: Values, steps: int) -> Mask:
    """Return which steps have a channel of another value than the one that masks."""
    graph = values.graph
    number = graph.constant(f"{layer.name}/value", np.array(layer.value, np.float32))
    equal = graph.node("Equal", [values.as_(BATCH_FIRST), number])
    # Where all channels are equal, the least of these ones and zeros is one.
    alike = graph.node("ReduceMin", [graph.node("Cast", [equal], to=onnx.TensorProto.FLOAT)], axes=[2], keepdims=0)
    one = graph.constant("mask/one", np.array(1, np.float32))
    return Mask(graph, graph.node("Sub", [one, alike]), steps)


def _reversed(graph: OnnxGraph, name: str) -> str:
    """Return a tensor (windows, steps) the other way round."""
    ends = [("start", -1), ("end", np.iinfo(np.int64).min), ("axis", 1), ("step", -1)]
    return graph.node("Slice", [name, *(graph.constant(f"mask/reverse_{each}", np.array([at])) for each, at in ends)])
