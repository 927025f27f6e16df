"""Layers without a memory: dense ones, convolutions along time, pooling, and what only rearranges or only trains."""

import math
from dataclasses import dataclass, field
from typing import ClassVar, Final

from edgehar.models.architecture.layer import ADDED, Shape

PADDINGS: Final = ("valid", "same", "causal")
"""Where a convolution lies at the ends of the window: inside, centred, or looking back only; zeros stand outside."""

POOL_PADDINGS: Final = ("valid", "same")


@dataclass(frozen=True, slots=True)
class Places:
    """Where a filter of ``reach`` + 1 steps lies along a window: how often, and the margins before and after."""

    count: int
    before: int
    after: int


def places(name: str, steps: int, reach: int, stride: int, padding: str) -> Places:
    """Return where a filter lies, as TensorFlow places it.

    Raises
    ------
    ValueError
        If the window is shorter than the filter.
    """
    before = after = 0
    if padding == "same":
        missing = max(0, (-(-steps // stride) - 1) * stride + reach + 1 - steps)
        before, after = missing // 2, missing - missing // 2
    elif padding == "causal":
        before = reach
    count = (steps + before + after - reach - 1) // stride + 1
    if steps + before + after <= reach:
        raise ValueError(f"{name} sees {reach + 1} steps, there are {steps}")
    return Places(count, before, after)


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
    strides: int = field(default=1, kw_only=True, metadata=ADDED)

    @property
    def reach(self) -> int:
        """Steps from the first sample a filter sees to its last."""
        return (self.kernel_size - 1) * self.dilation

    def places(self, steps: int) -> Places:
        """Where the filters lie along so many steps."""
        return places(self.name, steps, self.reach, self.strides, self.padding)

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return (steps that are left, filters)."""
        steps, _ = input_shape
        return (self.places(steps).count, self.filters)

    def weight_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        """Return the shapes of kernel and bias."""
        return {"kernel": (self.kernel_size, input_shape[-1], self.filters), "bias": (self.filters,)}


@dataclass(frozen=True, slots=True)
class MaxPooling1D:
    """The largest of every ``pool_size`` steps; what is left over at the end is dropped.

    ``strides`` are the steps from one pool to the next, 0 for as many as the pool has. With the padding ``same``, pools
    reach beyond the ends of the window, where nothing stands.
    """

    kind: ClassVar[str] = "MaxPooling1D"
    name: str
    pool_size: int = 2
    strides: int = field(default=0, kw_only=True, metadata=ADDED)
    padding: str = field(default="valid", kw_only=True, metadata=ADDED)

    @property
    def stride(self) -> int:
        """Steps from one pool to the next."""
        return self.strides or self.pool_size

    def places(self, steps: int) -> Places:
        """Where the pools lie along so many steps."""
        return places(self.name, steps, self.pool_size - 1, self.stride, self.padding)

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return (pools, channels)."""
        steps, channels = input_shape
        return (self.places(steps).count, channels)

    def weight_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        """Return nothing: there is nothing to learn."""
        return {}


@dataclass(frozen=True, slots=True)
class AveragePooling1D(MaxPooling1D):
    """The mean of every ``pool_size`` steps, of those that there are."""

    kind: ClassVar[str] = "AveragePooling1D"


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
