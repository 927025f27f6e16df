"""Sliding windows over a stream of samples, none of which spans a hole."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """One window: ``samples_g`` of shape (length, 3), float32, and the time of its last sample."""

    samples_g: NDArray[np.float32]
    end_s: float


class SlidingWindows:
    """Cut a stream into windows of ``length`` samples, one every ``hop`` samples.

    The first window of a run ends at its ``length``-th sample: exactly the windows that slicing the whole run gives.

    Parameters
    ----------
    length, hop
        In samples.

    Examples
    --------
    >>> windows = SlidingWindows(length=4, hop=2)
    >>> stream = np.arange(21, dtype=np.float32).reshape(7, 3)
    >>> [window.samples_g[0, 0] for window in windows.feed(stream, np.arange(7.0))]
    [np.float32(0.0), np.float32(6.0)]
    """

    def __init__(self, *, length: int, hop: int) -> None:
        self._length = length
        self._hop = hop
        self.restart()

    @property
    def filled(self) -> float:
        """How much of the next window is there, from 0 to 1."""
        return max(0, len(self._samples) - self._start) / self._length

    @property
    def refilling(self) -> bool:
        """Whether no window was completed yet since the stream began or was broken."""
        return self._refilling

    def restart(self) -> None:
        """Forget the samples so far: the next window begins after them."""
        self._samples: NDArray[np.float32] = np.empty((0, 3), np.float32)
        self._times_s: NDArray[np.float64] = np.empty(0, np.float64)
        self._start = 0
        self._refilling = True

    def feed(self, samples_g: NDArray[np.float32], times_s: NDArray[np.float64]) -> list[Window]:
        """Return the windows that these samples complete.

        Parameters
        ----------
        samples_g : ndarray of shape (n, 3), float32, in g
        times_s : ndarray of shape (n,), float64
        """
        self._samples = np.concatenate([self._samples, samples_g])
        self._times_s = np.concatenate([self._times_s, times_s])
        starts = range(self._start, len(self._samples) - self._length + 1, self._hop)
        stops = [start + self._length for start in starts]
        windows = [Window(self._samples[stop - self._length : stop], float(self._times_s[stop - 1])) for stop in stops]
        self._refilling = self._refilling and not windows
        next_start = self._start + len(windows) * self._hop
        done = min(next_start, len(self._samples))
        self._samples, self._times_s = self._samples[done:], self._times_s[done:]
        self._start = next_start - done
        return windows
