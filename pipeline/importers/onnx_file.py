"""An ONNX file -> its nodes and constants, as data: bounded, nothing outside the file, no operators of others."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.errors import ModelFileError
from edgehar.models.foreign_text import printable
from edgehar.pipeline.importers.onnx_node import OnnxNode
from edgehar.pipeline.importers.onnx_states import Places, fed_states, given_states, leading_to

MAXIMUM_BYTES: Final = 128 * 2**20
MAXIMUM_NODES: Final = 5000

_ZERO_KEEPING: Final = ("Expand", "Identity", "Reshape", "Unsqueeze", "Squeeze", "Slice", "Tile", "Cast", "Transpose")
"""Operators that make zeros of zeros, whatever their other inputs say."""


@dataclass(frozen=True, slots=True, eq=False)
class OnnxState:
    """An input that is a state, by its name and shape, and the output that gives it back."""

    name: str
    shape: tuple[int | None, ...]
    output: str


@dataclass(frozen=True, slots=True, eq=False)
class OnnxModel:
    """A graph of one input and one output, beside which there may be states.

    Parameters
    ----------
    nodes, constants
        The operators that lead to the output, and the arrays of the file.
    input_name, input_shape, output_name
        Its ends; the shape has None where a dimension is open.
    producer
        What wrote it.
    states, state_tensors
        The states, and all tensors that are made of them before a recurrent operator takes them.
    """

    nodes: tuple[OnnxNode, ...]
    constants: Mapping[str, NDArray[Any]]
    input_name: str
    input_shape: tuple[int | None, ...]
    output_name: str
    producer: str
    states: tuple[OnnxState, ...] = ()
    state_tensors: frozenset[str] = frozenset()

    def is_zero(self, name: str) -> bool:
        """Whether a tensor is known to hold nothing but zeros, as the states that PyTorch begins with."""
        if name in self.constants:
            return not self.constants[name].any()
        node = next((node for node in self.nodes if name in node.outputs), None)
        if node is None:
            return False
        if node.kind == "ConstantOfShape":
            return not np.any(node.attributes.get("value", 0))
        if node.kind == "Concat":
            return all(self.is_zero(each) for each in node.inputs)
        return node.kind in _ZERO_KEEPING and self.is_zero(node.inputs[0])


def read_onnx(content: bytes, *, where: str) -> OnnxModel:
    """Read an ONNX file.

    Raises
    ------
    ModelFileError
        If it is damaged, larger than the limits, keeps weights elsewhere, or has several inputs or outputs.
    """
    import onnx

    if len(content) > MAXIMUM_BYTES:
        raise ModelFileError(f"{where}: expected an ONNX file of at most {MAXIMUM_BYTES:,} bytes, got {len(content):,}")
    try:
        model = onnx.load_model_from_string(content)
    except Exception as error:  # protobuf's own exception types depend on how it was built.
        raise ModelFileError(
            f"{where}: expected an ONNX file, got something that cannot be parsed ({printable(str(error), 100)})",
            next_step="Export the model again.",
        ) from error
    graph = model.graph
    if len(graph.node) > MAXIMUM_NODES:
        raise ModelFileError(f"{where}: expected at most {MAXIMUM_NODES:,} operators, got {len(graph.node):,}")
    constants = {tensor.name: _array(tensor, where, onnx) for tensor in graph.initializer}
    nodes = tuple(_node(node, where, onnx) for node in graph.node)
    constants |= {node.outputs[0]: node.attributes["value"] for node in nodes if _is_constant(node)}
    shapes = {value.name: _shape(value) for value in graph.input if value.name not in constants}
    kept = tuple(node for node in nodes if not _is_constant(node))
    fed = fed_states(kept, shapes)
    given = given_states(kept, [value.name for value in graph.output]) if fed else {}
    inputs = [name for name in shapes if name not in fed]
    outputs = [value.name for value in graph.output if value.name not in given]
    if len(inputs) != 1 or len(outputs) != 1:
        raise ModelFileError(
            f"{where}: expected one input and one output, got {len(inputs)} and {len(outputs)}",
            next_step="Export a module whose forward takes the windows and returns its outputs alone, or takes and "
            "returns the states of its recurrent layers as well.",
        )
    producer = printable(f"{model.producer_name} {model.producer_version}".strip() or "unknown", 60)
    if fed:
        kept = leading_to(outputs[0], kept)
    return OnnxModel(
        kept,
        constants,
        inputs[0],
        shapes[inputs[0]],
        outputs[0],
        producer,
        states=tuple(OnnxState(name, shapes[name], _given_back(name, fed[name][0], given, where)) for name in fed),
        state_tensors=frozenset().union(*(tensors for _, tensors in fed.values())),
    )


def _shape(value: Any) -> tuple[int | None, ...]:
    """Return the shape of an input, with None where it is open."""
    return tuple(size.dim_value or None for size in value.type.tensor_type.shape.dim)


def _given_back(name: str, places: Places, given: Mapping[str, Places], where: str) -> str:
    """Return the output that is a state which an input begins with."""
    output = next((output for output, others in given.items() if others == places), None)
    if output is None:
        raise ModelFileError(
            f"{where}: the input {printable(name, 60)!r} is a state, and no output gives it back",
            next_step="Return the states that the recurrent layers give, in the form in which they are taken.",
        )
    return output


def _is_constant(node: OnnxNode) -> bool:
    """Whether a node is an array of the file."""
    return node.kind == "Constant" and isinstance(node.attributes.get("value"), np.ndarray)


def _node(node: Any, where: str, onnx: Any) -> OnnxNode:
    """Return one operator; those of other domains are code of others."""
    if node.domain not in ("", "ai.onnx"):
        raise ModelFileError(
            f"{where}: operator {printable(node.op_type, 60)} is of the domain {printable(node.domain, 60)}, "
            "expected those of ONNX itself",
            next_step="Export the model without operators of your own.",
        )
    attributes = {}
    for attribute in node.attribute:
        if attribute.type == onnx.AttributeProto.TENSOR:
            attributes[attribute.name] = _array(attribute.t, where, onnx)
        elif attribute.type not in (onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS):
            attributes[attribute.name] = onnx.helper.get_attribute_value(attribute)
    name = printable(node.name or node.op_type, 60)
    return OnnxNode(node.op_type, name, tuple(node.input), tuple(node.output), attributes)


def _array(tensor: Any, where: str, onnx: Any) -> NDArray[Any]:
    """Return an array of the file; one that lies in another file is refused."""
    if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
        raise ModelFileError(
            f"{where}: expected all weights in the file, got {printable(tensor.name, 60)!r} in another one",
            next_step="Export it in one file, such as torch.onnx.export(..., external_data=False).",
        )
    try:
        found: NDArray[Any] = onnx.numpy_helper.to_array(tensor)
    except (ValueError, TypeError) as error:
        raise ModelFileError(
            f"{where}: expected an array for {printable(tensor.name, 60)!r}, got one that is damaged",
            next_step="Export the model again.",
        ) from error
    return found
