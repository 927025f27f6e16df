"""The table of engines: what is chosen, what is refused, what is said when something is not installed."""

import sys
from dataclasses import replace

import numpy as np
import pytest

import edgehar.models.engines
from edgehar.models.architecture import (
    GRU,
    Architecture,
    Branches,
    Conv1D,
    Dense,
    GlobalAveragePooling1D,
    SelfAttention,
    named_architecture,
)
from edgehar.models.bundle import CompiledArtifact
from edgehar.models.bundle.manifest import TensorSpec
from edgehar.models.engines import ENGINES, check_windows, fastest_first, load_engine, missing_reason, runnable
from edgehar.models.errors import DataError, EngineError, UsageError
from edgehar.models.reference import forward

TENSOR = TensorSpec("serving", "float32", (1, 200, 3), 0.0, 0)


@pytest.fixture(scope="module")
def bundle(random_bundle):
    """An untrained model with artifacts that no runtime would take."""
    artifacts = [
        CompiledArtifact(f"model.{kind}.{form}", form, kind, "direct", TENSOR, TENSOR, b"not a model")
        for form in ("tflite", "onnx")
        for kind in ("float32", "int8")
    ]
    return random_bundle("simple_rnn").with_artifacts(artifacts)


def _uninstall(monkeypatch, *names):
    for name in names:
        for module in [module for module in sys.modules if module == name or module.startswith(f"{name}.")]:
            monkeypatch.delitem(sys.modules, module)
        monkeypatch.setitem(sys.modules, name, None)


def test_numpy_runs_the_folded_weights(bundle):
    engine = load_engine(bundle, "numpy")
    windows = np.random.default_rng(0).normal(size=(5, 200, 3)).astype(np.float32)
    outputs = engine.predict(windows)
    expected = forward(bundle.manifest.architecture, bundle.folded_weights, windows)
    assert outputs.dtype == np.float32
    np.testing.assert_allclose(outputs, expected, atol=1e-5)
    assert (engine.name, engine.artifact, engine.quantization) == ("numpy", "weights.npz", "float32")
    assert engine.runtime == f"numpy {np.__version__}"


def test_no_windows_give_no_outputs(bundle):
    assert load_engine(bundle, "numpy").predict(np.empty((0, 200, 3))).shape == (0, 12)


def test_every_engine_meets_every_artifact_of_its_format(bundle):
    assert runnable(bundle) == [
        ("litert", "model.float32.tflite", "float32"),
        ("litert", "model.int8.tflite", "int8"),
        ("onnxruntime", "model.float32.onnx", "float32"),
        ("onnxruntime", "model.int8.onnx", "int8"),
        ("numpy", "weights.npz", "float32"),
    ]


def test_an_unknown_engine_is_wrong_usage(bundle):
    with pytest.raises(UsageError, match="expected one of auto, litert, onnxruntime, native, numpy, got 'tvm'"):
        load_engine(bundle, "tvm")
    with pytest.raises(UsageError):
        missing_reason("tvm")


def test_a_quantization_the_bundle_does_not_have_lists_those_it_has(bundle):
    with pytest.raises(UsageError, match=r"quantization 'int4' in the bundle, it has float32, int8"):
        load_engine(bundle, "litert", "int4")
    with pytest.raises(UsageError, match=r"it has float32"):
        load_engine(bundle, "numpy", "int8")
    with pytest.raises(UsageError, match=r"expected one of float32, int8, got 'int4'"):
        load_engine(bundle, "auto", "int4")


def test_a_bundle_without_the_format_says_how_to_add_it(random_bundle):
    with pytest.raises(UsageError, match=r"it has none of this format.*har compile"):
        load_engine(random_bundle("simple_rnn"), "onnxruntime")


def test_auto_takes_the_first_engine_that_is_installed(bundle, monkeypatch):
    _uninstall(monkeypatch, "ai_edge_litert", "tflite_runtime", "tensorflow", "onnxruntime")
    assert load_engine(bundle).name == "numpy"
    with pytest.raises(EngineError, match=r"expected one of litert, onnxruntime to run int8, none is installed.*pip"):
        load_engine(bundle, "auto", "int8")


@pytest.mark.parametrize(
    ("model", "first"),
    [("simple_rnn", "litert"), ("lstm", "onnxruntime"), ("bi_gru", "onnxruntime"), ("cnn_gru", "onnxruntime")],
)
def test_the_faster_of_the_runtimes_comes_first(model, first):
    native, *runtimes, last = fastest_first(named_architecture(model))
    assert (native, runtimes[0], last) == ("native", first, "numpy")


@pytest.mark.parametrize("model", ["cnn", "tcn", "attention"])
def test_runtimes_come_before_the_c_engine_where_there_are_convolutions_alone(model):
    assert fastest_first(named_architecture(model)) == ("litert", "onnxruntime", "native", "numpy")


def test_runtimes_come_first_where_there_is_attention_alone():
    layers = (Dense("d", 8), SelfAttention("s", 4), GlobalAveragePooling1D("m"), Dense("o", 2, "softmax"))
    assert fastest_first(Architecture("attention", 20, 3, layers))[0] == "litert"


def test_layers_in_branches_are_looked_at_as_well():
    def first(*branch):
        layers = (Branches("b", "concat", (branch, (GlobalAveragePooling1D("m"),))), Dense("o", 2, "softmax"))
        return fastest_first(Architecture("branches", 20, 3, layers))[0]

    assert first(Conv1D("c", 3, 3), GlobalAveragePooling1D("n")) == "litert"
    assert first(Conv1D("c", 3, 3), GRU("n", 3)) == "native"


@pytest.mark.parametrize(
    ("engine", "packages"),
    [("litert", ("ai_edge_litert", "tflite_runtime", "tensorflow")), ("onnxruntime", ("onnxruntime",))],
)
def test_an_engine_that_is_not_installed_says_how_to_install_it(bundle, monkeypatch, engine, packages):
    _uninstall(monkeypatch, *packages)
    with pytest.raises(EngineError, match=rf"engine {engine}: expected .* installed.*pip install .*\["):
        load_engine(bundle, engine)
    reason = missing_reason(engine)
    assert reason is not None
    assert ENGINES[engine].install in reason


def test_tflite_runtime_with_a_later_numpy_says_what_to_do(bundle, monkeypatch):
    _uninstall(monkeypatch, "ai_edge_litert")
    package, interpreter = type(sys)("tflite_runtime"), type(sys)("tflite_runtime.interpreter")
    interpreter.Interpreter = object
    monkeypatch.setitem(sys.modules, "tflite_runtime", package)
    monkeypatch.setitem(sys.modules, "tflite_runtime.interpreter", interpreter)
    monkeypatch.setattr(np, "__version__", "2.4.6")
    with pytest.raises(EngineError, match=r"tflite_runtime needs numpy<2, numpy 2\.4\.6 is installed.*edge-legacy"):
        load_engine(bundle, "litert")


@pytest.mark.parametrize("engine", ["litert", "onnxruntime"])
@pytest.mark.parametrize("content", [b"", b"not a model", b"\0" * 64, bytes(range(256)) * 8])
def test_a_file_that_is_no_model_is_refused_and_the_process_lives(random_bundle, engine, content):
    if missing_reason(engine):
        pytest.skip(f"{engine} is not installed")
    form = ENGINES[engine].format
    artifact = CompiledArtifact(f"model.{form}", form, "float32", "direct", TENSOR, TENSOR, content)
    with pytest.raises(EngineError, match=rf"engine {engine}: .* refuses model\.{form}"):
        load_engine(random_bundle("simple_rnn").with_artifacts([artifact]), engine)


@pytest.mark.parametrize("shape", [(3, 200), (1, 199, 3), (1, 200, 6), (1, 3, 200), (1, 200, 3, 1), ()])
def test_windows_of_another_shape_are_refused(bundle, shape):
    with pytest.raises(DataError, match=r"expected shape \(n, 200, 3\), got"):
        check_windows(np.zeros(shape), bundle)


def test_one_window_alone_is_one_window(bundle):
    assert check_windows(np.zeros((200, 3)), bundle).shape == (1, 200, 3)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e39])
@pytest.mark.filterwarnings("ignore:overflow encountered in cast:RuntimeWarning")
def test_windows_that_are_not_finite_are_refused(bundle, value):
    windows = np.zeros((2, 200, 3))
    windows[1, 7, 2] = value
    with pytest.raises(DataError, match="expected finite acceleration in g"):
        load_engine(bundle, "numpy").predict(windows)


def test_windows_become_contiguous_float32(bundle):
    windows = np.zeros((2, 3, 200), np.int16).transpose(0, 2, 1)
    checked = check_windows(windows, bundle)
    assert checked.dtype == np.float32
    assert checked.flags.c_contiguous


def test_loading_the_table_loads_no_runtime():
    names = {entry.module for entry in ENGINES.values()}
    assert names == {f"edgehar.models.engines.{name}" for name in ("litert", "onnxruntime", "native", "numpy")}
    assert all(hasattr(edgehar.models.engines, name) for name in ("Engine", "load_engine"))


def test_one_artifact_of_two_may_be_chosen_by_leaving_the_other_out(bundle):
    only = replace(bundle, manifest=replace(bundle.manifest, artifacts=bundle.manifest.artifacts[1:2]))
    assert runnable(only) == [("litert", "model.int8.tflite", "int8"), ("numpy", "weights.npz", "float32")]
