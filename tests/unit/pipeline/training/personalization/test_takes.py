"""Takes: nothing is judged by what it was learned from."""

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgehar.models import contract
from edgehar.models.errors import DataError
from edgehar.pipeline.data.windows import make_windows
from edgehar.pipeline.training.personalization.takes import FOLDS, confined, first_takes, folds_of, long_enough

ACTIVITIES = contract.ACTIVITIES[:4]


@given(takes=st.integers(1, 5), seconds=st.floats(1.6, 12.0), hop=st.sampled_from([5, 12, 25]))
@settings(max_examples=40)
def test_no_sample_is_on_both_sides(make_person: Any, takes: int, seconds: float, hop: int) -> None:
    windows = make_windows(make_person(takes, seconds), window_length=50, hop=hop, activities=ACTIVITIES)
    everything = np.arange(len(windows))
    folds = folds_of(windows, everything)
    assert set(folds.tolist()) <= set(range(-1, FOLDS))
    covered = np.zeros((FOLDS, len(windows.samples)), bool)
    for start, fold in zip(windows.starts.tolist(), folds.tolist(), strict=True):
        if fold >= 0:
            covered[fold, start : start + 50] = True
    assert covered.sum(axis=0).max() == 1
    for label in range(4):
        own = folds[windows.labels == label]
        # Every activity is judged, and learned from wherever it is.
        assert len(np.unique(own[own >= 0])) >= 2
        if takes > 1:
            assert (own >= 0).all()


@given(takes=st.integers(2, 4))
@settings(max_examples=5)
def test_first_takes_are_the_first(make_person: Any, takes: int) -> None:
    windows = make_windows(make_person(takes), window_length=50, hop=25, activities=ACTIVITIES)
    first, later = first_takes(windows, np.arange(len(windows)))
    assert sorted([*first, *later]) == list(range(len(windows)))
    assert {name[-2:] for name in windows.recording_ids[first].tolist()} == {"t0"}
    assert {name[-2:] for name in windows.recording_ids[later].tolist()} == {f"t{take}" for take in range(1, takes)}


def test_a_single_take_of_each_leaves_nothing_to_test_on(make_person: Any) -> None:
    windows = make_windows(make_person(1), window_length=50, hop=25, activities=ACTIVITIES)
    with pytest.raises(DataError, match="expected a second take of some activity to test on"):
        first_takes(windows, np.arange(len(windows)))


def test_one_window_and_one_activity_are_too_little(make_person: Any) -> None:
    one_window = make_windows(make_person(1, 0.5), window_length=50, hop=25, activities=ACTIVITIES)
    with pytest.raises(DataError, match=r"two activities or more, each 1\.5 s long or longer, got none"):
        long_enough(one_window, np.arange(len(one_window)))
    one_class = make_windows(make_person(3, activities=(1,)), window_length=50, hop=25, activities=ACTIVITIES)
    with pytest.raises(DataError, match="got only Walking Left"):
        long_enough(one_class, np.arange(len(one_class)))


def test_what_is_too_short_is_left_out_and_said(make_person: Any) -> None:
    long, short = make_person(1, 8.0, activities=(0, 1)), make_person(1, 1.0, activities=(2,), subject="7", name="b")
    both = type(long)("both", ACTIVITIES, (*long.recordings, *short.recordings))
    windows = make_windows(both, window_length=50, hop=25, activities=ACTIVITIES)
    kept, remarks = long_enough(windows, np.arange(len(windows)))
    assert set(windows.labels[kept].tolist()) == {0, 1}
    (remark,) = remarks
    assert remark.startswith("Walking Right: 1.0 s are too little")


@given(takes=st.integers(1, 4), seconds=st.floats(1.6, 12.0), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=25)
def test_a_window_that_is_moved_stays_out_of_what_another_fold_judges(
    make_person: Any, takes: int, seconds: float, seed: int
) -> None:
    windows = make_windows(make_person(takes, seconds), window_length=50, hop=12, activities=ACTIVITIES)
    everything = np.arange(len(windows))
    folds = folds_of(windows, everything)
    # Every sample tells where it stands, and which fold judges it.
    judged = np.full(len(windows.samples), -1)
    for start, fold in zip(windows.starts.tolist(), folds.tolist(), strict=True):
        if fold >= 0:
            judged[start : start + 50] = fold
    numbered = np.repeat(np.arange(len(windows.samples), dtype=np.float32)[:, None], 3, axis=1)
    own = dataclasses.replace(confined(windows, everything, folds), samples=numbered)
    inside = np.flatnonzero(folds >= 0)
    offsets = np.random.default_rng(seed).integers(-60, 61, len(inside))
    moved = own.batch(inside, offsets=offsets)[:, :, 0].astype(int)
    assert (judged[moved] == folds[inside][:, None]).all()
