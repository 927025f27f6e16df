"""Keras weights -> the matrices of the C engine, in float32 or with int8 rows.

Only the weights lose precision in the integer model: activations keep 16 bits and sums 32, so a row's rounding to
int8 is the one error worth looking at, and no calibration data is needed for formats. Each row (one unit of one gate)
has a scale of its own, with its largest weight exactly representable: the slow decays of a SimpleRNN's second layer are
such largest weights.
"""

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.architecture import GRU, Architecture, Dense, Layer, Weights, layer_weights
from models.c_model import SHIFTS, CLayer, Matrix
from models.errors import CompileError
from models.fixed_point import SAMPLE_ONE, SUM_BITS, VALUE_BITS
from models.quantization import quantize

_LARGEST_WEIGHT: Final = 127
_LARGEST_MULTIPLIER: Final = 2**16 - 1
_BITS_TO_SPARE: Final = 4
_MOST_FRACTION_BITS: Final = SUM_BITS - 1


def float_layers(architecture: Architecture, weights: Weights) -> tuple[CLayer, ...]:
    """Return the layers with the weights as they are."""
    layers = []
    for layer in architecture.layers:
        own = layer_weights(layer, weights)
        input_bias, recurrent_bias = _biases(layer, own["bias"])
        recurrent = Matrix(own["recurrent_kernel"], recurrent_bias) if "recurrent_kernel" in own else None
        layers.append(CLayer(_kind(layer), Matrix(own["kernel"], input_bias), recurrent, _activation(layer)))
    return tuple(layers)


def integer_layers(architecture: Architecture, weights: Weights) -> tuple[CLayer, ...]:
    """Return the layers with int8 rows.

    Raises
    ------
    CompileError
        If a weight is too large for 32-bit arithmetic.
    """
    layers = []
    input_bits = SAMPLE_ONE.bit_length() - 1
    for layer in architecture.layers:
        own = layer_weights(layer, weights)
        input_bias, recurrent_bias = _biases(layer, own["bias"])
        kernel = quantize_rows(own["kernel"], input_bias, input_bits=input_bits, name=f"{layer.name}/kernel")
        recurrent = None
        if "recurrent_kernel" in own:
            recurrent = quantize_rows(
                own["recurrent_kernel"],
                recurrent_bias,
                input_bits=VALUE_BITS,
                name=f"{layer.name}/recurrent_kernel",
            )
        fraction = _fraction_bits(layer, own, input_bits)
        layers.append(CLayer(_kind(layer), kernel, recurrent, _activation(layer), fraction))
        input_bits = fraction or VALUE_BITS
    return tuple(layers)


def quantize_rows(kernel: NDArray[Any], bias: NDArray[Any] | None, *, input_bits: int, name: str) -> Matrix:
    """Return a kernel (inputs, outputs) as int8 rows, each with the smallest scale that holds its largest weight.

    Parameters
    ----------
    kernel, bias
        Weights from inputs to sums, in reals.
    input_bits
        Bits below the point in the inputs' format.
    name
        What to call the kernel if it cannot be expressed.

    Raises
    ------
    CompileError
        If a weight is too large for 32-bit arithmetic.
    """
    rows = np.asarray(kernel, np.float64).T
    # What one unit of an int8 weight shall be worth, as sums per unit of input.
    unit = np.abs(rows).max(axis=1) / _LARGEST_WEIGHT * 2.0 ** (SUM_BITS - input_bits)
    shift = _shift_for(float(unit.max()), name)
    multipliers = np.minimum(np.ceil(unit * 2.0**shift), _LARGEST_MULTIPLIER)
    scales = multipliers * 2.0 ** (input_bits - SUM_BITS - shift)
    weights = quantize(rows, scale=np.where(scales > 0, scales, 1.0)[:, np.newaxis])
    return Matrix(weights, _sums(bias), multipliers.astype(np.uint16), shift)


def _shift_for(largest: float, name: str) -> int:
    """Return the shift that gives the largest row a multiplier of 16 bits, or 12 where that makes it whole bytes.

    An 8-bit chip shifts by whole bytes for nothing.
    """
    least, most = SHIFTS
    shift = most if largest == 0 else math.floor(math.log2(_LARGEST_MULTIPLIER / largest))
    shift -= shift % 8 if shift % 8 <= _BITS_TO_SPARE else 0
    if shift < least:
        raise CompileError(
            f"{name}: expected weights small enough for 32-bit sums, the largest is {largest:.3g} times too large",
            next_step="Use the float32 artifact, or train with weight decay.",
            weight=name,
        )
    return min(shift, most)


def _sums(bias: NDArray[Any] | None) -> NDArray[np.int32] | None:
    """Return a bias as sums."""
    if bias is None:
        return None
    sums: NDArray[np.int32] = quantize(bias, scale=2.0**-SUM_BITS, dtype=np.int32)
    return sums


def _biases(layer: Layer, bias: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """Return the input bias and, of a GRU that resets after the product, the recurrent bias."""
    return (bias[0], bias[1]) if bias.ndim == 2 else (bias, None)


def _kind(layer: Layer) -> str:
    """Return the C engine's name of a layer's kind."""
    if isinstance(layer, GRU):
        return "gru_reset_after" if layer.reset_after else "gru"
    return {"SimpleRNN": "simple_rnn", "LSTM": "lstm", "Dense": "dense"}[layer.kind]


def _activation(layer: Layer) -> str:
    """Return a dense layer's activation; the others' are part of their kind."""
    return layer.activation if isinstance(layer, Dense) else "linear"


def _fraction_bits(layer: Layer, weights: dict[str, NDArray[Any]], input_bits: int) -> int:
    """Return the bits below the point of what a linear or relu layer hands on, 0 where the format is fixed.

    As many as let the largest output there can be fit 16 bits: no window saturates, and none is needed to find out.
    """
    if not isinstance(layer, Dense) or layer.activation not in ("linear", "relu"):
        return 0
    largest_input = 2.0 ** (VALUE_BITS - input_bits)
    bound = float((np.abs(weights["kernel"]).sum(axis=0) * largest_input + np.abs(weights["bias"])).max())
    if bound >= 2.0 ** (VALUE_BITS - 1):
        raise CompileError(
            f"{layer.name}: expected outputs below {2 ** (VALUE_BITS - 1):,}, they can reach {bound:,.0f}",
            next_step="Use the float32 artifact, or train with weight decay.",
            layer=layer.name,
        )
    needed = max(0, math.ceil(math.log2(bound))) if bound > 0 else 0
    return max(1, min(_MOST_FRACTION_BITS, VALUE_BITS - needed))
