"""The tables the C engine runs, as data: matrices, layers, and the bounds within which 32 bits suffice."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.errors import CompileError
from edgehar.models.portable.fixed_point import CELL_BITS, SUM_BITS

FLOAT32: Final = "float32"
INT8: Final = "int8"

KINDS: Final = ("simple_rnn", "lstm", "gru", "gru_reset_after", "dense")
"""Layer kinds in the order of `har_kind`, whose numbers begin at 1."""

ACTIVATIONS: Final = ("linear", "relu", "tanh", "sigmoid", "softmax")
"""Activations of dense layers in the order of `har_activation`, whose numbers begin at 1."""

GATES: Final = {"simple_rnn": 1, "lstm": 4, "gru": 3, "gru_reset_after": 3, "dense": 1}

MAXIMUM_INPUTS: Final = 511
"""511 products of int8 and int16 are the most that an int32 holds."""

MAXIMUM_BIAS: Final = 2**28
MAXIMUM_GAIN: Final = 128
"""A row may make of its inputs at most 2^29 as a sum: inputs x multiplier / 2^shift < 128."""

MAXIMUM_WINDOW: Final = 2 ** (31 - CELL_BITS) - 1
"""A cell grows by at most 1 a step."""

SHIFTS: Final = (16, 32)
MAXIMUM_CLASSES: Final = 255
MAXIMUM_LAYERS: Final = 255


@dataclass(frozen=True, slots=True)
class Matrix:
    """Weights of one linear map, in the C engine's order of rows.

    ``weights`` are float32 (inputs, outputs), or int8 (outputs, inputs) with one uint16 ``multipliers`` entry a row: a
    row's weights are worth multiplier / 2^shift each, from the format of its input to sums. ``bias`` is float32, or
    int32 sums, or None.
    """

    weights: NDArray[Any]
    bias: NDArray[Any] | None
    multipliers: NDArray[np.uint16] | None = None
    shift: int = 0

    @property
    def is_integer(self) -> bool:
        """Whether the weights are int8."""
        return self.multipliers is not None

    @property
    def inputs(self) -> int:
        """Numbers it takes."""
        return int(self.weights.shape[1 if self.is_integer else 0])

    @property
    def outputs(self) -> int:
        """Numbers it gives."""
        return int(self.weights.shape[0 if self.is_integer else 1])


@dataclass(frozen=True, slots=True)
class CLayer:
    """One layer: its kind, its matrices, and of a dense layer the activation and the format it hands on."""

    kind: str
    kernel: Matrix
    recurrent: Matrix | None = None
    activation: str = "linear"
    fraction: int = 0

    @property
    def units(self) -> int:
        """Numbers it hands on."""
        return self.kernel.outputs // GATES[self.kind]

    @property
    def matrices(self) -> Iterator[Matrix]:
        """Its kernel, and its recurrent kernel where there is one."""
        yield self.kernel
        if self.recurrent is not None:
            yield self.recurrent


@dataclass(frozen=True, slots=True)
class CModel:
    """A model as the C engine runs it: ``step_layers`` for every sample, the others when the window is finished."""

    window: int
    channels: int
    layers: tuple[CLayer, ...]
    step_layers: int

    @property
    def quantization(self) -> str:
        """``float32``, or ``int8``: int8 weights, int16 values."""
        return INT8 if self.layers[0].kernel.is_integer else FLOAT32

    @property
    def classes(self) -> int:
        """Probabilities it gives."""
        return self.layers[-1].units

    @property
    def scratch_sums(self) -> int:
        """Sums of memory that all layers use in turn."""
        return max(layer.kernel.outputs * (2 if layer.kind == "gru_reset_after" else 1) for layer in self.layers)

    @property
    def kept_sums(self) -> int:
        """Sums of memory between steps."""
        return sum(layer.units for layer in self.layers if layer.kind == "lstm")

    @property
    def kept_values(self) -> int:
        """Values of memory between steps; the last layer hands on none."""
        return sum(layer.units * (2 if layer.kind == "gru" else 1) for layer in self.layers[:-1])

    @property
    def multiply_adds_per_step(self) -> int:
        """Products of weights and values that one sample costs."""
        return sum(matrix.weights.size for layer in self.layers[: self.step_layers] for matrix in layer.matrices)


def check_bounds(model: CModel) -> None:
    """Hold a model to the bounds that keep the C engine's integers from overflowing.

    Raises
    ------
    CompileError
        If a layer has more inputs, larger weights or a longer window than 32-bit arithmetic allows.
    """
    for number, layer in enumerate(model.layers, start=1):
        for matrix in layer.matrices:
            problem = _out_of_bounds(matrix)
            if problem:
                raise CompileError(
                    f"layer {number} ({layer.kind}): {problem}",
                    next_step="Use the float32 artifact, or train with weight decay.",
                    layer=number,
                )
    if not 1 <= model.window <= MAXIMUM_WINDOW or model.classes > MAXIMUM_CLASSES:
        raise CompileError(
            f"expected a window of at most {MAXIMUM_WINDOW} samples and at most {MAXIMUM_CLASSES} classes, "
            f"got {model.window} and {model.classes}",
            next_step="Train a model with a shorter window or fewer labels.",
        )


def _out_of_bounds(matrix: Matrix) -> str | None:
    """Return what is out of bounds, as a clause; None if nothing is."""
    if matrix.multipliers is None:
        return None
    if matrix.inputs > MAXIMUM_INPUTS:
        return f"expected at most {MAXIMUM_INPUTS} inputs for 32-bit sums, got {matrix.inputs}"
    if matrix.bias is not None and np.abs(matrix.bias.astype(np.int64)).max() > MAXIMUM_BIAS:
        return f"expected biases within ±{MAXIMUM_BIAS >> SUM_BITS:,}"
    if matrix.inputs * int(matrix.multipliers.max()) >= MAXIMUM_GAIN << matrix.shift:
        return "expected smaller weights: its sums could leave 32 bits"
    return None
