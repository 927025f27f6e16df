"""One rule of rounding: half away from zero, then saturate, whatever the type."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgehar.models.quantization import dequantize, quantize, round_half_away


def _round_exactly(value: Fraction) -> int:
    magnitude = (abs(value) + Fraction(1, 2)).__floor__()
    return magnitude if value >= 0 else -magnitude


@given(st.integers(-(2**40), 2**40), st.sampled_from([0, 0.25, 0.5, 0.75]))
def test_rounding_is_exact_and_symmetric(whole, part):
    value = whole + part
    assert round_half_away(np.array(value)) == _round_exactly(Fraction(value))
    assert round_half_away(np.array(-value)) == -round_half_away(np.array(value))


def test_the_largest_number_below_one_half_is_not_rounded_up():
    below = np.nextafter(0.5, 0)
    assert round_half_away(np.array([below, -below])).tolist() == [0.0, 0.0]


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.int32])
@given(value=st.floats(-1e12, 1e12), exponent=st.integers(-12, 6), zero_point=st.integers(-20, 20))
def test_quantizing_rounds_then_shifts_then_saturates(dtype, value, exponent, zero_point):
    scale, limits = 2.0**exponent, np.iinfo(dtype)
    expected = _round_exactly(Fraction(value) / Fraction(scale)) + zero_point
    got = quantize(np.array([value]), scale=scale, zero_point=zero_point, dtype=dtype)
    assert got.dtype == dtype
    assert int(got[0]) == min(max(expected, limits.min), limits.max)


@given(st.integers(-128, 127), st.floats(1e-6, 1e3), st.integers(-128, 127))
def test_what_was_dequantized_quantizes_to_the_same_integer(value, scale, zero_point):
    real = dequantize(np.array([value], np.int8), scale=scale, zero_point=zero_point)
    assert real.dtype == np.float32
    assert quantize(real, scale=scale, zero_point=zero_point).tolist() == [value]


def test_scales_may_differ_by_column():
    values = np.array([[1.0, 1.0], [-3.0, -3.0]])
    assert quantize(values, scale=np.array([1.0, 0.5])).tolist() == [[1, 2], [-3, -6]]
