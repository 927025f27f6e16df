"""The training loop: it learns, repeats itself, survives interruption, and stops when it should."""

from pathlib import Path

import numpy as np
import pytest

from edgehar.models.architecture import Architecture, named_architecture
from edgehar.models.errors import TrainingError
from edgehar.models.normalization import Normalization
from edgehar.pipeline.data.recordings import Dataset
from edgehar.pipeline.data.splits import holdout
from edgehar.pipeline.data.windows import Windows, make_windows
from edgehar.pipeline.training.fit import Trained, fit
from edgehar.pipeline.training.history import Epoch, SilentWatcher
from edgehar.pipeline.training.recipe import Recipe
from edgehar.pipeline.training.recipes import default_recipe

RECIPE = Recipe(epochs=3, learning_rate=1e-2, batch_size=128, offset_samples=10, rotation_deg=10.0)
ONE_EPOCH = RECIPE.changed(epochs=1)


class InterruptingWatcher(SilentWatcher):
    """Presses Ctrl-C in the middle of an epoch, and remembers what it saw."""

    def __init__(self, at: tuple[int, int]) -> None:
        self.at, self.epochs = at, list[Epoch]()

    def batch_done(self, epoch: int, batch: int, batches: int) -> None:
        if (epoch, batch) == self.at:
            raise KeyboardInterrupt

    def epoch_done(self, epoch: Epoch) -> None:
        self.epochs.append(epoch)


def run(architecture: Architecture, windows: Windows, recipe: Recipe = RECIPE, **options: object) -> Trained:
    return fit(architecture, windows, recipe, train=holdout(windows, ["4"]).train, **{"seed": 0, **options})


def test_every_architecture_learns(little_model: Architecture, little_windows: Windows) -> None:
    trained = run(little_model, little_windows)
    assert [epoch.number for epoch in trained.history] == [1, 2, 3]
    assert trained.history[-1].loss < 0.95 * trained.history[0].loss
    assert trained.history[-1].accuracy > 2 / 12
    assert {key: value.shape for key, value in trained.weights.items()} == little_model.weight_shapes()
    assert trained.complete
    assert trained.kept_epoch == 3


def test_a_seed_decides_everything(little_rnn: Architecture, little_windows: Windows) -> None:
    one, same, other = (run(little_rnn, little_windows, seed=seed) for seed in (1, 1, 2))
    assert all(np.array_equal(one.weights[key], same.weights[key]) for key in one.weights)
    assert [epoch.loss for epoch in one.history] == [epoch.loss for epoch in same.history]
    assert not all(np.array_equal(one.weights[key], other.weights[key]) for key in one.weights)


@pytest.mark.parametrize(("name", "dropout"), [("cnn", 0.0), ("lstm", 0.3), ("simple_rnn", 0.3)])
def test_a_seed_decides_what_is_dropped(little_data: Dataset, name: str, dropout: float) -> None:
    windows = make_windows(little_data, hop=50)
    recipe = default_recipe(name).changed(epochs=2, batch_size=64, recurrent_dropout=dropout)
    train = np.arange(0, len(windows), 2)
    one, same = (fit(named_architecture(name), windows, recipe, train=train, seed=5) for _ in range(2))
    assert all(np.array_equal(one.weights[key], same.weights[key]) for key in one.weights)


def test_statistics_come_from_training_subjects_only(little_rnn: Architecture, little_windows: Windows) -> None:
    trained = run(little_rnn, little_windows, ONE_EPOCH)
    learned = little_windows.subset(holdout(little_windows, ["4"]).train)
    stretches = np.unique(np.stack([learned.segment_starts, learned.segment_stops]), axis=1).T
    expected = Normalization.of_samples(np.concatenate([learned.samples[start:stop] for start, stop in stretches]))
    assert trained.normalization == expected


@pytest.fixture(scope="module")
def with_all(little_rnn: Architecture, little_windows: Windows) -> Trained:
    """A model trained with every piece of the recipe."""
    return run(little_rnn, little_windows, ONE_EPOCH)


@pytest.mark.parametrize(
    "change",
    [
        {"offset_samples": 0},
        {"rotation_deg": 0.0},
        {"supervise_every": 0},
        {"clip_norm": 0.0},
        {"warmup": 0.0},
        {"weight_decay": 0.1},
        {"initialization": "structured"},
    ],
)
def test_every_piece_can_be_switched_alone(
    little_rnn: Architecture, little_windows: Windows, with_all: Trained, change: dict[str, object]
) -> None:
    without = run(little_rnn, little_windows, ONE_EPOCH.changed(**change))
    assert not all(np.array_equal(with_all.weights[key], without.weights[key]) for key in with_all.weights)
    assert {key: value.shape for key, value in without.weights.items()} == little_rnn.weight_shapes()


def test_interruption_keeps_the_best_epoch(little_rnn: Architecture, little_windows: Windows) -> None:
    watcher = InterruptingWatcher(at=(3, 2))
    trained = run(little_rnn, little_windows, RECIPE.changed(epochs=5), watcher=watcher)
    assert not trained.complete
    assert [epoch.number for epoch in trained.history] == [1, 2]
    assert trained.kept_epoch == min(watcher.epochs, key=lambda epoch: epoch.loss).number
    assert all(np.isfinite(value).all() for value in trained.weights.values())


def test_interruption_keeps_the_weights_of_that_epoch(little_rnn: Architecture, little_windows: Windows) -> None:
    # The weights after two of five epochs, whatever the third did to them until it was interrupted.
    early, late = (
        run(little_rnn, little_windows, RECIPE.changed(epochs=5), watcher=InterruptingWatcher(at=(3, batch)))
        for batch in (1, 5)
    )
    assert early.kept_epoch == late.kept_epoch
    assert all(np.array_equal(early.weights[key], late.weights[key]) for key in early.weights)


def test_interruption_of_the_first_epoch_leaves_nothing_to_keep(
    little_rnn: Architecture, little_windows: Windows
) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(little_rnn, little_windows, watcher=InterruptingWatcher(at=(1, 2)))


def test_early_stopping_judges_on_training_subjects(little_rnn: Architecture, little_windows: Windows) -> None:
    recipe = RECIPE.changed(epochs=40, patience=2, learning_rate=0.05)
    trained = run(little_rnn, little_windows, recipe)
    # Trained on 1, 2, 3 and 5: every fourth of them is 5; 4 is for the test alone.
    assert trained.validation_subjects == ("5",)
    losses = [epoch.validation_loss for epoch in trained.history]
    assert None not in losses
    assert trained.kept_epoch == int(np.argmin(losses)) + 1
    assert len(trained.history) in (trained.kept_epoch + 2, 40)
    assert trained.complete


def test_held_out_people_give_a_curve_and_choose_nothing(little_rnn: Architecture, little_windows: Windows) -> None:
    split = holdout(little_windows, ["4"])
    alone, watched = (run(little_rnn, little_windows, held_out=held_out) for held_out in (None, split.test))
    assert all(np.array_equal(alone.weights[key], watched.weights[key]) for key in alone.weights)
    assert alone.kept_epoch == watched.kept_epoch
    assert [epoch.held_out_loss for epoch in alone.history] == [None] * 3
    assert all(epoch.held_out_loss > 0 and 0 <= epoch.held_out_accuracy <= 1 for epoch in watched.history)
    assert len({epoch.held_out_loss for epoch in watched.history}) == 3


def test_divergence_is_an_error_and_not_a_model(little_rnn: Architecture, little_windows: Windows) -> None:
    with pytest.raises(TrainingError, match=r"epoch 1.*finite") as caught:
        run(little_rnn, little_windows, RECIPE.changed(learning_rate=1e38, warmup=0.0))
    assert caught.value.details["epoch"] == 1


def test_training_writes_nothing(
    little_rnn: Architecture, little_windows: Windows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run(little_rnn, little_windows, ONE_EPOCH)
    assert not list(tmp_path.iterdir())
