"""`har personalize`, as its users see it."""

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgehar.commands.personalize import personalize
from edgehar.models.bundle import read_bundle
from edgehar.models.errors import DataError, UsageError
from edgehar.models.mounting import read_mounting
from edgehar.models.verification import verify_bundle
from edgehar.pipeline.compilers import Target, compile_bundle
from edgehar.pipeline.data.store import save_store
from edgehar.pipeline.data.synthetic import synthetic_dataset

PEOPLE = 3


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Recordings of three virtual people: two takes of each activity."""
    path = tmp_path_factory.mktemp("data") / "store"
    save_store(synthetic_dataset(people=PEOPLE, seconds_per_activity=24), path)
    return str(path)


@pytest.fixture(scope="module")
def general(random_bundle: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained general model."""
    path = tmp_path_factory.mktemp("general") / "bundle"
    compile_bundle(random_bundle("simple_rnn"), [Target("tflite", "float32"), Target("c", "float32")]).save(path)
    return path


@pytest.fixture(scope="module")
def fitted(data: str, general: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The bundle and what was printed, for one person."""
    path = tmp_path_factory.mktemp("own") / "bundle"
    command = ["personalize", str(general), "--data", data, "--from", "2", "--out", str(path), "--json"]
    done = subprocess.run([sys.executable, "-m", "edgehar", *command], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return path, json.loads(done.stdout)


def test_programs_get_before_and_after(fitted: tuple[Path, dict[str, Any]]) -> None:
    path, printed = fitted
    assert printed["bundle"] == str(path)
    for name in ("before", "after"):
        assert set(printed[name]) >= {"macro_f1", "decoded_macro_f1"}
        assert all(0 <= printed[name][key] <= 1 for key in ("macro_f1", "decoded_macro_f1"))
    assert printed["after"]["macro_f1"] > printed["before"]["macro_f1"] + 0.3
    assert printed["artifacts"] == ["model.float32.tflite", "model.float32.harc"]
    assert printed["wearer"] == "2"


def test_what_is_written_verifies_and_the_general_model_is_as_it_was(
    fitted: tuple[Path, dict[str, Any]], general: Path
) -> None:
    path, printed = fitted
    bundle = read_bundle(path)
    assert verify_bundle(bundle).ok
    (entry,) = bundle.manifest.metrics
    assert entry.macro_f1 == printed["after"]["macro_f1"]
    assert "personalized" not in read_bundle(general).manifest.provenance.configuration
    assert "Fitted to 2 of" in (path / "MODEL_CARD.md").read_text(encoding="utf-8")


def test_people_read_a_table_and_what_to_record(
    data: str, general: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    personalize(general, [data], tmp_path / "own", subject="1")
    said = capsys.readouterr().out
    for words in ("Walking Upstairs", "macro-F1, decoded", "output layer: ", "One take each: ", "verified: model."):
        assert words in said


def test_no_model_is_replaced_unasked(data: str, general: Path, tmp_path: Path) -> None:
    before = {path.name: path.read_bytes() for path in general.iterdir() if path.is_file()}
    with pytest.raises(UsageError, match="expected another place than the general model's"):
        personalize(general, [data], general, subject="1", force=True)
    other = tmp_path / "other"
    read_bundle(general).save(other)
    with pytest.raises(UsageError, match="expected a new name, or --force"):
        personalize(general, [data], other, subject="1")
    assert {path.name: path.read_bytes() for path in general.iterdir() if path.is_file()} == before


def test_recordings_of_several_people_write_nothing(data: str, general: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected the recordings of one person, got those of 1, 2, 3"):
        personalize(general, [data], tmp_path / "own")
    with pytest.raises(UsageError, match="--save-mounting: expected --mounting"):
        personalize(general, [data], tmp_path / "own", subject="1", save_mounting=tmp_path / "m.json")
    assert list(tmp_path.iterdir()) == []


def test_a_mounting_is_found_kept_and_folded(usc_had: Any, random_bundle: Any, tmp_path: Path) -> None:
    bundle = random_bundle("simple_rnn")
    words = usc_had.recordings[0].placement
    window = dataclasses.replace(bundle.manifest.window, mounting=words)
    bundle = dataclasses.replace(bundle, manifest=dataclasses.replace(bundle.manifest, window=window))
    bundle.save(tmp_path / "general")
    turned = np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0]], np.float32)
    own = tuple(
        dataclasses.replace(each, samples=np.ascontiguousarray(each.samples[:1500] @ turned.T), labels=label)
        for each in usc_had.of_subject("8")
        for label in [tuple(dataclasses.replace(one, stop=min(one.stop, 1500)) for one in each.labels)]
        if each.labels[0].activity in ("Standing", "Walking Forward", "Sitting")
    )
    save_store(dataclasses.replace(usc_had, recordings=own), tmp_path / "turned")
    own_data, out, kept = str(tmp_path / "turned"), tmp_path / "own", tmp_path / "wearer.json"
    with pytest.raises(DataError, match="pass --mounting CAPTURE"):
        personalize(tmp_path / "general", [own_data], out)
    assert not out.exists()
    personalize(tmp_path / "general", [own_data], out, mounting=own_data, save_mounting=kept)
    fitted = read_bundle(out).manifest.provenance.configuration["personalized"]
    mounting = read_mounting(kept)
    assert fitted["mounting"] == [list(row) for row in mounting.rotation]
    assert np.trace(mounting.matrix @ turned) > 1 + 2 * np.cos(np.radians(35))
    assert mounting.wearer == "8"
    again = tmp_path / "again"
    personalize(tmp_path / "general", [own_data], again, mounting=str(kept))
    assert read_bundle(again).manifest.weights == read_bundle(out).manifest.weights
    with pytest.raises(UsageError, match="turned to a wearer's mounting already"):
        personalize(out, [own_data], tmp_path / "twice", mounting=own_data)


def test_it_works_without_compiler_and_tensorflow(data: str, general: Path, tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "for name in ('tensorflow', 'keras', 'onnx', 'onnxruntime', 'scipy', 'ziglang', 'matplotlib'):\n"
        "    sys.modules[name] = None\n"
        "from edgehar.cli import main\nmain()"
    )
    command = ["personalize", str(general), "--data", data, "--from", "3", "--out", str(tmp_path / "own"), "--json"]
    environment = {**os.environ, "PATH": "", "CC": "", "XDG_CACHE_HOME": str(tmp_path / "cache")}
    done = subprocess.run(
        [sys.executable, "-P", "-c", program, *command], capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr
    printed = json.loads(done.stdout)
    assert [step["kept"] for step in printed["steps"] if step["name"] == "output layer"] == [True]
    assert "compiler" in next(step["reason"] for step in printed["steps"] if step["name"] == "all weights")
    assert printed["after"]["macro_f1"] > printed["before"]["macro_f1"]
    assert read_bundle(tmp_path / "own").manifest.artifacts
