"""Units, clocks and names of columns, each on its own."""

import doctest

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import edgehar.pipeline.data.readers.column_roles
import edgehar.pipeline.data.readers.timestamps
import edgehar.pipeline.data.readers.unit_evidence
from edgehar.pipeline.data.readers.timestamps import SECONDS, detect_time_unit, read_clock
from edgehar.pipeline.data.readers.unit_evidence import detect_unit, gravity
from edgehar.pipeline.data.recordings import Dataset


def test_examples_in_docstrings_run() -> None:
    for module in (
        edgehar.pipeline.data.readers.timestamps,
        edgehar.pipeline.data.readers.column_roles,
        edgehar.pipeline.data.readers.unit_evidence,
    ):
        result = doctest.testmod(module)
        assert result.attempted > 0
        assert result.failed == 0


@given(rate=st.floats(2.1, 1999), unit=st.sampled_from(sorted(SECONDS)))
def test_time_unit_is_found_for_every_rate(rate: float, unit: str) -> None:
    assert detect_time_unit(np.arange(50) / rate / SECONDS[unit]) == unit


@given(rate=st.floats(20, 400), lost=st.sets(st.integers(10, 480), max_size=12), seed=st.integers(0, 2**16))
def test_every_lost_sample_of_a_steady_clock_is_a_gap(rate: float, lost: set[int], seed: int) -> None:
    kept = np.array([index for index in range(500) if index not in lost])
    jitter = np.random.default_rng(seed).uniform(-0.05, 0.05, 500)
    clock = read_clock((np.arange(500) + jitter)[kept] / rate)
    assert set(clock.gaps) == set((np.flatnonzero(np.diff(kept) > 1) + 1).tolist())
    assert clock.rate_hz == pytest.approx(rate, rel=2e-3)
    assert clock.missing_s == pytest.approx(len(lost) / rate, abs=0.3 * max(1, len(lost)) / rate)


def test_gravity_of_every_real_recording_tells_its_unit(usc_had: Dataset) -> None:
    lengths = np.array([gravity(item.samples.astype(np.float64), item.rate_hz) for item in usc_had.recordings])
    assert 0.75 < lengths.min() < lengths.max() < 1.25
    assert all(detect_unit([length]) == "g" for length in lengths)
    assert all(detect_unit([length * 9.80665]) == "m/s2" for length in lengths)
    assert all(detect_unit([length * 1000]) is None for length in lengths)
