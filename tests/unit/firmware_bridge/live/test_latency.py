"""Percentiles from a histogram against those of the values themselves."""

import numpy as np
import pytest

from edgehar.firmware_bridge.live.latency import LatencyHistogram


@pytest.mark.parametrize("percent", [1, 50, 95, 99, 100])
def test_percentiles_are_right_to_one_percent(percent: float) -> None:
    values = np.random.default_rng(0).lognormal(-6, 1, 5000)
    histogram = LatencyHistogram()
    for value in values:
        histogram.add(float(value))
    expected = float(np.percentile(values, percent, method="inverted_cdf"))
    assert histogram.percentile_s(percent) == pytest.approx(expected, rel=0.011)


def test_nothing_has_no_percentiles() -> None:
    assert LatencyHistogram().percentile_s(50) is None


@pytest.mark.parametrize("latency_s", [-1.0, 0.0, 1e-9, 1e9])
def test_what_is_out_of_range_is_still_counted(latency_s: float) -> None:
    histogram = LatencyHistogram()
    histogram.add(latency_s)
    assert histogram.count == 1
    assert histogram.percentile_s(50) is not None
