"""Quantized ONNX models: what is in the file, and that every session setting gives the same."""

import numpy as np
import onnx
import onnxruntime
import pytest

from edgehar.models.architecture import named_architecture
from edgehar.models.bundle.golden import golden_windows
from edgehar.models.engines import load_engine
from edgehar.pipeline.compilers import Target, compile_bundle, compile_model

RECURRENT = ("simple_rnn", "lstm", "gru")
BYTES_A_WEIGHT = {"float16": 2, "int8-weights": 1}


@pytest.mark.parametrize("quantization", BYTES_A_WEIGHT)
@pytest.mark.parametrize("name", RECURRENT)
def test_kernels_are_small_and_still_close(name: str, quantization: str, random_bundle) -> None:
    bundle = compile_bundle(random_bundle(name, seed=1), [Target("onnx", quantization)])
    content = bundle.files[f"model.{quantization}.onnx"]
    stored = {tensor.data_type for tensor in onnx.load_from_string(content).graph.initializer if len(tensor.dims) > 1}
    assert {"float16": onnx.TensorProto.FLOAT16, "int8-weights": onnx.TensorProto.INT8}[quantization] in stored
    assert len(content) < BYTES_A_WEIGHT[quantization] * bundle.manifest.architecture.parameter_count + 6144
    found = load_engine(bundle, "onnxruntime", quantization).predict(bundle.golden["windows"])
    np.testing.assert_allclose(found, bundle.golden[f"model.{quantization}.onnx"], atol=1e-5)
    assert np.abs(found - bundle.golden["oracle"]).max() < {"float16": 2e-3, "int8-weights": 0.05}[quantization]


@pytest.mark.parametrize("level", ["ORT_DISABLE_ALL", "ORT_ENABLE_BASIC", "ORT_ENABLE_ALL"])
def test_no_session_setting_changes_the_result(level: str, random_weights) -> None:
    architecture = named_architecture("lstm")
    artifact = compile_model(architecture, random_weights(architecture), format="onnx", quantization="int8-weights")
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, level)
    session = onnxruntime.InferenceSession(artifact.content, options, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"Input": golden_windows(200, 3)})
    np.testing.assert_allclose(found, artifact.expected, atol=1e-5)
