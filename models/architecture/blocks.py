"""Layers that are small networks themselves: what they add goes around as well as through."""

from dataclasses import dataclass, field
from typing import ClassVar

from edgehar.models.architecture.feedforward import Conv1D
from edgehar.models.architecture.layer import ADDED, Shape


@dataclass(frozen=True, slots=True)
class TemporalBlock:
    """Two causal dilated convolutions and a way around them: relu(x R + relu(conv(relu(conv(x))))).

    The residual block of a temporal convolutional network (Bai, Kolter & Koltun, 2018, figure 1), without its weight
    normalisation. R is the identity where the channels stay as many.
    """

    kind: ClassVar[str] = "TemporalBlock"
    name: str
    filters: int
    kernel_size: int
    dilation: int

    @property
    def convolution(self) -> Conv1D:
        """Either of the two convolutions."""
        return Conv1D(self.name, self.filters, self.kernel_size, "relu", "causal", self.dilation)

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return (steps, filters)."""
        return (input_shape[0], self.filters)

    def weight_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        """Return the shapes of both convolutions, and of the residual kernel where there is one."""
        steps, channels = input_shape
        first = self.convolution.weight_shapes(input_shape)
        second = self.convolution.weight_shapes((steps, self.filters))
        shapes = {
            f"{which}_{name}": shape
            for which, of in (("first", first), ("second", second))
            for name, shape in of.items()
        }
        if channels != self.filters:
            shapes["residual_kernel"] = (channels, self.filters)
            shapes["residual_bias"] = (self.filters,)
        return shapes


@dataclass(frozen=True, slots=True)
class SelfAttention:
    """Scaled dot-product attention over time, added to its input: x + softmax(Q K' / sqrt(d)) V O.

    (Vaswani et al., 2017, equation 1.) Q, K, V and O are dense layers; the first three give each of ``heads`` heads
    ``key_size`` numbers for each step, head after head. Without ``residual`` the input is not added.
    """

    kind: ClassVar[str] = "SelfAttention"
    name: str
    key_size: int
    heads: int = field(default=1, kw_only=True, metadata=ADDED)
    residual: bool = field(default=True, kw_only=True, metadata=ADDED)

    @property
    def width(self) -> int:
        """Numbers for each step in Q, K or V."""
        return self.heads * self.key_size

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return the input shape."""
        steps, channels = input_shape
        return (steps, channels)

    def weight_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        """Return the shapes of the four kernels and biases."""
        _, channels = input_shape
        shapes: dict[str, Shape] = {}
        for which in ("query", "key", "value"):
            shapes[f"{which}_kernel"] = (channels, self.width)
            shapes[f"{which}_bias"] = (self.width,)
        shapes["output_kernel"] = (self.width, channels)
        shapes["output_bias"] = (channels,)
        return shapes
