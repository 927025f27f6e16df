"""The integer arithmetic of the C engine, in NumPy: formats, rounding, activations. In C it is `har_integer.h`.

==============  ========  ========  ==========================================
number          C type    one is    holds
==============  ========  ========  ==========================================
sample          int16     2048      acceleration in g, up to 16 g either way; other signals in a scale of their own
value           int16     32768     what layers hand on, -1 to 1
sum             int32     8192      biases, products, logits
gate            uint16    65536     0 to 1
cell            int32     1048576   the long memory of an LSTM
probability     uint16    32768     0 to 1
score           int32     8192      how much a step of attention is to another, -65536 to 65536
number          int32     8192      what a linear head gives
==============  ========  ========  ==========================================

Everything is computed in int64 here, where nothing can overflow; the C engine needs 32 bits because of the bounds that
`edgehar.models.portable.tables` holds a model to.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.portable.layers import SAMPLE_BITS
from edgehar.models.portable.layers import VALUE_BITS as VALUE_BITS
from edgehar.models.quantization import quantize, round_half_away

Integers = NDArray[np.int64]

SAMPLE_ONE: Final = 2**SAMPLE_BITS
SUM_BITS: Final = 13
GATE_BITS: Final = 16
CELL_BITS: Final = 20

VALUE_LIMIT: Final = 2**VALUE_BITS - 1
SCORE_LIMIT: Final = 2**29
_TANH_STEPS_PER_UNIT: Final = 32
_TANH_END: Final = 4
_EXP_STEPS: Final = 32
_LOG2_E: Final = 47274
"""log2(e) in 2^-15."""

TANH_TABLE: Final[Integers] = np.minimum(
    round_half_away(
        2**VALUE_BITS * np.tanh(np.arange(_TANH_END * _TANH_STEPS_PER_UNIT + 1) / _TANH_STEPS_PER_UNIT)
    ).astype(np.int64),
    VALUE_LIMIT,
)
"""tanh from 0 to 4 in steps of 1/32."""

EXP_TABLE: Final[Integers] = round_half_away(2**VALUE_BITS * 2.0 ** (-np.arange(_EXP_STEPS + 1) / _EXP_STEPS)).astype(
    np.int64
)
"""2^-x from 0 to 1 in steps of 1/32."""


def to_samples(windows: NDArray[Any], bits: int = SAMPLE_BITS) -> NDArray[np.int16]:
    """Return acceleration in g as samples, saturated at 16 g; other signals have other ``bits`` below the point.

    Examples
    --------
    >>> to_samples(np.array([1.0, -0.0002, 99.0])).tolist()
    [2048, 0, 32767]
    """
    samples: NDArray[np.int16] = quantize(windows, scale=2.0**-bits, dtype=np.int16)
    return samples


def round_shift(values: Integers, bits: Any) -> Integers:
    """Return values / 2^bits, halves away from zero.

    Examples
    --------
    >>> round_shift(np.array([3, -3, 2, 5]), 1).tolist()
    [2, -2, 1, 3]
    """
    bits = np.asarray(bits, np.int64)
    shifted: Integers = (np.abs(values) + (np.int64(1) << (bits - 1))) >> bits
    return np.where(values < 0, -shifted, shifted)


def rescale(values: Integers, multipliers: Any, shift: int) -> Integers:
    """Return values x multipliers / 2^shift, rounded once, halves away from zero."""
    return round_shift(values * np.asarray(multipliers, np.int64), shift)


def tanh(sums: Integers) -> Integers:
    """Return tanh of sums as values: straight lines between table entries, 1 from 4 on."""
    magnitude = np.abs(sums)
    inside = np.minimum(magnitude, (_TANH_END << SUM_BITS) - 1)
    entry, rest = inside >> 8, inside & 255
    below = TANH_TABLE[entry]
    line = below + (((TANH_TABLE[entry + 1] - below) * rest + 128) >> 8)
    result = np.where(magnitude < _TANH_END << SUM_BITS, line, VALUE_LIMIT)
    return np.where(sums < 0, -result, result)


def sigmoid(sums: Integers) -> Integers:
    """Return 1/2 + tanh(x/2)/2 of sums as gates; the half is cut towards zero."""
    halved = np.abs(sums) >> 1
    return (1 << VALUE_BITS) + tanh(np.where(sums < 0, -halved, halved))


def pass_gate(numbers: Integers, gates: Integers) -> Integers:
    """Return numbers x gates in the numbers' own format."""
    return round_shift(numbers * gates, GATE_BITS)


def mix(kept: Integers, fresh: Integers, gates: Integers) -> Integers:
    """Return gate x kept + (1 - gate) x fresh."""
    return round_shift(kept * gates + fresh * ((1 << GATE_BITS) - gates), GATE_BITS)


def narrow(sums: Integers, fraction: int) -> Integers:
    """Return sums as 16-bit values with ``fraction`` bits below the point, saturated."""
    return np.clip(round_shift(sums, SUM_BITS - fraction), -VALUE_LIMIT - 1, VALUE_LIMIT)


def widen(values: Integers, bits: int) -> Integers:
    """Return 16-bit values with so many bits below the point as sums."""
    return values << (SUM_BITS - bits) if bits <= SUM_BITS else round_shift(values, bits - SUM_BITS)


def mean(totals: Integers, count: Any) -> Integers:
    """Return totals / count, halves away from zero.

    Examples
    --------
    >>> mean(np.array([5, -5, 4]), 2).tolist()
    [3, -3, 2]
    """
    magnitude: Integers = (np.abs(totals) + count // 2) // count
    return np.where(totals < 0, -magnitude, magnitude)


def join(merge: str, forward: Integers, backward: Integers) -> Integers:
    """Return two directions' values as one; those of ``sum`` have a bit less below the point."""
    if merge == "concat":
        return np.concatenate([forward, backward], axis=-1)
    return round_shift(forward * backward, VALUE_BITS) if merge == "mul" else round_shift(forward + backward, 1)


def refit(values: Integers, bits: int, fraction: int) -> Integers:
    """Return 16-bit values with so many bits below the point in a format of ``fraction`` bits; 0 for their own."""
    return narrow(widen(values, bits), fraction) if fraction else values


def times(sums: Integers, factors: Integers) -> Integers:
    """Return a product of sums, saturated as scores are."""
    return np.clip(round_shift(sums * factors, SUM_BITS), -SCORE_LIMIT, SCORE_LIMIT)


def attended(queries: Integers, keys: Integers, held: Integers, bits: int) -> Integers:
    """Return what each step attends to: the mean of all steps' values, weighted by powers of its scores.

    Parameters
    ----------
    queries, keys, held : ndarray of shape (..., steps, numbers)
        16-bit values with so many ``bits`` below the point.
    """
    products = _exact_product(queries, keys.swapaxes(-1, -2))
    shift = 2 * bits - SUM_BITS
    scores = round_shift(products, shift) if shift > 0 else products << -shift
    scores = np.clip(scores, -SCORE_LIMIT, SCORE_LIMIT)
    powers = _exp_down(scores.max(axis=-1, keepdims=True) - scores)
    return mean(_exact_product(powers, held), powers.sum(axis=-1, keepdims=True))


def _exact_product(left: Integers, right: Integers) -> Integers:
    """Return a product of matrices whose sums stay below 2^53: floats hold them exactly, and multiply fast."""
    product: Integers = (left.astype(np.float64) @ right.astype(np.float64)).astype(np.int64)
    return product


def softmax(logits: Integers) -> Integers:
    """Return the softmax over the last axis as probabilities: powers of two, their fractions from a table."""
    powers = _exp_down(logits.max(axis=-1, keepdims=True) - logits)
    total = powers.sum(axis=-1, keepdims=True)
    probabilities: Integers = ((powers << VALUE_BITS) + total // 2) // total
    return probabilities


def _exp_down(distance: Integers) -> Integers:
    """Return exp(-distance) in 2^-15 of distances as sums; 0 from 16 on."""
    exponent = np.minimum(distance >> 1, 2**16 - 1) * _LOG2_E
    whole, entry, rest = exponent >> 27, (exponent >> 22) & (_EXP_STEPS - 1), (exponent >> 16) & 63
    above = EXP_TABLE[entry]
    power = above - (((above - EXP_TABLE[entry + 1]) * rest + 32) >> 6)
    halved = round_shift(power, np.clip(whole, 1, 16))
    return np.where(whole == 0, power, np.where(whole > 15, 0, halved))
