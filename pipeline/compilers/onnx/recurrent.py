"""SimpleRNN, LSTM and GRU as the one ONNX operator each, which walks forwards or both ways."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.architecture import DIRECTIONS, GRU, LSTM, Bidirectional, Recurrent, SimpleRNN, is_standard
from edgehar.pipeline.compilers.onnx.activations import inside_cell
from edgehar.pipeline.compilers.onnx.values import TIME_FIRST, VECTOR, Values

Arrays = dict[str, NDArray[Any]]

_OPERATORS: Final = {SimpleRNN.kind: "RNN", LSTM.kind: "LSTM", GRU.kind: "GRU"}
_GATES: Final = {SimpleRNN.kind: (0,), LSTM.kind: (0, 3, 1, 2), GRU.kind: (0, 1, 2)}
"""Where ONNX's gates (LSTM i, o, f, c; GRU z, r, h) stand in Keras (i, f, c, o; z, r, h)."""


def recurrent(layer: Recurrent, weights: Arrays, values: Values) -> Values:
    """Lower a layer that walks forwards."""
    graph, last = values.graph, not layer.return_sequences
    result = _operator(layer.name, layer, [weights], values)
    # The operators have an axis for their direction: second of the sequence, first of the last step.
    axis = graph.constant("axis_0" if last else "axis_1", np.array([0 if last else 1]))
    return Values(graph, graph.node("Squeeze", [result, axis], name=layer.name), VECTOR if last else TIME_FIRST)


def continued(layer: Recurrent, weights: Arrays, values: Values, before: Sequence[str]) -> tuple[Values, list[str]]:
    """Lower a layer that begins with states (windows, units); also return those after the last step."""
    graph = values.graph
    axis = graph.constant("axis_0", np.array([0]))
    initial = [graph.node("Unsqueeze", [state, axis]) for state in before]
    _operator(layer.name, layer, [weights], values, states=initial)
    after = [
        graph.node("Squeeze", [f"{layer.name}/{given}", axis], name=f"{layer.name}/after")
        for given in ("Y_h", "Y_c")[: layer.states]
    ]
    if not layer.return_sequences:
        return Values(graph, after[0], VECTOR), after
    sequence = graph.node("Squeeze", [f"{layer.name}/Y", graph.constant("axis_1", np.array([1]))], name=layer.name)
    return Values(graph, sequence, TIME_FIRST), after


def bidirectional(layer: Bidirectional, weights: Arrays, values: Values) -> Values:
    """Lower a layer that walks both ways, and join what the directions give."""
    graph = values.graph
    both = [direction_weights(weights, which) for which in DIRECTIONS]
    result = _operator(layer.name, layer.direction(DIRECTIONS[0]), both, values, direction="bidirectional")
    if layer.merge != "concat":
        return _merged(layer, result, values)
    order, axes = ([0, 2, 1, 3], TIME_FIRST) if layer.return_sequences else ([1, 0, 2], VECTOR)
    turned = graph.node("Transpose", [result], perm=order)
    shape = graph.constant(f"{layer.name}/shape", np.array([0] * (len(axes) - 1) + [2 * layer.units]))
    return Values(graph, graph.node("Reshape", [turned, shape], name=layer.name), axes)


def direction_weights(weights: Arrays, which: str) -> Arrays:
    """Return the weights of one direction by the names of its cell."""
    return {name.removeprefix(f"{which}_"): value for name, value in weights.items() if name.startswith(which)}


def _merged(layer: Bidirectional, both: str, values: Values) -> Values:
    """Return both directions joined number by number."""
    graph, axis = values.graph, int(layer.return_sequences)
    if layer.merge == "sum":
        axes = graph.constant(f"axis_{axis}", np.array([axis]))
        result = graph.node("ReduceSum", [both, axes], name=layer.name, keepdims=0)
    else:
        kind = {"mul": "ReduceProd", "ave": "ReduceMean"}[layer.merge]
        result = graph.node(kind, [both], name=layer.name, axes=[axis], keepdims=0)
    return Values(graph, result, TIME_FIRST if layer.return_sequences else VECTOR)


def _activations(layer: Recurrent, directions: int) -> dict[str, Any]:
    """Return how an operator is told the activations of its cell; nothing where they are its own."""
    if is_standard(layer):
        return {}
    of_cell = layer.activation
    names = [of_cell] if isinstance(layer, SimpleRNN) else [getattr(layer, "recurrent_activation", ""), of_cell]
    if isinstance(layer, LSTM):
        names.append(of_cell)
    known = [inside for name in names if (inside := inside_cell(name)) is not None] * directions
    options: dict[str, Any] = {"activations": [name for name, _, _ in known]}
    alphas = [alpha for _, alpha, _ in known if alpha is not None]
    betas = [beta for _, _, beta in known if beta is not None]
    if alphas:
        options["activation_alpha"] = alphas
    if betas:
        options["activation_beta"] = betas
    return options


def _operator(
    name: str,
    layer: Recurrent,
    directions: Sequence[Arrays],
    values: Values,
    *,
    states: Sequence[str] = (),
    **options: Any,
) -> str:
    """Add the operator; return its whole sequence, or its last states. Told what to begin with, it gives all it has."""
    graph = values.graph
    kernels, recurrent_kernels, biases = zip(*(_onnx_weights(layer, weights) for weights in directions), strict=True)
    inputs = [
        values.as_(TIME_FIRST),
        graph.kernel(f"{name}/W", np.stack(kernels), axis=(0, 1)),
        graph.kernel(f"{name}/R", np.stack(recurrent_kernels), axis=(0, 1)),
        graph.constant(f"{name}/B", np.stack(biases)),
    ]
    if isinstance(layer, GRU):
        options["linear_before_reset"] = int(layer.reset_after)
    options |= _activations(layer, len(directions))
    outputs = [f"{name}/Y"] if layer.return_sequences else ["", f"{name}/Y_h"]
    if states:
        inputs += ["", *states]
        outputs = [outputs[0], *(f"{name}/{state}" for state in ("Y_h", "Y_c")[: layer.states])]
    return graph.node(_OPERATORS[layer.kind], inputs, outputs=outputs, hidden_size=layer.units, **options)


def _onnx_weights(layer: Recurrent, weights: Arrays) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return W (gates x units, inputs), R (gates x units, units) and B (2 x gates x units) of one direction."""

    def reordered(values: NDArray[Any]) -> NDArray[Any]:
        parts = np.split(values, layer.gates, axis=-1)
        joined: NDArray[Any] = np.concatenate([parts[gate] for gate in _GATES[layer.kind]], axis=-1)
        return joined

    bias = weights["bias"]
    input_bias, recurrent_bias = bias if bias.ndim == 2 else (bias, np.zeros_like(bias))
    biases = np.concatenate([reordered(input_bias), reordered(recurrent_bias)])
    return reordered(weights["kernel"]).T, reordered(weights["recurrent_kernel"]).T, biases
