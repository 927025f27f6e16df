"""How a float model's kernels are kept in the file: as they are, in half precision, or as integers with a scale.

Biases are few, and stay float32.
"""

from typing import Any, Final

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from models.quantization import quantize, symmetric_scale
from pipeline.compilers.tflite.graph import Scale, Storage, Subgraph, Tensor


def as_float32(graph: Subgraph, name: str, values: NDArray[Any]) -> Tensor:
    """Keep the array as it is."""
    return graph.constant(name, values.astype(np.float32))


def as_float16(graph: Subgraph, name: str, values: NDArray[Any]) -> Tensor:
    """Keep the array in half precision; runtimes widen it once, when they load the file."""
    limit = np.finfo(np.float16).max
    stored = graph.constant(name, np.clip(values, -limit, limit).astype(np.float16))
    widened = graph.tensor("", values.shape)
    graph.operator("DEQUANTIZE", [stored], [widened], schema.DequantizeOptionsT(), version=3)
    return widened


def as_int8(graph: Subgraph, name: str, values: NDArray[Any]) -> Tensor:
    """Keep the array as int8 with one scale, for hybrid operators."""
    scale = symmetric_scale(values, np.int8)
    return graph.constant(name, quantize(values, scale=scale, dtype=np.int8), scale=Scale(scale))


STORAGES: Final[dict[str, Storage]] = {"float32": as_float32, "float16": as_float16, "int8-weights": as_int8}
"""Storage of every quantization in which activations stay float."""
