"""Layers that walk along the window with a state."""

from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

from edgehar.models.architecture.layer import ADDED, Shape


@dataclass(frozen=True, slots=True)
class Recurrent:
    """What SimpleRNN, LSTM and GRU share: a state of ``units`` numbers that walks along the window."""

    name: str
    units: int
    return_sequences: bool = False
    activation: str = field(default="tanh", kw_only=True, metadata=ADDED)
    kind: ClassVar[str]
    gates: ClassVar[int]
    states: ClassVar[int] = 1

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return (steps, units) for a sequence, (units,) for the last step."""
        steps, _ = input_shape
        return (steps, self.units) if self.return_sequences else (self.units,)

    def weight_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        """Return the shapes of kernel, recurrent kernel and bias."""
        _, inputs = input_shape
        width = self.gates * self.units
        return {"kernel": (inputs, width), "recurrent_kernel": (self.units, width), "bias": (width,)}


@dataclass(frozen=True, slots=True)
class SimpleRNN(Recurrent):
    """h' = tanh(x W + h U + b) (Elman, Finding Structure in Time, 1990)."""

    kind: ClassVar[str] = "SimpleRNN"
    gates: ClassVar[int] = 1


@dataclass(frozen=True, slots=True)
class LSTM(Recurrent):
    """Long short-term memory with a forget gate (Gers, Schmidhuber & Cummins, 2000); gates i, f, c, o."""

    kind: ClassVar[str] = "LSTM"
    gates: ClassVar[int] = 4
    states: ClassVar[int] = 2
    recurrent_activation: str = field(default="sigmoid", kw_only=True, metadata=ADDED)


@dataclass(frozen=True, slots=True)
class GRU(Recurrent):
    """Gated recurrent unit (Cho et al., 2014); gates z, r, h.

    With ``reset_after`` the reset gate multiplies the recurrent product, and input and recurrent biases are apart.
    """

    kind: ClassVar[str] = "GRU"
    gates: ClassVar[int] = 3
    reset_after: bool = True
    recurrent_activation: str = field(default="sigmoid", kw_only=True, metadata=ADDED)

    def weight_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        """Return the shapes of kernel, recurrent kernel and bias (2, 3 x units) or (3 x units,)."""
        shapes = Recurrent.weight_shapes(self, input_shape)
        if self.reset_after:
            shapes["bias"] = (2, 3 * self.units)
        return shapes


CELLS: Final[dict[str, type[Recurrent]]] = {layer.kind: layer for layer in (SimpleRNN, LSTM, GRU)}
"""Recurrent layers by kind: what a `Bidirectional` may run both ways."""

DIRECTIONS: Final = ("forward", "backward")

MERGES: Final = ("concat", "sum", "mul", "ave")
"""How the outputs of two directions are joined: side by side, or number by number."""


def is_standard(layer: "Recurrent | Bidirectional") -> bool:
    """Whether a cell has the activations that recurrent operators and engines were made for: tanh and sigmoid."""
    return layer.activation == "tanh" and getattr(layer, "recurrent_activation", "sigmoid") == "sigmoid"


@dataclass(frozen=True, slots=True)
class Bidirectional:
    """Two recurrent layers of ``units`` each, one from the window's end, joined (Schuster & Paliwal, 1997).

    Without ``return_sequences``, each gives the state after its own last step. Weights are those of the cell, with
    ``forward_`` and ``backward_`` before their names.
    """

    kind: ClassVar[str] = "Bidirectional"
    name: str
    cell: str
    units: int
    return_sequences: bool = False
    merge: str = field(default="concat", kw_only=True, metadata=ADDED)
    activation: str = field(default="tanh", kw_only=True, metadata=ADDED)
    recurrent_activation: str = field(default="sigmoid", kw_only=True, metadata=ADDED)
    reset_after: bool = field(default=True, kw_only=True, metadata=ADDED)

    def direction(self, which: str) -> Recurrent:
        """Return the recurrent layer of one of the `DIRECTIONS`."""
        options: dict[str, Any] = {"activation": self.activation}
        if self.cell != SimpleRNN.kind:
            options["recurrent_activation"] = self.recurrent_activation
        if self.cell == GRU.kind:
            options["reset_after"] = self.reset_after
        return CELLS[self.cell](f"{self.name}/{which}", self.units, self.return_sequences, **options)

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return (steps, width) for a sequence, (width,) for the last steps; ``concat`` doubles the units."""
        *steps, units = self.direction("forward").output_shape(input_shape)
        return (*steps, 2 * units if self.merge == "concat" else units)

    def weight_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        """Return the cell's shapes twice."""
        return {
            f"{which}_{name}": shape
            for which in DIRECTIONS
            for name, shape in self.direction(which).weight_shapes(input_shape).items()
        }
