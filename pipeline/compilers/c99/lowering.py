"""Keras weights -> the layers of the C engine, in float32 or with int8 rows.

Only the weights lose precision in the integer model: activations keep 16 bits and sums 32, so a row's rounding to int8
is the one error worth looking at. Formats of what is not bounded come from calibration windows, or from the golden ones
where there are none. With calibration windows the rows are rounded for the inputs they will see (`rows`), which halves
what is left of that error.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.architecture import Architecture, SelfAttention, Weights, layer_weights
from edgehar.models.bundle.golden import golden_inputs
from edgehar.models.errors import CompileError
from edgehar.models.portable.fixed_point import SUM_BITS, VALUE_BITS
from edgehar.models.portable.formats import Formats
from edgehar.models.portable.geometry import is_first_of_two
from edgehar.models.portable.tables import (
    ATTENTION,
    END,
    FORK,
    HIDDEN,
    JOIN,
    POOLS,
    RECURRENT,
    SAMPLE_BITS,
    WHOLE,
    CLayer,
    Matrix,
)
from edgehar.models.stepping import Part, parts
from edgehar.pipeline.compilers.c99.attention import attention_weights, balanced
from edgehar.pipeline.compilers.c99.join_formats import BranchEnds
from edgehar.pipeline.compilers.c99.masks import counting
from edgehar.pipeline.compilers.c99.observed import Met, Weighed, observe
from edgehar.pipeline.compilers.c99.rows import Linear, least_input_bits, quantize_rows

_MOST_FRACTION_BITS: Final = SUM_BITS - 1
_CALM_SHARE: Final = 0.999
"""Of all numbers in calibration: those above are impacts."""

_SAMPLE_ROOM_BITS: Final = 0.5
"""Above the largest sample of a signal that is not acceleration."""

_ROOM: Final = 8.0
"""How many times larger than in calibration a value may be before it saturates: an impact."""

_GOLDEN_ROOM: Final = 2.0
"""The same of golden windows, which go to a sensor's limits."""


def float_layers(architecture: Architecture, weights: Weights) -> tuple[CLayer, ...]:
    """Return the layers with the weights as they are."""
    return tuple(_float_layer(each) for each in weigh(architecture, weights))


def integer_layers(
    architecture: Architecture,
    weights: Weights,
    calibration: NDArray[Any] | None = None,
    input_bits: int = SAMPLE_BITS,
) -> tuple[CLayer, ...]:
    """Return the layers with int8 rows.

    Parameters
    ----------
    architecture, weights
        The model; it takes raw g.
    calibration : ndarray of shape (n_windows, window_length, channels), in g, or None
        Windows of training subjects, for whose inputs rounding errors shall cancel.
    input_bits
        Bits below the point of a sample.

    Raises
    ------
    CompileError
        If a weight is too large for 32-bit arithmetic.
    """
    weighed = weigh(architecture, weights)
    known = calibration is not None
    windows = calibration if calibration is not None else golden_inputs(architecture)
    layers: list[CLayer] = []
    structures = [each.part.structure for each in weighed]
    formats, ends = Formats(input_bits), BranchEnds()
    for index, (each, met) in enumerate(
        zip(weighed, observe(weighed, windows, counting(architecture, windows)), strict=True)
    ):
        room, bits = _ROOM if known else _GOLDEN_ROOM, formats.bits
        if each.part.role == "branches":
            ends.note(index, each.part.structure, bits)
        fraction = _fraction_bits(each, met, bits, room=room, is_concat=ends.joins == "concat")
        if fraction:
            fraction = max(fraction, min(_MOST_FRACTION_BITS, _least_bits(weighed[index + 1 :])))
        if each.part.structure.kind == ATTENTION:
            each, met = balanced(each, met, input_bits=bits, room=room)
        layers.append(_integer_layer(each, met if known else None, bits, formats.around_bits, fraction))
        if each.part.structure.kind == JOIN:
            ends.settle(layers, _least_bits(weighed[index + 1 :]))
        formats.pass_by(layers[-1], first_of_two=is_first_of_two(structures, index))
    return tuple(layers)


def _least_bits(following: Sequence[Weighed]) -> int:
    """Return the bits that what is handed on needs at least, for the weights of the layers that are given it.

    Where these do not hold the largest values, the peaks saturate, as those of acceleration do. What a branch makes is
    given to a join, which has a format of its own; what a fork is given goes to every branch, and around them.
    """
    least, is_given = 0, True
    forks: list[bool] = []
    for each in following:
        kind = each.part.structure.kind
        if kind == FORK:
            forks.append(is_given)
        elif kind in (END, JOIN) and not forks:
            break
        elif kind in (END, JOIN):
            is_given = forks[-1] if kind == END else False
            forks = forks if kind == END else forks[:-1]
        elif is_given and each.kernel is not None:
            least, is_given = max(least, least_input_bits(each.kernel)), False
        if not forks and not is_given:
            break
    return least


def least_sample_bits(architecture: Architecture, weights: Weights) -> int:
    """Return the bits below the point that samples need for the first layer's weights.

    Of a loud channel among quiet ones, whose weights are large, such as a gyroscope beside an accelerometer, the peaks
    then saturate.
    """
    return min(SAMPLE_BITS, _least_bits(weigh(architecture, weights)))


def sample_bits(calibration: NDArray[Any] | None) -> int:
    """Return the bits below the point of samples that hold what the model was trained on.

    Acceleration keeps 11, which hold 16 g: an impact beyond that saturates, as in the sensor. Other signals, such as
    those of a weather station, may need fewer.
    """
    if calibration is None or not calibration.size:
        return SAMPLE_BITS
    largest = float(np.quantile(np.abs(calibration), _CALM_SHARE))
    if largest <= 2.0 ** (VALUE_BITS - SAMPLE_BITS):
        return SAMPLE_BITS
    return max(0, VALUE_BITS - math.ceil(math.log2(float(np.abs(calibration).max())) + _SAMPLE_ROOM_BITS))


def weigh(architecture: Architecture, weights: Weights) -> Sequence[Weighed]:
    """Return the engine's layers for an architecture, each with its own weights."""
    centred = {name.removesuffix("/offset") for name in weights if name.endswith("/offset")}
    return [
        _weighed(part, layer_weights(part.layer, _within(part.path, weights))) for part in parts(architecture, centred)
    ]


def _within(path: str, weights: Weights) -> Weights:
    """Return the weights of the layers in some branches, by their names there."""
    return {name.removeprefix(path): value for name, value in weights.items() if name.startswith(path)}


def _weighed(part: Part, weights: dict[str, NDArray[Any]]) -> Weighed:
    """Return a part with its weights."""
    kind, units = part.structure.kind, part.structure.units
    if part.role == "centre":
        return Weighed(part, np.eye(units, dtype=np.float32), -weights["offset"])
    if part.role == "head":
        return Weighed(part, np.eye(units, dtype=np.float32), np.zeros(units, np.float32))
    if kind in (*POOLS, *WHOLE) or part.role == "branches":
        return Weighed(part)
    if isinstance(part.layer, SelfAttention):
        return attention_weights(part, weights, part.layer.key_size)
    own = {name.removeprefix(part.prefix): value for name, value in weights.items() if name.startswith(part.prefix)}
    kernel, bias = own["kernel"].reshape(-1, own["kernel"].shape[-1]), own["bias"]
    if part.rows != (0, 0):
        first, last = part.rows
        return Weighed(part, kernel[first:last], bias if first == 0 else np.zeros_like(bias))
    if kind in RECURRENT:
        # A GRU that resets after the product has two biases: one of them is within the reset gate.
        biases = (bias[0], bias[1]) if bias.ndim == 2 else (bias, None)
        return Weighed(part, kernel, biases[0], own["recurrent_kernel"], biases[1], own)
    return Weighed(part, kernel, bias, weights.get("residual_kernel"), weights.get("residual_bias"))


def _float_layer(each: Weighed) -> CLayer:
    """Return a layer with float weights."""
    structure = each.part.structure
    if structure.kernel is None:
        return structure
    kernel = replace(structure.kernel, weights=_there(each.kernel), bias=each.bias)
    second = None if structure.recurrent is None else Matrix(_there(each.second), each.second_bias)
    return replace(structure, kernel=kernel, recurrent=second)


def _integer_layer(each: Weighed, met: Met | None, bits: int, around_bits: int, fraction: int) -> CLayer:
    """Return a layer with int8 rows, rounded for what it met."""
    structure, name = each.part.structure, f"{each.part.layer.name}/{each.part.prefix}"
    if structure.kernel is None:
        return replace(structure, fraction=fraction)
    inputs, second_inputs = (None, None) if met is None else (met.inputs, met.second)
    kernel = Linear(f"{name}kernel", _there(each.kernel), bits, inputs)
    second = None
    if structure.recurrent is not None:
        second_name, second_bits = {
            "residual": ("residual_kernel", around_bits),
            ATTENTION: ("output_kernel", structure.inside_bits),
        }.get(structure.kind, ("recurrent_kernel", VALUE_BITS))
        second = Linear(f"{name}{second_name}", _there(each.second), second_bits, second_inputs)
    matrices = _quantize(structure, kernel, second, each)
    return replace(
        structure,
        kernel=replace(matrices[0], taps=structure.kernel.taps),
        recurrent=matrices[1] if second is not None else None,
        fraction=fraction,
        around_bits=_around_bits(structure, bits, around_bits),
    )


def _around_bits(structure: CLayer, bits: int, around_bits: int) -> int:
    """Return the bits below the point of what goes around a layer as it is: its input, or that of the layer before."""
    if structure.kind == ATTENTION:
        return bits if structure.goes_around else 0
    return around_bits if structure.kind == "residual" and structure.recurrent is None else 0


def _quantize(structure: CLayer, kernel: Linear, second: Linear | None, each: Weighed) -> list[Matrix]:
    """Return the layer's one or two matrices."""
    if second is None:
        return quantize_rows([kernel], each.bias)
    if structure.kind in ("simple_rnn", "lstm"):
        return quantize_rows([kernel, second], each.bias)
    # The reset gate, a relu or a softmax stands between the two products: neither can make good what the other lost.
    return quantize_rows([kernel], each.bias) + quantize_rows([second], each.second_bias)


def _fraction_bits(each: Weighed, met: Met, bits: int, *, room: float, is_concat: bool) -> int:
    """Return the bits below the point of what a linear or relu layer hands on, 0 where the format is fixed.

    As many as let the largest output there can be fit 16 bits, or what is ``room`` times as large as any that was seen.
    """
    structure, name = each.part.structure, each.part.layer.name
    has_format = structure.kernel is not None or (structure.kind == JOIN and not is_concat)
    if structure.kind in RECURRENT or not has_format or structure.activation not in HIDDEN[:2]:
        return 0
    bound = room * met.largest
    if structure.kind not in ("residual", ATTENTION, JOIN):
        largest_input = 2.0 ** (VALUE_BITS - bits)
        can_be = np.abs(_there(each.kernel)).sum(axis=0) * largest_input + np.abs(_there(each.bias))
        bound = min(float(can_be.max()), bound)
    if bound >= 2.0 ** (VALUE_BITS - 1):
        raise CompileError(
            f"{name}: expected outputs below {2 ** (VALUE_BITS - 1):,}, they can reach {bound:,.0f}",
            next_step="Use the float32 artifact, or train with weight decay.",
            layer=name,
        )
    needed = max(0, math.ceil(math.log2(bound))) if bound > 0 else 0
    return max(1, min(_MOST_FRACTION_BITS, VALUE_BITS - needed))


def _there(values: NDArray[Any] | None) -> NDArray[Any]:
    """Return weights that a layer has."""
    if values is None:
        raise TypeError("expected weights")
    return values
