"""The main job, end to end, as `har demo` runs it, and the keys that other programs read."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

LATENCIES = {"p50", "p95", "p99", "max"}
BENCH_ROW = {
    "engine",
    "artifact",
    "quantization",
    "bytes",
    "load_ms",
    "latency_us",
    "windows_per_s",
    "peak_rss_mb",
    "max_abs_error",
    "top1_agreement",
}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """Run the demo with the least training that is one, and return its folder and what it printed."""
    out = tmp_path_factory.mktemp("demo") / "out"
    finished = subprocess.run(
        [sys.executable, "-m", "edgehar", "demo", "--epochs", "1", "--out", str(out), "--json"],
        capture_output=True,
        text=True,
        timeout=280,
        env={**os.environ, "COLUMNS": "200"},
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    assert "Traceback" not in finished.stderr
    return out, json.loads(finished.stdout)


def test_report_is_one_file_that_loads_nothing(demo: tuple[Path, dict[str, Any]]) -> None:
    page = (demo[0] / "report.html").read_text(encoding="utf-8")
    assert "http://" not in page.replace("http://www.w3.org/", "")
    assert "<script" not in page
    for name in ("simple_rnn", "lstm", "har simulate", "har live", "har bench"):
        assert name in page


def test_train_and_evaluate_print_the_agreed_keys(demo: tuple[Path, dict[str, Any]]) -> None:
    for name, parameters in {"simple_rnn": 3628, "lstm": 13324}.items():
        printed = demo[1]["models"][name]
        assert printed["train"]["parameters"] == parameters
        assert set(printed["train"]["metrics"]) >= {"protocol", "accuracy", "macro_f1"}
        assert Path(printed["train"]["bundle"]) == demo[0] / name
        evaluation = printed["evaluate"]
        expected = {"windows", "accuracy", "macro_f1", "per_class_f1", "per_subject", "confusion", "engine", "artifact"}
        assert set(evaluation) >= expected
        assert evaluation["macro_f1"] == pytest.approx(printed["train"]["metrics"]["macro_f1"], abs=2e-3)
        assert sum(map(sum, evaluation["confusion"])) == evaluation["windows"]
        assert evaluation["accuracy"] > 2 / 12


def test_bench_prints_the_agreed_keys(demo: tuple[Path, dict[str, Any]]) -> None:
    bench = demo[1]["bench"]
    assert "machine" in bench
    ran = [row for row in bench["rows"] if row.get("error") is None]
    assert {row["engine"] for row in ran} >= {"numpy", "litert", "onnxruntime"}
    for row in ran:
        assert set(row) >= BENCH_ROW
        assert set(row["latency_us"]) == LATENCIES
        # Some of the thousand windows saturate a hardly trained network, and its state magnifies float32's rounding.
        assert row["top1_agreement"] >= 0.998
        assert row["max_abs_error"] < 1e-3


def test_live_labels_are_lines_of_json_and_nothing_was_lost(demo: tuple[Path, dict[str, Any]]) -> None:
    lines = [json.loads(line) for line in (demo[0] / "labels.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(lines) == demo[1]["live"]["windows"] > 50
    for line in lines:
        assert set(line) >= {"t_s", "label", "probability", "lost_samples"}
    assert lines[-1]["lost_samples"] == 0
    assert not (demo[0] / "sensor").is_symlink()


def test_live_labels_are_those_of_the_evaluation(demo: tuple[Path, dict[str, Any]]) -> None:
    evaluation = demo[1]["models"]["lstm"]["evaluate"]
    subject = evaluation["per_subject"][demo[1]["live"]["subject"]]
    assert demo[1]["live"]["agreement"] == pytest.approx(subject["accuracy"], abs=0.1)
