"""A mounting folded into the first layer, as normalisation is: the model takes what the turned sensor gives."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgehar.models.architecture import Architecture, Bidirectional, Conv1D, Dense, Recurrent, Weights
from edgehar.models.errors import UsageError
from edgehar.models.mounting.rotation import Mounting
from edgehar.models.normalization import Normalization


def fold_mounting(
    architecture: Architecture, weights: Weights, normalization: Normalization, mounting: Mounting
) -> tuple[dict[str, NDArray[np.float32]], Normalization]:
    """Return weights and normalisation of a model for samples as the wearer's sensor gives them.

    With R the rotation, of both vectors where the model takes the turning rate as well, the first layer sees
    W'((Rx - mu) / sigma). That is W2'((x - mu2) / sigma2) with mu2 = R' mu and W2 = diag(sigma2) R' diag(1 / sigma) W,
    for any deviations sigma2; these are the turned ones.

    Raises
    ------
    UsageError
        If the first layer is of another kind than a recurrent one, a convolution or a dense one.
    """
    first = architecture.layers[0]
    names = ("forward_kernel", "backward_kernel") if isinstance(first, Bidirectional) else ("kernel",)
    if not isinstance(first, Recurrent | Bidirectional | Conv1D | Dense):
        raise UsageError(
            f"{architecture.name}: expected a model that begins with a recurrent layer, a convolution or a dense "
            f"layer, got {first.kind}",
            next_step="Mount the sensor as in the recordings the model was trained on.",
        )
    rotation = mounting.of_channels(len(normalization.mean_g))
    mean, std = np.array(normalization.mean_g), np.array(normalization.std_g)
    turned_std = np.sqrt(np.square(rotation.T) @ np.square(std))
    turn = turned_std[:, None] * rotation.T / std[None, :]
    turned: dict[str, NDArray[Any]] = dict(weights)
    for name in (f"{first.name}/{each}" for each in names):
        turned[name] = turn @ np.asarray(weights[name], np.float64)
    folded = {name: np.asarray(value, np.float32) for name, value in turned.items()}
    return folded, replace(normalization, mean_g=tuple((rotation.T @ mean).tolist()), std_g=tuple(turned_std.tolist()))
