"""SimpleRNN, LSTM and GRU as the one ONNX operator each; sequences are time-major, as the operators want them."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.architecture import GRU, LSTM, SimpleRNN
from pipeline.compilers.onnx.graph import OnnxGraph

_GATES: Final = {SimpleRNN: (0,), LSTM: (0, 3, 1, 2), GRU: (0, 1, 2)}
"""Where ONNX's gates (LSTM i, o, f, c; GRU z, r, h) stand in Keras (i, f, c, o; z, r, h)."""

_OPERATORS: Final = {SimpleRNN: "RNN", LSTM: "LSTM", GRU: "GRU"}


def recurrent(graph: OnnxGraph, layer: SimpleRNN | LSTM | GRU, weights: dict[str, NDArray[Any]], sequence: str) -> str:
    """Lower one layer: (steps, batch, inputs) to (steps, batch, units), or to (batch, units) for the last step only."""
    kernel, recurrent_kernel, biases = _onnx_weights(layer, weights)
    inputs = [
        sequence,
        graph.kernel(f"{layer.name}/W", kernel, axis=1),
        graph.kernel(f"{layer.name}/R", recurrent_kernel, axis=1),
        graph.constant(f"{layer.name}/B", biases),
    ]
    options: dict[str, Any] = {"hidden_size": layer.units}
    if isinstance(layer, GRU):
        options["linear_before_reset"] = int(layer.reset_after)
    whole, last = f"{layer.name}/Y", f"{layer.name}/Y_h"
    outputs: Sequence[str] = [whole] if layer.return_sequences else ["", last]
    result = graph.node(_OPERATORS[type(layer)], inputs, outputs=outputs, **options)
    # The operators have an axis for their direction: second of the sequence, first of the last step.
    axis = (
        graph.constant("axis_1", np.array([1])) if layer.return_sequences else graph.constant("axis_0", np.array([0]))
    )
    return graph.node("Squeeze", [result, axis], name=layer.name)


def _onnx_weights(
    layer: SimpleRNN | LSTM | GRU, weights: dict[str, NDArray[Any]]
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return W (1, gates x units, inputs), R (1, gates x units, units) and B (1, 2 x gates x units)."""

    def reordered(values: NDArray[Any]) -> NDArray[Any]:
        parts = np.split(values, layer.gates, axis=-1)
        joined: NDArray[Any] = np.concatenate([parts[gate] for gate in _GATES[type(layer)]], axis=-1)
        return joined

    bias = weights["bias"]
    input_bias, recurrent_bias = bias if bias.ndim == 2 else (bias, np.zeros_like(bias))
    biases = np.concatenate([reordered(input_bias), reordered(recurrent_bias)])
    return (
        reordered(weights["kernel"]).T[np.newaxis],
        reordered(weights["recurrent_kernel"]).T[np.newaxis],
        biases[np.newaxis],
    )
