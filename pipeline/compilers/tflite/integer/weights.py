"""Kernels as int8 with one scale each, rounded for the inputs they will see."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.architecture import Shape
from edgehar.models.quantization import quantize, symmetric_scale
from edgehar.pipeline.compilers.quantization.rounding import round_for_inputs
from edgehar.pipeline.compilers.tflite.graph import Scale, Subgraph, Tensor
from edgehar.pipeline.compilers.tflite.integer.scales import number_of

_BIAS_LIMIT: Final = 2.0**30

_LARGEST_ROUNDED: Final = 1.0
"""Of the scale of a product: rounding it to float32 is then far less than any scale of an output."""


@dataclass(frozen=True, slots=True)
class Factor:
    """A kernel and what it will be multiplied with.

    Parameters
    ----------
    name
        Of the stored kernel.
    kernel : ndarray of shape (inputs, units)
    inputs
        Scale of the integers it meets.
    seen : ndarray of shape (..., inputs)
        What they stood for in calibration.
    shape
        Of the stored kernel; (units, inputs) unless it is said.
    """

    name: str
    kernel: NDArray[Any]
    inputs: Scale | None
    seen: NDArray[Any]
    shape: Shape | None = None


def store_factors(
    graph: Subgraph, name: str, factors: Sequence[Factor], bias: NDArray[Any], dtype: type
) -> tuple[list[Tensor], Tensor]:
    """Store kernels whose products are added up, and the bias (units,) under ``name``: it joins the first's products.

    What rounding one kernel costs is made good in all. Where all weights of the first are tiny, its scale is coarse
    enough for the bias to fit an int32. Where its products are huge, its scale is a power of two: kernels hold the
    bias's scale to the product of both others, and float32 must then hold that exactly.
    """
    scales = [symmetric_scale(factor.kernel, np.int8) for factor in factors]
    least = float(np.max(np.abs(bias), initial=0.0)) / (_BIAS_LIMIT * number_of(factors[0].inputs))
    scales[0] = max(scales[0], least)
    if scales[0] * number_of(factors[0].inputs) > _LARGEST_ROUNDED:
        scales[0] = 2.0 ** math.ceil(math.log2(scales[0]))
    stored = [Scale(float(np.float32(scale))) for scale in scales]
    inputs = [len(factor.kernel) for factor in factors]
    integers, correction = round_for_inputs(
        np.concatenate([factor.kernel for factor in factors]).astype(np.float64).T,
        np.repeat([number_of(scale) for scale in stored], inputs),
        np.concatenate([factor.seen.reshape(-1, own) for factor, own in zip(factors, inputs, strict=True)], axis=1),
        has_bias=True,
    )
    kernels = [
        graph.constant(factor.name, values.reshape(factor.shape or values.shape), scale=scale)
        for factor, values, scale in zip(
            factors, np.split(integers, np.cumsum(inputs)[:-1], axis=1), stored, strict=True
        )
    ]
    products = Scale(float(np.float32(number_of(stored[0]) * number_of(factors[0].inputs))))
    sums = quantize(bias + correction, scale=number_of(products), dtype=dtype)
    return kernels, graph.constant(name, sums, scale=products)
