"""Which runtimes have what a file needs, as asked of the runtimes themselves (tools/probe_tflite_operators.py)."""

from typing import Final

from edgehar.pipeline.inspection.facts import Contents, RuntimeFact

LITERT: Final = "ai-edge-litert 2.3"
COMPILED_MODEL: Final = "ai-edge-litert 2.3, CompiledModel"
TFLITE_RUNTIME: Final = "tflite-runtime 2.14"
TFLITE_MICRO: Final = "tflite-micro"
ONNXRUNTIME: Final = "onnxruntime 1.12 or newer"

_NEWEST_OPSET: Final = 17
"""Operator set and file format that onnxruntime 1.12 knows."""
_NEWEST_IR: Final = 8

_SCHEMA: Final = 3
"""Version of the TFLite file format; there is no other."""

OPERATORS: Final[dict[str, tuple[int, int]]] = {
    "ADD": (5, 6),
    "BATCH_MATMUL": (4, 4),
    "CAST": (5, 9),
    "CONCATENATION": (4, 7),
    "CONV_2D": (7, 8),
    "DEQUANTIZE": (5, 9),
    "DYNAMIC_UPDATE_SLICE": (1, 6),
    "FULLY_CONNECTED": (10, 14),
    "GATHER": (6, 8),
    "LESS": (3, 3),
    "LOGISTIC": (3, 3),
    "MAX_POOL_2D": (3, 3),
    "MEAN": (3, 3),
    "MUL": (7, 8),
    "PACK": (4, 5),
    "PAD": (4, 6),
    "QUANTIZE": (3, 6),
    "REDUCE_MAX": (3, 3),
    "RELU": (3, 3),
    "RESHAPE": (1, 1),
    "REVERSE_V2": (3, 4),
    "SOFTMAX": (3, 4),
    "SPLIT": (4, 5),
    "SPLIT_V": (2, 3),
    "STRIDED_SLICE": (8, 8),
    "SUB": (5, 5),
    "TANH": (3, 3),
    "UNIDIRECTIONAL_SEQUENCE_LSTM": (4, 4),
    "UNIDIRECTIONAL_SEQUENCE_RNN": (3, 3),
    "WHILE": (1, 1),
}
"""Highest version of every operator we write, or wrote before, in tflite-runtime 2.14 and in ai-edge-litert 2.3."""

MISSING_IN_MICRO: Final = frozenset({"UNIDIRECTIONAL_SEQUENCE_RNN"})


def tflite_claims(contents: Contents) -> tuple[RuntimeFact, ...]:
    """Return which TFLite runtimes can load a file."""
    return (
        _claim(LITERT, _newer_operators(contents, column=1)),
        _claim(COMPILED_MODEL, _newer_operators(contents, column=1) + _not_in_compiled_model(contents)),
        _claim(TFLITE_RUNTIME, _newer_operators(contents, column=0)),
        _claim(TFLITE_MICRO, _not_in_micro(contents)),
    )


def onnx_claims(contents: Contents) -> tuple[RuntimeFact, ...]:
    """Return whether onnxruntime can load a file."""
    newest = max((operator.version for operator in contents.operators), default=0)
    problems = []
    if newest > _NEWEST_OPSET:
        problems.append(f"operator set {newest}")
    if contents.format_version > _NEWEST_IR:
        problems.append(f"IR version {contents.format_version}")
    return (_claim(ONNXRUNTIME, problems),)


def _newer_operators(contents: Contents, *, column: int) -> list[str]:
    """Return the operators that a runtime does not have at this version, and a file format it does not read."""
    problems = _other_schema(contents)
    for operator in contents.operators:
        highest = OPERATORS.get(operator.name, (0, 0))[column]
        if operator.version > highest:
            problems.append(f"{operator.name} version {operator.version}")
    return problems


def _not_in_compiled_model(contents: Contents) -> list[str]:
    """Return what LiteRT's newer interface lacks beside the interpreter: state between invocations, int16 buffers."""
    problems = []
    if any(tensor.variable for tensor in contents.tensors):
        problems.append("variable tensors")
    if any(tensor.dtype == "int16" and tensor.name == "Input" for tensor in contents.tensors):
        problems.append("int16 inputs (in Python)")
    return problems


def _not_in_micro(contents: Contents) -> list[str]:
    """Return what tflite-micro lacks: operators, half precision, and kernels that mix int8 weights with floats."""
    problems = _other_schema(contents) + sorted(MISSING_IN_MICRO & {operator.name for operator in contents.operators})
    if any(tensor.dtype == "float16" for tensor in contents.tensors):
        problems.append("half precision")
    if contents.mixes_int8_with_floats:
        problems.append("kernels that mix int8 weights with floats")
    return problems


def _other_schema(contents: Contents) -> list[str]:
    """Return the version of the file format if it is not the one that there is."""
    return [] if contents.format_version == _SCHEMA else [f"file format {contents.format_version}"]


def _claim(runtime: str, problems: list[str]) -> RuntimeFact:
    """Return the claim that a runtime loads a file unless it lacks something."""
    return RuntimeFact(runtime, not problems, f"has no {', no '.join(problems)}" if problems else None)
