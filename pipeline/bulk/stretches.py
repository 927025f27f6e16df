"""What lies between two gaps of a recording: its rows, short holes filled with a straight line, and its times.

A stretch is read piece by piece, at its own rate or at the model's; windows of a stretch do not know how it was read.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from edgehar.models.resampling import rates_agree
from edgehar.pipeline.data.rate_conversion import resample_blocks
from edgehar.pipeline.data.recordings import Recording

BLOCK_ROWS: Final = 2**16
KNOWN_EVERY: Final = 2**20
"""Rows of a recording whose times are kept; between two, a sensor's clock runs evenly."""

Samples = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]
ReadRows = Callable[[int, int], Samples]
"""Returns rows ``start`` to ``stop`` of a recording, in g."""


@dataclass(frozen=True, slots=True)
class Hole:
    """``length`` samples that are missing before sample ``at`` of a stretch, and are filled with a straight line."""

    at: int
    length: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """Samples without a gap, counted from 0; the filled ones count too.

    Parameters
    ----------
    first_row
        Row of the recording at which it begins.
    rows
        How many rows it has.
    holes
        What is filled in, in order.
    known_rows, known_s
        Rows of the stretch, and when each was taken, in s since the recording began; between two, time runs evenly.
    """

    first_row: int
    rows: int
    holes: tuple[Hole, ...] = ()
    known_rows: tuple[int, ...] = (0,)
    known_s: tuple[float, ...] = (0.0,)
    rate_hz: float = 100.0

    def __len__(self) -> int:
        """Samples, filled ones included."""
        return self.rows + sum(hole.length for hole in self.holes)

    def seconds(self, samples: npt.NDArray[np.int64]) -> Floats:
        """Return when samples were taken, in s since the recording began."""
        rows = samples.astype(np.float64)
        for hole in reversed(self.holes):
            inside = (samples >= hole.at) & (samples < hole.at + hole.length)
            rows = np.where(samples >= hole.at + hole.length, rows - hole.length, rows)
            share = (samples - hole.at + 1) / (hole.length + 1)
            rows = np.where(inside, hole.at - 1 + share, rows)
        if len(self.known_rows) == 1:
            return np.asarray(self.known_s[0] + rows / self.rate_hz, np.float64)
        told = np.interp(rows, self.known_rows, self.known_s)
        beyond = np.maximum(0.0, rows - self.known_rows[-1])
        return np.asarray(told + beyond / self.rate_hz, np.float64)

    def read(self, rows: ReadRows, start: int, stop: int) -> Samples:
        """Return samples ``start`` to ``stop``, filled where there are holes."""
        if not self.holes:
            return rows(self.first_row + start, self.first_row + stop)
        parts: list[Samples] = []
        at, row = 0, 0
        for hole in (*self.holes, Hole(len(self), 0)):
            low, high = max(start, at), min(stop, hole.at)
            if low < high:
                parts.append(rows(self.first_row + row + low - at, self.first_row + row + high - at))
            row += hole.at - at
            low, high = max(start, hole.at), min(stop, hole.at + hole.length)
            if low < high:
                edges = rows(self.first_row + row - 1, self.first_row + row + 1).astype(np.float64)
                share = (np.arange(low, high) - hole.at + 1)[:, np.newaxis] / (hole.length + 1)
                parts.append((edges[0] + (edges[1] - edges[0]) * share).astype(np.float32))
            at = hole.at + hole.length
        return np.concatenate(parts)

    def span(self, start: int, stop: int) -> tuple[int, int]:
        """Return rows of the recording that hold all that samples ``start`` to ``stop`` are made from."""
        before = sum(min(hole.length, max(0, start - hole.at)) for hole in self.holes)
        until = sum(min(hole.length, max(0, stop - hole.at)) for hole in self.holes)
        low, high = max(0, start - before - 1), min(self.rows, stop - until + 1)
        return self.first_row + low, self.first_row + high

    def filled(self, starts: npt.NDArray[np.int64], length: int, *, ratio: float = 1.0) -> npt.NDArray[np.int64]:
        """Return how many samples of windows are filled in; at another rate than the stretch's, by their share."""
        found = np.zeros(len(starts), np.int64)
        for hole in self.holes:
            first, last = round(hole.at * ratio), round((hole.at + hole.length) * ratio)
            found += np.clip(np.minimum(starts + length, last) - np.maximum(starts, first), 0, None)
        return found


def read_forward(
    stretch: Stretch, blocks: Iterator[Samples], first_row: int, start: int, stop: int
) -> Iterator[Samples]:
    """Yield samples ``start`` to ``stop`` of a stretch, in order, from its rows in order; the memory is used again.

    Parameters
    ----------
    stretch
        What is read.
    blocks
        Rows of the recording from ``first_row`` on, in g; each may use the memory of the one before it.
    first_row
        As `Stretch.span` says.
    start, stop
        Samples.
    """
    if not stretch.holes:
        skip, left = stretch.first_row + start - first_row, stop - start
        for block in blocks:
            passed = min(skip, len(block))
            part = block[passed : passed + left]
            skip, left = skip - passed, left - len(part)
            if len(part):
                yield part
        return
    rows = _Following(blocks, first_row)
    for begin in range(start, stop, BLOCK_ROWS):
        yield stretch.read(rows, begin, min(stop, begin + BLOCK_ROWS))


class _Following:
    """Rows from blocks that come in order: those asked for, and a few before them for the edges of holes."""

    def __init__(self, blocks: Iterator[Samples], first_row: int) -> None:
        self._blocks, self._first = blocks, first_row
        self._held = np.empty((0, 3), np.float32)

    def __call__(self, start: int, stop: int) -> Samples:
        """Return rows; no call asks for any that lie more than two before those of an earlier one."""
        passed = min(max(0, start - 2 - self._first), len(self._held))
        kept = [self._held[passed:]]
        self._first += passed
        count = len(kept[0])
        while self._first + count < stop and (block := next(self._blocks, None)) is not None:
            kept.append(block.copy())
            count += len(block)
        self._held = np.concatenate(kept)
        return self._held[start - self._first : stop - self._first]


def stretches_of(recording: Recording, *, bridge_s: float) -> list[Stretch]:
    """Return the stretches of a recording that is in memory or mapped."""
    stamps = recording.timestamps_s
    bounds = [0, *recording.gaps, len(recording)]
    times = None if stamps is None else (lambda row: float(stamps[row] - stamps[0]))
    return joined_stretches(bounds, times, rate_hz=recording.rate_hz, bridge_s=bridge_s)


def joined_stretches(
    bounds: list[int], seconds: Callable[[int], float] | None, *, rate_hz: float, bridge_s: float
) -> list[Stretch]:
    """Return stretches from the rows at which gaps are, joined where a hole is short and its size is known.

    Parameters
    ----------
    bounds
        0, the rows before which samples are missing, and the number of rows.
    seconds
        When a row was taken, in s since the recording began; None where nobody knows: then no hole is bridged.
    rate_hz
        Of the recording.
    bridge_s
        The longest hole to fill.
    """
    groups: list[list[tuple[int, int, int]]] = []
    for start, stop in pairwise(bounds):
        missing = 0
        if seconds is not None and groups:
            hole_s = seconds(start) - seconds(start - 1)
            missing = round(hole_s * rate_hz) - 1
        if groups and 0 < missing <= bridge_s * rate_hz + 1e-6:
            groups[-1].append((start, stop, missing))
        else:
            groups.append([(start, stop, 0)])
    return [_stretch(group, seconds, rate_hz) for group in groups]


def _stretch(group: list[tuple[int, int, int]], seconds: Callable[[int], float] | None, rate_hz: float) -> Stretch:
    """Return the stretch that pieces and the holes between them make."""
    first, last = group[0][0], group[-1][1]
    holes, filled = [], 0
    for start, _, missing in group[1:]:
        holes.append(Hole(start - first + filled, missing))
        filled += missing
    if seconds is None:
        return Stretch(first, last - first, tuple(holes), (0,), (first / rate_hz,), rate_hz)
    known = {first, last - 1, *range(-(-first // KNOWN_EVERY) * KNOWN_EVERY, last, KNOWN_EVERY)}
    known |= {row for start, _, _ in group[1:] for row in (start - 1, start)}
    rows = sorted(known)
    return Stretch(
        first, last - first, tuple(holes), tuple(row - first for row in rows), tuple(map(seconds, rows)), rate_hz
    )


def at_rate(stretch: Stretch, rows: ReadRows, *, to_hz: float, stamps_s: Floats | None = None) -> Iterator[Samples]:
    """Yield the samples of a stretch at the model's rate, block by block.

    Parameters
    ----------
    stretch, rows
        What to read, and how.
    to_hz
        The model's rate.
    stamps_s
        When every row of the recording was taken, if its file says so.
    """
    if rates_agree(stretch.rate_hz, to_hz):
        for start in range(0, len(stretch), BLOCK_ROWS):
            yield stretch.read(rows, start, min(len(stretch), start + BLOCK_ROWS))
        return
    yield from resample_blocks(
        partial(stretch.read, rows), _times(stretch, stamps_s), len(stretch), from_hz=stretch.rate_hz, to_hz=to_hz
    )


def rows_of(recording: Recording) -> ReadRows:
    """Return how to read the acceleration of a recording, row by row."""
    samples: npt.NDArray[Any] = recording.samples
    return lambda start, stop: np.ascontiguousarray(samples[start:stop, :3], np.float32)


def _times(stretch: Stretch, stamps_s: Floats | None) -> Callable[[int, int], Floats] | None:
    """Return how to read when samples were taken: as the file says, and between its samples where holes are filled."""
    if stamps_s is None:
        return None
    if not stretch.holes:
        return lambda start, stop: np.asarray(stamps_s[stretch.first_row + start : stretch.first_row + stop])
    return lambda start, stop: stretch.seconds(np.arange(start, stop))
