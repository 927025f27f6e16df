"""How a float model's kernels are kept in the file: as they are, in half precision, or as integers with a scale.

Biases are few, and stay float32.
"""

from typing import Any, Final

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from edgehar.models.architecture import GRU, LSTM, Layer, Recurrent
from edgehar.models.quantization import quantize, symmetric_scale
from edgehar.pipeline.compilers.quantization.prerounding import SharedScale
from edgehar.pipeline.compilers.tflite.cells import lstm_columns
from edgehar.pipeline.compilers.tflite.graph import Scale, Storage, Subgraph, Tensor


def as_float32(graph: Subgraph, name: str, values: NDArray[Any]) -> Tensor:
    """Keep the array as it is."""
    return graph.constant(name, values.astype(np.float32))


def as_float16(graph: Subgraph, name: str, values: NDArray[Any]) -> Tensor:
    """Keep the array in half precision; runtimes widen it once, when they load the file."""
    limit = np.finfo(np.float16).max
    stored = graph.constant(name, np.clip(values, -limit, limit).astype(np.float16))
    return _widened(graph, stored, version=3)


def as_int8(graph: Subgraph, name: str, values: NDArray[Any]) -> Tensor:
    """Keep the array as int8 with one scale; runtimes widen it once, when they load the file.

    One scale, and not one for each output: tflite-micro would take the first for all of them, and say nothing.
    """
    return _widened(graph, _int8(graph, name, values), version=2)


def as_hybrid(graph: Subgraph, name: str, values: NDArray[Any]) -> Tensor:
    """Keep the array as int8 with one scale; hybrid operators take it as it is, and round what it is multiplied by."""
    return _int8(graph, name, values)


def _int8(graph: Subgraph, name: str, values: NDArray[Any]) -> Tensor:
    """Return a constant of int8 with one scale."""
    scale = symmetric_scale(values, np.int8)
    return graph.constant(name, quantize(values, scale=scale, dtype=np.int8), scale=Scale(scale))


def _widened(graph: Subgraph, stored: Tensor, *, version: int) -> Tensor:
    """Return a constant as float32."""
    widened = graph.tensor("", stored.shape)
    graph.operator("DEQUANTIZE", [stored], [widened], schema.DequantizeOptionsT(), version=version)
    return widened


def shared_scales(layer: Layer) -> list[SharedScale]:
    """Return which columns of a layer's kernels lie in one tensor, and have one scale."""
    columns: tuple[slice | NDArray[np.intp], ...] = (slice(None),)
    if isinstance(layer, LSTM):
        columns = lstm_columns(layer)
    elif isinstance(layer, GRU):
        columns = slice(2 * layer.units), slice(2 * layer.units, None)
    names = ("kernel", "recurrent_kernel") if isinstance(layer, Recurrent) else ("kernel",)
    return [{name: part} for name in names for part in columns]


STORAGES: Final[dict[str, Storage]] = {
    "float32": as_float32,
    "float16": as_float16,
    "int8-weights": as_int8,
    "int8-hybrid": as_hybrid,
}
"""Storage of every quantization in which activations stay float."""

INT8_STORAGES: Final = ("int8-weights", "int8-hybrid")
"""Those that round weights to integers."""
