"""Streaming resampling: tones, gravity, cuts, gaps, and a sensor that is not as fast as it says."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edgehar.firmware_bridge.stream.resampler import StreamResampler
from edgehar.models.resampling.kernel import SincKernel
from edgehar.models.resampling.ratefilter import Resampled
from edgehar.models.resampling.sampleclock import SampleClock

SAMPLES = np.random.default_rng(2).normal(0, 1, (600, 3)).astype(np.float32)


def feed(
    samples: NDArray[np.float32], times_s: NDArray[np.float64], *, declared_hz: float, cuts: list[int] | None = None
) -> list[Resampled]:
    """Resample to 100 Hz in pieces."""
    resampler = StreamResampler(from_hz=declared_hz, to_hz=100.0)
    edges = [0, *sorted(cuts or []), len(samples)]
    return [part for a, b in itertools.pairwise(edges) for part in resampler.feed(samples[a:b], times_s[a:b])]


def joined(parts: list[Resampled]) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Return samples and times in one piece."""
    return np.concatenate([part.samples_g for part in parts]), np.concatenate([part.times_s for part in parts])


def tone(times_s: NDArray[np.float64], frequency_hz: float) -> NDArray[np.float64]:
    """Return a tone of one g."""
    return np.sin(2 * np.pi * frequency_hz * times_s + 0.3)


def decibels(signal: NDArray[np.floating], wanted: NDArray[np.float64]) -> float:
    """Return the ratio of a signal to what is wrong with it."""
    return float(10 * np.log10(np.mean(wanted**2) / np.mean((signal - wanted) ** 2)))


@pytest.mark.parametrize("rate_hz", [62.5, 104.0, 400.0])
@pytest.mark.parametrize("spread", ["uniform", "normal"])
def test_a_tone_of_10_hz_survives_one_percent_of_jitter(rate_hz: float, spread: str) -> None:
    generator = np.random.default_rng(0)
    count = round(12 * rate_hz)
    draws = generator.uniform(-1, 1, count) if spread == "uniform" else generator.normal(0, 1, count)
    times_s = (np.arange(count) + 0.01 * draws) / rate_hz
    samples = np.repeat(tone(times_s, 10.0)[:, np.newaxis], 3, axis=1).astype(np.float32)
    made, at_s = joined(feed(samples, times_s, declared_hz=rate_hz))
    inside = slice(100, -20)
    assert np.diff(at_s) == pytest.approx(0.01)
    assert decibels(made[inside, 0], tone(at_s[inside], 10.0)) > 50


def test_times_in_milliseconds_do_not_shake_an_even_stream() -> None:
    exact_s = np.arange(1500) / 104
    samples = np.repeat(tone(exact_s, 10.0)[:, np.newaxis], 3, axis=1).astype(np.float32)
    made, at_s = joined(feed(samples, np.round(exact_s, 3), declared_hz=104.0))
    inside = slice(300, -20)
    assert decibels(made[inside, 0], tone(at_s[inside], 10.0)) > 40


@pytest.mark.parametrize(("rate_hz", "frequency_hz"), [(400.0, 60.0), (400.0, 90.0), (200.0, 70.0)])
def test_what_the_model_cannot_hear_does_not_fold(rate_hz: float, frequency_hz: float) -> None:
    times_s = np.arange(round(6 * rate_hz)) / rate_hz
    samples = np.repeat(tone(times_s, frequency_hz)[:, np.newaxis], 3, axis=1).astype(np.float32)
    made, _ = joined(feed(samples, times_s, declared_hz=rate_hz))
    assert float(np.abs(made[50:-20]).max()) < 0.003


@given(st.sampled_from([20.0, 50.0, 99.0, 104.0, 400.0]), st.lists(st.floats(-4, 4, width=32), min_size=3, max_size=3))
def test_gravity_comes_out_as_it_went_in(rate_hz: float, gravity: list[float]) -> None:
    still = np.tile(np.float32(gravity), (300, 1))
    made, _ = joined(feed(still, np.arange(300) / rate_hz, declared_hz=rate_hz))
    assert len(made)
    assert made == pytest.approx(np.tile(np.float32(gravity), (len(made), 1)), abs=1e-5)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.integers(0, 600), max_size=40),
    st.sampled_from([50.0, 62.5, 104.0, 400.0]),
    st.sampled_from([100.0, 62.5, 104.0]),
)
def test_cuts_change_nothing(cuts: list[int], rate_hz: float, declared_hz: float) -> None:
    jitter = np.random.default_rng(8).uniform(-0.01, 0.01, 600)
    times_s = (np.arange(600) + jitter) / rate_hz
    whole = joined(feed(SAMPLES, times_s, declared_hz=declared_hz))
    cut = joined(feed(SAMPLES, times_s, declared_hz=declared_hz, cuts=cuts))
    assert np.array_equal(whole[1], cut[1])
    assert cut[0] == pytest.approx(whole[0], abs=1e-6)


@pytest.mark.parametrize("rate_hz", [100.0, 100.4, 99.6])
def test_rates_that_agree_pass_through_bit_by_bit(rate_hz: float) -> None:
    parts = feed(SAMPLES, np.arange(600) / rate_hz, declared_hz=100.0, cuts=[3, 77])
    assert np.array_equal(joined(parts)[0], SAMPLES)
    assert not any(part.began for part in parts)


def test_the_times_are_believed_and_not_the_declared_rate() -> None:
    times_s = np.arange(2000) / 104
    samples = np.repeat(tone(times_s, 5.0)[:, np.newaxis], 3, axis=1).astype(np.float32)
    parts = feed(samples, times_s, declared_hz=100.0)
    (began,) = [index for index, part in enumerate(parts) if part.began]
    made, at_s = joined(parts[began:])
    assert at_s[0] == pytest.approx(200 / 104)
    assert np.diff(at_s) == pytest.approx(0.01)
    assert decibels(made[20:-20, 0], tone(at_s[20:-20], 5.0)) > 50


def test_a_sensor_that_was_declared_wrong_and_is_right_passes_through() -> None:
    parts = feed(SAMPLES, np.arange(600) / 100, declared_hz=104.0)
    (began,) = [index for index, part in enumerate(parts) if part.began]
    assert np.array_equal(joined(parts[began:])[0], SAMPLES[208:])


def test_a_restart_begins_at_the_next_sample() -> None:
    resampler = StreamResampler(from_hz=50.0, to_hz=100.0)
    resampler.feed(SAMPLES[:30], np.arange(30) / 50)
    resampler.restart()
    made, times_s = joined(resampler.feed(np.ones((40, 3), np.float32), 7 + np.arange(40) / 50))
    assert times_s[0] == 7.0
    assert made == pytest.approx(np.ones_like(made))


def test_what_was_interpolated_stays_marked() -> None:
    marks = np.zeros(400, np.bool_)
    marks[200:203] = True
    resampler = StreamResampler(from_hz=50.0, to_hz=100.0)
    parts = resampler.feed(SAMPLES[:400], np.arange(400) / 50, marks)
    marked = np.concatenate([part.times_s for part in parts])[np.concatenate([part.filled for part in parts])]
    # Everything between the neighbours of the interpolated samples, 3.98 s and 4.06 s; these themselves may be too.
    assert set(np.arange(399, 406)) <= set(np.rint(marked * 100).astype(int)) <= set(np.arange(398, 407))


def test_memory_is_bounded() -> None:
    resampler = StreamResampler(from_hz=400.0, to_hz=100.0)
    for block in range(300):
        resampler.feed(SAMPLES[:37], (np.arange(37) + 37 * block) / 400)
    assert resampler._filter is not None
    assert len(resampler._filter._raw) < 400


def test_the_clock_follows_drift() -> None:
    clock = SampleClock(rate_hz=100.0)
    clock.follow(np.arange(5000) / 100)
    clock.follow(50 + np.arange(5000) / 100.2)
    assert clock.rate_hz == pytest.approx(100.2, abs=0.01)


@given(st.floats(0.1, 4.0), st.floats(0, 1))
def test_weights_add_up_to_one(ratio: float, fraction: float) -> None:
    assert SincKernel(ratio).weights(np.array([fraction])).sum() == pytest.approx(1.0)
