"""Streaming resampling against interpolation of the whole."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_bridge.resampling import LinearResampler

SAMPLES = np.random.default_rng(2).normal(0, 1, (150, 3)).astype(np.float32)


def resample(rate_hz: float, cuts: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Resample SAMPLES from a rate to 100 Hz in pieces."""
    resampler = LinearResampler(from_hz=rate_hz, to_hz=100.0)
    times_s = np.arange(150) / rate_hz
    edges = [0, *sorted(cuts), 150]
    pieces = [resampler.feed(SAMPLES[a:b], times_s[a:b]) for a, b in itertools.pairwise(edges)]
    return np.concatenate([piece[0] for piece in pieces]), np.concatenate([piece[1] for piece in pieces])


@pytest.mark.parametrize("rate_hz", [20.0, 50.0, 62.5, 99.0, 104.0, 200.0, 333.3])
def test_equal_to_interpolating_the_whole(rate_hz: float) -> None:
    made, times_s = resample(rate_hz, [])
    end_s = 149 / rate_hz
    expected_times = np.arange(len(times_s)) / 100
    assert times_s == pytest.approx(expected_times)
    assert end_s - times_s[-1] < 0.01 + 1e-9
    for axis in range(3):
        expected = np.interp(expected_times, np.arange(150) / rate_hz, SAMPLES[:, axis])
        assert made[:, axis] == pytest.approx(expected, abs=1e-5)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 150), max_size=40), st.sampled_from([50.0, 62.5, 104.0, 400.0]))
def test_cuts_change_not_a_bit(cuts: list[int], rate_hz: float) -> None:
    whole, cut = resample(rate_hz, []), resample(rate_hz, cuts)
    assert np.array_equal(whole[0], cut[0])
    assert np.array_equal(whole[1], cut[1])


def test_equal_rates_pass_through() -> None:
    made, _ = resample(100.0, [3, 77])
    assert np.array_equal(made, SAMPLES)


def test_a_restart_begins_at_the_next_sample() -> None:
    resampler = LinearResampler(from_hz=50.0, to_hz=100.0)
    resampler.feed(SAMPLES[:3], np.arange(3) / 50)
    resampler.restart()
    made, times_s = resampler.feed(SAMPLES[10:12], np.array([7.0, 7.02]))
    assert np.array_equal(made[0], SAMPLES[10])
    assert times_s == pytest.approx([7.0, 7.01, 7.02])


@pytest.mark.parametrize(("rate_hz", "aliases"), [(50.0, False), (100.0, False), (104.0, False), (200.0, True)])
def test_it_knows_when_it_aliases(rate_hz: float, aliases: bool) -> None:
    assert LinearResampler(from_hz=rate_hz, to_hz=100.0).aliases is aliases
