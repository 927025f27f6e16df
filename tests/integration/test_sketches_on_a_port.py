"""A few sketches as `har record` gets them from a real port: a pty, in real time, with nothing declared."""

import importlib.util
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from edgehar.firmware_bridge.line.pseudo_terminal import VirtualPort
from edgehar.models.capture_file import read_capture

TABLE = Path(__file__).parents[1] / "unit" / "firmware_bridge" / "text" / "sketches.py"
SPEC = importlib.util.spec_from_file_location("sketches", TABLE)
sketches = importlib.util.module_from_spec(SPEC)
sys.modules["sketches"] = sketches
SPEC.loader.exec_module(sketches)
NAMES = ["g, CR alone", "Adafruit", "one value a line, and more", "gyroscope first", "header with slashes", "Teleplot"]
SENT = 450


@pytest.mark.parametrize("name", NAMES)
def test_a_sketch_is_recorded_right_with_nothing_declared(tmp_path: Path, name: str) -> None:
    sketch = next(each for each in sketches.SKETCHES if each.name == name)
    port, capture = VirtualPort(), tmp_path / "a.harcap"
    command = [sys.executable, "-P", "-m", "edgehar", "record", "--port", port.device, "--subject", "7"]
    command += ["--out", str(capture), "--duration", "60", "--json", "--no-reconnect"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ}, text=True) as recording:
        while not port.has_reader():
            assert recording.poll() is None
            time.sleep(0.02)
        began_s = time.monotonic()
        for row, _ in zip(sketches.rows(), range(SENT), strict=False):
            time.sleep(max(0.0, began_s + row.index / 100 - time.monotonic()))
            data = sketch.write(row).encode(sketch.encoding)
            assert port.send(data, timeout_s=5.0) == len(data)
        time.sleep(0.5)
        assert port.receive() == b""
        port.close()
        report = json.loads(recording.communicate(timeout=60)[0])
    assert report["lost_samples"] == 0
    found = read_capture(capture)
    samples = np.concatenate([block.samples_g for block in found.blocks])
    expected = sketches.ACC_G[:SENT]
    late = 0 if np.abs(samples[-1] - expected[-1]).max() <= sketch.tolerance_g else 1
    np.testing.assert_allclose(
        samples[-200:], expected[len(expected) - 200 - late : len(expected) - late], atol=sketch.tolerance_g
    )
    assert found.info.unit in ("g", "m/s2")
