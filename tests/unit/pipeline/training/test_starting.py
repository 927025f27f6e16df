"""Training that begins with a trained model: layers and normalisation are kept, and nobody it knows is judged."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from edgehar.models.architecture import named_architecture
from edgehar.models.bundle import Bundle
from edgehar.models.errors import UsageError
from edgehar.pipeline.data.splits import holdout
from edgehar.pipeline.data.synthetic import synthetic_dataset
from edgehar.pipeline.data.windows import make_windows
from edgehar.pipeline.evaluation.held_out import TRAIN_PEOPLE
from edgehar.pipeline.training.experiment import Experiment
from edgehar.pipeline.training.initialization import initial_weights
from edgehar.pipeline.training.recipes import default_recipe
from edgehar.pipeline.training.starting import Start


@pytest.fixture(scope="module")
def dataset():
    return synthetic_dataset(seed=1)


def fresh(name: str, classes: int) -> tuple:
    architecture = named_architecture(name, classes=classes)
    return architecture, initial_weights(architecture, "orthogonal", np.random.default_rng(3))


def test_the_same_activities_keep_everything_and_others_begin_their_output_anew(
    random_bundle: Callable[..., Bundle],
) -> None:
    bundle = random_bundle("lstm", seed=5)
    architecture, initial = fresh("lstm", 12)
    kept = Start(bundle).first_weights(architecture, bundle.manifest.labels, initial)
    assert all(np.array_equal(kept[name], bundle.weights[name]) for name in initial)
    other, initial = fresh("lstm", 4)
    mixed = Start(bundle).first_weights(other, ("a", "b", "c", "d"), initial)
    for name, value in mixed.items():
        origin = initial if name.startswith("Output/") else bundle.weights
        assert np.array_equal(value, origin[name]), name


@pytest.mark.parametrize("name", ["gru", "simple_rnn", "cnn"])
def test_other_layers_are_refused(name: str, random_bundle: Callable[..., Bundle]) -> None:
    architecture, initial = fresh(name, 12)
    bundle = random_bundle("lstm")
    with pytest.raises(UsageError, match="expected a model with the layers and windows of"):
        Start(bundle).first_weights(architecture, bundle.manifest.labels, initial)


def test_training_goes_on_and_remembers_whom_the_first_model_knew(dataset) -> None:
    windows = make_windows(dataset)
    first, second, third = windows.subject_names[:3]
    recipe = replace(default_recipe("simple_rnn"), epochs=1)
    split = holdout(windows, [name for name in windows.subject_names if name != first])
    before = Experiment.of(dataset, windows, model="simple_rnn", recipe=recipe, seed=0)
    general = before.bundle(split, before.train(split))
    later = holdout(windows, [name for name in windows.subject_names if name not in (first, second)])
    after = replace(before, start=Start(general))
    Start(general).check_apart(dataset, later)
    bundle = after.bundle(later, after.train(later))
    assert bundle.manifest.normalization == general.manifest.normalization
    known = {each["subject"] for each in bundle.manifest.provenance.configuration[TRAIN_PEOPLE]}
    assert known == {first, second}
    assert after.made(bundle, later)
    assert not before.made(bundle, later), "without the start it would be another model"
    with pytest.raises(UsageError, match=f"knows {first}"):
        Start(general).check_apart(dataset, holdout(windows, [first, third]))
