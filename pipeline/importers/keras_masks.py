"""Masks of a functional model: Keras 3 writes how it computes them, as operations beside the layers.

A Masking or an Embedding is followed by ``NotEqual(input, value)``, and by ``Any`` over the channels; each layer that
skips steps takes the result as ``mask``. Where this is the mask that the layers in front make anyway, it says nothing
more and is taken away. Everything else stays, and is refused by its name.
"""

import sys
from collections.abc import Iterator, Mapping
from typing import Any, Final

from edgehar.pipeline.importers.keras_description import KerasLayer
from edgehar.pipeline.importers.keras_graph import Described, ends_of, tensors_of

_COMPARED: Final = "NotEqual"
_OVER_CHANNELS: Final = "Any"

_Mask = tuple[str, float, bool]
"""The layer that is compared, with what, and whether over all channels."""


def without_masks(described: Described, options: Mapping[str, Any]) -> Described:
    """Return a functional model without the operations of masks that its layers make anyway."""
    layers = {_name(entry, layer): (entry, layer) for entry, layer in described}
    masks = dict(_computed(layers))
    if not masks:
        return described
    kept = [(_without_mask(entry, layers, masks), layer) for entry, layer in described]
    ends = {name for name, _ in ends_of(options.get("output_layers"))}
    for kind in (_OVER_CHANNELS, _COMPARED):
        taken = ends.union(name for entry, _ in kept for name in _taken(entry))
        kept = [(entry, layer) for entry, layer in kept if layer.kind != kind or _name(entry, layer) in taken]
    return kept


def _computed(layers: Mapping[str, tuple[Mapping[str, Any], KerasLayer]]) -> Iterator[tuple[str, _Mask]]:
    """Yield the operations that compute a mask by their names."""
    compared = {}
    for name, (entry, layer) in layers.items():
        arguments = _call(entry).get("args")
        if layer.kind == _COMPARED and isinstance(arguments, list) and len(arguments) == 2:
            (source, *others), value = _taken(entry) or [""], arguments[1]
            if source and not others and _is_number(value):
                compared[name] = (source, float(value))
                yield name, (*compared[name], False)
    for name, (entry, layer) in layers.items():
        taken = _taken(entry)
        over_channels = layer.options.get("axis") in (-1, [-1]) and layer.options.get("keepdims") is not True
        if layer.kind == _OVER_CHANNELS and over_channels and len(taken) == 1 and taken[0] in compared:
            yield name, (*compared[taken[0]], True)


def _without_mask(
    entry: Mapping[str, Any], layers: Mapping[str, tuple[Mapping[str, Any], KerasLayer]], masks: Mapping[str, _Mask]
) -> Mapping[str, Any]:
    """Return a layer without its mask, if that is the one which the layers in front of it make."""
    call = _call(entry)
    arguments = call.get("kwargs")
    if not isinstance(arguments, dict) or "mask" not in arguments:
        return entry
    given = [name for name, _ in tensors_of(arguments["mask"])]
    if len(given) != 1 or masks.get(given[0]) != _made_before(entry, layers):
        return entry
    rest = {key: value for key, value in arguments.items() if key != "mask"}
    return {**entry, "inbound_nodes": [{**call, "kwargs": rest}]}


def _made_before(entry: Mapping[str, Any], layers: Mapping[str, tuple[Mapping[str, Any], KerasLayer]]) -> _Mask | None:
    """Return the mask that the nearest layer in front makes; None where ways meet, or there is none."""
    for _ in layers:
        inputs = [name for name, _ in tensors_of(_call(entry).get("args"))]
        if len(inputs) != 1 or inputs[0] not in layers:
            return None
        entry, layer = layers[inputs[0]]
        sources = _taken(entry)
        if layer.kind == "Masking" and len(sources) == 1:
            value = layer.options.get("mask_value", 0.0)
            return (sources[0], float(value), True) if _is_number(value) else None
        if layer.kind == "Embedding" and layer.options.get("mask_zero") is True and len(sources) == 1:
            return sources[0], 0.0, False
    return None


def _is_number(value: Any) -> bool:
    """Whether a value of the description is a number that float can hold: JSON knows larger ones."""
    return type(value) is float or (type(value) is int and abs(value) <= sys.float_info.max)


def _call(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the one call of a layer as Keras 3 writes it; nothing of another form."""
    nodes = entry.get("inbound_nodes")
    return nodes[0] if isinstance(nodes, list) and len(nodes) == 1 and isinstance(nodes[0], dict) else {}


def _taken(entry: Mapping[str, Any]) -> list[str]:
    """Return the names of all layers whose outputs a layer takes, in all of its calls."""
    nodes = entry.get("inbound_nodes")
    return [name for node in (nodes if isinstance(nodes, list) else []) for name, _ in tensors_of(node)]


def _name(entry: Mapping[str, Any], layer: KerasLayer) -> str:
    """Return what others call a layer."""
    name = entry.get("name")
    return name if isinstance(name, str) and name else layer.name
