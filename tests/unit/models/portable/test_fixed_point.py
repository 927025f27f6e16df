"""The integer arithmetic: exact where it says so, close to the reals where it must be."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgehar.models.portable import fixed_point
from edgehar.models.portable.fixed_point import (
    GATE_BITS,
    SUM_BITS,
    VALUE_BITS,
    VALUE_LIMIT,
    mix,
    narrow,
    pass_gate,
    rescale,
    round_shift,
    sigmoid,
    softmax,
    tanh,
    to_samples,
)

SUMS = np.arange(-10 << SUM_BITS, (10 << SUM_BITS) + 1)


def half_away(value: Fraction) -> int:
    """Return the nearest integer, halves away from zero."""
    magnitude = int(abs(value) + Fraction(1, 2))
    return -magnitude if value < 0 else magnitude


@given(st.integers(-(2**31) + 1, 2**31 - 1), st.integers(0, 2**16 - 1), st.integers(16, 32))
def test_rescaling_rounds_the_exact_product_once(value: int, multiplier: int, shift: int) -> None:
    assert int(rescale(np.array(value), multiplier, shift)) == half_away(Fraction(value * multiplier, 2**shift))


@given(st.integers(-(2**40), 2**40), st.integers(1, 30))
def test_shifts_round_halves_away_from_zero(value: int, bits: int) -> None:
    assert int(round_shift(np.array(value), bits)) == half_away(Fraction(value, 2**bits))


def test_tanh_is_close_odd_and_never_falls() -> None:
    found = tanh(SUMS)
    error = np.abs(found / 2**VALUE_BITS - np.tanh(SUMS / 2**SUM_BITS))
    assert error[np.abs(SUMS) < 4 << SUM_BITS].max() < 1.2e-4
    assert error.max() < 7.1e-4
    assert np.array_equal(found, -found[::-1])
    assert np.all(np.diff(found) >= 0)
    assert found.max() == VALUE_LIMIT


def test_tanh_keeps_small_signals_small_signals() -> None:
    small = np.array([1, 10, 100])
    assert tanh(small).tolist() == [4, 40, 400]


def test_sigmoid_is_close_symmetric_and_never_0_or_1() -> None:
    found = sigmoid(SUMS)
    real = 1 / (1 + np.exp(-SUMS / 2**SUM_BITS))
    assert np.abs(found / 2**GATE_BITS - real).max() < 4e-4
    assert np.array_equal(found + found[::-1], np.full_like(found, 2**GATE_BITS))
    assert found.min() > 0
    assert found.max() < 2**GATE_BITS


@given(
    st.integers(-VALUE_LIMIT - 1, VALUE_LIMIT), st.integers(-VALUE_LIMIT - 1, VALUE_LIMIT), st.integers(1, 2**16 - 1)
)
def test_mixing_stays_between_what_is_mixed(kept: int, fresh: int, gate: int) -> None:
    mixed = int(mix(np.array(kept), np.array(fresh), np.array(gate)))
    assert min(kept, fresh) <= mixed <= max(kept, fresh)


@given(st.integers(-(2**31) + 1, 2**31 - 1), st.integers(1, 2**16 - 1))
def test_a_gate_never_amplifies(number: int, gate: int) -> None:
    assert abs(int(pass_gate(np.array(number), np.array(gate)))) <= abs(number)


def test_narrowing_saturates() -> None:
    sums = np.array([0, 1 << SUM_BITS, 100 << SUM_BITS, -100 << SUM_BITS])
    assert narrow(sums, 10).tolist() == [0, 1024, 32767, -32768]


@pytest.mark.parametrize("spread", [0.1, 1.0, 5.0, 30.0, 1e4])
def test_softmax_is_close_and_sums_to_one(spread: float) -> None:
    logits = np.random.default_rng(1).normal(scale=spread, size=(500, 12))
    found = softmax(np.round(logits * 2**SUM_BITS).astype(np.int64))
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    real = powers / powers.sum(axis=1, keepdims=True)
    assert np.abs(found / 2**VALUE_BITS - real).max() < 2e-4
    assert np.abs(found.sum(axis=1) - 2**VALUE_BITS).max() <= 6
    assert np.array_equal(found.max(axis=1), np.take_along_axis(found, logits.argmax(1)[:, np.newaxis], 1)[:, 0])


def test_samples_saturate_at_16_g() -> None:
    assert to_samples(np.array([15.9999, 17.0, -17.0, 1 / 4096, -1 / 4096])).tolist() == [32767, 32767, -32768, 1, -1]


def test_tables_fit_the_types_c_keeps_them_in() -> None:
    for table in (fixed_point.TANH_TABLE, fixed_point.EXP_TABLE):
        assert table.min() >= 0
        assert table.max() < 2**16
    # What the C engine multiplies in 16 bits: the fall of one segment by the place in it.
    assert -np.diff(fixed_point.EXP_TABLE).min() * 63 + 32 < 2**16
