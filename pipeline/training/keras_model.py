"""Keras models from architectures, and their weights both ways."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.architecture import GRU, LSTM, Architecture, Dense, Layer, SimpleRNN, Weights
from models.errors import CompileError
from pipeline.training.recurrence import FastSimpleRNN
from pipeline.training.tensorflow_start import keras


def keras_model(architecture: Architecture) -> Any:
    """Return the architecture as a Keras model that gives probabilities; its layers keep their names.

    Examples
    --------
    >>> from models.architecture import named_architecture
    >>> model = keras_model(named_architecture("simple_rnn"))
    >>> [layer.name for layer in model.layers], model.count_params()
    (['Input', 'RNN_1', 'RNN_2', 'Output'], 3628)
    """
    inputs = values = keras.Input((architecture.window, architecture.channels), name="Input")
    for layer in architecture.layers:
        values = _layer(layer)(values)
    return keras.Model(inputs, values, name=architecture.name)


def training_model(architecture: Architecture, steps: NDArray[np.int64]) -> Any:
    """Return a Keras model with the same layers and weights that gives logits at several steps of the window.

    Parameters
    ----------
    architecture
        Recurrent layers, then dense ones.
    steps : ndarray of int
        The steps, from 0, at which the output layer answers.

    Returns
    -------
    keras.Model
        (n_windows, window_length, channels) -> logits (n_windows, len(steps), n_classes)
    """
    inputs = values = keras.Input((architecture.window, architecture.channels), name="Input")
    is_sequence = True
    for layer in architecture.layers:
        if is_sequence and isinstance(layer, Dense):
            values, is_sequence = keras.ops.take(values, steps, axis=1), False
        values = _layer(layer, for_training=True)(values)
    return keras.Model(inputs, values, name=architecture.name)


def get_weights(model: Any) -> dict[str, NDArray[np.float32]]:
    """Return a copy of a Keras model's weights by their names in the architecture."""
    return {name: np.array(variable.numpy()) for name, variable in _variables(model).items()}


def set_weights(model: Any, weights: Weights) -> None:
    """Give a Keras model the weights of an architecture."""
    for name, variable in _variables(model).items():
        variable.assign(weights[name])


def _variables(model: Any) -> dict[str, Any]:
    """Return the model's variables by their names in the architecture."""
    return {f"{layer.name}/{variable.name}": variable for layer in model.layers for variable in layer.weights}


def _layer(layer: Layer, *, for_training: bool = False) -> Any:
    """Return a Keras layer; one for training answers at every step, with logits."""
    layers = keras.layers
    if isinstance(layer, Dense):
        return layers.Dense(layer.units, "linear" if for_training else layer.activation, name=layer.name)
    if not isinstance(layer, SimpleRNN | LSTM | GRU):
        raise CompileError(f"layer {layer.name}: expected one that Keras can train here, got {layer.kind}")
    sequences = {"return_sequences": for_training or layer.return_sequences, "name": layer.name}
    if isinstance(layer, SimpleRNN):
        return (FastSimpleRNN if for_training else layers.SimpleRNN)(layer.units, **sequences)
    if isinstance(layer, LSTM):
        return layers.LSTM(layer.units, **sequences)
    return layers.GRU(layer.units, reset_after=layer.reset_after, **sequences)
