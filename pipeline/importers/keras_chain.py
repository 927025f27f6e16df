"""A configuration of Keras -> the shape of its input, and its layers in order."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from edgehar.models.errors import ModelFileError, UsageError
from edgehar.models.foreign_text import printable

MAXIMUM_LAYERS: Final = 1000

_INPUT: Final = "InputLayer"
_CHAINS: Final = ("Sequential",)
_GRAPHS: Final = ("Functional", "Model")
_OF_KERAS: Final = ("keras", "tf_keras")
"""First words of the modules in which the classes of Keras live."""


@dataclass(frozen=True, slots=True)
class KerasLayer:
    """One layer as Keras describes it: its class, its name, its options."""

    kind: str
    name: str
    options: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class KerasChain:
    """A model that is one chain of layers. ``steps`` is None where the file leaves the window's length open."""

    name: str
    steps: int | None
    features: int
    layers: tuple[KerasLayer, ...]


def read_chain(configuration: Mapping[str, Any], *, where: str) -> KerasChain:
    """Return the layers of a Sequential or a functional model with one input, one output and no branch.

    Raises
    ------
    ModelFileError
        If it is another kind of model, or not what Keras writes.
    """
    kind, options = _text(configuration.get("class_name")), _mapping(configuration.get("config"), where)
    entries = options.get("layers")
    if kind not in (*_CHAINS, *_GRAPHS) or not isinstance(entries, list) or not _is_of_keras(configuration):
        raise ModelFileError(
            f"{where}: expected a Sequential or a functional model, got one of the class {kind!r}",
            next_step="A model of a class of your own cannot be read without executing it: rebuild it as one of these.",
            kind=kind,
        )
    if len(entries) > MAXIMUM_LAYERS:
        raise ModelFileError(f"{where}: expected at most {MAXIMUM_LAYERS} layers, got {len(entries):,}")
    described = [(_mapping(entry, where), _layer(entry, where)) for entry in entries]
    if kind in _GRAPHS:
        described = _in_order(described, options, where)
    layers = [layer for _, layer in described]
    shape = _input_shape(layers, options)
    if shape is None or len(shape) != 3 or not _is_count(shape[2]) or not (shape[1] is None or _is_count(shape[1])):
        raise ModelFileError(
            f"{where}: expected one input of windows (steps, features), got {_shown(shape)}",
            next_step="Begin the model with keras.Input((steps, features)), and save it again.",
        )
    if shape[0] not in (None, 1):
        raise ModelFileError(
            f"{where}: expected an input of any number of windows, got {shape[0]} at a time",
            next_step="Begin the model with keras.Input((steps, features)), without a batch size.",
        )
    rest = tuple(layer for layer in layers if layer.kind != _INPUT)
    return KerasChain(_text(options.get("name")) or "model", shape[1], shape[2], rest)


def with_steps(chain: KerasChain, window: int | None, *, where: str) -> tuple[int, int]:
    """Return the shape of a window, of the length the model has or else of the one that was asked for.

    Raises
    ------
    UsageError
        If the model leaves it open and nobody says it, or it has another one.
    """
    if chain.steps is None and window is None:
        raise UsageError(
            f"{where}: expected windows of a known length, the model takes any",
            next_step="Say how many steps a window has, such as --window 100.",
        )
    if chain.steps is not None and window not in (None, chain.steps):
        raise UsageError(
            f"{where}: expected --window {chain.steps}, as the model has it, got {window}", next_step="Leave it out."
        )
    return (chain.steps or window or 0, chain.features)


def _layer(entry: Mapping[str, Any], where: str) -> KerasLayer:
    """Return one layer; classes of other people are refused by name."""
    kind, options = _text(entry.get("class_name")), _mapping(entry.get("config"), where)
    name = _text(options.get("name")) or kind
    if not _is_of_keras(entry):
        raise ModelFileError(
            f"{where}: layer {printable(name, 60)} is a {printable(kind, 60)}, a class of your own, "
            "which cannot be read without executing it",
            next_step="Replace it by layers of Keras.",
            layer=name,
        )
    return KerasLayer(kind, name, options)


def _is_of_keras(entry: Mapping[str, Any]) -> bool:
    """Whether an entry names a class of Keras itself, as far as it says."""
    module, registered = entry.get("module"), entry.get("registered_name")
    at_home = module is None or (isinstance(module, str) and module.split(".")[0] in _OF_KERAS)
    return at_home and (registered is None or registered == entry.get("class_name"))


def _in_order(
    described: list[tuple[Mapping[str, Any], KerasLayer]], options: Mapping[str, Any], where: str
) -> list[tuple[Mapping[str, Any], KerasLayer]]:
    """Return the layers of a functional model from its input to its output."""
    ends = _ends(options.get("input_layers")), _ends(options.get("output_layers"))
    if not all(len(names) == 1 for names in ends):
        raise ModelFileError(
            f"{where}: expected one input and one output, got {len(ends[0])} and {len(ends[1])}",
            next_step="Save a model that ends in one of the outputs.",
        )
    by_name = {_text(entry.get("name")) or layer.name: (entry, layer) for entry, layer in described}
    name = ends[1][0]
    found: list[tuple[Mapping[str, Any], KerasLayer]] = []
    while len(found) <= len(by_name):
        if name not in by_name:
            raise ModelFileError(f"{where}: expected a layer {printable(name, 60)!r}, there is none")
        found.append(by_name[name])
        if name == ends[0][0]:
            break
        name = _before(*by_name[name], where)
    if len(found) != len(by_name):
        raise ModelFileError(
            f"{where}: expected one chain of layers, got {len(by_name)} layers of which {len(found)} lie on the way "
            "from the input to the output",
            next_step="Models with branches cannot be imported yet: save a chain of layers.",
        )
    return found[::-1]


def _before(entry: Mapping[str, Any], layer: KerasLayer, where: str) -> str:
    """Return the name of the one layer whose output this one takes."""
    nodes = entry.get("inbound_nodes")
    calls = nodes if isinstance(nodes, list) else []
    inputs = [name for call in calls for name in _tensors(call)]
    if len(calls) != 1 or len(inputs) != 1:
        raise ModelFileError(
            f"{where}: layer {printable(layer.name, 60)} ({printable(layer.kind, 60)}) takes {len(inputs)} inputs, "
            "expected a chain in which every layer takes one",
            next_step="Models with branches or shared layers cannot be imported yet: save a chain of layers.",
            layer=layer.name,
        )
    if _is_told_to_train(calls[0]):
        raise ModelFileError(
            f"{where}: layer {printable(layer.name, 60)} is called with training=True, which makes its output random",
            next_step="Build the model without it, and save it again.",
            layer=layer.name,
        )
    return inputs[0]


def _tensors(node: Any, depth: int = 0) -> Iterator[str]:
    """Yield the names of the layers whose outputs a call takes, in the words of Keras 3 or of Keras 2."""
    if depth > 16:
        return
    if isinstance(node, dict):
        history = node.get("config", {}).get("keras_history") if isinstance(node.get("config"), dict) else None
        if node.get("class_name") == "__keras_tensor__" and isinstance(history, list) and history:
            yield _text(history[0])
        else:
            for value in node.values():
                yield from _tensors(value, depth + 1)
    elif isinstance(node, list):
        if len(node) >= 3 and isinstance(node[0], str) and _is_index(node[1]) and _is_index(node[2]):
            yield node[0]
            yield from _tensors(node[3:], depth + 1)
        else:
            for value in node:
                yield from _tensors(value, depth + 1)


def _is_told_to_train(node: Any) -> bool:
    """Whether a call says ``training=True``."""
    if isinstance(node, dict):
        return node.get("training") is True or _is_told_to_train(node.get("kwargs"))
    return isinstance(node, list) and any(_is_told_to_train(each) for each in node)


def _ends(value: Any) -> list[str]:
    """Return the layers named as inputs or outputs: ``["name", 0, 0]`` for one, a list of such for several."""
    if isinstance(value, list) and value and isinstance(value[0], str):
        return [value[0]]
    entries = list(value.values()) if isinstance(value, dict) else value
    return [_text(each[0]) for each in entries if isinstance(each, list) and each] if isinstance(entries, list) else []


def _input_shape(layers: list[KerasLayer], options: Mapping[str, Any]) -> list[Any] | None:
    """Return the shape of the input, the batch included, from wherever this version of Keras keeps it."""
    inputs = [layer for layer in layers if layer.kind == _INPUT]
    if len(inputs) > 1:
        return None
    for place in (*inputs, *layers[:1]):
        for key in ("batch_shape", "batch_input_shape"):
            if isinstance(place.options.get(key), list):
                return list(place.options[key])
    built = options.get("build_input_shape")
    return list(built) if isinstance(built, list) else None


def _is_count(value: Any) -> bool:
    """Whether a value is a whole number from 1."""
    return type(value) is int and value > 0


def _is_index(value: Any) -> bool:
    """Whether a value is a whole number."""
    return type(value) is int


def _shown(shape: Any) -> str:
    """Return a shape for a sentence."""
    return "none" if shape is None else printable(str(tuple(shape)), 60)


def _mapping(value: Any, where: str) -> Mapping[str, Any]:
    """Return an object of the configuration."""
    if not isinstance(value, dict):
        raise ModelFileError(
            f"{where}: expected a description of a model as Keras writes it, got a {type(value).__name__} in it",
            next_step="The file is damaged: save the model again.",
        )
    return value


def _text(value: Any) -> str:
    """Return a text of the configuration, or nothing."""
    return value if isinstance(value, str) else ""
