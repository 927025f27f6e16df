"""Two sensors at once through `har live`: on two ports, and in the text of one; each label is of its own sensor."""

import importlib.util
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgehar.firmware_bridge.line.pseudo_terminal import VirtualPort
from edgehar.models.capture_file import read_capture
from edgehar.models.engines import load_engine

TABLE = Path(__file__).parents[1] / "unit" / "firmware_bridge" / "text" / "sketches.py"
SPEC = importlib.util.spec_from_file_location("sketches", TABLE)
sketches = importlib.util.module_from_spec(SPEC)
sys.modules["sketches"] = sketches
SPEC.loader.exec_module(sketches)
LEFT = np.round(sketches.ACC_G, 3)
RIGHT = np.round(np.roll(sketches.ACC_G, 37, axis=0)[:, [2, 0, 1]] * [1, -1, 1], 3)
SENT = 420
HOP = 20
Line = Callable[[int], bytes]


def left_line(at: int) -> bytes:
    return "{:.3f},{:.3f},{:.3f}\n".format(*LEFT[at]).encode()


def right_line(at: int) -> bytes:
    return "ax:{:.5f} ay:{:.5f} az:{:.5f} m/s^2\r\n".format(*(RIGHT[at] * sketches.G_M_S2)).encode()


def both_lines(at: int) -> bytes:
    numbers = [*LEFT[at], *RIGHT[at]]
    return "left x:{:.3f} y:{:.3f} z:{:.3f} right x:{:.3f} y:{:.3f} z:{:.3f}\n".format(*numbers).encode()


def play(command: list[str], ports: list[VirtualPort], lines: list[Line]) -> subprocess.CompletedProcess[str]:
    """Run a command while devices print to its ports, 100 lines a second; they stay until it ends."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        while not all(port.has_reader() for port in ports):
            assert running.poll() is None, running.communicate()
            time.sleep(0.02)
        began_s = time.monotonic()
        for at in range(SENT):
            time.sleep(max(0.0, began_s + at / 100 - time.monotonic()))
            for port, line in zip(ports, lines, strict=True):
                data = line(at)
                # A command that is done takes no more.
                assert port.send(data, timeout_s=1.0) in (len(data), 0)
            if not all(port.has_reader() for port in ports):
                break
        time.sleep(0.5)
        for port in ports:
            assert port.receive() == b""
            port.close()
        out, err = running.communicate(timeout=60)
    return subprocess.CompletedProcess(command, running.returncode, out, err)


@pytest.mark.parametrize("ports", [2, 1], ids=["two ports", "one line"])
def test_each_label_is_of_its_own_sensor(tmp_path: Path, random_bundle, ports: int) -> None:
    bundle = random_bundle("simple_rnn", 3)
    bundle.save(tmp_path / "bundle")
    devices = [VirtualPort() for _ in range(ports)]
    command = [sys.executable, "-P", "-m", "edgehar", "live", str(tmp_path / "bundle"), "--raw", "--hop", str(HOP)]
    command += ["--rate", "100", "--json", "--jsonl", str(tmp_path / "labels.jsonl"), "--no-reconnect"]
    if ports == 2:
        command += ["--port", f"left={devices[0].device}", "--port", f"right={devices[1].device}"]
    else:
        command += ["--port", devices[0].device, "--columns", "left", "--columns", "right"]
    done = play(command, devices, [left_line, right_line] if ports == 2 else [both_lines])
    assert done.returncode == 1, done.stderr
    assert "unplugged" in done.stderr
    summaries = {each["sensor"]: each for each in json.loads(done.stdout)["sensors"]}
    labels = [json.loads(line) for line in (tmp_path / "labels.jsonl").read_text().splitlines()]
    engine = load_engine(bundle, "numpy")
    for name, sent in (("left", LEFT), ("right", RIGHT)):
        own = [label for label in labels if label["sensor"] == name]
        assert summaries[name]["lost_samples"] == 0
        assert summaries[name]["samples"] >= SENT - 3
        assert len(own) == summaries[name]["windows"] >= 10
        first = next(at for at in range(3) if np.allclose(_of(engine, sent, at), _values(own[0]), atol=1e-4))
        for number, label in enumerate(own):
            assert label["quality"] == "ok"
            np.testing.assert_allclose(_values(label), _of(engine, sent, first + number * HOP), atol=1e-4)


def test_a_recording_of_two_ports_keeps_both(tmp_path: Path) -> None:
    devices = [VirtualPort(), VirtualPort()]
    command = [sys.executable, "-P", "-m", "edgehar", "record", "--subject", "7", "--out", str(tmp_path / "a.harcap")]
    command += ["--port", f"hip={devices[0].device}", "--port", f"wrist={devices[1].device}", "--json"]
    command += ["--activity", "walk:2", "--ready", "0.5", "--no-reconnect"]
    done = play(command, devices, [left_line, right_line])
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    for (name, sent), facts in zip((("hip", LEFT), ("wrist", RIGHT)), report["sensors"], strict=True):
        found = read_capture(Path(facts["capture"]))
        assert (facts["sensor"], found.info.placement) == (name, name)
        samples = np.concatenate([block.samples_g for block in found.blocks])
        first = next(at for at in range(3) if np.allclose(samples[:50], sent[at : at + 50], atol=1e-4))
        np.testing.assert_allclose(samples, sent[first : first + len(samples)], atol=1e-4)
        begun, ended = (next(each for each in found.events if each["event"] == kind) for kind in ("begin", "end"))
        assert begun["activity"] == "walk"
        assert 1.8 < ended["t_s"] - begun["t_s"] < 2.3


def _of(engine, sent: np.ndarray, at: int) -> np.ndarray:
    return engine.predict(sent[np.newaxis, at : at + 200].astype(np.float32))[0]


def _values(label: dict) -> np.ndarray:
    return np.array(list(label["probabilities"].values()))
