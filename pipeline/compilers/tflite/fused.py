"""SimpleRNN and LSTM as the one fused operator each that TFLite has for them. Their state outlives an invocation."""

from collections.abc import Callable
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from edgehar.models.architecture import LSTM, SimpleRNN
from edgehar.pipeline.compilers.tflite.graph import Subgraph, Tensor
from edgehar.pipeline.compilers.tflite.operators import last_step


def simple_rnn(graph: Subgraph, layer: SimpleRNN, weights: dict[str, NDArray[Any]], values: Tensor) -> Tensor:
    """Lower to UNIDIRECTIONAL_SEQUENCE_RNN: input, kernel, recurrent kernel, bias, state."""
    constants = [
        graph.kernel(f"{layer.name}/kernel", weights["kernel"].T),
        graph.kernel(f"{layer.name}/recurrent_kernel", weights["recurrent_kernel"].T),
        graph.constant(f"{layer.name}/bias", weights["bias"]),
    ]
    state = graph.tensor(f"{layer.name}/state", (1, layer.units), variable=True)
    options = schema.SequenceRNNOptionsT()
    options.fusedActivationFunction = schema.ActivationFunctionType.TANH
    sequence = graph.tensor(layer.name, (1, values.shape[1], layer.units))
    inputs = [values, *constants, state]
    graph.operator("UNIDIRECTIONAL_SEQUENCE_RNN", inputs, [sequence], options, version=_version(constants[0]))
    return sequence if layer.return_sequences else last_step(graph, sequence)


def lstm(graph: Subgraph, layer: LSTM, weights: dict[str, NDArray[Any]], values: Tensor) -> Tensor:
    """Lower to UNIDIRECTIONAL_SEQUENCE_LSTM without peepholes, projection and layer normalisation.

    Its gates are i, f, c, o, as in Keras, each with a kernel of its own.
    """

    def gates(weight: str, keep: Callable[[str, NDArray[Any]], Tensor]) -> list[Tensor]:
        parts = np.split(weights[weight], 4, axis=-1)
        return [keep(f"{layer.name}/{weight}_{gate}", part.T) for gate, part in zip("ifco", parts, strict=True)]

    state = graph.tensor(f"{layer.name}/state", (1, layer.units), variable=True)
    cell = graph.tensor(f"{layer.name}/cell", (1, layer.units), variable=True)
    kernels, recurrent_kernels = gates("kernel", graph.kernel), gates("recurrent_kernel", graph.kernel)
    biases, absent = gates("bias", graph.constant), [None] * 4
    peepholes, projection, norms = absent[:3], absent[:2], absent
    inputs = [values, *kernels, *recurrent_kernels, *peepholes, *biases, *projection, state, cell, *norms]
    options = schema.UnidirectionalSequenceLSTMOptionsT()
    options.fusedActivationFunction = schema.ActivationFunctionType.TANH
    sequence = graph.tensor(layer.name, (1, values.shape[1], layer.units))
    graph.operator("UNIDIRECTIONAL_SEQUENCE_LSTM", inputs, [sequence], options, version=_version(kernels[0]))
    return sequence if layer.return_sequences else last_step(graph, sequence)


def _version(kernel: Tensor) -> int:
    """Return the lowest version of a fused operator that takes this kernel: hybrid ones came second."""
    return 2 if kernel.dtype == np.int8 else 1
