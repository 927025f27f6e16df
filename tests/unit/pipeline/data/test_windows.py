"""Windows are whole, lie where they should, and cost nothing until they are taken."""

import doctest
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import edgehar.pipeline.data.windows
from edgehar.models.contract import ACTIVITIES
from edgehar.models.errors import DataError, UsageError
from edgehar.pipeline.data.readers import load_dataset
from edgehar.pipeline.data.recordings import Dataset, LabelInterval, Recording
from edgehar.pipeline.data.windows import Windows, make_windows


def test_examples_in_docstrings_run() -> None:
    assert doctest.testmod(edgehar.pipeline.data.windows).failed == 0


@pytest.mark.parametrize(("hop", "count"), [(100, 27_205), (200, 13_864)])
def test_usc_had_gives_exactly(usc_had: Dataset, hop: int, count: int) -> None:
    windows = make_windows(usc_had, hop=hop)
    assert len(windows) == count
    assert windows.activities == ACTIVITIES
    assert len(windows.samples) == 2_811_490
    assert windows.notes == ()


def test_hapt_is_resampled_and_says_what_it_left_out(hapt_path: object) -> None:
    windows = make_windows(load_dataset(str(hapt_path)), activities=ACTIVITIES)
    assert set(windows.labels.tolist()) == {ACTIVITIES.index(name) for name in
        ("Walking Upstairs", "Walking Downstairs", "Sitting", "Standing")}  # fmt: skip
    assert any("s of Walking were left out" in note for note in windows.notes)


def test_slicing_copies_nothing(usc_had: Dataset) -> None:
    windows = make_windows(usc_had)
    assert np.shares_memory(windows.views, windows.samples)
    assert not windows.views.flags.writeable
    assert windows.views.shape == (2_811_490 - 199, 200, 3)
    index_bytes = sum(array.nbytes for array in (windows.starts, windows.segment_starts, windows.labels))
    assert index_bytes < windows.samples.nbytes / 10


def test_batch_is_what_the_recording_holds(make_recording: Callable[..., Recording]) -> None:
    recording = make_recording(length=1000, labels=((100, 430, "Sitting"), (500, 1000, "Standing")))
    windows = make_windows(Dataset("d", ("Standing", "Sitting"), (recording,)), window_length=50, hop=20)
    batch = windows.batch()
    assert batch.dtype == np.float32
    assert batch.shape == (len(windows), 50, 3)
    assert len(windows) == (330 - 50) // 20 + 1 + (500 - 50) // 20 + 1
    firsts = [*range(100, 381, 20), *range(500, 951, 20)]
    assert batch[:, 0, 0].tolist() == firsts
    for first, window in zip(firsts, batch, strict=True):
        np.testing.assert_array_equal(window, recording.samples[first : first + 50])
    np.testing.assert_array_equal(windows.views[windows.starts], batch)
    assert [windows.activities[label] for label in windows.labels] == ["Sitting"] * 15 + ["Standing"] * 23


def test_batch_takes_any_choice_in_any_order(small_dataset: Dataset) -> None:
    windows = make_windows(small_dataset)
    whole = windows.batch()
    np.testing.assert_array_equal(windows.batch([3, 0, 3]), whole[[3, 0, 3]])
    np.testing.assert_array_equal(windows.batch(slice(1, None, 2)), whole[1::2])
    np.testing.assert_array_equal(windows.batch(windows.labels == 1), whole[windows.labels == 1])
    assert windows.batch([]).shape == (0, 200, 3)
    some = windows.subset([4, 1])
    np.testing.assert_array_equal(some.batch(), whole[[4, 1]])
    assert some.subjects.tolist() == [windows.subjects[4], windows.subjects[1]]


def test_batches_do_not_write_through(small_dataset: Dataset) -> None:
    windows = make_windows(small_dataset)
    before = windows.samples.copy()
    windows.batch([0])[:] = 7
    np.testing.assert_array_equal(windows.samples, before)


def test_subjects_and_recordings_go_with_their_windows(small_dataset: Dataset) -> None:
    windows = make_windows(small_dataset)
    assert windows.subject_names == ("2", "10")
    assert set(zip(windows.subjects.tolist(), windows.recording_ids.tolist(), strict=True)) == {("2", "a"), ("10", "b")}


def test_offset_moves_a_window_but_not_out_of_its_segment(make_recording: Callable[..., Recording]) -> None:
    recording = make_recording(length=1000, labels=((100, 500, "Sitting"),))
    windows = make_windows(Dataset("d", ("Sitting",), (recording,)))
    assert windows.batch()[:, 0, 0].tolist() == [100, 200, 300]
    assert windows.batch(offsets=[30, -50, 40])[:, 0, 0].tolist() == [130, 150, 300]
    assert windows.batch([0], offsets=[-1])[:, 0, 0].tolist() == [100]
    assert windows.batch(offsets=7)[:, 0, 0].tolist() == [107, 207, 300]


@st.composite
def _datasets(draw: st.DrawFn) -> Dataset:
    """Recordings whose every sample says which recording, segment and place it is from."""
    recordings = []
    for number in range(draw(st.integers(1, 4))):
        length = draw(st.integers(1, 400))
        cuts = sorted(draw(st.sets(st.integers(0, length), max_size=6)) | {0, length})
        gaps = tuple(sorted(draw(st.sets(st.integers(1, max(1, length - 1)), max_size=4)))) if length > 1 else ()
        labels = tuple(
            LabelInterval(start, stop, draw(st.sampled_from("ABC")))
            for start, stop in pairwise(cuts)
            if draw(st.booleans())
        )
        segment = np.cumsum(np.isin(np.arange(length), [*cuts, *gaps]))
        samples = np.stack([np.full(length, number), segment, np.arange(length)], axis=1).astype(np.float32)
        recordings.append(Recording(f"r{number}", str(number % 2), samples, 100.0, labels, gaps=gaps))
    return Dataset("d", ("A", "B", "C"), tuple(recordings))


@settings(deadline=None)
@given(
    dataset=_datasets(),
    window_length=st.integers(1, 60),
    hop=st.integers(1, 70),
    offset=st.integers(-80, 80),
)
def test_no_window_crosses_a_boundary(dataset: Dataset, window_length: int, hop: int, offset: int) -> None:
    try:
        windows = make_windows(dataset, window_length=window_length, hop=hop)
    except DataError:
        stretches = [_longest(item) for item in dataset.recordings]
        assert max(stretches) < window_length
        return
    for batch in (windows.batch(), windows.batch(offsets=offset)):
        assert (batch[:, :, :2] == batch[:, :1, :2]).all()
        assert (np.diff(batch[:, :, 2], axis=1) == 1).all()
        for window, label, subject, name in zip(
            batch, windows.labels, windows.subjects, windows.recording_ids, strict=True
        ):
            recording = dataset.recordings[int(window[0, 0])]
            assert (recording.recording_id, recording.subject) == (name, subject)
            first, last = int(window[0, 2]), int(window[-1, 2])
            inside = [item for item in recording.labels if item.start <= first and last < item.stop]
            assert [item.activity for item in inside] == [windows.activities[label]]


def _longest(recording: Recording) -> int:
    longest = 0
    for label in recording.labels:
        edges = [label.start, *(gap for gap in recording.gaps if label.start < gap < label.stop), label.stop]
        longest = max(longest, int(np.diff(edges).max()))
    return longest


def test_activities_choose_and_order_the_labels(small_dataset: Dataset) -> None:
    windows = make_windows(small_dataset, activities=("Walking", "Standing"))
    assert windows.activities == ("Walking", "Standing")
    assert set(windows.labels.tolist()) == {1}
    assert windows.notes == ("3 s of Sitting were left out: it is not among the labels.",)


def test_short_stretches_are_counted(small_dataset: Dataset) -> None:
    windows = make_windows(small_dataset, window_length=250)
    assert windows.notes == ("1 stretches (2.0 s) were left out: they are shorter than a window.",)


def test_refuses_what_cannot_be_meant(small_dataset: Dataset) -> None:
    for wrong in ({"hop": 0}, {"window_length": 0}, {"rate_hz": 0.0}, {"rate_hz": float("inf")}):
        with pytest.raises(UsageError, match="expected all above zero"):
            make_windows(small_dataset, **wrong)
    with pytest.raises(UsageError, match="each once"):
        make_windows(small_dataset, activities=("Sitting", "Sitting"))
    with pytest.raises(DataError, match="expected a labelled stretch of 900 samples at 100 Hz, found none"):
        make_windows(small_dataset, window_length=900)


def test_slower_recording_gives_as_many_seconds(make_recording: Callable[..., Recording]) -> None:
    recording = make_recording(length=500, rate_hz=50.0, labels=((0, 500, "Sitting"),))
    windows: Windows = make_windows(Dataset("d", ("Sitting",), (recording,)))
    assert len(windows.samples) == 999
    # A ramp, one step a sample; its first samples still hear that it began from standing.
    np.testing.assert_allclose(windows.batch([0])[0, 40:45, 0], [20, 20.5, 21, 21.5, 22], atol=0.01)
