"""Training beyond recurrent stacks: feed-forward relatives, recurrent dropout, the baseline that only counts."""

import numpy as np
import pytest

from edgehar.models.architecture import (
    Architecture,
    Bidirectional,
    Conv1D,
    Dense,
    Dropout,
    GlobalAveragePooling1D,
    MaxPooling1D,
    SelfAttention,
    TemporalBlock,
    named_architecture,
)
from edgehar.models.errors import TrainingError
from edgehar.models.reference import forward
from edgehar.pipeline.data.splits import holdout
from edgehar.pipeline.data.windows import Windows
from edgehar.pipeline.training.baseline import frequency_weights
from edgehar.pipeline.training.fit import fit
from edgehar.pipeline.training.recipe import FREQUENCIES, Recipe

RECIPE = Recipe(epochs=3, learning_rate=1e-2, batch_size=128, offset_samples=10, rotation_deg=10.0)
HEAD = Dense("Output", 12, "softmax")
RELATIVES = {
    "convolutions": (
        Conv1D("a", 8, 3, "relu", "same"),
        MaxPooling1D("b", 4),
        SelfAttention("c", 8),
        GlobalAveragePooling1D("d"),
    ),
    "blocks": (TemporalBlock("a", 8, 3, 2), GlobalAveragePooling1D("b"), Dropout("c", 0.1)),
    "both ways": (Bidirectional("a", "GRU", 8),),
}


@pytest.mark.parametrize("layers", RELATIVES.values(), ids=RELATIVES)
def test_relatives_learn(layers: tuple, little_windows: Windows) -> None:
    architecture = Architecture("relative", 40, 3, (*layers, HEAD))
    trained = fit(architecture, little_windows, RECIPE, train=holdout(little_windows, ["4"]).train, seed=0)
    assert trained.history[-1].loss < 0.95 * trained.history[0].loss
    assert {key: value.shape for key, value in trained.weights.items()} == architecture.weight_shapes()


def test_recurrent_dropout_changes_training_alone(little_rnn: Architecture, little_windows: Windows) -> None:
    train = holdout(little_windows, ["4"]).train
    one_epoch = RECIPE.changed(epochs=1)
    plain = fit(little_rnn, little_windows, one_epoch, train=train, seed=0)
    dropped = fit(little_rnn, little_windows, one_epoch.changed(recurrent_dropout=0.4), train=train, seed=0)
    assert not np.allclose(plain.weights["Output/kernel"], dropped.weights["Output/kernel"])
    assert dropped.weights.keys() == plain.weights.keys()


def test_the_majority_only_counts(little_windows: Windows) -> None:
    architecture = named_architecture("majority", window=40)
    train = holdout(little_windows, ["4"]).train
    trained = fit(architecture, little_windows, RECIPE.changed(initialization=FREQUENCIES), train=train, seed=0)
    counts = np.bincount(little_windows.labels[train], minlength=12)
    windows = np.random.default_rng(0).normal(size=(5, 40, 3))
    np.testing.assert_allclose(
        forward(architecture, trained.weights, windows), np.tile(counts / counts.sum(), (5, 1)), atol=1e-6
    )
    assert trained.complete
    assert trained.history[0].accuracy == pytest.approx(counts.max() / counts.sum())


def test_a_label_nobody_did_has_a_small_share() -> None:
    weights = frequency_weights(named_architecture("majority", classes=3), np.array([0, 0, 1]))
    assert np.isfinite(weights["Output/bias"]).all()
    assert weights["Output/bias"].argmin() == 2


def test_counting_needs_an_output_with_biases() -> None:
    architecture = Architecture("odd", 40, 3, (GlobalAveragePooling1D("mean"),))
    with pytest.raises(TrainingError, match="expected an output layer with a bias"):
        frequency_weights(architecture, np.array([0]))
