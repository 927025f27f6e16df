"""Read an ONNX file, refusing what is not one or uses operators that do not exist."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError

from edgehar.models.errors import BundleError
from edgehar.pipeline.inspection.facts import Contents, TensorFact, counted


def read_onnx(content: bytes, *, where: str) -> Contents:
    """Return the operators and tensors of an .onnx file.

    Raises
    ------
    BundleError
        If it is not an ONNX model, is cut short, or the official checker refuses it.
    """
    try:
        model = onnx.load_from_string(content)
        onnx.checker.check_model(model)
    except (DecodeError, onnx.checker.ValidationError, RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())[:160]
        raise BundleError(
            f"{where}: expected an ONNX model of known operators, got something else ({reason})",
            next_step="The file is damaged, or newer than the installed onnx: compile it again.",
            file=where,
        ) from error
    versions = {entry.domain: entry.version for entry in model.opset_import}
    operators = [(node.op_type, versions.get(node.domain, 0)) for node in _nodes(model.graph)]
    stored = [_stored(tensor) for tensor in model.graph.initializer]
    interface = [_described(value) for value in (*model.graph.input, *model.graph.output)]
    return Contents(counted(operators), (*interface, *stored), model.ir_version)


def _nodes(graph: Any) -> Iterator[Any]:
    """Yield the nodes of a graph, and behind each those of the graphs it repeats."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            yield from _nodes(attribute.g)


def _stored(tensor: Any) -> TensorFact:
    """Describe an array that is in the file."""
    array = onnx.numpy_helper.to_array(tensor)
    return TensorFact("main", tensor.name, array.dtype.name, array.shape, (), 0, array.nbytes)


def _described(value: Any) -> TensorFact:
    """Describe an input or output; an open dimension is -1."""
    kind = value.type.tensor_type
    shape = tuple(dimension.dim_value or -1 for dimension in kind.shape.dim)
    dtype = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type)).name
    return TensorFact("main", value.name, dtype, shape, (), 0, 0)
