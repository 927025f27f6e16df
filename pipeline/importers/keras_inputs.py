"""Several inputs of a functional model -> one window, in which their features stand side by side.

A bundle has one input: a window. Where a model has several, each becomes a layer that takes its own features of the
window, and everything behind it is a branch. What has no steps, such as a wearer's height, stands in every step; its
mean over the steps is taken.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.bundle.manifest import Manifest
from edgehar.models.contract import CHANNELS
from edgehar.models.errors import DataError, ModelFileError
from edgehar.models.foreign_text import printable
from edgehar.pipeline.importers.keras_description import KerasLayer, SideInput, is_count
from edgehar.pipeline.importers.keras_graph import Described, ends_of, tensors_of

_INPUT: Final = "InputLayer"
_WINDOW: Final = "(window)"
_SIDE: Final = "(input)"
"""What messages call a layer that takes one input's features."""

_TOKENS: Final = "Embedding"


def side_by_side(
    described: Described, options: Mapping[str, Any], where: str
) -> tuple[Described, Mapping[str, Any], tuple[SideInput, ...]]:
    """Return a model of one input, and how the inputs it had lie in that; a model of one stays as it is.

    Raises
    ------
    ModelFileError
        If the inputs do not make windows: of several lengths, of tokens, or all without steps.
    """
    names = [name for name, _ in ends_of(options.get("input_layers"))]
    if len(names) < 2 or len(set(names)) < len(names):
        return described, options, ()
    names = _as_axes(names)
    by_name = {layer.name: layer for _, layer in described if layer.kind == _INPUT}
    shapes = [_shape(by_name.get(name), name, where) for name in names]
    steps = _common_steps(names, shapes, where)
    _refuse_tokens(described, names, where)
    sizes = [shape[-1] or 0 for shape in shapes]
    inputs = tuple(
        SideInput(name, sum(sizes[:index]), sizes[index], has_steps=len(shapes[index]) == 2)
        for index, name in enumerate(names)
    )
    parted = {each.name: each for each in inputs}
    window = KerasLayer(_INPUT, _WINDOW, {"name": _WINDOW, "batch_shape": [None, steps, sum(sizes)]})
    found: Described = [({"name": _WINDOW}, window)]
    for entry, layer in described:
        if layer.kind == _INPUT and layer.name in parted:
            entry = {**entry, "inbound_nodes": [[[_WINDOW, 0, 0, {}]]]}
            layer = replace(layer, kind=_SIDE, side=parted[layer.name])
        found.append((entry, layer))
    return found, {**options, "input_layers": [[_WINDOW, 0, 0]]}, inputs


def one_window(
    inputs: Sequence[SideInput], given: NDArray[Any] | Mapping[str, NDArray[Any]], steps: int, *, where: str
) -> NDArray[Any]:
    """Return the windows of a model, of arrays by the names of its inputs too.

    Raises
    ------
    DataError
        If there are several arrays and they are not those of the model's inputs.
    """
    if not isinstance(given, Mapping):
        return given
    if not inputs and len(given) == 1:
        return next(iter(given.values()))
    if not inputs:
        raise DataError(
            f"{where}: expected one array, got {len(given)} of them: the model has one input",
            next_step="Save it with numpy.save.",
        )
    return _joined(inputs, given, steps, where=where)


def _joined(inputs: Sequence[SideInput], arrays: Mapping[str, NDArray[Any]], steps: int, *, where: str) -> NDArray[Any]:
    """Return windows of a model that has several inputs, from an array for each.

    Raises
    ------
    DataError
        If an input is missing, is none of the model, or has another shape.
    """
    names = [each.name for each in inputs]
    if set(names) != set(arrays):
        raise DataError(
            f"{where}: expected arrays named {printable(', '.join(names), 120)}, got "
            f"{printable(', '.join(arrays), 120) or 'none'}",
            next_step="Save one for each input with numpy.savez, by these names.",
        )
    count = len(np.atleast_1d(arrays[names[0]]))
    parts = []
    for each in inputs:
        array, shape = np.asarray(arrays[each.name]), each.shape(steps)
        if array.dtype.kind not in "fiu" or array.shape != (count, *shape):
            raise DataError(
                f"{where}: expected {printable(each.name, 60)} as numbers of shape "
                f"({count}, {', '.join(map(str, shape))}), got {array.dtype} of shape {array.shape}",
                next_step="Save the model's inputs as the model takes them, as many windows of each.",
            )
        parts.append(array if each.has_steps else np.repeat(array[:, np.newaxis], steps, axis=1))
    return np.concatenate(parts, axis=-1)


def kept_inputs(manifest: Manifest) -> tuple[SideInput, ...]:
    """Return the inputs of a bundle whose model had several where it came from.

    Raises
    ------
    DataError
        If the bundle says something else about them than an import writes.
    """
    imported = manifest.provenance.configuration.get("imported")
    entries = imported.get("inputs", []) if isinstance(imported, Mapping) else []
    try:
        found = tuple(SideInput(**entry) for entry in entries)
        ends = [each.first + each.features for each in found]
        fits = [each.first for each in found] == [0, *ends[:-1]][: len(found)]
        fits = fits and all(type(each.name) is str and each.features > 0 for each in found)
    except TypeError:
        fits = False
    if not fits or (found and ends[-1] != manifest.architecture.channels):
        raise DataError(
            f"{manifest.model_id}: expected the inputs of an imported model side by side, the bundle says otherwise",
            next_step="Import the model again.",
        )
    return found


def parted(inputs: Sequence[SideInput], windows: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    """Return what each input gets of windows (n, steps, features)."""
    found = {each.name: windows[..., each.first : each.first + each.features] for each in inputs}
    return {each.name: found[each.name] if each.has_steps else found[each.name].mean(axis=1) for each in inputs}


def are_axes(names: Iterable[str]) -> bool:
    """Whether inputs are called as the three axes of a sensor.

    Examples
    --------
    >>> are_axes(["acc_z", "acc_x", "acc_y"]), are_axes(["x", "y", "height"])
    (True, False)
    """
    return sorted(name[-1:].lower() for name in names) == list(CHANNELS)


def _as_axes(names: list[str]) -> list[str]:
    """Return names of axes in the order x, y, z; others as they are."""
    return sorted(names, key=lambda name: name[-1:].lower()) if are_axes(names) else names


def _shape(layer: KerasLayer | None, name: str, where: str) -> tuple[int | None, ...]:
    """Return the steps and features of an input, or its features alone."""
    given = None if layer is None else layer.options.get("batch_shape", layer.options.get("batch_input_shape"))
    shape = tuple(given[1:]) if isinstance(given, list) else ()
    fits = len(shape) in (1, 2) and is_count(shape[-1]) and (shape[0] is None or is_count(shape[0]))
    if not fits:
        raise ModelFileError(
            f"{where}: input {printable(name, 60)} has the shape {printable(str(given), 60)}, expected several inputs "
            "of (steps, features), or of features alone beside such",
            next_step="Begin the model with keras.Input((steps, features)), and save it again.",
        )
    return shape


def _common_steps(names: Sequence[str], shapes: Iterable[tuple[int | None, ...]], where: str) -> int | None:
    """Return the steps of all inputs that have steps; None where all leave them open."""
    lengths = {name: shape[0] for name, shape in zip(names, shapes, strict=True) if len(shape) == 2}
    said = set(lengths.values()) - {None}
    if not lengths or len(said) > 1:
        got = ", ".join(f"{printable(name, 40)} of {steps}" for name, steps in lengths.items()) or "none with steps"
        raise ModelFileError(
            f"{where}: expected several inputs of the same steps, got {got}",
            next_step="Bring them to one rate and length before the model; features of no step may stand beside them.",
        )
    return next(iter(said), None)


def _refuse_tokens(described: Described, names: Sequence[str], where: str) -> None:
    """Refuse tokens beside other inputs: they are whole numbers, which stand in no window of measurements."""
    for entry, layer in described:
        taken = [name for name, _ in tensors_of(entry.get("inbound_nodes"))]
        if layer.kind == _TOKENS and any(name in names for name in taken):
            raise ModelFileError(
                f"{where}: layer {printable(layer.name, 60)} ({_TOKENS}) takes tokens beside other inputs, expected a "
                "model of tokens alone, or of measurements alone",
                next_step="Leave the tokens out, or save a model that takes nothing else.",
                layer=layer.name,
            )
