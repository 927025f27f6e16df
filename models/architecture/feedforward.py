"""Layers without a memory: dense ones, convolutions along time, pooling, and what only rearranges or only trains."""

import math
from dataclasses import dataclass
from typing import ClassVar, Final

from edgehar.models.architecture.layer import Shape

PADDINGS: Final = ("valid", "same", "causal")
"""Where a convolution lies at the ends of the window: inside, centred, or looking back only; zeros stand outside."""


@dataclass(frozen=True, slots=True)
class Dense:
    """y = activation(x W + b), over the last axis."""

    kind: ClassVar[str] = "Dense"
    name: str
    units: int
    activation: str = "linear"

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return the input shape with its last axis replaced by ``units``."""
        return (*input_shape[:-1], self.units)

    def weight_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        """Return the shapes of kernel and bias."""
        return {"kernel": (input_shape[-1], self.units), "bias": (self.units,)}


@dataclass(frozen=True, slots=True)
class Conv1D:
    """A convolution along time: y[t] = activation(sum over k of x[t + k dilation] W[k] + b)."""

    kind: ClassVar[str] = "Conv1D"
    name: str
    filters: int
    kernel_size: int
    activation: str = "linear"
    padding: str = "valid"
    dilation: int = 1

    @property
    def reach(self) -> int:
        """Steps from the first sample a filter sees to its last."""
        return (self.kernel_size - 1) * self.dilation

    @property
    def margins(self) -> tuple[int, int]:
        """Zeros before and after the window."""
        return {"valid": (0, 0), "same": (self.reach // 2, self.reach - self.reach // 2), "causal": (self.reach, 0)}[
            self.padding
        ]

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return (steps that are left, filters)."""
        steps, _ = input_shape
        left = steps + sum(self.margins) - self.reach
        if left < 1:
            raise ValueError(f"{self.name} sees {self.reach + 1} steps, there are {steps}")
        return (left, self.filters)

    def weight_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        """Return the shapes of kernel and bias."""
        return {"kernel": (self.kernel_size, input_shape[-1], self.filters), "bias": (self.filters,)}


@dataclass(frozen=True, slots=True)
class MaxPooling1D:
    """The largest of every ``pool_size`` steps; what is left over at the end is dropped."""

    kind: ClassVar[str] = "MaxPooling1D"
    name: str
    pool_size: int = 2

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return (steps // pool_size, channels)."""
        steps, channels = input_shape
        if steps < self.pool_size:
            raise ValueError(f"{self.name} pools {self.pool_size} steps, there are {steps}")
        return (steps // self.pool_size, channels)

    def weight_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        """Return nothing: there is nothing to learn."""
        return {}


@dataclass(frozen=True, slots=True)
class GlobalAveragePooling1D:
    """The mean over time."""

    kind: ClassVar[str] = "GlobalAveragePooling1D"
    name: str

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return (channels,)."""
        _, channels = input_shape
        return (channels,)

    def weight_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        """Return nothing: there is nothing to learn."""
        return {}


@dataclass(frozen=True, slots=True)
class GlobalMaxPooling1D(GlobalAveragePooling1D):
    """The maximum over time."""

    kind: ClassVar[str] = "GlobalMaxPooling1D"


@dataclass(frozen=True, slots=True)
class Flatten:
    """All steps in one vector, one after the other."""

    kind: ClassVar[str] = "Flatten"
    name: str

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return (steps x channels,)."""
        return (math.prod(input_shape),)

    def weight_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        """Return nothing: there is nothing to learn."""
        return {}


@dataclass(frozen=True, slots=True)
class Dropout:
    """Zeroes a share of its inputs while training (Srivastava et al., 2014); a compiled model leaves it out."""

    kind: ClassVar[str] = "Dropout"
    name: str
    rate: float

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return the input shape."""
        return input_shape

    def weight_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        """Return nothing: there is nothing to learn."""
        return {}
