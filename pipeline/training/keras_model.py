"""Keras models from architectures, and their weights both ways."""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgehar.models.architecture import (
    DIRECTIONS,
    LSTM,
    Architecture,
    Bidirectional,
    Conv1D,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePooling1D,
    GlobalMaxPooling1D,
    Layer,
    MaxPooling1D,
    Recurrent,
    SelfAttention,
    SimpleRNN,
    TemporalBlock,
    Weights,
)
from edgehar.models.errors import CompileError
from edgehar.pipeline.training.blocks import KerasSelfAttention, KerasTemporalBlock
from edgehar.pipeline.training.recurrence import FastSimpleRNN
from edgehar.pipeline.training.supervision import answers_on_the_way
from edgehar.pipeline.training.tensorflow_start import keras


def keras_model(architecture: Architecture) -> Any:
    """Return the architecture as a Keras model that gives probabilities; its layers keep their names.

    Examples
    --------
    >>> from edgehar.models.architecture import named_architecture
    >>> model = keras_model(named_architecture("simple_rnn"))
    >>> [layer.name for layer in model.layers], model.count_params()
    (['Input', 'RNN_1', 'RNN_2', 'Output'], 3628)
    """
    inputs = values = keras.Input((architecture.window, architecture.channels), name="Input")
    for layer in architecture.layers:
        values = _layer(layer)(values)
    return keras.Model(inputs, values, name=architecture.name)


def training_model(
    architecture: Architecture, steps: NDArray[np.int64], *, recurrent_dropout: float = 0.0, seed: int = 0
) -> Any:
    """Return a Keras model with the same layers and weights that gives logits at several steps of the window.

    Parameters
    ----------
    architecture
        Any; but only one that `answers_on_the_way` has more than one step to give.
    steps : ndarray of int
        The steps, from 0, at which the output layer answers.
    recurrent_dropout
        Share of the state that is dropped at every step while training.
    seed
        Of what is dropped.

    Returns
    -------
    keras.Model
        (n_windows, window_length, channels) -> logits (n_windows, len(steps), n_classes)
    """
    inputs = values = keras.Input((architecture.window, architecture.channels), name="Input")
    if not answers_on_the_way(architecture):
        for place, layer in enumerate(architecture.layers):
            is_output = layer is architecture.layers[-1]
            drops = _Dropping(recurrent_dropout, seed + place)
            values = _layer(layer, logits=is_output, drops=drops)(values)
        return keras.Model(inputs, values[:, np.newaxis], name=architecture.name)
    is_sequence = True
    for place, layer in enumerate(architecture.layers):
        if is_sequence and isinstance(layer, Dense):
            values, is_sequence = keras.ops.take(values, steps, axis=1), False
        is_output = layer is architecture.layers[-1]
        drops = _Dropping(recurrent_dropout, seed + place)
        values = _layer(layer, logits=is_output, every_step=True, drops=drops)(values)
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
    return {
        f"{layer.name}/{prefix}{variable.name}": variable
        for layer in model.layers
        for prefix, part in _parts(layer)
        for variable in part.weights
    }


def _parts(layer: Any) -> list[tuple[str, Any]]:
    """Return a Keras layer, or the two of a bidirectional one with what stands before the names of their weights."""
    if isinstance(layer, keras.layers.Bidirectional):
        return [
            (f"{which}_", part)
            for which, part in zip(DIRECTIONS, (layer.forward_layer, layer.backward_layer), strict=True)
        ]
    return [("", layer)]


class _Dropping(NamedTuple):
    """What a layer drops while training; Keras would draw an unknown seed for every layer that has none."""

    recurrent: float = 0.0
    seed: int = 0


_NOTHING_DROPPED: Final = _Dropping()


def _layer(layer: Layer, *, logits: bool = False, every_step: bool = False, drops: _Dropping = _NOTHING_DROPPED) -> Any:
    """Return a Keras layer; for training an output layer gives logits, a recurrent one its state at every step."""
    layers = keras.layers
    if isinstance(layer, Recurrent):
        return _recurrent(layer, every_step=every_step, drops=drops)
    if isinstance(layer, Bidirectional):
        cell = layer.direction(DIRECTIONS[0])
        return layers.Bidirectional(_recurrent(cell, drops=drops), name=layer.name)
    if isinstance(layer, Dense):
        return layers.Dense(layer.units, "linear" if logits else layer.activation, name=layer.name)
    if isinstance(layer, Conv1D):
        return layers.Conv1D(
            layer.filters,
            layer.kernel_size,
            padding=layer.padding,
            dilation_rate=layer.dilation,
            activation=layer.activation,
            name=layer.name,
        )
    if isinstance(layer, MaxPooling1D):
        return layers.MaxPooling1D(layer.pool_size, name=layer.name)
    if isinstance(layer, Dropout):
        return layers.Dropout(layer.rate, seed=drops.seed, name=layer.name)
    if isinstance(layer, TemporalBlock):
        return KerasTemporalBlock(layer)
    if isinstance(layer, SelfAttention):
        return KerasSelfAttention(layer)
    plain = {
        Flatten: layers.Flatten,
        GlobalAveragePooling1D: layers.GlobalAveragePooling1D,
        GlobalMaxPooling1D: layers.GlobalMaxPooling1D,
    }
    if type(layer) in plain:
        return plain[type(layer)](name=layer.name)
    raise CompileError(f"layer {layer.name}: expected one that Keras can train here, got {layer.kind}")


def _recurrent(layer: Recurrent, *, every_step: bool = False, drops: _Dropping) -> Any:
    """Return a recurrent Keras layer."""
    layers = keras.layers
    options: dict[str, Any] = {
        "return_sequences": every_step or layer.return_sequences,
        "recurrent_dropout": drops.recurrent,
        "seed": drops.seed,
        "name": layer.name.replace("/", "_"),
    }
    if isinstance(layer, SimpleRNN):
        is_fast = every_step and not drops.recurrent
        return (FastSimpleRNN if is_fast else layers.SimpleRNN)(layer.units, **options)
    if isinstance(layer, LSTM):
        return layers.LSTM(layer.units, **options)
    return layers.GRU(layer.units, reset_after=getattr(layer, "reset_after", True), **options)
