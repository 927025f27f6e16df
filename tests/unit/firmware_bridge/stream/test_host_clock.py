"""Drift and offset between two clocks, through a line that delays."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgehar.firmware_bridge.stream.host_clock import HostClock


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
