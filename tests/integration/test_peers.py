"""What standard converters make of a bundle's weights: run in processes of their own, measured beside ours."""

import json
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from edgehar.cli import app
from edgehar.firmware_bridge.benchmark import frameworks
from edgehar.models.bundle import Bundle
from edgehar.models.engines import load_engine
from edgehar.pipeline.compilers import peers


@pytest.fixture(scope="module")
def bundle(random_bundle, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return random_bundle("simple_rnn").save(tmp_path_factory.mktemp("peers") / "bundle")


def test_a_route_makes_a_file_that_runs(bundle: Bundle, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(peers, "ROUTES", peers.ROUTES[:1])
    (result,) = peers.peer_results(bundle, bundle.location)
    assert result.reason is None
    assert result.artifact.route == "tensorflow"
    foreign = bundle.with_artifacts([result.artifact])
    outputs = load_engine(foreign, "litert").predict(bundle.golden["windows"])
    assert abs(outputs - bundle.golden["oracle"]).max() < 1e-4


def test_a_crash_is_a_result(bundle: Bundle, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    crash = tmp_path / "crash.py"
    crash.write_text("#!/bin/sh\nkill -SEGV $$\n")
    crash.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(crash))
    monkeypatch.setattr(peers, "ROUTES", peers.ROUTES[:1])
    (result,) = peers.peer_results(bundle, bundle.location)
    assert result.artifact is None
    assert result.reason == "the converter was ended by SIGSEGV (Segmentation fault)"


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(peers.importlib.util, "find_spec", lambda name: None)
    assert peers.main(["bundle", "keras-onnx", "file"]) == 1
    assert "[peers]'" in capsys.readouterr().err


def test_bench_lists_peers_and_those_that_failed(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    failed = peers.PeerResult("keras-onnx", "onnx", "float32", None, "the converter crashed its process (signal 11)")
    monkeypatch.setattr(peers, "peer_results", lambda *_: iter([failed]))
    monkeypatch.setattr(frameworks.importlib.util, "find_spec", lambda package: None)
    arguments = ["bench", str(bundle.location), "--engines", "numpy", "--windows", "5", "--peers", "--json"]
    printed = CliRunner().invoke(app, arguments)
    assert printed.exit_code == 0, printed.output
    rows = {row["route"]: row for row in json.loads(printed.stdout)["rows"]}
    assert "crashed" in rows["keras-onnx"]["error"]
    assert printed.stderr.count("Not measured, because not installed: torch, jax. To measure them: ") == 1
