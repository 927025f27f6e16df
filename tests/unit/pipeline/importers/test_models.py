"""People's models, built with Keras, against what the importer makes of them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgehar.models.engines import load_engine, runnable
from edgehar.models.verification import verify_bundle
from edgehar.pipeline.compilers import compile_bundle
from edgehar.pipeline.importers import import_model

# Keras 3 copies its variables in a way that NumPy 2 warns of.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

WINDOW = (24, 3)
FORMATS = {"tflite", "onnx"}


def chain(*layers: Any, window: tuple[int, int] = WINDOW) -> Callable[[Any], Any]:
    """Return what builds a Sequential of these layers, each given as a function of ``keras.layers``."""
    return lambda keras: keras.Sequential(
        [keras.Input(window), *(layer for make in layers for layer in [make(keras.layers)])]
    )


def head(kl: Any) -> Any:
    """The layer most classifiers end in."""
    return kl.Dense(4, "softmax", name="head")


MODELS: dict[str, Callable[[Any], Any]] = {
    "two SimpleRNN": chain(lambda kl: kl.SimpleRNN(8, return_sequences=True), lambda kl: kl.SimpleRNN(8), head),
    "two LSTM with dropout": chain(
        lambda kl: kl.LSTM(8, return_sequences=True),
        lambda kl: kl.Dropout(0.2),
        lambda kl: kl.LSTM(6, recurrent_dropout=0.2),
        lambda kl: kl.Dropout(0.5),
        head,
        window=(16, 9),
    ),
    "two GRU": chain(lambda kl: kl.GRU(8, return_sequences=True), lambda kl: kl.GRU(8), head),
    "GRU that resets before": chain(lambda kl: kl.GRU(8, reset_after=False), head),
    "no biases": chain(
        lambda kl: kl.Conv1D(5, 3, use_bias=False),
        lambda kl: kl.SimpleRNN(6, use_bias=False, return_sequences=True),
        lambda kl: kl.LSTM(6, use_bias=False, return_sequences=True),
        lambda kl: kl.GRU(6, use_bias=False),
        lambda kl: kl.Dense(4, "softmax", use_bias=False),
    ),
    "bidirectional": chain(
        lambda kl: kl.Bidirectional(kl.LSTM(5, return_sequences=True)), lambda kl: kl.Bidirectional(kl.GRU(5)), head
    ),
    "convolution and LSTM": chain(
        lambda kl: kl.Conv1D(8, 5, activation="relu"), lambda kl: kl.MaxPooling1D(2), lambda kl: kl.LSTM(8), head
    ),
    "convolutions": chain(
        lambda kl: kl.Conv1D(8, 3, padding="same", activation="tanh"),
        lambda kl: kl.Conv1D(6, 3, padding="causal", dilation_rate=2),
        lambda kl: kl.GlobalMaxPooling1D(),
        head,
    ),
    **{
        f"cells of {name}": chain(
            lambda kl, name=name: kl.SimpleRNN(5, activation=name, return_sequences=True),
            lambda kl, name=name: kl.GRU(5, activation=name, return_sequences=True),
            lambda kl, name=name: kl.LSTM(5, activation=name, recurrent_activation="hard_sigmoid"),
            head,
        )
        for name in ("relu", "softsign", "elu", "leaky_relu", "hard_sigmoid")
    },
    "activations": chain(
        lambda kl: kl.Conv1D(6, 3, activation="gelu"),
        lambda kl: kl.Activation("silu"),
        lambda kl: kl.ReLU(),
        lambda kl: kl.GlobalAveragePooling1D(),
        lambda kl: kl.Dense(6, "elu"),
        lambda kl: kl.LeakyReLU(),
        lambda kl: kl.Dense(6, "softplus"),
        lambda kl: kl.ELU(),
        lambda kl: kl.Dense(4),
        lambda kl: kl.Softmax(),
    ),
    "normalisations": chain(
        lambda kl: kl.Normalization(mean=[0.1, 0.2, 0.9], variance=[1.5, 0.5, 1.0]),
        lambda kl: kl.Conv1D(6, 3, activation="relu"),
        lambda kl: kl.BatchNormalization(),
        lambda kl: kl.LSTM(6, return_sequences=True),
        lambda kl: kl.LayerNormalization(),
        lambda kl: kl.GRU(6),
        lambda kl: kl.BatchNormalization(scale=False),
        lambda kl: kl.Dense(6),
        lambda kl: kl.BatchNormalization(center=False),
        lambda kl: kl.Activation("relu"),
        head,
    ),
    "normalisations that stay": chain(
        lambda kl: kl.BatchNormalization(),
        lambda kl: kl.Conv1D(6, 3, padding="same"),
        lambda kl: kl.Rescaling(0.5, offset=0.1),
        lambda kl: kl.MaxPooling1D(2),
        lambda kl: kl.BatchNormalization(),
        lambda kl: kl.Flatten(),
        head,
    ),
    "strides and pools": chain(
        lambda kl: kl.Conv1D(6, 4, strides=2, padding="same"),
        lambda kl: kl.AveragePooling1D(3, strides=2, padding="same"),
        lambda kl: kl.Conv1D(6, 3, strides=2, padding="causal"),
        lambda kl: kl.MaxPooling1D(2, strides=1),
        lambda kl: kl.LSTM(5),
        head,
    ),
    "backwards and merged": chain(
        lambda kl: kl.GRU(5, go_backwards=True, return_sequences=True),
        lambda kl: kl.Bidirectional(kl.GRU(5, return_sequences=True, reset_after=False), merge_mode="sum"),
        lambda kl: kl.Bidirectional(kl.LSTM(5, return_sequences=True, activation="relu"), merge_mode="mul"),
        lambda kl: kl.Bidirectional(kl.SimpleRNN(5), merge_mode="ave"),
        head,
    ),
    "autoencoder": chain(
        lambda kl: kl.LSTM(5),
        lambda kl: kl.RepeatVector(24),
        lambda kl: kl.LSTM(5, return_sequences=True),
        lambda kl: kl.TimeDistributed(kl.Dense(3)),
    ),
    "label for every step": chain(
        lambda kl: kl.LSTM(5, return_sequences=True), lambda kl: kl.TimeDistributed(kl.Dense(4, "softmax"))
    ),
    "several labels": chain(lambda kl: kl.LSTM(5), lambda kl: kl.Dense(3, "sigmoid")),
    "yes or no": chain(lambda kl: kl.LSTM(5), lambda kl: kl.Dense(1, "sigmoid")),
    "forecast": chain(lambda kl: kl.GRU(5), lambda kl: kl.Dense(6), window=(16, 1)),
    "reshaped": chain(
        lambda kl: kl.Reshape((12, 6)), lambda kl: kl.LSTM(5), lambda kl: kl.Dense(6), lambda kl: kl.Reshape((-1, 2))
    ),
    "sequence and flatten": chain(
        lambda kl: kl.LSTM(4, return_sequences=True), lambda kl: kl.SpatialDropout1D(0.1), lambda kl: kl.Flatten(), head
    ),
}


def residual(keras: Any) -> Any:
    """An encoder of a transformer, whose blocks go around themselves, and a branch that is joined at the end."""
    kl = keras.layers
    inputs = keras.Input(WINDOW)
    values = kl.Dense(6)(inputs)
    attended = kl.MultiHeadAttention(2, 5, name="attention")(values, values)
    values = kl.LayerNormalization()(kl.Add()([values, attended]))
    inner = kl.Dense(6)(kl.Dense(9, "gelu")(values))
    values = kl.LayerNormalization()(kl.Average()([values, inner]))
    ends = kl.Concatenate()([kl.GlobalAveragePooling1D()(values), kl.Flatten()(kl.Conv1D(2, 3)(values))])
    return keras.Model(inputs, head(kl)(kl.Concatenate()([ends, kl.LSTM(4)(inputs)])))


def gated(keras: Any) -> Any:
    """Branches of one kind of layer, within branches, multiplied."""
    kl = keras.layers
    inputs = keras.Input(WINDOW)
    left = kl.BatchNormalization()(kl.Conv1D(4, 3, padding="same")(inputs))
    left = kl.Add()([left, kl.Conv1D(4, 5, padding="same", activation="relu")(left)])
    values = kl.Multiply()([left, kl.Conv1D(4, 1, activation="sigmoid")(inputs)])
    return keras.Model(inputs, head(kl)(kl.SimpleRNN(5)(values)))


MODELS |= {
    "residual": residual,
    "gated": gated,
    "tokens": chain(
        lambda kl: kl.Embedding(50, 6), lambda kl: kl.LSTM(5), lambda kl: kl.Dense(1, "sigmoid"), window=(20,)
    ),
    "tokens in branches": lambda keras: (
        lambda kl, inputs: (
            lambda values: keras.Model(
                inputs, head(kl)(kl.Concatenate()([kl.GRU(4)(values), kl.GlobalMaxPooling1D()(values)]))
            )
        )(kl.Embedding(30, 4)(inputs))
    )(keras.layers, keras.Input((12,))),
    "attention alone": lambda keras: (
        lambda kl, inputs: keras.Model(
            inputs, head(kl)(kl.GlobalMaxPooling1D()(kl.MultiHeadAttention(1, 4, use_bias=False)(inputs, inputs)))
        )
    )(keras.layers, keras.Input(WINDOW)),
}


@pytest.fixture(params=MODELS)
def model(request: pytest.FixtureRequest, keras: Any, lively: Any) -> Any:
    """One of the models, with a value of its own for every weight."""
    keras.backend.clear_session()
    return lively(MODELS[request.param](keras))


def test_a_model_gives_the_same_on_every_engine(model: Any) -> None:
    """The oracle, and every file that is compiled, are within 1e-5 of Keras on inputs that no golden window is."""
    bundle = import_model(model)
    compared = bundle.manifest.provenance.configuration["imported"]["comparisons"]
    assert compared[0]["max_abs_error"] <= 1e-5
    compiled = compile_bundle(bundle)
    assert {entry.format for entry in compiled.manifest.artifacts} >= FORMATS
    generator, shape = np.random.default_rng(1), (5, *model.input_shape[1:])
    takes_tokens = bundle.manifest.architecture.vocabulary is not None
    windows = generator.integers(30, size=shape) if takes_tokens else generator.normal(size=shape).astype(np.float32)
    expected = np.asarray(model(windows))
    for name, file, quantization in runnable(compiled):
        found = load_engine(compiled.only(file), name, quantization).predict(windows)
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5, err_msg=f"{name} {file}")
    result = verify_bundle(compiled)
    assert result.ok, result


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_file_holds_what_the_model_in_memory_holds(model: Any, suffix: str, tmp_path: Path) -> None:
    """Both kinds of files are read without Keras, and give the layers and weights of the model itself."""
    path = tmp_path / f"model{suffix}"
    model.save(path)
    expected = import_model(model, compare_with_source=False)
    found = import_model(path, compare_with_source=False)
    assert found.manifest.architecture.layers == expected.manifest.architecture.layers
    for name, values in expected.weights.items():
        np.testing.assert_array_equal(found.weights[name], values, err_msg=name)
