"""`har bench` from the outside: what it prints, writes, returns, and leaves behind."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edgehar.models.bundle import Bundle
from edgehar.models.engines import missing_reason, runnable
from edgehar.pipeline.compilers import compile_bundle

HAR = [sys.executable, "-m", "edgehar"]
KEYS = "engine artifact quantization bytes load_ms latency_us windows_per_s peak_rss_mb max_abs_error top1_agreement"


def _bench(*arguments: object, code: int = 0, **environment: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [*HAR, "bench", *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": "100", **environment},
        timeout=120,
    )
    assert done.returncode == code, done.stderr
    return done


@pytest.fixture(scope="module")
def compiled(random_bundle, tmp_path_factory) -> Bundle:
    """An untrained model with its float32 artifacts, on disk."""
    folder = tmp_path_factory.mktemp("bench")
    return compile_bundle(random_bundle("simple_rnn")).save(folder / "bundle")


@pytest.fixture
def broken_runtimes(tmp_path) -> str:
    """A folder for PYTHONPATH in which LiteRT is not installed and ONNX Runtime kills the process."""
    for package in ("ai_edge_litert", "tflite_runtime", "tensorflow"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text("raise ImportError('not here')\n")
    killer = "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n"
    (tmp_path / "onnxruntime.py").write_text(killer)
    return str(tmp_path)


def test_the_json_has_a_row_for_every_engine_and_artifact(compiled):
    done = _bench(compiled.location, "--windows", 40, "--json")
    data = json.loads(done.stdout)
    assert {"machine", "rows"} <= set(data)
    assert [(row["engine"], row["artifact"], row["quantization"]) for row in data["rows"]] == runnable(compiled)
    assert len(data["rows"]) >= 3
    for row in data["rows"]:
        assert set(KEYS.split()) <= set(row)
        if missing_reason(row["engine"]):
            assert "not" in row["error"]
            continue
        assert "error" not in row
        assert row["bytes"] == len(compiled.files[row["artifact"]])
        assert 0 < row["latency_us"]["p50"] <= row["latency_us"]["p95"] <= row["latency_us"]["p99"]
        assert row["latency_us"]["p99"] <= row["latency_us"]["max"]
        assert row["windows_per_s"] > 0
        assert row["load_ms"] > 0
        assert 10 < row["peak_rss_mb"] < 1000
        assert row["max_abs_error"] < 1e-5
        assert row["top1_agreement"] == 1.0
        assert row["windows"] == 40
    assert done.stderr == ""


def test_the_table_is_for_people(compiled):
    done = _bench(compiled.location, "--windows", 20, "--engines", "numpy")
    assert "simple_rnn  3,628 parameters" in done.stdout
    assert "1.0×" in done.stdout
    assert "same" in done.stdout
    assert "…" not in done.stdout


def test_the_page_is_whole_and_says_how_it_was_made(compiled, tmp_path):
    page = tmp_path / "new" / "page.html"
    done = _bench(compiled.location, "--windows", 20, "--engines", "numpy", "--html", page)
    assert f"Wrote {page}" in done.stderr
    text = page.read_text(encoding="utf-8")
    assert text.startswith("<!DOCTYPE html>")
    assert text.rstrip().endswith("</html>")
    assert f"--windows 20 --engines numpy --html {page}" in text
    assert [path.name for path in page.parent.iterdir()] == ["page.html"]


def test_what_cannot_run_is_a_row_that_says_so(compiled, broken_runtimes):
    done = _bench(compiled.location, "--windows", 20, "--json", PYTHONPATH=broken_runtimes)
    rows = {row["engine"]: row for row in json.loads(done.stdout)["rows"]}
    assert "none is installed. Run: " in rows["litert"]["error"]
    assert "was ended by SIGSEGV (Segmentation fault) while loading the model" in rows["onnxruntime"]["error"]
    assert rows["onnxruntime"]["latency_us"] is None
    assert "error" not in rows["numpy"]
    table = _bench(compiled.location, "--windows", 20, PYTHONPATH=broken_runtimes).stdout
    assert "✗ onnxruntime model.float32.onnx: the worker process was ended by SIGSEGV" in table


def test_nothing_that_ran_is_a_failure(compiled, broken_runtimes):
    _bench(compiled.location, "--windows", 20, "--engines", "litert", code=1, PYTHONPATH=broken_runtimes)


def test_two_models_are_measured_in_one_run(compiled, random_bundle, tmp_path):
    random_bundle("lstm").save(tmp_path / "lstm")
    data = json.loads(
        _bench(compiled.location, tmp_path / "lstm", "--windows", 10, "--engines", "numpy", "--json").stdout
    )
    assert [model["architecture"] for model in data["models"]] == ["simple_rnn", "lstm"]
    assert len({row["model"] for row in data["rows"]}) == 2


def test_real_windows_come_from_recordings(compiled, tmp_path):
    recording = tmp_path / "recording.csv"
    lines = ["time_s,x_g,y_g,z_g,activity,subject"]
    lines += [f"{i / 100:.2f},{(i % 7) / 10},{(i % 5) / 10},1.0,Standing,1" for i in range(900)]
    recording.write_text("\n".join(lines) + "\n")
    done = _bench(compiled.location, "--engines", "numpy", "--data", recording, "--windows", 30, "--json")
    (row,) = json.loads(done.stdout)["rows"]
    assert row["windows"] == 30
    assert row["max_abs_error"] < 1e-5
    failed = _bench(compiled.location, "--data", tmp_path / "none", "--json", code=1)
    assert "found nothing" in failed.stderr
    assert failed.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["--windows", "0"], 2, "expected --windows of 1 or more, got 0"),
        (["--threads", "-1"], 2, "expected --threads of 1 or more, got -1"),
        (["--engines", "tvm"], 2, ", numpy, got tvm"),
        (["--engines", ""], 2, ", numpy, got none"),
        (["--html", "."], 2, "expected a file to write the page to, got a folder"),
        (["/no/such/bundle"], 1, "/no/such/bundle: expected a bundle, found nothing"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_measuring(compiled, arguments, code, sentence):
    done = _bench(compiled.location, *arguments, code=code)
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def _children(pid: int) -> list[int]:
    """Return the processes whose parent this is."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.append(int(status.parent.name))
    return found


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_prints_what_there_is_and_leaves_nobody_behind(compiled, tmp_path, number):
    command = [*HAR, "bench", str(compiled.location), "--windows", "1000000", "--engines", "numpy", "--json"]
    progress, temporary = tmp_path / "progress", tmp_path / "temporary"
    temporary.mkdir()
    # As on a terminal, it says which round it is at.
    environment = {**os.environ, "TMPDIR": str(temporary), "FORCE_COLOR": "1", "COLUMNS": "200"}
    with progress.open("w") as said:
        running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, text=True, env=environment)
    deadline = time.monotonic() + 120
    while "round 2 of" not in progress.read_text():
        assert running.poll() is None, progress.read_text()
        assert time.monotonic() < deadline, progress.read_text()
        time.sleep(0.05)
    workers = _children(running.pid)
    running.send_signal(number)
    stdout, _ = running.communicate(timeout=60)
    assert running.returncode == 130, progress.read_text()
    data = json.loads(stdout)
    assert data["interrupted"] is True
    assert data["rows"][0]["windows"] > 0
    assert data["rows"][0]["latency_us"]["p50"] > 0
    assert data["rows"][0]["windows_per_s"] is None
    assert workers
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers)
    assert list(temporary.iterdir()) == []
