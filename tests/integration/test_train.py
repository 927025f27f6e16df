"""`har train` in a process of its own: signals, streams, and what stays on disk."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
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


def test_interrupted_folds_leave_no_process_and_no_traceback(tmp_path: Path, command: list[str]) -> None:
    process = subprocess.Popen(
        [*command, "--groups", "2", "--jobs", "2"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        for line in process.stderr:
            if "2 models to train, 2 at once" in line:
                break
        # As Ctrl-C at a terminal: to every process of the group, until it was heard.
        for _ in range(50):
            os.killpg(process.pid, signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=2)
                break
        out, err = process.communicate(timeout=120)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 130
    assert "0 of 2 models are complete" in err
    assert "go on with --resume" in err
    assert "Traceback" not in err
    assert not out
    assert {path.name for path in tmp_path.iterdir()} == {"data"}
    deadline_s = time.monotonic() + 60
    while living(process.pid) and time.monotonic() < deadline_s:
        time.sleep(0.1)
    assert not living(process.pid)


def living(group: int) -> list[str]:
    """Return the processes of a group that have not ended."""
    found = []
    for file in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            name, _, facts = file.read_text().rpartition(")")
            state, _, its_group = facts.split()[:3]
            if int(its_group) == group and state != "Z":
                found.append(name)
    return found
