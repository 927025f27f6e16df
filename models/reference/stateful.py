"""The forward pass of a stream in NumPy: samples and the states before them, to outputs and the states after them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from edgehar.models.architecture import Architecture, Recurrent, Weights, layer_weights
from edgehar.models.architecture.stateful import states_of
from edgehar.models.reference import layer_forward
from edgehar.models.reference.recurrent import walk

Array = NDArray[Any]


def zero_states(architecture: Architecture, streams: int = 1, dtype: DTypeLike = np.float32) -> dict[str, Array]:
    """Return the states that a stream begins with, by their names: (streams, units) zeros each."""
    return {state.name: np.zeros((streams, state.units), dtype) for state in states_of(architecture)}


def step(
    architecture: Architecture,
    weights: Weights,
    samples: Array,
    states: Mapping[str, Array],
    *,
    dtype: DTypeLike = np.float64,
) -> tuple[Array, dict[str, Array]]:
    """Return what a model gives after some samples, and its states then.

    Parameters
    ----------
    architecture, weights
        A model without a `edgehar.models.architecture.stateful.stateful_obstacle`; weights in Keras layout.
    samples : ndarray of shape (streams, n, channels)
        One sample or more.
    states
        Of every name of `states_of` an ndarray of shape (streams, units).
    dtype
        Type of all arithmetic.

    Returns
    -------
    outputs : ndarray of shape (streams, outputs), or (streams, n, outputs) with an output for every sample
    states : dict of the same names and shapes as those given
    """
    values = np.asarray(samples, dtype)
    after: dict[str, Array] = {}
    with np.errstate(over="ignore", invalid="ignore"):
        for layer in architecture.layers:
            own = {name: np.asarray(weight, dtype) for name, weight in layer_weights(layer, weights).items()}
            if isinstance(layer, Recurrent):
                names = [state.name for state in states_of(architecture) if state.layer == layer.name]
                before = tuple(np.asarray(states[name], dtype) for name in names)
                values, following = walk(layer, own, values, before)
                after |= dict(zip(names, following, strict=True))
            else:
                values = layer_forward(layer, own, values)
    return values, after
