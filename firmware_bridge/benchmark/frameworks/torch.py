"""A model in PyTorch: its own recurrent modules with the bundle's weights, without gradients."""

import importlib
import itertools
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.firmware_bridge.benchmark.frameworks import (
    FrameworkEngine,
    in_batches,
    rebuildable_layers,
    weights_of,
)
from edgehar.models.architecture import GRU, LSTM, Dense, Recurrent, SimpleRNN
from edgehar.models.engines import check_windows

_BATCH: Final = 256
_MODULES: Final = {SimpleRNN.kind: "RNN", LSTM.kind: "LSTM", GRU.kind: "GRU"}
_GATES: Final = {SimpleRNN.kind: (0,), LSTM.kind: (0, 1, 2, 3), GRU.kind: (1, 0, 2)}
"""Where torch's gates are among Keras's: i, f, g, o are i, f, c, o; r, z, n of z, r, h."""


class TorchEngine(FrameworkEngine):
    """Eager modules: ``torch.jit`` and ``torch.compile`` take as long with these layers."""

    name = "torch"

    def prepare(self, threads: int) -> str:
        """Build the modules."""
        torch = importlib.import_module("torch")
        torch.set_num_threads(threads)
        self._torch = torch
        self._stages = [
            self._stack(group) if issubclass(kind, Recurrent) else self._dense(group[0])
            for kind, group in _groups(rebuildable_layers(self.bundle, self.name, reset_before=False))
        ]
        return f"torch {torch.__version__}"

    def predict(self, windows: NDArray[Any]) -> NDArray[np.float32]:
        """Return the outputs of windows (n_windows, window_length, channels) in g."""
        values = check_windows(windows, self.bundle)
        with self._torch.inference_mode():
            return in_batches(values, _BATCH, self._run)

    def _run(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run all stages."""
        tensor = self._torch.from_numpy(np.require(values, requirements="W"))  # A copy where they are read-only.
        for stage in self._stages:
            tensor = stage(tensor)
        outputs: NDArray[np.float32] = tensor.numpy()
        return outputs

    def _stack(self, layers: list[Any]) -> Any:
        """Return recurrent layers of one kind and width as one module of torch, as a person would write it."""
        kind, units = layers[0].kind, layers[0].units
        weights = [weights_of(self.bundle, layer) for layer in layers]
        module = getattr(self._torch.nn, _MODULES[kind])(
            weights[0]["kernel"].shape[0], units, num_layers=len(layers), batch_first=True
        )
        with self._torch.no_grad():
            for index, own in enumerate(weights):
                input_bias, state_bias = own["bias"] if own["bias"].ndim > 1 else (own["bias"], 0 * own["bias"])
                for name, array in (
                    ("weight_ih", own["kernel"].T),
                    ("weight_hh", own["recurrent_kernel"].T),
                    ("bias_ih", input_bias),
                    ("bias_hh", state_bias),
                ):
                    gates = np.split(array, len(_GATES[kind]))
                    ordered = np.concatenate([gates[gate] for gate in _GATES[kind]])
                    getattr(module, f"{name}_l{index}").copy_(self._torch.tensor(ordered))
        module.eval()
        if layers[-1].return_sequences:
            return lambda tensor: module(tensor)[0]
        return lambda tensor: module(tensor)[0][:, -1]

    def _dense(self, layer: Dense) -> Any:
        """Return a dense layer with its activation."""
        own = weights_of(self.bundle, layer)
        module = self._torch.nn.Linear(*own["kernel"].shape)
        with self._torch.no_grad():
            module.weight.copy_(self._torch.tensor(own["kernel"].T.copy()))
            module.bias.copy_(self._torch.tensor(own["bias"]))
        module.eval()
        if layer.activation == "linear":
            return module
        if layer.activation == "softmax":
            return lambda tensor: self._torch.softmax(module(tensor), -1)
        function = getattr(self._torch, layer.activation)
        return lambda tensor: function(module(tensor))


def _groups(layers: list[Recurrent | Dense]) -> list[tuple[type, list[Any]]]:
    """Return neighbours that torch has as one module: of one kind and width, each handing on its whole sequence."""
    keyed = itertools.groupby(
        enumerate(layers), lambda item: (type(item[1]), item[1].units, item[0] if isinstance(item[1], Dense) else -1)
    )
    return [(key[0], [layer for _, layer in group]) for key, group in keyed]
