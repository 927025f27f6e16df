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
    [(99.9876, 0.021, "99.99 ± 0.02 Hz"), (104.2, 0.6, "104.2 ± 0.6 Hz"), (100.0, 1e-7, "100.000 ± 0.001 Hz")],
)
def test_it_shows_no_more_digits_than_it_knows(rate_hz: float, uncertainty_hz: float, text: str) -> None:
    assert str(RateEstimate(rate_hz, uncertainty_hz, 10.0)) == text
