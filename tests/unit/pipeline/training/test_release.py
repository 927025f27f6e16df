"""A run of several models, and a model that learned from everybody with that run's figures."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from edgehar import cli
from edgehar.models.bundle import read_bundle
from edgehar.models.errors import DataError, UsageError
from edgehar.pipeline.data.synthetic import synthetic_dataset
from edgehar.pipeline.training.kept_run import KeptRun, read_kept_run
from edgehar.pipeline.training.recipes import default_recipe

pytestmark = pytest.mark.timeout(900)

TRAIN = ["train", "--data", "synthetic", "--model", "simple_rnn", "--epochs", "1", "--quiet"]


def har(*arguments: str) -> str:
    """Run a command, and return what it prints."""
    done = CliRunner().invoke(cli.app, list(arguments))
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> KeptRun:
    """Two groups, two seeds, one epoch."""
    place = tmp_path_factory.mktemp("runs") / "run"
    har(*TRAIN, "--groups", "2", "--seeds", "2", "--jobs", "1", "--out", str(place))
    return read_kept_run(place.with_name("run.groups"))


@pytest.fixture(scope="module")
def released(run: KeptRun, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of everybody with the figures of that run."""
    place = tmp_path_factory.mktemp("released") / "model"
    har(*TRAIN, "--all-people", "--metrics-from", str(run.folder), "--out", str(place))
    return place


def test_a_run_is_found_by_its_folder_or_its_bundle(run: KeptRun) -> None:
    assert (len(run.places), run.models_of_a_seed) == (4, 2)
    beside = run.folder.with_name("run")
    assert read_kept_run(beside).places == read_kept_run(run.folder / "predictions.npz").places == run.places
    with pytest.raises(DataError, match="expected predictions, found none"):
        read_kept_run(run.folder.parent)


def test_a_released_model_learned_from_everybody_and_says_whose_figures_it_has(released: Path, run: KeptRun) -> None:
    manifest = read_bundle(released).manifest
    configuration = manifest.provenance.configuration
    assert len(configuration["train_subjects"]) == 14
    assert configuration["held_out_subjects"] == []
    assert configuration["metrics_from"]["seeds"] == [0, 1]
    window, *streams = manifest.metrics
    assert all("each judged on people it never saw; the released weights learned from all 14" in each.protocol
               for each in manifest.metrics)  # fmt: skip
    assert window.macro_f1 == pytest.approx(sum(each["macro_f1"] for each in run.predictions.by_seed()) / 2)
    assert [each.protocol.partition(".")[0] for each in streams] == [
        f"Continuous streams, {kind}, {which}"
        for which in ("windows that hold one activity", "every window by its last sample")
        for kind in ("raw", "decoded at once", "decoded 2 s later")
    ]
    assert streams[0].windows < streams[3].windows
    assert set(configuration["robustness"]) > {"as recorded", "turned by 30°", "8 bits"}
    card = (released / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "Intended use" in card
    assert "| turned by 30° |" in card


def test_figures_of_streams_have_seeds_and_intervals(run: KeptRun) -> None:
    found = json.loads(
        har("evaluate", "--from-predictions", str(run.folder), "--continuous", "--data", "synthetic", "--json")
    )
    assert len(found["raw"]["seeds"]) == 2
    for name in ("macro_f1", "decoded_macro_f1", "decoded_lag_macro_f1"):
        assert 0 <= found[name] <= 1
    for key, intervals in (("macro_f1", "intervals"), ("every_window_macro_f1", "every_window_intervals")):
        low, high = found["decoded"][intervals]["macro_f1"]
        assert low <= found[f"decoded_{key}"] + 0.02
        assert high >= found[f"decoded_{key}"] - 0.02


def test_a_run_of_another_recipe_or_other_recordings_is_refused(run: KeptRun) -> None:
    recipe = default_recipe("simple_rnn").changed(epochs=1)
    run.check_recipe("simple_rnn", recipe)
    with pytest.raises(UsageError, match=r"expected a model of the same name and recipe.*warmup differ"):
        run.check_recipe("simple_rnn", recipe.changed(warmup=0.5))
    with pytest.raises(UsageError, match="expected a model of the same name and recipe, got simple_rnn"):
        run.check_recipe("lstm", recipe)
    with pytest.raises(DataError, match="expected the recordings of that run"):
        run.check_data(synthetic_dataset(people=4))


def test_a_run_that_lacks_a_model_is_no_run(run: KeptRun, tmp_path: Path) -> None:
    folder = tmp_path / "part"
    folder.mkdir()
    (folder / "predictions.npz").write_bytes((run.folder / "predictions.npz").read_bytes())
    with pytest.raises(DataError, match="expected 4 models, one for each fold and seed, found 0"):
        read_kept_run(folder)


@pytest.mark.parametrize(
    "options",
    [
        ["--all-people"],
        ["--metrics-from", "run"],
        ["--all-people", "--metrics-from", "run", "--groups", "2"],
        ["--all-people", "--metrics-from", "run", "--seeds", "2"],
    ],
)
def test_a_release_has_figures_and_is_one_model(options: list[str]) -> None:
    with pytest.raises(UsageError, match=r"expected"):
        har(*TRAIN, *options)
