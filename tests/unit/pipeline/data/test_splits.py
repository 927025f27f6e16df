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
    with pytest.raises(UsageError, match="got none"):
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
