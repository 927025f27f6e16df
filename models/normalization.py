"""Normalisation by the training subjects' mean and deviation, and its folding into the first layer."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.architecture import Architecture, Weights
from models.errors import DataError


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
        mean = samples.mean(axis=0, dtype=np.float64)
        std = samples.std(axis=0, dtype=np.float64)
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
    there is no preprocessing to get wrong on a device, and the parameter count stays what it was.

    Examples
    --------
    >>> from models.architecture import named_architecture
    >>> lstm = named_architecture("lstm")
    >>> weights = {name: np.ones(shape, np.float32) for name, shape in lstm.weight_shapes().items()}
    >>> folded = fold_normalization(lstm, weights, Normalization((1.0, 0.0, 0.0), (2.0, 1.0, 1.0)))
    >>> float(folded["LSTM_1/kernel"][0, 0]), float(folded["LSTM_1/bias"][0])
    (0.5, 0.5)
    """
    first = architecture.layers[0]
    mean, std = np.array(normalization.mean_g), np.array(normalization.std_g)
    folded = {name: np.asarray(value, np.float32) for name, value in weights.items()}
    kernel: NDArray[Any] = np.asarray(weights[f"{first.name}/kernel"], np.float64)
    scaled = kernel / std[:, np.newaxis]
    bias = np.array(weights[f"{first.name}/bias"], np.float64)
    # A GRU with reset_after has an input row and a recurrent row of biases: the input row takes the shift.
    shifted = bias[0] if bias.ndim == 2 else bias
    shifted -= mean @ scaled
    folded[f"{first.name}/kernel"] = scaled.astype(np.float32)
    folded[f"{first.name}/bias"] = bias.astype(np.float32)
    return folded
