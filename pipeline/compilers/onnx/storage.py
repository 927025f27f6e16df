"""How kernels are kept in the file: as they are, in half precision, or as int8 with a scale for each output.

Biases are few, and stay float32. Smaller kernels are widened by nodes that runtimes fold when they load the file: every
runtime computes in float32, at its speed, whatever it is told about quantized graphs
(docs/decisions/0005-int8-weights-in-onnx.md).
"""

from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray

from edgehar.models.architecture import Layer, Recurrent, Weights
from edgehar.models.quantization import per_channel
from edgehar.pipeline.compilers.onnx.graph import Axis, OnnxGraph, Storage
from edgehar.pipeline.compilers.quantization.prerounding import SharedScale


def as_float32(graph: OnnxGraph, name: str, values: NDArray[Any], axis: Axis) -> str:
    """Keep the array as it is."""
    return graph.constant(name, values.astype(np.float32))


def as_float16(graph: OnnxGraph, name: str, values: NDArray[Any], axis: Axis) -> str:
    """Keep the array in half precision."""
    stored = graph.constant(name, _half(values))
    return graph.node("Cast", [stored], name=f"{name}_wide", to=onnx.TensorProto.FLOAT)


def as_int8(graph: OnnxGraph, name: str, values: NDArray[Any], axis: Axis) -> str:
    """Keep the array as int8 with a scale for each slice along ``axis``."""
    integers, scales = per_channel(values, axis)
    wide = graph.node("Cast", [graph.constant(name, integers)], name=f"{name}_wide", to=onnx.TensorProto.FLOAT)
    return graph.node("Mul", [wide, graph.constant(f"{name}_scale", scales)], name=f"{name}_real")


STORAGES: Final[dict[str, Storage]] = {"float32": as_float32, "float16": as_float16, "int8-weights": as_int8}
"""Storage of every quantization."""


def shared_scales(layer: Layer) -> list[SharedScale]:
    """Return which columns of a layer's kernels have one scale: each has its own."""
    width = layer.units * getattr(layer, "gates", 1)  # type: ignore[attr-defined]
    names = ("kernel", "recurrent_kernel") if isinstance(layer, Recurrent) else ("kernel",)
    return [{name: slice(column, column + 1)} for name in names for column in range(width)]


def rounded(weights: Weights, quantization: str) -> dict[str, NDArray[np.float32]]:
    """Return the weights, in Keras layout, as a file of this quantization gives them back."""
    widen = _WIDENED[quantization]
    return {name: widen(values) if name.endswith(_KEPT_SMALL) else values for name, values in weights.items()}


_KEPT_SMALL: Final = ("kernel", "embeddings")
"""How the names of weights end that a quantization rounds."""


def _half(values: NDArray[Any]) -> NDArray[np.float16]:
    """Return the values in half precision, saturated at its ends."""
    limit = np.finfo(np.float16).max
    half: NDArray[np.float16] = np.clip(values, -limit, limit).astype(np.float16)
    return half


def _as_kept_in_int8(values: NDArray[Any]) -> NDArray[np.float32]:
    """Return what Cast and Mul make of int8 values and their scales."""
    integers, scales = per_channel(values)
    return integers.astype(np.float32) * scales


_WIDENED: Final = {
    "float32": lambda values: values,
    "float16": lambda values: _half(values).astype(np.float32),
    "int8-weights": _as_kept_in_int8,
}
