"""Quantized TFLite models: what is in the file, what it costs in accuracy, and what is refused."""

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from hypothesis import given, settings
from hypothesis import strategies as st

from edgehar.models.architecture import (
    ARCHITECTURE_NAMES,
    GRU,
    LSTM,
    Architecture,
    AveragePooling1D,
    Bidirectional,
    Branches,
    Conv1D,
    Dense,
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
from edgehar.models.engines import load_engine
from edgehar.models.engines.litert import TfliteModel
from edgehar.models.errors import CompileError
from edgehar.models.reference import forward
from edgehar.pipeline.compilers import Target, compile_bundle, compile_model, targets

RECURRENT = ("simple_rnn", "lstm", "gru")
TYPES = {code: name for name, code in vars(schema.TensorType).items() if not name.startswith("_")}


def contents(file: bytes) -> tuple[set[str], list, list]:
    """Return the types of all tensors, the operators of the main graph, and its tensors."""
    model = schema.ModelT.InitFromPackedBuf(file)
    types = {TYPES[tensor.type] for graph in model.subgraphs for tensor in graph.tensors}
    return types, model.subgraphs[0].operators, model.subgraphs[0].tensors


@pytest.fixture(scope="module")
def windows() -> np.ndarray:
    """Calibration windows."""
    return golden_windows(200, 3)


@pytest.mark.parametrize("name", RECURRENT)
def test_full_integer_has_no_float_tensor_anywhere(name: str, random_weights, windows: np.ndarray) -> None:
    architecture = named_architecture(name)
    artifact = compile_model(
        architecture, random_weights(architecture), format="tflite", quantization="int8", calibration=windows
    )
    types, _, _ = contents(artifact.content)
    assert types <= {"INT8", "INT16", "INT32", "INT64", "BOOL"}
    assert artifact.input.dtype == artifact.output.dtype == "int16"
    assert artifact.input.scale == 2.0**-11
    assert artifact.output.scale == 2.0**-15
    again = compile_model(
        architecture, random_weights(architecture), format="tflite", quantization="int8", calibration=windows
    )
    assert again.content == artifact.content


def test_integer_models_are_their_weights_and_little_more(random_weights, windows: np.ndarray) -> None:
    for name in RECURRENT:
        architecture = named_architecture(name)
        artifact = compile_model(
            architecture, random_weights(architecture), format="tflite", quantization="int8", calibration=windows
        )
        assert len(artifact.content) < architecture.parameter_count + 10_240


def test_the_cell_of_an_integer_lstm_may_grow_beyond_what_tanh_tells_apart(random_weights) -> None:
    """Gates held open make a counter of the cell: with steps of one it ends at the window's length."""
    architecture = Architecture("counter", 30, 3, (LSTM("a", 2), Dense("Output", 2, "softmax")))
    weights = {name: np.zeros_like(value) for name, value in random_weights(architecture).items()}
    weights["a/bias"][:] = [9, 9, 9, 9, 9, -9, 9, 9]
    weights["Output/kernel"][:] = [[1, -1], [1, -1]]
    window = np.zeros((1, 30, 3), np.float32)
    artifact = compile_model(architecture, weights, format="tflite", quantization="int8", calibration=window)
    found = TfliteModel(artifact.content, file=artifact.file, architecture=architecture).predict(window)
    np.testing.assert_allclose(found, forward(architecture, weights, window), atol=2e-3)


def test_integer_lstm_resolves_small_accelerations(random_bundle) -> None:
    """A hundredth of a g at rest must not vanish in the steps of an int8 that also holds 8 g."""
    bundle = random_bundle("lstm", seed=2, gain=2.0)
    generator = np.random.default_rng(0)
    loud = generator.normal(scale=2.5, size=(16, 200, 3)).clip(-8, 8).astype(np.float32)
    quiet = (np.float32([0.98, 0.1, 0.0]) + generator.normal(scale=0.01, size=(64, 200, 3))).astype(np.float32)
    compiled = compile_bundle(bundle, [Target("tflite", "int8")], calibration=loud)
    found = load_engine(compiled, "litert", "int8").predict(quiet)
    expected = forward(bundle.manifest.architecture, bundle.folded_weights, quiet)
    assert np.abs(found - expected).mean() < 0.003


@pytest.mark.parametrize(("quantization", "expected"), [("float16", "FLOAT16"), ("int8-weights", "INT8")])
@pytest.mark.parametrize("name", RECURRENT)
def test_small_weights_make_small_files(name: str, quantization: str, expected: str, random_weights) -> None:
    architecture = named_architecture(name)
    artifact = compile_model(architecture, random_weights(architecture), format="tflite", quantization=quantization)
    types, _, _ = contents(artifact.content)
    assert expected in types
    bytes_a_weight = {"float16": 2, "int8-weights": 1}[quantization]
    assert len(artifact.content) < bytes_a_weight * architecture.parameter_count + 7680


@pytest.mark.parametrize("quantization", ["float16", "int8-weights", "int8"])
@pytest.mark.parametrize("name", RECURRENT)
def test_little_accuracy_is_lost(name: str, quantization: str, random_bundle, windows: np.ndarray) -> None:
    bundle = random_bundle(name, seed=1)
    compiled = compile_bundle(bundle, [Target("tflite", quantization)], calibration=windows)
    found = load_engine(compiled, "litert", quantization).predict(windows)
    expected = bundle.golden["oracle"]
    assert np.abs(found - expected).max() < {"float16": 2e-3, "int8-weights": 0.05, "int8": 0.06}[quantization]
    np.testing.assert_array_equal(found, compiled.golden[f"model.{quantization}.tflite"])


def test_integers_need_calibration(random_weights) -> None:
    architecture = named_architecture("lstm")
    for nothing in (None, np.empty((0, 200, 3), np.float32)):
        with pytest.raises(CompileError, match="expected calibration windows of training subjects, got none"):
            compile_model(
                architecture, random_weights(architecture), format="tflite", quantization="int8", calibration=nothing
            )


def test_what_integers_cannot_express_is_not_offered() -> None:
    head = Dense("Output", 12, "softmax")
    for layer in (
        Dense("a", 4, "gelu"),
        LSTM("a", 4, True, activation="relu"),
        Bidirectional("a", "GRU", 4, True, merge="ave"),
    ):
        model = Architecture("other", 20, 3, (layer, Flatten("b"), head))
        assert Target("tflite", "int8") not in targets(model)
        assert Target("tflite", "int8-weights") in targets(model)


@pytest.mark.parametrize("name", sorted(set(ARCHITECTURE_NAMES) - {*RECURRENT, "stacked_gru"}))
def test_every_named_model_is_expressed_in_integers(name: str, random_bundle, windows: np.ndarray) -> None:
    bundle = random_bundle(name, seed=4)
    compiled = compile_bundle(bundle, [Target("tflite", "int8")], calibration=windows)
    types, _, _ = contents(compiled.files["model.int8.tflite"])
    assert types <= {"INT8", "INT16", "INT32", "INT64", "BOOL"}
    found = load_engine(compiled, "litert", "int8").predict(windows)
    np.testing.assert_allclose(found, bundle.golden["oracle"], atol=0.1)
    assert np.abs(found - bundle.golden["oracle"]).mean() < 0.005


DRAWN = {
    "conv": lambda name, draw: Conv1D(
        name,
        draw(st.integers(1, 6)),
        draw(st.integers(1, 4)),
        draw(st.sampled_from(["linear", "relu", "tanh", "sigmoid"])),
        draw(st.sampled_from(["valid", "same", "causal"])),
        strides=draw(st.integers(1, 2)),
    ),
    "dilated": lambda name, draw: Conv1D(name, 3, 2, "relu", "causal", draw(st.integers(1, 3))),
    "pool": lambda name, draw: draw(st.sampled_from([MaxPooling1D, AveragePooling1D]))(
        name, 2, padding=draw(st.sampled_from(["valid", "same"]))
    ),
    "block": lambda name, draw: TemporalBlock(name, draw(st.integers(1, 4)), 2, draw(st.integers(1, 2))),
    "attention": lambda name, draw: SelfAttention(
        name, draw(st.integers(1, 4)), heads=draw(st.integers(1, 3)), residual=draw(st.booleans())
    ),
    "both": lambda name, draw: Bidirectional(
        name,
        draw(st.sampled_from(["SimpleRNN", "LSTM", "GRU"])),
        3,
        True,
        merge=draw(st.sampled_from(["concat", "sum", "mul"])),
    ),
    "recurrent": lambda name, draw: draw(st.sampled_from([SimpleRNN, LSTM, GRU]))(name, 4, True),
    "branches": lambda name, draw: Branches(
        name,
        draw(st.sampled_from(["concat", "sum", "mul", "ave"])),
        (
            (Conv1D(f"{name}_a", 3, draw(st.integers(1, 3)), "relu", "same"),),
            (GRU(f"{name}_b", 3, True),),
            (Dense(f"{name}_c", 3, "tanh"), MaxPooling1D(f"{name}_d", 2, strides=1, padding="same")),
        )[: draw(st.integers(2, 3))],
    ),
    "around": lambda name, draw: Branches(name, "concat", ((), (Dense(f"{name}_a", draw(st.integers(1, 4)), "relu"),))),
    "dense": lambda name, draw: Dense(name, 4, draw(st.sampled_from(["linear", "relu", "tanh", "sigmoid"]))),
}
"""Layers from a sequence to a sequence that integers have."""

ENDS = (
    Flatten("end"),
    GlobalAveragePooling1D("end"),
    GlobalMaxPooling1D("end"),
    GRU("end", 4),
    Bidirectional("end", "LSTM", 3),
)


@settings(max_examples=30, deadline=None)
@given(data=st.data(), gain=st.sampled_from([0.0, 1.0, 30.0]), loudness_g=st.sampled_from([0.0, 1.0, 1e3]))
def test_any_network_of_integers_runs_and_is_near_its_floats(
    random_weights, data: st.DataObject, gain: float, loudness_g: float
) -> None:
    """Whatever stands behind what; with weights and inputs of a usual size, near the floats."""
    kinds = data.draw(st.lists(st.sampled_from(sorted(DRAWN)), max_size=3))
    layers = [DRAWN[kind](f"layer_{index}", data.draw) for index, kind in enumerate(kinds)]
    head = Dense("Output", 4, data.draw(st.sampled_from(["softmax", "sigmoid", "linear"])))
    architecture = Architecture("drawn", 16, 3, (*layers, data.draw(st.sampled_from(ENDS)), head))
    weights, generator = random_weights(architecture, 5, gain=gain), np.random.default_rng(6)
    windows = generator.normal(scale=loudness_g, size=(8, 16, 3)).astype(np.float32)
    artifact = compile_model(architecture, weights, format="tflite", quantization="int8", calibration=windows)
    found = TfliteModel(artifact.content, file=artifact.file, architecture=architecture).predict(windows)
    assert np.isfinite(found).all()
    if gain <= 1.0 and loudness_g <= 1.0:
        expected = forward(architecture, weights, windows)
        np.testing.assert_allclose(found, expected, atol=0.1 * max(1.0, float(np.abs(expected).max())))


def test_products_far_larger_than_what_comes_out_are_no_obstacle(random_weights) -> None:
    """Runtimes refuse a bias whose scale is not that of the products, to a share of the output's scale."""
    layers = (Dense("a", 4), Flatten("end"), Dense("Output", 4, "sigmoid"))
    architecture = Architecture("loud", 16, 3, layers)
    weights = random_weights(architecture, 5, gain=30.0)
    windows = np.random.default_rng(6).normal(scale=1e5, size=(8, 16, 3)).astype(np.float32)
    artifact = compile_model(architecture, weights, format="tflite", quantization="int8", calibration=windows)
    found = TfliteModel(artifact.content, file=artifact.file, architecture=architecture).predict(windows)
    assert np.isfinite(found).all()


def test_a_mixed_stack_is_expressed_in_integers(random_bundle) -> None:
    head = Dense("Output", 12, "softmax")
    layers = (LSTM("a", 4, return_sequences=True), GRU("b", 4, return_sequences=True), SimpleRNN("c", 4), head)
    bundle = random_bundle(Architecture("mixed", 20, 3, layers), seed=2)
    made = compile_bundle(bundle, [Target("tflite", "int8")], calibration=bundle.golden["windows"])
    found = load_engine(made, "litert", "int8").predict(made.golden["windows"])
    np.testing.assert_allclose(found, made.golden["oracle"], atol=0.03)


@settings(max_examples=20, deadline=None)
@given(
    kind=st.sampled_from([SimpleRNN, LSTM, GRU]),
    depth=st.integers(1, 3),
    units=st.integers(1, 9),
    reset_after=st.booleans(),
    gain=st.sampled_from([0.0, 1e-3, 1.0, 30.0]),
    loudness_g=st.sampled_from([0.0, 1.0, 1e3]),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_integer_model_runs_and_gives_probabilities(
    random_weights, kind: type, depth: int, units: int, reset_after: bool, gain: float, loudness_g: float, seed: int
) -> None:
    options = {"reset_after": reset_after} if kind is GRU else {}
    layers = tuple(
        kind(f"layer_{index}", units, return_sequences=index < depth - 1, **options) for index in range(depth)
    )
    architecture = Architecture("drawn", 12, 3, (*layers, Dense("hidden", 5, "relu"), Dense("Output", 4, "softmax")))
    weights = random_weights(architecture, seed, gain=gain)
    generator = np.random.default_rng(seed)
    windows = generator.normal(scale=loudness_g, size=(8, 12, 3)).astype(np.float32)
    artifact = compile_model(architecture, weights, format="tflite", quantization="int8", calibration=windows)
    found = TfliteModel(artifact.content, file=artifact.file, architecture=architecture).predict(windows)
    assert found.min() >= 0
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=0.01)
    if gain <= 1.0 and loudness_g <= 1.0:
        expected = forward(architecture, weights, windows)
        np.testing.assert_allclose(found, expected, atol=0.1)
