"""Frames end to end over a pty: faults, reboots and unplugging, and an account that is exact; from replug to label."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edgehar.firmware_bridge.frames.fields import Ability, UnitCode
from edgehar.firmware_bridge.frames.framing import encode_frame
from edgehar.firmware_bridge.frames.messages import Hello, Samples
from edgehar.firmware_bridge.line.reconnection import open_reader
from edgehar.firmware_bridge.line.transport import MemoryTransport
from edgehar.firmware_bridge.live.loop import LiveEnd, LiveLoop
from edgehar.firmware_bridge.live.pipeline import Prediction
from edgehar.firmware_bridge.live.sinks import LiveStatus
from edgehar.firmware_bridge.session.protocol_detection import detect_protocol
from edgehar.firmware_bridge.simulate.faults import Faults
from edgehar.firmware_bridge.simulate.frame_sensor import Account, FrameSensor, Mishaps, SensorSpec
from edgehar.firmware_bridge.stream.samples import Remark
from edgehar.models.bundle import Bundle
from edgehar.models.errors import BridgeError
from edgehar.models.units import parse_unit

SAMPLES = np.random.default_rng(7).normal(0, 0.6, (4000, 3)).astype(np.float32) + np.float32([0, 0, 1])
SPEC = SensorSpec(unit=parse_unit("raw:2048"), rate_hz=1000.0, name="virtual")


class Still:
    """An engine with one answer."""

    def __init__(self, classes: int) -> None:
        self._classes = classes

    def predict(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return it."""
        return np.full((len(windows), self._classes), 1 / self._classes, np.float32)


class Listener:
    """A sink that keeps everything."""

    def __init__(self) -> None:
        self.predictions: list[Prediction] = []
        self.remarks: list[Remark] = []

    def predicted(self, prediction: Prediction) -> None:
        self.predictions.append(prediction)

    def remarked(self, remark: Remark) -> None:
        self.remarks.append(remark)

    def progressed(self, status: LiveStatus) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""

    def said(self) -> str:
        """Return all remarks as one text."""
        return "\n".join(remark.text for remark in self.remarks)


def play(sensor: FrameSensor, bundle: Bundle, *, samples: int, reconnect: bool) -> tuple[Account, LiveEnd, Listener]:
    """Classify a virtual sensor to its end."""
    accounts: list[Account] = []
    ended = threading.Event()

    def run() -> None:
        try:
            accounts.append(sensor.run(total=samples))
        finally:
            sensor.close()
            ended.set()

    player = threading.Thread(target=run)
    player.start()
    reader = open_reader(sensor.name, reconnect=reconnect)
    listener = Listener()
    try:
        detected = detect_protocol(reader)
        loop = LiveLoop.for_model(
            reader,
            Still(len(bundle.manifest.labels)),
            bundle.manifest,
            unit=parse_unit("g"),
            hop=50,
            hello=detected.hello,
            arrived=detected.arrivals,
        )
        end = loop.run([listener], duration_s=60, stop=ended.is_set)
    finally:
        ended.wait(60)
        player.join()
        reader.close()
    return accounts[0], end, listener


def held_to(account: Account, end: LiveEnd) -> None:
    """Compare what was reported with what was injected."""
    counts, truth = end.status.counts, account.truth
    reported = (counts.samples, counts.lost, counts.dropped, counts.late, counts.repeated, counts.restarts)
    assert reported == (truth.used, truth.lost, truth.dropped, truth.late, truth.repeated, truth.restarts)


@pytest.fixture(scope="module")
def bundle(random_bundle: Callable[..., Bundle]) -> Bundle:
    """A model nobody runs."""
    return random_bundle("simple_rnn")


def test_a_clean_line_loses_nothing(tmp_path: Path, bundle: Bundle) -> None:
    sensor = FrameSensor(tmp_path / "port", SAMPLES, spec=SPEC, speed=0)
    account, end, listener = play(sensor, bundle, samples=20_000, reconnect=False)
    held_to(account, end)
    assert (account.truth.used, account.truth.lost) == (20_000, 0)
    assert end.status.windows > 30
    assert "the device is virtual, 1000 Hz, ±16 g, 2048 counts/g" in listener.said()


def test_every_fault_at_once_is_accounted_for_exactly(tmp_path: Path, bundle: Bundle) -> None:
    faults = Faults(drop=0.01, lose=0.01, cut=0.02, flip=0.03, stutter=0.01, repeat=0.01, swap=0.01)
    sensor = FrameSensor(
        tmp_path / "port", SAMPLES, spec=SPEC, faults=faults, mishaps=Mishaps(reboot_every_s=11.0), seed=5, speed=0
    )
    account, end, listener = play(sensor, bundle, samples=30_000, reconnect=False)
    held_to(account, end)
    assert account.truth.lost > 1000
    assert account.reboots == account.truth.restarts == 2
    assert "the device has restarted" in listener.said()


def test_replugged_it_goes_on_and_labels_within_a_window_and_two_seconds(tmp_path: Path, bundle: Bundle) -> None:
    mishaps = Mishaps(unplug_every_s=4.0, unplug_for_s=0.5)
    sensor = FrameSensor(tmp_path / "port", SAMPLES, spec=SPEC, mishaps=mishaps, speed=1)
    account, end, listener = play(sensor, bundle, samples=7_900, reconnect=True)
    held_to(account, end)
    assert account.unplugs == 1
    assert account.truth.lost >= 400
    assert "the device was unplugged; waiting for it" in listener.said()
    assert "is there again" in listener.said()
    plugged_in_s = mishaps.unplug_every_s + mishaps.unplug_for_s
    first_s = min(prediction.t_s for prediction in listener.predictions if prediction.t_s > plugged_in_s)
    # By the sensor's clock; from the first sample of a window to the last it is one period less.
    window_s = (bundle.manifest.window.length - 1) / bundle.manifest.window.rate_hz
    assert window_s - 1e-6 <= first_s - plugged_in_s < window_s + 2.0
    assert end.status.counts.restarts == 0


def test_a_device_that_is_taken_for_text_and_sends_frames_later(bundle: Bundle) -> None:
    """Its own rate holds from its first sample on; what was assumed of the text does not."""
    hello = Hello(7, Ability.SENSES | Ability.STREAMS, 62_500, 16384.0, UnitCode.G, 2.0)
    wire = [b"rst:0x1 (POWERON_RESET)\r\nloading firmware\r\n" * 3, b"\xff\x80garbage\0", encode_frame(hello.pack())]
    payload = np.tile(np.array([0, 0, 16384], "<i2"), 10).tobytes()
    wire += [encode_frame(Samples(7, 10 * n, 160_000 * n, 0, payload).pack()) for n in range(60)]
    listener = Listener()
    loop = LiveLoop.for_model(
        MemoryTransport(wire),
        Still(len(bundle.manifest.labels)),
        bundle.manifest,
        unit=parse_unit("g"),
        hop=50,
        may_be_frames=True,
    )
    end = loop.run([listener], duration_s=30)
    assert (end.status.counts.samples, end.status.counts.lost) == (600, 0)
    # 9.6 s at 100 Hz, less what the filter waits for: were the rate not believed, 600 samples would give 9 windows.
    assert end.status.windows == 15
    assert "reading frames from here on" in listener.said()
    assert "the device sends 62.5 Hz: resampling" in listener.said()


def test_another_version_is_refused_in_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgehar.firmware_bridge.session.protocol_detection.require_usable", _as_major_2)
    sensor = FrameSensor(tmp_path / "port", SAMPLES, spec=SPEC)
    player = threading.Thread(target=sensor.run, kwargs={"total": 300})
    player.start()
    reader = open_reader(sensor.name)
    try:
        with pytest.raises(
            BridgeError, match=r"expected a device that speaks protocol 1.x or 2.x, got 3.0. Update edgehar"
        ):
            detect_protocol(reader)
    finally:
        reader.close()
        player.join()
        sensor.close()


def _as_major_2(hello: object) -> None:
    """Refuse a HELLO as if it were of version 2."""
    import dataclasses

    from edgehar.firmware_bridge.frames.device_description import require_usable

    require_usable(dataclasses.replace(hello, major=3))


def har(*arguments: object) -> "subprocess.Popen[str]":
    """Start `har`."""
    return subprocess.Popen(
        [sys.executable, "-m", "edgehar", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def test_the_commands_report_what_was_injected(tmp_path: Path, bundle: Bundle) -> None:
    """`har simulate` damages, `har live` detects frames by itself, and both tell the same."""
    link, account_path = tmp_path / "port", tmp_path / "account.json"
    saved = tmp_path / "bundle"
    bundle.save(saved)
    faults = ("--fault", "lose=0.05", "--fault", "flip=0.05", "--fault", "drop=0.02", "--fault", "repeat=0.02")
    played = har(
        *("simulate", "--data", "synthetic", "--protocol", "frames", "--link", link, "--speed", "20", "--seed", "3"),
        *("--duration", "60", "--account", account_path, *faults),
    )
    try:
        if played.stdout is None or played.stdout.readline().strip() != str(link):
            raise RuntimeError(played.communicate()[1])
        live = har("live", saved, "--port", link, "--engine", "numpy", "--hop", "100", "--json")
        out, err = live.communicate(timeout=60)
        _, told = played.communicate(timeout=60)
    finally:
        played.terminate()
        played.communicate(timeout=60)
    assert played.returncode == 0, told
    assert live.returncode == 1, err
    assert "the device is simulated, 100 Hz, ±16 g" in err
    summary, account = json.loads(out), json.loads(account_path.read_text(encoding="utf-8"))
    truth = account["truth"]
    assert (summary["samples"], summary["lost_samples"]) == (truth["used"], truth["lost"])
    assert truth["lost"] > 300
    assert truth["sent"] == 6000
    assert f"a reader must report {truth['lost']:,} samples lost" in told


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--protocol", "morse"), "expected --protocol text or frames"),
        (("--fault", "explode=1"), "expected a fault as NAME=PROBABILITY"),
        (("--protocol", "frames", "--samples-per-frame", "40"), "expected 1 to 39 samples a frame"),
        (("--protocol", "frames", "--unit", "m/s2"), "expected a unit of counts for frames"),
        (("--drift", "50"), "expected --protocol frames with --jitter, --drift"),
        (("--unplug-every", "5"), "expected --protocol frames with --jitter, --drift"),
        (("--reboot-every", "0"), "expected a --reboot-every above 0"),
        (("--jitter", "-1", "--protocol", "frames"), "expected --jitter of 0 or more"),
    ],
)
def test_simulate_refuses_in_one_sentence(options: tuple[str, ...], said: str) -> None:
    process = har("simulate", "--data", "synthetic", *options)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert said in err
    assert "Traceback" not in err
