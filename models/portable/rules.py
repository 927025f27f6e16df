"""The rules that a model of the C engine keeps, whether a compiler made it or a file claims it.

`har_blob.c` holds a blob to the same rules, in the same order; a test with altered blobs holds the two readers to each
other. The rules of the bytes themselves (checksum, offsets, lengths) are in `edgehar.models.portable.blob`.

==============  =====================================================================================================
of              rule
==============  =====================================================================================================
the model       2 to 255 layers; a window of 1 to 2047 samples; at most 255 outputs; samples with 0 to 15 bits below
                the point
the chain       the first layer takes the channels, every other one what the layer before it hands on
the order       at least one layer runs for every sample and at least one at the end; those at the end are dense; a
                convolution or a pool is not the last one before them
the activation  the last layer, and no other, is dense with the activation of a head
a filter        1 to 2048 steps, within the window and its margins; dilation and stride of 1 or more; pools that do not
                overlap; a dense layer over time has a tap for every step
a pair          a backward layer is recurrent, behind one that is not backward and has as many units; a residual layer
                is behind a convolution, both causal with a stride of 1, and what goes around fits its units
attention       followed by another layer that runs for every sample; it looks at all of its steps, its heads share its
                units, and its second kernel makes as many numbers as it is given
branches        within the layers that run for every sample, at most 8 forks open at once; 2 to 8 branches of a fork, 2
                where they are multiplied, that hand on as many vectors, of as many numbers unless these are
                concatenated; of a last join one vector; a concatenation has no activation
the last vector a recurrent layer that hands on its last vector alone is not the first of a pair
a mask          a finite number, of int8 models one of 16 bits; recurrent layers and dense ones alone, none of which
                hands on its last vector alone
a layer         units x gates outputs; the recurrent kernel takes the units and has as many outputs as the kernel
a bias          of recurrent layers, only a GRU that resets after the product has one in its recurrent kernel
a fraction      0 to 12 bits
the memory      each of scratch sums, kept sums and kept values is at most 65,535 numbers
float numbers   all finite
int8 numbers    at most 511 inputs of a tap, a shift of 16 to 32, biases within 2^28, taps x inputs x multiplier <
                128 x 2^shift; at most 15 bits below the point of what goes around a residual layer
==============  =====================================================================================================

The last line keeps every sum of the engine within 32 bits: a matrix makes at most 2^29 of its inputs, a cell grows by
at most 1 (2^20) a step, and 511 products of int8 and int16 are the most that an int32 holds.
"""

import itertools
import math
from collections.abc import Iterator
from typing import Final

import numpy as np

from edgehar.models.errors import CompileError
from edgehar.models.portable.fixed_point import CELL_BITS, SUM_BITS, VALUE_BITS
from edgehar.models.portable.forks import MOST_ENDS, MOST_FORKS
from edgehar.models.portable.geometry import Walk, is_first_of_two
from edgehar.models.portable.tables import (
    ATTENTION,
    END,
    FORK,
    GATES,
    HEADS,
    HIDDEN,
    INT8,
    JOIN,
    PLAIN_KINDS,
    POOLS,
    RECURRENT,
    SHIFTS,
    CLayer,
    CModel,
    Matrix,
)

MAXIMUM_LAYERS: Final = 255
MAXIMUM_CLASSES: Final = 255
MAXIMUM_SAMPLE_BITS: Final = VALUE_BITS
MAXIMUM_WINDOW: Final = 2 ** (31 - CELL_BITS) - 1
"""A cell grows by at most 1 a step."""

MAXIMUM_INPUTS: Final = 511
"""511 products of int8 and int16 are the most that an int32 holds."""

MAXIMUM_BIAS: Final = 2**28
MAXIMUM_GAIN: Final = 128
"""A row may make of its inputs at most 2^29 as a sum: inputs x multiplier / 2^shift < 128."""

MAXIMUM_FRACTION: Final = SUM_BITS - 1
MAXIMUM_MEMORY: Final = 2**16 - 1
"""Numbers of one kind of memory: the engine counts them in 16 bits."""


def check_bounds(model: CModel) -> None:
    """Hold a model that was just compiled to the rules.

    Raises
    ------
    CompileError
        If the C engine cannot run it.
    """
    problem = broken_rule(model)
    if problem is not None:
        raise CompileError(
            problem, next_step="Use another artifact, a smaller model, a shorter window, or train with weight decay."
        )


def broken_rule(model: CModel) -> str | None:
    """Return the first rule that a model breaks, as a clause; None if it keeps them all."""
    return next(_broken_rules(model), None)


def _broken_rules(model: CModel) -> Iterator[str]:
    """Yield what breaks a rule."""
    count = len(model.layers)
    if not 2 <= count <= MAXIMUM_LAYERS:
        yield f"expected 2 to {MAXIMUM_LAYERS} layers, got {count}"
    if not 1 <= model.step_layers < count:
        yield f"expected 1 to {count - 1} of {count} layers to run for every sample, got {model.step_layers}"
    if not 1 <= model.window <= MAXIMUM_WINDOW or model.classes > MAXIMUM_CLASSES:
        yield (
            f"expected a window of at most {MAXIMUM_WINDOW} samples and at most {MAXIMUM_CLASSES} outputs, "
            f"got {model.window} and {model.classes}"
        )
    if not 0 <= model.sample_bits <= MAXIMUM_SAMPLE_BITS:
        yield f"expected samples with 0 to {MAXIMUM_SAMPLE_BITS} bits below the point, got {model.sample_bits}"
    if model.mask is not None:
        yield from _broken_by_mask(model)
    yield from _broken_in_chain(model)
    for what, numbers in (
        ("scratch sums", model.scratch_sums),
        ("kept sums", model.kept_sums),
        ("kept values", model.kept_values),
    ):
        if numbers > MAXIMUM_MEMORY:
            yield f"expected at most {MAXIMUM_MEMORY:,} {what}, the layers need {numbers:,}"


def _broken_by_mask(model: CModel) -> Iterator[str]:
    """Yield what breaks a rule in a model that skips masked samples."""
    mask = float("nan") if model.mask is None else model.mask
    if not math.isfinite(mask) or (model.quantization == INT8 and not -(2**VALUE_BITS) <= mask < 2**VALUE_BITS):
        yield f"expected a number that samples can be as a mask, got {mask:g}"
    for index, layer in enumerate(model.layers, start=1):
        if layer.kind not in PLAIN_KINDS or layer.hands_last:
            yield f"layer {index} ({layer.kind}): expected recurrent and dense layers alone behind a mask"


def _broken_in_chain(model: CModel) -> Iterator[str]:
    """Yield what breaks a rule in a layer, or between layers."""
    walk = Walk(model.window, model.channels)
    before: CLayer | None = None
    for index, layer in enumerate(model.layers):
        at_end, ends = index >= model.step_layers, index + 1 == model.step_layers
        first_of_two = is_first_of_two(model.layers, index)
        problems = itertools.chain(
            _broken_by_layer(layer, walk.inputs, at_end=at_end, last=index + 1 == len(model.layers)),
            _broken_in_time(layer, walk.steps, ends=ends),
            _broken_by_pair(before, layer, first_of_two=first_of_two),
            _broken_by_branches(walk, layer, ends=ends),
        )
        for problem in problems:
            yield f"layer {index + 1} ({layer.kind}): {problem}"
        try:
            walk.place(layer, ends=ends, first_of_two=first_of_two)
        except ValueError as error:
            yield f"layer {index + 1} ({layer.kind}): {error}"
            return
        before = layer


def _broken_by_layer(layer: CLayer, inputs: int, *, at_end: bool, last: bool) -> Iterator[str]:
    """Yield what breaks a rule in one layer that is given ``inputs`` numbers."""
    if layer.fraction > MAXIMUM_FRACTION:
        yield f"expected at most {MAXIMUM_FRACTION} bits below the point, got {layer.fraction}"
    for matrix in layer.matrices:
        yield from _broken_by_matrix(matrix)
    if layer.kernel is not None and layer.kernel.inputs != inputs:
        yield f"expected {inputs} inputs, as many as it is given, got {layer.kernel.inputs}"
    if layer.kernel is not None and layer.kernel.outputs % GATES[layer.kind]:
        yield f"expected a multiple of {GATES[layer.kind]} outputs, got {layer.kernel.outputs}"
    if at_end and layer.kind != "dense":
        yield "expected a dense layer where the window has ended"
    if last != (layer.kind == "dense" and layer.activation in HEADS.values()):
        yield "expected a head in the last layer, and in no other"
    if not last and layer.activation not in HIDDEN:
        yield f"expected an activation of {', '.join(HIDDEN)}, got {layer.activation}"
    if layer.kind == "residual" and layer.activation != "relu":
        yield f"expected the activation relu, got {layer.activation}"
    if layer.kind in RECURRENT:
        yield from _broken_by_recurrent_kernel(layer)
    if layer.kind == ATTENTION:
        yield from _broken_in_attention(layer, inputs)


def _broken_in_time(layer: CLayer, steps: int, *, ends: bool) -> Iterator[str]:
    """Yield what breaks a rule in how a layer lies along so many steps."""
    if layer.taps < 1 or layer.dilation < 1 or layer.stride < 1 or layer.reach > MAXIMUM_WINDOW:
        yield (
            f"expected filters of 1 to {MAXIMUM_WINDOW + 1} steps, a dilation and a stride of 1 or more, "
            f"got {layer.taps}, {layer.dilation} and {layer.stride}"
        )
    if layer.kind in POOLS and layer.stride < layer.pool:
        yield f"expected pools that do not overlap, got {layer.pool} steps, {layer.stride} apart"
    if layer.kind in (*POOLS, "conv", "residual", ATTENTION, FORK, END) and ends:
        yield "expected a layer behind it that ends the window"
    if layer.kind == "dense_over_time" and layer.taps != steps:
        yield f"expected weights for {steps} steps, as many as there are, got {layer.taps}"
    if layer.kind == ATTENTION and layer.taps != steps:
        yield f"expected to look at {steps} steps, as many as there are, got {layer.taps}"
    if layer.around_bits > VALUE_BITS:
        yield f"expected at most {VALUE_BITS} bits below the point of what goes around, got {layer.around_bits}"


def _broken_by_branches(walk: Walk, layer: CLayer, *, ends: bool) -> Iterator[str]:
    """Yield what breaks a rule where branches part and end; ``walk`` is where it came to before this layer."""
    if layer.kind == FORK and (not layer.joins or len(walk.forks) == MOST_FORKS):
        yield f"expected a way to join its branches, and at most {MOST_FORKS} forks open at once"
    if layer.kind in (END, JOIN) and walk.forks:
        fork = walk.forks[-1]
        least, most = (int(layer.kind == JOIN), 1 if fork.joins == "mul" else MOST_ENDS - 1)
        if not least <= len(fork.widths) <= most - (layer.kind == END):
            yield f"expected 2 to {most + 1} branches to be joined, got another number"
        if layer.activation != "linear" and fork.joins == "concat":
            yield f"expected no activation of what is concatenated, got {layer.activation}"
    if ends and len(walk.forks) > (layer.kind == JOIN):
        yield "expected branches to be joined before the window ends"
    if ends and layer.kind == JOIN and walk.steps != 1:
        yield "expected a layer behind it that ends the window"


def _broken_by_pair(before: CLayer | None, layer: CLayer, *, first_of_two: bool) -> Iterator[str]:
    """Yield what breaks a rule in a layer that uses what the one before it was given or made."""
    if layer.hands_last and first_of_two:
        yield "expected it to hand on every step to the layer that runs backward"
    if layer.merge and (layer.kind not in RECURRENT or before is None or before.kind not in RECURRENT or before.merge):
        yield "expected to run backward over what a recurrent layer before it runs forward over"
    elif layer.merge and before is not None and before.units != layer.units:
        yield f"expected {before.units} units, as many as the layer before it, got {layer.units}"
    if layer.kind == "residual":
        yield from _broken_by_way_around(before, layer)


def _broken_by_way_around(before: CLayer | None, layer: CLayer) -> Iterator[str]:
    """Yield what breaks a rule in the way around two convolutions."""
    if before is None or before.kind != "conv" or not (_looks_back(before) and _looks_back(layer)):
        yield "expected two causal convolutions, one step apart"
        return
    given = 0 if before.kernel is None else before.kernel.inputs
    around = layer.recurrent
    if (given, layer.units) != ((given, given) if around is None else (around.inputs, around.outputs)):
        yield f"expected a way around from {given} to {layer.units} numbers"


def _looks_back(layer: CLayer) -> bool:
    """Whether a convolution hands on a vector for every one it is given, at once."""
    return layer.stride == 1 and (layer.padding == "causal" or layer.reach == 0)


def _broken_in_attention(layer: CLayer, inputs: int) -> Iterator[str]:
    """Yield what breaks a rule in a layer of attention that is given ``inputs`` numbers."""
    matrix = layer.recurrent
    if matrix is None or (matrix.inputs, matrix.outputs) != (layer.units, inputs):
        got = "none" if matrix is None else f"{matrix.inputs} x {matrix.outputs}"
        yield f"expected a second kernel of {layer.units} x {inputs}, got {got}"
    if layer.heads < 1 or layer.units % layer.heads:
        yield f"expected heads that share {layer.units} numbers, got {layer.heads}"
    if layer.inside_bits > MAXIMUM_FRACTION:
        yield f"expected at most {MAXIMUM_FRACTION} bits below the point of keys, got {layer.inside_bits}"


def _broken_by_recurrent_kernel(layer: CLayer) -> Iterator[str]:
    """Yield what breaks a rule in the recurrent kernel of a layer."""
    matrix, outputs = layer.recurrent, GATES[layer.kind] * layer.units
    if matrix is None or (matrix.inputs, matrix.outputs) != (layer.units, outputs):
        got = "none" if matrix is None else f"{matrix.inputs} x {matrix.outputs}"
        yield f"expected a recurrent kernel of {layer.units} x {outputs}, got {got}"
    elif matrix.bias is not None and layer.kind != "gru_reset_after":
        yield "expected no bias in the recurrent kernel"


def _broken_by_matrix(matrix: Matrix) -> Iterator[str]:
    """Yield what breaks a rule in one matrix."""
    if matrix.inputs < 1 or matrix.outputs < 1:
        yield f"expected inputs and outputs, got {matrix.inputs} x {matrix.outputs}"
    elif matrix.multipliers is None:
        arrays = (matrix.weights,) if matrix.bias is None else (matrix.weights, matrix.bias)
        if not all(np.isfinite(array).all() for array in arrays):
            yield "expected finite weights and biases"
    elif matrix.inputs > MAXIMUM_INPUTS:
        yield f"expected at most {MAXIMUM_INPUTS} inputs for 32-bit sums, got {matrix.inputs}"
    elif not SHIFTS[0] <= matrix.shift <= SHIFTS[1]:
        yield f"expected a shift of {SHIFTS[0]} to {SHIFTS[1]}, got {matrix.shift}"
    elif matrix.bias is not None and np.abs(matrix.bias.astype(np.int64)).max() > MAXIMUM_BIAS:
        yield f"expected biases within ±{MAXIMUM_BIAS >> SUM_BITS:,}"
    elif matrix.taps * matrix.inputs * int(matrix.multipliers.max()) >= MAXIMUM_GAIN << matrix.shift:
        yield "expected smaller weights: its sums could leave 32 bits"
