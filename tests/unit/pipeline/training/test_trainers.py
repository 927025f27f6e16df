"""The two trainers: the same gradients, the same steps, one as good as the other; and which of them is taken."""

import subprocess
import sys

import numpy as np
import pytest

from edgehar.models.architecture import Architecture, named_architecture
from edgehar.models.errors import EngineError, UsageError
from edgehar.models.gradients import StackGradients
from edgehar.pipeline.data.splits import holdout
from edgehar.pipeline.data.windows import Windows
from edgehar.pipeline.training.augmentation import mixed
from edgehar.pipeline.training.fit import fit
from edgehar.pipeline.training.initialization import initial_weights
from edgehar.pipeline.training.keras_model import set_weights, training_model
from edgehar.pipeline.training.keras_trainer import KerasTrainer
from edgehar.pipeline.training.native_trainer import NativeTrainer
from edgehar.pipeline.training.recipe import FREQUENCIES, Recipe
from edgehar.pipeline.training.supervision import one_hot, step_weights, supervised_steps
from edgehar.pipeline.training.tensorflow_start import tf
from edgehar.pipeline.training.trainers import AUTO, COUNTING, KERAS, NATIVE, choose_trainer

RECIPE = Recipe(epochs=3, learning_rate=1e-2, batch_size=100, weight_decay=0.02, clip_norm=0.5)


def batch_of(architecture: Architecture, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return normalised windows and their labels."""
    rng = np.random.default_rng(7)
    windows = rng.normal(size=(count, architecture.window, architecture.channels)).astype(np.float32)
    return windows, rng.integers(0, architecture.classes, count)


@pytest.mark.parametrize("every", [0, 10])
def test_gradients_are_those_of_keras(little_model: Architecture, random_weights, every: int) -> None:
    steps = supervised_steps(little_model.window, every)
    shares, weights = step_weights(steps), random_weights(little_model, 5)
    windows, labels = batch_of(little_model, 37)
    model = training_model(little_model, steps)
    set_weights(model, weights)
    with tf.GradientTape() as tape:
        logits = model(windows)
        everywhere = tf.repeat(labels[:, np.newaxis], len(steps), axis=1)
        entropies = tf.nn.sparse_softmax_cross_entropy_with_logits(everywhere, logits)
        loss = tf.reduce_mean(tf.reduce_sum(entropies * shares, axis=1))
    expected = [value.numpy() for value in tape.gradient(loss, model.trainable_variables)]
    found = StackGradients(little_model)
    batch = found.gradient(
        found.flatten(weights),
        windows,
        np.eye(little_model.classes, dtype=np.float32)[labels],
        steps=steps,
        shares=shares,
    )
    assert batch.loss == pytest.approx(float(loss), abs=1e-5)
    for own, other in zip(found.unflatten(batch.gradient).values(), expected, strict=True):
        assert np.linalg.norm(own - other) <= 2e-5 * np.linalg.norm(other)


@pytest.mark.parametrize("are_mixed", [False, True])
def test_steps_are_those_of_keras(little_model: Architecture, are_mixed: bool) -> None:
    weights = initial_weights(little_model, "orthogonal", np.random.default_rng(2))
    trainers = [kind(little_model, weights, RECIPE, seed=0) for kind in (NativeTrainer, KerasTrainer)]
    windows, labels = batch_of(little_model, 100)
    targets = one_hot(labels, little_model.classes) if are_mixed else labels
    if are_mixed:
        windows, targets = mixed(windows, targets, concentration=0.5, rng=np.random.default_rng(3))
    for rate in (1e-3, 3e-3, 2e-3):
        native, keras = (trainer.train(windows, targets, learning_rate=rate) for trainer in trainers)
        np.testing.assert_allclose(native, keras, rtol=1e-4)
    for name, own in trainers[0].weights.items():
        # Where a gradient is nearly zero, Adam makes a whole step of its sign: a few numbers may differ by that.
        assert np.median(np.abs(own - trainers[1].weights[name])) < 2e-6
        assert np.abs(own - trainers[1].weights[name]).max() < 6e-3
    np.testing.assert_allclose(trainers[0].logits(windows), trainers[1].logits(windows), atol=5e-3)


def test_one_is_as_good_as_the_other(little_model: Architecture, little_windows: Windows) -> None:
    split = holdout(little_windows, ["4"])
    found = [
        fit(little_model, little_windows, RECIPE, train=split.train, seed=0, trainer=trainer).history[-1]
        for trainer in (NATIVE, KERAS)
    ]
    assert found[0].loss == pytest.approx(found[1].loss, rel=0.05)
    assert found[0].accuracy == pytest.approx(found[1].accuracy, abs=0.05)


def test_threads_change_no_weight(little_model: Architecture, little_windows: Windows) -> None:
    recipe = RECIPE.changed(epochs=1, recurrent_dropout=0.2)
    one, three = (
        fit(little_model, little_windows, recipe, train=np.arange(300), seed=1, trainer=NATIVE, threads=threads)
        for threads in (1, 3)
    )
    assert all(np.array_equal(one.weights[name], three.weights[name]) for name in one.weights)


def test_the_faster_one_is_taken_where_it_can_train(monkeypatch: pytest.MonkeyPatch) -> None:
    lstm, cnn = named_architecture("lstm"), named_architecture("cnn")
    assert choose_trainer(AUTO, lstm, RECIPE) == (NATIVE, None)
    assert choose_trainer(KERAS, lstm, RECIPE) == (KERAS, None)
    name, reason = choose_trainer(AUTO, cnn, RECIPE)
    assert name == KERAS
    assert "not cnn" in reason
    assert choose_trainer(AUTO, cnn, RECIPE.changed(initialization=FREQUENCIES)) == (COUNTING, None)
    with pytest.raises(UsageError, match=r"--trainer native.*not cnn"):
        choose_trainer(NATIVE, cnn, RECIPE)
    with pytest.raises(UsageError, match="expected one of auto, native, keras, got 'abacus'"):
        choose_trainer("abacus", lstm, RECIPE)

    def broken() -> None:
        raise EngineError("native trainer: expected a C compiler, found none", next_step="Install gcc.")

    monkeypatch.setattr("edgehar.pipeline.training.trainers.load_trainer", broken)
    name, reason = choose_trainer(AUTO, lstm, RECIPE)
    assert name == KERAS
    assert "found none" in reason
    with pytest.raises(EngineError, match="found none"):
        choose_trainer(NATIVE, lstm, RECIPE)


def test_the_native_trainer_loads_no_tensorflow() -> None:
    program = (
        "import sys, numpy as np\n"
        "from edgehar.models.architecture import named_architecture\n"
        "from edgehar.pipeline.data.synthetic import synthetic_dataset\n"
        "from edgehar.pipeline.data.windows import make_windows\n"
        "from edgehar.pipeline.training.fit import fit\n"
        "from edgehar.pipeline.training.recipe import Recipe\n"
        "windows = make_windows(synthetic_dataset(people=2, seconds_per_activity=4))\n"
        "recipe = Recipe(epochs=1, learning_rate=0.01, batch_size=32)\n"
        "fit(named_architecture('lstm'), windows, recipe, train=np.arange(len(windows)), seed=0, trainer='native')\n"
        "assert not {'tensorflow', 'keras'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-P", "-c", program], check=True, timeout=120)
