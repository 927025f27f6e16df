"""A loop over the steps of a window as one WHILE of static shapes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edgehar.models.architecture import Shape
from edgehar.pipeline.compilers.tflite.graph import FlatbufferModel, Scale, Subgraph, Tensor


@dataclass(frozen=True, slots=True)
class State:
    """A tensor that one step of the loop hands to the next; it begins as ``initial``, or as zeros."""

    shape: Shape
    dtype: Any = np.float32
    scale: Scale | None = None
    initial: Tensor | None = None

    @classmethod
    def of(cls, tensor: Tensor) -> "State":
        """Return the state that begins as a tensor of the calling graph."""
        return cls(tensor.shape, tensor.dtype, tensor.scale, tensor)

    def declare(self, graph: Subgraph) -> Tensor:
        """Add its tensor to a subgraph."""
        return graph.tensor("", self.shape, self.dtype, scale=self.scale)

    def start(self, graph: Subgraph) -> Tensor:
        """Return what it begins as."""
        if self.initial is not None:
            return self.initial
        return graph.constant("", np.zeros(self.shape, self.dtype), scale=self.scale)


AddStep = Callable[[Subgraph, Tensor, list[Tensor]], Sequence[Tensor]]
"""Adds one step to the loop's body: from the number of the step (a scalar) and the states, to the next states."""


def loop_over_steps(
    model: FlatbufferModel, graph: Subgraph, steps: int, states: Sequence[State], add_step: AddStep
) -> list[Tensor]:
    """Add the loop and return the states at its end.

    A loop copies what it carries: carry the window as it is, not something larger computed of it for all steps at once.
    """
    counter = State((), np.int32)
    carried = [counter, *states]

    condition, body = model.subgraph("more_steps"), model.subgraph("one_step")
    inputs = [state.declare(condition) for state in carried]
    more = condition.tensor("", (), np.bool_)
    last = condition.constant("", np.array(steps, np.int32))
    condition.operator("LESS", [inputs[0], last], [more], schema.LessOptionsT())
    condition.set_interface(inputs, [more])

    inputs = [state.declare(body) for state in carried]
    following = counter.declare(body)
    one = body.constant("", np.array(1, np.int32))
    body.operator("ADD", [inputs[0], one], [following], schema.AddOptionsT())
    body.set_interface(inputs, [following, *add_step(body, inputs[0], inputs[1:])])

    starts = [state.start(graph) for state in carried]
    results = [state.declare(graph) for state in carried]
    options = schema.WhileOptionsT()
    options.condSubgraphIndex, options.bodySubgraphIndex = condition.index, body.index
    graph.operator("WHILE", starts, results, options)
    return results[1:]
