"""What the times of one stretch of rows say: the rate, where samples are missing, and when each sample was taken.

Times in the wild are not what the word promises. The forms told apart here:

====================  ================================================================================================
even, or jittering    one step a sample; a step much longer than usual is a gap
bursts                samples share a stamp, or lie microseconds apart; then the time of the whole packet passes
rounded               whole seconds, or milliseconds above 500 Hz: equal stamps, steps that are multiples of one quantum
====================  ================================================================================================

In the last two, samples are spread evenly over the time of their packet; a packet whose time is longer than its samples
need is a gap.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from edgehar.models.sensor_limits import FASTEST_GUESS_HZ, SLOWEST_GUESS_HZ
from edgehar.pipeline.data.importing.spool import Column, Spool

SECONDS: Final = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
"""How long one step of a numeric time column may be."""
TIME_UNITS: Final = SECONDS | {"min": 60.0, "h": 3_600.0, "d": 86_400.0}
"""The same where it is written or declared: such long ones are not guessed."""

FASTEST_GUESSED_HZ: Final = 500.0
FEWEST_STAMPS: Final = 3

DATES_S: Final = (1.1e9, 2.2e9)
"""From 2004 to 2039, in seconds since 1970."""
_SLOWEST_S: Final = 20.0
_LOST_ONE: Final = 1.5
_FEW: Final = 0.001
_FEWEST_STEPS: Final = 8
_FEWEST_QUANTA: Final = 1.9
_NEAR_MULTIPLE: Final = 0.2
_MULTIPLES: Final = 0.97
_ON_AND_ON: Final = 0.7
_SAMPLED_STAMPS: Final = 512
_SAMPLED_ROWS: Final = 65_536
_SAMPLED_BLOCKS: Final = 12

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Steps:
    """What the steps between times are like, from some of them.

    Parameters
    ----------
    usual
        The time that passes per sample, in the unit of the times: robust against bursts, rounding, gaps and restarts.
    limit
        A longer step is a gap, where stamps are even.
    zero_share, short_share
        How many steps are 0, or less than a quarter of the usual one.
    first
        The first time.
    whole_ones
        Whether nearly every step is exactly 1: a row number, unless something says otherwise.
    stamps
        How many different times there are, of those that were looked at.
    """

    usual: float
    limit: float
    zero_share: float
    short_share: float
    first: float
    whole_ones: bool
    stamps: int

    @property
    def tells_rate(self) -> bool:
        """Whether there is a packet of which both ends are known: the first one may have begun before."""
        return self.stamps > FEWEST_STAMPS or not self.in_packets

    @property
    def in_packets(self) -> bool:
        """Whether samples share stamps or come in bursts."""
        return self.zero_share > _FEW or self.short_share > 0.2


@dataclass(frozen=True, slots=True, eq=False)
class Clock:
    """What the times of a recording say.

    Parameters
    ----------
    rate_hz
        Samples per second, gaps left out.
    gaps
        Samples before which time jumps.
    missing_s
        How long the jumps are together.
    in_packets
        Whether times were spread over packets.
    """

    rate_hz: float
    gaps: tuple[int, ...]
    missing_s: float
    in_packets: bool = False


def look_at_steps(times: Column, start: int, stop: int) -> Steps | None:
    """Return what the steps of some rows are like; None where time does not pass."""
    blocks = [block for block in _samples(times, start, stop) if len(block) > 1]
    if not blocks:
        return None
    blocks = [np.sort(block) if (np.diff(block) < 0).mean() > 0.02 else block for block in blocks]
    reach = min(64, max(1, (min(map(len, blocks)) - 1) // 4))
    long = np.concatenate([(block[reach:] - block[:-reach]) / reach for block in blocks])
    steps = np.concatenate([np.diff(block) for block in blocks])
    forward, long = steps[steps >= 0], long[long > 0]
    if not len(long) or not len(forward) or not forward.any():
        return None
    usual = float(np.median(long))
    if (forward == 0).mean() > 0.5:
        usual = _per_packet(max(blocks, key=len)) or usual
    middle = float(np.median(forward))
    most = middle if _are_multiples(forward, blocks[0]) else max(middle, float(np.quantile(forward, 0.9)))
    limit = _LOST_ONE * most
    return Steps(
        usual=usual,
        limit=limit,
        zero_share=float((forward == 0).mean()),
        short_share=float((forward < usual / 4).mean()),
        first=float(blocks[0][0]),
        whole_ones=bool((steps == 1).mean() > 0.999),
        stamps=1 + int((forward > 0).sum()),
    )


def _are_multiples(steps: Floats, stamps: Floats) -> bool:
    """Tell whether steps are one, two, three times the same: many samples are lost.

    Stamps that are rounded until they count steps look the same, as a rate that changes does, and are none of these.
    """
    middle = float(np.median(steps))
    if len(steps) < _FEWEST_STEPS or not middle or middle < _FEWEST_QUANTA * _resolution(stamps[:_SAMPLED_STAMPS]):
        return False
    ratio = steps / middle
    near = (np.abs(ratio - np.round(ratio)) < _NEAR_MULTIPLE) & (ratio > 1 - _NEAR_MULTIPLE)
    long = ratio > _LOST_ONE
    on_and_on = float((long[1:] & long[:-1]).mean()) > _ON_AND_ON * float(long.mean())
    return float(near.mean()) >= _MULTIPLES and not on_and_on


def _resolution(stamps: Floats) -> float:
    """Return the unit of the last digit that stamps are written with; 0 where they have more than nine."""
    for digits in range(10):
        scaled = stamps * 10.0**digits
        if np.abs(scaled - np.round(scaled)).max() < 1e-3 + 4 * float(np.spacing(np.abs(scaled).max())):
            return 10.0**-digits
    return 0.0


def guess_time_unit(step: float, first: float = 0.0) -> str | None:
    """Return the unit of times, by a date of our days in them, else by the only step that makes a believable rate.

    Steps that would be 500 Hz and more are not guessed: they may as well be those of a logger a thousand times slower.

    Parameters
    ----------
    step
        What passes per sample.
    first
        The first time.

    Examples
    --------
    >>> guess_time_unit(10.0), guess_time_unit(0.02), guess_time_unit(0.5)
    ('ms', 's', None)
    >>> guess_time_unit(1.0, 1.7e12)
    'ms'
    """
    for unit, seconds in SECONDS.items():
        if DATES_S[0] <= first * seconds <= DATES_S[1] and 1 / FASTEST_GUESS_HZ <= step * seconds <= _SLOWEST_S:
            return unit
    rates = {unit: 1.0 / (step * seconds) for unit, seconds in SECONDS.items()}
    return next((unit for unit, rate in rates.items() if SLOWEST_GUESS_HZ <= rate < FASTEST_GUESSED_HZ), None)


def read_clock(times: Column, start: int, stop: int, steps: Steps, out: Spool) -> Clock:
    """Read the times of rows that run forward, in s, and append when each sample was taken to ``out``.

    Returns
    -------
    Clock
        With gaps counted from ``start``.
    """
    return _packets(times, start, stop, steps, out) if steps.in_packets else _even(times, start, stop, steps, out)


def _per_packet(stamps: Floats) -> float:
    """Return the time per sample where most stamps are equal to the one before; 0 where there are too few others."""
    starts = np.flatnonzero(np.diff(stamps) > 0) + 1
    if len(starts) < 3:
        return 0.0
    return float(np.median(np.diff(stamps[starts]) / np.diff(starts)))


def _even(times: Column, start: int, stop: int, steps: Steps, out: Spool) -> Clock:
    """Read stamps of which each is the time of one sample."""
    gaps: list[int] = []
    regular_s, regular, jumped_s, at, last = 0.0, 0, 0.0, 0, -np.inf
    for block in times.blocks(start, stop, overlap=1):
        passed = np.diff(block)
        long = passed > steps.limit
        first = max(at, 1)
        gaps += (np.flatnonzero(long) + first).tolist()
        regular_s += float(passed[~long].sum())
        regular += int((~long).sum())
        jumped_s += float(passed[long].sum())
        last = _append_rising(out, block[1:] if at else block, last, steps.usual)
        at += len(block) - (1 if at else 0)
    rate_hz = regular / regular_s if regular_s else 1.0 / steps.usual
    return Clock(round(rate_hz, 4) or rate_hz, tuple(gaps), jumped_s - len(gaps) / rate_hz)


def _packets(times: Column, start: int, stop: int, steps: Steps, out: Spool) -> Clock:
    """Read stamps that several samples share, block by block."""
    gaps: list[int] = []
    weights: list[int] = []
    periods: list[float] = []
    missing_s, at, done, last = 0.0, 0, 0, -np.inf
    held = np.empty(0)
    for block in times.blocks(start, stop):
        held = np.concatenate([held, block])
        is_last = at + len(held) == stop - start
        packets = _Packets(held, steps)
        if not is_last and len(packets.starts) < 3:
            continue
        # The last packet goes on in the next block; the one before it comes along, so that their distance is known.
        cut = len(held) if is_last else int(packets.starts[-1])
        last = _append_rising(out, packets.spread()[done - at : cut], last, steps.usual)
        gaps += [at + gap for gap in packets.gaps]
        missing_s += packets.missing_s
        weights.append(packets.counted)
        periods.append(packets.period_s)
        done = at + cut
        if not is_last:
            first = int(packets.starts[-2])
            held, at = held[first:], at + first
    period = float(np.average(periods, weights=weights))
    return Clock(round(1.0 / period, 4) or 1.0 / period, tuple(gaps), missing_s, in_packets=True)


def _append_rising(out: Spool, stamps: Floats, last: float, usual: float) -> float:
    """Append times, each later than the one before by a thousandth of a step at least; return the last one."""
    if not len(stamps):
        return last
    if stamps[0] > last and (stamps[1:] > stamps[:-1]).all():
        out.append(stamps)
        return float(stamps[-1])
    least = max(usual * 1e-3, 4 * float(np.spacing(np.abs(stamps).max())))
    grid = least * np.arange(len(stamps))
    rising = np.maximum.accumulate(np.maximum(stamps - grid, last + least if np.isfinite(last) else -np.inf)) + grid
    out.append(rising)
    return float(rising[-1])


class _Packets:
    """A block of stamps, taken apart into packets that begin where time moves on."""

    def __init__(self, stamps: Floats, steps: Steps) -> None:
        self._stamps = stamps
        moved = np.diff(stamps) > (0 if steps.short_share <= steps.zero_share * 1.2 else steps.usual / 4)
        self.starts = np.concatenate([[0], np.flatnonzero(moved) + 1])
        self._counts = np.diff(self.starts)
        self._times = np.diff(stamps[self.starts])
        self.period_s = self._period(steps)
        # The first packet may have begun before the recording, and tells nothing.
        lacking = self._times[1:] / self.period_s - self._counts[1:] if len(self._counts) > 1 else np.empty(0)
        long = np.flatnonzero(lacking > self._tolerance()) + 1
        self.gaps = tuple(self.starts[long + 1].tolist())
        self.missing_s = float((self._times[long] - self._counts[long] * self.period_s).sum())
        self.counted = max(1, int(self._counts.sum()))
        self._long = long

    def _period(self, steps: Steps) -> float:
        """Return the time of one sample."""
        whole = slice(1, None) if len(self._counts) > 2 else slice(None)
        if not len(self._counts):
            return steps.usual
        per_sample = self._times[whole] / self._counts[whole]
        good = np.abs(self._times[whole] / steps.usual - self._counts[whole]) <= np.maximum(
            1.5, 0.75 * np.median(self._counts)
        )
        if good.all() and len(per_sample) >= 8:
            starts = self.starts[1:].astype(np.float64)
            slope = np.polynomial.polynomial.polyfit(
                starts - starts[0], self._stamps[self.starts[1:]] - self._stamps[0], 1
            )
            return float(slope[1])
        if not good.any():
            return steps.usual
        return float(self._times[whole][good].sum() / self._counts[whole][good].sum())

    def _tolerance(self) -> float:
        """Return how many samples a packet may seem to lack without a gap."""
        middle = float(np.median(self._counts)) if len(self._counts) else 1.0
        if middle >= 10 and self._is_rounded():
            return max(2.0, 0.1 * middle)
        return max(0.5 * middle, 1.2 if middle > 1 or (self._counts > 1).mean() > 0.1 else 0.6)

    def _is_rounded(self) -> bool:
        """Tell whether all packets last a multiple of the shortest one."""
        quantum = float(self._times.min())
        ratio = self._times / quantum
        return bool(np.abs(ratio - np.round(ratio)).max() < 0.01)

    def spread(self) -> Floats:
        """Return the time of every sample: on a straight line where stamps lie near it, else packet by packet."""
        edges = [0, *self.gaps, len(self._stamps)]
        parts = [self._spread(first, stop) for first, stop in pairwise(edges)]
        return np.concatenate(parts)

    def _spread(self, first: int, stop: int) -> Floats:
        """Return the times of samples without a gap."""
        inside = (self.starts >= first) & (self.starts < stop)
        starts, stamps = self.starts[inside], self._stamps[self.starts[inside]]
        grid = np.arange(stop - first) * self.period_s
        offset = stamps - grid[starts - first]
        # A packet that began before the recording bears a stamp that is too early.
        base = float(np.median(offset[1:])) if len(offset) > 2 else float(offset[0])
        longest = max(float(np.median(self._times)) if len(self._times) else 0.0, self.period_s)
        if np.abs(offset[1:] - base).max(initial=0.0) <= 1.5 * longest:
            return np.asarray(base + grid, np.float64)
        known = np.append(starts, stop)
        told = np.append(stamps, stamps[-1] + (stop - starts[-1]) * self.period_s)
        spread: Floats = np.interp(np.arange(first, stop), known, told)
        return spread


def _samples(times: Column, start: int, stop: int) -> Iterable[Floats]:
    """Yield some stretches of the times, spread over all rows."""
    rows = stop - start
    if rows <= _SAMPLED_ROWS * _SAMPLED_BLOCKS:
        yield times.read(start, stop)
        return
    for at in np.linspace(start, stop - _SAMPLED_ROWS, _SAMPLED_BLOCKS).astype(int).tolist():
        yield times.read(at, at + _SAMPLED_ROWS)
