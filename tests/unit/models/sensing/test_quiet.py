"""Gravity of quiet stretches, and stuck sensors."""

import doctest

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import edgehar.models.sensing.quiet as module
from edgehar.models.sensing.gravity import KNOWN_COUNTS_PER_G, propose_counts, resting_unit
from edgehar.models.sensing.quiet import gravity_of, longest_repeat
from edgehar.pipeline.data.recordings import Dataset


def test_examples_in_docstrings_run() -> None:
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0


@given(st.sampled_from(KNOWN_COUNTS_PER_G), st.floats(0.97, 1.03))
def test_counts_of_known_sensors_are_proposed(counts: int, off: float) -> None:
    proposed = propose_counts(counts * off)
    assert proposed is not None
    assert 0.9 < proposed / counts < 1.1


def test_gravity_of_every_real_recording_tells_its_unit(usc_had: Dataset) -> None:
    lengths = np.array([gravity_of(item.samples.astype(np.float64), item.rate_hz) for item in usc_had.recordings])
    assert 0.75 < lengths.min() < lengths.max() < 1.25
    assert all(resting_unit(length) == "g" for length in lengths)
    assert all(resting_unit(length * 9.80665) == "m/s2" for length in lengths)
    assert all(resting_unit(length * 1000) is None for length in lengths)


@given(st.lists(st.integers(0, 2), min_size=1, max_size=40))
def test_longest_repeat_is_one(values: list[int]) -> None:
    rows = np.array(values, dtype=float)[:, np.newaxis].repeat(3, axis=1)
    start, length = longest_repeat(rows)
    assert len(set(values[start : start + length])) == 1
    runs = [
        len(run)
        for run in "".join("|" * (a != b) + "x" for a, b in zip([None, *values], values, strict=False)).split("|")
    ]
    assert length == max(runs)
