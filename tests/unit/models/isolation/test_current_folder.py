"""No process takes modules from the folder it is started in, whatever lies there."""

import os
from pathlib import Path

import numpy as np
import pytest

from edgehar.firmware_bridge.benchmark.worker_process import ProcessWorker
from edgehar.models.isolation import Isolation, python_module, run_to_end, safe_environment
from edgehar.models.verification import verify_bundle
from edgehar.pipeline.compilers import Target, compile_bundle
from edgehar.pipeline.inspection.checks import Trial, try_files

NAMES = ("models", "pipeline", "edgehar", "multiprocessing", "pickle", "json", "numpy", "onnx", "base64", "resource")


@pytest.fixture
def trapped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder full of modules that break whoever imports them, and an import path with an empty entry."""
    for name in NAMES:
        (tmp_path / f"{name}.py").write_text("raise SystemExit('a module of the current folder was imported')\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["", "/no/such/folder"]))
    return tmp_path


def test_calls(trapped: Path) -> None:
    with Isolation() as isolation:
        assert isolation.run(divmod, 17, 5) == (3, 2)


def test_verification(trapped: Path, random_bundle) -> None:
    bundle = compile_bundle(random_bundle("simple_rnn"), [Target("onnx", "float32")])
    assert verify_bundle(bundle, ["numpy", "onnxruntime"], isolate=True).ok


def test_workers_of_the_benchmark(trapped: Path) -> None:
    worker = ProcessWorker({})
    try:
        assert worker.peak_rss_mb()
    finally:
        worker.close()


def test_probes_of_runtimes(trapped: Path, random_bundle) -> None:
    import sys

    pytest.importorskip("onnxruntime")
    bundle = compile_bundle(random_bundle("simple_rnn"), [Target("onnx", "float32")])
    windows = bundle.golden["windows"][:2]
    trial = Trial(bundle.files["model.float32.onnx"], bundle.golden["oracle"][:2], 1e-5)
    (outcome,) = try_files(sys.executable, "onnxruntime", [trial], np.asarray(windows))
    assert outcome.error is None


def test_converters(trapped: Path) -> None:
    finished = run_to_end(python_module("edgehar.pipeline.compilers.peers", "bundle", "nosuch", "file"), timeout_s=60)
    assert "a module of the current folder" not in finished.complaints
    assert "StopIteration" in finished.complaints, "it came as far as to look its arguments up"


def test_an_empty_entry_of_the_path_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["", "a", "", "b"]))
    assert safe_environment()["PYTHONPATH"] == os.pathsep.join(["a", "b"])
    monkeypatch.setenv("PYTHONPATH", "")
    assert "PYTHONPATH" not in safe_environment({"OTHER": "1"})
    assert safe_environment({"OTHER": "1"})["OTHER"] == "1"
