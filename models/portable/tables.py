"""The tables the C engine runs, as data: matrices, layers, and the memory they need."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

FLOAT32: Final = "float32"
INT8: Final = "int8"

KINDS: Final = ("simple_rnn", "lstm", "gru", "gru_reset_after", "dense")
"""Layer kinds in the order of `har_kind`, whose numbers begin at 1."""

ACTIVATIONS: Final = ("linear", "relu", "tanh", "sigmoid", "softmax", "sigmoid_head", "linear_head")
"""Activations of layers in the order of `har_activation`, whose numbers begin at 1; the last three are heads."""

HEADS: Final = {"softmax": "softmax", "sigmoid": "sigmoid_head", "linear": "linear_head"}
"""What the last layer is called, by its activation: its outputs are what the model gives, no layer takes them."""

HIDDEN: Final = ACTIVATIONS[:4]
"""Activations of layers before the last one."""

NUMBERS: Final = "linear_head"
"""The head whose outputs are numbers, as a forecast's are; those of the others are probabilities."""

GATES: Final = {"simple_rnn": 1, "lstm": 4, "gru": 3, "gru_reset_after": 3, "dense": 1}

SAMPLE_BITS: Final = 11
"""Bits below the point of a sample of acceleration."""

SHIFTS: Final = (16, 32)
"""Least and most bits that a product with a multiplier is shifted by."""


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
    sample_bits: int = SAMPLE_BITS
    """Bits below the point of an integer sample: 11 hold acceleration up to 16 g."""

    @property
    def quantization(self) -> str:
        """``float32``, or ``int8``: int8 weights, int16 values."""
        return INT8 if self.layers[0].kernel.is_integer else FLOAT32

    @property
    def classes(self) -> int:
        """Outputs it gives."""
        return self.layers[-1].units

    @property
    def head(self) -> str:
        """The activation of its last layer."""
        return self.layers[-1].activation

    @property
    def gives_numbers(self) -> bool:
        """Whether its outputs are numbers; else they are probabilities."""
        return self.head == NUMBERS

    @property
    def scratch_sums(self) -> int:
        """Sums of memory that one layer after another uses."""
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


def output_type(model: CModel) -> str:
    """Return the type of a model's outputs."""
    if model.quantization == FLOAT32:
        return FLOAT32
    return "int32" if model.gives_numbers else "uint16"


def has_other_head(model: CModel) -> bool:
    """Whether a model needs more than probabilities of one label of several, or samples in a scale of their own."""
    return model.head != HEADS["softmax"] or model.sample_bits != SAMPLE_BITS
