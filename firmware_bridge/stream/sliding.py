"""Sliding windows over a stream of samples, none of which spans a hole that was not bridged and marked."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

_ROOM: Final = 4
"""Windows that fit into the buffer; the more there are, the rarer its end is copied to its beginning."""


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """Samples (length, 3), float32, the time of the last one, and how many of them were interpolated.

    ``last`` is the position of the last one among the samples that completed the window.
    """

    samples_g: NDArray[np.float32]
    end_s: float
    filled: int = 0
    last: int = 0


class SlidingWindows:
    """Cut a stream into windows of ``length`` samples, one every ``hop`` samples.

    The first window of a run ends at its ``length``-th sample: exactly the windows that slicing the whole run gives.

    Parameters
    ----------
    length, hop
        In samples.
    channels
        Values in a sample.

    Examples
    --------
    >>> windows = SlidingWindows(length=4, hop=2)
    >>> stream = np.arange(21, dtype=np.float32).reshape(7, 3)
    >>> [window.samples_g[0, 0] for window in windows.feed(stream, np.arange(7.0))]
    [np.float32(0.0), np.float32(6.0)]
    """

    def __init__(self, *, length: int, hop: int, channels: int = 3) -> None:
        self._length = length
        self._hop = hop
        self._samples = np.empty((_ROOM * length, channels), np.float32)
        self._times_s = np.empty(_ROOM * length, np.float64)
        self._marks = np.zeros(_ROOM * length, np.bool_)
        self.restart()

    @property
    def filled(self) -> float:
        """How much of the next window is there, from 0 to 1."""
        return max(0, self._end - self._start) / self._length

    @property
    def needed(self) -> int:
        """How many more samples complete the next window."""
        return self._start + self._length - self._end

    @property
    def refilling(self) -> bool:
        """Whether no window was completed yet since the stream began or was broken."""
        return self._refilling

    def restart(self) -> None:
        """Forget the samples so far: the next window begins after them."""
        self._start = 0
        self._end = 0
        self._refilling = True

    def feed(
        self,
        samples_g: NDArray[np.float32],
        times_s: NDArray[np.float64],
        filled: NDArray[np.bool_] | None = None,
    ) -> list[Window]:
        """Return the windows that these samples complete.

        Parameters
        ----------
        samples_g : ndarray of shape (n, 3), float32, in g
        times_s : ndarray of shape (n,), float64
        filled : ndarray of shape (n,), bool
            Which of them were interpolated; none by default.
        """
        windows: list[Window] = []
        done = 0
        while done < len(samples_g):
            self._make_room()
            count = min(len(samples_g) - done, len(self._samples) - self._end)
            to, part = slice(self._end, self._end + count), slice(done, done + count)
            self._samples[to], self._times_s[to] = samples_g[part], times_s[part]
            self._marks[to] = False if filled is None else filled[part]
            self._end += count
            done += count
            while self._start + self._length <= self._end:
                windows.append(self._window(self._start, last=done - 1 - (self._end - self._start - self._length)))
                self._start += self._hop
        self._refilling = self._refilling and not windows
        return windows

    def _window(self, start: int, *, last: int) -> Window:
        """Return one window as an array of its own: the buffer will be written over."""
        stop = start + self._length
        marks = int(np.count_nonzero(self._marks[start:stop]))
        return Window(self._samples[start:stop].copy(), float(self._times_s[stop - 1]), marks, last)

    def _make_room(self) -> None:
        """Move what the next window needs to the beginning of a full buffer."""
        if self._end < len(self._samples):
            return
        kept = max(0, self._end - self._start)
        for buffer in (self._samples, self._times_s, self._marks):
            buffer[:kept] = buffer[self._end - kept : self._end]
        # A hop longer than the buffer leaves samples to be skipped: the next window begins beyond the end.
        self._start, self._end = max(0, self._start - self._end) if not kept else 0, kept
