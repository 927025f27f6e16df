"""ONNX's RNN, LSTM and GRU nodes -> recurrent layers in Keras layout."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.architecture import DIRECTIONS, GRU, LSTM, Bidirectional, SimpleRNN
from edgehar.models.errors import ModelFileError
from edgehar.pipeline.importers.model import Converted
from edgehar.pipeline.importers.onnx_file import OnnxModel
from edgehar.pipeline.importers.onnx_node import OnnxNode

_CELLS: Final[dict[str, type[Any]]] = {"RNN": SimpleRNN, "LSTM": LSTM, "GRU": GRU}
_GATES: Final = {"RNN": (0,), "LSTM": (0, 2, 3, 1), "GRU": (0, 1, 2)}
"""Where Keras's gates (i, f, c, o; z, r, h) stand in ONNX (i, o, f, c; z, r, h)."""

_STANDARD: Final = {"RNN": ["tanh"], "LSTM": ["sigmoid", "tanh", "tanh"], "GRU": ["sigmoid", "tanh"]}
_NAMES: Final = {"tanh": "tanh", "sigmoid": "sigmoid", "relu": "relu", "softsign": "softsign", "softplus": "softplus"}


def recurrent(model: OnnxModel, node: OnnxNode, name: str, *, sequence: bool, where: str) -> Converted:
    """Return the layer of a node, which gives its sequence or its last state.

    Raises
    ------
    ModelFileError
        If it has an option that cannot be expressed, or begins with states of its own.
    """
    direction = _text(node.attributes.get("direction", b"forward"))
    inputs = [*node.inputs, *[""] * (8 - len(node.inputs))]
    _, kernel, recurrent_kernel, _, lengths, *states, peepholes = inputs
    problems = {
        "a length of each sequence": bool(lengths),
        "peepholes": bool(peepholes),
        "a clip": "clip" in node.attributes,
        "layout=1": bool(node.attributes.get("layout")),
        "input_forget=1": bool(node.attributes.get("input_forget")),
        "states of its own": not all(_is_begun_with(model, state) for state in states if state),
        "states that begin anew while others go on": bool(model.states) and not set(states) & model.state_tensors,
        f"the direction {direction}": direction not in ("forward", "bidirectional"),
        "weights that are computed": not {kernel, recurrent_kernel} <= set(model.constants),
    }
    for problem, is_there in problems.items():
        if is_there:
            raise ModelFileError(
                f"{where}: {problem} cannot be expressed", next_step="Export the model without it.", layer=name
            )
    activations, both = _activations(node, where), direction == "bidirectional"
    directions = 2 if both else 1
    units = model.constants[recurrent_kernel].shape[-1]
    options: dict[str, Any] = {"activation": activations[-1]}
    if node.kind != "RNN":
        options["recurrent_activation"] = activations[0]
    if node.kind == "GRU":
        options["reset_after"] = bool(node.attributes.get("linear_before_reset", 0))
    parts = [
        _weights(node, options, *(None if not each else model.constants[each][which] for each in inputs[1:4]))
        for which in range(directions)
    ]
    if not both:
        return Converted(_CELLS[node.kind](name, units, sequence, **options), parts[0])
    options.setdefault("recurrent_activation", "sigmoid")
    layer = Bidirectional(name, _CELLS[node.kind].kind, units, sequence, **options)
    joined = {
        f"{which}_{key}": value for which, part in zip(DIRECTIONS, parts, strict=True) for key, value in part.items()
    }
    return Converted(layer, joined)


def _is_begun_with(model: OnnxModel, state: str) -> bool:
    """Whether an initial state is one that can be expressed: an input of a model that goes on, else zeros."""
    return state in model.state_tensors if model.states else model.is_zero(state)


def _weights(
    node: OnnxNode,
    options: dict[str, Any],
    kernel: NDArray[Any] | None,
    recurrent_kernel: NDArray[Any] | None,
    bias: NDArray[Any] | None,
) -> dict[str, NDArray[np.float32]]:
    """Return one direction's weights in Keras layout."""
    gates = _GATES[node.kind]

    def reordered(values: Any) -> NDArray[Any]:
        parts = np.split(np.asarray(values, np.float64), len(gates), axis=0)
        return np.concatenate([parts[gate] for gate in gates], axis=0)

    rows = np.asarray(kernel).shape[0]
    input_bias, recurrent_bias = np.split(np.zeros(2 * rows) if bias is None else np.asarray(bias), 2)
    if options.get("reset_after"):
        biases = np.stack([reordered(input_bias), reordered(recurrent_bias)])
    else:
        biases = reordered(input_bias) + reordered(recurrent_bias)
    found = {"kernel": reordered(kernel).T, "recurrent_kernel": reordered(recurrent_kernel).T, "bias": biases}
    return {name: value.astype(np.float32) for name, value in found.items()}


def _activations(node: OnnxNode, where: str) -> list[str]:
    """Return the activations of a cell: its gates' first, which are the same for every direction."""
    standard = _STANDARD[node.kind]
    named = [_text(each).lower() for each in node.attributes.get("activations", [])]
    if not named:
        return standard
    count = len(standard)
    parts = [named[start : start + count] for start in range(0, len(named), count)]
    fits = all(part == parts[0] for part in parts) and len(set(parts[0][1:])) <= 1
    if not fits or not set(named) <= set(_NAMES) or "activation_alpha" in node.attributes:
        raise ModelFileError(
            f"{where}: the activations {', '.join(named)[:80]} cannot be expressed, expected {', '.join(_NAMES)}",
            next_step="Train the model with others.",
        )
    return parts[0]


def _text(value: Any) -> str:
    """Return an attribute that is a text."""
    return value.decode("ascii", "replace") if isinstance(value, bytes) else str(value)
