"""Resampling keeps what it should keep, and nothing that would fold."""

import doctest

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import edgehar.pipeline.data.rate_conversion
from edgehar.pipeline.data.rate_conversion import resample, resample_timed


def _sine(rate_hz: float, seconds: float, frequency_hz: float) -> np.ndarray:
    time = np.arange(round(seconds * rate_hz)) / rate_hz
    wave = np.sin(2 * np.pi * frequency_hz * time)
    return np.stack([1 + 0.5 * wave, 0.3 * wave, -wave], axis=1).astype(np.float32)


def test_examples_in_docstrings_run() -> None:
    assert doctest.testmod(edgehar.pipeline.data.rate_conversion).failed == 0


@pytest.mark.parametrize("rate", [100.0, 99.8, 100.4])
def test_equal_rates_are_the_identity(rate: float) -> None:
    samples = _sine(100, 3, 2)
    assert resample(samples, from_hz=rate, to_hz=100.0) is samples
    assert resample(samples, from_hz=rate, to_hz=100.0, timestamps_s=np.arange(300) / rate) is samples


@pytest.mark.parametrize("rate", [20.0, 25.0, 50.0, 52.0, 64.0, 119.88, 128.0, 200.0, 256.0, 1000.0])
def test_slow_movement_survives_any_rate(rate: float) -> None:
    made = resample(_sine(rate, 10, 1.5), from_hz=rate, to_hz=100.0)
    wanted = _sine(100.0, 10, 1.5)[: len(made)]
    assert abs(len(made) - 1000) <= 100 / rate + 1
    error = np.abs(made - wanted)
    assert error.max() < 0.06
    # Far from the edges, beyond which the signal stands still.
    assert error[50:-50].max() < 0.002


@pytest.mark.parametrize("rate", [200.0, 400.0])
def test_what_would_fold_is_filtered_out(rate: float) -> None:
    made = resample(_sine(rate, 10, 70.0), from_hz=rate, to_hz=100.0)
    assert np.abs(made[50:-50] - [1, 0, 0]).max() < 0.01
    naive = _sine(rate, 10, 70.0)[:: round(rate / 100)]
    assert np.abs(naive - np.float32([1, 0, 0])).max() > 0.5


def test_constant_gravity_stays_constant_to_the_edges() -> None:
    still = np.tile(np.float32([0.6, -0.8, 0.05]), (301, 1))
    for rate in (31.0, 50.0, 128.0, 333.0):
        made = resample(still, from_hz=rate, to_hz=100.0)
        np.testing.assert_allclose(made, np.tile(still[:1], (len(made), 1)), atol=2e-3)


def test_uneven_times_are_put_on_an_even_grid() -> None:
    rng = np.random.default_rng(3)
    for rate in (50.0, 200.0):
        times = np.sort(np.arange(0, 10, 1 / rate) + rng.uniform(-0.3, 0.3, round(10 * rate)) / rate)
        wave = np.sin(2 * np.pi * (times - times[0]))
        samples = np.stack([wave] * 3, axis=1).astype(np.float32)
        made = resample(samples, from_hz=rate, to_hz=100.0, timestamps_s=times)
        wanted = np.sin(2 * np.pi * np.arange(len(made)) / 100)
        assert abs(len(made) - 1000) < 4
        assert np.abs(made[:, 0] - wanted)[20:-20].max() < 0.01


def test_times_that_no_cubic_can_follow_are_interpolated_linearly() -> None:
    # Bursts: ten samples at once, then a pause.
    times = (np.arange(600)[:, np.newaxis] * 0.2 + np.arange(10) * 0.001).ravel()
    wave = np.sin(2 * np.pi * 0.5 * times)
    samples = np.stack([wave] * 3, axis=1).astype(np.float32)
    made, at_s = resample_timed(samples, from_hz=50.0, to_hz=100.0, timestamps_s=times)
    assert np.diff(at_s) == pytest.approx(0.01)
    assert np.abs(made[:, 0] - np.sin(2 * np.pi * 0.5 * at_s))[50:-50].max() < 0.06


def test_a_long_recording_has_no_seams() -> None:
    still = np.tile(np.float32([0, 0, 1]), (30_000, 1))
    made, at_s = resample_timed(still, from_hz=50.0, to_hz=100.0)
    assert len(made) == len(at_s) == 59_999
    np.testing.assert_allclose(made, still[:1].repeat(len(made), axis=0), atol=1e-6)


def test_nothing_stays_nothing() -> None:
    made, at_s = resample_timed(np.empty((0, 3), np.float32), from_hz=50.0, to_hz=100.0)
    assert made.shape == (0, 3)
    assert at_s.shape == (0,)


@settings(deadline=None)
@given(
    count=st.integers(1, 300),
    from_hz=st.floats(5, 800),
    to_hz=st.sampled_from([50.0, 100.0]),
    seed=st.integers(0, 999),
)
def test_length_and_range_follow_the_rule(count: int, from_hz: float, to_hz: float, seed: int) -> None:
    samples = np.random.default_rng(seed).uniform(-1, 1, (count, 3)).astype(np.float32)
    made = resample(samples, from_hz=from_hz, to_hz=to_hz)
    assert made.dtype == np.float32
    assert np.isfinite(made).all()
    if abs(from_hz / to_hz - 1) > 0.005:
        assert len(made) == int(np.floor((count - 1) * to_hz / from_hz + 1e-6)) + 1
    # A sharp filter overshoots, by less than the sum of its weights' magnitudes.
    assert np.abs(made).max() <= 3
