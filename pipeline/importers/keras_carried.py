"""Let a Keras model in memory go through windows as one stream, and leave it as it was."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgehar.pipeline.importers.keras_description import KerasChain


def from_zeros(model: Any, compute: Callable[[], NDArray[Any]]) -> NDArray[Any]:
    """Return what is computed while the states of a model begin with zeros; then they are what they were."""
    states = [state for layer in model.layers if getattr(layer, "stateful", False) for state in layer.states]
    kept = [np.array(state) for state in states]
    try:
        for state in states:
            state.assign(np.zeros(state.shape, np.float32))
        return compute()
    finally:
        for state, values in zip(states, kept, strict=True):
            state.assign(values)


def stepped(model: Any, chain: KerasChain, windows: NDArray[np.float32]) -> NDArray[Any]:
    """Return the outputs of a model that takes and gives its states, which are handed from window to window."""
    import keras

    flat = keras.Model(list(model.inputs), list(model.outputs))
    given = [_end(output) for output in flat.outputs]
    own = [each for each in flat.inputs if each.name in chain.states]
    states = {chain.states[each.name]: np.zeros((1, each.shape[-1])) for each in own}
    outputs = []
    for window in windows:
        samples = window[..., 0] if chain.takes_tokens else window
        values = [
            states[chain.states[each.name]] if each.name in chain.states else samples[np.newaxis]
            for each in flat.inputs
        ]
        found = [np.asarray(each) for each in flat([np.asarray(value, np.float32) for value in values], training=False)]
        states |= {end: value for end, value in zip(given, found, strict=True) if end in states}
        outputs.append(next(value for end, value in zip(given, found, strict=True) if end not in states)[0])
    return np.stack(outputs)


def _end(output: Any) -> tuple[str, int]:
    """Return the layer that gives an output, and which of its states it is; -1 for what it gives otherwise."""
    layer, _, index = output._keras_history
    return layer.name, index - 1
