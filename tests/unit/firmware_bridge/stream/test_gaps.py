"""Bridging: only holes whose size is known and short, and every made-up sample marked."""

import dataclasses

import numpy as np
import pytest

from edgehar.firmware_bridge.stream.gaps import GapFiller
from edgehar.firmware_bridge.stream.samples import SampleBlock
from edgehar.firmware_bridge.text.source import TextSource
from edgehar.models.units import parse_unit

PERIOD_S = 0.01


def block(first: int, count: int, *, lost: int = 0, continues: bool = True) -> SampleBlock:
    """Return samples number ``first`` and following, each axis its own number."""
    numbers = np.arange(first, first + count)
    samples = np.repeat(numbers[:, np.newaxis], 3, axis=1).astype(np.float32)
    return SampleBlock(samples, numbers * PERIOD_S, arrived_s=0.0, lost=lost, continues=continues)


@pytest.mark.parametrize("lost", [1, 3, 5])
def test_a_short_hole_is_a_marked_straight_line(lost: int) -> None:
    gaps = GapFiller(longest_s=0.05)
    gaps.take(block(0, 10), period_s=PERIOD_S)
    stretch = gaps.take(block(10 + lost, 4, lost=lost, continues=False), period_s=PERIOD_S)
    assert stretch.continues
    assert stretch.samples_g[:, 0] == pytest.approx(np.arange(10, 14 + lost))
    assert stretch.times_s == pytest.approx(np.arange(10, 14 + lost) * PERIOD_S)
    assert stretch.filled.tolist() == [True] * lost + [False] * 4
    assert gaps.filled == lost


@pytest.mark.parametrize(
    "after",
    [
        block(16, 4, lost=6, continues=False),
        block(13, 4, lost=1, continues=False),
        block(10, 4, continues=False),
    ],
    ids=["too long", "the times say another size", "unknown size"],
)
def test_other_holes_are_holes(after: SampleBlock) -> None:
    gaps = GapFiller(longest_s=0.05)
    gaps.take(block(0, 10), period_s=PERIOD_S)
    stretch = gaps.take(after, period_s=PERIOD_S)
    assert not stretch.continues
    assert not stretch.filled.any()
    assert len(stretch.samples_g) == 4


def test_the_news_of_a_loss_may_come_before_the_samples() -> None:
    gaps = GapFiller(longest_s=0.05)
    gaps.take(block(0, 10), period_s=PERIOD_S)
    # A line without numbers that is read alone is such news; it must not end the window that the bridge saves.
    assert gaps.take(block(0, 0, lost=2, continues=False), period_s=PERIOD_S).continues
    stretch = gaps.take(block(12, 1), period_s=PERIOD_S)
    assert stretch.continues
    assert stretch.filled.tolist() == [True, True, False]
    assert not gaps.take(block(0, 0, lost=6, continues=False), period_s=PERIOD_S).continues


def test_nothing_is_bridged_unless_asked() -> None:
    gaps = GapFiller()
    gaps.take(block(0, 10), period_s=PERIOD_S)
    assert not gaps.take(block(11, 1, lost=1, continues=False), period_s=PERIOD_S).continues


def test_a_device_that_began_anew_leaves_a_hole_of_unknown_size() -> None:
    source, gaps = TextSource(unit=parse_unit("g"), rate_hz=100.0), GapFiller(longest_s=0.5)
    ticks = [*range(1_000_000, 1_300_000, 10_000), *range(0, 100_000, 10_000)]
    lines = "t_us,x,y,z\n" + "".join(f"{tick},0,0,1\n" for tick in ticks)
    blocks = source.feed(lines.encode(), 0.0).blocks
    stretches = [gaps.take(each, period_s=PERIOD_S) for each in blocks]
    assert source.counts.restarts == 1
    assert gaps.filled == 0
    assert not stretches[-1].continues


@pytest.mark.parametrize(
    ("periods", "bridged"), [(0.45, True), (0.55, False), (0.9, False), (-0.45, True), (-0.55, False)]
)
def test_the_times_must_agree_with_the_size_of_a_hole_to_half_a_period(periods: float, bridged: bool) -> None:
    gaps = GapFiller(longest_s=0.05)
    gaps.take(block(0, 10), period_s=PERIOD_S)
    after = block(12, 4, lost=2, continues=False)
    shifted = dataclasses.replace(after, times_s=after.times_s + periods * PERIOD_S)
    stretch = gaps.take(shifted, period_s=PERIOD_S)
    assert (stretch.continues, int(stretch.filled.sum())) == ((True, 2) if bridged else (False, 0))


def test_a_stream_that_has_just_begun_continues_and_one_that_begins_with_a_loss_does_not() -> None:
    gaps = GapFiller(longest_s=0.05)
    assert gaps.take(block(0, 10), period_s=PERIOD_S).continues
    assert gaps.take(block(10, 10), period_s=PERIOD_S).continues
    fresh = GapFiller(longest_s=0.05)
    stretch = fresh.take(block(0, 10, lost=2, continues=False), period_s=PERIOD_S)
    assert (stretch.continues, fresh.filled) == (False, 0)
    assert fresh.take(block(10, 10), period_s=PERIOD_S).continues, "the loss is dealt with"


def test_a_known_loss_behind_one_of_unknown_size_is_not_bridged() -> None:
    gaps = GapFiller(longest_s=0.05)
    gaps.take(block(0, 10), period_s=PERIOD_S)
    gaps.take(block(0, 0, continues=False), period_s=PERIOD_S)
    assert not gaps.take(block(12, 4, lost=2, continues=False), period_s=PERIOD_S).continues
    assert gaps.take(block(17, 1, lost=1, continues=False), period_s=PERIOD_S).continues, "that is over"
