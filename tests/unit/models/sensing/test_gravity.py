"""Gravity and units: the unit is found for every way of wearing a sensor, and not where there is no gravity."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgehar.models.sensing.gravity import guess_unit, has_offset, mean_vector_lengths
from edgehar.models.units import parse_unit

UNITS = ["g", "m/s2", "raw:1000", "raw:256", "raw:2048", "raw:4096", "raw:8192", "raw:16384"]


@given(
    st.sampled_from(UNITS),
    st.integers(0, 2**32),
    st.floats(0.8, 1.25),
    st.floats(0.0, 0.8),
)
def test_the_unit_is_found_at_rest_and_in_motion(unit: str, seed: int, length: float, motion: float) -> None:
    generator = np.random.default_rng(seed)
    direction = generator.normal(size=3)
    gravity = length * direction / np.linalg.norm(direction)
    shake = generator.normal(size=(100, 3)) * motion
    samples_g = gravity + shake - shake.mean(axis=0)
    values = parse_unit(unit).from_g(samples_g).astype(np.float64)
    if has_offset(values):
        return
    found = guess_unit(values).unit
    # Counts of a calm sensor that are too far from a usual scale are asked about.
    assert found == unit or (found is None and parse_unit(unit).counts and not 0.86 < length < 1.17)


@given(st.floats(60.0, 33000.0), st.integers(0, 2**32), st.floats(0.01, 0.4))
def test_counts_of_any_scale_are_told_or_asked_about(per_g: float, seed: int, motion: float) -> None:
    generator = np.random.default_rng(seed)
    direction = generator.normal(size=3)
    shake = generator.normal(size=(100, 3)) * motion
    samples_g = direction / np.linalg.norm(direction) + shake - shake.mean(axis=0)
    found = guess_unit(np.rint(samples_g * per_g)).unit
    assert found is None or 0.8 < parse_unit(found).per_g / per_g < 1.25


@given(st.sampled_from(UNITS), st.integers(0, 2**32), st.floats(3.5, 50.0))
def test_what_varies_far_more_than_its_mean_is_long_holds_no_gravity(unit: str, seed: int, motion: float) -> None:
    """So do linear acceleration and turning rates, whose mean can be as long as gravity by chance."""
    generator = np.random.default_rng(seed)
    shake = generator.normal(size=(100, 3))
    shake = (shake - shake.mean(axis=0)) / np.sqrt(shake.var(axis=0).sum())
    direction = generator.normal(size=3)
    values = parse_unit(unit).per_g * (direction / np.linalg.norm(direction) + motion * shake)
    assert guess_unit(values).unit is None


def test_a_converter_s_readings_are_no_unit() -> None:
    generator = np.random.default_rng(1)
    readings = np.rint([512, 512, 612] + generator.normal(size=(100, 3)) * 20)
    assert guess_unit(readings).unit is None


@pytest.mark.parametrize("length", [0.01, 0.3, 3.0, 40.0, 1e6])
def test_what_is_no_gravity_has_no_unit(length: float) -> None:
    assert guess_unit(np.tile([0.0, 0.0, length + 0.001], (100, 1))).unit is None


def test_every_window_has_a_length() -> None:
    values = np.vstack([np.tile([0.0, 0.0, 1.0], (10, 1)), np.tile([3.0, 4.0, 0.0], (10, 1)), [[9.0, 9.0, 9.0]]])
    assert mean_vector_lengths(values, 10).tolist() == [1.0, 5.0]


def test_of_no_numbers_nothing_is_guessed() -> None:
    assert guess_unit(np.empty((0, 3))).unit is None
