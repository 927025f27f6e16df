"""Lower a model to an ONNX graph: dynamic batch, one operator per recurrent layer, opset 17."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.architecture import GRU, LSTM, Architecture, Dense, SimpleRNN, Weights, layer_weights
from models.bundle import CompiledArtifact
from models.golden import golden_windows
from models.manifest import TensorSpec
from models.reference import forward
from pipeline.compilers.onnx.graph import INPUT, OUTPUT, OnnxGraph
from pipeline.compilers.onnx.recurrent import recurrent
from pipeline.compilers.onnx.storage import STORAGES, rounded

QUANTIZATIONS: Final = tuple(STORAGES)
OPEN_DIMENSION: Final = -1
"""How the manifest writes the dimension of the batch."""

_ACTIVATIONS: Final = {"relu": "Relu", "tanh": "Tanh", "sigmoid": "Sigmoid"}
_RECURRENT: Final = (SimpleRNN, LSTM, GRU)


def supports(architecture: Architecture, quantization: str) -> bool:
    """Whether this architecture can be lowered at this quantization."""
    return quantization in QUANTIZATIONS and all(
        isinstance(layer, (*_RECURRENT, Dense)) for layer in architecture.layers
    )


def lower(
    architecture: Architecture, weights: Weights, quantization: str, calibration: NDArray[Any] | None
) -> CompiledArtifact:
    """Return the artifact; see `pipeline.compilers.compile_model`."""
    graph = OnnxGraph(STORAGES[quantization])
    shapes = architecture.shapes()
    sequence = _Sequence(graph, INPUT)
    for layer in architecture.layers:
        own = layer_weights(layer, weights)
        if isinstance(layer, _RECURRENT):
            result = recurrent(graph, layer, own, sequence.time_major())
            sequence = _Sequence(graph, result, is_time_major=layer.return_sequences)
        elif isinstance(layer, Dense):
            sequence = _Sequence(graph, _dense(graph, layer, own, sequence.name), sequence.is_time_major)
    content = graph.finish(
        architecture.name, input_shape=shapes[0], result=sequence.batch_major(), output_shape=shapes[-1]
    )
    return CompiledArtifact(
        file=f"model.{quantization}.onnx",
        format="onnx",
        quantization=quantization,
        route="direct",
        input=TensorSpec(INPUT, "float32", (OPEN_DIMENSION, *shapes[0]), 0.0, 0),
        output=TensorSpec(OUTPUT, "float32", (OPEN_DIMENSION, *shapes[-1]), 0.0, 0),
        content=content,
        expected=None if quantization == "float32" else _expected(architecture, rounded(weights, quantization)),
    )


def _expected(architecture: Architecture, weights: Weights) -> NDArray[np.float32]:
    """Return what the oracle makes of the golden windows with these weights."""
    windows = golden_windows(architecture.window, architecture.channels)
    return np.asarray(forward(architecture, weights, windows), np.float32)


class _Sequence:
    """A tensor of the graph and which axis comes first: recurrent operators take time first, others the batch."""

    def __init__(self, graph: OnnxGraph, name: str, is_time_major: bool = False) -> None:
        self._graph, self.name, self.is_time_major = graph, name, is_time_major

    def time_major(self) -> str:
        """Return it as (steps, batch, channels)."""
        return self.name if self.is_time_major else self._swapped()

    def batch_major(self) -> str:
        """Return it as (batch, steps, channels), or (batch, units) where there is no time left."""
        return self._swapped() if self.is_time_major else self.name

    def _swapped(self) -> str:
        return self._graph.node("Transpose", [self.name], perm=[1, 0, 2])


def _dense(graph: OnnxGraph, layer: Dense, weights: dict[str, NDArray[Any]], values: str) -> str:
    """Lower to MatMul, Add and an activation: right for windows and for every step of a sequence."""
    product = graph.node("MatMul", [values, graph.kernel(f"{layer.name}/kernel", weights["kernel"], axis=1)])
    shifted = graph.node("Add", [product, graph.constant(f"{layer.name}/bias", weights["bias"])], name=layer.name)
    if layer.activation == "linear":
        return shifted
    if layer.activation == "softmax":
        return graph.node("Softmax", [shifted], axis=-1)
    return graph.node(_ACTIVATIONS[layer.activation], [shifted])
