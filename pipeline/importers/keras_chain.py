"""A configuration of Keras -> the shape of its input, and its layers in order."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from edgehar.models.architecture import CELLS
from edgehar.models.errors import ModelFileError, UsageError
from edgehar.models.foreign_text import printable
from edgehar.pipeline.importers.keras_description import KerasChain, KerasLayer, SideInput, is_count
from edgehar.pipeline.importers.keras_graph import walked
from edgehar.pipeline.importers.keras_inputs import side_by_side
from edgehar.pipeline.importers.keras_masks import without_masks
from edgehar.pipeline.importers.keras_states import StateEnds, without_states

MAXIMUM_LAYERS: Final = 1000

TOKENS: Final = "Embedding"
"""The layer that takes tokens."""

_INPUT: Final = "InputLayer"
_CHAINS: Final = ("Sequential",)
_GRAPHS: Final = ("Functional", "Model")
_OF_KERAS: Final = ("keras", "tf_keras")
"""First words of the modules in which the classes of Keras live."""


def read_chain(configuration: Mapping[str, Any], *, where: str) -> KerasChain:
    """Return the layers of a Sequential or a functional model with one output.

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
    described, states = _described(entries, where), StateEnds({})
    inputs: tuple[SideInput, ...] = ()
    if kind in _GRAPHS:
        described = without_masks(described, options)
        described, options, states = without_states(described, options, where)
        described, options, inputs = side_by_side(described, options, where)
    first = [layer for _, layer in described]
    shape = _input_shape(first, options)
    layers = walked(described, options, where) if kind in _GRAPHS else tuple(first)
    rest = tuple(layer for layer in layers if layer.kind != _INPUT)
    takes_tokens = bool(rest) and rest[0].kind == TOKENS
    steps, features = _checked_input(shape, takes_tokens, where)
    chain = KerasChain(
        _text(options.get("name")) or "model", steps, features, rest, takes_tokens, states.inputs, inputs
    )
    _refuse_half_a_state(chain, where)
    _refuse_a_state_of_several(chain, where)
    return chain


def _refuse_half_a_state(chain: KerasChain, where: str) -> None:
    """Refuse a model of which some layers go on from window to window and others do not."""
    cells = [layer for layer in chain.every_layer if layer.kind in CELLS]
    forgets = [layer for layer in cells if layer.options.get("stateful") is not True]
    if chain.carries_state and forgets:
        raise ModelFileError(
            f"{where}: layer {printable(forgets[0].name, 60)} ({forgets[0].kind}) begins each window anew while others "
            "go on, expected all of them stateful, or none",
            next_step="Set stateful alike in all of them, and save the model again.",
            layer=forgets[0].name,
        )


def _refuse_a_state_of_several(chain: KerasChain, where: str) -> None:
    """Refuse a model of several inputs that goes on from window to window."""
    if chain.inputs and chain.carries_state:
        raise ModelFileError(
            f"{where}: the model carries its state from window to window and has {len(chain.inputs)} inputs, expected "
            "one input, or windows that begin anew",
            next_step="Join the inputs before the model, or save it without stateful.",
        )


def _described(entries: list[Any], where: str) -> list[tuple[Mapping[str, Any], KerasLayer]]:
    """Return every layer of a description with its entry."""
    counted: Counter[str] = Counter()
    found = []
    for entry in entries:
        layer = _layer(_mapping(entry, where), where)
        found.append((entry, replace(layer, number=counted[layer.kind])))
        counted[layer.kind] += 1
    return found


def _checked_input(shape: list[Any] | None, takes_tokens: bool, where: str) -> tuple[int | None, int]:
    """Return the steps and features of the input, of whose shape the first number is that of the windows."""
    if takes_tokens:
        expected, advice, sizes = "tokens (steps)", "keras.Input((steps,))", shape and [*shape, 1]
    else:
        expected, advice, sizes = "windows (steps, features)", "keras.Input((steps, features))", shape
    if sizes is None or len(sizes) != 3 or not is_count(sizes[2]) or not (sizes[1] is None or is_count(sizes[1])):
        raise ModelFileError(
            f"{where}: expected one input of {expected}, got {_shown(shape)}",
            next_step=f"Begin the model with {advice}, and save it again.",
        )
    return sizes[1], sizes[2]


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
