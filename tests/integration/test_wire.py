"""The wire end to end: `har simulate` and `har live` as processes over a real pty, and everything that can go wrong."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edgehar.commands import ports
from edgehar.firmware_bridge.line.opening import open_transport
from edgehar.firmware_bridge.line.pseudo_terminal import VirtualPort
from edgehar.firmware_bridge.line.serial_port import PortInfo
from edgehar.firmware_bridge.line.transport import MemoryTransport, Transport
from edgehar.firmware_bridge.live.loop import LiveEnd, LiveLoop
from edgehar.firmware_bridge.live.pipeline import LivePipeline, Prediction
from edgehar.firmware_bridge.live.sinks import LiveStatus
from edgehar.firmware_bridge.simulate.text_writer import TextWriter
from edgehar.firmware_bridge.stream.checks import SilenceCheck, StreamChecks
from edgehar.firmware_bridge.stream.samples import Remark
from edgehar.firmware_bridge.text.source import TextSource
from edgehar.models.architecture import Architecture, Dense, SimpleRNN
from edgehar.models.bundle import Bundle, read_bundle
from edgehar.models.contract import ACTIVITIES
from edgehar.models.engines import load_engine
from edgehar.models.units import parse_unit
from edgehar.pipeline.data.recordings import Dataset, LabelInterval, Recording
from edgehar.pipeline.data.store import save_store

LABELS = ACTIVITIES[:3]
LENGTH, HOP = 50, 25
SAMPLES = np.random.default_rng(7).normal(0, 0.6, (1000, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory, random_bundle: Callable[..., Bundle]) -> Path:
    """A bundle of a very small network."""
    layers = (SimpleRNN("RNN_1", 4), Dense("Output", len(LABELS), "softmax"))
    path = tmp_path_factory.mktemp("bundle") / "tiny"
    random_bundle(Architecture("tiny", window=LENGTH, channels=3, layers=layers)).save(path)
    return path


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Recordings of one person, and one of another."""
    path = tmp_path_factory.mktemp("data") / "store"
    walk = Recording("w", "7", SAMPLES[:600], 100.0, (LabelInterval(0, 600, "Walking"),))
    sit = Recording("s", "7", SAMPLES[600:], 100.0, (LabelInterval(100, 400, "Sitting"),))
    other = Recording("o", "8", SAMPLES[:100], 100.0, (LabelInterval(0, 100, "Standing"),))
    save_store(Dataset("test", ("Walking", "Sitting", "Standing"), (walk, sit, other)), path)
    return path


def har(*arguments: object) -> subprocess.Popen[str]:
    """Start `har`."""
    return subprocess.Popen(
        [sys.executable, "-m", "edgehar", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


@contextmanager
def sensor(store: Path, link: Path, *options: object) -> Iterator[subprocess.Popen[str]]:
    """Run `har simulate` on subject 7, its port there; end it at the end."""
    process = har("simulate", "--data", store, "--subject", "7", "--link", link, *options)
    try:
        if process.stdout is None or process.stdout.readline().strip() != str(link):
            raise RuntimeError(process.communicate()[1])
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=60)


def expected(bundle: Path, samples: NDArray[np.float32]) -> list[dict[str, float]]:
    """Return what offline inference gives for every window."""
    engine = load_engine(read_bundle(bundle), "numpy")
    starts = range(0, len(samples) - LENGTH + 1, HOP)
    rows = [engine.predict(samples[start : start + LENGTH][np.newaxis])[0] for start in starts]
    return [dict(zip(LABELS, (round(float(value), 6) for value in row), strict=True)) for row in rows]


@pytest.mark.parametrize("unit", ["g", "m/s2"])
def test_a_person_walks_through_a_pty(bundle: Path, store: Path, tmp_path: Path, unit: str) -> None:
    link, labels, truth = tmp_path / "port", tmp_path / "labels.jsonl", tmp_path / "truth.jsonl"
    with sensor(store, link, "--speed", "5", "--unit", unit, "--timestamps", "--truth", truth) as played:
        live = har("live", bundle, "--port", link, "--unit", unit, "--hop", HOP, "--engine", "numpy", "--jsonl", labels)
        out, err = live.communicate(timeout=60)
        played.wait(timeout=60)
        assert played.returncode == 0
    assert live.returncode == 1, err
    assert "unplugged" in err
    lines = [json.loads(line) for line in labels.read_text(encoding="utf-8").splitlines()]
    assert [line["probabilities"] for line in lines] == expected(bundle, SAMPLES)
    for index, line in enumerate(lines):
        assert line["label"] == max(line["probabilities"], key=line["probabilities"].get)
        assert line["t_s"] == pytest.approx((index * HOP + LENGTH - 1) / 100)
        assert line["lost_samples"] == 0
    assert f"{len(lines)} windows classified, 1,000 samples, 0 lost" in out
    told = [json.loads(line) for line in truth.read_text(encoding="utf-8").splitlines()]
    assert [(line["t_s"], line["until_s"], line["label"]) for line in told] == [
        (0.0, 6.0, "Walking"),
        (6.0, 7.0, None),
        (7.0, 10.0, "Sitting"),
    ]
    assert not os.path.lexists(link)


def test_only_one_activity_and_a_summary_for_machines(bundle: Path, store: Path, tmp_path: Path) -> None:
    link = tmp_path / "port"
    with sensor(store, link, "--speed", "max", "--activity", "sitting"):
        live = har("live", bundle, "--port", link, "--unit", "g", "--hop", "10", "--engine", "numpy", "--json")
        out, err = live.communicate(timeout=60)
    assert live.returncode == 1, err
    summary = json.loads(out)
    assert (summary["samples"], summary["lost_samples"], summary["windows"]) == (300, 0, 26)
    assert set(summary["latency_ms"]) == {"p50", "p95", "p99"}


def test_interrupted_it_ends_with_a_summary(bundle: Path, store: Path, tmp_path: Path) -> None:
    link, labels = tmp_path / "port", tmp_path / "labels.jsonl"
    with sensor(store, link, "--loop", "--speed", "4"):
        live = har("live", bundle, "--port", link, "--unit", "g", "--engine", "numpy", "--jsonl", labels)
        deadline_s = time.monotonic() + 60
        while not (labels.exists() and labels.read_text().count("\n") >= 3) and time.monotonic() < deadline_s:
            time.sleep(0.05)
        live.send_signal(signal.SIGINT)
        out, _ = live.communicate(timeout=60)
    assert live.returncode == 130
    assert "windows classified" in out.splitlines()[-1]
    text = labels.read_text(encoding="utf-8")
    assert text.endswith("\n")
    assert all(json.loads(line) for line in text.splitlines())
    assert not os.path.lexists(link), "the terminated sensor took its link away"


def test_a_duration_ends_it_well_and_stdout_can_be_json_lines(bundle: Path, store: Path, tmp_path: Path) -> None:
    link = tmp_path / "port"
    with sensor(store, link, "--loop", "--speed", "4"):
        options = ("--unit", "g", "--engine", "numpy", "--jsonl", "-", "--duration", "2")
        live = har("live", bundle, "--port", link, *options)
        out, err = live.communicate(timeout=60)
    assert live.returncode == 0, err
    assert {"t_s", "label", "probability", "lost_samples"} <= set(json.loads(out.splitlines()[0]))
    assert all(json.loads(line) for line in out.splitlines())
    assert "windows classified" in err


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--port", "{tmp}/nothing"], 1, "there is no such port"),
        (["--port", "socket://127.0.0.1:1"], 1, "refused"),
        (["--port", "nosuch://x"], 2, "expected a port like"),
        (["--port", "loop://", "--unit", "furlong"], 2, "expected the unit g, m/s2 or raw:SCALE"),
        (["--port", "loop://", "--hop", "0"], 2, "expected a hop of at least 1"),
        (["--port", "loop://", "--rate", "-4"], 2, "expected --rate from 0.1 to 32000 Hz, got -4"),
        (["--port", "loop://", "--rate", "10", "--protocol", "text"], 2, "too slow to be resampled"),
        (["--port", "loop://", "--duration", "0"], 2, "expected a --duration above 0"),
        (["--port", "loop://", "--engine", "abacus"], 2, "abacus"),
        (["--port", "loop://", "--jsonl", "{tmp}/no/where"], 2, "expected a file to write labels to"),
        (["--port", "loop://", "--json", "--jsonl", "-"], 2, "got both"),
        (["--port", "loop://", "--duration", "0.2"], 1, "not one sample"),
    ],
)
def test_live_refuses_in_one_sentence(bundle: Path, tmp_path: Path, options: list[str], code: int, said: str) -> None:
    live = har("live", bundle, *(option.format(tmp=tmp_path) for option in options))
    _, err = live.communicate(timeout=60)
    assert live.returncode == code, err
    assert said in " ".join(err.split())
    assert "Traceback" not in err


def test_a_wrong_unit_is_a_failure_that_names_it(bundle: Path, store: Path, tmp_path: Path) -> None:
    with sensor(store, tmp_path / "port", "--speed", "max", "--unit", "raw:16384", "--loop"):
        options = ("--unit", "g", "--engine", "numpy", "--duration", "0.6")
        live = har("live", bundle, "--port", tmp_path / "port", *options)
        _, err = live.communicate(timeout=60)
    assert live.returncode == 1
    assert "no accelerometer measures" in " ".join(err.split())
    assert "raw:SCALE" in err


def test_a_busy_port(bundle: Path, tmp_path: Path) -> None:
    port = VirtualPort(tmp_path / "port")
    holder = open_transport(port.name)
    live = har("live", bundle, "--port", port.name)
    _, err = live.communicate(timeout=60)
    holder.close()
    port.close()
    assert live.returncode == 1
    assert "used by another program" in " ".join(err.split())


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--subject", "99"], 2, "subject '99' is not in the data; there are 7, 8"),
        (["--activity", "flying"], 2, "activity 'flying' is not in these recordings; there are Sitting, Walking"),
        (["--speed", "fast"], 2, "expected a --speed of 0 or more, or max"),
        (["--speed", "-1"], 2, "expected a --speed of 0 or more, or max"),
        (["--unit", "raw:0"], 2, "expected raw:SCALE"),
        (["--rate", "0"], 2, "expected --rate from 0.1 to 32000 Hz, got 0"),
        (["--duration", "-1"], 2, "expected a --duration above 0"),
        (["--link", "{tmp}"], 2, "there is a folder"),
        (["--truth", "{tmp}/no/where"], 2, "expected a file to write the truth to"),
    ],
)
def test_simulate_refuses_in_one_sentence(
    store: Path, tmp_path: Path, options: list[str], code: int, said: str
) -> None:
    process = har("simulate", "--data", store, *(option.format(tmp=tmp_path) for option in options))
    _, err = process.communicate(timeout=60)
    assert process.returncode == code, err
    assert said in " ".join(err.split())
    assert "Traceback" not in err


def test_ports_for_machines() -> None:
    process = har("ports", "--json")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert isinstance(json.loads(out)["ports"], list)


def test_ports_for_people(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    uno = PortInfo("/dev/ttyACM0", "Uno [r3]", "Arduino", "A1", "2341:0043", accessible=True)
    closed = PortInfo("/dev/no-such-port", "", "", "", "", accessible=False)
    monkeypatch.setattr(ports, "list_ports", lambda: [uno, closed])
    ports.ports()
    shown = capsys.readouterr()
    for text in ("/dev/ttyACM0", "Uno [r3]", "Arduino", "2341:0043", "A1"):
        assert text in shown.out
    assert "/dev/no-such-port: no permission" in shown.err
    monkeypatch.setattr(ports, "list_ports", list)
    ports.ports()
    assert "har simulate" in capsys.readouterr().err


def test_the_live_path_is_light() -> None:
    code = (
        "import sys, edgehar.cli, edgehar.commands.live, edgehar.commands.ports, "
        "edgehar.firmware_bridge.live.sinks.terminal, "
        "edgehar.firmware_bridge.line.serial_port, edgehar.firmware_bridge.line.tcp, serial\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "numpy" in loaded
    heavy = {"tensorflow", "keras", "scipy", "pandas", "matplotlib", "onnx", "h5py", "flatbuffers"}
    assert heavy.isdisjoint(loaded)


class Still:
    """An engine with one answer."""

    def predict(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return it."""
        return np.array([[0.25, 0.5, 0.25]], np.float32)


class Listener:
    """A sink that keeps everything."""

    def __init__(self) -> None:
        self.predictions: list[Prediction] = []
        self.remarks: list[Remark] = []
        self.statuses: list[LiveStatus] = []

    def predicted(self, prediction: Prediction) -> None:
        self.predictions.append(prediction)

    def remarked(self, remark: Remark) -> None:
        self.remarks.append(remark)

    def progressed(self, status: LiveStatus) -> None:
        self.statuses.append(status)

    def close(self) -> None:
        """Nothing."""


def listen(transport: Transport, listener: Listener) -> LiveEnd:
    """Classify a line to its end."""
    pipeline = LivePipeline(
        Still(), labels=LABELS, window_length=LENGTH, hop=HOP, model_rate_hz=100.0, source_rate_hz=100.0
    )
    return LiveLoop(
        transport,
        TextSource(unit=parse_unit("g"), rate_hz=100.0),
        pipeline,
        silence=SilenceCheck(port=transport.name, baud=115200, started_s=time.monotonic()),
        checks=StreamChecks(declared_rate_hz=100.0, window_length=LENGTH),
    ).run([listener], duration_s=30)


def noise(count: int) -> bytes:
    """Return bytes of every value but line ends, and a line end."""
    values = np.random.default_rng(count).integers(0, 256, count, np.uint8)
    return values[(values != 10) & (values != 13)].tobytes() + b"\n"


def test_garbage_then_samples_then_unplugged(tmp_path: Path) -> None:
    writer = TextWriter(unit=parse_unit("g"), rate_hz=100.0)
    lines = writer.lines(SAMPLES[:150], first=0)
    lines[100:100] = [noise(700)]
    port = VirtualPort(tmp_path / "port")
    transport, listener = open_transport(port.name), Listener()
    port.send(noise(300) + b"".join(lines), timeout_s=1.0)
    chunks = []
    while b"".join(chunks).count(b"\n") < 152:
        chunks.append(transport.read(timeout_s=1.0))
    port.close()
    transport.close()
    end = listen(MemoryTransport(chunks, name=port.name), listener)
    assert end.error is not None
    counts = end.status.counts
    assert (counts.samples, counts.lost, counts.damaged) == (150, 1, 1)
    assert [prediction.lost_samples for prediction in listener.predictions] == [0, 0, 0, 1]
    assert listener.statuses[-1] == end.status


def test_unplugged_in_the_middle_of_a_stream(tmp_path: Path) -> None:
    port = VirtualPort(tmp_path / "port")
    transport, listener = open_transport(port.name), Listener()
    writer = TextWriter(unit=parse_unit("g"), rate_hz=100.0)
    port.send(writer.header + b"".join(writer.lines(SAMPLES[:80], first=0)), timeout_s=1.0)

    class Unplugging:
        """A line that is pulled once it has been read."""

        name = port.name

        def read(self, *, timeout_s: float) -> bytes:
            data = transport.read(timeout_s=timeout_s)
            if not data:
                port.close()
            return data

        def write(self, data: bytes) -> None:
            transport.write(data)

        def close(self) -> None:
            transport.close()

    end = listen(Unplugging(), listener)
    transport.close()
    assert end.error is not None
    assert end.error.details["reason"] == "unplugged"
    assert end.status.counts.samples == 80
    assert len(listener.predictions) == 2


def test_silence_breaks_the_window_and_is_said(tmp_path: Path) -> None:
    writer = TextWriter(unit=parse_unit("g"), rate_hz=100.0)
    lines = writer.lines(SAMPLES[:100], first=0)
    now_s = 0.0

    def clock() -> float:
        return now_s

    class Pausing(MemoryTransport):
        def read(self, *, timeout_s: float) -> bytes:
            nonlocal now_s
            data = super().read(timeout_s=timeout_s)
            now_s += 0.4 if data else 1.1
            return data

    listener = Listener()
    pipeline = LivePipeline(
        Still(), labels=LABELS, window_length=LENGTH, hop=HOP, model_rate_hz=100, source_rate_hz=100, clock=clock
    )
    transport = Pausing([writer.header, b"".join(lines[:40]), b"", b"", b"", b"".join(lines[40:])])
    end = LiveLoop(
        transport,
        TextSource(unit=parse_unit("g"), rate_hz=100.0),
        pipeline,
        silence=SilenceCheck(port="x", baud=115200, started_s=0.0),
        checks=StreamChecks(declared_rate_hz=100.0, window_length=LENGTH),
        clock=clock,
    ).run([listener])
    said = " ".join(remark.text for remark in listener.remarks)
    assert "nothing has arrived for 2 s" in said
    assert "the window begins anew" in said
    assert "data again" in said
    assert end.status.counts.restarts == 1
    assert len(listener.predictions) == 1
