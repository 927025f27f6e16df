"""What is inside a compiled file: tensors, operators, and which runtimes can load it."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TensorFact:
    """A tensor: ``scales`` is empty unless it is quantized, ``stored_bytes`` is 0 unless its values are in the file.

    ``variable`` is whether it keeps its values between invocations.
    """

    graph: str
    name: str
    dtype: str
    shape: tuple[int, ...]
    scales: tuple[float, ...]
    zero_point: int
    stored_bytes: int
    variable: bool = False


@dataclass(frozen=True, slots=True)
class OperatorFact:
    """An operator at a version, and how often it stands in the file."""

    name: str
    version: int
    count: int


@dataclass(frozen=True, slots=True)
class RuntimeFact:
    """Whether a runtime can load the file: claimed from its table of operators, and checked where it is installed."""

    runtime: str
    claimed: bool
    reason: str | None
    checked: bool | None = None
    checked_with: str | None = None


@dataclass(frozen=True, slots=True)
class Contents:
    """What a reader finds in a file; ``format_version`` is the version of the file format itself."""

    operators: tuple[OperatorFact, ...]
    tensors: tuple[TensorFact, ...]
    format_version: int

    @property
    def mixes_int8_with_floats(self) -> bool:
        """Whether int8 weights are multiplied with floats as they are, and not widened first."""
        is_float = any(tensor.dtype == "float32" for tensor in self.tensors)
        stored = any(tensor.dtype == "int8" and tensor.stored_bytes for tensor in self.tensors)
        return is_float and stored and all(operator.name != "DEQUANTIZE" for operator in self.operators)


def counted(operators: Iterable[tuple[str, int]]) -> tuple[OperatorFact, ...]:
    """Return operators in the order they first appear, with how often."""
    return tuple(OperatorFact(name, version, count) for (name, version), count in Counter(operators).items())
