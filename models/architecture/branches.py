"""The layer that is several chains of layers over the same input, whose outputs are joined."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from edgehar.models.architecture.layer import Layer, Shape, chain_shapes


@dataclass(frozen=True, slots=True)
class Branches:
    """Chains of layers that all take the layer's input, joined along the channels or number by number.

    A chain without layers hands its input on, as the way around a residual block does. Weights are those of the layers
    within, by ``"<layer>/<weight>"``.
    """

    kind: ClassVar[str] = "Branches"
    name: str
    merge: str
    branches: tuple[tuple[Layer, ...], ...]

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the joined outputs."""
        ends = [chain_shapes(branch, input_shape)[-1] for branch in self.branches]
        alike = {end[:-1] if self.merge == "concat" else end for end in ends}
        if len(ends) < 2 or len(alike) != 1:
            raise ValueError(f"{self.name} joins two outputs or more of matching shapes, there are {ends}")
        return (*ends[0][:-1], sum(end[-1] for end in ends)) if self.merge == "concat" else ends[0]

    def weight_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        """Return the shapes of the weights of every layer within."""
        return {
            f"{layer.name}/{weight}": shape
            for branch in self.branches
            for layer, before in zip(branch, chain_shapes(branch, input_shape), strict=False)
            for weight, shape in layer.weight_shapes(before).items()
        }


def every_layer(layers: Iterable[Layer]) -> Iterator[Layer]:
    """Yield layers in order, each before those within it.

    Examples
    --------
    >>> from edgehar.models.architecture import Dense
    >>> [layer.name for layer in every_layer((Branches("both", "sum", ((Dense("one", 2),), ())), Dense("two", 2)))]
    ['both', 'one', 'two']
    """
    for layer in layers:
        yield layer
        if isinstance(layer, Branches):
            for branch in layer.branches:
                yield from every_layer(branch)
