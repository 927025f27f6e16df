"""Attention for the C engine: its four maps as two kernels, in units that let 16 bits hold keys, values and queries."""

import math
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.errors import CompileError
from edgehar.models.portable.fixed_point import SUM_BITS, VALUE_BITS
from edgehar.models.stepping import Part
from edgehar.pipeline.compilers.c99.observed import Met, Weighed
from edgehar.pipeline.compilers.c99.rows import largest_weight

_MOST_BITS: Final = SUM_BITS - 1
_ORDER: Final = ("key", "value", "query")


def attention_weights(part: Part, weights: dict[str, NDArray[Any]], key_size: int) -> Weighed:
    """Return attention with its weights: queries are divided by the root of the key size, and scores need not be."""
    shares = {"key": 1.0, "value": 1.0, "query": 1.0 / math.sqrt(key_size)}
    kernel, bias = (
        np.concatenate([weights[f"{name}_{what}"] * np.float32(shares[name]) for name in _ORDER], axis=-1)
        for what in ("kernel", "bias")
    )
    return Weighed(part, kernel, bias, weights["output_kernel"], weights["output_bias"])


def balanced(each: Weighed, met: Met, *, input_bits: int, room: float) -> tuple[Weighed, Met]:
    """Return attention in units that suit one format for all that is inside of it, and what it met in these.

    Keys may be so many times larger as queries are smaller, and values as their output kernel is smaller: the same
    comes out. So keys and queries become alike, and values fill what the format holds.

    Parameters
    ----------
    input_bits
        Bits below the point of what it is given.
    room
        How many times larger than what was met a number may be before it saturates.

    Raises
    ------
    CompileError
        If 16 bits do not hold them.
    """
    keys, held, queries = (max(largest, 2.0**-_MOST_BITS) for largest in met.inside)
    alike = math.sqrt(keys * queries)
    bits = min(_MOST_BITS, VALUE_BITS - math.ceil(math.log2(room * alike)))
    if bits < 1:
        raise CompileError(
            f"{each.part.layer.name}: expected keys and queries below {2 ** (VALUE_BITS - 1):,}, they can reach "
            f"{room * alike:,.0f}",
            next_step="Use the float32 artifact, or train with weight decay.",
            layer=each.part.layer.name,
        )
    filled = 2.0 ** (VALUE_BITS - bits) / room
    # No further than int8 rows of values hold.
    _, of_values, _ = np.split(np.abs(np.asarray(each.kernel)), 3, axis=-1)
    filled = min(filled, held * largest_weight(input_bits) / max(float(of_values.max(initial=0.0)), 2.0**-_MOST_BITS))
    factors = np.repeat([alike / keys, filled / held, alike / queries], each.part.structure.units)
    part = replace(each.part, structure=replace(each.part.structure, inside_bits=bits))
    scaled = replace(
        each,
        part=part,
        kernel=np.asarray(each.kernel) * factors,
        bias=np.asarray(each.bias) * factors,
        second=np.asarray(each.second) * (held / filled),
    )
    return scaled, replace(met, second=None if met.second is None else met.second * (filled / held))
