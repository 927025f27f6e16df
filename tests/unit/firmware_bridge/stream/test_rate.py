"""The measured rate, and how sure it is."""

import numpy as np
import pytest

from edgehar.firmware_bridge.stream.rate import MAXIMUM_SPAN_S, RateEstimate, RateMeter


def watched(rate_hz: float, seconds: float, *, burst_s: float = 0.0, seed: int = 0) -> RateMeter:
    """Return a meter that saw reads of a steady sensor, delivered late by up to ``burst_s``."""
    random = np.random.default_rng(seed)
    meter = RateMeter()
    for index in range(int(rate_hz * seconds)):
        meter.observe(count=index + 1, time_s=index / rate_hz + random.uniform(0, burst_s))
    return meter


@pytest.mark.parametrize("rate_hz", [20.0, 62.5, 100.0, 104.17, 400.0])
@pytest.mark.parametrize("burst_s", [0.0, 0.016])
def test_right_to_a_thousandth_within_its_own_uncertainty(rate_hz: float, burst_s: float) -> None:
    estimate = watched(rate_hz, 20, burst_s=burst_s).estimate()
    assert estimate is not None
    assert estimate.rate_hz == pytest.approx(rate_hz, rel=1e-3)
    assert abs(estimate.rate_hz - rate_hz) < 5 * estimate.uncertainty_hz
    assert estimate.uncertainty_hz < 1e-3 * rate_hz


def test_nothing_is_said_too_early() -> None:
    assert watched(100.0, 0.9).estimate() is None


def test_old_observations_are_forgotten() -> None:
    meter = RateMeter()
    for index in range(100 * 200):
        meter.observe(count=index, time_s=index / 100)
    for index in range(50 * 100):
        meter.observe(count=20_000 + index, time_s=200 + index / 50)
    estimate = meter.estimate()
    assert estimate is not None
    assert estimate.rate_hz == pytest.approx(50.0)
    assert estimate.span_s <= MAXIMUM_SPAN_S


def test_a_restart_forgets_everything() -> None:
    meter = watched(100.0, 10)
    meter.restart()
    assert meter.estimate() is None


@pytest.mark.parametrize(
    ("rate_hz", "uncertainty_hz", "text"),
    [
        (99.9876, 0.021, "99.99 ± 0.02 Hz"),
        (104.2, 0.6, "104.2 ± 0.6 Hz"),
        (100.0, 1e-7, "100.000 ± 0.001 Hz"),
        (100.0, 0.0, "100.000 ± 0.001 Hz"),
        (104.2, 12.0, "104.2 ± 12.0 Hz"),
    ],
)
def test_it_shows_no_more_digits_than_it_knows(rate_hz: float, uncertainty_hz: float, text: str) -> None:
    assert str(RateEstimate(rate_hz, uncertainty_hz, 10.0)) == text


@pytest.mark.parametrize(
    ("points", "spacing_s", "known"), [(8, 0.15, True), (7, 0.2, False), (11, 0.1, True), (9, 0.11, False)]
)
def test_eight_points_and_a_second_are_enough(points: int, spacing_s: float, known: bool) -> None:
    meter = RateMeter()
    for index in range(points):
        meter.observe(count=10 * index, time_s=1000 + index * spacing_s)
    assert (meter.estimate() is not None) is known


def test_reads_that_are_close_together_are_one_point() -> None:
    meter = RateMeter()
    for index in range(1000):
        meter.observe(count=index, time_s=index / 100 + (0.001 if index % 10 else 0.0))
    assert len(meter._points) <= 101


def test_the_uncertainty_is_that_of_the_rate() -> None:
    """Over many streams the rate is off by its own uncertainty; a regular stream is still counted in whole samples."""
    rates, uncertainties = [], []
    for seed in range(60):
        estimate = watched(100.0, 5, burst_s=0.05, seed=seed).estimate()
        assert estimate is not None
        rates.append(estimate.rate_hz)
        uncertainties.append(estimate.uncertainty_hz)
    assert np.median(uncertainties) == pytest.approx(float(np.std(rates)), rel=0.4)
    regular = watched(100.0, 5).estimate()
    assert regular is not None
    seconds = np.array([time_s for time_s, _ in watched(100.0, 5)._points])
    expected = np.sqrt(1 / 12 / float(((seconds - seconds.mean()) ** 2).sum()))
    assert regular.uncertainty_hz == pytest.approx(expected)
    assert regular.span_s == seconds[-1] - seconds[0]
    assert not regular.by_device
    assert not RateEstimate(100.0, 0.1, 5.0).by_device


def test_who_measured_is_told() -> None:
    meter = RateMeter(by_device=True)
    for index in range(50):
        meter.observe(count=10 * index, time_s=index / 10)
    estimate = meter.estimate()
    assert estimate is not None
    assert estimate.by_device


def test_a_minute_is_remembered() -> None:
    meter = RateMeter()
    for index in range(1000):
        meter.observe(count=10 * index, time_s=index / 8)
    estimate = meter.estimate()
    assert estimate is not None
    assert estimate.span_s == MAXIMUM_SPAN_S == 60.0
