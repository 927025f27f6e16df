"""Axes: values land inside, in order, and ticks are round numbers within the range."""

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from edgehar.reporting.axes import LinearScale, LogScale, linear_scale, log_scale

_NUMBERS = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20)
_POSITIVE = st.lists(st.floats(1e-3, 1e9), min_size=1, max_size=20)


@given(_NUMBERS)
def test_a_linear_scale_holds_its_values_and_a_few_ticks(values):
    assume(max(values) == min(values) or max(values) - min(values) > 1e-6)
    scale = linear_scale(values, start=0, end=100)
    assert all(-1e-6 <= scale.position(value) <= 100 + 1e-6 for value in values)
    ticks = scale.ticks()
    assert 2 <= len(ticks) <= 12
    assert ticks == sorted(ticks)


@given(_POSITIVE)
def test_a_logarithmic_scale_holds_its_values_and_a_few_ticks(values):
    scale = log_scale(values, start=500, end=0)
    positions = [scale.position(value) for value in sorted(values)]
    assert all(0 <= position <= 500 for position in positions)
    assert positions == sorted(positions, reverse=True)
    ticks = scale.ticks()
    assert 1 <= len(ticks) <= 14
    assert all(scale.low * 0.99 <= tick <= scale.high * 1.01 for tick in ticks)


def test_linear_ticks_are_round():
    assert LinearScale(0, 1, 0, 10).ticks() == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1])
    assert LinearScale(-3, 7, 0, 10).ticks() == [-2, 0, 2, 4, 6]


def test_logarithmic_ticks_thin_out_over_long_ranges():
    assert LogScale(10, 200, 0, 1).ticks() == [10, 20, 50, 100, 200]
    assert LogScale(1, 1000, 0, 1).ticks() == pytest.approx([1, 3, 10, 30, 100, 300, 1000])
    assert LogScale(1, 1e6, 0, 1).ticks() == pytest.approx([1, 10, 100, 1000, 1e4, 1e5, 1e6])


def test_equal_ratios_are_equal_lengths():
    scale = LogScale(1, 1000, 0, 300)
    assert [scale.position(value) for value in (1, 10, 100)] == pytest.approx([0, 100, 200])


def test_one_value_gets_room_on_both_sides():
    scale = log_scale([100.0], start=0, end=100)
    assert math.isclose(scale.position(100), 50)
    assert linear_scale([3.0], start=0, end=100).position(3) == pytest.approx(50)


def test_zero_sits_at_the_low_end_of_a_logarithmic_axis():
    scale = log_scale([0.0, 10.0], start=0, end=100)
    assert scale.position(0) <= 0
