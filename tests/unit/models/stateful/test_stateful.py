"""A stream gives what its windows give, on every engine, however many samples are taken at once."""

from dataclasses import replace

import numpy as np
import pytest

import edgehar
from edgehar.models.agreement import largest_error, oracle_outputs
from edgehar.models.architecture import (
    GRU,
    LSTM,
    Activation,
    Affine,
    Architecture,
    Bidirectional,
    Conv1D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GlobalAveragePooling1D,
    LayerNormalization,
    SimpleRNN,
)
from edgehar.models.architecture.stateful import STATEFUL
from edgehar.models.bundle import Bundle, make_bundle
from edgehar.models.bundle.golden import golden_inputs
from edgehar.models.bundle.manifest import DecoderSpec, Provenance, WindowSpec
from edgehar.models.bundle.tasks import task_of
from edgehar.models.engines import load_engine
from edgehar.models.errors import DataError, EngineError, UsageError
from edgehar.models.normalization import Normalization
from edgehar.models.reference.stateful import step, zero_states
from edgehar.models.stateful import STREAMS, StatefulModel, load_stateful, load_stream, stateful_runs
from edgehar.models.stateful.native import NativeStream
from edgehar.models.stateful.stream import whole_windows
from edgehar.models.verification import verify_bundle
from edgehar.pipeline.compilers import Target, compile_bundle, targets

STREAMED = {
    "stack of 200": (LSTM("LSTM_1", 6, True), LSTM("LSTM_2", 5), Dense("Output", 4, "softmax")),
    "mixed": (
        SimpleRNN("RNN", 5, True),
        Dense("Between", 4, "tanh"),
        GRU("GRU", 6, reset_after=False),
        Dropout("Dropout", 0.5),
        Dense("Hidden", 7, "relu"),
        Dense("Output", 3, "softmax"),
    ),
    "yes or no": (GRU("GRU", 6), Dense("Output", 2, "sigmoid")),
    "numbers": (LSTM("LSTM", 5, activation="relu", recurrent_activation="hard_sigmoid"), Dense("Output", 2)),
    "forecast": (GRU("GRU", 6), Dense("Output", 2)),
    "every step": (
        GRU("GRU_1", 4, True),
        LayerNormalization("Norm", 1e-3),
        SimpleRNN("RNN", 5, True),
        Dense("Output", 3),
    ),
    "no head": (Affine("Scale"), LSTM("LSTM", 4, True), SimpleRNN("Output", 3)),
    "activation": (SimpleRNN("RNN_h", 4), Dense("Linear", 3), Activation("Output", "softmax")),
    "tokens": (Embedding("Words", 11, 4), LSTM("LSTM", 5), Dense("Output", 3, "softmax")),
}


@pytest.fixture(scope="module")
def raw_bundle(random_weights):
    """A function that makes a bundle of an untrained model that takes its input as it is."""

    def make(name: str, layers: tuple, window: int, *, gain: float = 0.5) -> Bundle:
        channels = 1 if isinstance(layers[0], Embedding) else 3
        architecture = Architecture(name.replace(" ", "_"), window, channels, layers)
        return make_bundle(
            architecture=architecture,
            labels=[f"label {number}" for number in range(architecture.classes)],
            window=WindowSpec(window, 1, 100.0, ("x", "y", "z")[:channels], "as trained", "", ""),
            normalization=Normalization((0.0,) * channels, (1.0,) * channels),
            weights=random_weights(architecture, gain=gain),
            decoder=DecoderSpec(1, 0.0, 0),
            provenance=Provenance("random weights", "", "", 0, True, "2026-01-01T00:00:00Z", {}, {}),
            task=task_of(architecture),
        )

    return make


@pytest.fixture(scope="module", params=STREAMED)
def bundle(request, raw_bundle) -> Bundle:
    """A model with every float file that carries state."""
    made = raw_bundle(request.param, STREAMED[request.param], 200 if request.param.endswith("200") else 21)
    wanted = [each for each in targets(made.manifest.architecture, stateful=True) if each.quantization == "float32"]
    return compile_bundle(made, wanted)


def test_every_engine_gives_of_a_stream_what_the_oracle_gives_of_its_window(bundle: Bundle, need_engine) -> None:
    windows = bundle.golden["windows"][:3]
    expected, length = oracle_outputs(bundle, windows), windows.shape[1]
    engines = {engine for engine, _, _ in stateful_runs(bundle)}
    assert {"litert", "onnxruntime", "numpy"} <= engines <= set(STREAMS)
    for engine in engines:
        need_engine(engine)
        model = load_stateful(bundle, engine)
        for block in (1, 7, length):
            for window, wanted in zip(windows, expected, strict=True):
                model.reset()
                parts = [model.step(window[start : start + block]) for start in range(0, length, block)]
                found = np.concatenate(parts) if wanted.ndim > 1 else parts[-1]
                assert largest_error(found, wanted) <= 1e-5, (engine, block)


def test_verification_steps_through_every_file(bundle: Bundle) -> None:
    rows = [row for row in verify_bundle(bundle).artifacts if row.stateful]
    assert {(row.engine, row.artifact) for row in rows} == {run[:2] for run in stateful_runs(bundle)}
    assert all(row.ok and row.checked for row in rows), [row.reason for row in rows]


@pytest.fixture(scope="module")
def lstm(random_bundle) -> Bundle:
    """Two layers of LSTM in every quantization."""
    layers = (LSTM("LSTM_1", 6, True), LSTM("LSTM_2", 5), Dense("Output", 4, "softmax"))
    architecture = Architecture("lstm", 20, 3, layers)
    every = [*targets(architecture, stateful=True), Target("tflite", "int8")]
    made = random_bundle(architecture)
    return compile_bundle(made, every, calibration=made.golden["windows"])


def test_every_quantization_is_proven(lstm: Bundle) -> None:
    result = verify_bundle(lstm)
    assert result.ok, [row.reason for row in result.artifacts if not row.ok]
    found = {(row.engine, row.quantization) for row in result.artifacts if row.stateful}
    assert found >= {
        ("litert", "int8-hybrid"),
        ("litert", "int8"),
        ("onnxruntime", "int8-weights"),
        ("native", "int8"),
        ("numpy", "float32"),
    }


def test_integers_of_a_stream_are_those_of_the_windows_bit_for_bit(lstm: Bundle, need_engine) -> None:
    need_engine("native")
    windows = lstm.golden["windows"]
    found = whole_windows(
        load_stream(lstm, "native", "model.int8.harc"), lstm.manifest.architecture, windows, at_once=3
    )
    np.testing.assert_array_equal(found, load_engine(lstm, "native", "int8").predict(windows))


@pytest.mark.parametrize("block", [1, 5])
def test_integers_of_a_tflite_stream_are_those_of_the_windows(lstm: Bundle, block: int, need_engine) -> None:
    """States are int16 in the file and numbers outside, which hold every one of them."""
    need_engine("litert")
    windows = lstm.golden["windows"]
    target = Target(STATEFUL["tflite"], "int8")
    bundle = compile_bundle(lstm, [target], calibration=windows, block=block)
    model = load_stateful(bundle, "litert", "int8")
    expected = load_engine(lstm, "litert", "int8").predict(windows)
    for window, wanted in zip(windows[:6], expected, strict=False):
        model.reset()
        np.testing.assert_array_equal(model.step(window), wanted)
    entry = bundle.manifest.artifact(format=target.format, quantization="int8")
    assert (entry.input.dtype, entry.input.shape, entry.output.dtype) == ("int16", (1, block, 3), "int16")


def test_the_integers_of_a_cell_saturate_in_a_stream_without_an_end(lstm: Bundle, need_engine) -> None:
    need_engine("native")
    weights = {name: np.zeros_like(values) for name, values in lstm.weights.items()}
    weights["LSTM_1/bias"] += 30.0
    made = make_bundle(
        **{name: getattr(lstm.manifest, name) for name in ("architecture", "labels", "window", "normalization")},
        weights=weights,
        decoder=lstm.manifest.decoder,
        provenance=lstm.manifest.provenance,
    )
    model = load_stateful(compile_bundle(made, [Target("c", "int8")]), "native", "int8")
    for given in (2046.5, 1e30):
        model.states = {**model.states, "LSTM_1_c": np.full((1, 6), given), "LSTM_1_h": np.full((1, 6), -given)}
        model.step(np.zeros((9, 3)))
        np.testing.assert_array_equal(model.states["LSTM_1_c"], 2047.0)


@pytest.mark.parametrize("engine", STREAMS)
@pytest.mark.parametrize("quantization", ["float32", "int8"])
def test_a_state_that_was_kept_goes_on_where_it_was(lstm: Bundle, engine: str, quantization: str, need_engine) -> None:
    need_engine(engine)
    if quantization == "int8" and engine not in ("native", "litert"):
        return
    model = load_stateful(lstm, engine, quantization)
    first, second, third = lstm.golden["windows"][1:4]
    model.step(first)
    kept = model.states
    expected = model.step(second)
    model.step(third)
    model.states = kept
    np.testing.assert_array_equal(model.step(second), expected)
    model.reset()
    assert not any(values.any() for values in model.states.values())
    model.step(first)
    assert all(np.array_equal(model.states[name], kept[name]) for name in kept)


def test_the_states_themselves_are_those_of_the_oracle(lstm: Bundle, need_engine) -> None:
    samples = lstm.golden["windows"][1]
    architecture = lstm.manifest.architecture
    _, expected = step(architecture, lstm.folded_weights, samples[np.newaxis], zero_states(architecture))
    for engine in STREAMS:
        need_engine(engine)
        model = load_stateful(lstm, engine)
        model.step(samples)
        assert list(model.states) == ["LSTM_1_h", "LSTM_1_c", "LSTM_2_h", "LSTM_2_c"]
        for name, values in model.states.items():
            assert largest_error(values, expected[name]) <= 1e-5, (engine, name)


def test_a_file_of_blocks_takes_multiples_of_them(lstm: Bundle, need_engine) -> None:
    need_engine("litert")
    bundle = compile_bundle(lstm, [Target(STATEFUL["tflite"], "float32")], block=5)
    assert verify_bundle(bundle, ["litert"]).ok
    model = load_stateful(bundle, "litert")
    assert model.block == 5
    window = bundle.golden["windows"][1]
    expected = model.step(window)
    model.reset()
    assert [model.step(window[start : start + 10]) for start in (0, 10)][-1] == pytest.approx(expected, abs=1e-7)
    kept = model.states
    with pytest.raises(DataError, match=r"a multiple of the 5 that stateful.float32.tflite takes, got"):
        model.step(window[:7])
    assert all(np.array_equal(model.states[name], kept[name]) for name in kept)
    with pytest.raises(UsageError, match="a divisor of the window's 20 samples, got 7"):
        compile_bundle(lstm, [Target(STATEFUL["tflite"], "float32")], block=7)


@pytest.mark.parametrize(
    ("states", "said"),
    [
        ({}, "expected LSTM_1_h, LSTM_1_c, LSTM_2_h, LSTM_2_c, got none"),
        ({"LSTM_1_h": np.zeros((1, 6))}, "got LSTM_1_h"),
        ("shape", r"state LSTM_2_c: expected shape \(1, 5\), got \(1, 6\)"),
        ("nan", "state LSTM_1_c: expected finite numbers"),
        ("words", "state LSTM_1_h: expected numbers"),
    ],
)
def test_a_wrong_state_is_refused_and_the_present_one_stays(lstm: Bundle, states, said: str) -> None:
    model = load_stateful(lstm, "numpy")
    model.step(lstm.golden["windows"][1])
    before = model.states
    wrong = model.states if isinstance(states, str) else states
    if states == "shape":
        wrong["LSTM_2_c"] = np.zeros((1, 6))
    elif states == "nan":
        wrong["LSTM_1_c"][0, 2] = np.nan
    elif states == "words":
        wrong["LSTM_1_h"] = np.array([["a"] * 6])
    with pytest.raises(DataError, match=said):
        model.states = wrong
    assert all(np.array_equal(model.states[name], before[name]) for name in before)


@pytest.mark.parametrize(
    ("samples", "said"),
    [
        (np.zeros((0, 3)), r"got \(0, 3\)"),
        (np.zeros((4, 2)), r"expected shape \(n, 3\), n from 1, got \(4, 2\)"),
        (np.zeros((1, 4, 3)), r"got \(1, 4, 3\)"),
        (np.full((4, 3), np.inf), "expected finite numbers"),
    ],
)
def test_wrong_samples_are_refused_and_the_state_stays(lstm: Bundle, samples: np.ndarray, said: str) -> None:
    model = load_stateful(lstm, "numpy")
    with pytest.raises(DataError, match=said):
        model.step(samples)
    assert not any(values.any() for values in model.states.values())


def test_one_sample_needs_no_axis(lstm: Bundle) -> None:
    model = load_stateful(lstm, "numpy")
    expected = model.step(np.ones((1, 3)))
    model.reset()
    np.testing.assert_array_equal(model.step(np.ones(3)), expected)


@pytest.mark.parametrize(
    ("layers", "said"),
    [
        ((Bidirectional("Both", "LSTM", 4), Dense("Output", 3, "softmax")), "layer Both is a Bidirectional"),
        (
            (Conv1D("Conv", 4, 3), LSTM("LSTM", 4), Dense("Output", 3, "softmax")),
            "layer Conv is a Conv1D, which takes a window as a whole",
        ),
        ((GRU("GRU", 4, True), GlobalAveragePooling1D("Mean"), Dense("Output", 3)), "layer Mean is a Global"),
        ((Flatten("Flat"), Dense("Output", 3, "softmax")), "layer Flat is a Flatten"),
        ((Dense("Output", 3, "softmax"),), "no recurrent layer"),
    ],
)
def test_a_model_that_has_no_stream_says_why(random_bundle, layers, said: str) -> None:
    bundle = random_bundle(Architecture("other", 8, 3, layers))
    with pytest.raises(UsageError, match=said):
        load_stateful(bundle)
    for format_ in STATEFUL.values():
        with pytest.raises(edgehar.HarError, match=said):
            compile_bundle(bundle, [Target(format_, "float32")])


def test_a_file_of_another_model_is_refused(lstm: Bundle, random_bundle, need_engine) -> None:
    layers = (LSTM("LSTM_1", 6, True), LSTM("LSTM_2", 4), Dense("Output", 4, "softmax"))
    other = random_bundle(Architecture("other", 20, 3, layers))
    mixed = replace(
        other, manifest=replace(other.manifest, artifacts=lstm.manifest.artifacts), files={**lstm.files, **other.files}
    )
    for engine, file in (("litert", "stateful.float32.tflite"), ("onnxruntime", "stateful.float32.onnx")):
        need_engine(engine)
        with pytest.raises(EngineError):
            StatefulModel(mixed, load_stream(mixed, engine, file)).step(np.zeros((2, 3)))
    row = next(row for row in verify_bundle(mixed, ["litert"]).artifacts if row.artifact == "stateful.float32.tflite")
    assert not row.ok
    assert "expected stateful.float32.tflite to take and give" in str(row.reason)


def test_a_file_of_a_model_without_a_stream_is_a_finding(lstm: Bundle, random_bundle) -> None:
    plain = random_bundle(Architecture("plain", 20, 3, (Flatten("Flat"), Dense("Output", 4, "softmax"))))
    mixed = replace(
        plain, manifest=replace(plain.manifest, artifacts=lstm.manifest.artifacts), files={**lstm.files, **plain.files}
    )
    rows = [row for row in verify_bundle(mixed, ["numpy"]).artifacts if row.stateful]
    assert [row.ok for row in rows] == [False]
    assert "expected a model that carries state, layer Flat is a Flatten" in str(rows[0].reason)


def test_an_artifact_that_is_not_there_is_named(random_bundle) -> None:
    bundle = random_bundle(Architecture("bare", 8, 3, (LSTM("LSTM", 4), Dense("Output", 3, "softmax"))))
    assert load_stateful(bundle).name == "numpy"
    with pytest.raises(UsageError, match=r"that carries state, there is none. Add it with `har compile --stateful"):
        load_stateful(bundle, "litert")
    with pytest.raises(UsageError, match="expected one of auto, litert, native, onnxruntime, numpy, got 'tensorrt'"):
        load_stateful(bundle, "tensorrt")


def test_tokens_are_whole_numbers_of_the_vocabulary(raw_bundle) -> None:
    layers = STREAMED["tokens"]
    bundle = raw_bundle("words", layers, 6)
    model = load_stateful(bundle)
    tokens = golden_inputs(bundle.manifest.architecture)[2][:, 0]
    assert model.step(tokens) == pytest.approx(load_engine(bundle, "numpy").predict(tokens)[0], abs=1e-6)
    with pytest.raises(DataError, match="whole numbers from 0 to 10"):
        model.step(np.array([11]))


@pytest.mark.parametrize("format_", STATEFUL.values())
def test_the_same_model_gives_the_same_bytes(lstm: Bundle, format_: str) -> None:
    target = [Target(format_, "float32")]
    assert compile_bundle(lstm, target).files == compile_bundle(lstm, target).files


def test_the_c_engine_refuses_a_stream_of_a_model_along_time_by_itself(random_bundle, need_engine) -> None:
    """Whoever calls it from C has no manifest that says so."""
    need_engine("native")
    bundle = compile_bundle(random_bundle("cnn"), [Target("c", "float32")])
    stream = NativeStream(bundle, bundle.manifest.artifacts[0])
    with pytest.raises(EngineError, match=r"refused the samples \(status 10\)"):
        stream.step(np.zeros((3, 3), np.float32), {})
