"""`har train --scheduler`: the models that one machine trains, trained by the workers of a Dask cluster; it goes on."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgehar.commands.train import train
from edgehar.models.bundle import read_bundle
from edgehar.models.errors import DataError, UsageError
from edgehar.pipeline.data.store import save_store
from edgehar.pipeline.data.synthetic import synthetic_dataset

QUICK: dict[str, Any] = {"model": "simple_rnn", "epochs": 1, "hop": 200, "quiet": True, "as_json": True}


def test_a_cluster_trains_what_this_machine_trains_and_goes_on(
    dask_address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    save_store(synthetic_dataset(people=4, seconds_per_activity=5), tmp_path / "store")
    monkeypatch.chdir(tmp_path)
    several: dict[str, Any] = {**QUICK, "groups": 2, "seeds": 2}
    train(["store"], out=Path("here"), jobs=1, **several)
    train(["store"], out=Path("there"), scheduler=dask_address, **several)
    here, there = map(json.loads, capsys.readouterr().out.splitlines())
    assert there["metrics"] == here["metrics"]
    places = sorted(path.parent.relative_to("here.groups") for path in Path("here.groups").rglob("manifest.json"))
    assert len(places) == 4
    for place in places:
        ours, theirs = read_bundle(Path("here.groups") / place), read_bundle(Path("there.groups") / place)
        assert all(np.array_equal(ours.weights[name], value) for name, value in theirs.weights.items())
        assert set(ours.plots()) == set(theirs.plots())
    kept = (Path("there.groups") / places[0] / "manifest.json").stat().st_mtime_ns
    shutil.rmtree(Path("there.groups") / places[1])
    train(["store"], out=Path("there"), scheduler=dask_address, resume=True, **several)
    assert json.loads(capsys.readouterr().out)["metrics"] == here["metrics"]
    assert (Path("there.groups") / places[0] / "manifest.json").stat().st_mtime_ns == kept
    assert (Path("there.groups") / places[1] / "manifest.json").is_file()


def test_a_worker_that_reads_other_recordings_is_refused(dask_address: str, tmp_path: Path) -> None:
    """The store is written anew between reading it here and training there."""
    from edgehar.pipeline.bulk.cluster import opened_cluster
    from edgehar.pipeline.bulk.folds import FoldPlan, submit_fold
    from edgehar.pipeline.data.splits import subject_groups
    from edgehar.pipeline.data.windows import make_windows
    from edgehar.pipeline.training.experiment import Experiment
    from edgehar.pipeline.training.recipes import default_recipe

    dataset = synthetic_dataset(people=2, seconds_per_activity=5)
    windows = make_windows(dataset, hop=200)
    experiment = Experiment.of(dataset, windows, model="simple_rnn", recipe=default_recipe("simple_rnn"), seed=0)
    save_store(synthetic_dataset(people=2, seconds_per_activity=6), tmp_path / "store")
    plan = FoldPlan.of(experiment, (str(tmp_path / "store"),))
    with opened_cluster(dask_address, None) as cluster:
        submit_fold(cluster, "one", plan, subject_groups(windows, 2)[0], 0)
        error = cluster.wait().error
    assert isinstance(error, DataError)
    assert "expected a worker to read the same recordings" in str(error)


def test_a_cluster_is_for_several_models(tmp_path: Path) -> None:
    address = "tcp://127.0.0.1:9"
    with pytest.raises(UsageError, match="expected several models to train, got one"):
        train(["synthetic"], out=tmp_path / "a", scheduler=address, **{**QUICK, "hop": 800})
    with pytest.raises(UsageError, match="without --scheduler"):
        train(["synthetic"], out=tmp_path / "a", scheduler=address, jobs=2, seeds=2, **{**QUICK, "hop": 800})
