"""A tensor of a graph and what its axes mean: operators want time, batch and channels in different places."""

from dataclasses import dataclass
from typing import Final

from edgehar.pipeline.compilers.onnx.graph import OnnxGraph

BATCH_FIRST: Final = "NLC"
"""Batch, steps, channels: what a model takes, and dense layers."""
TIME_FIRST: Final = "LNC"
"""Steps, batch, channels: what recurrent operators take."""
CHANNELS_SECOND: Final = "NCL"
"""Batch, channels, steps: what convolutions take."""
VECTOR: Final = "NC"
"""Batch, channels: there is no time left."""


@dataclass(frozen=True, slots=True)
class Values:
    """A tensor by name, with its axes as one of the layouts above."""

    graph: OnnxGraph
    name: str
    axes: str

    def as_(self, axes: str) -> str:
        """Return the name of the tensor with its axes in this order."""
        if self.axes == axes:
            return self.name
        return self.graph.node("Transpose", [self.name], perm=[self.axes.index(axis) for axis in axes])

    @property
    def channels_last(self) -> "Values":
        """These values with the channels as the last axis; whatever else is first stays there."""
        return self if self.axes.endswith("C") else Values(self.graph, self.as_(BATCH_FIRST), BATCH_FIRST)
