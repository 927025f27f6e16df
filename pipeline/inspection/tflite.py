"""Read a TFLite flatbuffer: bounded by its own length, so that a damaged one is refused, never followed.

Offsets of a flatbuffer may point anywhere, also at each other: a small file can claim a million tables of a million
entries each. A budget limits what is read of one file, whatever it claims.
"""

import struct
from collections.abc import Iterator
from typing import Any, Final

from ai_edge_litert import schema_py_generated as schema

from edgehar.models.errors import BundleError
from edgehar.pipeline.inspection.facts import Contents, TensorFact, counted

_BUDGET: Final = 1_000_000
"""Entries of vectors and bytes of names that are read of one file: a large model has a tenth of it."""

_UNREADABLE: Final = (AttributeError, LookupError, OverflowError, TypeError, ValueError, struct.error)
"""What the schema's classes raise when bytes are not what they should be."""


def _names(enumeration: type) -> dict[int, str]:
    """Return the names of a schema's enumeration by number."""
    return {code: name for name, code in vars(enumeration).items() if name.isupper()}


_OPERATORS: Final = _names(schema.BuiltinOperator)
_TYPES: Final = _names(schema.TensorType)


def read_tflite(content: bytes, *, where: str) -> Contents:
    """Return the operators and tensors of a .tflite file.

    Raises
    ------
    BundleError
        If it is not a TFLite flatbuffer, is cut short, or claims more than a model has.
    """
    if content[4:8] != b"TFL3":
        raise _damaged(where, f"the mark TFL3 at byte 4, got {content[4:8]!r}")
    try:
        return _Reader(content).contents()
    except _UNREADABLE as error:
        raise _damaged(
            where, f"a whole flatbuffer, it ends or points outside itself ({type(error).__name__})"
        ) from error


class _Reader:
    """Reads one file within its budget."""

    def __init__(self, content: bytes) -> None:
        self._content, self._left = content, _BUDGET
        self._model = schema.Model.GetRootAs(content, 0)

    def contents(self) -> Contents:
        """Return what the file holds."""
        model = self._model
        graphs = [model.Subgraphs(index) for index in self._indices(model.SubgraphsLength())]
        codes = [model.OperatorCodes(index) for index in self._indices(model.OperatorCodesLength())]
        kinds = [(_operator_name(code), int(code.Version())) for code in codes]
        operators = [
            kinds[graph.Operators(index).OpcodeIndex()]
            for graph in graphs
            for index in self._indices(graph.OperatorsLength())
        ]
        tensors = tuple(fact for graph in graphs for fact in self._tensors(graph))
        return Contents(counted(operators), tensors, int(model.Version()))

    def _tensors(self, graph: Any) -> Iterator[TensorFact]:
        """Yield the tensors of one subgraph."""
        graph_name = self._text(graph.Name())
        for index in self._indices(graph.TensorsLength()):
            tensor = graph.Tensors(index)
            quantization = tensor.Quantization()
            scales: tuple[float, ...] = ()
            zero_point = 0
            if quantization is not None and quantization.ScaleLength():
                scales = tuple(float(quantization.Scale(k)) for k in self._indices(quantization.ScaleLength()))
                zero_point = int(quantization.ZeroPoint(0)) if quantization.ZeroPointLength() else 0
            yield TensorFact(
                graph=graph_name,
                name=self._text(tensor.Name()),
                dtype=_TYPES[tensor.Type()].lower(),
                shape=tuple(int(tensor.Shape(k)) for k in self._indices(tensor.ShapeLength())),
                scales=scales,
                zero_point=zero_point,
                stored_bytes=self._bounded(self._model.Buffers(tensor.Buffer()).DataLength()),
                variable=bool(tensor.IsVariable()),
            )

    def _indices(self, length: int) -> range:
        """Return the indices of a vector that the budget allows."""
        self._spend(self._bounded(length))
        return range(length)

    def _bounded(self, length: int) -> int:
        """Return a length, refusing one that is longer than the file."""
        if length > len(self._content):
            raise ValueError("a vector longer than the file")
        return int(length)

    def _text(self, raw: bytes | None) -> str:
        """Return a string of the file."""
        if raw is None:
            return ""
        self._spend(len(raw))
        return raw.decode()

    def _spend(self, amount: int) -> None:
        """Take an amount from the budget."""
        self._left -= amount
        if self._left < 0:
            raise ValueError("more entries than a model has")


def _operator_name(code: Any) -> str:
    """Return an operator's name; those of codes above 127 are kept in the newer field."""
    return _OPERATORS[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]


def _damaged(where: str, expected: str) -> BundleError:
    """Return the error that refuses the file."""
    return BundleError(f"{where}: expected {expected}", next_step="The file is damaged: compile it again.", file=where)
