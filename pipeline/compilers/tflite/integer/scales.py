"""Scales of integer tensors: what calibration windows made of an activation, and what a weight's size asks for."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.quantization import symmetric_scale
from edgehar.pipeline.compilers.tflite.graph import Scale

UNIT: Final = Scale(2.0**-15)
"""Scale of int16 numbers between -1 and 1: states, gates, probabilities."""

GATE: Final = Scale(2.0**-12)
"""Scale of what goes into a sigmoid or tanh: both are flat beyond the 8 this holds."""

SAMPLE: Final = 2.0**-11
"""Step of the input in g: an int16 holds 16 g, more than accelerometers for people send."""

_HEADROOM: Final = 1.25


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
