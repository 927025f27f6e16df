"""A model of 128 x 6 at 50 Hz, from a CSV file to live labels on a port: every step as a user types it."""

import contextlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from edgehar.firmware_bridge.line.pseudo_terminal import VirtualPort
from edgehar.pipeline.data.store import load_store

RATE_HZ = 50
MOVES = {"Still": (0.0, 0.0), "Spin": (0.0, 200.0), "Walk": (0.4, 30.0)}
"""Height of a step in g, and turning rate in degrees/s: still and spin differ in the gyroscope alone."""


def har(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "edgehar", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=240, check=False)


def motion(name: str, count: int, generator: np.random.Generator) -> np.ndarray:
    """Return samples of x, y, z in m/s² and of the turning rate in radians/s."""
    step_g, turn_deg = MOVES[name]
    time_s = np.arange(count) / RATE_HZ
    values = generator.normal(0.0, 0.02, (count, 6))
    values[:, 2] += 1 + step_g * np.sin(2 * np.pi * 2 * time_s)
    values[:, 5] += np.radians(turn_deg)
    values[:, :3] *= 9.80665
    return values


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a recording of four people, imported, and a model trained on it."""
    folder = tmp_path_factory.mktemp("motion")
    generator = np.random.default_rng(0)
    lines = ["time_s,ax,ay,az,gx (rad/s),gy (rad/s),gz (rad/s),label,subject"]
    at = 0
    for subject in range(4):
        for name in MOVES:
            for row in motion(name, 1000, generator):
                lines.append(f"{at / RATE_HZ:.2f},{','.join(f'{value:.5f}' for value in row)},{name},{subject}")
                at += 1
    (folder / "all.csv").write_text("\n".join(lines) + "\n")
    for command in (
        ("data", "import", "all.csv", "--out", "store", "--channels", "accelerometer,gyroscope"),
        ("train", "--data", "store", "--model", "simple_rnn", "--window", "128", "--rate", "50", "--epochs", "40", "-q",
         "--trainer", "native", "--batch-size", "32", "--initialization", "orthogonal", "--no-rotation", "--out",
         "model"),
        ("compile", "model", "--quantization", "int8", "--data", "store"),
        ("verify", "model"),
    ):  # fmt: skip
        done = har(*command, cwd=folder)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
    return folder


def test_the_bundle_says_what_it_takes(folder: Path) -> None:
    manifest = json.loads((folder / "model" / "manifest.json").read_text())
    window = manifest["window"]
    assert (window["length"], window["rate_hz"], window["hop"]) == (128, 50.0, 64)
    assert (window["channels"], window["unit"]) == (["x", "y", "z", "gx", "gy", "gz"], "g and deg/s")
    assert {entry["format"] for entry in manifest["artifacts"]} == {"tflite", "onnx", "c"}


def test_it_is_judged_and_needs_the_gyroscope(folder: Path) -> None:
    done = har("evaluate", "model", "--data", "store", "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["accuracy"] > 0.9
    plain = har("data", "import", "all.csv", "--out", "plain", cwd=folder)
    assert plain.returncode == 0, plain.stderr
    refused = har("evaluate", "model", "--data", "plain", cwd=folder)
    assert refused.returncode != 0
    assert "--channels accelerometer,gyroscope" in refused.stderr


def live(folder: Path, name: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Classify ten seconds of a movement that a port prints, ten times as fast as real time."""
    port, stop = VirtualPort(folder / "sensor"), threading.Event()

    def send() -> None:
        generator = np.random.default_rng(1)
        tick = 0
        while not stop.is_set():
            for row in motion(name, 25, generator):
                port.send(f"{tick * 20},{','.join(f'{value:.4f}' for value in row)}\n".encode(), timeout_s=0.5)
                tick += 1
            time.sleep(0.02)

    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    try:
        return har(
            "live", "--port", folder / "sensor", "model", "--duration", "6", "--jsonl", "-", *options, cwd=folder
        )
    finally:
        stop.set()
        thread.join(20)
        port.close()


@pytest.mark.parametrize("name", ["Still", "Spin"])
def test_a_port_is_classified(folder: Path, name: str) -> None:
    options = ("--columns", "2,3,4,5,6,7", "--gyroscope-unit", "rad/s", "--unit", "m/s2", "--raw", "--rate", "50")
    done = live(folder, name, *options)
    labels = [line["label"] for text in done.stdout.splitlines() if "label" in (line := json.loads(text))]
    assert len(labels) > 5, done.stderr
    assert labels.count(name) > 0.9 * len(labels), (labels, done.stderr)


@pytest.mark.parametrize(
    "options",
    [(), ("--columns", "2,3,4"), ("--columns", "2,3,4,5,6,7"), ("--columns", "2,3,4,5,6,7", "--gyroscope-unit", "rpm")],
)
def test_what_is_not_said_is_asked_for(folder: Path, options: tuple[str, ...]) -> None:
    done = live(folder, "Still", "--unit", "m/s2", *options)
    assert done.returncode == 2
    assert "--columns ax,ay,az,gx,gy,gz --gyroscope-unit deg/s" in done.stderr


@contextlib.contextmanager
def simulated(folder: Path, *options: str) -> Iterator[Path]:
    """Play the first person's recording into a port, twenty times as fast as it was."""
    link = folder / "simulated"
    command = ("simulate", "--data", "store", "--subject", "0", "--link", link, "--speed", "20", *options)
    sensor = subprocess.Popen(
        [sys.executable, "-P", "-m", "edgehar", *map(str, command)],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        sensor.stdout.readline()
        yield link
    finally:
        sensor.terminate()
        sensor.communicate(timeout=60)


@pytest.mark.parametrize(
    ("simulation", "recording", "steps"),
    [
        (("--protocol", "frames"), (), np.repeat([1 / 2048, 1 / 16.4], 3)),
        (
            ("--timestamps",),
            ("--unit", "g", "--columns", "x,y,z,gx,gy,gz", "--gyroscope-unit", "deg/s"),
            np.full(6, 1e-12),
        ),
    ],
    ids=["frames", "text"],
)
def test_a_device_is_recorded_and_imported_with_equal_numbers(
    folder: Path, simulation: tuple[str, ...], recording: tuple[str, ...], steps: np.ndarray
) -> None:
    capture, store = folder / f"{simulation[-1]}.harcap", folder / f"{simulation[-1]}.store"
    with simulated(folder, "--duration", "20", *simulation) as port:
        options = ("--subject", "0", "--out", capture, "--json", *recording)
        done = har("record", "--port", port, *options, cwd=folder)
    assert "the device was unplugged" in done.stderr
    assert json.loads(done.stdout)["lost_samples"] == 0
    imported = har("data", "import", capture, "--out", store, cwd=folder)
    assert imported.returncode == 0, imported.stderr
    (found,) = load_store(store).recordings
    (played,) = load_store(folder / "store").of_subject("0")
    assert found.channels == ("x", "y", "z", "gx", "gy", "gz")
    sent = played.samples[: 20 * RATE_HZ]
    assert len(sent) - 20 <= len(found) <= len(sent)
    assert (np.abs(found.samples - sent[-len(found) :]) <= 0.5001 * steps + 1e-6).all()
    assert found.rate_hz == pytest.approx(RATE_HZ, rel=1e-3)


def test_frames_say_what_they_hold(folder: Path) -> None:
    """A model of six channels takes them, and nothing has to be declared."""
    with simulated(folder, "--protocol", "frames", "--activity", "Spin", "--loop") as port:
        done = har("live", "--port", port, "model", "--duration", "3", "--jsonl", "-", "--raw", cwd=folder)
    labels = [line["label"] for text in done.stdout.splitlines() if "label" in (line := json.loads(text))]
    assert len(labels) > 5, done.stderr
    assert labels.count("Spin") > 0.9 * len(labels), (labels, done.stderr)


@pytest.mark.parametrize("options", [("--columns", "x,y,z,gx,gy,gz"), ("--gyroscope-unit", "deg/s")])
def test_a_recording_of_six_columns_asks_for_their_unit(folder: Path, options: tuple[str, ...]) -> None:
    done = har("record", "--port", "loop://", "--subject", "7", *options, cwd=folder)
    assert done.returncode == 2
    assert "expected --gyroscope-unit as one of deg/s, rad/s, mdeg/s with six --columns" in " ".join(
        done.stderr.split()
    )


def test_firmware_is_written_for_it(folder: Path) -> None:
    done = har("firmware", "model", "--board", "esp32", "--sensor", "lsm6dsox", "--out", "sketch", cwd=folder)
    assert done.returncode == 0, done.stderr
    identity = (folder / "sketch" / "src" / "har_identity.h").read_text()
    assert "#define HAR_MODEL_CHANNELS 6\n" in identity
    assert "#define HAR_GYROSCOPE har_lsm6_gyroscope\n" in identity


def test_a_page_is_written_for_it(folder: Path) -> None:
    done = har("phone", "model", "--out", "page", cwd=folder)
    assert done.returncode == 0, done.stderr
    manifest = json.loads((folder / "page" / "bundle" / "manifest.json").read_text())
    assert len(manifest["window"]["channels"]) == 6
