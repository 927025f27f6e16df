"""States of a functional model that goes from step to step: ends beside the samples and what it gives.

A step model takes the states of its recurrent layers as inputs (``initial_state``) and gives them back as outputs
(``return_state``). That is what ``stateful=True`` means too, so the layers become stateful ones, and the ends are taken
away.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from edgehar.models.architecture import CELLS
from edgehar.models.errors import ModelFileError
from edgehar.models.foreign_text import printable
from edgehar.pipeline.importers.keras_graph import Described, End, ends_of, tensors_of

_INPUT: Final = "InputLayer"


@dataclass(frozen=True, slots=True)
class StateEnds:
    """Of every input that is a state: the layer, and which of its states it is."""

    inputs: Mapping[str, End]


def without_states(
    described: Described, options: Mapping[str, Any], where: str
) -> tuple[Described, Mapping[str, Any], StateEnds]:
    """Return a functional model without the inputs and outputs that are states, and which those were.

    Raises
    ------
    ModelFileError
        If a layer begins with something else, or a state is not given back.
    """
    inputs = _initial_states(described, options, where)
    kept: Described = []
    for entry, layer in described:
        if layer.kind == _INPUT and layer.name in inputs:
            continue
        if layer.kind in CELLS:
            taken = {end for end in inputs.values() if end[0] == layer.name}
            own = {**layer.options, "return_state": False}
            layer = replace(layer, options={**own, "stateful": True} if taken else own)
            entry = _without_initial_state(entry) if taken else entry
        kept.append((entry, layer))
    if not inputs:
        return kept, options, StateEnds({})
    given = ends_of(options.get("output_layers"))
    states = {(name, index - 1) for name, index in given if index > 0}
    missing = sorted({end[0] for end in inputs.values() if end not in states})
    if missing:
        raise ModelFileError(
            f"{where}: layer {printable(missing[0], 60)} begins with a state that is an input, and gives none back",
            next_step="Make what return_state=True gives an output of the model, and save it again.",
            layer=missing[0],
        )
    main = [[name, 0, 0] for name, _ in ends_of(options.get("input_layers")) if name not in inputs]
    result = [[name, 0, 0] for name, index in given if index == 0]
    return kept, {**options, "input_layers": main, "output_layers": result}, StateEnds(inputs)


def _initial_states(described: Described, options: Mapping[str, Any], where: str) -> dict[str, End]:
    """Return the inputs that recurrent layers begin with."""
    model_inputs = {name for name, _ in ends_of(options.get("input_layers"))}
    found: dict[str, End] = {}
    for entry, layer in described:
        calls = entry.get("inbound_nodes")
        if layer.kind not in CELLS or not isinstance(calls, list) or len(calls) != 1:
            continue
        _, *states = tensors_of(calls[0]) or [("", 0)]
        count = CELLS[layer.kind].states
        fits = len(states) in (0, count) and all(name in model_inputs and name not in found for name, _ in states)
        if not fits:
            raise ModelFileError(
                f"{where}: layer {printable(layer.name, 60)} ({layer.kind}) begins with states that are computed, or "
                f"takes a mask, expected none, or {count} that are inputs of the model",
                next_step="Make the initial states inputs of the model, or leave them out.",
                layer=layer.name,
            )
        found |= {name: (layer.name, index) for index, (name, _) in enumerate(states)}
    return found


def _without_initial_state(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the description of a layer that is called with its input alone."""
    (call,) = entry["inbound_nodes"]
    ((name, index), *_) = tensors_of(call)
    options = call.get("kwargs") if isinstance(call, dict) else None
    rest = {key: value for key, value in (options or {}).items() if key != "initial_state"}
    return {**entry, "inbound_nodes": [[[name, 0, index, rest]]]}
