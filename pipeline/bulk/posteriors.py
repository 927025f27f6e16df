"""Windows of a part of a recording, classified in batches, with what is doubtful about each.

What comes out depends on the samples alone: not on how they are cut into blocks, parts and batches.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from edgehar.models.batch_decoding import window_sums
from edgehar.models.bundle.manifest import Manifest, PushSpec, WindowSpec
from edgehar.models.decoder.push import AT_REST, PushState
from edgehar.models.engines import Engine
from edgehar.pipeline.bulk.decoding import keeps_only_the_best
from edgehar.pipeline.bulk.listening import Heard, Listener
from edgehar.pipeline.bulk.stretches import Samples, Stretch
from edgehar.pipeline.bulk.wear import BLOCK_S, still_blocks

BATCH_WINDOWS: Final = 1024
"""All windows of a block, where they overlap by half: fewer calls save more than a smaller cache does."""
PLAUSIBLE_NORM_G: Final = (0.70, 1.41)
"""The mean vector of a window of a worn sensor is so long; as in `har live`."""

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """What was found of consecutive windows of one stretch.

    Parameters
    ----------
    stretch
        Number of the stretch within its recording.
    best, peaks
        The most probable class of every window by itself, and its probability.
    posteriors
        Of every class; None where the decoder looks at the best only.
    heard
        What a decoder that listens for elevators heard, or None.
    doubtful
        Windows whose mean acceleration is not as long as gravity.
    filled
        Samples of each window that were filled in.
    starts_s
        When each window begins, in s since the recording began.
    still, still_s
        Which blocks of ten seconds are still, and when each begins.
    """

    stretch: int
    best: npt.NDArray[np.int16]
    peaks: npt.NDArray[np.float32]
    posteriors: npt.NDArray[np.float32] | None
    heard: Heard | None
    doubtful: npt.NDArray[np.bool_]
    filled: npt.NDArray[np.int16]
    starts_s: npt.NDArray[np.float64]
    still: npt.NDArray[np.bool_]
    still_s: npt.NDArray[np.float64]

    def __len__(self) -> int:
        """Windows in the part."""
        return len(self.best)


@dataclass(frozen=True, slots=True)
class Cut:
    """Windows ``first`` to ``stop`` of a stretch; ``stop`` is None for all that follow."""

    stretch: int
    first: int = 0
    stop: int | None = None

    def samples(self, hop: int) -> int | None:
        """Samples from where it begins to where the next one does; None where none follows."""
        return None if self.stop is None else (self.stop - self.first) * hop


def listener_of(
    push: PushSpec, window: WindowSpec, cut: Cut, *, hop: int, early: int = 0, state: PushState = AT_REST
) -> Listener:
    """Return what listens to a part; see `Listener`."""
    ends = (window.length - 1, hop)
    return Listener(push, rate_hz=window.rate_hz, early=early, samples=cut.samples(hop), ends=ends, state=state)


def classify_part(
    engine: Engine,
    manifest: Manifest,
    blocks: Iterable[Samples],
    stretch: Stretch,
    cut: Cut,
    *,
    hop: int,
    early: int = 0,
) -> Part:
    """Classify the windows of a part.

    Parameters
    ----------
    engine, manifest
        The model.
    blocks
        Samples at the model's rate, from ``early`` before the first window on; their memory may be used again.
    stretch, cut
        Where they come from.
    hop
        Samples from one window to the next.
    early
        Samples before the first window, which are only listened to.
    """
    window, push = manifest.window, manifest.decoder.push
    batches = _Batches(engine, manifest, hop)
    still = _Still(window.rate_hz, cut.samples(hop))
    ears = None if push is None else listener_of(push, window, cut, hop=hop, early=early)
    for block in blocks:
        if ears is not None:
            ears.feed(block)
        passed = min(early, len(block))
        early -= passed
        batches.feed(block[passed:])
        still.feed(block[passed:])
    ratio = manifest.window.rate_hz / stretch.rate_hz if len(stretch) else 1.0
    ratio = 1.0 if abs(ratio - 1.0) < 0.006 else ratio
    starts = (cut.first + np.arange(batches.count, dtype=np.int64)) * hop
    still_starts = cut.first * hop + np.arange(len(still.found), dtype=np.int64) * still.rows
    return Part(
        cut.stretch,
        _joined(batches.best, np.int16),
        _joined(batches.peaks, np.float32),
        None if batches.only_best else _joined(batches.posteriors, np.float32).reshape(-1, len(manifest.labels)),
        None if ears is None else ears.heard(batches.count),
        _joined(batches.doubtful, np.bool_),
        stretch.filled(starts, manifest.window.length, ratio=ratio).astype(np.int16),
        _seconds(stretch, starts, ratio, manifest.window.rate_hz),
        np.array(still.found, np.bool_),
        _seconds(stretch, still_starts, ratio, manifest.window.rate_hz),
    )


def _joined(parts: list[npt.NDArray[Any]], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Return parts as one array."""
    return np.concatenate(parts) if parts else np.empty(0, dtype)


def _seconds(stretch: Stretch, starts: Counts, ratio: float, rate_hz: float) -> npt.NDArray[np.float64]:
    """Return when samples at the model's rate were taken."""
    if ratio == 1.0:
        return stretch.seconds(starts)
    return np.asarray(stretch.seconds(np.zeros(1, np.int64))[0] + starts / rate_hz, np.float64)


class _Batches:
    """Windows from samples in any blocks, classified so many at a time."""

    def __init__(self, engine: Engine, manifest: Manifest, hop: int) -> None:
        window = manifest.window
        self.only_best = keeps_only_the_best(manifest.decoder)
        self.count = 0
        self.best: list[npt.NDArray[np.int16]] = []
        self.peaks: list[npt.NDArray[np.float32]] = []
        self.posteriors: list[npt.NDArray[np.float32]] = []
        self.doubtful: list[npt.NDArray[np.bool_]] = []
        self._engine, self._length, self._hop, self._channels = engine, window.length, hop, len(window.channels)
        self._held = np.empty((0, self._channels), np.float32)
        # The same memory for every batch: to touch new memory takes longer than to copy into it.
        self._windows = np.empty((0, self._channels * self._length), np.float32)
        self._skip = 0

    def feed(self, block: Samples) -> None:
        """Take the next samples."""
        if self._skip:
            passed = min(self._skip, len(block))
            block, self._skip = block[passed:], self._skip - passed
        held = np.concatenate([self._held, block]) if len(self._held) else np.ascontiguousarray(block, np.float32)
        count = max(0, (len(held) - self._length) // self._hop + 1)
        if count:
            views = np.lib.stride_tricks.sliding_window_view(held.reshape(-1), self._channels * self._length)
            views = views[:: self._channels * self._hop]
            for first in range(0, count, BATCH_WINDOWS):
                some = views[first : min(count, first + BATCH_WINDOWS)]
                if len(some) > len(self._windows):
                    self._windows = np.empty(some.shape, np.float32)
                self._windows[: len(some)] = some
                self._classify(self._windows[: len(some)])
            self._doubt(held)
        used = count * self._hop
        self._skip += max(0, used - len(held))
        self._held = held[used:].copy()

    def _classify(self, flat: npt.NDArray[np.float32]) -> None:
        """Classify windows, each as one row."""
        posteriors = self._engine.predict(flat.reshape(len(flat), self._length, self._channels))
        best = posteriors.argmax(axis=1)
        self.best.append(best.astype(np.int16))
        self.peaks.append(posteriors[np.arange(len(best)), best])
        if not self.only_best:
            self.posteriors.append(posteriors)
        self.count += len(flat)

    def _doubt(self, samples: Samples) -> None:
        """Find windows whose mean vector is not as long as gravity."""
        means = window_sums(samples, length=self._length, hop=self._hop)[0] / self._length
        norms = np.linalg.norm(means, axis=1)
        low, high = PLAUSIBLE_NORM_G
        self.doubtful.append((norms < low) | (norms > high))


class _Still:
    """Blocks of ten seconds from samples in any blocks, and whether each is still."""

    def __init__(self, rate_hz: float, most_rows: int | None) -> None:
        self.rows = round(BLOCK_S * rate_hz)
        self.found: list[bool] = []
        self._left = most_rows
        self._held = np.empty((0, 3), np.float32)

    def feed(self, block: Samples) -> None:
        """Take the next samples."""
        if self._left is not None:
            block = block[: self._left]
            self._left -= len(block)
        if len(self._held):
            block = np.concatenate([self._held, block])
        whole = len(block) // self.rows
        if whole:
            self.found += still_blocks(block[: whole * self.rows].reshape(whole, self.rows, -1)).tolist()
        self._held = block[whole * self.rows :].copy()
