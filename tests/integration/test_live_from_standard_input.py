"""`har live --port -`: what another program prints is classified to its end, and every way to end is a sentence."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgehar.models.architecture import Architecture, Dense, SimpleRNN
from edgehar.models.bundle import Bundle

TIME_S = np.arange(1000) / 100
WALK = np.stack([0.3 * np.sin(12 * TIME_S), 0.6 + 0.2 * np.cos(12 * TIME_S), 0.8 + 0 * TIME_S], axis=1)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory, random_bundle: Callable[..., Bundle]) -> Path:
    """A bundle of a very small network."""
    layers = (SimpleRNN("RNN_1", 4), Dense("Output", 12, "softmax"))
    path = tmp_path_factory.mktemp("bundle") / "tiny"
    random_bundle(Architecture("tiny", window=200, channels=3, layers=layers)).save(path)
    return path


def live(bundle: Path, lines: str, *options: str) -> "subprocess.CompletedProcess[str]":
    """Run ``har live`` on lines."""
    command = [sys.executable, "-P", "-m", "edgehar", "live", str(bundle), "--port", "-", "--plain", *options]
    return subprocess.run(command, input=lines, capture_output=True, text=True, timeout=120)


def text(pattern: str, scale: float = 1.0) -> str:
    """Return the walk as lines."""
    return "x,y,z\n" + "".join(pattern.format(*(row * scale)) + "\n" for row in WALK)


def test_a_whole_stream_is_classified(bundle: Path) -> None:
    done = live(bundle, text("{:.3f},{:.3f},{:.3f}", 9.80665), "--json", "--hop", "100")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert (summary["windows"], summary["samples"], summary["lost_samples"]) == (9, 1000, 0)
    assert "m/s2" in done.stderr


def test_warnings_are_in_the_summary_and_doubts_in_every_label(bundle: Path, tmp_path: Path) -> None:
    labels = tmp_path / "labels.jsonl"
    done = live(bundle, text("{:.3f},{:.3f},{:.3f}", 2.0), "--json", "--unit", "g", "--jsonl", str(labels))
    assert done.returncode == 0, done.stderr
    assert any("gravity should be 1 g long" in warning for warning in json.loads(done.stdout)["warnings"])
    assert {json.loads(line)["quality"] for line in labels.read_text().splitlines()} == {"unit_doubtful"}


@pytest.mark.parametrize(
    ("lines", "asked"),
    [
        ("0.01,0.02,0.03\n" * 900, "--unit"),
        ("".join(f"{x:.3f},{y:.3f},{z:.3f},{y:.3f},{x:.3f},{z:.3f}\n" for x, y, z in WALK), "--columns"),
        ("lin_x,lin_y,lin_z\n" + "0.1,0.2,0.9\n" * 900, "--columns"),
    ],
)
def test_what_cannot_be_told_is_asked(bundle: Path, lines: str, asked: str) -> None:
    done = live(bundle, lines)
    assert done.returncode == 1
    assert f"Pass {asked}" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full disk to write to")
def test_a_full_disk_is_named(bundle: Path) -> None:
    done = live(bundle, text("{:.3f},{:.3f},{:.3f}"), "--jsonl", "/dev/full")
    assert done.returncode == 1
    assert "/dev/full: could not write a label (No space left on device)" in done.stderr
