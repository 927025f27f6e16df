"""`har train` and `har evaluate`, as their users see them."""

import json
from pathlib import Path
from typing import Any

import pytest
import typer

from edgehar.commands.compile import compile_bundle
from edgehar.commands.evaluate import evaluate
from edgehar.commands.train import train
from edgehar.models.bundle import read_bundle
from edgehar.models.errors import BundleError, DataError, UsageError
from edgehar.pipeline.data.store import save_store
from edgehar.pipeline.data.synthetic import synthetic_dataset
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
    train(data, out=path, holdout_subjects="5, 2", seed=4, **QUICK)
    return path


def said(capsys: pytest.CaptureFixture[str]) -> Any:
    """Return the JSON object printed."""
    return json.loads(capsys.readouterr().out)


def test_train_prints_and_writes_the_same(data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train(data, out=tmp_path / "a" / "bundle", as_json=True, **QUICK)
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
    evaluate(trained, data)
    output = capsys.readouterr()
    for words in ("Judged on subjects 2, 5, never seen", "Walking Upstairs", "mean ± sd", "macro-F1"):
        assert words in output.out


def test_every_engine_gives_the_same_labels(data: str, trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = {}
    for engine in ("litert", "onnxruntime", "numpy"):
        evaluate(trained, data, engine=engine, as_json=True)
        found[engine] = said(capsys)
    assert found["litert"]["confusion"] == found["onnxruntime"]["confusion"] == found["numpy"]["confusion"]
    assert [found[name]["artifact"] for name in found] == ["model.float32.tflite", "model.float32.onnx", "weights.npz"]
    (entry,) = read_bundle(trained).manifest.metrics
    printed = found["litert"]
    assert (printed["windows"], printed["accuracy"]) == (entry.windows, entry.accuracy)
    assert set(printed["per_subject"]) == {"2", "5"}
    assert printed["honest"] is True


def test_judging_people_learned_from_is_said_loudly(
    data: str, trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evaluate(trained, data, subjects="1,2", as_json=True)
    output = capsys.readouterr()
    printed = json.loads(output.out)
    assert printed["honest"] is False
    assert printed["protocol"] == "NOT HONEST: judged on subjects 1, 2, of whom the model learned from 1"
    assert "NOT HONEST" in output.err


def test_evaluate_writes_plots(data: str, trained: Path, tmp_path: Path) -> None:
    evaluate(trained, data, plots=tmp_path / "plots")
    assert {file.name for file in (tmp_path / "plots").iterdir()} == {"confusion.json", "confusion.png"}
    written = json.loads((tmp_path / "plots" / "confusion.json").read_text())
    assert sum(map(sum, written["confusion"])) == written["windows"]


def test_groups_judge_everybody_and_can_be_resumed(
    data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train(data, out=tmp_path / "b", groups=2, as_json=True, **QUICK)
    printed = said(capsys)
    assert set(printed["metrics"]["per_subject"]) == {"1", "2", "3", "4", "5"}
    assert len(printed["groups"]) == 2
    bundle = read_bundle(tmp_path / "b")
    assert [entry.windows for entry in bundle.manifest.metrics] == [
        bundle.manifest.metrics[0].windows,
        printed["metrics"]["windows"],
    ]
    assert bundle.manifest.provenance.configuration["held_out_subjects"] == ["2", "4"]
    evaluate(tmp_path / "b.groups", data, as_json=True)
    assert said(capsys)["confusion"] == printed["metrics"]["confusion"]
    before = [(tmp_path / "b.groups" / f"group-{n}-of-2" / "weights.npz").stat().st_mtime_ns for n in (1, 2)]
    train(data, out=tmp_path / "b", groups=2, resume=True, as_json=True, **QUICK)
    assert said(capsys)["metrics"] == printed["metrics"]
    after = [(tmp_path / "b.groups" / f"group-{n}-of-2" / "weights.npz").stat().st_mtime_ns for n in (1, 2)]
    assert before == after


def test_the_leaky_number_stands_beside_the_honest_one(
    data: str, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train(data, out=tmp_path / "c", show_leaky=True, as_json=True, **QUICK)
    printed = said(capsys)
    assert "LEAKY" in printed["leaky"]["protocol"]
    assert "LEAKY" not in printed["metrics"]["protocol"]
    assert not any("LEAKY" in entry.protocol for entry in read_bundle(tmp_path / "c").manifest.metrics)
    evaluate(trained, data, show_leaky=True)
    assert "Not honest" in capsys.readouterr().out


def test_every_artifact_of_every_group_is_judged_and_kept(
    data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train(data, out=tmp_path / "d", groups=2, as_json=True, **QUICK)
    groups = tmp_path / "d.groups"
    compile_bundle(groups, quantization=["float16", "int8"], data=data, as_json=True)
    capsys.readouterr()
    evaluate(groups, data, every_artifact=True, keep=True, as_json=True)
    printed = said(capsys)
    rows = {row["artifact"]: row for row in printed["artifacts"]}
    assert rows.keys() >= {"model.float32.tflite", "model.float32.onnx", "model.float16.onnx", "model.int8.tflite"}
    assert rows["model.float32.onnx"]["same_label_as_float32"] == 1.0
    assert rows["model.float32.onnx"]["points_of_macro_f1_lost"] == 0.0
    assert 0.8 < rows["model.int8.tflite"]["same_label_as_float32"] <= 1.0
    assert len({row["windows"] for row in rows.values()}) == 1
    for group in (1, 2):
        path = groups / f"group-{group}-of-2"
        bundle = read_bundle(path)
        kept = {entry.artifact: entry.windows for entry in bundle.manifest.metrics}
        assert kept.keys() >= rows.keys()
        assert "model.int8.tflite |" in (path / "MODEL_CARD.md").read_text()
    evaluate(groups / "group-1-of-2", data, every_artifact=True)
    assert "never seen in training" in capsys.readouterr().out


def test_a_glance_is_not_kept(data: str, trained: Path) -> None:
    with pytest.raises(UsageError, match=r"--keep: expected all windows, got --windows"):
        evaluate(trained, data, keep=True, most_windows=5)


def test_every_artifact_takes_no_engine(data: str, trained: Path) -> None:
    with pytest.raises(UsageError, match="expected no --engine or --quantization beside it"):
        evaluate(trained, data, every_artifact=True, engine="numpy", quantization="int8")


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
        train(data, out=tmp_path / "d", as_json=True, **{**QUICK, "epochs": 5})
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
    evaluate(tmp_path / "d", data, engine="onnxruntime", as_json=True)
    assert said(capsys)["confusion"] == printed["metrics"]["confusion"]


def test_interruption_before_anything_is_learned_writes_nothing(
    data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupt_at(1, monkeypatch)
    with pytest.raises(typer.Exit) as caught:
        train(data, out=tmp_path / "e", **QUICK)
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
        train(data, out=tmp_path / "h", **QUICK)
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
        train(data, out=tmp_path / "f", **{**QUICK, **options})
    assert not list(tmp_path.iterdir())


def test_train_does_not_replace_what_is_no_bundle(data: str, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(BundleError, match="Choose another --out"):
        train(data, out=tmp_path, **QUICK)
    assert (tmp_path / "thesis.txt").read_text() == "precious"


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"subjects": "99"}, UsageError, "'99'"),
        ({"subjects": "1", "all_subjects": True}, UsageError, "both"),
        ({"engine": "abacus"}, UsageError, "abacus"),
        ({"quantization": "int4"}, UsageError, "int4"),
        ({"data": "nowhere"}, DataError, "nowhere"),
    ],
)
def test_wrong_usage_of_evaluate(
    data: str, trained: Path, options: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        evaluate(trained, **{"data": data, **options})


def test_activities_the_model_does_not_know(data: str, tmp_path: Path, random_bundle) -> None:
    import dataclasses

    bundle = random_bundle("simple_rnn")
    labels = (*bundle.manifest.labels[:11], "Cycling")
    dataclasses.replace(bundle, manifest=dataclasses.replace(bundle.manifest, labels=labels)).save(tmp_path / "g")
    with pytest.raises(DataError, match="got Elevator Down"):
        evaluate(tmp_path / "g", data, engine="numpy")
    evaluate(tmp_path / "g", data, engine="numpy", common_activities=True)
