"""The low-pass filter of the resampler: a Kaiser-windowed sinc, tabulated between two samples.

Design after Kaiser (1974): for an attenuation A the window's shape is 0.1102 (A - 8.7), and ``2 h`` taps have a
transition band (A - 8) / (2.285 · 2 π · 2 h) wide, in cycles per sample. When the rate is reduced, the band ends at
half the new rate, so that nothing folds; when it is raised, it lies around half the old one, where images begin.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

ATTENUATION_DB: Final = 60.0
"""Of what would fold, and of images."""
ZERO_CROSSINGS: Final = 8
"""On each side, at the lower of the two rates: the filter waits for so many samples, 80 ms at 100 Hz."""
PHASES: Final = 256
"""Rows of the table; between two rows weights are interpolated, which is good to 100 dB."""
_UP_EDGE: Final = 0.9


class SincKernel:
    """Weights of the samples around any place between two samples.

    Parameters
    ----------
    ratio
        New rate over old rate.

    Examples
    --------
    >>> kernel = SincKernel(0.5)
    >>> kernel.half_width, kernel.weights(np.array([0.25])).shape
    (16, (1, 32))
    """

    def __init__(self, ratio: float) -> None:
        lower = min(1.0, ratio)
        self.half_width = int(np.ceil(ZERO_CROSSINGS / lower))
        if ratio < 1:
            transition = (ATTENUATION_DB - 8) / (2.285 * 2 * np.pi * 2 * self.half_width)
            cutoff = 0.5 * lower - transition / 2
        else:
            cutoff = 0.5 * _UP_EDGE
        taps = np.arange(1 - self.half_width, self.half_width + 1)
        distance = taps[np.newaxis, :] - np.arange(PHASES + 1)[:, np.newaxis] / PHASES
        shape = np.i0(_beta() * np.sqrt(np.maximum(0.0, 1 - (distance / self.half_width) ** 2)))
        table = np.sinc(2 * cutoff * distance) * shape
        # Every row adds up to one: gravity comes out as it went in.
        self._table: NDArray[np.float64] = table / table.sum(axis=1, keepdims=True)

    def weights(self, fractions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the weights of the ``2 · half_width`` samples around places between two samples.

        Parameters
        ----------
        fractions : ndarray of shape (m,)
            From 0, on the left sample, to 1, on the right one.

        Returns
        -------
        ndarray of shape (m, 2 · half_width)
            The left sample is number ``half_width - 1``.
        """
        rows = fractions * PHASES
        below = np.minimum(rows.astype(np.int64), PHASES - 1)
        share = (rows - below)[:, np.newaxis]
        weights: NDArray[np.float64] = self._table[below] * (1 - share) + self._table[below + 1] * share
        return weights


def _beta() -> float:
    """Return the shape of the Kaiser window for the attenuation."""
    return 0.1102 * (ATTENUATION_DB - 8.7)
