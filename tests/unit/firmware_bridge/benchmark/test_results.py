"""Rows: percentiles are measured times, JSON is what later readers rely on."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgehar.firmware_bridge.benchmark.results import LatencyUs, Row, fastest_first, times_slower


@given(st.lists(st.integers(1, 10**10), min_size=1, max_size=300))
def test_percentiles_are_times_that_were_measured_in_order(durations):
    summary = LatencyUs.of_nanoseconds(np.array(durations, np.int64))
    quantiles = [summary.p50, summary.p95, summary.p99, summary.max]
    assert quantiles == sorted(quantiles)
    assert {round(value * 1000) for value in quantiles} <= set(durations)
    assert summary.max * 1000 == pytest.approx(max(durations))
    below = sum(duration <= summary.p50 * 1000 + 0.5 for duration in durations)
    assert below >= len(durations) / 2


def test_a_row_has_an_error_key_only_where_it_failed():
    row = Row("m", "numpy", "weights.npz", "float32", "", 10)
    assert "error" not in row.to_json()
    failed = Row("m", "numpy", "weights.npz", "float32", "", 10, error="gone").to_json()
    assert failed["error"] == "gone"
    assert failed["latency_us"] is None


def test_the_json_holds_what_was_promised(result):
    data = json.loads(json.dumps(result.to_json(), allow_nan=False))
    assert set(data) == {"machine", "settings", "models", "interrupted", "rows"}
    assert {"cpu", "cores", "os", "python", "versions"} <= set(data["machine"])
    keys = (
        "engine artifact quantization bytes load_ms latency_us windows_per_s peak_rss_mb max_abs_error top1_agreement"
    )
    for row in data["rows"]:
        assert set(keys.split()) | {"model", "runtime"} <= set(row)
    assert data["rows"][1]["latency_us"] == pytest.approx({"p50": 105.0, "p95": 115.5, "p99": 136.5, "max": 945.0})
    assert [("error" in row) for row in data["rows"]] == [False, False, False, True]


def test_a_round_is_called_a_turn_in_json_as_in_older_results(result):
    data = result.to_json()
    assert set(data["settings"]) == {"windows", "turns", "turn_limit_s", "bulk_turns", "bulk_turn_s", "threads"}
    assert all("turn_p50_us" in row and "round_p50_us" not in row for row in data["rows"])


def test_rows_are_sorted_by_their_median_and_failures_set_apart(result):
    measured, failed = result.rows_of(result.models[0])
    assert [row.artifact for row in measured] == ["model.float32.onnx", "peer.tflite", "weights.npz"]
    assert [row.artifact for row in failed] == ["model.int8.tflite"]
    assert times_slower(measured[1], measured) == pytest.approx(1070 / 105)
    assert times_slower(measured[0], measured) == 1.0


def test_equal_medians_keep_their_order(result):
    twins = [result.rows[1], result.rows[1]]
    assert fastest_first(twins) == twins


def test_what_standard_converters_made_is_told_apart(result):
    assert [row.is_own for row in result.rows] == [True, True, False, True]


def test_what_disturbed_the_measurement_is_told_by_what_was_measured(result):
    assert "load average 1.9" in str(result.disturbance())
    calm = replace(result, rows=tuple(replace(row, waited_share=0.01) for row in result.rows))
    assert calm.disturbance() is None
    torn = replace(calm, rows=(*calm.rows[:-1], replace(calm.rows[-1], waited_share=0.431)))
    assert "did other things for up to 43% of a row's time" in str(torn.disturbance())
    idle = replace(result, machine=replace(result.machine, load_average=None))
    assert idle.disturbance() is None
