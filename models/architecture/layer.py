"""What every layer of an architecture is: a name, the shapes it makes, and the weights that takes."""

from collections.abc import Iterable, Mapping
from typing import ClassVar, Final, Protocol

import numpy as np
from numpy.typing import NDArray

Shape = tuple[int, ...]
Weights = Mapping[str, NDArray[np.float32]]

MAXIMUM_SIZE: Final = 65_536
"""Largest window, channel count or layer that is believed of a file."""

MAXIMUM_NUMBERS: Final = 2**23
"""Most numbers one window may become in any layer of a file's architecture: 32 MiB in float32."""

MAXIMUM_PARAMETERS: Final = 2**24
"""Most trained numbers of a file's architecture: what fits into the 64 MiB of a bundle's weights."""

ADDED: Final = {"added": True}
"""Metadata of a field that earlier versions did not know: left out of the JSON where it has its default."""


class Layer(Protocol):
    """One layer: what it makes of an input shape, and which weights that takes. Shapes leave out the batch."""

    kind: ClassVar[str]

    @property
    def name(self) -> str:
        """Name of the layer in Keras, and prefix of its weights."""

    def output_shape(self, input_shape: Shape) -> Shape:
        """Shape of one output."""

    def weight_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        """Shape of every weight, by its Keras name, in Keras order."""


def chain_shapes(layers: Iterable[Layer], input_shape: Shape) -> list[Shape]:
    """Return the shape of the input and of the output of every layer of a chain."""
    shapes = [input_shape]
    for layer in layers:
        shapes.append(layer.output_shape(shapes[-1]))
    return shapes


def layer_weights(layer: Layer, weights: Weights) -> dict[str, NDArray[np.float32]]:
    """Return one layer's own weights by their short names, such as ``kernel``."""
    prefix = f"{layer.name}/"
    return {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}
