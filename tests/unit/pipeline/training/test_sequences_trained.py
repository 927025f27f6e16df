"""Training for a carried state: sequences with a target at every step, after the windows or on a trained model."""

from dataclasses import replace

import numpy as np
import pytest

from edgehar.models.architecture import Architecture, named_architecture
from edgehar.models.bundle import Bundle
from edgehar.models.errors import TrainingError, UsageError
from edgehar.models.normalization import Normalization
from edgehar.models.stateful import load_stateful
from edgehar.models.stateful.trained import was_trained_to_carry
from edgehar.pipeline.data.recordings import Dataset
from edgehar.pipeline.data.splits import holdout
from edgehar.pipeline.data.windows import Windows
from edgehar.pipeline.training.experiment import Experiment
from edgehar.pipeline.training.fit import Trained, fit
from edgehar.pipeline.training.history import SilentWatcher
from edgehar.pipeline.training.initialization import initial_weights
from edgehar.pipeline.training.recipe import Recipe
from edgehar.pipeline.training.recipes import default_recipe
from edgehar.pipeline.training.sequence_batches import SequenceBatches
from edgehar.pipeline.training.trainers import KERAS, NATIVE, choose_trainer, open_trainer

RAW = Normalization((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
RECIPE = Recipe(
    epochs=2,
    learning_rate=1e-2,
    batch_size=128,
    rotation_deg=10.0,
    mixup=0.3,
    sequence_epochs=2,
    sequence_s=1.2,
    sequence_batch_size=32,
)


def run(architecture: Architecture, windows: Windows, recipe: Recipe = RECIPE, **options: object) -> Trained:
    split = holdout(windows, ["4"])
    return fit(architecture, windows, recipe, train=split.train, held_out=split.test, **{"seed": 0, **options})


def test_targets_count_less_where_a_piece_has_just_begun(little_windows: Windows) -> None:
    plain = RECIPE.changed(rotation_deg=0.0, mixup=0.0, sequence_joined=1.0)
    batches = SequenceBatches(little_windows, np.arange(len(little_windows)), RAW, plain)
    values, targets = next(batches.epoch(np.random.default_rng(4)))
    assert (values.shape, targets.shape) == ((32, 120, 3), (32, 12, 12))
    assert (np.count_nonzero(targets, axis=2) == 1).all()
    first = targets[:, 0].max(axis=1)
    np.testing.assert_allclose(first, 10 / 40)
    assert targets.max() == 1.0
    drawn = {tuple(row) for row in little_windows.samples}
    assert {tuple(row) for row in values.reshape(-1, 3)} <= drawn, "samples as recorded"


def test_half_of_a_batch_is_mixed_and_no_mass_is_lost(little_windows: Windows) -> None:
    everything = np.arange(len(little_windows))
    mixed, plain = (
        next(SequenceBatches(little_windows, everything, RAW, recipe).epoch(np.random.default_rng(5)))[1]
        for recipe in (RECIPE, RECIPE.changed(mixup=0.0))
    )
    several = (np.count_nonzero(mixed, axis=2) > 1).any(axis=1)
    assert several[:16].any()
    assert not several[16:].any()
    np.testing.assert_allclose(mixed[:16].sum(axis=2).mean(), plain[:16].sum(axis=2).mean(), rtol=0.1)


def test_an_answer_at_every_step_is_the_carried_state_s(little_windows: Windows, random_bundle) -> None:
    architecture = replace(named_architecture("lstm"), window=40)
    bundle: Bundle = random_bundle(architecture, seed=2)
    longer = replace(architecture, window=120)
    trainer = open_trainer(NATIVE, longer, bundle.weights, RECIPE, seed=0, evenly=True)
    samples = little_windows.samples[:120]
    values = bundle.manifest.normalization.apply(samples[None])
    logits = trainer.logits(values)[0]
    found = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
    model = load_stateful(bundle, "numpy")
    for part in np.split(samples, (40, 47)):
        said = model.step(part)
    np.testing.assert_allclose(found, said, atol=2e-6)


def test_both_trainers_take_the_same_step(little_rnn: Architecture, little_windows: Windows) -> None:
    longer = replace(little_rnn, window=120)
    weights = initial_weights(longer, "orthogonal", np.random.default_rng(1), rate_hz=100.0)
    batches = SequenceBatches(little_windows, np.arange(len(little_windows)), RAW, RECIPE)
    values, targets = next(batches.epoch(np.random.default_rng(6)))
    steps = [
        open_trainer(name, longer, weights, RECIPE, seed=0, evenly=True).train(values, targets, learning_rate=1e-3)
        for name in (NATIVE, KERAS)
    ]
    np.testing.assert_allclose(steps[0][:2], steps[1][:2], rtol=1e-4)
    assert steps[0].correct == steps[1].correct


def test_sequences_follow_the_windows(little_model: Architecture, little_windows: Windows) -> None:
    trained = run(little_model, little_windows)
    assert [epoch.number for epoch in trained.history] == [1, 2, 3, 4]
    assert trained.carries_state
    assert trained.kept_epoch == 4
    assert all(epoch.held_out_accuracy is not None for epoch in trained.history)
    assert {name: value.shape for name, value in trained.weights.items()} == little_model.weight_shapes()
    again = run(little_model, little_windows)
    assert all(np.array_equal(trained.weights[name], again.weights[name]) for name in trained.weights)


class Interrupting(SilentWatcher):
    """Presses Ctrl-C in an epoch."""

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch

    def batch_done(self, epoch: int, batch: int, batches: int) -> None:
        if epoch == self.epoch:
            raise KeyboardInterrupt


def test_an_interruption_before_any_sequence_leaves_a_model_of_windows(
    little_rnn: Architecture, little_windows: Windows
) -> None:
    windows_only = run(little_rnn, little_windows, RECIPE.changed(sequence_epochs=0))
    trained = run(little_rnn, little_windows, watcher=Interrupting(3))
    assert (trained.complete, trained.carries_state, trained.kept_epoch) == (False, False, 2)
    assert all(np.array_equal(trained.weights[name], windows_only.weights[name]) for name in trained.weights)
    later = run(little_rnn, little_windows, watcher=Interrupting(4))
    assert (later.complete, later.carries_state, later.kept_epoch) == (False, True, 3)


def test_the_bundle_says_it_and_the_parameters_stay(little_data: Dataset, little_windows: Windows) -> None:
    recipe = default_recipe("gru").changed(
        epochs=0, sequence_epochs=1, sequence_s=0.8, sequence_batch_size=16, supervise_every=5
    )
    experiment = Experiment.of(little_data, little_windows, model="gru", recipe=recipe, seed=0)
    split = holdout(little_windows, ["4"])
    bundle = experiment.bundle(split, experiment.train(split))
    assert was_trained_to_carry(bundle.manifest)
    assert bundle.manifest.architecture.parameter_count == named_architecture("gru").parameter_count
    assert bundle.manifest.window.length == 40, "the window stays the unit of a label"
    assert Recipe.from_json(bundle.manifest.provenance.configuration["recipe"]) == recipe


def test_what_cannot_carry_a_state_is_refused(little_windows: Windows, little_rnn: Architecture) -> None:
    for name in ("cnn", "bi_gru", "majority"):
        with pytest.raises(UsageError, match="expected a stack of SimpleRNN, LSTM or GRU"):
            choose_trainer("auto", named_architecture(name), default_recipe(name).changed(sequence_epochs=1))
    with pytest.raises(TrainingError, match="expected sequences of at least a window"):
        run(little_rnn, little_windows, RECIPE.changed(epochs=1, sequence_s=0.3))


@pytest.mark.parametrize(
    "wrong",
    [{"epochs": 0, "sequence_epochs": 0}, {"sequence_s": 0.0}, {"sequence_joined": 1.1}, {"sequence_batch_size": 0}],
)
def test_values_that_cannot_be_meant_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="expected"):
        RECIPE.changed(**wrong)


def test_a_recipe_of_an_earlier_version_has_no_sequences() -> None:
    data = {name: value for name, value in RECIPE.to_json().items() if not name.startswith("sequence_")}
    assert Recipe.from_json(data) == RECIPE.changed(sequence_epochs=0, sequence_s=10.0, sequence_batch_size=128)
