"""The tables the C engine runs, as data: a model of layers, and the memory and time it needs."""

import itertools
from dataclasses import dataclass

from edgehar.models.portable.geometry import Place, busiest_step, places
from edgehar.models.portable.layers import (
    ACTIVATED,
    ACTIVATIONS,
    ATTENTION,
    BRANCHING,
    END,
    FLOAT32,
    FORK,
    GATES,
    HEADS,
    HIDDEN,
    INT8,
    JOIN,
    KINDS,
    LATER_KINDS,
    MERGES,
    NUMBERS,
    PADDINGS,
    PLAIN_KINDS,
    POOLS,
    RECURRENT,
    SAMPLE_BITS,
    SHIFTS,
    WHOLE,
    CLayer,
    Matrix,
)

__all__ = [
    "ACTIVATED",
    "ACTIVATIONS",
    "ATTENTION",
    "BRANCHING",
    "END",
    "FLOAT32",
    "FORK",
    "GATES",
    "HEADS",
    "HIDDEN",
    "INT8",
    "JOIN",
    "KINDS",
    "LATER_KINDS",
    "MERGES",
    "NUMBERS",
    "PADDINGS",
    "PLAIN_KINDS",
    "POOLS",
    "RECURRENT",
    "SAMPLE_BITS",
    "SHIFTS",
    "WHOLE",
    "CLayer",
    "CModel",
    "Matrix",
    "has_other_head",
    "output_type",
]


@dataclass(frozen=True, slots=True)
class CModel:
    """A model as the C engine runs it: ``step_layers`` for every sample, the others when the window is finished."""

    window: int
    channels: int
    layers: tuple[CLayer, ...]
    step_layers: int
    sample_bits: int = SAMPLE_BITS
    """Bits below the point of an integer sample: 11 hold acceleration up to 16 g."""
    mask: float | None = None
    """A sample of which every number is this is skipped; of an integer model a sample's integer. None for no mask."""

    @property
    def quantization(self) -> str:
        """``float32``, or ``int8``: int8 weights, int16 values."""
        return INT8 if any(matrix.is_integer for layer in self.layers for matrix in layer.matrices) else FLOAT32

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
    def needs_whole_windows(self) -> bool:
        """Whether a window can be finished after its last sample only."""
        return not all(layer.is_plain for layer in self.layers)

    @property
    def forks(self) -> int:
        """How many forks are open at once at most."""
        depths = itertools.accumulate({FORK: 1, JOIN: -1}.get(layer.kind, 0) for layer in self.layers)
        return max(depths, default=0)

    @property
    def places(self) -> tuple[Place, ...]:
        """Where every layer stands along the window."""
        return places(self.layers, self.step_layers, self.window, self.channels)

    @property
    def scratch_sums(self) -> int:
        """Sums of memory that one layer after another uses."""
        return max(place.scratch for place in self.places)

    @property
    def kept_sums(self) -> int:
        """Sums of memory between steps."""
        return sum(place.sums for place in self.places)

    @property
    def kept_values(self) -> int:
        """Values of memory between steps; the last layer hands on none."""
        return sum(place.values for place in self.places[:-1])

    @property
    def runs_per_step(self) -> tuple[int, ...]:
        """How often each of the step layers runs for the sample that takes longest."""
        return busiest_step(self.layers[: self.step_layers], self.places)

    @property
    def multiply_adds_per_step(self) -> int:
        """Products of weights and values that one sample costs at most."""
        return sum(runs * layer.products for runs, layer in zip(self.runs_per_step, self.layers, strict=False))


def has_other_head(model: CModel) -> bool:
    """Whether a model needs more than probabilities of one label of several, or samples in a scale of their own."""
    return model.head != HEADS["softmax"] or model.sample_bits != SAMPLE_BITS


def output_type(model: CModel) -> str:
    """Return the type of a model's outputs."""
    if model.quantization == FLOAT32:
        return FLOAT32
    return "int32" if model.gives_numbers else "uint16"
