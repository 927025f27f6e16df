"""Sliding windows over a stream against slicing the whole."""

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from edgehar.firmware_bridge.stream.sliding import SlidingWindows


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 20), st.integers(1, 30), st.integers(0, 120), st.lists(st.integers(0, 120), max_size=20))
def test_equal_to_slicing_the_whole(length: int, hop: int, total: int, cuts: list[int]) -> None:
    stream = np.arange(total * 3, dtype=np.float32).reshape(total, 3)
    times_s = np.arange(total) / 100
    windows = SlidingWindows(length=length, hop=hop)
    edges = [0, *sorted(min(cut, total) for cut in cuts), total]
    got = [found for a, b in itertools.pairwise(edges) for found in windows.feed(stream[a:b], times_s[a:b])]
    starts = range(0, total - length + 1, hop)
    assert len(got) == len(starts)
    for window, start in zip(got, starts, strict=True):
        assert np.array_equal(window.samples_g, stream[start : start + length])
        assert window.end_s == times_s[start + length - 1]


def test_no_window_spans_a_restart() -> None:
    windows = SlidingWindows(length=4, hop=1)
    assert len(windows.feed(np.zeros((5, 3), np.float32), np.zeros(5))) == 2
    assert not windows.refilling
    windows.restart()
    assert windows.refilling
    assert windows.feed(np.ones((3, 3), np.float32), np.ones(3)) == []
    assert windows.filled == 0.75
    (window,) = windows.feed(np.ones((1, 3), np.float32), np.ones(1))
    assert (window.samples_g == 1).all()


def test_memory_is_four_windows() -> None:
    windows = SlidingWindows(length=200, hop=50)
    for _ in range(100):
        windows.feed(np.zeros((37, 3), np.float32), np.zeros(37))
        assert len(windows._samples) == 800


def test_a_window_is_not_written_over() -> None:
    windows = SlidingWindows(length=4, hop=4)
    found = [window for n in range(50) for window in windows.feed(np.full((4, 3), n, np.float32), np.zeros(4))]
    assert [float(window.samples_g[0, 0]) for window in found] == list(range(50))


def test_a_window_knows_how_many_of_its_samples_were_interpolated() -> None:
    marks = np.zeros(40, np.bool_)
    marks[[7, 8, 21]] = True
    windows = SlidingWindows(length=10, hop=5).feed(np.zeros((40, 3), np.float32), np.zeros(40), marks)
    assert [window.filled for window in windows] == [2, 2, 0, 1, 1, 0, 0]


def test_it_knows_how_many_samples_complete_the_next_window() -> None:
    windows = SlidingWindows(length=10, hop=4)
    for _ in range(60):
        needed = windows.needed
        assert windows.feed(np.zeros((needed - 1, 3), np.float32), np.zeros(needed - 1)) == []
        assert len(windows.feed(np.zeros((1, 3), np.float32), np.zeros(1))) == 1
