"""The layer that takes tokens: a window is then a sequence of whole numbers, such as the words of a text."""

from dataclasses import dataclass
from typing import ClassVar

from edgehar.models.architecture.layer import Shape


@dataclass(frozen=True, slots=True)
class Embedding:
    """A vector of ``units`` numbers for each of ``vocabulary`` tokens, which are counted from 0.

    Only an input has tokens: it is the first layer, behind one channel.
    """

    kind: ClassVar[str] = "Embedding"
    name: str
    vocabulary: int
    units: int

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return (steps, units)."""
        steps, channels = input_shape
        if channels != 1:
            raise ValueError(f"{self.name} takes one token a step, there are {channels} numbers")
        return (steps, self.units)

    def weight_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        """Return the shape of the vectors."""
        return {"embeddings": (self.vocabulary, self.units)}
