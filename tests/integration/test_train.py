"""`har train` in a process of its own: signals, streams, and what stays on disk."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from edgehar.models.bundle import read_bundle
from edgehar.models.verification import verify_bundle
from edgehar.pipeline.data.store import save_store
from edgehar.pipeline.data.synthetic import synthetic_dataset


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    """A training that would take hours."""
    save_store(synthetic_dataset(people=4, seconds_per_activity=8), tmp_path / "data")
    options = {"--data": "data", "--model": "simple_rnn", "--epochs": "100000", "--out": "bundle"}
    return [
        sys.executable,
        "-m",
        "edgehar",
        "train",
        *(word for pair in options.items() for word in pair),
        "--json",
    ]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_a_bundle_that_verifies(tmp_path: Path, command: list[str], number: signal.Signals) -> None:
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        for line in process.stderr:
            if line.startswith("epoch 2/"):
                break
        process.send_signal(number)
        out, err = process.communicate(timeout=120)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 130
    assert "har: interrupted after" in err
    assert "Traceback" not in err
    printed = json.loads(out)
    assert printed["complete"] is False
    assert printed["epochs_done"] >= 2
    bundle = read_bundle(tmp_path / "bundle")
    assert not bundle.manifest.provenance.complete
    assert verify_bundle(bundle).ok
    assert {path.name for path in tmp_path.iterdir()} == {"data", "bundle"}
