"""SimpleRNN stacks as one Scan: any depth over any window is what layers one after the other are."""

from collections import Counter

import numpy as np
import onnx
import onnxruntime
import pytest

from edgehar.models.architecture import Architecture, Dense, SimpleRNN
from edgehar.models.bundle.golden import golden_windows
from edgehar.models.reference import forward
from edgehar.pipeline.compilers import compile_model
from edgehar.pipeline.compilers.onnx_options import OnnxOptions

UNITS = (5, 3, 6, 4)


def stack(depth: int, window: int) -> Architecture:
    """Return SimpleRNN layers of different widths, and a softmax."""
    last = depth - 1
    layers = [SimpleRNN(f"RNN_{index}", UNITS[index], index < last) for index in range(depth)]
    return Architecture("stack", window, 3, (*layers, Dense("Output", 4, "softmax")))


@pytest.mark.parametrize(
    ("quantization", "opset"), [("float32", 13), ("float32", 17), ("float16", 17), ("int8-weights", 17)]
)
@pytest.mark.parametrize("window", [1, 2, 3, 4, 9])
@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_layers_that_step_together_are_the_layers(
    depth: int, window: int, quantization: str, opset: int, random_weights
) -> None:
    architecture = stack(depth, window)
    weights = random_weights(architecture)
    for name in weights:
        if name.endswith("bias"):
            # Biases that are not zero: a layer that has not begun must not feel its own.
            weights[name] += 0.7
    artifact = compile_model(
        architecture, weights, format="onnx", quantization=quantization, onnx=OnnxOptions(fast=True, opset=opset)
    )
    found = Counter(node.op_type for node in onnx.load_from_string(artifact.content).graph.node)
    assert (found["Scan"], found["RNN"]) == (1, 0 if depth <= window else depth - 1)
    session = onnxruntime.InferenceSession(artifact.content, providers=["CPUExecutionProvider"])
    if quantization == "float32":
        windows = np.random.default_rng(depth).normal(size=(7, window, 3)).astype(np.float32)
        expected = forward(architecture, weights, windows)
        np.testing.assert_allclose(session.run(None, {"Input": windows})[0], expected, atol=1e-5)
        for one, alone in zip(windows, expected, strict=True):
            np.testing.assert_allclose(session.run(None, {"Input": one[np.newaxis]})[0][0], alone, atol=1e-5)
    else:
        golden = np.asarray(artifact.expected)
        np.testing.assert_allclose(session.run(None, {"Input": golden_windows(window, 3)})[0], golden, atol=1e-5)
