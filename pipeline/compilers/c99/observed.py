"""What every layer of the C engine meets in calibration, in floats: its inputs, its states, and what it hands on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.architecture import Bidirectional, Recurrent
from edgehar.models.portable.geometry import margins
from edgehar.models.portable.tables import ATTENTION, END, FORK, POOLS, RECURRENT, WHOLE, CLayer
from edgehar.models.reference import ACTIVATIONS, layer_forward
from edgehar.models.reference.activations import softmax
from edgehar.models.reference.recurrent import MERGED
from edgehar.models.stepping import Part
from edgehar.pipeline.compilers.quantization.observation import delayed

Array = NDArray[Any]

_MOST_ROWS: Final = 20_000
"""Of what a kernel meets: enough to round it by."""


@dataclass(frozen=True, slots=True, eq=False)
class Weighed:
    """A part and its weights in floats: a kernel of (taps x inputs, outputs) and a bias, and a second pair of them."""

    part: Part
    kernel: Array | None = None
    bias: Array | None = None
    second: Array | None = None
    second_bias: Array | None = None
    own: dict[str, Array] | None = None
    """The layer's weights by the short names of the oracle."""


@dataclass(frozen=True, slots=True, eq=False)
class Met:
    """What a layer met.

    Parameters
    ----------
    inputs : ndarray of shape (n, taps x inputs) or None
        What its kernel was given.
    second : ndarray of shape (n, numbers) or None
        What its second kernel was given: states, what goes around, or what was attended to.
    largest
        The largest magnitude of what it hands on.
    inside
        Of attention, the largest magnitudes of keys, values and queries.
    """

    inputs: Array | None
    second: Array | None
    largest: float
    inside: tuple[float, ...] = ()


def observe(weighed: Sequence[Weighed], windows: Array, counts: Array | None = None) -> Iterator[Met]:
    """Yield what every part meets in windows (n_windows, steps, channels), in order.

    ``counts`` (n_windows, steps) is which steps are not masked, None for all.
    """
    values = windows.astype(np.float64)
    around = values
    forks: list[_Fork] = []
    for index, each in enumerate(weighed):
        layer = each.part.structure
        if each.part.role == "branches":
            values = around = _branching(each, values, forks)
            yield Met(None, None, _largest(values))
            continue
        merged = index + 1 < len(weighed) and bool(weighed[index + 1].part.structure.merge)
        made, inputs, second = _run(each, values, around, counts)
        inside = tuple(_largest(part) for part in _inside(each, values)) if layer.kind == ATTENTION else ()
        own = _each_way(layer, counts)
        yield Met(_rows(inputs, own), _rows(second, own), _largest(made), inside)
        if merged:
            around = made
            continue
        given, values = values, _joined(each, around, made) if layer.merge else made
        around = given
        if layer.kind in RECURRENT and not getattr(each.part.layer, "return_sequences", True):
            values = values[:, -1]


@dataclass(frozen=True, slots=True, eq=False)
class _Fork:
    """What branches are given, how they are joined, and what those make that have ended."""

    given: Array
    joins: str
    made: list[Array]


def _branching(each: Weighed, values: Array, forks: list[_Fork]) -> Array:
    """Begin branches, or end one: return what the next layer is given."""
    structure = each.part.structure
    if structure.kind == FORK:
        forks.append(_Fork(values, structure.joins, []))
        return values
    fork = forks[-1]
    fork.made.append(values)
    if structure.kind == END:
        return fork.given
    joined = MERGED[forks.pop().joins](fork.made)
    return np.asarray(ACTIVATIONS[structure.activation](joined))


def _run(each: Weighed, values: Array, around: Array, counts: Array | None) -> tuple[Array, Array | None, Array | None]:
    """Return what a part makes, and what its two kernels are given."""
    layer = each.part.structure
    if layer.kind in RECURRENT:
        return _walk(each, values, counts)
    if layer.kind in (*POOLS, *WHOLE):
        return layer_forward(each.part.layer, {}, values), None, None
    if layer.kind == ATTENTION:
        found = _attended(each, values)
        made = found @ _array(each.second) + _array(each.second_bias)
        return (values + made if layer.goes_around else made), values, found
    inputs = values
    if layer.kind in ("conv", "residual"):
        inputs = columns(layer, values)
    elif layer.kind == "dense_over_time":
        inputs = values.reshape(len(values), -1)
    sums = inputs @ _array(each.kernel) + (0.0 if each.bias is None else each.bias)
    if layer.kind != "residual":
        return (sums if each.part.role == "head" else _activated(layer, sums)), inputs, None
    way = around if each.second is None else around @ each.second + _array(each.second_bias)
    return np.maximum(np.maximum(sums, 0.0) + way, 0.0), inputs, around


def _inside(each: Weighed, values: Array) -> list[Array]:
    """Return the keys, values and queries of every step."""
    return np.split(values @ _array(each.kernel) + _array(each.bias), 3, axis=-1)


def _attended(each: Weighed, values: Array) -> Array:
    """Return what every step attends to (n, steps, units)."""
    count, steps, _ = values.shape
    keys, held, queries = (
        part.reshape(count, steps, each.part.structure.heads, -1).swapaxes(1, 2) for part in _inside(each, values)
    )
    return np.asarray((softmax(queries @ keys.swapaxes(2, 3)) @ held).swapaxes(1, 2).reshape(count, steps, -1))


def _largest(values: Array) -> float:
    """Return the largest magnitude."""
    return float(np.abs(values).max(initial=0.0))


def _walk(each: Weighed, values: Array, counts: Array | None) -> tuple[Array, Array, Array]:
    """Return the states of a recurrent layer in the order of its own steps, and what its kernels are given."""
    layer = each.part.layer
    way = "backward" if each.part.structure.merge else "forward"
    cell = layer.direction(way) if isinstance(layer, Bidirectional) else layer
    if not isinstance(cell, Recurrent):
        raise TypeError(f"expected a recurrent layer, got {cell.kind}")
    seen = values[:, ::-1] if way == "backward" else values
    states = layer_forward(
        replace(cell, return_sequences=True), each.own or {}, seen, _each_way(each.part.structure, counts)
    )
    return states, seen, delayed(states)


def _joined(each: Weighed, forwards: Array, backwards: Array) -> Array:
    """Return both directions as one."""
    ends = not getattr(each.part.layer, "return_sequences", False)
    pair = [forwards[:, -1:], backwards[:, -1:]] if ends else [forwards, backwards[:, ::-1]]
    merge = each.part.structure.merge
    if merge == "concat":
        return np.concatenate(pair, axis=-1)
    return np.asarray({"sum": pair[0] + pair[1], "mul": pair[0] * pair[1]}.get(merge, (pair[0] + pair[1]) / 2))


def columns(layer: CLayer, values: Array) -> Array:
    """Return what a convolution sees at every place (n, places, taps x inputs), zeros outside of the window."""
    count, before, after = margins(layer, values.shape[1])
    padded = np.pad(values, ((0, 0), (before, after), (0, 0)))
    span = (count - 1) * layer.stride + 1
    taps = [padded[:, tap * layer.dilation :][:, : span : layer.stride] for tap in range(layer.taps)]
    return np.concatenate(taps, axis=-1)


def _activated(layer: CLayer, sums: Array) -> Array:
    """Return what a layer hands on of its sums; of a head the sums."""
    return np.asarray(ACTIVATIONS[layer.activation](sums)) if layer.activation in ACTIVATIONS else sums


def _each_way(layer: CLayer, counts: Array | None) -> Array | None:
    """Return which steps count, in the order in which a layer walks them."""
    return counts if counts is None or not layer.merge else counts[:, ::-1]


def _rows(values: Array | None, counts: Array | None) -> Array | None:
    """Return what a kernel is given as rows, evenly chosen where there are many; of steps, those that count."""
    if values is None:
        return None
    rows = values.reshape(-1, values.shape[-1])
    if counts is not None and values.ndim == 3:
        rows = values[counts]
    return np.asarray(rows[np.linspace(0, len(rows) - 1, min(_MOST_ROWS, len(rows))).astype(int)])


def _array(values: Array | None) -> Array:
    """Return weights that are there."""
    if values is None:
        raise TypeError("expected weights")
    return values
