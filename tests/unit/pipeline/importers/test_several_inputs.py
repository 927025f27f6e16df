"""Models of Keras with several inputs: these stand side by side in a window, and files give what Keras gives."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgehar.models.bundle import Bundle
from edgehar.models.engines import load_engine, runnable
from edgehar.models.errors import DataError, ModelFileError
from edgehar.pipeline.compilers import compile_bundle
from edgehar.pipeline.importers import import_model, kept_inputs, one_window
from edgehar.pipeline.importers.hdf5 import Hdf5Contents
from edgehar.pipeline.importers.keras_chain import read_chain
from edgehar.pipeline.importers.keras_file import GroupedWeights
from edgehar.pipeline.importers.keras_layers import convert_layers

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

STEPS = 12
Built = tuple[Any, Any]


def each_its_own(keras: Any) -> Built:
    """A recurrent layer for each sensor."""
    kl = keras.layers
    acc, gyro = keras.Input((STEPS, 3), name="acc"), keras.Input((STEPS, 2), name="gyro")
    return [acc, gyro], kl.Dense(4, "softmax")(kl.Concatenate()([kl.LSTM(5)(acc), kl.GRU(4)(gyro)]))


def joined_first(keras: Any) -> Built:
    """Both sensors in one layer, in another order than that of the inputs."""
    kl = keras.layers
    acc, gyro = keras.Input((STEPS, 3), name="acc"), keras.Input((None, 2), name="gyro")
    return {"gyro": gyro, "acc": acc}, kl.Dense(4, "softmax")(kl.LSTM(6)(kl.Concatenate()([acc, gyro])))


def beside_features(keras: Any) -> Built:
    """What has no steps beside what has some."""
    kl = keras.layers
    who, acc = keras.Input((2,), name="who"), keras.Input((STEPS, 3), name="acc")
    ends = [kl.SimpleRNN(5)(acc), who, kl.Dense(3, "relu")(who)]
    return [who, acc], kl.Dense(1, "sigmoid")(kl.Concatenate()(ends))


def without_kernels(keras: Any) -> Built:
    """Layers behind the inputs that have no kernel, or one that looks beyond the window's ends."""
    kl = keras.layers
    acc, gyro = keras.Input((STEPS, 3), name="acc"), keras.Input((STEPS, 3), name="gyro")
    left = kl.Conv1D(3, 3, padding="same")(kl.BatchNormalization()(acc))
    right = kl.Add()([kl.MaxPooling1D(2, strides=1, padding="same")(gyro), gyro])
    return [acc, gyro], kl.Dense(2)(kl.Bidirectional(kl.GRU(4))(kl.Multiply()([left, right])))


MODELS = [each_its_own, joined_first, beside_features, without_kernels]


@pytest.fixture(params=MODELS)
def model(request: pytest.FixtureRequest, keras: Any, lively: Any) -> Any:
    return lively(keras.Model(*request.param(keras)))


def inputs_for(model: Any, count: int = 5) -> dict[str, Any]:
    generator = np.random.default_rng(4)
    shapes = {each.name: [size or STEPS for size in each.shape[1:]] for each in model.inputs}
    return {name: generator.normal(size=(count, *shape)).astype(np.float32) for name, shape in shapes.items()}


def test_a_model_of_several_inputs_gives_the_same_on_every_engine(model: Any, keras: Any) -> None:
    given = inputs_for(model)
    bundle = import_model(model, data={"mine": given})
    first, second = bundle.manifest.provenance.configuration["imported"]["comparisons"]
    assert max(first["max_abs_error"], second["max_abs_error"]) <= 1e-5
    assert (second["inputs"], second["windows"]) == ("mine", 5)
    windows = one_window(kept_inputs(bundle.manifest), given, STEPS, where="mine")
    flat = keras.Model(list(model.inputs), list(model.outputs))
    expected = np.asarray(flat([given[each.name] for each in flat.inputs]))
    compiled = compile_bundle(bundle)
    for name, file, quantization in runnable(compiled):
        found = load_engine(compiled.only(file), name, quantization).predict(windows)
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5, err_msg=f"{name} {file}")
    assert {entry.format for entry in compiled.manifest.artifacts} >= {"tflite", "onnx"}


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_files_hold_the_inputs_too(model: Any, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"model{suffix}"
    model.save(path)
    compares = suffix == ".keras"
    expected = import_model(model, compare_with_source=False)
    found = import_model(path, compare_with_source=compares)
    assert found.manifest.architecture.layers == expected.manifest.architecture.layers
    assert found.manifest.window.channels == expected.manifest.window.channels
    compared = found.manifest.provenance.configuration["imported"]["comparisons"]
    assert len(compared) == compares
    assert all(each["max_abs_error"] <= 1e-5 for each in compared)


def test_what_selects_features_is_folded_into_the_kernel_behind_it(keras: Any) -> None:
    kinds = [layer.kind for layer in import_model(keras.Model(*joined_first(keras))).manifest.architecture.layers]
    assert kinds == ["LSTM", "Dense"]


def test_three_inputs_named_as_axes_are_acceleration(keras: Any) -> None:
    kl = keras.layers
    axes = [keras.Input((STEPS, 1), name=f"acc_{axis}") for axis in "zxy"]
    bundle = import_model(keras.Model(axes, kl.Dense(2, "softmax")(kl.GRU(3)(kl.Concatenate()(axes)))))
    assert bundle.manifest.window.channels == ("x", "y", "z")
    assert [each.name for each in kept_inputs(bundle.manifest)] == ["acc_x", "acc_y", "acc_z"]
    others = [keras.Input((STEPS, size), name=name) for name, size in (("pulse", 1), ("wrist", 2))]
    window = import_model(keras.Model(others, kl.GRU(3)(kl.Concatenate()(others)))).manifest.window
    assert (window.channels, window.unit) == (("pulse_0", "wrist_0", "wrist_1"), "as trained")


@pytest.mark.parametrize(
    ("shapes", "said"),
    [
        ([(8, 3), (9, 3)], "expected several inputs of the same steps, got a of 8, b of 9"),
        ([(3,), (4,)], "expected several inputs of the same steps, got none with steps"),
        ([(8, 3), (8, 3, 1)], "input b has the shape [None, 8, 3, 1], expected several inputs of (steps, features)"),
    ],
)
def test_inputs_that_make_no_window_are_refused(shapes: list[Any], said: str, keras: Any) -> None:
    kl = keras.layers
    inputs = [keras.Input(shape, name=name) for shape, name in zip(shapes, "ab", strict=True)]
    model = keras.Model(inputs, kl.Dense(2)(kl.Concatenate()([kl.Flatten()(each) for each in inputs])))
    with pytest.raises(ModelFileError, match=re.escape(said)):
        import_model(model, compare_with_source=False)


def tokens_beside(keras: Any) -> Built:
    kl = keras.layers
    words, acc = keras.Input((STEPS,), name="words"), keras.Input((STEPS, 3), name="acc")
    return [words, acc], kl.Concatenate()([kl.GRU(3)(kl.Embedding(9, 4, name="table")(words)), kl.GRU(3)(acc)])


def with_a_state(keras: Any) -> Built:
    kl = keras.layers
    both = [keras.Input(batch_shape=(1, STEPS, 3), name=name) for name in "ab"]
    return both, kl.Concatenate()([kl.GRU(3, stateful=True)(each) for each in both])


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (tokens_beside, "layer table (Embedding) takes tokens beside other inputs"),
        (with_a_state, "carries its state from window to window and has 2 inputs"),
    ],
)
def test_inputs_that_cannot_stand_side_by_side_are_refused(build: Callable[..., Built], said: str, keras: Any) -> None:
    with pytest.raises(ModelFileError, match=re.escape(said)):
        import_model(keras.Model(*build(keras)), compare_with_source=False)


@pytest.fixture(scope="module")
def bundle(keras: Any) -> Bundle:
    return import_model(keras.Model(*beside_features(keras)), compare_with_source=False)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"who": None}, "expected arrays named who, acc, got acc"),
        ({"who": np.zeros((3, 2))}, "expected acc as numbers of shape (3, 12, 3), got float64 of shape (5, 12, 3)"),
        ({"who": np.zeros(5)}, "expected who as numbers of shape (5, 2), got float64 of shape (5,)"),
        ({"acc": np.full((5, STEPS, 3), "a")}, "expected acc as numbers"),
        ({"other": np.zeros((5, 2))}, "got who, acc, other"),
    ],
)
def test_arrays_that_are_not_the_inputs_are_refused(change: dict[str, Any], said: str, bundle: Bundle) -> None:
    given = {"who": np.zeros((5, 2)), "acc": np.zeros((5, STEPS, 3))} | change
    given = {name: array for name, array in given.items() if array is not None}
    with pytest.raises(DataError, match=re.escape(said)):
        one_window(kept_inputs(bundle.manifest), given, STEPS, where="x.npz")


def test_several_arrays_for_one_input_are_refused(keras: Any) -> None:
    model = keras.Sequential([keras.Input((STEPS, 3)), keras.layers.GRU(3)])
    with pytest.raises(DataError, match="expected one array, got 2 of them"):
        import_model(model, data={"x.npz": {"a": np.zeros(1), "b": np.zeros(1)}}, compare_with_source=False)


@pytest.mark.parametrize("node", [[[["stranger", 0, 0, {}]]], 5, "x", [], [[["(window)", 0, 0, {}]]]])
@pytest.mark.parametrize("kind", ["(input)", "Embedding"])
def test_a_file_cannot_pass_its_own_layer_for_an_input(kind: str, node: Any) -> None:
    """The word that messages use is no class, whatever takes what: also one that takes itself."""
    layers = [
        {
            "class_name": "InputLayer",
            "name": name,
            "config": {"name": name, "batch_shape": [None, 4, 1]},
            "inbound_nodes": [],
        }
        for name in "ab"
    ]
    layers += [
        {"class_name": kind, "name": "stranger", "config": {"name": "stranger"}, "inbound_nodes": node},
        {
            "class_name": "Concatenate",
            "name": "end",
            "config": {"name": "end"},
            "inbound_nodes": [[["a", 0, 0, {}], ["b", 0, 0, {}], ["stranger", 0, 0, {}]]],
        },
    ]
    options = {
        "name": "m",
        "layers": layers,
        "input_layers": [["a", 0, 0], ["b", 0, 0]],
        "output_layers": [["end", 0, 0]],
    }
    weights = GroupedWeights(Hdf5Contents({}, {}))

    def read() -> None:
        chain = read_chain({"class_name": "Functional", "config": options}, where="x.keras")
        convert_layers(chain, (4, 2), weights, where="x.keras")

    with pytest.raises(ModelFileError, match="stranger"):
        read()
