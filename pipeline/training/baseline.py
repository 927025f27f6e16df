"""The baseline of common sense: how often each activity was done, whatever the window shows."""

import numpy as np
from numpy.typing import NDArray

from edgehar.models.architecture import Architecture
from edgehar.models.errors import TrainingError


def frequency_weights(architecture: Architecture, labels: NDArray[np.int64]) -> dict[str, NDArray[np.float32]]:
    """Return weights that give every window the shares of the labels: kernels of zero, biases log(share).

    A label nobody did gets half a window, so that its logarithm is finite.

    Raises
    ------
    TrainingError
        If the architecture does not end in a dense layer.

    Examples
    --------
    >>> from edgehar.models.architecture import named_architecture
    >>> weights = frequency_weights(named_architecture("majority", classes=2), np.array([0, 0, 0, 1]))
    >>> np.exp(weights["Output/bias"]).round(2).tolist()
    [0.75, 0.25]
    """
    weights = {name: np.zeros(shape, np.float32) for name, shape in architecture.weight_shapes().items()}
    output = f"{architecture.layers[-1].name}/bias"
    if weights.get(output, np.empty(0)).shape != (architecture.classes,):
        raise TrainingError(
            f"{architecture.name}: expected an output layer with a bias for each label to count into",
            next_step="Choose another initialization.",
        )
    counts = np.maximum(np.bincount(labels, minlength=architecture.classes), 0.5)
    weights[output] = np.log(counts / counts.sum()).astype(np.float32)
    return weights
