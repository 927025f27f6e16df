"""Affine maps folded into the layer before or behind them: nothing is left to compute, and no format is in the way."""

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
    """
    found: list[Converted] = []
    waiting: Converted | None = None
    for part in parts:
        if waiting is not None:
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
    return [
        replace(part, weights={name: np.asarray(value, np.float32) for name, value in part.weights.items()})
        for part in found
    ]


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
    layer, weights = part.layer, _wide(part)
    if isinstance(layer, Bidirectional):
        pairs = [(f"{which}_kernel", f"{which}_bias") for which in DIRECTIONS]
    elif isinstance(layer, Dense | Recurrent) or (isinstance(layer, Conv1D) and layer.padding == "valid"):
        pairs = [("kernel", "bias")]
    else:
        return None
    for kernel, bias in pairs:
        shift = affine.weights["shift"] @ weights[kernel]
        # A GRU that resets after the product has a row of input biases and one of recurrent biases.
        row = weights[bias][0] if weights[bias].ndim == 2 else weights[bias]
        row += shift.reshape(-1, shift.shape[-1]).sum(axis=0)
        weights[kernel] = weights[kernel] * affine.weights["factor"][:, np.newaxis]
    return replace(part, weights=weights)


def _wide(part: Converted) -> Wide:
    """Return a layer's weights in double precision, to be rounded once."""
    return {name: np.array(value, np.float64) for name, value in part.weights.items()}
