"""How far an engine's outputs are from the oracle's: one meaning of "error" for `har verify` and `har bench`.

The *error* is the largest absolute difference of a probability from what the NumPy oracle computes in float64 from the
bundle's weights. One window on the border between two classes may have a large one in a quantized model, so such models
are judged by two more numbers: the *mean error*, the share of probability that a window gives to other classes than the
oracle does, on average; and the *agreement*, the share of windows with the oracle's label.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.bundle import FLOAT_TOLERANCE, Bundle
from edgehar.models.reference import forward

_NUMBERS: Final = 2**24
"""Numbers that a batch may become in a layer of the oracle: 128 MiB, however large the model."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a quantization may cost.

    ``error``, ``mean_error`` and ``agreement`` are from the oracle; ``tolerance`` is the most that an artifact may
    claim as its distance from the outputs recorded when it was made.
    """

    error: float
    mean_error: float
    agreement: float
    tolerance: float


_INTEGER: Final = Limits(error=1.0, mean_error=0.1, agreement=0.8, tolerance=0.02)

LIMITS: Final = {
    "float32": Limits(error=FLOAT_TOLERANCE, mean_error=FLOAT_TOLERANCE, agreement=0.0, tolerance=FLOAT_TOLERANCE),
    "float16": Limits(error=1.0, mean_error=0.02, agreement=0.9, tolerance=FLOAT_TOLERANCE),
    "int8-weights": Limits(error=1.0, mean_error=0.1, agreement=0.8, tolerance=FLOAT_TOLERANCE),
    "int8-hybrid": Limits(error=1.0, mean_error=0.1, agreement=0.8, tolerance=0.15),
    "int8": _INTEGER,
}
"""By quantization. Trained models stay at a fifth of the mean errors (docs/decisions/0014-strangers-bundles.md).

The label of a float32 model with two equal probabilities is nobody's fault: its error alone is limited.
"""


def limits_of(quantization: str) -> Limits:
    """Return the limits of a quantization; one that is not known is held to those of integers."""
    return LIMITS.get(quantization, _INTEGER)


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far outputs are from the oracle's."""

    error: float
    mean_error: float
    agreement: float

    def problems(self, limits: Limits) -> list[str]:
        """Return what is beyond the limits, as sentences."""
        found = []
        if not self.error <= limits.error:
            found.append(f"expected probabilities within {limits.error:g} of the oracle's, got {self.error:.3g}")
        elif not self.mean_error <= limits.mean_error:
            found.append(
                f"expected a mean error from the oracle of at most {limits.mean_error:g}, got {self.mean_error:.3g}"
            )
        if not self.agreement >= limits.agreement:
            found.append(
                f"expected the oracle's label for at least {limits.agreement:.0%} of the windows, "
                f"got {self.agreement:.0%}"
            )
        return found


def oracle_outputs(bundle: Bundle, windows: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the NumPy oracle's probabilities (n_windows, n_classes) in float64, for windows in g."""
    architecture, weights = bundle.manifest.architecture, bundle.folded_weights
    batch = max(1, _NUMBERS // architecture.most_numbers)
    parts = [forward(architecture, weights, windows[start : start + batch]) for start in range(0, len(windows), batch)]
    return np.concatenate([np.empty((0, architecture.classes)), *parts]).astype(np.float64)


def agreement(outputs: NDArray[Any], oracle: NDArray[np.float64]) -> Agreement:
    """Compare outputs (n_windows, n_classes) with the oracle's; what is no number is infinitely far away.

    Examples
    --------
    >>> agreement(np.array([[0.5, 0.5], [0.25, 0.75]]), np.array([[0.75, 0.25], [0.25, 0.75]]))
    Agreement(error=0.25, mean_error=0.125, agreement=1.0)
    """
    error = largest_error(outputs, oracle)
    mean_error = float(np.abs(outputs - oracle).sum(axis=1).mean() / 2) if np.isfinite(error) else error
    return Agreement(error, mean_error, labels_kept(outputs, oracle) / len(oracle))


def largest_error(outputs: NDArray[Any], expected: NDArray[Any]) -> float:
    """Return the largest absolute difference of a probability; infinite where a value is not a number."""
    difference = np.abs(outputs.astype(np.float64) - expected)
    return float(difference.max()) if np.isfinite(difference).all() else float("inf")


def labels_kept(outputs: NDArray[Any], expected: NDArray[Any]) -> int:
    """Return how many windows have the label that was expected."""
    return int((outputs.argmax(axis=1) == expected.argmax(axis=1)).sum())
