"""Float weights that rounding to int8 leaves as they are, chosen for what the layers meet in calibration.

Formats that keep int8 weights for float arithmetic round each kernel by itself, to the scale of its largest weight.
Weights that lie on that very grid already they keep: so rounding for inputs happens here, once for all formats.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgehar.models.architecture import GRU, LSTM, Architecture, Dense, Layer, SimpleRNN, Weights, layer_weights
from edgehar.pipeline.compilers.quantization.observation import Met, observe
from edgehar.pipeline.compilers.quantization.rounding import LARGEST_WEIGHT, round_for_inputs

SharedScale = Mapping[str, slice | NDArray[np.intp]]
"""The columns of a layer's weights that a format keeps with one scale."""

_HOW_EQUAL = 1e-9


class _Sum(NamedTuple):
    """Kernels whose products are added up, and where the bias of that sum stands in the layer's, if it has one."""

    kernels: tuple[str, ...]
    bias: Any = ...


def preround(
    architecture: Architecture,
    weights: Weights,
    calibration: NDArray[Any],
    shared_scales: Callable[[Layer], Iterable[SharedScale]],
) -> Weights:
    """Return the weights with every kernel of SimpleRNN, LSTM, GRU and Dense layers on the grid it will be kept on.

    Parameters
    ----------
    architecture, weights
        The model; it takes raw g.
    calibration : ndarray of shape (n_windows, window_length, channels), in g
        Windows of training subjects.
    shared_scales
        Which columns of a layer's kernels the format keeps with one scale each: all of them, each once.
    """
    rounded = dict(weights)
    for met in observe(architecture, weights, calibration):
        layer = met.layer
        if not isinstance(layer, SimpleRNN | LSTM | GRU | Dense):
            continue
        own = {name: np.asarray(value, np.float64) for name, value in layer_weights(layer, weights).items()}
        steps = _steps(own, shared_scales(layer))
        for name, value in _rounded(met, own, steps).items():
            rounded[f"{layer.name}/{name}"] = value.astype(np.float32)
    return rounded


def _steps(own: Mapping[str, NDArray[Any]], scales: Iterable[SharedScale]) -> dict[str, NDArray[np.float64]]:
    """Return what one unit of every weight is worth."""
    steps = {name: np.empty_like(value) for name, value in own.items() if name.endswith("kernel")}
    for shared in scales:
        largest = max(float(np.abs(own[name][:, columns]).max()) for name, columns in shared.items())
        for name, columns in shared.items():
            steps[name][:, columns] = (largest or 1.0) / LARGEST_WEIGHT
    return steps


def _rounded(met: Met, own: dict[str, NDArray[Any]], steps: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return a layer's weights on their grids, and its bias with what rounding asks of it."""
    result = {"bias": own["bias"].copy()}
    seen = {"kernel": met.inputs, "recurrent_kernel": met.states}
    for kernels, bias in _sums(met.layer):
        matrix, step = (np.concatenate([each[name] for name in kernels]).T for each in (own, steps))
        integers, correction = round_for_inputs(
            matrix,
            step,
            np.concatenate([np.asarray(seen[name], np.float64) for name in kernels], axis=1),
            has_bias=bias is not None,
            # The largest weight makes the scale, and must go on making it.
            kept=np.abs(matrix) >= (1 - _HOW_EQUAL) * LARGEST_WEIGHT * step,
        )
        ends = np.cumsum([len(own[name]) for name in kernels])[:-1]
        parts = np.split((integers * step).T, ends)
        result |= dict(zip(kernels, parts, strict=True))
        if bias is not None:
            result["bias"][bias] += correction
    return result


def _sums(layer: Layer) -> tuple[_Sum, ...]:
    """Return which kernels of a layer can make good what another loses."""
    if isinstance(layer, Dense):
        return (_Sum(("kernel",)),)
    if not isinstance(layer, GRU):
        return (_Sum(("kernel", "recurrent_kernel")),)
    # The reset gate stands between the two products.
    biases = (0, 1) if layer.reset_after else (..., None)
    return _Sum(("kernel",), biases[0]), _Sum(("recurrent_kernel",), biases[1])
