"""Samples at a sensor's rate to samples at a model's rate, as they come, by linear interpolation.

There is no low-pass filter in front of it: a sensor faster than the model folds whatever it hears above half the
model's rate into the signal. :attr:`LinearResampler.aliases` says when that is so.
"""

import numpy as np
from numpy.typing import NDArray


class LinearResampler:
    """Resample a stream; where the rates are equal, hand it on bit by bit as it came.

    Output ``k`` of a run lies at input position ``k · from_hz / to_hz``, computed from ``k`` each time, so that no
    error adds up. The result does not depend on how the stream is cut into calls.

    Parameters
    ----------
    from_hz, to_hz
        Rate of the sensor, and of the model.

    Examples
    --------
    >>> resampler = LinearResampler(from_hz=50.0, to_hz=100.0)
    >>> samples, times_s = resampler.feed(np.float32([[0, 0, 0], [1, 2, 4]]), np.array([0.0, 0.02]))
    >>> samples.tolist(), times_s.tolist()
    ([[0.0, 0.0, 0.0], [0.5, 1.0, 2.0], [1.0, 2.0, 4.0]], [0.0, 0.01, 0.02])
    """

    def __init__(self, *, from_hz: float, to_hz: float) -> None:
        self._ratio = from_hz / to_hz
        self.restart()

    @property
    def passes_through(self) -> bool:
        """Whether the rates are equal, so that nothing is changed."""
        return self._ratio == 1.0

    @property
    def aliases(self) -> bool:
        """Whether the sensor is so much faster than the model that frequencies fold."""
        return self._ratio > 1.05

    def restart(self) -> None:
        """Begin a new run at the next sample: what follows does not continue what came before."""
        self._taken = 0
        self._made = 0
        self._last: NDArray[np.float64] | None = None

    def feed(
        self, samples_g: NDArray[np.float32], times_s: NDArray[np.float64]
    ) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """Return the samples that are ready, and their times.

        Parameters
        ----------
        samples_g : ndarray of shape (n, 3), float32, in g
        times_s : ndarray of shape (n,), float64
        """
        if self.passes_through or not len(samples_g):
            return samples_g, times_s
        known = np.column_stack([samples_g.astype(np.float64), times_s])
        first = self._taken
        if self._last is not None:
            known, first = np.vstack([self._last, known]), first - 1
        self._taken += len(samples_g)
        self._last = known[-1:]
        # The last known sample may be used itself, so positions run up to it inclusively.
        ready = int(np.floor((self._taken - 1) / self._ratio)) + 2
        positions = np.arange(self._made, max(ready, self._made)) * self._ratio
        positions = positions[positions <= self._taken - 1]
        self._made += len(positions)
        left = np.minimum(positions.astype(np.int64), self._taken - 1)
        weight = (positions - left)[:, np.newaxis]
        right = np.minimum(left + 1, self._taken - 1)
        made = known[left - first] * (1.0 - weight) + known[right - first] * weight
        return made[:, :3].astype(np.float32), made[:, 3]
