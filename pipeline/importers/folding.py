"""Affine maps, and layers that select features, folded into a neighbour: nothing is left to compute."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgehar.models.architecture import DIRECTIONS, Affine, Bidirectional, Conv1D, Dense, Recurrent
from edgehar.pipeline.importers.model import Converted

Wide = dict[str, NDArray[Any]]


def fold(parts: Sequence[Converted]) -> list[Converted]:
    """Return the layers with every affine map that can be folded in a neighbour; the others stay.

    A map behind a linear dense layer or convolution changes its outputs; one before a layer with a kernel, that
    layer's inputs. A convolution that looks beyond the ends of the window sees zeros there, which no bias can shift.
    What selects features is folded into a kernel behind it, which gets zeros for all others.
    """
    found: list[Converted] = []
    waiting: Converted | None = None
    for part in parts:
        selected = _from_more(part, found[-1]) if found and found[-1].selects and waiting is None else None
        if selected is not None:
            found[-1] = selected
        elif waiting is not None:
            folded = _into_inputs(part, waiting)
            found += [waiting, part] if folded is None else [folded]
            waiting = None
        elif isinstance(part.layer, Affine):
            folded = _into_outputs(found[-1], part) if found else None
            if folded is not None:
                found[-1] = folded
            else:
                waiting = part
        else:
            found.append(part)
    if waiting is not None:
        found.append(waiting)
    found = [part for part in found if not _takes_everything(part)]
    return [
        replace(part, weights={name: np.asarray(value, np.float32) for name, value in part.weights.items()})
        for part in found
    ]


def _from_more(part: Converted, selection: Converted) -> Converted | None:
    """Return a layer that takes what the selection before it takes; None if it has no kernel that could."""
    kernels = _kernels(part.layer)
    shifted = bool(selection.weights["bias"].any())
    if not kernels or (shifted and isinstance(part.layer, Conv1D) and part.layer.padding != "valid"):
        return None
    weights, chosen = _wide(part), _wide(selection)
    for kernel, bias in kernels:
        _add_shift(weights, kernel, bias, chosen["bias"])
        weights[kernel] = chosen["kernel"] @ weights[kernel]
    return replace(part, weights=weights)


def _takes_everything(part: Converted) -> bool:
    """Whether a selection is all features in their order."""
    if not part.selects:
        return False
    kernel = part.weights["kernel"]
    return np.array_equal(kernel, np.eye(len(kernel))) and not part.weights["bias"].any()


def _into_outputs(part: Converted, affine: Converted) -> Converted | None:
    """Return a layer whose outputs are those of the map behind it; None if it is not linear."""
    if not isinstance(part.layer, Dense | Conv1D) or part.layer.activation != "linear":
        return None
    weights, factor = _wide(part), affine.weights["factor"]
    weights["kernel"] = weights["kernel"] * factor
    weights["bias"] = weights["bias"] * factor + affine.weights["shift"]
    return replace(part, weights=weights)


def _into_inputs(part: Converted, affine: Converted) -> Converted | None:
    """Return a layer that takes what the map before it takes; None if it has no kernel that could."""
    kernels = _kernels(part.layer)
    if not kernels or (isinstance(part.layer, Conv1D) and part.layer.padding != "valid"):
        return None
    weights = _wide(part)
    for kernel, bias in kernels:
        _add_shift(weights, kernel, bias, affine.weights["shift"])
        weights[kernel] = weights[kernel] * affine.weights["factor"][:, np.newaxis]
    return replace(part, weights=weights)


def _kernels(layer: Any) -> list[tuple[str, str]]:
    """Return the names of the kernels that multiply a layer's inputs, each with its bias."""
    if isinstance(layer, Bidirectional):
        return [(f"{which}_kernel", f"{which}_bias") for which in DIRECTIONS]
    return [("kernel", "bias")] if isinstance(layer, Dense | Recurrent | Conv1D) else []


def _add_shift(weights: Wide, kernel: str, bias: str, shift: NDArray[Any]) -> None:
    """Add to a bias what the kernel makes of inputs that are all shifted."""
    added = shift @ weights[kernel]
    # A GRU that resets after the product has a row of input biases and one of recurrent biases.
    row = weights[bias][0] if weights[bias].ndim == 2 else weights[bias]
    row += added.reshape(-1, added.shape[-1]).sum(axis=0)


def _wide(part: Converted) -> Wide:
    """Return a layer's weights in double precision, to be rounded once."""
    return {name: np.array(value, np.float64) for name, value in part.weights.items()}
