"""Keras models: names, counts, weights both ways, and the same answers as the NumPy oracle."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgehar.models.architecture import (
    ARCHITECTURE_NAMES,
    GRU,
    LSTM,
    Architecture,
    Bidirectional,
    Conv1D,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePooling1D,
    GlobalMaxPooling1D,
    MaxPooling1D,
    SelfAttention,
    SimpleRNN,
    TemporalBlock,
    named_architecture,
)
from edgehar.models.bundle.golden import golden_windows
from edgehar.models.normalization import Normalization, fold_normalization
from edgehar.models.reference import forward, softmax
from edgehar.pipeline.training.keras_model import (
    get_weights,
    keras_model,
    set_weights,
    training_model,
)
from edgehar.pipeline.training.recurrence import tanh_recurrence
from edgehar.pipeline.training.supervision import answers_on_the_way, supervised_steps
from edgehar.pipeline.training.tensorflow_start import keras, tf

NAMES = {
    "simple_rnn": ["Input", "RNN_1", "RNN_2", "Output"],
    "lstm": ["Input", "LSTM_1", "LSTM_2", "Output"],
    "gru": ["Input", "GRU_1", "GRU_2", "Output"],
}
"""The course's names."""


def steps_of(architecture: Architecture) -> np.ndarray:
    """Return the steps at which a model is asked in training."""
    return supervised_steps(200, 10 if answers_on_the_way(architecture) else 0)


@pytest.mark.parametrize("name", ARCHITECTURE_NAMES)
def test_layers_and_parameters_are_those_of_the_architecture(name: str) -> None:
    architecture = named_architecture(name)
    deployed, trained = keras_model(architecture), training_model(architecture, steps_of(architecture))
    assert [layer.name for layer in deployed.layers] == ["Input", *(layer.name for layer in architecture.layers)]
    assert [layer.name for layer in deployed.layers] == NAMES.get(name, [layer.name for layer in deployed.layers])
    assert deployed.count_params() == trained.count_params() == architecture.parameter_count
    assert {key: value.shape for key, value in get_weights(trained).items()} == architecture.weight_shapes()
    assert list(get_weights(deployed)) == list(architecture.weight_shapes())


@pytest.mark.parametrize("name", ARCHITECTURE_NAMES)
def test_keras_answers_as_the_oracle_does(name: str, random_weights) -> None:
    architecture = named_architecture(name)
    weights = random_weights(architecture, 3)
    windows = golden_windows(200, 3)
    expected = forward(architecture, weights, windows)
    deployed, trained = keras_model(architecture), training_model(architecture, steps_of(architecture))
    for model in (deployed, trained):
        set_weights(model, weights)
        assert all(np.array_equal(value, weights[key]) for key, value in get_weights(model).items())
    np.testing.assert_allclose(np.asarray(deployed(windows)), expected, atol=1e-5)
    np.testing.assert_allclose(softmax(np.asarray(trained(windows))[:, -1]), expected, atol=1e-5)


@st.composite
def _families(draw: st.DrawFn) -> Architecture:
    """Draw an architecture with every kind of first layer, and what may follow it."""
    padding, dilation = draw(st.sampled_from(["valid", "same", "causal"])), draw(st.integers(1, 3))
    first = draw(
        st.sampled_from(
            [
                Conv1D("first", 4, draw(st.integers(1, 4)), "tanh", padding, dilation),
                TemporalBlock("first", draw(st.sampled_from([4, 5])), 2, dilation),
                Bidirectional("first", draw(st.sampled_from(["SimpleRNN", "LSTM", "GRU"])), 3, True),
                GRU("first", 4, True, draw(st.booleans())),
                MaxPooling1D("first", 2),
                Dense("first", 4, "sigmoid"),
            ]
        )
    )
    middle = draw(
        st.sampled_from(
            [
                Conv1D("second", 3, 2, "relu", "same", 2),
                TemporalBlock("second", 4, 2, 2),
                MaxPooling1D("second", 3),
                Dropout("second", 0.5),
            ]
        )
    )
    attention = (SelfAttention("third", 3),) if draw(st.booleans()) and not isinstance(first, MaxPooling1D) else ()
    last = draw(
        st.sampled_from([Flatten("last"), GlobalAveragePooling1D("last"), GlobalMaxPooling1D("last"), LSTM("last", 3)])
    )
    if isinstance(first, MaxPooling1D):
        middle = Conv1D("second", 3, 2, "relu", padding, 2)
    return Architecture("family", 16, 3, (first, middle, *attention, last, Dense("Output", 4, "softmax")))


@settings(max_examples=25, deadline=None)
@given(architecture=_families(), seed=st.integers(0, 2**32 - 1))
def test_raw_windows_give_what_keras_makes_of_normalised_ones(
    random_weights, architecture: Architecture, seed: int
) -> None:
    """Folding must mean the same as in training, also where a convolution looks beyond the ends of the window."""
    weights = random_weights(architecture, seed)
    normalization = Normalization((0.9, -0.4, 0.2), (0.5, 0.2, 1.7))
    windows = np.random.default_rng(seed).normal(size=(3, 16, 3)).astype(np.float32)
    model = keras_model(architecture)
    set_weights(model, weights)
    found = forward(architecture, fold_normalization(architecture, weights, normalization), windows)
    np.testing.assert_allclose(found, np.asarray(model(normalization.apply(windows))), atol=1e-5)


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
