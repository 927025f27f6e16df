"""An artifact of another model, or a damaged one, is refused with a sentence before it is given any window."""

import importlib.metadata
from dataclasses import replace

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgehar.models.architecture import Architecture, Dense, Flatten, named_architecture
from edgehar.models.bundle import Bundle
from edgehar.models.engines import load_engine
from edgehar.models.errors import EngineError, HarError, UsageError
from edgehar.models.isolation import Isolation
from edgehar.models.verification import _Run, _verify, _verify_isolated
from edgehar.pipeline.compilers import Target, compile_bundle, compile_model

FILES = {"litert": "model.float32.tflite", "onnxruntime": "model.float32.onnx"}


@pytest.fixture(scope="module")
def bundle(random_bundle) -> Bundle:
    """A small model, compiled to both formats."""
    layers = (Flatten("Flat"), Dense("Output", 4, "softmax"))
    made = random_bundle(Architecture("small", 10, 3, layers))
    return compile_bundle(made, [Target("tflite", "float32"), Target("onnx", "float32")])


def _swapped(bundle: Bundle, file: str, content: bytes) -> Bundle:
    """The bundle with other bytes in the place of an artifact."""
    return replace(bundle, files={**bundle.files, file: content})


@pytest.mark.parametrize("engine", FILES)
@pytest.mark.parametrize(
    ("window", "channels", "classes"), [(11, 3, 4), (9, 3, 4), (10, 2, 4), (10, 4, 4), (10, 3, 5), (10, 3, 2)]
)
def test_a_file_of_another_width_is_refused(bundle, engine, window, channels, classes):
    layers = (Flatten("Flat"), Dense("Output", classes, "softmax"))
    architecture = Architecture("other", window, channels, layers)
    weights = {name: np.zeros(shape, np.float32) for name, shape in architecture.weight_shapes().items()}
    form = {"litert": "tflite", "onnxruntime": "onnx"}[engine]
    content = compile_model(architecture, weights, format=form).content
    with pytest.raises(EngineError, match=rf"engine {engine}: expected {FILES[engine]} to take and give arrays"):
        load_engine(_swapped(bundle, FILES[engine], content), engine)


def _onnx_with(bundle: Bundle, change) -> Bundle:
    model = onnx.load_from_string(bundle.files[FILES["onnxruntime"]])
    change(model)
    return _swapped(bundle, FILES["onnxruntime"], model.SerializeToString())


@pytest.mark.parametrize("engine", FILES)
@pytest.mark.parametrize("end", ["Input", "Output"])
def test_a_name_that_is_no_text_is_a_finding(bundle, engine, end):
    """A library that turns names into text raises what none of its own errors are."""
    content = bundle.files[FILES[engine]]
    assert end.encode() in content
    altered = _swapped(bundle, FILES[engine], content.replace(end.encode(), b"\x80" + end.encode()[1:]))
    row = _verify(altered, _Run(engine, FILES[engine], "float32"))
    assert row.checked
    assert row.ok or FILES[engine] in row.reason


def test_two_outputs_are_refused(bundle):
    def change(model):
        extra = onnx.helper.make_tensor_value_info("more", onnx.TensorProto.FLOAT, [None, 4])
        model.graph.node.append(onnx.helper.make_node("Identity", [model.graph.output[0].name], ["more"]))
        model.graph.output.append(extra)

    with pytest.raises(EngineError, match="to take and give arrays"):
        load_engine(_onnx_with(bundle, change), "onnxruntime")


def test_a_file_that_leaves_its_shape_open_is_found_when_it_answers(bundle, monkeypatch):
    engine = load_engine(bundle, "onnxruntime")

    class Session:
        def run(self, names, feed):
            return [np.zeros((2, 8), np.float32)]

    monkeypatch.setattr(engine, "_session", Session())
    with pytest.raises(EngineError, match=r"arrays of shapes \(2, 4\), got \(2, 8\)"):
        engine.predict(np.zeros((2, 10, 3)))


def test_a_batch_of_one_is_run_window_by_window(bundle):
    def change(model):
        for end in (model.graph.input[0], model.graph.output[0]):
            dimension = end.type.tensor_type.shape.dim[0]
            dimension.Clear()
            dimension.dim_value = 1

    windows = np.random.default_rng(0).normal(size=(5, 10, 3))
    expected = load_engine(bundle, "numpy").predict(windows)
    found = load_engine(_onnx_with(bundle, change), "onnxruntime").predict(windows)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_threads_are_a_count(bundle):
    with pytest.raises(UsageError, match="threads: expected at least 1, got 0"):
        load_engine(bundle, "numpy", threads=0)


def test_a_runtime_without_a_version_still_runs(bundle, monkeypatch):
    def unknown(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", unknown)
    assert load_engine(bundle, "litert").runtime.endswith("of an unknown version")


@pytest.fixture(scope="module")
def isolation():
    """A process in which runtimes may crash."""
    with Isolation(timeout_s=60) as process:
        yield process


@pytest.mark.parametrize("engine", FILES)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_damaged_file_is_a_finding_whatever_the_runtime_makes_of_it(bundle, isolation, engine, data):
    content = bytearray(bundle.files[FILES[engine]])
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.just(len(content)) | st.integers(0, len(content)))
    altered = _swapped(bundle, FILES[engine], bytes(content[:cut]))
    row = _verify_isolated(isolation, altered, _Run(engine, FILES[engine], "float32"))
    assert row.checked
    assert row.ok or row.reason


def test_weights_that_the_normalization_makes_infinite_are_refused(bundle):
    tiny = replace(bundle.manifest.normalization, std_g=(1e-300, 1.0, 1.0))
    altered = replace(bundle, manifest=replace(bundle.manifest, normalization=tiny))
    with pytest.raises(HarError, match="it makes them infinite"):
        load_engine(altered, "numpy")


def test_large_models_are_predicted_in_batches_that_fit_memory(random_bundle):
    layers = (Flatten("Flat"), Dense("Output", 3, "softmax"))
    made = random_bundle(Architecture("wide", 65_536, 3, layers))
    engine = load_engine(made, "numpy")
    assert 1 <= engine._batch <= 2**25 // (3 * 65_536)
    assert load_engine(random_bundle("simple_rnn"), "numpy")._batch == 1024
    assert named_architecture("simple_rnn").most_numbers == 200 * 32
