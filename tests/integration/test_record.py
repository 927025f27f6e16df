"""`har record`, `har tune` and the soak as processes: what a power cut, a full disk and a short script leave."""

import json
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgehar.models.architecture import Architecture, Dense, SimpleRNN
from edgehar.models.bundle import Bundle, read_bundle
from edgehar.models.capture_file import read_capture
from edgehar.models.errors import HarError
from edgehar.pipeline.data.recordings import Dataset, LabelInterval, Recording
from edgehar.pipeline.data.store import load_store, save_store

ROOT = Path(__file__).parents[2]


def har(*arguments: object, limit_bytes: int | None = None) -> subprocess.Popen[str]:
    """Start `har`, perhaps where files may not grow large."""

    def limit() -> None:
        if limit_bytes is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes))

    return subprocess.Popen(
        [sys.executable, "-m", "edgehar", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=limit,
    )


@pytest.fixture
def port(tmp_path: Path):  # type: ignore[no-untyped-def]
    """A sensor that plays one person for ever, four times as fast as it would."""
    samples = np.random.default_rng(1).normal(0, 0.3, (4000, 3)).astype(np.float32) + np.float32([0, 0, 1])
    recording = Recording("w", "7", samples, 100.0, (LabelInterval(0, 4000, "Walking"),))
    save_store(Dataset("test", ("Walking",), (recording,)), tmp_path / "played")
    link = tmp_path / "port"
    sensor = har("simulate", "--data", tmp_path / "played", "--link", link, "--loop", "--timestamps", "--speed", "4")
    assert sensor.stdout is not None
    sensor.stdout.readline()
    yield link
    sensor.terminate()
    sensor.communicate(timeout=60)


def test_a_script_becomes_a_store(port: Path, tmp_path: Path) -> None:
    capture, store = tmp_path / "morning.harcap", tmp_path / "store"
    (tmp_path / "script").write_text("walk:6\nsit:4\n", encoding="utf-8")
    options = ("--subject", "7", "--placement", "hip", "--script", tmp_path / "script", "--ready", "0.2", "--json")
    process = har("record", "--port", port, *options, "--out", capture)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert [(take["activity"], round(take["seconds"])) for take in json.loads(out)["takes"]] == [
        ("walk", 6),
        ("sit", 4),
    ]
    imported = har("data", "import", capture, "--out", store)
    _, err = imported.communicate(timeout=60)
    assert imported.returncode == 0, err
    dataset = load_store(store)
    assert dataset.seconds() == {("7", "walk"): pytest.approx(6, abs=0.1), ("7", "sit"): pytest.approx(4, abs=0.1)}
    assert dataset.recordings[0].placement == "hip"


def test_a_sensor_that_speaks_frames_says_its_unit_and_rate_itself(tmp_path: Path) -> None:
    link, capture = tmp_path / "frames", tmp_path / "a.harcap"
    sensor = har("simulate", "--data", "synthetic", "--link", link, "--loop", "--protocol", "frames")
    assert sensor.stdout is not None
    sensor.stdout.readline()
    options = ("--subject", "7", "--activity", "walk:2", "--ready", "0", "--json", "--out", capture)
    process = har("record", "--port", link, *options)
    out, err = process.communicate(timeout=60)
    sensor.terminate()
    sensor.communicate(timeout=60)
    assert process.returncode == 0, err
    assert json.loads(out)["lost_samples"] == 0
    found = read_capture(capture)
    assert found.info.unit.startswith("raw:")
    assert found.info.rate_hz == 100.0
    assert sum(len(block.samples_g) for block in found.blocks) >= 200


def kept_samples(capture: Path) -> int:
    """Return how many samples a capture holds that is still being written, none before it has begun."""
    try:
        return sum(len(block.samples_g) for block in read_capture(capture).blocks)
    except (FileNotFoundError, HarError):
        return 0


def test_a_kill_without_warning_loses_less_than_a_second(port: Path, tmp_path: Path) -> None:
    capture = tmp_path / "a.harcap"
    process = har(
        "record", "--port", port, "--subject", "7", "--activity", "walk:600", "--ready", "0", "--out", capture
    )
    deadline_s = time.monotonic() + 60
    # How many samples a record holds, and so how many bytes they take, depends on how fast the machine is.
    while (before := kept_samples(capture)) <= 500 and time.monotonic() < deadline_s:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    found = read_capture(capture)
    assert found.damaged == 0
    assert kept_samples(capture) >= before > 500
    assert [event["event"] for event in found.events] == ["begin"]


def test_a_full_disk_is_one_sentence_and_keeps_what_was_kept(port: Path, tmp_path: Path) -> None:
    capture = tmp_path / "a.harcap"
    process = har(
        *("record", "--port", port, "--subject", "7", "--activity", "walk:600", "--ready", "0", "--out", capture),
        limit_bytes=60_000,
    )
    _, err = process.communicate(timeout=60)
    said = " ".join(err.split())
    assert process.returncode == 1
    assert "the disk is full" in said
    assert "are kept and can be imported" in said
    assert "Traceback" not in err
    found = read_capture(capture)
    kept = sum(len(block.samples_g) for block in found.blocks)
    promised = int(said.partition("the disk is full; the ")[2].split()[0].replace(",", ""))
    assert 500 < promised <= kept


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--activity", "walk"], "expected an activity and its seconds"),
        (["--activity", "walk:5", "--script", "x"], "got both"),
        (["--script", "{tmp}/nothing"], "expected a script"),
        (["--rate", "0"], "expected --rate from 0.1 to 32000 Hz, got 0"),
        (["--subject", " "], "expected a --subject"),
        (["--unit", "feet"], "expected the unit"),
    ],
)
def test_record_refuses_in_one_sentence(tmp_path: Path, options: list[str], said: str) -> None:
    process = har("record", "--port", "loop://", "--subject", "7", *(option.format(tmp=tmp_path) for option in options))
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2, err
    assert said in " ".join(err.split())


def test_tune_writes_a_decoder(tmp_path: Path, random_bundle: Callable[..., Bundle]) -> None:
    layers = (SimpleRNN("RNN_1", 4), Dense("Output", 2, "softmax"))
    model = random_bundle(Architecture("tiny", window=50, channels=3, layers=layers))
    model.save(tmp_path / "bundle")
    generator = np.random.default_rng(2)
    recordings = tuple(
        Recording(
            f"{subject}-{number}",
            str(subject),
            generator.normal(level, 0.4, (7500, 3)).astype(np.float32),
            100.0,
            (LabelInterval(0, 7500, label),),
        )
        for subject in (1, 2)
        for number, (level, label) in enumerate(zip((0.0, 1.0), model.manifest.labels, strict=True))
    )
    save_store(Dataset("test", model.manifest.labels, recordings), tmp_path / "store")
    arguments = ("tune", tmp_path / "bundle", "--data", tmp_path / "store", "--engine", "numpy")
    refused = har(*arguments)
    _, err = refused.communicate(timeout=60)
    assert refused.returncode == 2
    assert "Name whom to tune on with --subjects" in " ".join(err.split())
    process = har(*arguments, "--subjects", "1", "--json")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    found = json.loads(out)
    assert found["others"] == ["2"]
    assert found["training"]["decoded"]["cost"] <= found["training"]["undecoded"]["cost"]
    decoder = read_bundle(tmp_path / "bundle").manifest.decoder
    assert decoder.reject_below == found["decoder"]["reject_below"]
    assert bool(decoder.transitions) == found["decoder"]["markov"]
    manifest = (tmp_path / "bundle" / "manifest.json").read_bytes()
    again = har(*arguments, "--subjects", "1", "--json")
    out, err = again.communicate(timeout=60)
    assert again.returncode == 0, err
    assert json.loads(out)["kept"] is False
    short = tuple(
        replace(each, samples=each.samples[:600], labels=(LabelInterval(0, 600, each.labels[0].activity),))
        for each in recordings
    )
    save_store(Dataset("test", model.manifest.labels, short), tmp_path / "short")
    refused = har("tune", tmp_path / "bundle", "--data", tmp_path / "short", "--engine", "numpy", "--subjects", "1")
    _, err = refused.communicate(timeout=60)
    assert refused.returncode == 1
    assert "the decoder stays as it is" in " ".join(err.split())
    assert (tmp_path / "bundle" / "manifest.json").read_bytes() == manifest


@pytest.mark.parametrize("options", [["--blocks"], [], ["--blocks", "--rate", "104"]])
def test_a_short_soak_does_not_grow(options: list[str]) -> None:
    soak = [sys.executable, "tools/soak_live.py", "--samples", "200000", "--json", *options]
    done = subprocess.run(soak, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert found["growth_mb"] < 1.0
    assert found["windows"] > 8000


def test_a_folder_that_is_not_there_is_made(port: Path, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "recordings"
    options = ("--subject", "7", "--activity", "walk:1", "--ready", "0", "--json", "--out", f"{folder}/")
    process = har("record", "--port", port, *options)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    (capture,) = folder.iterdir()
    assert json.loads(out)["capture"] == str(capture)
    assert (capture.suffix, capture.name.startswith("7-")) == (".harcap", True)
    assert not folder.with_name("recordings.harcap").exists()
