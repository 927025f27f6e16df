"""The output layer fitted to one person and pulled to the general one: NumPy alone, so that it works everywhere.

The states before the output layer stay what they are; the layer becomes the minimum of

    mean over windows of the cross-entropy + strength * |W - W_general|²

which is convex, so that there is one answer, found by Newton's method with conjugate gradients for its steps (Nocedal &
Wright, Numerical Optimization, 2006, algorithm 7.1).
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.architecture import Architecture, Dense, Weights
from edgehar.models.errors import UsageError
from edgehar.models.reference import chain_forward

STRENGTH: Final = 1e-3
STRENGTH_WHERE_SOME_ARE_MISSING: Final = 1e-2
"""How strongly the layer is pulled to the general one, also where not every activity was recorded (decision 26)."""

_NEWTON_STEPS: Final = 30
_CONJUGATE_STEPS: Final = 200
_SMALL_GRADIENT: Final = 1e-6
_AT_ONCE: Final = 256

Floats = NDArray[np.float32]
_Wide = NDArray[np.float64]


def output_layer(architecture: Architecture) -> Dense:
    """Return the softmax layer a model ends in.

    Raises
    ------
    UsageError
        If it ends in something else.
    """
    last = architecture.layers[-1]
    if not isinstance(last, Dense) or last.activation != "softmax":
        raise UsageError(
            f"{architecture.name}: expected a model that ends in a dense layer with softmax, this one ends in "
            f"{last.kind}",
            next_step="Personalize a model that tells activities apart, such as one of har train.",
        )
    return last


def states_before_output(architecture: Architecture, weights: Weights, windows: Floats) -> Floats:
    """Return what the output layer sees of normalised windows: an array (n, units)."""
    parts = []
    for start in range(0, len(windows), _AT_ONCE):
        values: NDArray[Any] = np.asarray(windows[start : start + _AT_ONCE], np.float32)
        parts.append(chain_forward(architecture.layers[:-1], weights, values))
    return np.concatenate(parts)


def fit_output_layer(
    architecture: Architecture,
    weights: Weights,
    states: Floats,
    targets: NDArray[Any],
    *,
    strength: float = STRENGTH,
) -> dict[str, Floats]:
    """Return the weights with the output layer fitted.

    Parameters
    ----------
    architecture, weights
        The general model.
    states : ndarray of shape (n, units), float32
        From `states_before_output`.
    targets : ndarray of shape (n, n_classes)
        The probabilities that the windows should get.
    strength
        Of the pull to the general layer; above 0.
    """
    name = output_layer(architecture).name
    general = np.concatenate([weights[f"{name}/kernel"], weights[f"{name}/bias"][None]]).astype(np.float64)
    inputs = np.concatenate([states, np.ones((len(states), 1))], axis=1, dtype=np.float64)
    fitted = _minimum(general, inputs, np.asarray(targets, np.float64), strength)
    own = {f"{name}/kernel": fitted[:-1], f"{name}/bias": fitted[-1]}
    return {key: np.asarray(own.get(key, value), np.float32) for key, value in weights.items()}


def softmax_rows(logits: NDArray[Any]) -> _Wide:
    """Return the softmax of every row."""
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True), dtype=np.float64)
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True))


def _minimum(general: _Wide, inputs: _Wide, targets: _Wide, strength: float) -> _Wide:
    """Return where the loss is least, from the general layer downhill."""
    count, layer = len(inputs), general.copy()

    def loss(candidate: _Wide) -> float:
        logits = inputs @ candidate
        top = logits.max(axis=1)
        entropies = top + np.log(np.exp(logits - top[:, None]).sum(axis=1)) - (logits * targets).sum(axis=1)
        return float(entropies.mean() + strength * np.square(candidate - general).sum())

    for _ in range(_NEWTON_STEPS):
        found = softmax_rows(inputs @ layer)
        gradient = inputs.T @ (found - targets) / count + 2 * strength * (layer - general)
        if np.abs(gradient).max() < _SMALL_GRADIENT:
            break
        direction = _newton_direction(inputs, found, gradient, strength)
        slope, now, length = float((gradient * direction).sum()), loss(layer), 1.0
        while loss(layer + length * direction) > now + 1e-4 * length * slope and length > 1e-6:
            length /= 2
        layer += length * direction
    return layer


def _newton_direction(inputs: _Wide, found: _Wide, gradient: _Wide, strength: float) -> _Wide:
    """Return -H⁻¹ g by conjugate gradients; H is never made."""
    count = len(inputs)

    def curvature(direction: _Wide) -> _Wide:
        moved = inputs @ direction
        weighted = found * (moved - (found * moved).sum(axis=1, keepdims=True))
        return np.asarray(inputs.T @ weighted / count + 2 * strength * direction)

    solution, rest = np.zeros_like(gradient), -gradient
    direction, size = rest, float(np.square(rest).sum())
    enough = size * min(0.1, size**0.5) ** 2
    for _ in range(_CONJUGATE_STEPS):
        curved = curvature(direction)
        step = size / float((direction * curved).sum())
        solution, rest = solution + step * direction, rest - step * curved
        before, size = size, float(np.square(rest).sum())
        if size <= enough:
            break
        direction = rest + size / before * direction
    return solution
