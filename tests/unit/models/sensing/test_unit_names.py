"""How units are written."""

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

import edgehar.models.sensing.unit_names as module
from edgehar.models.sensing.unit_names import any_unit_named, time_unit_named, unit_at_start, unit_named
from edgehar.models.units import parse_unit


def test_examples_in_docstrings_run() -> None:
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0


@pytest.mark.parametrize(
    "written", ["m/s2", "m/s^2", "m/s²", "m/(s^2)", "m/s/s", "ms-2", " (m/s^2) ", "m/s**2", "N/kg"]
)
def test_units_of_acceleration(written: str) -> None:
    assert unit_named(written) == "m/s2"
    assert unit_at_start(f" {written.strip(' ()')}")[0] == "m/s2" or "(" in written


@pytest.mark.parametrize(
    ("written", "per_g"),
    [
        *[(unit, 980.665) for unit in ("cm/s^2", "cm/s²", "Gal", "cm/sec^2")],
        *[(unit, 9806.65) for unit in ("mm/s2", "mm/s²")],
        *[(unit, 9.80665 / 0.3048) for unit in ("ft/s^2", "feet/s²", "ft/s/s")],
        *[("in/s²", 9.80665 / 0.0254), ("dm/s²", 98.0665), ("milligravity", 1000)],
    ],
)
def test_units_of_other_lengths(written: str, per_g: float) -> None:
    assert parse_unit(unit_named(written) or "").per_g == pytest.approx(per_g, rel=1e-9)


def test_a_unit_is_read_in_whatever_encoding_a_line_comes() -> None:
    line = "9.81 m/s²".encode().decode("latin-1")
    assert unit_at_start(line.removeprefix("9.81"))[0] == "m/s2"


@given(st.text(max_size=20))
def test_any_text_is_read(text: str) -> None:
    unit_named(text)
    any_unit_named(text)
    time_unit_named(text)
    unit_at_start(text)
