"""Rounding for inputs: what is kept, what survives the storages' own rounding, and what it gains."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgehar.models.architecture import GRU, Architecture, Dense, named_architecture
from edgehar.models.engines import load_engine
from edgehar.models.reference import forward
from edgehar.pipeline.compilers import Target, compile_bundle
from edgehar.pipeline.compilers.onnx import storage as onnx_storage
from edgehar.pipeline.compilers.quantization.prerounding import preround
from edgehar.pipeline.compilers.quantization.rounding import round_for_inputs
from edgehar.pipeline.compilers.tflite import storage as tflite_storage

STORAGE = {"tflite": tflite_storage, "onnx": onnx_storage}
RUNTIME = {"tflite": "litert", "onnx": "onnxruntime", "c": "native"}
RESETS_BEFORE = Architecture(
    "gru_before", 30, 3, (GRU("GRU_1", 8, True, False), GRU("GRU_2", 6, False, False), Dense("Output", 5, "softmax"))
)
FAMILY = [named_architecture(name) for name in ("simple_rnn", "lstm", "gru", "cnn_gru")] + [RESETS_BEFORE]


def movements(architecture: Architecture, seed: int, count: int = 40) -> np.ndarray:
    """Return windows whose axes move together, as a body's do."""
    generator = np.random.default_rng(seed)
    steps = np.arange(architecture.window) / 100
    rates = generator.uniform(0.5, 4, size=(count, 1))
    swing = np.sin(2 * np.pi * rates * steps)[..., np.newaxis] * generator.normal(size=(count, 1, 3))
    posture = np.float32([0.9, 0.3, -0.2]) + 0.1 * generator.normal(size=(count, 1, 3))
    return (posture + 0.5 * swing + 0.02 * generator.normal(size=swing.shape)).astype(np.float32)


@settings(max_examples=60, deadline=None)
@given(
    outputs=st.integers(1, 6),
    inputs=st.integers(1, 9),
    count=st.integers(1, 20),
    gain=st.sampled_from([0.0, 1e-6, 1.0, 1e6]),
    loudness=st.sampled_from([0.0, 1e-3, 1e3]),
    has_bias=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_weights_and_inputs_give_integers(outputs, inputs, count, gain, loudness, has_bias, seed) -> None:
    generator = np.random.default_rng(seed)
    rows = generator.normal(scale=gain, size=(outputs, inputs)) if gain else np.zeros((outputs, inputs))
    step = (np.abs(rows).max() or 1.0) / 127
    seen = generator.normal(size=(count, inputs)) * loudness
    kept = np.abs(rows) == np.abs(rows).max()
    integers, correction = round_for_inputs(rows, step, seen, has_bias=has_bias, kept=kept)
    assert integers.dtype == np.int8
    assert np.abs(integers.astype(int)).max() <= 127
    if gain:
        assert (np.abs(integers[kept].astype(int)) == 127).all()
    assert np.isfinite(correction).all()
    assert has_bias or not correction.any()


@pytest.mark.parametrize("format_name", STORAGE)
@pytest.mark.parametrize("architecture", FAMILY, ids=lambda it: it.name)
def test_files_keep_the_weights_they_are_given(format_name: str, architecture: Architecture, random_bundle) -> None:
    """The file is the float model of the prerounded weights: its own rounding finds nothing left to do."""
    made = random_bundle(architecture, seed=5)
    calibration = movements(architecture, 0)
    scales = STORAGE[format_name].shared_scales
    kept = preround(made.manifest.architecture.deployed, made.folded_weights, calibration, scales)
    compiled = compile_bundle(made, [Target(format_name, "int8-weights")], calibration=calibration)
    found = load_engine(compiled, RUNTIME[format_name], "int8-weights").predict(calibration)
    if architecture.name == "cnn_gru":
        # Convolutions are rounded by the storage alone.
        assert np.abs(found - forward(architecture, kept, calibration)).max() < 0.05
    else:
        np.testing.assert_allclose(found, forward(architecture, kept, calibration), atol=1e-5)


@pytest.mark.parametrize(
    "target", [Target("tflite", "int8-weights"), Target("onnx", "int8-weights"), Target("c", "int8")]
)
@pytest.mark.parametrize("name", ["simple_rnn", "lstm", "gru"])
def test_rounding_for_movements_is_closer_on_others(name: str, target: Target, random_bundle, need_engine) -> None:
    need_engine(RUNTIME[target.format])
    made = random_bundle(name, seed=6, gain=1.5)
    architecture = made.manifest.architecture
    windows = movements(architecture, 1)
    expected = forward(architecture, made.folded_weights, windows)
    errors = []
    for calibration in (None, movements(architecture, 2)):
        compiled = compile_bundle(made, [target], calibration=calibration)
        found = load_engine(compiled, RUNTIME[target.format], target.quantization).predict(windows)
        errors.append(float(np.abs(found - expected).mean()))
    assert errors[1] < 0.9 * errors[0], errors
