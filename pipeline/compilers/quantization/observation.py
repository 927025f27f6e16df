"""What every layer of a model meets in calibration."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgehar.models.architecture import GRU, LSTM, Architecture, Layer, SimpleRNN, Weights, layer_weights
from edgehar.models.reference import layer_forward


@dataclass(frozen=True, slots=True, eq=False)
class Met:
    """A layer and what it met.

    Parameters
    ----------
    layer
        The layer.
    inputs : ndarray of shape (n, numbers)
        Everything it was given, over all windows and steps.
    states : ndarray of shape (n, units) or None
        Of a recurrent layer, the states its steps began with.
    """

    layer: Layer
    inputs: NDArray[Any]
    states: NDArray[Any] | None = None


def observe(architecture: Architecture, weights: Weights, calibration: NDArray[Any]) -> Iterator[Met]:
    """Yield what every layer meets, in order.

    Parameters
    ----------
    architecture, weights
        The model; it takes raw g.
    calibration : ndarray of shape (n_windows, window_length, channels), in g
    """
    values = calibration
    for layer in architecture.layers:
        own, inputs = layer_weights(layer, weights), values.reshape(-1, values.shape[-1])
        if not isinstance(layer, SimpleRNN | LSTM | GRU):
            yield Met(layer, inputs)
            values = layer_forward(layer, own, values)
            continue
        sequence = layer_forward(replace(layer, return_sequences=True), own, values)
        before = delayed(sequence)
        yield Met(layer, inputs, before.reshape(-1, before.shape[-1]))
        values = sequence if layer.return_sequences else sequence[:, -1]


def delayed(sequence: NDArray[Any]) -> NDArray[Any]:
    """Return the states (n_windows, steps, units) each step begins with: zeros, then those of the step before."""
    return np.concatenate([np.zeros_like(sequence[:, :1]), sequence[:, :-1]], axis=1)
