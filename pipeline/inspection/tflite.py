"""Read a TFLite flatbuffer: bounded by its own length, so that a damaged one is refused, never followed."""

import struct
from collections.abc import Iterator
from typing import Any, Final

from ai_edge_litert import schema_py_generated as schema

from edgehar.models.errors import BundleError
from edgehar.pipeline.inspection.facts import Contents, TensorFact, counted


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
        If it is not a TFLite flatbuffer, or is cut short.
    """
    if content[4:8] != b"TFL3":
        raise _damaged(where, f"the mark TFL3 at byte 4, got {content[4:8]!r}")
    try:
        model = schema.Model.GetRootAs(content, 0)
        graphs = [model.Subgraphs(index) for index in _indices(model.SubgraphsLength(), content)]
        codes = [model.OperatorCodes(index) for index in _indices(model.OperatorCodesLength(), content)]
        kinds = [(_operator_name(code), code.Version()) for code in codes]
        operators = [
            kinds[graph.Operators(index).OpcodeIndex()]
            for graph in graphs
            for index in _indices(graph.OperatorsLength(), content)
        ]
        tensors = [fact for graph in graphs for fact in _tensors(model, graph, content)]
    except (
        AttributeError,
        IndexError,
        OverflowError,
        TypeError,
        UnicodeDecodeError,
        ValueError,
        struct.error,
    ) as error:
        raise _damaged(
            where, f"a whole flatbuffer, it ends or points outside itself ({type(error).__name__})"
        ) from error
    return Contents(counted(operators), tuple(tensors), model.Version())


def _tensors(model: Any, graph: Any, content: bytes) -> Iterator[TensorFact]:
    """Yield the tensors of one subgraph."""
    graph_name = _text(graph.Name())
    for index in _indices(graph.TensorsLength(), content):
        tensor = graph.Tensors(index)
        quantization = tensor.Quantization()
        scales: tuple[float, ...] = ()
        zero_point = 0
        if quantization is not None and quantization.ScaleLength():
            scales = tuple(float(quantization.Scale(k)) for k in _indices(quantization.ScaleLength(), content))
            zero_point = int(quantization.ZeroPoint(0)) if quantization.ZeroPointLength() else 0
        yield TensorFact(
            graph=graph_name,
            name=_text(tensor.Name()),
            dtype=_TYPES[tensor.Type()].lower(),
            shape=tuple(int(tensor.Shape(k)) for k in _indices(tensor.ShapeLength(), content)),
            scales=scales,
            zero_point=zero_point,
            stored_bytes=_indices(model.Buffers(tensor.Buffer()).DataLength(), content).stop,
        )


def _indices(length: int, content: bytes) -> range:
    """Return the indices of a vector, refusing one that says it is longer than the file."""
    if length > len(content):
        raise ValueError("a vector longer than the file")
    return range(length)


def _operator_name(code: Any) -> str:
    """Return an operator's name; those of codes above 127 are kept in the newer field."""
    return _OPERATORS[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]


def _text(raw: bytes | None) -> str:
    """Return a string of the file."""
    return "" if raw is None else raw.decode()


def _damaged(where: str, expected: str) -> BundleError:
    """Return the error that refuses the file."""
    return BundleError(f"{where}: expected {expected}", next_step="The file is damaged: compile it again.", file=where)
