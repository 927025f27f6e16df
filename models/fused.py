"""Activations alone, given to the layer before them: the C engine has none that is a layer of its own."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from edgehar.models.architecture import Activation, Architecture, Branches, Conv1D, Dense, Layer
from edgehar.models.portable.tables import HIDDEN


@dataclass(frozen=True, slots=True)
class ActivatedBranches(Branches):
    """Branches whose joined outputs have an activation."""

    activation: str = "linear"


def fused(architecture: Architecture) -> Architecture:
    """Return an architecture whose activations alone are those of the layer before them, where there can be one."""
    return replace(architecture, layers=_fused(architecture.layers))


def _fused(layers: Sequence[Layer]) -> tuple[Layer, ...]:
    """Return a chain whose activations alone are those of the linear layer, or of the branches, before them."""
    found: list[Layer] = []
    for layer in layers:
        before = found[-1] if found else None
        activated = _activated(before, layer.activation) if isinstance(layer, Activation) else None
        if activated is not None:
            found[-1] = activated
        elif isinstance(layer, Branches):
            found.append(ActivatedBranches(layer.name, layer.merge, tuple(map(_fused, layer.branches))))
        else:
            found.append(layer)
    return tuple(found)


def _activated(layer: Layer | None, activation: str) -> Layer | None:
    """Return a layer with the activation that is behind it, None where it cannot have it."""
    if isinstance(layer, ActivatedBranches) and (layer.merge == "concat" or activation not in HIDDEN):
        return None
    if isinstance(layer, Dense | Conv1D | ActivatedBranches) and layer.activation == "linear":
        return replace(layer, activation=activation)
    return None
