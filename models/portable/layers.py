"""The layers of the C engine as data: their kinds, their matrices, and how they lie along time."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

FLOAT32: Final = "float32"
INT8: Final = "int8"

RECURRENT: Final = ("simple_rnn", "lstm", "gru", "gru_reset_after")
POOLS: Final = ("max_pool", "average_pool")
WHOLE: Final = ("global_max", "global_average")
"""Layers without weights that make one vector of all steps."""

ATTENTION: Final = "attention"

FORK: Final = "fork"
END: Final = "end"
JOIN: Final = "join"
BRANCHING: Final = (FORK, END, JOIN)
"""Records without weights, around branches: a fork, the layers of a branch, its end, the layers of the next one, and so
on; the end of the last branch is the join."""

KINDS: Final = (*RECURRENT, "dense", "conv", "residual", *POOLS, *WHOLE, "dense_over_time", ATTENTION, *BRANCHING)
"""Layer kinds in the order of `har_kind`, whose numbers begin at 1.

A ``residual`` layer is the second convolution of a temporal block and the way around both. ``dense_over_time`` has a
kernel for every step, and adds up what they make: a dense layer over all steps in one vector. The kernel of
``attention`` makes keys, values and queries, in this order; its second one takes the attended values.
"""

PLAIN_KINDS: Final = KINDS[: KINDS.index("dense") + 1]
"""Those of version 1 of the blob."""

LATER_KINDS: Final = {2: (ATTENTION, *BRANCHING), 3: BRANCHING}
"""Those that a version does not have."""

ACTIVATIONS: Final = ("linear", "relu", "tanh", "sigmoid", "softmax", "sigmoid_head", "linear_head")
"""Activations of layers in the order of `har_activation`, whose numbers begin at 1; the last three are heads."""

ACTIVATED: Final = ("dense", "conv", "residual", "dense_over_time", JOIN)
"""Kinds with an activation of their own; those of cells are fixed, pools have none."""

HEADS: Final = {"softmax": "softmax", "sigmoid": "sigmoid_head", "linear": "linear_head"}
"""What the last layer is called, by its activation: its outputs are what the model gives, no layer takes them."""

HIDDEN: Final = ACTIVATIONS[:4]
"""Activations of layers before the last one."""

NUMBERS: Final = "linear_head"
"""The head whose outputs are numbers, as a forecast's are; those of the others are probabilities."""

PADDINGS: Final = ("valid", "same", "causal")
"""Paddings along time in the order of `har_padding`, whose numbers begin at 0."""

MERGES: Final = ("", "concat", "sum", "mul", "ave")
"""How a backward layer joins the layer before it, in the order of `har_merge`: a layer with none runs forward. A fork
names how what its branches make is joined."""

GATES: Final = {**dict.fromkeys(KINDS, 1), "lstm": 4, "gru": 3, "gru_reset_after": 3, ATTENTION: 3}

VALUE_BITS: Final = 15
"""Bits below the point of a value between -1 and 1."""

SAMPLE_BITS: Final = 11
"""Bits below the point of a sample of acceleration."""

SHIFTS: Final = (16, 32)
"""Least and most bits that a product with a multiplier is shifted by."""


@dataclass(frozen=True, slots=True)
class Matrix:
    """Weights of one linear map, in the C engine's order of rows.

    ``weights`` are float32 (taps x inputs, outputs), or int8 (outputs, taps x inputs) with one uint16 ``multipliers``
    entry a row: a row's weights are worth multiplier / 2^shift each, from the format of its input to sums. ``bias`` is
    float32, or int32 sums, or None. Several ``taps`` meet a vector each, and what they make is added up.
    """

    weights: NDArray[Any]
    bias: NDArray[Any] | None
    multipliers: NDArray[np.uint16] | None = None
    shift: int = 0
    taps: int = 1

    @property
    def is_integer(self) -> bool:
        """Whether the weights are int8."""
        return self.multipliers is not None

    @property
    def inputs(self) -> int:
        """Numbers each tap takes."""
        return int(self.weights.shape[1 if self.is_integer else 0]) // self.taps

    @property
    def outputs(self) -> int:
        """Numbers it gives."""
        return int(self.weights.shape[0 if self.is_integer else 1])


@dataclass(frozen=True, slots=True)
class CLayer:
    """One layer: its kind, its matrices, its activation and the format it hands on, and how it lies along time.

    Parameters
    ----------
    kind
        One of `KINDS`.
    kernel
        Its weights; None of layers without any.
    recurrent
        Of a recurrent layer, the weights of its state; of a residual one those of the way around, None for none; of
        attention those of its output.
    activation, fraction
        Of `ACTIVATED` kinds; bits below the point in what a linear or relu layer or attention hands on, in integers.
    pool
        Steps of a pool, or of those that attention looks at.
    dilation, stride, padding
        Of convolutions and pools.
    merge
        Of a recurrent layer that runs backward, how it joins what the layer before it makes of the same input.
    around_bits
        Of a residual layer without weights around, and of attention with a way around: bits below the point of what
        goes around; of the end of a branch, of what it is given; in integers.
    heads, inside_bits, goes_around
        Of attention: heads; bits below the point of keys, values and queries, in integers; whether its input is added
        to its output.
    joins
        Of a fork, how what its branches make is joined: one of `MERGES`.
    hands_last
        Of a recurrent layer with more layers behind it for every sample: it hands on its last vector alone.
    """

    kind: str
    kernel: Matrix | None
    recurrent: Matrix | None = None
    activation: str = "linear"
    fraction: int = 0
    pool: int = 1
    dilation: int = 1
    stride: int = 1
    padding: str = "valid"
    merge: str = ""
    around_bits: int = 0
    heads: int = 1
    inside_bits: int = 0
    goes_around: bool = False
    joins: str = ""
    hands_last: bool = False

    @property
    def units(self) -> int:
        """Numbers of its state or output; 0 of a layer without weights, which hands on as many as it is given."""
        return 0 if self.kernel is None else self.kernel.outputs // GATES[self.kind]

    @property
    def taps(self) -> int:
        """Vectors that it looks at for one that it hands on."""
        return self.pool if self.kernel is None or self.kind == ATTENTION else self.kernel.taps

    @property
    def reach(self) -> int:
        """Steps from the first vector a filter sees to its last."""
        return (self.taps - 1) * self.dilation

    @property
    def matrices(self) -> Iterator[Matrix]:
        """Its kernel, and its recurrent kernel where there is one."""
        if self.kernel is not None:
            yield self.kernel
        if self.recurrent is not None:
            yield self.recurrent

    @property
    def products(self) -> int:
        """Products of weights and numbers that one vector costs at most."""
        taps = self.taps if self.kind == "dense_over_time" else 1
        attended = 2 * self.pool * self.units if self.kind == ATTENTION else 0
        return sum(matrix.weights.size for matrix in self.matrices) // taps + attended

    @property
    def rows(self) -> int:
        """Sums that are rounded for one vector at most."""
        scores = self.heads * self.pool if self.kind == ATTENTION else 0
        is_once = self.kind == "dense_over_time"
        return scores + sum(matrix.outputs * (1 if is_once else matrix.taps) for matrix in self.matrices)

    def bits_after(self, bits: int) -> int:
        """Return the bits below the point of what it hands on, given vectors with so many."""
        if self.kernel is None:
            return (self.fraction or self._joined_bits(bits)) if self.kind == JOIN else bits
        if self.merge == "sum":
            return VALUE_BITS - 1
        return self.fraction or VALUE_BITS

    @property
    def is_plain(self) -> bool:
        """Whether it can stand in version 1 of the blob: it has a vector ready after every sample."""
        return self.kind in PLAIN_KINDS and not self.merge and not self.hands_last

    def _joined_bits(self, bits: int) -> int:
        """Return the bits below the point of joined vectors that have no format of their own."""
        return bits if self.activation == "linear" else VALUE_BITS
