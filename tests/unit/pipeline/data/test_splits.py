"""Splits keep people apart; the one that does not says so."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgehar.models.errors import DataError, UsageError
from edgehar.pipeline.data.recordings import Dataset, LabelInterval, Recording
from edgehar.pipeline.data.splits import (
    Split,
    default_holdout,
    holdout,
    in_time,
    leave_one_subject_out,
    random_windows,
    subject_groups,
)
from edgehar.pipeline.data.windows import Windows, make_windows


def _windows(subjects: list[str]) -> Windows:
    samples = np.zeros((400, 3), np.float32)
    label = (LabelInterval(0, 400, "Sitting"),)
    recordings = tuple(Recording(f"r{name}", name, samples, 100.0, label) for name in subjects)
    return make_windows(Dataset("d", ("Sitting",), recordings))


@pytest.fixture(scope="module")
def people() -> Windows:
    """Windows of subjects 1 to 14."""
    return _windows([str(number) for number in range(1, 15)])


def _assert_apart(windows: Windows, split: Split) -> None:
    assert not set(split.train_subjects) & set(split.test_subjects)
    assert set(windows.subjects[split.train]) == set(split.train_subjects)
    assert set(windows.subjects[split.test]) == set(split.test_subjects)
    assert sorted([*split.train, *split.test]) == list(range(len(windows)))


def test_holdout(people: Windows) -> None:
    split = holdout(people, [12, "4", 8])
    _assert_apart(people, split)
    assert split.test_subjects == ("4", "8", "12")
    assert split.name == "holdout-4-8-12"
    assert split.protocol == "Judged on subjects 4, 8, 12, never seen in training."


def test_holdout_of_someone_unknown_lists_who_is_there(people: Windows) -> None:
    with pytest.raises(UsageError, match=r"subject '15' is not in the data; there are 1, 2, 3, .*, 14") as caught:
        holdout(people, ["4", "15"])
    assert caught.value.exit_code == 2
    with pytest.raises(UsageError, match=r"^expected subjects to hold out, got none"):
        holdout(people, [])


def test_holdout_of_everyone_leaves_nobody_to_learn_from(people: Windows) -> None:
    with pytest.raises(DataError, match="expected windows to learn from, got none"):
        holdout(people, range(1, 15))


def test_groups_are_the_number_modulo_k(people: Windows) -> None:
    splits = subject_groups(people, 4)
    assert [split.test_subjects for split in splits] == [
        ("4", "8", "12"),
        ("1", "5", "9", "13"),
        ("2", "6", "10", "14"),
        ("3", "7", "11"),
    ]
    for split in splits:
        _assert_apart(people, split)
    assert sorted(np.concatenate([split.test for split in splits])) == list(range(len(people)))


def test_groups_of_names_go_by_position() -> None:
    splits = subject_groups(_windows(["eve", "bob", "ann", "dan", "cat"]), 2)
    assert [split.test_subjects for split in splits] == [("ann", "cat", "eve"), ("bob", "dan")]


def test_groups_whose_numbers_fall_together_go_by_position() -> None:
    splits = subject_groups(_windows(["10", "20", "30"]), 2)
    assert [split.test_subjects for split in splits] == [("10", "30"), ("20",)]


def test_groups_need_enough_people(people: Windows) -> None:
    with pytest.raises(DataError, match=r"at least 15 subjects to split by, got 14"):
        subject_groups(people, 15)
    with pytest.raises(UsageError, match="at least 2 parts, got 1"):
        subject_groups(people, 1)


def test_leave_one_subject_out(people: Windows) -> None:
    splits = leave_one_subject_out(people)
    assert [split.test_subjects for split in splits] == [(str(number),) for number in range(1, 15)]
    for split in splits:
        _assert_apart(people, split)
    with pytest.raises(DataError, match="at least 2 subjects"):
        leave_one_subject_out(_windows(["1"]))


@given(k=st.integers(2, 9), seed=st.integers(0, 99))
def test_random_windows_cover_everything_once_and_are_called_leaky(k: int, seed: int) -> None:
    windows = _windows(["1", "2", "3", "4"])
    splits = random_windows(windows, k=k, seed=seed)
    assert sorted(np.concatenate([split.test for split in splits])) == list(range(len(windows)))
    for split in splits:
        assert split.protocol.startswith("LEAKY")
        assert not set(split.train) & set(split.test)
    again = random_windows(windows, k=k, seed=seed)
    assert all((one.test == other.test).all() for one, other in zip(splits, again, strict=True))


def test_default_holdout_is_every_fourth(people: Windows, make_recording: Callable[..., Recording]) -> None:
    assert default_holdout(people) == ("4", "8", "12")
    assert default_holdout(_windows(["1", "2", "3"])) == ("3",)
    with pytest.raises(DataError, match="at least 2 subjects"):
        default_holdout(_windows(["1"]))


def test_real_groups(usc_had: Dataset) -> None:
    windows = make_windows(usc_had)
    sizes = [len(split.test) for split in subject_groups(windows, 4)]
    assert sum(sizes) == 27_205
    assert all(
        {int(subject) % 4 for subject in split.test_subjects} == {fold}
        for fold, split in enumerate(subject_groups(windows, 4))
    )


def test_what_splits_are_called_and_say(people: Windows) -> None:
    alone = holdout(people, ["5"])
    assert (alone.name, alone.protocol) == ("holdout-5", "Judged on subject 5, never seen in training.")
    group = subject_groups(people, 4)[1]
    assert group.name == "group-2-of-4"
    assert group.protocol == "Group 2 of 4 groups of subjects: judged on 1, 5, 9, 13, never seen in training."
    left_out = leave_one_subject_out(people)[2]
    assert (left_out.name, left_out.protocol) == ("subject-3", "Leave one subject out: judged on 3.")
    leaky = random_windows(people)
    assert [split.name for split in leaky] == [f"random-{number}-of-4" for number in (1, 2, 3, 4)]
    assert leaky[0].protocol.endswith("people and even overlapping windows are on both sides.")


def test_random_windows_of_a_seed_are_the_same_everywhere(people: Windows) -> None:
    expected = np.sort(np.array_split(np.random.default_rng(0).permutation(len(people)), 4)[0])
    assert random_windows(people)[0].test.tolist() == expected.tolist()
    assert random_windows(people, seed=1)[0].test.tolist() != expected.tolist()


def test_as_many_parts_as_windows_is_the_most() -> None:
    windows = _windows(["1"])
    assert [len(split.test) for split in random_windows(windows, k=len(windows))] == [1] * len(windows)
    with pytest.raises(DataError, match=f"^expected at least {len(windows) + 1} windows, got {len(windows)}"):
        random_windows(windows, k=len(windows) + 1)
    with pytest.raises(UsageError, match=r"^expected at least 2 parts, got 1"):
        random_windows(windows, k=1)


def test_groups_by_number_start_at_zero() -> None:
    assert [split.test_subjects for split in subject_groups(_windows(["0", "1"]), 2)] == [("0",), ("1",)]
    assert [split.test_subjects for split in subject_groups(_windows(["1", "x"]), 2)] == [("1",), ("x",)]
    assert len(subject_groups(_windows(["1", "2"]), 2)) == 2
    assert [split.test_subjects for split in subject_groups(_windows(["0", "3", "5"]), 2)] == [("0",), ("3", "5")]
    assert [split.test_subjects for split in subject_groups(_windows(["x", "1", "3"]), 2)] == [("1", "x"), ("3",)]


def test_errors_name_who_is_there() -> None:
    with pytest.raises(DataError, match=r"^expected at least 3 subjects to split by, got 2 \(1, 2\)") as caught:
        subject_groups(_windows(["1", "2"]), 3)
    assert caught.value.details["subjects"] == ("1", "2")
    with pytest.raises(DataError, match=r"split holdout-1-2: expected windows to learn from, got none"):
        holdout(_windows(["1", "2"]), ["1", "2"])


def _takes(*lengths: int, activity: str = "Sitting") -> Windows:
    """Windows of one person, one recording for each length."""
    recordings = tuple(
        Recording(f"r{at}", "1", np.zeros((length, 3), np.float32), 100.0, (LabelInterval(0, length, activity),))
        for at, length in enumerate(lengths)
    )
    return make_windows(Dataset("d", (activity,), recordings))


@given(st.lists(st.integers(200, 900), min_size=2, max_size=9), st.floats(0.05, 0.9))
def test_in_time_keeps_takes_whole_and_in_order(lengths: list[int], share: float) -> None:
    windows = _takes(*lengths)
    if len(lengths) - max(1, round(share * len(lengths))) < 1:
        return
    split = in_time(windows, share=share)
    learned, judged = (set(windows.recording_ids[side].tolist()) for side in (split.train, split.test))
    assert max(learned) < min(judged)
    assert len(judged) == max(1, round(share * len(lengths)))
    assert sorted([*split.train, *split.test]) == list(range(len(windows)))
    assert split.train_subjects == split.test_subjects == ("1",)


@given(st.integers(1000, 5000), st.floats(0.1, 0.6))
def test_in_time_of_one_take_leaves_room_between_the_sides(length: int, share: float) -> None:
    windows = _takes(length)
    try:
        split = in_time(windows, share=share)
    except DataError:
        assert length * min(share, 1 - share) < 3 * windows.window_length
        return
    last, first = windows.starts[split.train].max(), windows.starts[split.test].min()
    assert first - (last + windows.window_length) >= windows.window_length
    assert len(split.train) + len(split.test) >= len(windows) - 5
    span = windows.starts[-1] + windows.window_length
    assert first >= span * (1 - share) - 1 > first - windows.hop - 1


def test_in_time_exactly() -> None:
    split = in_time(_takes(2000))
    assert split.train.tolist() == list(range(12))
    assert split.test.tolist() == [15, 16, 17, 18]
    assert split.name == "in-time"
    assert split.protocol == "Judged on later takes of the same people (1): says nothing about anybody else."


def test_in_time_splits_every_activity() -> None:
    parts = [_takes(400, 400, 400, activity=name) for name in ("Sitting", "Standing")]
    recordings = tuple(
        Recording(f"{name}{at}", "1", np.zeros((400, 3), np.float32), 100.0, (LabelInterval(0, 400, name),))
        for name in ("Sitting", "Standing")
        for at in range(3)
    )
    windows = make_windows(Dataset("d", ("Sitting", "Standing"), recordings))
    split = in_time(windows, share=0.34)
    assert len(parts[0]) * 2 == len(windows)
    assert set(windows.recording_ids[split.test].tolist()) == {"Sitting2", "Standing2"}
    assert split.train.tolist() == sorted(split.train)


@pytest.mark.parametrize("share", [0.0, 1.0, -1.0, float("nan")])
def test_in_time_needs_a_share(share: float) -> None:
    with pytest.raises(UsageError, match=r"^expected a share between 0 and 1, got "):
        in_time(_takes(400, 400), share=share)


def test_in_time_refuses_too_little() -> None:
    with pytest.raises(DataError, match=r"^split in-time: expected windows to learn from, got none"):
        in_time(_takes(400))


def test_in_time_of_single_takes_that_follow_one_another() -> None:
    names = ("Sitting", "Standing")
    labels = tuple(LabelInterval(2000 * at, 2000 * at + 2000, name) for at, name in enumerate(names))
    recording = Recording("r", "1", np.zeros((4000, 3), np.float32), 100.0, labels)
    windows = make_windows(Dataset("d", names, (recording,)))
    split = in_time(windows)
    assert split.train.tolist() == [*range(12), *range(19, 31)]
    assert split.test.tolist() == [*range(15, 19), *range(34, 38)]


def test_words_for_two_people_and_for_nothing_to_judge_on(people: Windows) -> None:
    assert holdout(people, ["1", "2"]).protocol == "Judged on subjects 1, 2, never seen in training."
    labels = (LabelInterval(0, 600, "Sitting"),)
    two = tuple(Recording(name, name, np.zeros((600, 3), np.float32), 100.0, labels) for name in ("1", "2"))
    assert "same people (1, 2):" in in_time(make_windows(Dataset("d", ("Sitting",), two))).protocol
    with pytest.raises(DataError, match=r"^split in-time: expected windows to be judged on, got none"):
        in_time(_takes(2000), share=0.01)
