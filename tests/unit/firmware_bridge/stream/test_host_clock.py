"""Drift and offset between two clocks, through a line that delays."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgehar.firmware_bridge.stream.host_clock import SPAN_S, ClockFit, HostClock


@settings(max_examples=30, deadline=None)
@given(st.floats(-200, 200), st.integers(0, 999), st.floats(-1e6, 1e6))
def test_drift_and_offset_through_a_line_that_delays(drift_ppm: float, seed: int, offset_s: float) -> None:
    generator, clock = np.random.default_rng(seed), HostClock()
    for sensor_s in np.arange(0, 300, 0.05):
        delay_s = 0.001 + generator.exponential(0.004)
        clock.arrived(sensor_s=float(sensor_s), host_s=float(sensor_s * (1 + drift_ppm * 1e-6) + offset_s + delay_s))
    fit = clock.fit()
    assert fit is not None
    assert fit.drift_ppm == pytest.approx(drift_ppm, abs=5)
    assert fit.host_s(150.0) == pytest.approx(150 * (1 + drift_ppm * 1e-6) + offset_s + 0.001, abs=0.002)


def test_a_blocked_minute_does_not_pull_the_line() -> None:
    clock = HostClock()
    for second in range(240):
        clock.arrived(sensor_s=float(second), host_s=second + (0.5 if 100 <= second < 150 else 0.0))
    fit = clock.fit()
    assert fit is not None
    assert abs(fit.drift_ppm) < 1
    assert fit.offset_s == pytest.approx(0.0, abs=1e-3)


def test_nothing_is_said_too_early_nor_about_what_was_before_a_restart() -> None:
    clock = HostClock()
    assert clock.fit() is None
    for second in range(60):
        clock.arrived(sensor_s=float(second), host_s=float(second))
    assert clock.fit() is not None
    clock.restart()
    assert clock.fit() is None


def test_memory_is_bounded() -> None:
    clock = HostClock()
    for second in range(5000):
        clock.arrived(sensor_s=float(second), host_s=float(second))
    assert len(clock._points) <= 601


def test_the_smallest_delay_of_a_second_counts() -> None:
    clock = HostClock()
    for tick in range(200):
        sensor_s = tick / 10
        clock.arrived(sensor_s=sensor_s, host_s=100.0 + sensor_s + (0.0 if tick % 10 == 3 else 0.5 + tick / 1000))
    fit = clock.fit()
    assert fit is not None
    assert fit.offset_s == pytest.approx(100.0)
    assert fit.drift_ppm == pytest.approx(0.0, abs=1e-6)
    assert fit.host_s(50.0) == pytest.approx(150.0)


@pytest.mark.parametrize(("seconds", "known"), [(10, False), (11, True)])
def test_ten_seconds_are_enough(seconds: int, known: bool) -> None:
    clock = HostClock()
    for second in range(seconds):
        clock.arrived(sensor_s=float(second), host_s=float(second))
    assert (clock.fit() is not None) is known


def test_three_points_are_needed() -> None:
    clock = HostClock()
    for second in (0.0, 20.0):
        clock.arrived(sensor_s=second, host_s=second)
    assert clock.fit() is None
    clock.arrived(sensor_s=21.0, host_s=21.0)
    fit = clock.fit()
    assert fit is not None
    assert fit.span_s == 21.0


def test_what_is_older_than_ten_minutes_is_forgotten() -> None:
    """A clock that changes its rate is followed: only the last ten minutes are fitted."""
    clock = HostClock()
    for second in range(1400):
        drift = 100e-6 * second if second < 700 else 0.07 - 50e-6 * (second - 700)
        clock.arrived(sensor_s=float(second), host_s=second + drift)
    fit = clock.fit()
    assert fit is not None
    assert fit.drift_ppm == pytest.approx(-50.0)
    assert fit.span_s == SPAN_S == 600.0


@pytest.mark.parametrize("noise_s", [0.0, 0.001, 0.01])
def test_the_uncertainty_is_that_of_the_drift(noise_s: float) -> None:
    """Over many streams the drift is off by its own uncertainty, not by a tenth nor by ten times as much."""
    drifts, uncertainties = [], []
    for seed in range(60):
        generator, clock = np.random.default_rng(seed), HostClock()
        for second in range(60):
            clock.arrived(sensor_s=float(second), host_s=second + generator.normal(0.0, noise_s) if noise_s else second)
        fit = clock.fit()
        assert fit is not None
        drifts.append(fit.drift_ppm)
        uncertainties.append(fit.uncertainty_ppm)
    spread = float(np.std(drifts))
    assert np.median(uncertainties) == pytest.approx(spread, rel=0.35)


@pytest.mark.parametrize(
    ("drift_ppm", "uncertainty_ppm", "possible"),
    [(20_000.0, 1.0, True), (-20_001.0, 1.0, False), (0.0, 20_001.0, False), (50.0, 20_000.0, True)],
)
def test_two_percent_may_be_drift(drift_ppm: float, uncertainty_ppm: float, possible: bool) -> None:
    assert ClockFit(0.0, 0.0, drift_ppm, uncertainty_ppm, 60.0).may_be_drift is possible


@pytest.mark.parametrize(
    ("drift_ppm", "uncertainty_ppm", "said"),
    [
        (41.6, 2.6, "42 ± 3 ppm slow"),
        (-41.6, 0.1, "42 ± 1 ppm fast"),
        (1.0, 0.1, "right to 2 ppm"),
        (-3.0, 3.0, "right to 6 ppm"),
        (3.1, 3.0, "3 ± 3 ppm slow"),
    ],
)
def test_it_is_said_with_its_uncertainty(drift_ppm: float, uncertainty_ppm: float, said: str) -> None:
    assert str(ClockFit(0.0, 0.0, drift_ppm, uncertainty_ppm, 60.0)) == said


@pytest.mark.parametrize("drift_ppm", [100.0, -100.0])
@pytest.mark.parametrize("sensor_s", [0.0, 29.0, 5000.0])
def test_the_fit_holds_far_from_its_middle(drift_ppm: float, sensor_s: float) -> None:
    clock = HostClock()
    for second in range(60):
        clock.arrived(sensor_s=float(second), host_s=7.0 + second * (1 + drift_ppm * 1e-6))
    fit = clock.fit()
    assert fit is not None
    assert fit.host_s(sensor_s) == pytest.approx(7.0 + sensor_s * (1 + drift_ppm * 1e-6), abs=1e-6)
