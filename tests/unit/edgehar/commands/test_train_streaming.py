"""`har train --streaming` and what judges it: after the windows, from a model, and from a run, split by split."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgehar.commands.evaluate import evaluate
from edgehar.commands.live.streaming import live_engine
from edgehar.commands.train import train
from edgehar.models.bundle import read_bundle
from edgehar.models.errors import UsageError
from edgehar.models.stateful.trained import was_trained_to_carry
from edgehar.models.stateful.windows import CarriedWindows
from edgehar.pipeline.data.store import save_store
from edgehar.pipeline.data.synthetic import synthetic_dataset

QUICK: dict[str, Any] = {"hop": 50, "quiet": True, "trainer": "native", "jobs": 1}
SHORT: dict[str, Any] = {"sequence_epochs": 1, "sequence_s": 4.0, "sequence_batch_size": 16}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Recordings of four virtual people."""
    path = tmp_path_factory.mktemp("data") / "store"
    save_store(synthetic_dataset(people=4, seconds_per_activity=8), path)
    return str(path)


@pytest.fixture(scope="module")
def windows_run(data: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two models of windows, each without a group of people."""
    path = tmp_path_factory.mktemp("runs") / "windows"
    train([data], model="simple_rnn", epochs=1, groups=2, out=path, **QUICK)
    return path.with_name("windows.groups")


def test_a_run_begins_with_a_run_split_by_split_and_goes_on(
    data: str, windows_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = {"start_from": windows_run, "streaming": True, "groups": 2, "out": tmp_path / "stream", **SHORT, **QUICK}
    train([data], **options)
    folds = sorted((tmp_path / "stream.groups").glob("*/manifest.json"))
    assert len(folds) == 2
    for file in folds:
        bundle, before = read_bundle(file.parent), read_bundle(windows_run / file.parent.name)
        configuration = bundle.manifest.provenance.configuration
        assert configuration["start_from"] == before.manifest.model_id
        assert (configuration["recipe"]["epochs"], configuration["epochs_done"]) == (0, 1)
        assert was_trained_to_carry(bundle.manifest)
        assert bundle.manifest.normalization == before.manifest.normalization
    stamps = [file.stat().st_mtime_ns for file in folds]
    train([data], **options, resume=True)
    assert [file.stat().st_mtime_ns for file in folds] == stamps, "what is complete is kept"
    capsys.readouterr()
    said = {}
    for streaming in (None, True, False):
        evaluate(
            data=[data], from_predictions=tmp_path / "stream.groups", continuous=True, streaming=streaming, as_json=True
        )
        said[streaming] = json.loads(capsys.readouterr().out)
    assert said[None] == said[True]
    assert (said[True]["streaming"], said[False]["streaming"]) == (True, False)
    assert {"macro_f1", "decoded_macro_f1", "decoded_lag_macro_f1"} <= set(said[True])
    with pytest.raises(UsageError, match="expected a model of seed 5, group-1-of-2"):
        train([data], **{**options, "seed": 5, "out": tmp_path / "other"})


def test_one_model_learns_windows_then_sequences_and_is_judged_as_it_is_worn(
    data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "lstm"
    train([data], model="lstm", epochs=1, streaming=True, holdout_subjects="2", out=out, **SHORT, **QUICK)
    bundle = read_bundle(out)
    assert bundle.manifest.provenance.configuration["epochs_done"] == 2
    assert bundle.manifest.architecture.parameter_count == 13324
    capsys.readouterr()
    said = {}
    for streaming in (None, False):
        evaluate(out, [data], continuous=True, streaming=streaming, as_json=True)
        said[streaming] = json.loads(capsys.readouterr().out)
    assert (said[None]["streaming"], said[False]["streaming"]) == (True, False)
    with pytest.raises(UsageError, match="--streaming: expected --continuous"):
        evaluate(out, [data], streaming=True)
    engine = live_engine(bundle, "numpy", "float32", hop=None, streaming=None)
    assert isinstance(engine, CarriedWindows)
    assert "as this model was trained" in capsys.readouterr().err
    alone = live_engine(bundle, "numpy", "float32", hop=None, streaming=None, sensors=2)
    assert not isinstance(alone, CarriedWindows), "windows of several sensors come in turn"
    assert engine.predict(np.zeros((1, 200, 3))).shape == (1, 12)


def test_options_of_sequences_are_for_sequences(data: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--sequence-s: expected --streaming"):
        train([data], model="lstm", sequence_s=5.0, out=tmp_path / "bundle")
    file = tmp_path / "recipe.toml"
    file.write_text('model = "lstm"\nepochs = 1\nlearning_rate = 0.01\nsequence_seconds = 10.0\n')
    with pytest.raises(UsageError, match="sequence_seconds"):
        train([data], recipe=str(file), out=tmp_path / "bundle")
