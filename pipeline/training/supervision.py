"""Deep supervision: the loss looks at the answer on the way, not only at the end.

A recurrent model that is judged on sample 200 alone gets its gradient through 200 steps. Here the same output layer is
asked at samples 10, 20, ..., 200, and an answer counts in proportion to how much it has seen. The deployed model
answers at the last sample only: its parameters, and their count, stay what they were.

Source: Lee et al., Deeply-Supervised Nets, AISTATS 2015; over time: Ng et al., Beyond Short Snippets, CVPR 2015.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from edgehar.models.architecture import Architecture, Recurrent

Targets: TypeAlias = NDArray[np.int64] | NDArray[np.float32]
"""What a batch shall be answered with: labels (batch,), probabilities (batch, classes), or those of
every supervised step (batch, steps, classes)."""


def one_hot(targets: Targets, classes: int) -> NDArray[np.float32]:
    """Return targets as probabilities (batch, classes); those of every step stay as they are.

    Examples
    --------
    >>> one_hot(np.array([1, 0]), 2).tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    if targets.ndim > 1:
        return np.asarray(targets, np.float32)
    return np.eye(classes, dtype=np.float32)[np.asarray(targets, np.int64)]


def answers_on_the_way(architecture: Architecture) -> bool:
    """Whether the model has an answer at every step: recurrent layers forward in time, then dense ones."""
    layers = architecture.layers
    depth = sum(isinstance(layer, Recurrent) for layer in layers)
    return depth > 0 and all(isinstance(layer, Recurrent) == (index < depth) for index, layer in enumerate(layers))


def supervised_steps(window: int, every: int) -> NDArray[np.int64]:
    """Return the steps (from 0) whose answers enter the loss; the last step is always one of them.

    Examples
    --------
    >>> supervised_steps(200, 50).tolist(), supervised_steps(200, 0).tolist()
    ([49, 99, 149, 199], [199])
    """
    if every == 0:
        return np.array([window - 1])
    return np.arange(window, 0, -every)[::-1] - 1


def step_weights(steps: NDArray[np.int64], *, evenly: bool = False) -> NDArray[np.float32]:
    """Return the share of each supervised step in the loss: in proportion to the samples seen, and one in all.

    With ``evenly`` they are all the same, for sequences in which every step has a target of its own.

    Examples
    --------
    >>> step_weights(supervised_steps(200, 50))
    array([0.1, 0.2, 0.3, 0.4], dtype=float32)
    """
    seen = np.ones(len(steps)) if evenly else (steps + 1).astype(np.float64)
    return np.asarray(seen / seen.sum(), np.float32)
