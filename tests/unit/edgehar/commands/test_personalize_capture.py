"""From har record --guide personalize, recorded with a turned sensor, to the wearer's model."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgehar.commands.personalize import personalize
from edgehar.firmware_bridge.record.guides import steps_of_guide
from edgehar.models.bundle import read_bundle
from edgehar.models.capture_file import MAGIC, CapturedBlock, CaptureInfo, encode_block, encode_event, encode_info
from edgehar.models.errors import DataError
from edgehar.models.mounting import read_mounting
from edgehar.pipeline.compilers import Target, compile_bundle

TURNED = np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0]], np.float32)


@pytest.fixture
def capture(usc_had: Any, tmp_path: Path) -> Path:
    """What `har record --script` writes while person 8 follows the script, the sensor turned."""
    takes: dict[str, list[Any]] = {}
    for recording in usc_had.of_subject("8"):
        takes.setdefault(recording.labels[0].activity, []).append(recording.samples)
    content = MAGIC + encode_info(CaptureInfo("me", "front right hip", "g", 100.0, "2026-01-01T00:00:00", "test"))
    at = 0
    for number, step in enumerate(steps_of_guide("personalize"), start=1):
        count = min(round(step.seconds * 100), len(takes[step.activity][0]))
        samples = takes[step.activity].pop(0)[:count] @ TURNED.T
        times_s = (at + np.arange(count)) / 100
        content += encode_event({"event": "begin", "take": number, "activity": step.activity, "t_s": at / 100})
        content += encode_block(CapturedBlock(samples, times_s, 0.0, 0, number > 1))
        at += count
        content += encode_event({"event": "end", "take": number, "t_s": at / 100})
    path = tmp_path / "me.harcap"
    path.write_bytes(content)
    return path


def test_a_guided_capture_gives_a_model(
    capture: Path, usc_had: Any, random_bundle: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = random_bundle("simple_rnn")
    window = dataclasses.replace(bundle.manifest.window, mounting=usc_had.recordings[0].placement)
    bundle = dataclasses.replace(bundle, manifest=dataclasses.replace(bundle.manifest, window=window))
    general, out, kept = tmp_path / "general", tmp_path / "own", tmp_path / "me.json"
    compile_bundle(bundle, [Target("c", "float32")]).save(general)
    with pytest.raises(DataError, match="here gravity is turned by"):
        personalize(general, [str(capture)], out)
    personalize(general, [str(capture)], out, mounting=str(capture), save_mounting=kept)
    said = capsys.readouterr().out
    assert "Cross-validated over takes of me" in said
    assert "Not recorded: Elevator Up, Elevator Down." in said
    assert np.trace(read_mounting(kept).matrix @ TURNED) > 1 + 2 * np.cos(np.radians(35))
    (entry,) = read_bundle(out).manifest.metrics
    assert entry.macro_f1 > 0.4
