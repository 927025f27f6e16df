"""Experiments: a bundle that says where it comes from, judged on its held-out subjects by a real engine."""

import numpy as np
import pytest

from edgehar.models.architecture import Architecture
from edgehar.models.engines import load_engine
from edgehar.models.verification import verify_bundle
from edgehar.pipeline.data.recordings import Dataset
from edgehar.pipeline.data.splits import Split, holdout
from edgehar.pipeline.data.windows import Windows
from edgehar.pipeline.evaluation.metrics import Scores
from edgehar.pipeline.training.experiment import Experiment, plots_of
from edgehar.pipeline.training.fit import Trained
from edgehar.pipeline.training.recipe import Recipe
from edgehar.pipeline.training.trainers import KERAS, NATIVE

RECIPE = Recipe(epochs=2, learning_rate=1e-2, batch_size=128)


@pytest.fixture(scope="module")
def experiment(little_data: Dataset, little_windows: Windows, little_rnn: Architecture) -> Experiment:
    return Experiment(little_data, little_windows, little_rnn, RECIPE, seed=3, trainer=NATIVE)


@pytest.fixture(scope="module")
def split(little_windows: Windows) -> Split:
    return holdout(little_windows, ["2", "4"])


@pytest.fixture(scope="module")
def trained(experiment: Experiment, split: Split) -> Trained:
    return experiment.train(split)


def test_the_bundle_says_where_it_comes_from(experiment: Experiment, split: Split, trained: Trained) -> None:
    manifest = experiment.bundle(split, trained).manifest
    assert manifest.architecture == experiment.architecture
    assert manifest.labels == experiment.windows.activities
    assert (manifest.window.length, manifest.window.hop, manifest.window.rate_hz) == (40, 20, 100.0)
    assert "hip" in manifest.window.mounting
    assert manifest.normalization == trained.normalization
    origin = manifest.provenance
    assert origin.dataset_sha256 == experiment.dataset.content_hash
    assert (origin.seed, origin.complete) == (3, True)
    assert set(origin.versions) == {"edgehar", "python", "numpy", "compiler"}
    assert origin.configuration["trainer"] == NATIVE
    assert Recipe.from_json(origin.configuration["recipe"]) == RECIPE
    assert origin.configuration["train_subjects"] == ["1", "3", "5"]
    x, y, z = origin.configuration["upright_g"]
    assert x > 0.8 > abs(y) + abs(z)
    assert origin.configuration["held_out_subjects"] == ["2", "4"]
    assert {(entry.format, entry.quantization) for entry in manifest.artifacts} >= {
        ("tflite", "float32"),
        ("onnx", "float32"),
    }


def test_compiled_files_equal_the_model(experiment: Experiment, split: Split, trained: Trained) -> None:
    bundle = experiment.bundle(split, trained)
    assert verify_bundle(bundle).ok
    windows = experiment.windows.batch(split.test[:200])
    expected = load_engine(bundle, "numpy").predict(windows)
    for name in ("litert", "onnxruntime"):
        np.testing.assert_allclose(load_engine(bundle, name).predict(windows), expected, atol=1e-5)


def test_judging_uses_the_subjects_held_out(experiment: Experiment, split: Split, trained: Trained) -> None:
    evaluation = experiment.judge(experiment.bundle(split, trained), split)
    assert evaluation.test_subjects == ("2", "4")
    assert evaluation.train_subjects == ("1", "3", "5")
    assert evaluation.scores.windows == len(split.test)
    assert evaluation.artifact.startswith("model.float32.")
    assert "never seen in training" in evaluation.protocol
    assert not evaluation.protocol.endswith(".")


def test_an_experiment_knows_its_own_bundles(experiment: Experiment, split: Split, trained: Trained) -> None:
    bundle = experiment.bundle(split, trained)
    assert experiment.made(bundle, split)
    assert not experiment.made(bundle, holdout(experiment.windows, ["2"]))
    common = (experiment.dataset, experiment.windows, experiment.architecture)
    assert not Experiment(*common, RECIPE.changed(epochs=3), seed=3, trainer=NATIVE).made(bundle, split)
    by_keras = Experiment(*common, RECIPE, seed=3, trainer=KERAS)
    assert not by_keras.made(bundle, split)
    assert set(by_keras.bundle(split, trained).manifest.provenance.versions) >= {"tensorflow", "keras"}
    assert not Experiment(*common, RECIPE, seed=4, trainer=NATIVE).made(bundle, split)


def test_the_leaky_number_is_called_what_it_is(experiment: Experiment) -> None:
    leaky = experiment.leaky()
    assert "LEAKY" in leaky.protocol
    assert set(leaky.train_subjects) == set(leaky.test_subjects) == {"1", "2", "3", "4", "5"}
    assert isinstance(leaky.scores, Scores)


def test_pictures_of_the_training(experiment: Experiment, split: Split, trained: Trained) -> None:
    evaluation = experiment.judge(experiment.bundle(split, trained), split)
    plots = plots_of(trained, evaluation, name="little", seed=3)
    assert set(plots) == {"confusion.json", "confusion.png", "learning_curves.json", "learning_curves.png"}
    for name, content in plots.items():
        assert content.startswith(b"\x89PNG" if name.endswith(".png") else b"{")
