"""What sample numbers tell: how many samples are missing, which came twice, which came too late, and restarts."""

from collections import deque
from dataclasses import dataclass
from typing import Final

_MODULUS: Final = 2**32
_DROPPED_MODULUS: Final = 2**16
_MOST_GAPS: Final = 64
_RESTART_RUN: Final = 16
"""So many frames in a row, all with numbers that were there before, are a device that began anew without saying so."""


@dataclass(frozen=True, slots=True)
class SequenceStep:
    """What one frame's number says.

    Parameters
    ----------
    index
        Number of the frame's first sample since the first sample of all, lost ones included; it never wraps.
    lost
        Samples missing just before it.
    dropped
        How many of these the device says it dropped itself.
    restarted
        Whether the device began anew: what it took last before is unknown.
    repeated, late
        Samples of the frame that had come before, and that come when later ones have been used.
    usable
        Whether the frame continues the stream.
    """

    index: int
    lost: int = 0
    dropped: int = 0
    restarted: bool = False
    repeated: int = 0
    late: int = 0
    usable: bool = True


class SequenceTracker:
    """Follow the sample numbers of a device through losses, repetitions, wraps and restarts.

    Examples
    --------
    >>> tracker = SequenceTracker()
    >>> [tracker.advance(1, sequence, 10, 0).lost for sequence in (500, 510, 540)]
    [0, 0, 20]
    >>> tracker.advance(1, 520, 10, 0).late, tracker.advance(1, 520, 10, 0).repeated
    (10, 10)
    """

    def __init__(self) -> None:
        self._boot_id: int | None = None
        self._next = 0
        self._index = 0
        self._dropped = 0
        self._gaps: deque[tuple[int, int]] = deque(maxlen=_MOST_GAPS)
        self._behind_next: int | None = None
        self._behind_run = 0

    def advance(self, boot_id: int, sequence: int, count: int, dropped: int) -> SequenceStep:
        """Take the numbers of the next frame; ``count`` may be 0 for a frame that only tells how far the device is."""
        if self._boot_id is None:
            self._boot_id = boot_id
            self._move(sequence, count, dropped)
            return SequenceStep(0)
        if boot_id != self._boot_id:
            return self._restart(boot_id, sequence, count, dropped)
        ahead = (sequence - self._next) % _MODULUS
        if ahead >= _MODULUS // 2:
            return self._behind(boot_id, sequence, count, dropped)
        self._behind_run = 0
        by_device = min((dropped - self._dropped) % _DROPPED_MODULUS, ahead)
        self._index += ahead
        if ahead:
            self._gaps.append((self._index - ahead, self._index))
        index = self._index
        self._move(sequence, count, dropped)
        return SequenceStep(index, lost=ahead, dropped=by_device)

    def _move(self, sequence: int, count: int, dropped: int) -> None:
        """Expect what follows a frame."""
        self._next = (sequence + count) % _MODULUS
        self._index += count
        self._dropped = dropped

    def _restart(self, boot_id: int, sequence: int, count: int, dropped: int) -> SequenceStep:
        """Begin anew with a device that did: what it took since then and did not arrive is lost."""
        self._boot_id = boot_id
        self._gaps.clear()
        self._behind_run = 0
        self._index += sequence
        index = self._index
        if sequence:
            self._gaps.append((index - sequence, index))
        self._move(sequence, count, dropped)
        return SequenceStep(index, lost=sequence, dropped=min(dropped, sequence), restarted=True)

    def _behind(self, boot_id: int, sequence: int, count: int, dropped: int) -> SequenceStep:
        """Judge a frame whose number was passed: late, a repetition, or a restart under the same boot id."""
        self._behind_run = self._behind_run + 1 if sequence == self._behind_next else 1
        self._behind_next = (sequence + count) % _MODULUS
        if count and self._behind_run >= _RESTART_RUN:
            return self._restart(boot_id, sequence, count, dropped)
        start = self._index - (self._next - sequence) % _MODULUS
        late = self._fill(start, start + count)
        return SequenceStep(self._index, repeated=count - late, late=late, usable=False)

    def _fill(self, start: int, stop: int) -> int:
        """Return how many samples of a frame were missing, and note that they are not any more."""
        filled, gaps = 0, []
        for gap_start, gap_stop in self._gaps:
            first, last = max(start, gap_start), min(stop, gap_stop)
            if first >= last:
                gaps.append((gap_start, gap_stop))
                continue
            filled += last - first
            gaps += [gap for gap in ((gap_start, first), (last, gap_stop)) if gap[0] < gap[1]]
        self._gaps = deque(gaps, maxlen=_MOST_GAPS)
        return filled
