"""Keras weights -> the layers of the C engine, in float32 or with int8 rows.

Only the weights lose precision in the integer model: activations keep 16 bits and sums 32, so a row's rounding to
int8 is the one error worth looking at, and no calibration is needed for formats. With calibration windows the rows are
rounded for the inputs they will see (`rows`), which halves what is left of it.
"""

import math
from dataclasses import replace
from itertools import repeat
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.architecture import GRU, Architecture, Dense, Layer, Weights, layer_weights
from edgehar.models.errors import CompileError
from edgehar.models.portable.fixed_point import SUM_BITS, VALUE_BITS
from edgehar.models.portable.tables import HEADS, SAMPLE_BITS, CLayer, Matrix
from edgehar.pipeline.compilers.c99.rows import Linear, quantize_rows
from edgehar.pipeline.compilers.quantization.observation import observe

_MOST_FRACTION_BITS: Final = SUM_BITS - 1
_CALM_SHARE: Final = 0.999
"""Of all numbers in calibration: those above are impacts."""

_SAMPLE_ROOM_BITS: Final = 0.5
"""Above the largest sample of a signal that is not acceleration."""


def float_layers(architecture: Architecture, weights: Weights) -> tuple[CLayer, ...]:
    """Return the layers with the weights as they are."""
    layers = []
    for layer in architecture.layers:
        own = layer_weights(layer, weights)
        input_bias, recurrent_bias = _biases(own["bias"])
        recurrent = Matrix(own["recurrent_kernel"], recurrent_bias) if "recurrent_kernel" in own else None
        layers.append(CLayer(_kind(layer), Matrix(own["kernel"], input_bias), recurrent, _activation(layer)))
    return _with_head(layers)


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
    layers = []
    observed = repeat(None) if calibration is None else observe(architecture, weights, calibration)
    for layer, met in zip(architecture.layers, observed, strict=False):
        own, (seen, before) = layer_weights(layer, weights), (met.inputs, met.states) if met else (None, None)
        kernel = Linear(f"{layer.name}/kernel", own["kernel"], input_bits, seen)
        recurrent = None
        if "recurrent_kernel" in own:
            name = f"{layer.name}/recurrent_kernel"
            recurrent = Linear(name, own["recurrent_kernel"], VALUE_BITS, before)
        fraction = _fraction_bits(layer, own, input_bits)
        matrices = _quantize_layer(layer, kernel, recurrent, own["bias"])
        second = matrices[1] if recurrent is not None else None
        layers.append(CLayer(_kind(layer), matrices[0], second, _activation(layer), fraction))
        input_bits = fraction or VALUE_BITS
    return _with_head(layers)


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


def _with_head(layers: list[CLayer]) -> tuple[CLayer, ...]:
    """Return the layers, the last one called the head it is."""
    *hidden, last = layers
    return (*hidden, replace(last, activation=HEADS[last.activation], fraction=0))


def _quantize_layer(layer: Layer, kernel: Linear, recurrent: Linear | None, bias: NDArray[Any]) -> list[Matrix]:
    """Return the layer's one or two matrices."""
    if recurrent is None:
        return quantize_rows([kernel], bias)
    if isinstance(layer, GRU):
        # The reset gate stands between the two products: neither can make good what the other lost.
        input_bias, recurrent_bias = _biases(bias)
        return quantize_rows([kernel], input_bias) + quantize_rows([recurrent], recurrent_bias)
    return quantize_rows([kernel, recurrent], bias)


def _biases(bias: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any] | None]:
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
