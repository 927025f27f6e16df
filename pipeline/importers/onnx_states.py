"""States of an ONNX graph that goes from step to step: its inputs and outputs beside the samples and what it gives.

An input is a state where it leads to nothing but ``initial_h`` and ``initial_c`` of recurrent nodes, and an output
where it comes from nothing but their ``Y_h`` and ``Y_c``; slicing, joining and reshaping lie between, as PyTorch
exports them.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from edgehar.pipeline.importers.onnx_node import OnnxNode

CELLS: Final = ("RNN", "LSTM", "GRU")
_FIRST_STATE: Final = 5
"""Place of ``initial_h`` among the inputs of a recurrent node; ``initial_c`` follows."""

_PASSING: Final = (
    "Cast", "Concat", "Gather", "Identity", "Reshape", "Slice", "Split", "Squeeze", "Transpose", "Unsqueeze",
)  # fmt: skip
"""Operators that only rearrange."""

Places = frozenset[tuple[int, int]]
"""States by the number of the node and by which of its states it is: 0 for the hidden one, 1 for the cell."""


def fed_states(nodes: Sequence[OnnxNode], inputs: Collection[str]) -> dict[str, tuple[Places, frozenset[str]]]:
    """Return, of every input that is a state, where it leads to, and all tensors that are made of it.

    Parameters
    ----------
    nodes
        In the order of the file: each behind those that it takes.
    inputs
        Names of the graph's inputs.
    """
    found = {}
    for name in inputs:
        made, places, only_states = {name}, set(), True
        for number, node in enumerate(nodes):
            taken = [place for place, tensor in enumerate(node.inputs) if tensor in made]
            if node.kind in CELLS and taken and min(taken) >= _FIRST_STATE:
                places |= {(number, place - _FIRST_STATE) for place in taken}
            elif taken and node.kind in _PASSING:
                made |= set(node.outputs)
            elif taken and node.kind != "Shape":
                only_states = False
        if places and only_states:
            found[name] = frozenset(places), frozenset(made)
    return found


def given_states(nodes: Sequence[OnnxNode], outputs: Sequence[str]) -> dict[str, Places]:
    """Return, of every output that is a state, where it comes from.

    Where all of them are states, the first is what the model gives.
    """
    makers = {name: number for number, node in enumerate(nodes) for name in node.outputs if name}
    origins = {name: _origins(name, nodes, makers) for name in outputs}
    states = {name: places for name, places in origins.items() if places}
    if len(states) == len(outputs):
        del states[outputs[0]]
    return states


def _origins(name: str, nodes: Sequence[OnnxNode], makers: Mapping[str, int]) -> Places:
    """Return the states that a tensor is made of; nothing where it is made of something else as well."""
    found, open_, seen = set(), [name], set()
    while open_:
        tensor = open_.pop()
        number = makers.get(tensor)
        if number is None:
            return frozenset()
        if tensor in seen:
            continue
        seen.add(tensor)
        node = nodes[number]
        if node.kind in CELLS and tensor in node.outputs[1:]:
            found.add((number, node.outputs.index(tensor) - 1))
        elif node.kind in _PASSING:
            open_ += node.inputs if node.kind == "Concat" else node.inputs[:1]
        else:
            return frozenset()
    return frozenset(found)


def leading_to(output: str, nodes: Sequence[OnnxNode]) -> tuple[OnnxNode, ...]:
    """Return the nodes that an output is made by."""
    wanted, kept = {output}, []
    for node in reversed(nodes):
        if wanted.intersection(node.outputs):
            wanted |= set(node.inputs)
            kept.append(node)
    return tuple(reversed(kept))
