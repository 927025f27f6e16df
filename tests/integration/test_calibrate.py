"""`har live --calibrate` and `--wearer` with a simulated sensor that somebody wears turned."""

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgehar.models.mounting import read_mounting
from edgehar.pipeline.data.recordings import Dataset, LabelInterval, Recording
from edgehar.pipeline.data.store import save_store

GAIT = (-0.225 + 0.504j, -0.148 + 0.38j)
TURNED = np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0]], np.float32)
SPEED = 4
STANDS_S = 35.0


def har(*arguments: object, **environment: str) -> subprocess.Popen[str]:
    """Start `har`."""
    return subprocess.Popen(
        [sys.executable, "-m", "edgehar", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )


@pytest.fixture
def port(tmp_path: Path) -> Iterator[Path]:
    """A sensor, four times as fast as it would be: its wearer stands for a while, then walks."""
    times_s = np.arange(18_000) / 100
    phase = np.exp(2j * np.pi * 1.9 * times_s) * (times_s > STANDS_S)
    samples = np.stack([1 + 0.3 * phase.real, *(0.3 * (each * phase).real for each in GAIT)], axis=1)
    samples += np.random.default_rng(0).normal(scale=0.01, size=samples.shape)
    turned = (samples @ TURNED.T).astype(np.float32)
    recording = Recording("w", "7", turned, 100.0, (LabelInterval(0, len(turned), "Walking"),))
    save_store(Dataset("test", ("Walking",), (recording,)), tmp_path / "played")
    link = tmp_path / "port"
    sensor = har("simulate", "--data", tmp_path / "played", "--link", link, "--timestamps", "--speed", SPEED)
    assert sensor.stdout is not None
    sensor.stdout.readline()
    yield link
    sensor.terminate()
    sensor.communicate(timeout=60)


def test_a_mounting_is_found_kept_and_used(port: Path, random_bundle: Any, tmp_path: Path) -> None:
    bundle = random_bundle("simple_rnn")
    window = dataclasses.replace(bundle.manifest.window, mounting="hip, x up, y forward")
    dataclasses.replace(bundle, manifest=dataclasses.replace(bundle.manifest, window=window)).save(tmp_path / "model")
    kept = tmp_path / "config" / "edgehar" / "mountings" / "me.json"
    live = har(
        *("live", tmp_path / "model", "--port", port, "--unit", "g", "--engine", "numpy", "--json"),
        *("--calibrate", "--wearer", "me", "--duration", "3"),
        XDG_CONFIG_HOME=str(tmp_path / "config"),
    )
    out, err = live.communicate(timeout=120)
    assert live.returncode == 0, err
    assert json.loads(out)["samples"] > 0
    assert f"Kept in {kept}" in " ".join(err.split())
    assert np.trace(read_mounting(kept).matrix @ TURNED) > 1 + 2 * np.cos(np.radians(25))
