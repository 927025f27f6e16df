"""Personalization in JavaScript computes, and decides, what Python does; on its golden vectors and on a person."""

import functools
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgehar.models.architecture import GRU, LSTM, Architecture, Dense, SimpleRNN
from edgehar.models.bundle import Bundle
from edgehar.models.portable.blob import unpack_model
from edgehar.models.reference import forward
from edgehar.pipeline.compilers import Target, compile_bundle
from edgehar.pipeline.data.recordings import Dataset, LabelInterval, Recording
from edgehar.pipeline.data.windows import Windows, make_windows
from edgehar.pipeline.evaluation.metrics import Scores
from edgehar.pipeline.training.personalization import fine_tuning
from edgehar.pipeline.training.personalization import personal as personal_module
from edgehar.pipeline.training.personalization.figures import what_to_record
from edgehar.pipeline.training.personalization.fine_tuning import fine_tune
from edgehar.pipeline.training.personalization.personal import Personal
from edgehar.pipeline.training.personalization.stages import Adaptation, adapt
from edgehar.pipeline.training.personalization.takes import folds_of
from edgehar.pipeline.training.supervision import step_weights, supervised_steps

GOLDEN: dict[str, Any] = json.loads((Path(__file__).parents[3] / "golden" / "trainer.json").read_text(encoding="utf-8"))
GRAVITY = 9.80665
KINDS = {"SimpleRNN": SimpleRNN, "LSTM": LSTM, "GRU": GRU}
WINDOW, HOP, STEPS = 50, 100, 60


@pytest.mark.parametrize(("window", "every"), [(200, 10), (30, 7), (50, 50)])
def test_answers_on_the_way(run_training, window: int, every: int) -> None:
    (reply,) = run_training({"kind": "supervision", "window": window, "every": every})
    steps = supervised_steps(window, every)
    assert reply["ok"]["steps"] == steps.tolist()
    np.testing.assert_allclose(reply["ok"]["shares"], step_weights(steps), rtol=1e-6)


def test_golden_gradients(run_training) -> None:
    cases = GOLDEN["gradients"]
    replies = run_training(*({"kind": "gradient", "golden": GOLDEN, "each": case} for case in cases))
    for case, reply in zip(cases, replies, strict=True):
        found = reply["ok"]
        assert found["correct"] == case["correct"]
        np.testing.assert_allclose([found["loss"], found["finalLoss"]], [case["loss"], case["final_loss"]], rtol=1e-5)
        np.testing.assert_allclose(found["gradient"], case["gradient"], atol=1e-5)
        np.testing.assert_allclose(found["logits"], case["logits"], atol=1e-5)


def test_golden_fine_tuning_and_output_layer(run_training) -> None:
    tuned, fitted = run_training({"kind": "fineTune", "golden": GOLDEN}, {"kind": "fitOutput", "golden": GOLDEN})
    np.testing.assert_allclose(tuned["ok"], GOLDEN["fine_tuning"]["weights"], atol=1e-4)
    np.testing.assert_allclose(fitted["ok"], GOLDEN["output_layer"]["fitted"], atol=1e-5)


@pytest.fixture(scope="module", params=KINDS)
def general(request: pytest.FixtureRequest, random_bundle: Callable[..., Bundle]) -> Bundle:
    """A small untrained model of each kind, compiled for the C engine."""
    layer = KINDS[request.param]
    layers = (layer("First", 8, return_sequences=True), layer("Second", 6), Dense("Output", 4, "softmax"))
    made = random_bundle(Architecture("small", WINDOW, 3, layers), 3)
    return compile_bundle(made, [Target("c", "float32")])


def blob_of(bundle: Bundle) -> bytes:
    """Return the model of the C engine."""
    entry = bundle.manifest.artifact(format="c", quantization="float32")
    assert entry is not None
    return bundle.files[entry.file]


def test_weights_are_read_and_written(run_training, general: Bundle, tmp_path: Path) -> None:
    path = tmp_path / "model.harc"
    path.write_bytes(blob_of(general))
    (reply,) = run_training({"kind": "weights", "path": str(path), "manifest": general.manifest.to_json()})
    names = general.manifest.architecture.weight_shapes()
    expected = np.concatenate([np.ravel(general.weights[name]) for name in names])
    np.testing.assert_allclose(reply["ok"]["parameters"], expected, atol=1e-6)
    assert reply["ok"]["most"] < 1e-6
    assert reply["ok"]["same"], "the same weights give the same bytes, checksum and all"


def person(*, takes: int = 2, seconds: float = 4.0, activities: tuple[int, ...] = (0, 1, 2, 3)) -> Dataset:
    """Return recordings of a rhythm and a lean of each activity's own."""
    recordings = []
    for take in range(takes):
        for activity in activities:
            rng = np.random.default_rng([activity, take])
            count = round(seconds * 100)
            samples = np.tile([0.95, 0.1, 0.1], (count, 1)) + rng.normal(scale=0.05, size=(count, 3))
            samples[:, activity % 3] += 0.2 * np.sin(2 * np.pi * 4 * np.arange(count) / 100 + rng.uniform(0, 6))
            samples[:, 1:] += 0.3 * np.array([[1, 0], [0, 1], [-1, 0], [0, -1]])[activity]
            # Numbers that JSON and m/s² give back exactly enough.
            samples = np.round(samples, 4).astype(np.float32)
            label = LabelInterval(0, count, ACTIVITIES[activity])
            recordings.append(Recording(f"a{activity}t{take}", "7", samples, 100.0, (label,)))
    return Dataset("home", ACTIVITIES, tuple(recordings))


ACTIVITIES = ("Walking Forward", "Walking Left", "Walking Right", "Walking Upstairs")


def takes_of(dataset: Dataset) -> list[dict[str, Any]]:
    """Return the recordings as the page keeps them."""
    return [
        {
            "label": each.labels[0].activity,
            "times": [10.0 * index for index in range(len(each.samples))],
            "samples": (each.samples * np.repeat([GRAVITY, 1.0], 3)[: each.samples.shape[1]]).tolist(),
        }
        for each in dataset.recordings
    ]


def adapted(general: Bundle, dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> tuple[Adaptation, Windows]:
    """Return what Python makes of it, in fewer steps, and without what is drawn at random."""
    monkeypatch.setattr(fine_tuning, "RECIPE", replace(fine_tuning.RECIPE, offset_samples=0))
    for module in (fine_tuning, personal_module):
        monkeypatch.setattr(
            module, "turns_of_days", lambda count, rng: np.tile(np.eye(3, dtype=np.float32), (count, 1, 1))
        )
    monkeypatch.setattr(personal_module, "fine_tune", functools.partial(fine_tune, steps=STEPS))
    manifest = general.manifest
    windows = make_windows(dataset, window_length=WINDOW, hop=HOP // 4, rate_hz=100.0, activities=manifest.labels)
    indices = np.arange(len(windows))
    personal = Personal(manifest.architecture, general.weights, manifest.normalization, windows, indices)
    return adapt(personal), windows


@pytest.mark.parametrize(
    "person_of",
    [person, functools.partial(person, takes=1, seconds=8.0), functools.partial(person, activities=(0, 2, 3))],
    ids=["two takes", "one take", "an activity is missing"],
)
def test_the_page_decides_as_python_does(
    run_training, general: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, person_of: Callable[..., Dataset]
) -> None:
    dataset = person_of()
    expected, windows = adapted(general, dataset, monkeypatch)
    path = tmp_path / "model.harc"
    path.write_bytes(blob_of(general))
    task = {"kind": "personalize", "path": str(path), "manifest": general.manifest.to_json(), "steps": STEPS}
    # All windows are one batch, so that its order does not matter, and nothing is moved or turned.
    assert len(windows) <= 128
    (reply,) = run_training(
        {**task, "takes": takes_of(dataset), "recipe": {"offsetSamples": 0, "usualDeg": 0, "seldomDeg": 0}}
    )
    found = reply["ok"]
    assert [each["name"] for each in found["stages"]] == [stage.name for stage in expected.stages]
    assert [each["kept"] for each in found["stages"]] == [stage.kept for stage in expected.stages]
    for each, stage in zip(found["stages"], expected.stages, strict=True):
        assert each["macroF1"] == pytest.approx(stage.macro_f1, abs=1e-6)
    assert found["shares"] == sorted(found["shares"])
    assert found["shares"][-1] == 1
    apart = (windows.starts[expected.judged] - windows.segment_starts[expected.judged]) % HOP == 0
    assert sum(each["windows"] for each in found["activities"]) == apart.sum()
    # The new model is what the page says of it: read by Python, it does better on the person than the general one.
    own = unpack_model(bytes.fromhex(found["blob"]))
    assert (own.window, own.classes) == (WINDOW, 4)
    after = Scores.of(general.manifest.labels, truth=windows.labels, predicted=windows.labels)
    advice = what_to_record(general.manifest, windows, np.arange(len(windows)), after)
    assert found["advice"][: len(advice)] == list(advice)


def test_six_channels_are_fitted_as_python_fits_them(
    run_training, random_bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layers = (SimpleRNN("First", 8), Dense("Output", 4, "softmax"))
    general = compile_bundle(random_bundle(Architecture("small", WINDOW, 6, layers), 3), [Target("c", "float32")])
    plain = person()
    recordings = (
        replace(each, samples=np.hstack([each.samples, np.round(90 * each.samples[:, ::-1], 1)]))
        for each in plain.recordings
    )
    dataset = replace(plain, recordings=tuple(recordings))
    expected, _ = adapted(general, dataset, monkeypatch)
    path = tmp_path / "model.harc"
    path.write_bytes(blob_of(general))
    task = {"kind": "personalize", "path": str(path), "manifest": general.manifest.to_json(), "steps": STEPS}
    task["recipe"] = {"offsetSamples": 0, "usualDeg": 0, "seldomDeg": 0}
    takes, short = takes_of(dataset), takes_of(plain)
    found, mixed, refused = run_training(
        {**task, "takes": takes}, {**task, "takes": [*takes, short[0]]}, {**task, "takes": short}
    )
    for each, stage in zip(found["ok"]["stages"], expected.stages, strict=True):
        assert (each["name"], each["kept"]) == (stage.name, stage.kept)
        assert each["macroF1"] == pytest.approx(stage.macro_f1, abs=1e-6)
    assert found["ok"]["changed"]
    assert mixed["ok"]["blob"] == found["ok"]["blob"]
    said = "1 takes were recorded without the turning rate, which this model needs: they are left out."
    assert mixed["ok"]["remarks"] == [said]
    assert "8 takes were recorded without the turning rate, which this model needs: record" in refused["error"]


def test_a_fitted_model_gives_what_its_weights_give(run_training, general: Bundle, tmp_path: Path) -> None:
    """The tables that come out are those of the fitted weights, normalization folded in."""
    dataset = person()
    path = tmp_path / "model.harc"
    path.write_bytes(blob_of(general))
    task = {"kind": "personalize", "path": str(path), "manifest": general.manifest.to_json(), "steps": STEPS}
    (reply,) = run_training({**task, "takes": takes_of(dataset)})
    assert reply["ok"]["changed"]
    model = unpack_model(bytes.fromhex(reply["ok"]["blob"]))
    weights = {}
    for layer, table in zip(general.manifest.architecture.layers, model.layers, strict=True):
        biases = [table.kernel.bias]
        if table.recurrent is not None:
            weights[f"{layer.name}/recurrent_kernel"] = table.recurrent.weights
            biases += [table.recurrent.bias] if table.recurrent.bias is not None else []
        weights[f"{layer.name}/kernel"] = table.kernel.weights
        weights[f"{layer.name}/bias"] = np.stack(biases) if len(biases) > 1 else biases[0]
    windows = make_windows(dataset, window_length=WINDOW, hop=HOP, rate_hz=100.0, activities=general.manifest.labels)
    said = forward(general.manifest.architecture, weights, windows.batch())
    assert (said.argmax(axis=1) == windows.labels).mean() > 0.9


@pytest.mark.parametrize("lengths", [((300, 0), (300, 0), (90, 1), (400, 1)), ((500, 0), (170, 2)), ((200, 1),) * 7])
def test_folds_are_those_of_python(run_training, lengths: tuple[tuple[int, int], ...]) -> None:
    recordings = tuple(
        Recording(str(index), "7", np.zeros((count, 3), np.float32), 100.0, (LabelInterval(0, count, f"a{label}"),))
        for index, (count, label) in enumerate(lengths)
    )
    dataset = Dataset("d", ("a0", "a1", "a2"), recordings)
    windows = make_windows(dataset, window_length=50, hop=12, activities=("a0", "a1", "a2"))
    segments = [{"count": count, "label": label} for count, label in lengths]
    (reply,) = run_training({"kind": "folds", "segments": segments, "windowLength": 50, "hop": 48})
    assert [each["label"] for each in reply["ok"]["places"]] == windows.labels.tolist()
    assert reply["ok"]["folds"] == folds_of(windows, np.arange(len(windows))).tolist()


def test_batches_are_turned_a_little_and_the_same_for_a_seed(run_training) -> None:
    task = {"kind": "batches", "count": 3, "seed": 5}
    one, again, other = run_training(task, task, {**task, "seed": 6})
    assert one == again != other
    values = np.array(one["ok"][0]["values"]).reshape(-1, 50, 3)
    np.testing.assert_allclose(np.linalg.norm(values, axis=2), 1, atol=1e-5)
    angles = np.degrees(np.arccos(np.clip(values[:, 0] @ [0.6, 0, 0.8], -1, 1)))
    assert 1 < np.median(angles) < 10
    assert angles.max() > 15, "seldom by much"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda takes: [], "two activities"),
        (lambda takes: [{**each, "label": "<b>dancing</b>"} for each in takes], "two activities"),
        (lambda takes: [{**each, "times": [4 * time for time in each["times"]]} for each in takes], "at 100 Hz"),
        (
            lambda takes: [{**each, "samples": [[-x, y, z] for x, y, z in each["samples"]]} for each in takes],
            "gravity is turned",
        ),
        (lambda takes: [{**each, "times": each["times"][:90]} for each in takes[:4]], "too little"),
    ],
)
def test_takes_that_teach_nothing_are_refused_in_a_sentence(
    run_training, general: Bundle, tmp_path: Path, change: Callable[[list[Any]], list[Any]], sentence: str
) -> None:
    path = tmp_path / "model.harc"
    path.write_bytes(blob_of(general))
    task = {"kind": "personalize", "path": str(path), "manifest": general.manifest.to_json(), "steps": 1}
    (reply,) = run_training({**task, "takes": change(takes_of(person()))})
    assert reply["name"] == "HarError"
    assert sentence in reply["error"]


def test_integers_are_not_trained(run_training, random_bundle, tmp_path: Path) -> None:
    made = random_bundle("simple_rnn")
    made = compile_bundle(made, [Target("c", "int8")], calibration=made.golden["windows"])
    entry = made.manifest.artifact(format="c", quantization="int8")
    path = tmp_path / "model.harc"
    path.write_bytes(made.files[entry.file])
    task = {"kind": "personalize", "path": str(path), "manifest": made.manifest.to_json(), "steps": 1}
    (reply,) = run_training({**task, "takes": takes_of(person())})
    assert "float32" in reply["error"]
