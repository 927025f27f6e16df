"""`har train` and `har evaluate`, as their users see them."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer

import edgehar
from edgehar.commands.compile import compile_bundle
from edgehar.commands.evaluate import evaluate
from edgehar.commands.train import train
from edgehar.models.architecture import Architecture, Dense, SimpleRNN
from edgehar.models.bundle import read_bundle
from edgehar.models.bundle.manifest import DecoderSpec
from edgehar.models.errors import BundleError, DataError, UsageError
from edgehar.pipeline.data.store import save_store
from edgehar.pipeline.data.synthetic import synthetic_dataset
from edgehar.pipeline.evaluation.robustness import PERTURBATIONS
from edgehar.pipeline.training.history import SilentWatcher

QUICK: dict[str, Any] = {"model": "simple_rnn", "epochs": 1, "hop": 50, "quiet": True}
PLOTS = {"confusion.json", "confusion.png", "learning_curves.json", "learning_curves.png"}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Recordings of five virtual people."""
    path = tmp_path_factory.mktemp("data") / "store"
    save_store(synthetic_dataset(people=5, seconds_per_activity=8), path)
    return str(path)


@pytest.fixture(scope="module")
def trained(data: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle trained with two subjects held out."""
    path = tmp_path_factory.mktemp("bundles") / "bundle"
    train([data], out=path, holdout_subjects="5, 2", seed=4, **QUICK)
    return path


def said(capsys: pytest.CaptureFixture[str]) -> Any:
    """Return the JSON object printed."""
    return json.loads(capsys.readouterr().out)


def test_train_prints_and_writes_the_same(data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train([data], out=tmp_path / "a" / "bundle", as_json=True, **QUICK)
    printed = said(capsys)
    bundle = read_bundle(tmp_path / "a" / "bundle")
    assert printed["bundle"] == str(tmp_path / "a" / "bundle")
    assert printed["parameters"] == 3628 == bundle.manifest.architecture.parameter_count
    assert printed["complete"] is True
    (entry,) = bundle.manifest.metrics
    metrics = printed["metrics"]
    assert (metrics["accuracy"], metrics["macro_f1"]) == (entry.accuracy, entry.macro_f1)
    assert metrics["protocol"] == entry.protocol == "Judged on subject 4, never seen in training"
    assert {entry.file for entry in bundle.manifest.artifacts} >= {"model.float32.tflite", "model.float32.onnx"}
    assert set(bundle.plots()) == PLOTS
    compile_bundle(tmp_path / "a" / "bundle")
    assert set(read_bundle(tmp_path / "a" / "bundle").plots()) == PLOTS


def test_tables_are_for_people(data: str, trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    evaluate(trained, [data])
    output = capsys.readouterr()
    for words in ("Judged on subjects 2, 5, never seen", "Walking Upstairs", "mean ± sd", "macro-F1"):
        assert words in output.out


def test_every_engine_gives_the_same_labels(data: str, trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = {}
    for engine in ("litert", "onnxruntime", "numpy"):
        evaluate(trained, [data], engine=engine, as_json=True)
        found[engine] = said(capsys)
    assert found["litert"]["confusion"] == found["onnxruntime"]["confusion"] == found["numpy"]["confusion"]
    assert [found[name]["artifact"] for name in found] == ["model.float32.tflite", "model.float32.onnx", "weights.npz"]
    (entry,) = read_bundle(trained).manifest.metrics
    printed = found["litert"]
    assert (printed["windows"], printed["accuracy"]) == (entry.windows, entry.accuracy)
    assert set(printed["per_subject"]) == {"2", "5"}
    assert printed["honest"] is True


def test_a_model_is_judged_as_it_is_worn(
    data: str, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert read_bundle(trained).manifest.decoder.push is not None, "its labels are USC-HAD's"
    evaluate(trained, [data], continuous=True, engine="numpy", as_json=True)
    first = said(capsys)
    for kind in ("macro_f1", "decoded_macro_f1", "decoded_lag_macro_f1"):
        assert 0 <= first[kind] <= 1
    assert first["macro_f1"] == first["raw"]["macro_f1"]
    assert first["decoded"]["switches_per_hour"] < first["raw"]["switches_per_hour"], "its labels are smoothed at once"
    assert (first["honest"], first["lag_s"], first["order_seed"]) == (True, 2.0, 0)
    assert 0 < first["windows_across_joints"] < first["windows"]
    assert {"false_activations_per_hour", "delay_median_s", "wrong", "unknown"} <= set(first["raw"])
    assert first["every_window_macro_f1"] == first["raw"]["every_window_macro_f1"] != first["macro_f1"]
    evaluate(trained, [data], continuous=True, engine="numpy", as_json=True)
    assert said(capsys) == first
    evaluate(trained, [data], continuous=True, engine="numpy", as_json=True, order_seed=1)
    other_order = said(capsys)
    assert other_order["every_window_macro_f1"] != first["every_window_macro_f1"]
    decoded = read_bundle(trained).with_decoder(DecoderSpec(1, 0.0, 1, stay_probability=0.99, temperature=2.0))
    decoded.save(tmp_path / "decoded")
    evaluate(tmp_path / "decoded", [data], continuous=True, engine="numpy", as_json=True)
    other = said(capsys)
    assert other["macro_f1"] == first["macro_f1"]
    assert other["decoded"]["switches_per_hour"] < first["raw"]["switches_per_hour"]
    evaluate(tmp_path / "decoded", [data], continuous=True, engine="numpy", lag=1.0)
    table = capsys.readouterr().out
    for words in ("Judged on subjects 2, 5, never seen", "1 s later", "false activations an hour"):
        assert words in table


def test_activities_that_were_never_learned_are_counted(
    data: str, tmp_path: Path, random_bundle, capsys: pytest.CaptureFixture[str]
) -> None:
    layers = (SimpleRNN("RNN_1", 4), Dense("Output", 5, "softmax"))
    bundle = random_bundle(Architecture("five", window=200, channels=3, layers=layers))
    bundle.with_decoder(DecoderSpec(1, 1.0, 1)).save(tmp_path / "five")
    with pytest.raises(DataError, match="expected activities among"):
        evaluate(tmp_path / "five", [data], continuous=True, engine="numpy")
    evaluate(tmp_path / "five", [data], continuous=True, unlearned=True, engine="numpy", as_json=True)
    found = said(capsys)
    assert found["decoded"]["unlearned_unknown"] == 1.0, "this decoder calls everything unknown"
    assert found["raw"]["unlearned_unknown"] == 0.0
    assert found["windows"] / 2 < found["raw"]["unlearned_windows"] < found["windows"]
    with pytest.raises(UsageError, match="--unlearned: expected --continuous"):
        evaluate(tmp_path / "five", [data], unlearned=True)


def test_streams_are_judged_as_a_whole(data: str, trained: Path, tmp_path: Path) -> None:
    for option in ({"keep": True}, {"plots": tmp_path / "plots"}, {"most_windows": 5}, {"every_artifact": True}):
        with pytest.raises(UsageError, match="--continuous: expected no --"):
            evaluate(trained, [data], continuous=True, **option)
    with pytest.raises(UsageError, match="expected a lag from 0 to 10 s, got 60"):
        evaluate(trained, [data], continuous=True, lag=60.0)


def test_judging_people_learned_from_is_said_loudly(
    data: str, trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evaluate(trained, [data], subjects="1,2", as_json=True)
    output = capsys.readouterr()
    printed = json.loads(output.out)
    assert printed["honest"] is False
    assert printed["protocol"] == "NOT HONEST: judged on subjects 1, 2, of whom the model learned from 1"
    assert "NOT HONEST" in output.err


def test_evaluate_writes_plots(data: str, trained: Path, tmp_path: Path) -> None:
    evaluate(trained, [data], plots=tmp_path / "plots")
    assert {file.name for file in (tmp_path / "plots").iterdir()} == {"confusion.json", "confusion.png"}
    written = json.loads((tmp_path / "plots" / "confusion.json").read_text())
    assert sum(map(sum, written["confusion"])) == written["windows"]


def test_groups_judge_everybody_and_can_be_resumed(
    data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train([data], out=tmp_path / "b", groups=2, as_json=True, **QUICK)
    printed = said(capsys)
    assert set(printed["metrics"]["per_subject"]) == {"1", "2", "3", "4", "5"}
    assert len(printed["groups"]) == 2
    bundle = read_bundle(tmp_path / "b")
    assert [entry.windows for entry in bundle.manifest.metrics] == [
        bundle.manifest.metrics[0].windows,
        printed["metrics"]["windows"],
    ]
    assert bundle.manifest.provenance.configuration["held_out_subjects"] == ["2", "4"]
    evaluate(tmp_path / "b.groups", [data], as_json=True)
    assert said(capsys)["confusion"] == printed["metrics"]["confusion"]
    before = [(tmp_path / "b.groups" / f"group-{n}-of-2" / "weights.npz").stat().st_mtime_ns for n in (1, 2)]
    train([data], out=tmp_path / "b", groups=2, resume=True, as_json=True, **QUICK)
    assert said(capsys)["metrics"] == printed["metrics"]
    after = [(tmp_path / "b.groups" / f"group-{n}-of-2" / "weights.npz").stat().st_mtime_ns for n in (1, 2)]
    assert before == after


def test_everybody_is_judged_with_every_seed_and_every_prediction_kept(
    data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train([data], out=tmp_path / "m", leave_one_out=True, seeds=2, jobs=2, as_json=True, **QUICK)
    printed = said(capsys)
    assert [each["seed"] for each in printed["seeds"]] == [0, 1]
    assert printed["seeds"][0]["macro_f1"] != printed["seeds"][1]["macro_f1"]
    low, high = printed["intervals"]["macro_f1"]
    assert low < printed["metrics"]["macro_f1"] < high
    assert printed["intervals"]["people"] == 5
    folders = {
        path.parent.relative_to(tmp_path / "m.groups").as_posix()
        for path in tmp_path.rglob("manifest.json")
        if path.is_relative_to(tmp_path / "m.groups")
    }
    assert folders == {f"seed-{seed}/subject-{name}" for seed in (0, 1) for name in range(1, 6)}
    evaluate(from_predictions=tmp_path / "m.groups", as_json=True)
    kept = said(capsys)
    assert kept["confusion"] == printed["metrics"]["confusion"]
    assert (kept["seeds"], kept["intervals"]) == (printed["seeds"], printed["intervals"])
    evaluate(from_predictions=tmp_path / "m.groups" / "predictions.npz", plots=tmp_path / "plots")
    shown = capsys.readouterr().out
    assert "between 2 seeds" in shown
    assert "bootstrap over 5 people" in shown
    assert (tmp_path / "plots" / "confusion.png").is_file()
    with pytest.raises(UsageError, match="expected no bundle beside it, and --data only with"):
        evaluate(tmp_path / "m", [data], from_predictions=tmp_path / "m.groups")
    with pytest.raises(DataError, match="expected predictions, found none"):
        evaluate(from_predictions=tmp_path)
    with pytest.raises(UsageError, match="expected a bundle and --data, or --from-predictions"):
        evaluate(tmp_path / "m")


def test_folds_of_another_experiment_are_not_resumed(data: str, tmp_path: Path) -> None:
    train([data], out=tmp_path / "n", groups=2, jobs=1, **QUICK)
    (tmp_path / "n.groups" / "group-2-of-2" / "manifest.json").unlink()
    for change in ({"hop": 40}, {"epochs": 2}, {"seed": 1}, {"model": "lstm"}):
        with pytest.raises(UsageError, match=r"expected a model of this very experiment to resume, .* differs in"):
            train([data], out=tmp_path / "n", groups=2, resume=True, **{**QUICK, **change})
    other = synthetic_dataset(people=5, seconds_per_activity=8, seed=5)
    save_store(other, tmp_path / "other")
    with pytest.raises(UsageError, match="differs in data"):
        train([str(tmp_path / "other")], out=tmp_path / "n", groups=2, resume=True, **QUICK)


def test_folds_that_are_replaced_leave_none_of_their_own(data: str, tmp_path: Path) -> None:
    train([data], out=tmp_path / "o", groups=3, jobs=1, **QUICK)
    with pytest.raises(UsageError, match="--force"):
        train([data], out=tmp_path / "o", groups=2, jobs=1, **QUICK)
    train([data], out=tmp_path / "o", groups=2, jobs=1, force=True, **QUICK)
    names = {path.name for path in (tmp_path / "o.groups").iterdir()}
    assert names == {"group-1-of-2", "group-2-of-2", "predictions.npz"}
    (tmp_path / "o.groups" / "thesis.txt").write_text("precious")
    with pytest.raises(BundleError, match=r"found thesis.txt"):
        train([data], out=tmp_path / "o", groups=2, jobs=1, force=True, **QUICK)
    assert (tmp_path / "o.groups" / "thesis.txt").read_text() == "precious"


def test_several_data_sets_are_mixed_and_people_kept_apart(
    data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_store(synthetic_dataset(people=2, seconds_per_activity=8, seed=5), tmp_path / "other")
    train([data, str(tmp_path / "other")], out=tmp_path / "mixed", as_json=True, **QUICK)
    capsys.readouterr()
    origin = read_bundle(tmp_path / "mixed").manifest.provenance
    subjects = [*origin.configuration["train_subjects"], *origin.configuration["held_out_subjects"]]
    assert len(subjects) == len(set(subjects)) == 7
    assert all(":" in name for name in subjects)
    evaluate(tmp_path / "mixed", [data, str(tmp_path / "other")], as_json=True)
    printed = said(capsys)
    assert printed["honest"] is True
    assert set(printed["per_subject"]) == set(origin.configuration["held_out_subjects"])


def test_a_run_gets_a_name_of_its_own(data: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        train([data], **QUICK)
    train([data], groups=2, jobs=1, **QUICK)
    assert {path.name for path in (tmp_path / "runs").iterdir()} == {
        "simple_rnn",
        "simple_rnn-2",
        "simple_rnn-3",
        "simple_rnn-3.groups",
    }
    before = read_bundle(tmp_path / "runs" / "simple_rnn-3").manifest
    train([data], groups=2, jobs=1, resume=True, **QUICK)
    assert read_bundle(tmp_path / "runs" / "simple_rnn-3").manifest.model_id == before.model_id
    assert not (tmp_path / "runs" / "simple_rnn-4").exists()
    monkeypatch.chdir(tmp_path / "runs" / "simple_rnn")
    with pytest.raises(UsageError, match="--resume: expected a run of simple_rnn"):
        train([data], resume=True, **QUICK)


def test_a_model_is_replaced_only_when_told(data: str, trained: Path, tmp_path: Path) -> None:
    place = tmp_path / "precious"
    read_bundle(trained).save(place)
    content = (place / "manifest.json").read_bytes()
    majority = {**QUICK, "model": "majority"}
    with pytest.raises(UsageError, match=r"there is the model simple_rnn-\w+, trained on .*--force"):
        train([data], out=place, **majority)
    assert (place / "manifest.json").read_bytes() == content
    train([data], out=place, force=True, **majority)
    assert read_bundle(place).manifest.architecture.name == "majority"


def test_a_place_that_cannot_be_written_is_found_before_training(
    data: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setattr("edgehar.commands.train.carry_out", lambda work: pytest.fail("it was trained"))
    with pytest.raises(BundleError, match=r"expected a folder that can be written to"):
        train([data], out=tmp_path / "file" / "bundle", **QUICK)


def test_a_copy_under_another_name_is_not_judged_on(tmp_path: Path) -> None:
    dataset = synthetic_dataset(people=3, seconds_per_activity=8)
    copy = dataclasses.replace(dataset.recordings[0], recording_id="copy", subject="4")
    save_store(dataclasses.replace(dataset, recordings=(*dataset.recordings, copy)), tmp_path / "store")
    with pytest.raises(DataError, match="expected people that share no recording"):
        train([str(tmp_path / "store")], out=tmp_path / "x", holdout_subjects="4", **QUICK)


def test_the_leaky_number_stands_beside_the_honest_one(
    data: str, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train([data], out=tmp_path / "c", show_leaky=True, as_json=True, **QUICK)
    printed = said(capsys)
    assert "LEAKY" in printed["leaky"]["protocol"]
    assert "LEAKY" not in printed["metrics"]["protocol"]
    assert not any("LEAKY" in entry.protocol for entry in read_bundle(tmp_path / "c").manifest.metrics)
    evaluate(trained, [data], show_leaky=True)
    assert "Not honest" in capsys.readouterr().out


def test_every_artifact_of_every_group_is_judged_and_kept(
    data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train([data], out=tmp_path / "d", groups=2, as_json=True, **QUICK)
    groups = tmp_path / "d.groups"
    compile_bundle(groups, quantization=["float16", "int8"], data=data, as_json=True)
    capsys.readouterr()
    evaluate(groups, [data], every_artifact=True, keep=True, as_json=True)
    printed = said(capsys)
    rows = {row["artifact"]: row for row in printed["artifacts"]}
    assert rows.keys() >= {"model.float32.tflite", "model.float32.onnx", "model.float16.onnx", "model.int8.tflite"}
    assert rows["model.float32.onnx"]["same_label_as_float32"] == 1.0
    assert rows["model.float32.onnx"]["max_abs_error"] <= 1e-5
    assert rows["model.int8.tflite"]["max_abs_error"] is None
    assert rows["model.float32.onnx"]["points_of_macro_f1_lost"] == 0.0
    assert 0.8 < rows["model.int8.tflite"]["same_label_as_float32"] <= 1.0
    assert len({row["windows"] for row in rows.values()}) == 1
    for group in (1, 2):
        path = groups / f"group-{group}-of-2"
        bundle = read_bundle(path)
        kept = {entry.artifact: entry.windows for entry in bundle.manifest.metrics}
        assert kept.keys() >= rows.keys()
        assert "model.int8.tflite |" in (path / "MODEL_CARD.md").read_text()
    evaluate(groups / "group-1-of-2", [data], every_artifact=True)
    assert "never seen in training" in capsys.readouterr().out


def test_a_glance_is_not_kept(data: str, trained: Path) -> None:
    with pytest.raises(UsageError, match=r"--keep: expected no --windows beside it"):
        evaluate(trained, [data], keep=True, most_windows=5)


def test_every_artifact_takes_no_engine(data: str, trained: Path) -> None:
    with pytest.raises(UsageError, match="expected no --engine or --quantization beside it"):
        evaluate(trained, [data], every_artifact=True, engine="numpy", quantization="int8")


class Interrupts(SilentWatcher):
    """Presses Ctrl-C during an epoch."""

    def __init__(self, epoch: int) -> None:
        self._epoch = epoch

    def batch_done(self, epoch: int, batch: int, batches: int) -> None:
        if epoch == self._epoch:
            raise KeyboardInterrupt


def interrupt_at(epoch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let training be interrupted in this epoch."""
    monkeypatch.setattr("edgehar.commands.training_progress.SilentWatcher", lambda: Interrupts(epoch))


def test_interruption_leaves_a_valid_bundle(
    data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupt_at(3, monkeypatch)
    with pytest.raises(typer.Exit) as caught:
        train([data], out=tmp_path / "d", as_json=True, **{**QUICK, "epochs": 5})
    assert caught.value.exit_code == 130
    output = capsys.readouterr()
    assert "interrupted after 2 of 5 epochs" in output.err
    printed = json.loads(output.out)
    assert (printed["complete"], printed["epochs_done"]) == (False, 2)
    bundle = read_bundle(tmp_path / "d")
    assert not bundle.manifest.provenance.complete
    assert bundle.manifest.provenance.configuration["kept_epoch"] in (1, 2)
    assert "interrupted" in (tmp_path / "d" / "MODEL_CARD.md").read_text()
    monkeypatch.undo()
    evaluate(tmp_path / "d", [data], engine="onnxruntime", as_json=True)
    assert said(capsys)["confusion"] == printed["metrics"]["confusion"]


def test_interruption_before_anything_is_learned_writes_nothing(
    data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupt_at(1, monkeypatch)
    with pytest.raises(typer.Exit) as caught:
        train([data], out=tmp_path / "e", **QUICK)
    assert caught.value.exit_code == 130
    assert "nothing was written" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_interruption_while_judging_keeps_the_model(
    data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("edgehar.pipeline.training.experiment.evaluate_windows", interrupt)
    with pytest.raises(typer.Exit) as caught:
        train([data], out=tmp_path / "h", **QUICK)
    assert caught.value.exit_code == 130
    assert "har evaluate" in capsys.readouterr().err
    bundle = read_bundle(tmp_path / "h")
    assert bundle.manifest.provenance.complete
    assert not bundle.manifest.metrics


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"model": "transformer"}, "transformer"),
        ({"holdout_subjects": "99"}, "'99'"),
        ({"holdout_subjects": " , "}, "--holdout-subjects"),
        ({"holdout_subjects": "1", "groups": 2}, "--groups"),
        ({"groups": 1}, "at least 2"),
        ({"learning_rate": -1.0}, "learning rate"),
        ({"epochs": 0}, "epochs"),
        ({"initialization": "magic"}, "magic"),
    ],
)
def test_wrong_usage_of_train_writes_nothing(data: str, tmp_path: Path, options: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        train([data], out=tmp_path / "f", **{**QUICK, **options})
    assert not list(tmp_path.iterdir())


def test_train_does_not_replace_what_is_no_bundle(data: str, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(BundleError, match="Choose another --out"):
        train([data], out=tmp_path, **QUICK)
    assert (tmp_path / "thesis.txt").read_text() == "precious"


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"subjects": "99"}, UsageError, "'99'"),
        ({"subjects": "1", "all_subjects": True}, UsageError, "both"),
        ({"engine": "abacus"}, UsageError, "abacus"),
        ({"quantization": "int4"}, UsageError, "int4"),
        ({"data": ["nowhere"]}, DataError, "nowhere"),
    ],
)
def test_wrong_usage_of_evaluate(
    data: str, trained: Path, options: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        evaluate(trained, **{"data": [data], **options})


def test_activities_the_model_does_not_know(data: str, tmp_path: Path, random_bundle) -> None:
    bundle = random_bundle("simple_rnn")
    labels = (*bundle.manifest.labels[:11], "Cycling")
    dataclasses.replace(bundle, manifest=dataclasses.replace(bundle.manifest, labels=labels)).save(tmp_path / "g")
    with pytest.raises(DataError, match="got Elevator Down"):
        evaluate(tmp_path / "g", [data], engine="numpy")
    evaluate(tmp_path / "g", [data], engine="numpy", common_activities=True)


def test_one_person_alone_is_judged_on_later_takes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save_store(synthetic_dataset(people=1, seconds_per_activity=16), tmp_path / "store")
    train([str(tmp_path / "store")], out=tmp_path / "own", as_json=True, **QUICK)
    output = capsys.readouterr()
    protocol = json.loads(output.out)["metrics"]["protocol"]
    assert protocol == "Judged on later takes of the same people (1): says nothing about anybody else"


def test_robustness_is_judged_on_the_windows_that_are_judged_otherwise(
    trained: Path, data: str, capsys: pytest.CaptureFixture[str]
) -> None:
    evaluate(trained, [data], engine="numpy", as_json=True)
    plain = json.loads(capsys.readouterr().out)["macro_f1"]
    evaluate(trained, [data], robustness=True, engine="numpy", as_json=True)
    found = json.loads(capsys.readouterr().out)
    first, *others = found["rows"]
    assert (first["name"], first["macro_f1"], first["points_lost"]) == ("as recorded", plain, 0)
    assert len(others) == len(PERTURBATIONS)
    assert all(len(row["draws"]) == 3 for row in others)
    turned = next(row for row in others if row["name"] == "turned by 180°")
    assert turned["points_lost"] == pytest.approx(100 * (plain - turned["macro_f1"]))
    assert turned["macro_f1"] < plain
    evaluate(trained, [data], robustness=True, engine="numpy")
    assert "turned by 180°" in capsys.readouterr().out
    for option in ({"plots": trained}, {"every_artifact": True}, {"continuous": True}):
        with pytest.raises(UsageError, match="expected"):
            evaluate(trained, [data], robustness=True, **option)


def test_people_whose_sensor_is_turned_are_judged_in_the_axes_of_the_model(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    phase = np.exp(2j * np.pi * 1.9 * np.arange(1200) / 100)
    walking = np.stack([1 + 0.3 * phase.real, (phase * (-0.07 + 0.15j)).real, (phase * (-0.04 + 0.11j)).real], axis=1)
    samples = np.concatenate([np.tile([1.0, 0.0, 0.0], (400, 1)), walking])
    labels = ["Standing"] * 400 + ["Walking Forward"] * 1200

    def judged(values: Any, name: str, **options: bool) -> Any:
        one = edgehar.recording_from_array(values, rate_hz=100, labels=labels, recording_id=name)
        save_store(edgehar.dataset_from_recordings([one]), tmp_path / name)
        evaluate(trained, [str(tmp_path / name)], all_subjects=True, engine="numpy", as_json=True, **options)
        return json.loads(capsys.readouterr().out)

    upside_down = samples * [-1.0, -1.0, 1.0]
    turned, straight = (judged(values, name, calibrate=True) for name, values in (("u", upside_down), ("s", samples)))
    assert "mounting found for 1 of 1" in turned["protocol"]
    assert turned["confusion"] == straight["confusion"]
    found = judged(upside_down, "robust", calibrate=True, robustness=True)["rows"]
    assert all("calibrated_macro_f1" in row for row in found)
    with pytest.raises(DataError, match="mounting can be found"):
        judged(np.tile([1.0, 0.0, 0.0], (1600, 1)), "still", calibrate=True)
    with pytest.raises(UsageError, match="--calibrate: expected no --keep"):
        judged(samples, "kept", calibrate=True, keep=True)
