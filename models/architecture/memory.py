"""How many numbers a window becomes on its way through a layer: what a forward pass takes memory for."""

import math
from collections.abc import Iterable, Iterator

from edgehar.models.architecture.blocks import SelfAttention, TemporalBlock
from edgehar.models.architecture.branches import Branches
from edgehar.models.architecture.feedforward import Conv1D
from edgehar.models.architecture.layer import Layer, Shape, chain_shapes
from edgehar.models.architecture.recurrent import CELLS, Bidirectional, Recurrent


def most_numbers(layers: Iterable[Layer], shapes: Iterable[Shape]) -> int:
    """Return the most numbers one window becomes at once.

    Parameters
    ----------
    layers
        The layers in order.
    shapes
        The shape of the input and of every layer's output, as `Architecture.shapes` gives them.
    """
    before, *after = shapes
    most = math.prod(before)
    for layer, shape in zip(layers, after, strict=True):
        most = max(most, math.prod(shape), *_inside(layer, before))
        before = shape
    return most


def _inside(layer: Layer, shape: Shape) -> Iterator[int]:
    """Yield how many numbers stand inside a layer for an input of this shape."""
    yield 0
    if isinstance(layer, Conv1D):
        yield from _convolution(layer, shape)
    elif isinstance(layer, TemporalBlock):
        yield from _convolution(layer.convolution, shape)
        yield from _convolution(layer.convolution, (shape[0], layer.filters))
    elif isinstance(layer, SelfAttention):
        yield layer.heads * shape[0] ** 2
        yield shape[0] * layer.width
    elif isinstance(layer, Recurrent):
        yield shape[0] * layer.gates * layer.units
    elif isinstance(layer, Bidirectional):
        yield shape[0] * CELLS[layer.cell].gates * layer.units
    elif isinstance(layer, Branches):
        yield sum(most_numbers(branch, chain_shapes(branch, shape)) for branch in layer.branches)


def _convolution(layer: Conv1D, shape: Shape) -> Iterator[int]:
    """Yield the window with its margins, and what every filter sees of it at every step."""
    steps, channels = shape
    found = layer.places(steps)
    padded = steps + found.before + found.after
    yield padded * channels
    yield (padded - layer.reach) * layer.kernel_size * channels
