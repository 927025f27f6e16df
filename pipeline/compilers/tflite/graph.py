"""Write a TFLite flatbuffer: subgraphs, tensors, constants and operators, through the official schema."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import DTypeLike, NDArray

from edgehar.models.architecture import Shape

MADE_UP: Final = "."
"""Stands before the number in the name of a tensor that has no name of its own, such as ``add.12``."""

SIGNATURE: Final = "serving_default"
"""Name of the one signature, which runtimes take when they are not told another."""

_FILE_IDENTIFIER: Final = b"TFL3"
_SCHEMA_VERSION: Final = 3
_ALIGNMENT_BYTES: Final = 16
_TENSOR_TYPES: Final = {
    np.dtype(dtype): tensor_type
    for dtype, tensor_type in (
        (np.float32, schema.TensorType.FLOAT32),
        (np.float16, schema.TensorType.FLOAT16),
        (np.int8, schema.TensorType.INT8),
        (np.int16, schema.TensorType.INT16),
        (np.int32, schema.TensorType.INT32),
        (np.int64, schema.TensorType.INT64),
        (np.bool_, schema.TensorType.BOOL),
    )
}


@dataclass(frozen=True, slots=True)
class Scale:
    """How integers of a tensor stand for real numbers: real = (integer - zero_point) * scale.

    ``scale`` is one number, or one per slice along ``axis``.
    """

    scale: float | tuple[float, ...]
    zero_point: int = 0
    axis: int = 0


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor of one subgraph, by its index there."""

    index: int
    name: str
    shape: Shape
    dtype: np.dtype[Any]
    scale: Scale | None = None


Storage = Callable[["Subgraph", str, NDArray[Any]], Tensor]
"""Keeps an array under a name and returns the tensor an operator reads."""


class _AlignedBuffer(schema.BufferT):  # type: ignore[misc]
    """A constant whose bytes start at a multiple of 16, as kernels on small processors expect."""

    def Pack(self, builder: Any) -> int:  # noqa: N802
        """Write the bytes and return where."""
        size = len(self.data)
        builder.StartVector(1, size, _ALIGNMENT_BYTES)
        builder.head -= size
        builder.Bytes[builder.head : builder.head + size] = self.data
        vector = builder.EndVector()
        schema.BufferStart(builder)
        schema.BufferAddData(builder, vector)
        return int(schema.BufferEnd(builder))


class _CompactTensor(schema.TensorT):  # type: ignore[misc]
    """A tensor that refers to a shape that is in the file already, and writes only what it has."""

    shapes: dict[Shape, int]
    """Where each shape was written."""

    def Pack(self, builder: Any) -> int:  # noqa: N802
        """Write the tensor and return where."""
        if self.shape not in self.shapes:
            self.shapes[self.shape] = int(builder.CreateNumpyVector(np.array(self.shape, np.int32)))
        name = builder.CreateSharedString(self.name)
        quantization = None if self.quantization is None else self.quantization.Pack(builder)
        schema.TensorStart(builder)
        schema.TensorAddShape(builder, self.shapes[self.shape])
        schema.TensorAddType(builder, self.type)
        schema.TensorAddBuffer(builder, self.buffer)
        schema.TensorAddName(builder, name)
        if quantization is not None:
            schema.TensorAddQuantization(builder, quantization)
        schema.TensorAddIsVariable(builder, self.isVariable)
        return int(schema.TensorEnd(builder))


def _written_once(entry: Any) -> Any:
    """Return a schema object that is written the first time it is packed, and referred to from then on."""
    pack, places = entry.Pack, list[int]()

    def pack_once(builder: Any) -> int:
        if not places:
            places.append(int(pack(builder)))
        return places[0]

    entry.Pack = pack_once
    return entry


class Subgraph:
    """One list of operators; several of one model call each other by index."""

    def __init__(self, model: "FlatbufferModel", name: str, index: int) -> None:
        self.index = index
        self.joins_kernels = model.joins_kernels
        self._model = model
        self._constants: dict[Hashable, Tensor] = {}
        self._names: set[str] = set()
        self._graph = schema.SubGraphT()
        self._graph.name = name
        self._graph.tensors, self._graph.operators = [], []

    def tensor(
        self,
        name: str,
        shape: Sequence[int],
        dtype: DTypeLike = np.float32,
        *,
        scale: Scale | None = None,
        variable: bool = False,
    ) -> Tensor:
        """Add a tensor that is computed, fed, or (``variable``) kept between invocations."""
        return self._add(name, tuple(shape), np.dtype(dtype), scale, variable=variable)

    def constant(self, name: str, values: NDArray[Any], *, scale: Scale | None = None) -> Tensor:
        """Add a tensor whose values are in the file; equal bytes are stored once, equal constants are one tensor."""
        content, shape = np.ascontiguousarray(values).tobytes(), values.shape
        key = (name, content, shape, values.dtype, scale)
        if key not in self._constants:
            buffer = self._model.buffer(content)
            self._constants[key] = self._add(name, shape, values.dtype, scale, buffer=buffer)
        return self._constants[key]

    def kernel(self, name: str, values: NDArray[Any]) -> Tensor:
        """Add a trained kernel, kept the way this model keeps them."""
        return self._model.keep_kernel(self, name, values)

    def operator(
        self,
        kind: str,
        inputs: Sequence[Tensor | None],
        outputs: Sequence[Tensor],
        options: Any = None,
        *,
        version: int = 1,
        intermediates: Sequence[Tensor] = (),
    ) -> None:
        """Add an operator by its schema name; None stands for an optional input that is left out."""
        operator = schema.OperatorT()
        operator.opcodeIndex = self._model.operator_code(kind, version)
        operator.inputs = [-1 if tensor is None else tensor.index for tensor in inputs]
        operator.outputs = [tensor.index for tensor in outputs]
        if intermediates:
            operator.intermediates = [tensor.index for tensor in intermediates]
        for tensor in (*outputs, *intermediates):
            self._name_after(tensor, kind)
        if options is not None:
            operator.builtinOptions = self._model.options(options)
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__.removesuffix("T"))
        self._graph.operators.append(operator)

    def _name_after(self, tensor: Tensor, kind: str) -> None:
        """Name a tensor that has no name of its own after the operator that gives it."""
        if not tensor.name:
            self._graph.tensors[tensor.index].name = f"{kind.lower()}{MADE_UP}{tensor.index}"

    def renamed(self, tensor: Tensor, name: str) -> Tensor:
        """Give a tensor a name that it has from now on."""
        self._graph.tensors[tensor.index].name = self._unique(name)
        return replace(tensor, name=name)

    def set_interface(self, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> None:
        """Declare what the subgraph takes and gives."""
        self._graph.inputs = [tensor.index for tensor in inputs]
        self._graph.outputs = [tensor.index for tensor in outputs]

    def packed(self) -> Any:
        """Return the schema object."""
        return self._graph

    def _unique(self, name: str) -> str:
        """Return a name that no other tensor of this subgraph has."""
        unique, number = name, 1
        while unique in self._names:
            number += 1
            unique = f"{name}{MADE_UP}{number}"
        self._names.add(unique)
        return unique

    def _add(
        self,
        name: str,
        shape: Shape,
        dtype: np.dtype[Any],
        scale: Scale | None,
        *,
        buffer: int = 0,
        variable: bool = False,
    ) -> Tensor:
        entry = _CompactTensor()
        entry.shapes, entry.shape, entry.type = self._model.shapes, shape, _TENSOR_TYPES[dtype]
        entry.name = self._unique(name) if name else f"tensor{MADE_UP}{len(self._graph.tensors)}"
        entry.buffer, entry.isVariable = buffer, variable
        if scale is not None:
            entry.quantization = self._model.quantization(scale)
        self._graph.tensors.append(entry)
        return Tensor(len(self._graph.tensors) - 1, name, shape, dtype, scale)


class FlatbufferModel:
    """A TFLite model under construction; the same calls always give the same bytes.

    ``joins_kernels`` is whether kernels whose products are added up may be stored as one, with one scale.
    """

    def __init__(self, keep_kernel: "Storage", *, joins_kernels: bool = True) -> None:
        self.keep_kernel, self.joins_kernels = keep_kernel, joins_kernels
        self._subgraphs: list[Subgraph] = []
        self._codes: dict[tuple[str, int], int] = {}
        self._buffers: dict[bytes, int] = {}
        self._scales: dict[Scale, Any] = {}
        self._options: dict[Hashable, Any] = {}
        self.shapes: dict[Shape, int] = {}

    def subgraph(self, name: str) -> Subgraph:
        """Add a subgraph; the first one is what an interpreter runs."""
        graph = Subgraph(self, name, len(self._subgraphs))
        self._subgraphs.append(graph)
        return graph

    def operator_code(self, kind: str, version: int) -> int:
        """Return the index of an operator kind and version, adding it on first use."""
        return self._codes.setdefault((kind, version), len(self._codes))

    def buffer(self, content: bytes) -> int:
        """Return the index of a constant's bytes, adding them on first use; index 0 is the empty buffer."""
        return self._buffers.setdefault(content, len(self._buffers) + 1)

    def quantization(self, scale: Scale) -> Any:
        """Return the schema entry of a scale; equal ones are stored once."""
        if scale not in self._scales:
            scales = np.atleast_1d(np.asarray(scale.scale, np.float32))
            entry = schema.QuantizationParametersT(
                scale=scales,
                zeroPoint=np.full(scales.shape, scale.zero_point, np.int64),
                quantizedDimension=scale.axis,
            )
            self._scales[scale] = _written_once(entry)
        return self._scales[scale]

    def options(self, options: Any) -> Any:
        """Return an operator's options; equal ones are stored once."""
        key = (type(options), repr(sorted(vars(options).items())))
        return self._options.setdefault(key, _written_once(options))

    def finish(self) -> bytes:
        """Return the file."""
        model = schema.ModelT()
        model.version, model.description = _SCHEMA_VERSION, "edgehar"
        model.operatorCodes = [_operator_code(kind, version) for kind, version in self._codes]
        model.subgraphs = [graph.packed() for graph in self._subgraphs]
        model.signatureDefs = [_signature(model.subgraphs[0])]
        model.buffers = [schema.BufferT(), *map(_buffer, self._buffers)]
        builder = flatbuffers.Builder(1024)
        builder.Finish(model.Pack(builder), _FILE_IDENTIFIER)
        return bytes(builder.Output())


def _operator_code(kind: str, version: int) -> Any:
    """Return the schema entry of an operator; codes above 127 do not fit the field old readers look at."""
    code = schema.OperatorCodeT()
    code.builtinCode = getattr(schema.BuiltinOperator, kind)
    code.deprecatedBuiltinCode = min(code.builtinCode, schema.BuiltinOperator.PLACEHOLDER_FOR_GREATER_OP_CODES)
    code.version = version
    return code


def _signature(graph: Any) -> Any:
    """Return the signature of a subgraph: its inputs and outputs by the names of their tensors."""
    signature = schema.SignatureDefT()
    signature.signatureKey, signature.subgraphIndex = SIGNATURE, 0
    signature.inputs, signature.outputs = (
        [_named(graph, index) for index in indices] for indices in (graph.inputs, graph.outputs)
    )
    return signature


def _named(graph: Any, index: int) -> Any:
    """Return the schema entry that names a tensor in a signature."""
    entry = schema.TensorMapT()
    entry.name, entry.tensorIndex = graph.tensors[index].name, index
    return entry


def _buffer(content: bytes) -> Any:
    """Return the schema entry of a constant."""
    buffer = _AlignedBuffer()
    buffer.data = content
    return buffer
