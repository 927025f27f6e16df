"""Layers that change every number of a window by itself, or by those beside it, and layers that only rearrange."""

import math
from dataclasses import dataclass
from typing import ClassVar

from edgehar.models.architecture.activations import LEAK
from edgehar.models.architecture.layer import Shape


@dataclass(frozen=True, slots=True)
class _Unchanged:
    """A layer without weights, whose output has the shape of its input."""

    name: str

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return the input shape."""
        return input_shape

    def weight_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        """Return nothing: there is nothing to learn."""
        return {}


@dataclass(frozen=True, slots=True)
class Activation(_Unchanged):
    """An activation function alone; ``slope`` is that of ``leaky_relu`` below zero."""

    kind: ClassVar[str] = "Activation"
    activation: str
    slope: float = LEAK


@dataclass(frozen=True, slots=True)
class Masking(_Unchanged):
    """Steps of which every channel is ``value`` become zeros, and are skipped by the recurrent layers behind it."""

    kind: ClassVar[str] = "Masking"
    value: float


@dataclass(frozen=True, slots=True)
class Affine(_Unchanged):
    """y = factor x + shift, for every channel: what a trained normalisation of batches comes to."""

    kind: ClassVar[str] = "Affine"

    def weight_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        """Return the shapes of both."""
        return {"factor": input_shape[-1:], "shift": input_shape[-1:]}


@dataclass(frozen=True, slots=True)
class LayerNormalization(_Unchanged):
    """Each step's channels less their mean, by their deviation, times gamma, plus beta (Ba et al., 2016)."""

    kind: ClassVar[str] = "LayerNormalization"
    epsilon: float

    def weight_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        """Return the shapes of gamma and beta."""
        return {"gamma": input_shape[-1:], "beta": input_shape[-1:]}


@dataclass(frozen=True, slots=True)
class Reverse(_Unchanged):
    """The steps from the last to the first: what a layer that goes backwards sees."""

    kind: ClassVar[str] = "Reverse"

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return the input shape; a vector has no steps."""
        steps, channels = input_shape
        return (steps, channels)


@dataclass(frozen=True, slots=True)
class RepeatVector(_Unchanged):
    """A vector, once for every one of ``count`` steps."""

    kind: ClassVar[str] = "RepeatVector"
    count: int

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return (count, channels)."""
        (channels,) = input_shape
        return (self.count, channels)


@dataclass(frozen=True, slots=True)
class Reshape(_Unchanged):
    """The same numbers in the same order, as so many steps of so many channels."""

    kind: ClassVar[str] = "Reshape"
    steps: int
    channels: int

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return (steps, channels)."""
        if math.prod(input_shape) != self.steps * self.channels:
            raise ValueError(f"{self.name} gives {self.steps} x {self.channels} numbers, there are {input_shape}")
        return (self.steps, self.channels)
