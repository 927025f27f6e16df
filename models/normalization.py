"""Normalisation by the training subjects' mean and deviation, and its folding into the first layer."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgehar.models.architecture import (
    DIRECTIONS,
    Architecture,
    Bidirectional,
    Conv1D,
    Flatten,
    Layer,
    Masking,
    TemporalBlock,
    Weights,
    layer_weights,
)
from edgehar.models.errors import CompileError, DataError

_Wide = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Normalization:
    """Mean and standard deviation of every channel over the training subjects' samples, in g."""

    mean_g: tuple[float, ...]
    std_g: tuple[float, ...]

    @classmethod
    def of_samples(cls, samples: NDArray[np.float32]) -> "Normalization":
        """Measure samples of shape (n, channels), in g.

        Raises
        ------
        DataError
            If a channel never changes: nothing can be learned from it, and nothing can be divided by it.
        """
        return cls._checked(samples.mean(axis=0, dtype=np.float64), samples.std(axis=0, dtype=np.float64))

    @classmethod
    def of_blocks(cls, blocks: Callable[[], Iterable[NDArray[np.float32]]]) -> "Normalization":
        """Measure samples that are longer than memory: ``blocks`` yields them in parts, and is asked twice.

        Raises
        ------
        DataError
            If a channel never changes.
        """
        sums = [(len(block), block.sum(axis=0, dtype=np.float64)) for block in blocks()]
        count = sum(length for length, _ in sums)
        total = np.sum([part for _, part in sums], axis=0)
        mean = total / max(count, 1)
        squares = sum((np.square(block - mean).sum(axis=0) for block in blocks()), np.zeros_like(mean))
        return cls._checked(mean, np.sqrt(squares / max(count, 1)))

    @classmethod
    def _checked(cls, mean: NDArray[np.float64], std: NDArray[np.float64]) -> "Normalization":
        """Return mean and deviation, if every channel has one."""
        if not np.all(std > 0):
            raise DataError(
                f"normalisation: expected every channel to vary, got standard deviations {std.tolist()} g",
                next_step="Check that the recordings hold three live axes in g.",
            )
        return cls(tuple(map(float, mean)), tuple(map(float, std)))

    def apply(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return (windows - mean) / std, float32."""
        mean, std = np.array(self.mean_g, np.float32), np.array(self.std_g, np.float32)
        normalized: NDArray[np.float32] = (windows - mean) / std
        return normalized


def fold_normalization(
    architecture: Architecture, weights: Weights, normalization: Normalization
) -> dict[str, NDArray[np.float32]]:
    """Return weights that take raw g and give what ``weights`` give for normalised windows.

    W' = W / sigma and b' = b - W^T (mu / sigma), in float64, rounded once to float32: the model takes raw acceleration,
    there is no preprocessing to get wrong on a device, and the parameter count stays what it was. Pooling, flattening
    and dropout commute with normalisation: what they stand before is folded instead.

    Where a convolution looks beyond the ends of the window, the zeros there are normalised ones: the mean in raw g. No
    bias can say that, so such a layer gets an ``offset`` instead, the mean, which is taken from its input before the
    zeros are added.

    Raises
    ------
    CompileError
        If the first layer with weights adds its input to its output: it needs normalised input.

    Examples
    --------
    >>> from edgehar.models.architecture import named_architecture
    >>> lstm = named_architecture("lstm")
    >>> weights = {name: np.ones(shape, np.float32) for name, shape in lstm.weight_shapes().items()}
    >>> folded = fold_normalization(lstm, weights, Normalization((1.0, 0.0, 0.0), (2.0, 1.0, 1.0)))
    >>> float(folded["LSTM_1/kernel"][0, 0]), float(folded["LSTM_1/bias"][0])
    (0.5, 0.5)
    """
    folded = {name: np.asarray(value, np.float32) for name, value in weights.items()}
    mean, std = np.array(normalization.mean_g), np.array(normalization.std_g)
    if not mean.any() and (std == 1).all():
        return folded
    for layer, shape in zip(architecture.layers, architecture.shapes(), strict=False):
        if isinstance(layer, Flatten):
            mean, std = np.tile(mean, shape[0]), np.tile(std, shape[0])
        if isinstance(layer, Masking):
            raise CompileError(
                f"layer {layer.name}: expected input as it is, a Masking compares it before it is normalised",
                next_step="Train on input that is not normalised, or leave the layer out.",
                layer=layer.name,
            )
        if not layer.weight_shapes(shape):
            continue
        own = {name: np.array(value, np.float64) for name, value in layer_weights(layer, weights).items()}
        for name, value in _folded(layer, own, mean, std).items():
            folded[f"{layer.name}/{name}"] = value.astype(np.float32)
        break
    return folded


def _folded(layer: Layer, weights: _Wide, mean: NDArray[Any], std: NDArray[Any]) -> _Wide:
    """Return one layer's weights for raw input."""
    if isinstance(layer, Bidirectional):
        for which in DIRECTIONS:
            _fold_pair(weights, f"{which}_kernel", f"{which}_bias", mean, std)
    elif isinstance(layer, Conv1D) and layer.padding != "valid":
        weights["kernel"] /= std[:, np.newaxis]
        weights["offset"] = mean
    elif isinstance(layer, TemporalBlock) and "residual_kernel" in weights:
        weights["first_kernel"] /= std[:, np.newaxis]
        weights["residual_kernel"] /= std[:, np.newaxis]
        weights["offset"] = mean
    elif "kernel" in weights:
        _fold_pair(weights, "kernel", "bias", mean, std)
    else:
        raise CompileError(
            f"layer {layer.name}: expected a first layer that can take raw acceleration, {layer.kind} adds its input "
            "to its output",
            next_step="Begin with a convolution, a dense or a recurrent layer.",
            layer=layer.name,
        )
    return weights


def _fold_pair(weights: _Wide, kernel: str, bias: str, mean: NDArray[Any], std: NDArray[Any]) -> None:
    """Fold into a kernel (..., inputs, outputs) and its bias.

    A GRU with reset_after has an input row and a recurrent row of biases: the input row takes the shift.
    """
    weights[kernel] /= std[:, np.newaxis]
    shift = mean @ weights[kernel]
    row = weights[bias][0] if weights[bias].ndim == 2 else weights[bias]
    row -= shift.reshape(-1, shift.shape[-1]).sum(axis=0)
