"""`har live --calibrate`, `--mounting` and `--wearer`: what is led through, found, kept, used and refused."""

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import typer

from edgehar.commands import calibration
from edgehar.commands.calibration import STEPS, calibrate, chosen_mounting, place_of
from edgehar.commands.live import live
from edgehar.models.architecture import named_architecture
from edgehar.models.bundle import Bundle
from edgehar.models.capture_file import MAGIC, CapturedBlock, CaptureInfo, encode_block, encode_event, encode_info
from edgehar.models.errors import BridgeError, DataError, UsageError
from edgehar.models.mounting import Mounting, file_of_wearer, read_mounting

GAIT = (-0.225 + 0.504j, -0.148 + 0.38j)
TURNED = np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0]], np.float32)
MOUNTING = Mounting(((0.0, 1.0, 0.0), (0.0, 0.0, 1.0), (1.0, 0.0, 0.0)), 1.0, "me")


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.fixture(params=[3])
def model(random_bundle: Any, request: pytest.FixtureRequest) -> Bundle:
    """A model that says which of its axes is which."""
    bundle = random_bundle(named_architecture("simple_rnn", channels=request.param))
    window = dataclasses.replace(bundle.manifest.window, mounting="hip, x up, y forward")
    manifest = dataclasses.replace(bundle.manifest, window=window)
    return dataclasses.replace(bundle, manifest=manifest)


def led(
    monkeypatch: pytest.MonkeyPatch,
    *,
    walks: bool = True,
    stopped: bool = False,
    error: Any = None,
    gyroscope: bool = False,
) -> list[Any]:
    """Let somebody with everybody's gait, their sensor turned, do what they are asked to."""
    asked: list[Any] = []

    def capture(sensors: Any, steps: Any, path: Path, *, subject: str, **options: Any) -> Any:
        asked.extend(steps)
        rng = np.random.default_rng(0)
        content, at = (
            MAGIC + encode_info(CaptureInfo(subject, "", "g", 100.0, "2026-01-01T00:00:00", sensors[0].port)),
            0,
        )
        for number, step in enumerate(steps, start=1):
            count = round(step.seconds * 100)
            phase = np.exp(2j * np.pi * 1.9 * np.arange(count) / 100) * (walks and "Walk" in step.activity)
            samples = np.stack([1 + 0.3 * phase.real, *(0.3 * (each * phase).real for each in GAIT)], axis=1)
            samples = ((samples + rng.normal(scale=0.01, size=samples.shape)) @ TURNED.T).astype(np.float32)
            if gyroscope:
                samples = np.hstack([samples, rng.normal(scale=90, size=samples.shape).astype(np.float32)])
            content += encode_event({"event": "begin", "take": number, "activity": step.activity, "t_s": at / 100})
            content += encode_block(CapturedBlock(samples, (at + np.arange(count)) / 100, 0.0, 0, number > 1))
            at += count
            content += encode_event({"event": "end", "take": number, "t_s": at / 100})
        path.write_bytes(content)
        stop = type("Stop", (), {"__call__": lambda self: stopped, "exit_code": 130})()
        return SimpleNamespace(path=path, stop=stop, end=SimpleNamespace(error=error))

    monkeypatch.setattr(calibration, "capture", capture)
    return asked


@pytest.mark.parametrize(("model", "gyroscope"), [(3, False), (3, True), (6, True)], indirect=["model"])
def test_a_wearer_is_led_and_the_mounting_is_kept(
    model: Bundle, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], gyroscope: bool
) -> None:
    asked = led(monkeypatch, gyroscope=gyroscope)
    place = place_of(None, "me")
    found = calibrate(model, "/dev/none", place, wearer="me")
    assert tuple(asked) == STEPS
    assert np.trace(found.matrix @ TURNED) > 1 + 2 * np.cos(np.radians(25))
    assert read_mounting(place) == found == chosen_mounting(model, None, "me")
    said = capsys.readouterr()
    assert said.out == ""
    assert "turned by 1" in said.err
    assert str(place) in said.err


def test_shaky_evidence_is_refused_and_nothing_is_kept(model: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    place = place_of(None, "me")
    led(monkeypatch, walks=False)
    with pytest.raises(DataError, match="expected steps that move it up and down"):
        calibrate(model, "/dev/none", place, wearer="me")
    led(monkeypatch, stopped=True)
    with pytest.raises(typer.Exit) as stopped:
        calibrate(model, "/dev/none", place, wearer="me")
    assert stopped.value.exit_code == 130
    led(monkeypatch, error=BridgeError("unplugged"))
    with pytest.raises(BridgeError, match="unplugged"):
        calibrate(model, "/dev/none", place, wearer="me")
    assert not place.parent.exists()


def test_a_model_that_cannot_be_meant_is_refused_before_anybody_is_led(
    model: Bundle, random_bundle: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = led(monkeypatch)
    place = place_of(None, "me")
    configuration = {"personalized": {"mounting": [[1, 0, 0], [0, 1, 0], [0, 0, 1]]}}
    provenance = dataclasses.replace(model.manifest.provenance, configuration=configuration)
    turned = dataclasses.replace(model, manifest=dataclasses.replace(model.manifest, provenance=provenance))
    with pytest.raises(UsageError, match="turned to a wearer's mounting already"):
        calibrate(turned, "/dev/none", place, wearer="me")
    MOUNTING.save(Path(place.parent.parent.parent.parent / "m.json"))
    with pytest.raises(UsageError, match="turned to a wearer's mounting already"):
        chosen_mounting(turned, place.parent.parent.parent.parent / "m.json", None)
    window = dataclasses.replace(model.manifest.window, mounting="somewhere")
    nameless = dataclasses.replace(model, manifest=dataclasses.replace(model.manifest, window=window))
    with pytest.raises(DataError, match="expected a model that says which axis points up"):
        calibrate(nameless, "/dev/none", place, wearer="me")
    assert asked == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"calibrate": True}, "expected --wearer NAME or --mounting FILE, where the mounting is kept, got neither"),
        ({"calibrate": True, "wearer": "me", "mounting": Path("m")}, "where the mounting is kept, got both"),
        ({"wearer": "me", "mounting": Path("m")}, "expected --mounting or --wearer, got both"),
        ({"wearer": "nobody"}, "expected a mounting of nobody, none is kept"),
        ({"mounting": Path("none.json")}, "expected a mounting, got something else"),
    ],
)
def test_what_is_asked_for_is_checked_before_a_port_is_opened(
    model: Bundle, tmp_path: Path, options: dict[str, Any], words: str
) -> None:
    model.save(tmp_path / "model")
    with pytest.raises((UsageError, DataError), match=words):
        live(port=["/dev/none"], bundle=tmp_path / "model", engine="numpy", **options)


def test_a_kept_mounting_is_used(model: Bundle, tmp_path: Path) -> None:
    MOUNTING.save(tmp_path / "m.json")
    assert chosen_mounting(model, tmp_path / "m.json", None) == MOUNTING
    file_of_wearer("me").parent.mkdir(parents=True)
    MOUNTING.save(file_of_wearer("me"))
    assert chosen_mounting(model, None, "me") == MOUNTING
    assert chosen_mounting(model, None, None) is None
