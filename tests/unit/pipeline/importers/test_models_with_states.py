"""Models that go on from window to window: stateful layers of Keras, step models, ONNX files that take their states."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import edgehar
from edgehar.models.agreement import largest_error
from edgehar.models.bundle import Bundle
from edgehar.models.errors import ModelFileError
from edgehar.models.verification import verify_bundle
from edgehar.pipeline.importers import import_model

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
STEPS, FEATURES = 3, 3


def compared(bundle: Bundle, framework: str) -> Bundle:
    """Hold a bundle to what its import says: that a stream was compared."""
    imported = bundle.manifest.provenance.configuration["imported"]
    assert imported["carries_state"] is True
    (comparison,) = imported["comparisons"]
    assert comparison["framework"].startswith(framework)
    assert comparison["max_abs_error"] <= 1e-5
    return bundle


def proven(bundle: Bundle) -> Bundle:
    """Compile a bundle to files that carry its state, and verify them."""
    compiled = edgehar.compile(bundle, formats=["tflite", "onnx"], stateful=True)
    result = verify_bundle(compiled, ["litert", "onnxruntime"])
    assert result.ok, [row.reason for row in result.artifacts if not row.ok]
    return compiled


def states_in(model: Any) -> list[np.ndarray]:
    """The states of the stateful layers of a Keras model."""
    return [np.array(state) for layer in model.layers if getattr(layer, "stateful", False) for state in layer.states]


@pytest.fixture
def stateful(keras: Any, lively: Any) -> Any:
    """A model of Keras for two streams at once, with a state that is not zero."""
    kl = keras.layers
    model = keras.Sequential(
        [
            keras.Input(batch_shape=(2, STEPS, FEATURES)),
            kl.LSTM(5, return_sequences=True, stateful=True),
            kl.Dense(4, "tanh"),
            kl.GRU(4, stateful=True, reset_after=False),
            kl.Dense(2, "sigmoid"),
        ]
    )
    lively(model)
    model(np.ones((2, STEPS, FEATURES), np.float32))
    return model


def test_a_stateful_model_is_stepped_through_like_keras_does(stateful: Any) -> None:
    before = states_in(stateful)
    compiled = proven(compared(import_model(stateful), "keras"))
    after = states_in(stateful)
    assert all(np.array_equal(*each) for each in zip(before, after, strict=True)), "a model in memory stays as it was"
    model = edgehar.load_stateful(compiled, "litert")
    names = list(model.states)
    model.states = {name: value[:1] for name, value in zip(names, before, strict=True)}
    samples = np.random.default_rng(3).normal(size=(5, STEPS, FEATURES)).astype(np.float32)
    for window in samples:
        expected = np.asarray(stateful(np.stack([window, window])))[0]
        assert largest_error(model.step(window), expected) <= 1e-5


def step_model(keras: Any, *, named: bool = False) -> Any:
    """A functional model that takes and gives its states, in no particular order."""
    kl = keras.layers
    samples, hidden = keras.Input((1, FEATURES), name="samples"), keras.Input((4,), name="hidden")
    cell, other = keras.Input((4,), name="cell"), keras.Input((3,), name="other")
    values, new_hidden, new_cell = kl.LSTM(4, return_sequences=True, return_state=True, name="first")(
        samples, initial_state=[hidden, cell]
    )
    values, new_other = kl.SimpleRNN(3, return_state=True, name="second")(values, initial_state=other)
    output = kl.Dense(2, "softmax", name="output")(values)
    if named:
        given = {"o": output, "oth": new_other, "h": new_hidden, "c": new_cell}
        return keras.Model({"samples": samples, "other": other, "hidden": hidden, "cell": cell}, given)
    return keras.Model([other, samples, hidden, cell], [new_cell, output, new_other, new_hidden])


@pytest.mark.parametrize("named", [False, True])
def test_a_step_model_is_a_model_that_carries_its_state(keras: Any, lively: Any, named: bool, tmp_path: Path) -> None:
    model = lively(step_model(keras, named=named))
    bundle = compared(import_model(model), "keras")
    assert [layer.kind for layer in bundle.manifest.architecture.layers] == ["LSTM", "SimpleRNN", "Dense"]
    assert bundle.manifest.window.length == 1
    if named:
        model.save(tmp_path / "my.keras")
        compared(import_model(tmp_path / "my.keras"), "keras")


def lost(keras: Any, samples: Any) -> Any:
    """A state that goes in, and does not come out."""
    state = keras.Input((4,), name="state")
    return keras.Model([samples, state], keras.layers.GRU(4, name="gru")(samples, initial_state=state))


def half(keras: Any, samples: Any) -> Any:
    """A layer that goes on, and one that begins anew."""
    state = keras.Input((4,), name="state")
    values, after = keras.layers.GRU(4, return_state=True, return_sequences=True)(samples, initial_state=state)
    return keras.Model([samples, state], [keras.layers.LSTM(2, name="anew")(values), after])


def of_a_state(keras: Any, samples: Any) -> Any:
    """A layer that takes the state of another one."""
    _, _, cell = keras.layers.LSTM(4, return_state=True, name="lstm")(samples)
    return keras.Model(samples, keras.layers.Dense(2, name="head")(cell))


def computed(keras: Any, samples: Any) -> Any:
    """A state that is computed from something else."""
    state = keras.layers.Dense(4)(keras.layers.Flatten()(samples))
    return keras.Model(samples, keras.layers.GRU(4, name="gru")(samples, initial_state=state))


def of_a_window(keras: Any, samples: Any) -> Any:
    """A state that is carried beside a layer that cannot."""
    state = keras.Input((4,), name="state")
    filtered = keras.layers.Conv1D(3, 2, name="conv")(samples)
    return keras.Model([samples, state], keras.layers.GRU(4, return_state=True)(filtered, initial_state=state))


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lost, ("layer gru begins with a state that is an input", "return_state=True")),
        (half, ("layer anew (LSTM) begins each window anew", "all of them stateful")),
        (of_a_state, ("head (Dense) takes a state of the layer lstm", "expected its output")),
        (computed, ("layer gru (GRU) begins with states that are computed",)),
        (of_a_window, ("carries its state", "layer conv is a Conv1D", "without stateful")),
    ],
)
def test_states_that_cannot_be_expressed_are_refused_by_name(build: Any, words: tuple[str, ...], keras: Any) -> None:
    keras.backend.clear_session()
    with pytest.raises(ModelFileError) as caught:
        import_model(build(keras, keras.Input((STEPS, FEATURES))), compare_with_source=False)
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_both_ways_cannot_go_on(keras: Any) -> None:
    inner = keras.layers.LSTM(3, stateful=True)
    model = keras.Sequential([keras.Input(batch_shape=(1, STEPS, FEATURES)), keras.layers.Bidirectional(inner)])
    with pytest.raises(ModelFileError, match="stateful=True cannot be expressed"):
        import_model(model, compare_with_source=False)


def onnx_file(
    path: Path, *, kind: str = "LSTM", given: bool = True, second: str = "sliced", swapped: bool = False
) -> Path:
    """Two layers as PyTorch exports them: all hidden states in one tensor, all cells in another."""
    onnx = pytest.importorskip("onnx")
    helper, generator, units = onnx.helper, np.random.default_rng(5), 4
    gates, names = {"LSTM": (4, ("h", "c")), "GRU": (3, ("h",))}[kind]
    nodes, arrays = [], []

    def constant(values: Any) -> str:
        arrays.append(onnx.numpy_helper.from_array(np.asarray(values), f"w{len(arrays)}"))
        return arrays[-1].name

    def weights(*shape: int) -> str:
        return constant(generator.normal(scale=0.5, size=shape).astype(np.float32))

    def node(op: str, *inputs: str, outputs: tuple[str, ...] = (), **options: Any) -> str:
        results = outputs or (f"n{len(nodes)}",)
        nodes.append(helper.make_node(op, list(inputs), list(results), **options))
        return results[0]

    values, inputs = node("Transpose", "x", perm=[1, 0, 2]), FEATURES
    for layer in range(2):
        bounds = [constant(np.array([number], np.int64)) for number in (layer, layer + 1, 0)]
        states = [node("Slice", f"{name}0", *bounds) for name in names]
        if layer and second == "zeros":
            zeros = constant(np.zeros((1, 1, units), np.float32))
            states = [zeros for _ in names]
        arrays_of = [weights(1, gates * units, inputs), weights(1, gates * units, units), weights(1, 2 * gates * units)]
        options = {"linear_before_reset": 1} if kind == "GRU" else {}
        outputs = tuple(f"{name}_{layer}" for name in ("y", *names))
        node(kind, values, *arrays_of, "", *states, outputs=outputs, hidden_size=units, **options)
        values, inputs = node("Squeeze", outputs[0], constant(np.array([1]))), units
    last = node("Gather", node("Transpose", values, perm=[1, 0, 2]), constant(np.array(-1)), axis=1)
    result = node("Gemm", last, weights(2, units), weights(2), transB=1)
    for name in names:
        node("Concat", f"{name}_0", f"{name}_1", outputs=(f"{name}n",), axis=0)
    value = helper.make_tensor_value_info
    order = names[::-1] if swapped else names
    graph = helper.make_graph(
        nodes,
        "main_graph",
        [value("x", 1, ["batch", STEPS, FEATURES]), *(value(f"{name}0", 1, [2, "batch", units]) for name in names)],
        [value(result, 1, None), *(value(f"{name}n", 1, None) for name in (order if given else ()))],
        arrays,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], producer_name="pytorch")
    model.ir_version = 8
    onnx.save(model, path)
    return path


@pytest.mark.parametrize(("kind", "swapped"), [("LSTM", False), ("LSTM", True), ("GRU", False)])
def test_an_onnx_file_that_takes_its_states(kind: str, swapped: bool, tmp_path: Path) -> None:
    bundle = compared(import_model(onnx_file(tmp_path / "my.onnx", kind=kind, swapped=swapped)), "onnxruntime")
    assert [layer.kind for layer in bundle.manifest.architecture.layers] == [kind, kind, "Dense"]


def test_what_was_compiled_is_imported_again(random_bundle: Any, tmp_path: Path) -> None:
    compiled = edgehar.compile(random_bundle("gru"), formats=["onnx"], stateful=True)
    (tmp_path / "my.onnx").write_bytes(compiled.files["stateful.float32.onnx"])
    again = compared(import_model(tmp_path / "my.onnx", window=8), "onnxruntime")
    samples = np.random.default_rng(0).normal(size=(24, 3)).astype(np.float32)
    ours, theirs = (edgehar.load_stateful(each, "numpy").step(samples) for each in (compiled, again))
    assert largest_error(ours, theirs) <= 1e-5


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"given": False}, "the input 'h0' is a state, and no output gives it back"),
        ({"second": "zeros"}, "no output gives it back"),
    ],
)
def test_half_a_state_of_an_onnx_file_is_refused(options: dict[str, Any], word: str, tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=word):
        import_model(onnx_file(tmp_path / "my.onnx", **options), compare_with_source=False)
