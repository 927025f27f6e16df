"""Sample numbers: loss, repetition, lateness and restarts, held to a model that knows what was sent; and the edges."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgehar.firmware_bridge.frames.sequence import SequenceStep, SequenceTracker

WINDOW = 2**31
"""A number that is further ahead than this is one that has passed."""


def begun(sequence: int = 0, count: int = 10, *, dropped: int = 0, boot_id: int = 1) -> SequenceTracker:
    """Return a tracker that has seen one frame."""
    tracker = SequenceTracker()
    assert tracker.advance(boot_id, sequence, count, dropped) == SequenceStep(0)
    return tracker


@pytest.mark.parametrize("first", [0, 7, 2**32 - 10, 2**31 - 5])
def test_the_edge_of_the_window(first: int) -> None:
    following = (first + 10) % 2**32
    step = begun(first).advance(1, (following + WINDOW - 1) % 2**32, 10, 0)
    assert (step.lost, step.usable, step.index) == (WINDOW - 1, True, 10 + WINDOW - 1)
    step = begun(first).advance(1, (following + WINDOW) % 2**32, 10, 0)
    assert (step.lost, step.usable, step.repeated) == (0, False, 10)


@pytest.mark.parametrize(
    ("before", "now", "lost", "dropped"),
    [
        (0, 7, 20, 7),
        (0, 20, 20, 20),
        (0, 500, 20, 20),
        (2**16 - 3, 4, 20, 7),
        (0, 300, 400, 300),
        (5, 5, 20, 0),
        (5, 4, 20, 20),
        (0, 9, 0, 0),
    ],
)
def test_a_device_has_dropped_what_it_says_and_never_more_than_is_missing(
    before: int, now: int, lost: int, dropped: int
) -> None:
    step = begun(dropped=before).advance(1, 10 + lost, 10, now)
    assert (step.lost, step.dropped) == (lost, dropped)


@pytest.mark.parametrize(("sequence", "said", "dropped"), [(0, 0, 0), (30, 12, 12), (30, 500, 30)])
def test_a_restart_counts_what_is_known_to_be_missing(sequence: int, said: int, dropped: int) -> None:
    tracker = begun()
    step = tracker.advance(2, sequence, 10, said)
    assert step == SequenceStep(10 + sequence, lost=sequence, dropped=dropped, restarted=True)
    assert tracker.advance(2, sequence + 10, 10, said) == SequenceStep(20 + sequence)


def test_what_was_missing_before_a_restart_is_no_gap_of_the_new_boot() -> None:
    tracker = begun(1000)
    tracker.advance(1, 1030, 10, 0)
    assert tracker.advance(1, 1010, 10, 0).late == 10, "a gap of this boot is filled"
    tracker.advance(2, 0, 10, 0)
    # Its number lies behind all of the new boot's, where the gap of the old one was.
    step = tracker.advance(2, 2**32 - 20, 10, 0)
    assert (step.late, step.repeated) == (0, 10)


def test_what_a_new_boot_had_sent_before_it_was_heard_may_come_late() -> None:
    tracker = begun()
    tracker.advance(2, 30, 10, 0)
    step = tracker.advance(2, 10, 10, 0)
    assert (step.late, step.repeated, step.usable) == (10, 0, False)
    step = tracker.advance(2, 5, 10, 0)
    assert (step.late, step.repeated) == (5, 5), "a half of it has come already"
    assert tracker.advance(2, 0, 40, 0).late == 15


def run_again(tracker: SequenceTracker, first: int, frames: int) -> list[SequenceStep]:
    """Send frames of ten samples again, in order."""
    return [tracker.advance(1, first + 10 * number, 10, 0) for number in range(frames)]


def test_sixteen_frames_in_order_that_were_there_before_are_a_restart() -> None:
    tracker = begun(0, 2000)
    assert not any(step.restarted for step in run_again(tracker, 0, 15))
    step = tracker.advance(1, 150, 10, 0)
    assert (step.restarted, step.lost, step.usable) == (True, 150, True)


def test_fewer_or_not_in_order_are_repetitions() -> None:
    tracker = begun(0, 2000)
    run_again(tracker, 0, 15)
    assert tracker.advance(1, 2000, 10, 0).usable, "the stream goes on, so the run has ended"
    assert not any(step.restarted for step in run_again(tracker, 150, 15))
    assert not tracker.advance(1, 500, 10, 0).restarted, "another place begins another run"
    assert not any(step.restarted for step in run_again(tracker, 510, 14))
    assert tracker.advance(1, 650, 10, 0).restarted


def test_a_run_does_not_outlive_a_restart() -> None:
    tracker = begun(0, 2000)
    run_again(tracker, 0, 15)
    assert tracker.advance(2, 1000, 10, 0).restarted
    for number in range(15):
        assert not tracker.advance(2, 150 + 10 * number, 10, 0).restarted, "it would be the sixteenth of the old boot"


def test_a_frame_without_samples_tells_of_a_loss_and_never_of_a_restart() -> None:
    tracker = begun(0, 2000)
    for number in range(40):
        assert not tracker.advance(1, number, 0, 0).restarted
    step = tracker.advance(1, 2050, 0, 5)
    assert (step.lost, step.dropped) == (50, 5)
    assert tracker.advance(1, 2050, 10, 5) == SequenceStep(2050)


def test_sixty_four_gaps_are_remembered() -> None:
    tracker = begun()
    for number in range(1, 66):
        tracker.advance(1, 20 * number, 10, 0)
    assert tracker.advance(1, 10, 10, 0).repeated == 10, "the oldest of 65 gaps is forgotten"
    assert tracker.advance(1, 30, 10, 0).late == 10


@given(
    st.integers(0, 2**32 - 1),
    st.lists(st.tuples(st.integers(1, 39), st.sampled_from(["sent", "lost", "late", "twice"])), max_size=60),
)
def test_held_to_what_was_sent(first: int, frames: list[tuple[int, str]]) -> None:
    """Whatever is lost, doubled or held back until the end, every sample is accounted for once."""
    tracker, number, held = begun(first), 10, []
    lost = repeated = late = used = waiting = 0
    for count, fate in frames:
        sequence = (first + number) % 2**32
        if fate in ("sent", "twice"):
            step = tracker.advance(1, sequence, count, 0)
            assert (step.index, step.lost, step.dropped) == (number, waiting, 0)
            assert (step.repeated, step.late, step.restarted, step.usable) == (0, 0, False, True)
            lost, used, waiting = lost + waiting, used + count, 0
            if fate == "twice":
                step = tracker.advance(1, sequence, count, 0)
                assert (step.repeated, step.late, step.usable) == (count, 0, False)
                repeated += count
        else:
            waiting += count
            held += [(sequence, count)] if fate == "late" else []
        number += count
    lost += tracker.advance(1, (first + number) % 2**32, 0, 0).lost
    for sequence, count in held[::-1]:
        step = tracker.advance(1, sequence, count, 0)
        late += step.late
        assert (step.late, step.repeated, step.usable) == (count, 0, False)
    assert used + lost == number - 10
    assert late == sum(count for _, count in held)
