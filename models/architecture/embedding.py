"""The layer that takes tokens: a window is then a sequence of whole numbers, such as the words of a text."""

from dataclasses import dataclass, field
from typing import ClassVar

from edgehar.models.architecture.layer import ADDED, Shape


@dataclass(frozen=True, slots=True)
class Embedding:
    """A vector of ``units`` numbers for each of ``vocabulary`` tokens, which are counted from 0.

    Only an input has tokens: it is the first layer, behind one channel. With ``mask_zero``, steps of the token 0 are
    skipped by the recurrent layers behind it.
    """

    kind: ClassVar[str] = "Embedding"
    name: str
    vocabulary: int
    units: int
    mask_zero: bool = field(default=False, kw_only=True, metadata=ADDED)

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return (steps, units)."""
        steps, channels = input_shape
        if channels != 1:
            raise ValueError(f"{self.name} takes one token a step, there are {channels} numbers")
        return (steps, self.units)

    def weight_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        """Return the shape of the vectors."""
        return {"embeddings": (self.vocabulary, self.units)}
