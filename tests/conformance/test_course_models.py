"""The models of a course on recurrent networks: trained a little, imported, compiled, proven on every engine."""

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import edgehar
from edgehar.models.engines import ENGINES, missing_reason, runnable
from edgehar.models.verification import verify_bundle
from edgehar.pipeline.compilers import compile_bundle, targets

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

VOCABULARY, LENGTH = 40, 14
FORECAST = {"lookback": 24, "step": 2, "delay": 6}


@pytest.fixture(scope="module")
def keras() -> Any:
    """Keras on the processor."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
    return pytest.importorskip("keras")


def movements() -> tuple[np.ndarray, np.ndarray]:
    """Windows of three activities: they swing at other rates."""
    generator = np.random.default_rng(1)
    labels = np.arange(96) % 3
    time = np.arange(20)[:, np.newaxis]
    windows = np.sin(0.3 * (labels[:, np.newaxis, np.newaxis] + 1) * time + generator.uniform(0, 6, (96, 1, 3)))
    return (windows + generator.normal(scale=0.1, size=windows.shape)).astype("f"), labels


def cut_short() -> tuple[np.ndarray, np.ndarray]:
    """The same windows, of which most end early: the rest are samples that stand for none."""
    windows, labels = movements()
    for window, length in zip(windows, np.random.default_rng(4).integers(8, 30, len(windows)), strict=True):
        window[length:] = -9.0
    return windows, labels


def messages() -> tuple[np.ndarray, np.ndarray]:
    """Texts as numbers of words; those that hold one of a few words are unwanted."""
    texts = np.random.default_rng(2).integers(0, VOCABULARY, (96, LENGTH))
    return texts, (texts < 3).any(axis=1).astype("f")[:, np.newaxis]


def temperatures(horizon: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Windows of a series with days in it, and the temperature some hours later."""
    generator = np.random.default_rng(3)
    hours = np.arange(400)
    day = np.sin(2 * np.pi * hours / 24)
    series = np.stack([15 + 8 * day, 1000 + generator.normal(size=400).cumsum(), 60 - 20 * day], axis=1)
    found = edgehar.forecast_windows(series, horizon=horizon, training_rows=200, **FORECAST)
    return found.inputs[:96], found.targets[:96]


def several_hours() -> tuple[np.ndarray, np.ndarray]:
    """Four temperatures, one after the other."""
    return temperatures(horizon=4)


def stack(*layers: Callable[[Any], Any]) -> Callable[[Any, Any], Any]:
    """Return what puts layers, each a function of ``keras.layers``, one behind the other."""

    def build(kl: Any, values: Any) -> Any:
        for layer in layers:
            values = layer(kl)(values)
        return values

    return build


def temporal(kl: Any, values: Any) -> Any:
    """Causal dilated convolutions with a way around each."""
    for dilation in (1, 2):
        inner = kl.Conv1D(6, 3, padding="causal", dilation_rate=dilation, activation="relu")(values)
        values = kl.Add()([kl.Conv1D(6, 1)(values), inner])
    return kl.Dense(1)(kl.GlobalAveragePooling1D()(values))


def attention(kl: Any, values: Any) -> Any:
    """An encoder's block of a transformer."""
    values = kl.Dense(6)(values)
    values = kl.LayerNormalization()(kl.Add()([values, kl.MultiHeadAttention(2, 4)(values, values)]))
    return kl.Dense(1)(kl.GlobalMaxPooling1D()(values))


def three(kl: Any) -> Any:
    """A head for three activities."""
    return kl.Dense(3, "softmax")


def yes_or_no(kl: Any) -> Any:
    """A head for one question."""
    return kl.Dense(1, "sigmoid")


def number(kl: Any) -> Any:
    """A head for one forecast."""
    return kl.Dense(1)


MODELS: dict[str, tuple[Callable[[], Any], str, Callable[[Any, Any], Any], bool]] = {
    "perceptron": (movements, "sparse_categorical_crossentropy", stack(lambda kl: kl.Flatten(), three), True),
    **{
        name: (
            movements,
            "sparse_categorical_crossentropy",
            stack(lambda kl, name=name: getattr(kl, name)(6), three),
            True,
        )
        for name in ("SimpleRNN", "LSTM", "GRU")
    },
    "three SimpleRNN over words": (
        messages,
        "binary_crossentropy",
        stack(
            lambda kl: kl.Embedding(VOCABULARY, 4),
            lambda kl: kl.SimpleRNN(5, return_sequences=True),
            lambda kl: kl.SimpleRNN(5, return_sequences=True),
            lambda kl: kl.SimpleRNN(5),
            yes_or_no,
        ),
        False,
    ),
    "LSTM over words": (
        messages,
        "binary_crossentropy",
        stack(lambda kl: kl.Embedding(VOCABULARY, 4), lambda kl: kl.LSTM(5), yes_or_no),
        False,
    ),
    "dense forecast": (
        temperatures,
        "mse",
        stack(lambda kl: kl.Flatten(), lambda kl: kl.Dense(8, "relu"), number),
        True,
    ),
    "GRU forecast": (temperatures, "mse", stack(lambda kl: kl.GRU(6), number), True),
    "stacked GRU with dropout": (
        temperatures,
        "mse",
        stack(
            lambda kl: kl.GRU(6, dropout=0.1, recurrent_dropout=0.5, return_sequences=True),
            lambda kl: kl.GRU(6, dropout=0.1, recurrent_dropout=0.5),
            number,
        ),
        True,
    ),
    "bidirectional GRU": (temperatures, "mse", stack(lambda kl: kl.Bidirectional(kl.GRU(5)), number), True),
    "convolutions": (
        temperatures,
        "mse",
        stack(
            lambda kl: kl.Conv1D(6, 3, activation="relu"),
            lambda kl: kl.MaxPooling1D(2),
            lambda kl: kl.Conv1D(6, 3, activation="relu"),
            lambda kl: kl.GlobalMaxPooling1D(),
            number,
        ),
        True,
    ),
    "convolution and GRU": (
        temperatures,
        "mse",
        stack(
            lambda kl: kl.Conv1D(6, 3, activation="relu"),
            lambda kl: kl.MaxPooling1D(2),
            lambda kl: kl.GRU(5, dropout=0.1, recurrent_dropout=0.5),
            number,
        ),
        True,
    ),
    "temporal convolutions": (temperatures, "mse", temporal, True),
    "attention": (temperatures, "mse", attention, False),
    "GRU over windows cut short": (
        cut_short,
        "sparse_categorical_crossentropy",
        stack(lambda kl: kl.Masking(-9.0), lambda kl: kl.GRU(6), three),
        True,
    ),
    "several steps": (several_hours, "mse", stack(lambda kl: kl.LSTM(6), lambda kl: kl.Dense(4)), True),
}
"""Data, loss, layers, and whether the C engine runs it."""


@pytest.mark.parametrize("name", MODELS)
def test_a_trained_model_is_the_same_on_every_engine(name: str, keras: Any) -> None:
    """Within 1e-5 of what Keras gives for the very inputs it learned from."""
    make, loss, build, on_chips = MODELS[name]
    keras.backend.clear_session()
    keras.utils.set_random_seed(5)
    inputs, expected = make()
    start = keras.Input(inputs.shape[1:])
    model = keras.Model(start, build(keras.layers, start))
    model.compile(keras.optimizers.Adam(0.01), loss, run_eagerly=True)
    losses = [float(model.train_on_batch(inputs, expected)) for _ in range(5)]
    assert losses[-1] < losses[0]

    bundle = edgehar.import_model(model, data=inputs)
    compared = bundle.manifest.provenance.configuration["imported"]["comparisons"]
    assert [each["max_abs_error"] <= 1e-5 for each in compared] == [True, True]
    able = [target for target in targets(bundle.manifest.architecture) if target.quantization in ("float32", "int8")]
    assert ("c" in {target.format for target in able}) == on_chips
    compiled = compile_bundle(bundle, able, calibration=inputs if inputs.ndim == 3 else inputs[..., np.newaxis])
    for engine in ENGINES:
        if (reason := missing_reason(engine)) is not None:
            pytest.skip(reason)
    result = verify_bundle(compiled)
    assert result.ok, [row.reason for row in result.artifacts]
    theirs = np.asarray(model(inputs, training=False))
    for engine, file, quantization in runnable(compiled):
        found = edgehar.predict(compiled.only(file), inputs, engine=engine, quantization=quantization)
        close = 1e-5 if quantization == "float32" else 0.05
        np.testing.assert_allclose(found, theirs, rtol=close, atol=close, err_msg=f"{engine} {file}")


def test_the_loop_that_the_course_writes_by_hand_is_the_oracle_s(keras: Any) -> None:
    """A SimpleRNN is ten lines of NumPy: state = tanh(W x + U state + b), step after step."""
    keras.backend.clear_session()
    start = keras.Input((20, 3))
    model = keras.Model(start, keras.layers.SimpleRNN(4, bias_initializer="random_normal")(start))
    kernel, recurrent_kernel, bias = (np.asarray(weight) for weight in model.get_weights())
    windows, _ = movements()
    states = np.zeros((len(windows), 4))
    for step in range(20):
        states = np.tanh(windows[:, step] @ kernel + states @ recurrent_kernel + bias)
    found = edgehar.predict(edgehar.import_model(model), windows, engine="numpy")
    np.testing.assert_allclose(found, states, atol=1e-6)
