"""Numbers for people keep three digits, the right unit, and never round up to a promise."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgehar.reporting.numbers import (
    MISSING,
    amount,
    byte_size,
    duration_us,
    error_size,
    percent,
    plain,
    ratio,
    significant,
)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0, "0"),
        (0.0751234, "0.0751"),
        (9.999, "10"),
        (12, "12"),
        (12.34, "12.3"),
        (999.6, "1,000"),
        (123456, "123,000"),
        (-0.5, "-0.5"),
        (0.5, "0.5"),
        (1.5, "1.5"),
    ],
)
def test_three_significant_digits(value, written):
    assert significant(value).rstrip("0").rstrip(".") == written.rstrip("0").rstrip(".")


@given(st.floats(1e-9, 1e12))
def test_a_written_number_is_close_to_the_number(value):
    assert float(significant(value).replace(",", "")) == pytest.approx(value, rel=0.00501)


@pytest.mark.parametrize(
    ("value", "written"),
    [(0.5, "0.500 µs"), (75.04, "75 µs"), (999.9, "1 ms"), (1070, "1.07 ms"), (2.1e6, "2.10 s"), (None, MISSING)],
)
def test_durations_take_the_unit_that_keeps_them_short(value, written):
    assert duration_us(value) == written


@pytest.mark.parametrize(
    ("value", "written"), [(0, "0 B"), (16044, "16 kB"), (9624, "9.62 kB"), (3.4e6, "3.40 MB"), (None, MISSING)]
)
def test_sizes_are_in_powers_of_a_thousand(value, written):
    assert byte_size(value) == written


def test_counts_have_no_unit():
    assert amount(13_324) == "13.3 k"
    assert amount(12) == "12"


def test_errors_are_powers_of_ten():
    assert [error_size(value) for value in (None, 0, 2.13e-7, 0.25)] == [MISSING, "0", "2.1e-7", "2.5e-1"]


@given(st.floats(0, 1, exclude_max=True))
def test_only_all_of_it_is_a_hundred_percent(share):
    assert float(percent(share).removesuffix(" %")) <= 99.9
    assert percent(1.0) == "100 %"


def test_ratios_lose_their_decimals_when_they_are_large():
    assert [ratio(value) for value in (1.0, 3.44, 9.94, 9.96, 1234.5)] == ["1.0×", "3.4×", "9.9×", "10×", "1,234×"]


def test_axis_numbers_have_a_true_minus_and_no_idle_zeros():
    assert [plain(value) for value in (-1.50, 0.30000000000000004, 200)] == ["−1.5", "0.3", "200"]


def test_what_is_not_finite_is_said():
    assert significant(math.inf) == "inf"
    assert significant(math.nan) == "nan"
