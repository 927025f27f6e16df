"""Scales of integer tensors: what calibration windows made of an activation, and what a weight's size asks for."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.quantization import quantize, symmetric_scale
from pipeline.compilers.tflite.graph import Scale, Subgraph, Tensor

UNIT: Final = Scale(2.0**-15)
"""Scale of int16 numbers between -1 and 1: states, gates, probabilities."""

GATE: Final = Scale(2.0**-12)
"""Scale of what goes into a sigmoid or tanh: both are flat beyond the 8 this holds."""

SAMPLE: Final = 2.0**-11
"""Step of the input in g: an int16 holds 16 g, more than accelerometers for people send."""

_HEADROOM: Final = 1.25
_BIAS_LIMIT: Final = 2.0**30


def observed_scale(values: NDArray[Any], dtype: type = np.int16, *, headroom: float = _HEADROOM) -> Scale:
    """Return the scale of an activation that may exceed what was observed of it by ``headroom`` before it saturates."""
    return Scale(float(np.float32(headroom * symmetric_scale(values, dtype))))


def gate_part_scale(values: NDArray[Any]) -> Scale:
    """Return the scale of one of the parts that add up to what goes into a sigmoid or tanh.

    Kernels abort where an addition has to magnify its operands; parts beyond 2^15 may as well saturate.
    """
    return Scale(min(number_of(observed_scale(values)), 1.0))


def number_of(scale: Scale | None) -> float:
    """Return the one number of a tensor's scale."""
    return float(np.asarray(1.0 if scale is None else scale.scale))


def int8_matrix(
    graph: Subgraph, name: str, kernel: NDArray[Any], inputs: Scale | None, bias: NDArray[Any] | None = None
) -> tuple[Tensor, Scale]:
    """Store a kernel (inputs, units) as int8 (units, inputs); return it and the scale of its products with ``inputs``.

    Where all weights are tiny, the scale is coarse enough for the bias to fit an int32 in the scale of the products.
    """
    scale = symmetric_scale(kernel, np.int8)
    if bias is not None:
        scale = max(scale, float(np.max(np.abs(bias), initial=0.0)) / (_BIAS_LIMIT * number_of(inputs)))
    stored = Scale(float(np.float32(scale)))
    values = quantize(kernel.T, scale=number_of(stored), dtype=np.int8)
    return graph.constant(name, values, scale=stored), Scale(float(np.float32(number_of(stored) * number_of(inputs))))


def stored_bias(graph: Subgraph, name: str, bias: NDArray[Any], scale: Scale, dtype: type) -> Tensor:
    """Store a bias in the scale of the products it is added to."""
    return graph.constant(name, quantize(bias, scale=number_of(scale), dtype=dtype), scale=scale)
