"""The only quantize and dequantize in the project: half away from zero, then saturate."""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray


def round_half_away(values: NDArray[Any]) -> NDArray[Any]:
    """Return values rounded to the nearest integer, halves away from zero, as C's ``round`` does.

    Examples
    --------
    >>> round_half_away(np.array([0.5, -0.5, 2.5, -2.4])).tolist()
    [1.0, -1.0, 3.0, -2.0]
    """
    # Adding 0.5 and flooring would round up the number just below 0.5; the part behind the point is exact.
    whole = np.trunc(values)
    rounded: NDArray[Any] = whole + np.copysign(np.abs(values - whole) >= 0.5, values)
    return rounded


def quantize(values: NDArray[Any], *, scale: Any, zero_point: Any = 0, dtype: DTypeLike = np.int8) -> NDArray[Any]:
    """Return round(values / scale) + zero_point as integers of ``dtype``, saturated at its ends.

    Parameters
    ----------
    values : ndarray, finite
    scale : float or ndarray that broadcasts against ``values``, positive
    zero_point : int or ndarray that broadcasts against ``values``
    dtype : integer type

    Examples
    --------
    >>> quantize(np.array([0.125, -0.375, 99.0]), scale=0.25).tolist()
    [1, -2, 127]
    """
    limits = np.iinfo(np.dtype(dtype))
    scaled = round_half_away(np.asarray(values, np.float64) / scale) + zero_point
    saturated: NDArray[Any] = np.clip(scaled, limits.min, limits.max).astype(dtype)
    return saturated


def dequantize(values: NDArray[Any], *, scale: Any, zero_point: Any = 0) -> NDArray[np.float32]:
    """Return (values - zero_point) * scale as float32."""
    real: NDArray[np.float32] = ((values.astype(np.float64) - zero_point) * scale).astype(np.float32)
    return real


def symmetric_scale(values: NDArray[Any], dtype: DTypeLike = np.int8) -> float:
    """Return the scale at which the largest magnitude becomes the largest integer; 1 / that integer if all are zero.

    Examples
    --------
    >>> symmetric_scale(np.array([-2.54, 1.0]))
    0.02
    """
    limit = int(np.iinfo(np.dtype(dtype)).max)
    return float(np.max(np.abs(values), initial=0.0) or 1.0) / limit


def per_channel(values: NDArray[Any], axis: int | tuple[int, ...] = -1) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Return int8 values and the scales, one for each slice along ``axis``, shaped to broadcast against them.

    The slice's largest weight becomes ±127: ``values`` is about ``integers * scales``.

    Examples
    --------
    >>> integers, scales = per_channel(np.array([[1.0, -0.5], [0.5, 0.25]]))
    >>> integers.tolist(), scales.shape
    ([[127, -127], [64, 64]], (1, 2))
    """
    own = {index % values.ndim for index in np.atleast_1d(axis)}
    others = tuple(index for index in range(values.ndim) if index not in own)
    largest = np.max(np.abs(values), axis=others, keepdims=True)
    scales = np.asarray(np.where(largest > 0, largest, 1) / np.iinfo(np.int8).max, np.float32)
    return quantize(values, scale=scales.astype(np.float64), dtype=np.int8), scales
