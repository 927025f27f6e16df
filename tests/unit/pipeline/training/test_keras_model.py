"""Keras models: names, counts, weights both ways, and the same answers as the NumPy oracle."""

import numpy as np
import pytest

from models.architecture import ARCHITECTURE_NAMES, Architecture, SimpleRNN, named_architecture
from models.golden import golden_windows
from models.reference import forward, softmax
from pipeline.training.keras_model import get_weights, keras_model, set_weights, training_model
from pipeline.training.recurrence import tanh_recurrence
from pipeline.training.supervision import supervised_steps
from pipeline.training.tensorflow_start import keras, tf

NAMES = {
    "simple_rnn": ["Input", "RNN_1", "RNN_2", "Output"],
    "lstm": ["Input", "LSTM_1", "LSTM_2", "Output"],
    "gru": ["Input", "GRU_1", "GRU_2", "Output"],
}
COUNTS = {"simple_rnn": 3628, "lstm": 13324, "gru": 10284}


@pytest.mark.parametrize("name", ARCHITECTURE_NAMES)
def test_layers_and_parameters_are_those_of_the_architecture(name: str) -> None:
    architecture = named_architecture(name)
    deployed, trained = keras_model(architecture), training_model(architecture, supervised_steps(200, 10))
    assert [layer.name for layer in deployed.layers] == NAMES[name]
    assert deployed.count_params() == trained.count_params() == COUNTS[name] == architecture.parameter_count
    assert {key: value.shape for key, value in get_weights(trained).items()} == architecture.weight_shapes()
    assert list(get_weights(deployed)) == list(architecture.weight_shapes())


@pytest.mark.parametrize("name", ARCHITECTURE_NAMES)
def test_keras_answers_as_the_oracle_does(name: str, random_weights) -> None:
    architecture = named_architecture(name)
    weights = random_weights(architecture, 3)
    windows = golden_windows(200, 3)
    expected = forward(architecture, weights, windows)
    deployed, trained = keras_model(architecture), training_model(architecture, supervised_steps(200, 10))
    for model in (deployed, trained):
        set_weights(model, weights)
        assert all(np.array_equal(value, weights[key]) for key, value in get_weights(model).items())
    np.testing.assert_allclose(np.asarray(deployed(windows)), expected, atol=1e-5)
    np.testing.assert_allclose(softmax(np.asarray(trained(windows))[:, -1]), expected, atol=1e-5)


def test_answers_on_the_way_are_those_of_a_shorter_window(little_model: Architecture, random_weights) -> None:
    weights = random_weights(little_model, 1)
    windows = golden_windows(40, 3)
    model = training_model(little_model, supervised_steps(40, 10))
    set_weights(model, weights)
    answers = softmax(np.asarray(model(windows)))
    for place, seen in enumerate((10, 20, 30, 40)):
        np.testing.assert_allclose(answers[:, place], forward(little_model, weights, windows[:, :seen]), atol=1e-5)


def test_the_fast_recurrence_has_the_gradient_keras_finds(random_weights) -> None:
    layers = (SimpleRNN("one", 8, return_sequences=True), SimpleRNN("two", 8, return_sequences=True))
    architecture = Architecture("pair", 30, 3, layers)
    inputs = keras.Input((30, 3))
    slow = keras.Model(
        inputs,
        keras.layers.SimpleRNN(8, return_sequences=True, name="two")(
            keras.layers.SimpleRNN(8, return_sequences=True, name="one")(inputs)
        ),
    )
    fast = training_model(architecture, supervised_steps(30, 1))
    windows = tf.constant(golden_windows(30, 3))
    found = []
    for model in (slow, fast):
        set_weights(model, random_weights(architecture, 5))
        with tf.GradientTape() as tape:
            tape.watch(windows)
            loss = tf.reduce_sum(tf.sin(model(windows)) * tf.range(30, dtype=tf.float32)[:, tf.newaxis])
        found.append(tape.gradient(loss, [windows, *model.trainable_variables]))
    for of_slow, of_fast in zip(*found, strict=True):
        np.testing.assert_allclose(of_fast, of_slow, rtol=2e-4, atol=2e-3)


def test_the_fast_recurrence_has_the_numerical_gradient() -> None:
    rng = np.random.default_rng(0)
    projected, kernel, towards = rng.normal(size=(5, 2, 3)), rng.normal(size=(3, 3)), rng.normal(size=(5, 2, 3))

    def loss(values: np.ndarray) -> float:
        return float(tf.reduce_sum(tanh_recurrence(tf.constant(projected), tf.constant(values)) * towards))

    variable = tf.constant(kernel)
    with tf.GradientTape() as tape:
        tape.watch(variable)
        value = tf.reduce_sum(tanh_recurrence(tf.constant(projected), variable) * towards)
    analytic, step = np.asarray(tape.gradient(value, variable)), 1e-6
    for place in np.ndindex(3, 3):
        moved = [kernel.copy(), kernel.copy()]
        moved[0][place] += step
        moved[1][place] -= step
        assert (loss(moved[0]) - loss(moved[1])) / (2 * step) == pytest.approx(analytic[place], abs=1e-6)
