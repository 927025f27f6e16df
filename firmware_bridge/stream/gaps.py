"""Short holes in a stream are bridged by a straight line, and marked; longer ones and those of unknown size are not."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgehar.firmware_bridge.stream.samples import SampleBlock

_SIZE_TOLERANCE: Final = 0.5
"""Periods by which the times on both sides of a hole may disagree with the number of samples it is said to hold."""


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """Samples (n, 3) and times (n,) without a hole, ``filled`` (n,) marking those that were interpolated.

    ``continues`` tells whether they follow the stretch before.
    """

    samples_g: NDArray[np.float32]
    times_s: NDArray[np.float64]
    filled: NDArray[np.bool_]
    continues: bool


class GapFiller:
    """Turn blocks into stretches, bridging holes of up to ``longest_s``.

    A hole is bridged only if it is known how many samples it swallowed, and the times on both sides say the same.

    Parameters
    ----------
    longest_s
        The longest hole to bridge; 0 bridges none.

    Examples
    --------
    >>> gaps = GapFiller(longest_s=0.05)
    >>> before = SampleBlock(np.zeros((2, 3), np.float32), np.array([0.0, 0.01]), arrived_s=0.0)
    >>> after = SampleBlock(np.ones((1, 3), np.float32), np.array([0.03]), arrived_s=0.0, lost=1, continues=False)
    >>> gaps.take(before, period_s=0.01).continues
    True
    >>> stretch = gaps.take(after, period_s=0.01)
    >>> stretch.continues, stretch.samples_g[:, 0].tolist(), stretch.filled.tolist()
    (True, [0.5, 1.0], [True, False])
    """

    def __init__(self, *, longest_s: float = 0.0) -> None:
        self._longest_s = longest_s
        self._lost = 0
        self._unknown = False
        self._last: tuple[NDArray[np.float32], float] | None = None
        self._filled = 0

    @property
    def filled(self) -> int:
        """Samples interpolated so far."""
        return self._filled

    def take(self, block: SampleBlock, *, period_s: float) -> Stretch:
        """Return the block's samples, with what was interpolated before them."""
        self._lost += block.lost
        self._unknown = self._unknown or (not block.continues and not block.lost)
        bridge = self._bridge(block, period_s) if self._lost and len(block.samples_g) else None
        samples_g, times_s = block.samples_g, block.times_s
        marks = np.zeros(len(samples_g), np.bool_)
        # Whether a hole can be bridged is known when a sample follows, unless it is too long already.
        judged = len(block.samples_g) > 0 or self._lost * period_s > self._longest_s
        broken = bridge is None and (self._unknown or (self._lost > 0 and judged))
        if bridge is not None:
            samples_g, times_s = np.concatenate([bridge[0], samples_g]), np.concatenate([bridge[1], times_s])
            marks = np.concatenate([np.ones(len(bridge[0]), np.bool_), marks])
            self._filled += len(bridge[0])
        if len(block.samples_g):
            self._last = (block.samples_g[-1], float(block.times_s[-1]))
            self._lost, self._unknown = 0, False
        return Stretch(samples_g, times_s, marks, continues=not broken)

    def _bridge(self, block: SampleBlock, period_s: float) -> tuple[NDArray[np.float32], NDArray[np.float64]] | None:
        """Return samples and times across the hole, or None where it cannot be bridged."""
        if self._last is None or self._unknown or self._lost * period_s > self._longest_s:
            return None
        (before_g, before_s), after_s = self._last, float(block.times_s[0])
        if abs((after_s - before_s) / period_s - 1 - self._lost) > _SIZE_TOLERANCE:
            return None
        shares = np.arange(1, self._lost + 1)[:, np.newaxis] / (self._lost + 1)
        made_g = before_g * (1 - shares) + block.samples_g[0] * shares
        return made_g.astype(np.float32), before_s + shares[:, 0] * (after_s - before_s)
