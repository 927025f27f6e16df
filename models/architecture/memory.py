"""How many numbers a window becomes on its way through a layer: what a forward pass takes memory for."""

import math
from collections.abc import Iterable, Iterator

from edgehar.models.architecture.blocks import SelfAttention, TemporalBlock
from edgehar.models.architecture.feedforward import Conv1D
from edgehar.models.architecture.layer import Layer, Shape
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
        yield shape[0] ** 2
        yield shape[0] * layer.key_size
    elif isinstance(layer, Recurrent):
        yield shape[0] * layer.gates * layer.units
    elif isinstance(layer, Bidirectional):
        yield shape[0] * CELLS[layer.cell].gates * layer.units


def _convolution(layer: Conv1D, shape: Shape) -> Iterator[int]:
    """Yield the window with its margins, and what every filter sees of it at every step."""
    steps, channels = shape
    yield (steps + sum(layer.margins)) * channels
    yield (steps + sum(layer.margins) - layer.reach) * layer.kernel_size * channels
