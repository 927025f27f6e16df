"""The layers of a functional model -> one chain, in which branches that are joined again are chains of their own.

Where a layer takes several others, all ways to it part at one layer further up: the nearest that none of them can go
around (its immediate dominator). What lies between is a branch for each input; none of it may lead elsewhere.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from edgehar.models.errors import ModelFileError
from edgehar.models.foreign_text import printable
from edgehar.pipeline.importers.keras_description import KerasLayer

ATTENTION: Final = "MultiHeadAttention"
"""Takes the same layer two or three times: as query, value and key."""

JOINING: Final = ("Concatenate", "Add", "Multiply", "Average")
"""Layers that take several others."""

_DEEPEST: Final = 8
"""How often branches may lie within branches."""

Described = list[tuple[Mapping[str, Any], KerasLayer]]

End = tuple[str, int]
"""A layer by its name, and which of its outputs: 0, or another one of a layer that gives its states."""


def walked(described: Described, options: Mapping[str, Any], where: str) -> tuple[KerasLayer, ...]:
    """Return the layers of a functional model from its input to its output.

    Raises
    ------
    ModelFileError
        If it has several inputs or outputs, or layers that are no chain of layers and branches.
    """
    ends = [[name for name, _ in ends_of(options.get(key))] for key in ("input_layers", "output_layers")]
    if not all(len(names) == 1 for names in ends):
        raise ModelFileError(
            f"{where}: expected one input and one output, got {len(ends[0])} and {len(ends[1])}",
            next_step="Save a model that ends in one of the outputs.",
        )
    by_name = {_text(entry.get("name")) or layer.name: (entry, layer) for entry, layer in described}
    before = {
        name: _before(entry, layer, where, is_input=name == ends[0][0]) for name, (entry, layer) in by_name.items()
    }
    unknown = next((name for names in (*before.values(), ends[1]) for name in names if name not in by_name), None)
    if unknown is not None:
        raise ModelFileError(f"{where}: expected a layer {printable(unknown, 60)!r}, there is none")
    walk = _Walk({name: layer for name, (_, layer) in by_name.items()}, before, where)
    layers = walk.chain(ends[1][0], ends[0][0])
    if len(walk.visited) != len(by_name):
        raise ModelFileError(
            f"{where}: expected layers that all lie between the input and the output, got {len(by_name)} layers of "
            f"which {len(walk.visited)} do",
            next_step="Save a model of the layers that lead to its output.",
        )
    return layers


@dataclass(frozen=True, slots=True)
class _Walk:
    """The layers, the names of those that each takes, and where the walk has been."""

    layers: Mapping[str, KerasLayer]
    before: Mapping[str, Sequence[str]]
    where: str
    visited: set[str] = field(default_factory=set)
    inputs: list[str] = field(default_factory=list)

    def chain(self, end: str, start: str, depth: int = 0) -> tuple[KerasLayer, ...]:
        """Return the layers from ``start`` (at the top included, of a branch not) to ``end``."""
        found: list[KerasLayer] = []
        name = end
        while name != start:
            layer, taken = self._visit(name), self.before[name]
            if not taken:
                raise self._refusal(layer, "lies on no way from the input")
            if len(taken) == 1:
                name = taken[0]
            else:
                fork = self._fork(name)
                if depth >= _DEEPEST:
                    raise self._refusal(layer, f"joins branches within branches, more than {_DEEPEST} deep")
                layer = replace(layer, branches=tuple(self.chain(each, fork, depth + 1) for each in taken))
                name = fork
            found.append(layer)
        if depth == 0:
            found.append(self._visit(name))
        return tuple(found[::-1])

    def _visit(self, name: str) -> KerasLayer:
        """Return a layer that the walk comes to for the first time, or one of several inputs, which has no weights."""
        layer = self.layers[name]
        if layer.side is not None:
            self.inputs.append(name)
            layer = replace(layer, number=len(self.inputs))
        elif name in self.visited:
            raise self._refusal(layer, "is taken by layers of different branches")
        self.visited.add(name)
        return layer

    def _fork(self, name: str) -> str:
        """Return the nearest layer that every way to this one goes through."""
        order = self._order(name)
        dominators: dict[str, frozenset[str]] = {}
        for each in order:
            known = [dominators[other] for other in self.before[each]]
            dominators[each] = frozenset({each}).union(frozenset.intersection(*known) if known else ())
        above = dominators[name] - {name}
        if not above:
            raise self._refusal(self.layers[name], "takes layers that begin at different inputs")
        return max(above, key=lambda each: len(dominators[each]))

    def _order(self, name: str) -> list[str]:
        """Return the layers on all ways to this one, each behind those it takes."""
        order: dict[str, None] = {}
        open_: dict[str, None] = {}
        stack = [(name, iter(self.before[name]))]
        open_[name] = None
        while stack:
            current, rest = stack[-1]
            following = next(rest, None)
            if following is None:
                stack.pop()
                del open_[current]
                order[current] = None
            elif following in open_:
                raise self._refusal(self.layers[current], "takes its own output")
            elif following not in order:
                open_[following] = None
                stack.append((following, iter(self.before[following])))
        return list(order)

    def _refusal(self, layer: KerasLayer, what: str) -> ModelFileError:
        """Return the error of a layer that does not fit."""
        return ModelFileError(
            f"{self.where}: layer {printable(layer.name, 60)} ({printable(layer.kind, 60)}) {what}, expected a chain "
            "of layers and of branches that are joined again",
            next_step="Rebuild the model so that the ways between two layers do not cross, and save it again.",
            layer=layer.name,
        )


def _before(entry: Mapping[str, Any], layer: KerasLayer, where: str, *, is_input: bool) -> list[str]:
    """Return the names of the layers whose outputs this one takes."""
    nodes = entry.get("inbound_nodes")
    calls = nodes if isinstance(nodes, list) else []
    if is_input and not calls:
        return []
    place = f"{where}: layer {printable(layer.name, 60)} ({printable(layer.kind, 60)})"
    if len(calls) != 1:
        raise ModelFileError(
            f"{place} is called {len(calls)} times, expected layers that are called once",
            next_step="Models with shared layers cannot be imported: use a layer of its own for each call.",
            layer=layer.name,
        )
    taken = tensors_of(calls[0])
    states = [name for name, index in taken if index > 0]
    if states:
        raise ModelFileError(
            f"{place} takes a state of the layer {printable(states[0], 60)}, expected its output",
            next_step="Take its output: without return_sequences that is the last hidden state.",
            layer=layer.name,
        )
    inputs = [name for name, _ in taken]
    if layer.kind == ATTENTION and len(set(inputs)) == 1:
        inputs = inputs[:1]
    if len(inputs) != 1 and (layer.kind not in JOINING or not inputs):
        raise ModelFileError(
            f"{place} takes {len(inputs)} inputs, expected one, or several of {', '.join(JOINING)}",
            next_step="Masks and attention to another sequence cannot be imported: leave them out.",
            layer=layer.name,
        )
    told = next((name for name in ("training", "use_causal_mask") if _is_told(calls[0], name)), None)
    if told is not None:
        raise ModelFileError(
            f"{place} is called with {told}=True, which cannot be expressed",
            next_step="Build the model without it, and save it again.",
            layer=layer.name,
        )
    return inputs


def tensors_of(node: Any) -> list[End]:
    """Return the layers whose outputs a call takes, in the words of Keras 3 or of Keras 2, and which outputs."""
    return list(_tensors(node))


def _tensors(node: Any, depth: int = 0) -> Iterator[End]:
    """Yield the layers whose outputs a call takes."""
    if depth > 16:
        return
    if isinstance(node, dict):
        history = node.get("config", {}).get("keras_history") if isinstance(node.get("config"), dict) else None
        if node.get("class_name") == "__keras_tensor__" and isinstance(history, list) and history:
            yield _end(history)
        else:
            for value in node.values():
                yield from _tensors(value, depth + 1)
    elif isinstance(node, list):
        if len(node) >= 3 and isinstance(node[0], str) and _is_index(node[1]) and _is_index(node[2]):
            yield _end(node)
            yield from _tensors(node[3:], depth + 1)
        else:
            for value in node:
                yield from _tensors(value, depth + 1)


def _is_told(node: Any, name: str) -> bool:
    """Whether a call says that an argument of this name is true."""
    if isinstance(node, dict):
        return node.get(name) is True or _is_told(node.get("kwargs"), name)
    return isinstance(node, list) and any(_is_told(each, name) for each in node)


def ends_of(value: Any) -> list[End]:
    """Return what is named as inputs or outputs: ``["name", 0, 0]`` for one, a list of such for several."""
    if isinstance(value, list) and value and isinstance(value[0], str):
        return [_end(value)]
    entries = list(value.values()) if isinstance(value, dict) else value
    return [_end(each) for each in entries if isinstance(each, list) and each] if isinstance(entries, list) else []


def _end(history: list[Any]) -> End:
    """Return the layer, and which of its outputs, of ``["name", call, output]``."""
    return _text(history[0]), history[2] if len(history) > 2 and _is_index(history[2]) else 0


def _is_index(value: Any) -> bool:
    """Whether a value is a whole number."""
    return type(value) is int


def _text(value: Any) -> str:
    """Return a text of the configuration, or nothing."""
    return value if isinstance(value, str) else ""
