"""A model in JAX: one scan over the steps in which all recurrent layers step together, compiled by XLA."""

import importlib
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.firmware_bridge.benchmark.frameworks import (
    FrameworkEngine,
    in_batches,
    rebuildable_layers,
    weights_of,
)
from edgehar.models.architecture import GRU, LSTM, Dense, Recurrent
from edgehar.models.engines import check_windows

_BATCH: Final = 256
_UNROLL: Final = 4
"""Steps that one turn of the scan computes: of 1, 4 and 8 the quickest for one window of `simple_rnn` and `gru`."""


class JAXEngine(FrameworkEngine):
    """Compiled for one window and for a batch while it is loaded."""

    name = "jax"

    def prepare(self, threads: int) -> str:
        """Write the model down as functions and compile them; the number of threads comes by the environment."""
        jax = importlib.import_module("jax")
        layers = rebuildable_layers(self.bundle, self.name, reset_before=True)
        recurrent = [layer for layer in layers if isinstance(layer, Recurrent)]
        dense = [layer for layer in layers if isinstance(layer, Dense)]
        weights = {layer.name: weights_of(self.bundle, layer) for layer in layers}
        self._run = jax.jit(partial(_forward, jax, recurrent, dense, weights))
        architecture = self.bundle.manifest.architecture
        for count in (1, _BATCH):
            self._run(np.zeros((count, architecture.window, architecture.channels), np.float32))
        return f"jax {jax.__version__}"

    def predict(self, windows: NDArray[Any]) -> NDArray[np.float32]:
        """Return the outputs of windows (n_windows, window_length, channels) in g."""
        return in_batches(check_windows(windows, self.bundle), _BATCH, self._run)


def _forward(jax: Any, recurrent: list[Recurrent], dense: list[Dense], weights: Any, windows: Any) -> Any:
    """Return the outputs of windows (n, steps, channels)."""
    functions = {
        "linear": lambda sums: sums,
        "relu": jax.nn.relu,
        "sigmoid": jax.nn.sigmoid,
        "softmax": jax.nn.softmax,
        "tanh": jax.numpy.tanh,
    }

    def step(states: Any, values: Any) -> tuple[Any, Any]:
        after = []
        for layer, state in zip(recurrent, states, strict=True):
            state = _cell(jax, layer)(weights[layer.name], values, state)
            values = state[0]
            after.append(state)
        return tuple(after), values if recurrent[-1].return_sequences else None

    values = windows
    if recurrent:
        zeros = [jax.numpy.zeros((windows.shape[0], layer.units), windows.dtype) for layer in recurrent]
        steps = jax.numpy.swapaxes(windows, 0, 1)
        states, sequence = jax.lax.scan(step, tuple((zero, zero) for zero in zeros), steps, unroll=_UNROLL)
        values = states[-1][0] if sequence is None else jax.numpy.swapaxes(sequence, 0, 1)
    for layer in dense:
        own = weights[layer.name]
        values = functions[layer.activation](values @ own["kernel"] + own["bias"])
    return values


def _cell(jax: Any, layer: Recurrent) -> Callable[[Any, Any, Any], Any]:
    """Return the function of one step: weights, inputs and state to the new state, its outputs first."""
    sigmoid, tanh, split = jax.nn.sigmoid, jax.numpy.tanh, jax.numpy.split

    def simple(own: Any, values: Any, state: Any) -> Any:
        hidden = tanh(values @ own["kernel"] + state[0] @ own["recurrent_kernel"] + own["bias"])
        return hidden, hidden

    def lstm(own: Any, values: Any, state: Any) -> Any:
        sums = values @ own["kernel"] + state[0] @ own["recurrent_kernel"] + own["bias"]
        admit, forget, candidate, output = split(sums, 4, -1)
        cell = sigmoid(forget) * state[1] + sigmoid(admit) * tanh(candidate)
        return sigmoid(output) * tanh(cell), cell

    def gru(own: Any, values: Any, state: Any) -> Any:
        update, reset, candidate = split(values @ own["kernel"] + own["bias"], 3, -1)
        kernels = split(own["recurrent_kernel"], 3, -1)
        update, reset = sigmoid(update + state[0] @ kernels[0]), sigmoid(reset + state[0] @ kernels[1])
        hidden = update * state[0] + (1 - update) * tanh(candidate + (reset * state[0]) @ kernels[2])
        return hidden, hidden

    def gru_reset_after(own: Any, values: Any, state: Any) -> Any:
        update, reset, candidate = split(values @ own["kernel"] + own["bias"][0], 3, -1)
        kept = split(state[0] @ own["recurrent_kernel"] + own["bias"][1], 3, -1)
        update, reset = sigmoid(update + kept[0]), sigmoid(reset + kept[1])
        hidden = update * state[0] + (1 - update) * tanh(candidate + reset * kept[2])
        return hidden, hidden

    if isinstance(layer, GRU):
        return gru_reset_after if layer.reset_after else gru
    return lstm if isinstance(layer, LSTM) else simple
