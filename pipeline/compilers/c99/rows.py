"""Rows of int8 weights: a scale for each, and rounding that lets a row's errors cancel on the inputs it will see."""

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.errors import CompileError
from edgehar.models.portable.fixed_point import SUM_BITS
from edgehar.models.portable.tables import SHIFTS, Matrix
from edgehar.models.quantization import quantize
from edgehar.pipeline.compilers.quantization.rounding import LARGEST_WEIGHT, round_for_inputs

_LARGEST_MULTIPLIER: Final = 2**16 - 1
_BITS_TO_SPARE: Final = 4


@dataclass(frozen=True, slots=True)
class Linear:
    """One linear map to be quantized.

    Parameters
    ----------
    name
        What to call it if it cannot be expressed.
    kernel : ndarray of shape (inputs, outputs)
    input_bits
        Bits below the point in its inputs' integer format.
    seen : ndarray of shape (n, inputs) or None
        What its inputs were in calibration.
    """

    name: str
    kernel: NDArray[Any]
    input_bits: int
    seen: NDArray[Any] | None = None

    @property
    def rows(self) -> NDArray[np.float64]:
        """The weights, one row an output."""
        return np.asarray(self.kernel, np.float64).T


def quantize_rows(parts: list[Linear], bias: NDArray[Any] | None) -> list[Matrix]:
    """Return linear maps whose results are added up as matrices of int8 rows; the first of them carries the bias.

    Parameters
    ----------
    parts
        One map, or several: what rounding one of them costs is made good in all.
    bias : ndarray of shape (outputs,) or None

    Raises
    ------
    CompileError
        If a weight is too large for 32-bit arithmetic.
    """
    scaled = [_scale_rows(part) for part in parts]
    weights = [
        quantize(part.rows, scale=np.where(scales > 0, scales, 1.0)[:, np.newaxis])
        for part, (_, _, scales) in zip(parts, scaled, strict=True)
    ]
    if all(part.seen is not None for part in parts):
        weights, bias = _round_together(parts, [scales for _, _, scales in scaled], bias)
    return [
        Matrix(values, _sums(bias) if index == 0 else None, multipliers, shift)
        for index, (values, (multipliers, shift, _)) in enumerate(zip(weights, scaled, strict=True))
    ]


def _scale_rows(part: Linear) -> tuple[NDArray[np.uint16], int, NDArray[np.float64]]:
    """Return multipliers, shift, and what one unit of a weight is worth: the least that holds each row's largest."""
    # In sums per unit of input, which is what the engine multiplies.
    unit = np.abs(part.rows).max(axis=1) / LARGEST_WEIGHT * 2.0 ** (SUM_BITS - part.input_bits)
    shift = _shift_for(float(unit.max()), part.name)
    multipliers = np.minimum(np.ceil(unit * 2.0**shift), _LARGEST_MULTIPLIER)
    return multipliers.astype(np.uint16), shift, multipliers * 2.0 ** (part.input_bits - SUM_BITS - shift)


def least_input_bits(kernel: NDArray[Any]) -> int:
    """Return the bits below the point that inputs need at least, so that these weights fit 32-bit sums."""
    largest = float(np.abs(kernel).max(initial=0.0))
    return math.ceil(math.log2(largest / largest_weight(0))) if largest > 0 else 0


def largest_weight(input_bits: int) -> float:
    """Return the largest weight that fits 32-bit sums, of inputs with so many bits below the point."""
    return LARGEST_WEIGHT * _LARGEST_MULTIPLIER / 2.0 ** (SHIFTS[0] + SUM_BITS - input_bits)


def _shift_for(largest: float, name: str) -> int:
    """Return the shift that gives the largest row a multiplier of 16 bits, or 12 where that makes it whole bytes.

    An 8-bit chip shifts by whole bytes for nothing.
    """
    least, most = SHIFTS
    shift = most if largest == 0 else math.floor(math.log2(_LARGEST_MULTIPLIER / largest))
    shift -= shift % 8 if shift % 8 <= _BITS_TO_SPARE else 0
    if shift < least:
        raise CompileError(
            f"{name}: expected weights small enough for 32-bit sums, the largest is {largest:.3g} times too large",
            next_step="Use the float32 artifact, or train with weight decay.",
            weight=name,
        )
    return min(shift, most)


def _round_together(
    parts: list[Linear], scales: list[NDArray[np.float64]], bias: NDArray[Any] | None
) -> tuple[list[NDArray[np.int8]], NDArray[Any] | None]:
    """Round the rows of all parts as one, for the inputs of all."""
    rows = np.concatenate([part.rows for part in parts], axis=1)
    steps = [np.repeat(scale[:, np.newaxis], part.rows.shape[1], 1) for part, scale in zip(parts, scales, strict=True)]
    seen = np.concatenate([np.asarray(part.seen, np.float64) for part in parts], axis=1)
    integers, correction = round_for_inputs(rows, np.concatenate(steps, axis=1), seen, has_bias=bias is not None)
    ends = np.cumsum([part.rows.shape[1] for part in parts])[:-1]
    return np.split(integers, ends, axis=1), None if bias is None else bias + correction


def _sums(bias: NDArray[Any] | None) -> NDArray[np.int32] | None:
    """Return a bias as sums."""
    if bias is None:
        return None
    sums: NDArray[np.int32] = quantize(bias, scale=2.0**-SUM_BITS, dtype=np.int32)
    return sums
