"""Read an ONNX file, refusing what is not one or uses operators that do not exist."""

import math
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import onnx
from google.protobuf.message import DecodeError

from edgehar.models.errors import BundleError
from edgehar.pipeline.inspection.facts import Contents, TensorFact, counted

_UNREADABLE: Final = (
    DecodeError,
    onnx.checker.ValidationError,
    AttributeError,
    LookupError,
    OverflowError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What the parser, the checker and their tables raise when bytes are not what they should be."""


_MOST_BYTES_STORED: Final = 8
"""Bytes of an array that one byte of the file can stand for: small integers are packed."""


def read_onnx(content: bytes, *, where: str) -> Contents:
    """Return the operators and tensors of an .onnx file.

    Raises
    ------
    BundleError
        If it is not an ONNX model, is cut short, or the official checker refuses it.
    """
    try:
        model = onnx.load_from_string(content)
        _refuse_other_files(model.graph)
        onnx.checker.check_model(model)
        return _contents(model, limit=len(content))
    except _UNREADABLE as error:
        reason = " ".join(str(error).split())[:160]
        raise BundleError(
            f"{where}: expected an ONNX model of known operators, got something else ({reason})",
            next_step="The file is damaged, or newer than the installed onnx: compile it again.",
            file=where,
        ) from error


def _contents(model: Any, *, limit: int) -> Contents:
    """Return what a checked model holds."""
    versions = {entry.domain: entry.version for entry in model.opset_import}
    operators = [(node.op_type, versions.get(node.domain, 0)) for node in _nodes(model.graph)]
    stored = [_stored(tensor, limit=limit) for tensor in model.graph.initializer]
    interface = [_described(value) for value in (*model.graph.input, *model.graph.output)]
    return Contents(counted(operators), (*interface, *stored), model.ir_version)


def _nodes(graph: Any) -> Iterator[Any]:
    """Yield the nodes of a graph, and behind each those of the graphs it repeats."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            yield from _nodes(attribute.g)


def _refuse_other_files(graph: Any) -> None:
    """Refuse a model whose arrays are in other files: the name of such a file is a path on the reader's disk."""
    outside = next(
        (tensor.name for tensor in _arrays(graph) if onnx.external_data_helper.uses_external_data(tensor)), None
    )
    if outside is not None:
        raise ValueError(f"the array {outside!r} is in another file")


def _arrays(graph: Any) -> Iterator[Any]:
    """Yield every array a graph holds, in initializers and attributes, and those of the graphs it repeats."""
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            yield attribute.t
            yield from attribute.tensors
            yield from _arrays(attribute.g)


def _stored(tensor: Any, *, limit: int) -> TensorFact:
    """Describe an array that is in the file; its values are not unpacked."""
    dtype = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type))
    shape = tuple(tensor.dims)
    size = math.prod(shape) * dtype.itemsize
    if not 0 <= size <= _MOST_BYTES_STORED * limit:
        raise ValueError(f"the array {tensor.name!r} is larger than the file")
    return TensorFact("main", tensor.name, dtype.name, shape, (), 0, size)


def _described(value: Any) -> TensorFact:
    """Describe an input or output; an open dimension is -1."""
    kind = value.type.tensor_type
    shape = tuple(dimension.dim_value or -1 for dimension in kind.shape.dim)
    dtype = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type)).name
    return TensorFact("main", value.name, dtype, shape, (), 0, 0)
