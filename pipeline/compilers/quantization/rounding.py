"""Rounding weights to integers so that their errors cancel on the inputs that calibration saw.

Optimal brain surgery applied to rounding (Hassibi & Stork 1993; Frantar et al., GPTQ, 2022, algorithm 1): weights are
rounded one by one, and those still to come take over what rounding the others cost.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.quantization import quantize

LARGEST_WEIGHT: Final = 127
"""Magnitude of the largest int8 weight: -128 is left out, so that a weight and its negative round alike."""

_DAMPING: Final = 0.1
"""Of the mean variance of the inputs: keeps rounding from trusting directions that calibration hardly visited."""


def round_for_inputs(
    rows: NDArray[Any],
    steps: NDArray[Any],
    seen: NDArray[Any],
    *,
    has_bias: bool,
    kept: NDArray[np.bool_] | None = None,
) -> tuple[NDArray[np.int8], NDArray[np.float64]]:
    """Return int8 weights for which ``(rows - integers * steps) @ inputs`` matters least.

    Parameters
    ----------
    rows : ndarray of shape (outputs, inputs)
        The weights.
    steps : ndarray that broadcasts against ``rows``
        What one unit of each integer is worth; where it is zero, so are the weights.
    seen : ndarray of shape (n, inputs)
        Inputs in calibration.
    has_bias
        Whether a bias can take the mean of the error; the weights then only have to follow the inputs' variation.
    kept : ndarray of bool, shaped like ``rows``, or None
        Weights that are rounded for themselves; the others still make good what that costs.

    Returns
    -------
    integers, correction
        What to add to the bias (outputs,): zeros if there is none.
    """
    steps = np.broadcast_to(steps, rows.shape)
    mean = seen.mean(axis=0) if has_bias else np.zeros(seen.shape[1])
    varied = seen - mean
    kept = np.zeros(rows.shape, bool) if kept is None else kept
    integers = _follow(rows, steps, varied.T @ varied / len(varied), kept)
    return integers.astype(np.int8), (rows - integers * steps) @ mean


def _follow(
    rows: NDArray[Any], steps: NDArray[Any], variance: NDArray[Any], kept: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return integers q for which (rows - q steps) matters least under inputs of this (co)variance."""
    diagonal = np.diag(variance)
    # Inputs that never vary say nothing: then each weight is rounded for itself.
    damping = _DAMPING * float(diagonal.mean()) or 1.0
    # The inputs that vary most first: the others can still make up for them.
    order = np.argsort(-diagonal, kind="stable")
    damped = (variance + damping * np.eye(len(variance)))[np.ix_(order, order)]
    carry = np.linalg.cholesky(np.linalg.inv(damped)).T
    own, kept, steps = rows[:, order], kept[:, order], steps[:, order]
    left = own.copy()
    divisors = np.where(steps > 0, steps, 1.0)
    integers = np.zeros_like(left)
    for column in range(left.shape[1]):
        wanted = np.where(kept[:, column], own[:, column], left[:, column])
        integers[:, column] = quantize(wanted, scale=divisors[:, column]).clip(-LARGEST_WEIGHT)
        error = (left[:, column] - integers[:, column] * steps[:, column]) / carry[column, column]
        left[:, column:] -= error[:, np.newaxis] * carry[column, column:]
    return integers[:, np.argsort(order)]
