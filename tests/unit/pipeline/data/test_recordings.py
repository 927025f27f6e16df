"""What a recording and a data set promise, and refuse."""

import dataclasses
import doctest
from collections.abc import Callable

import numpy as np
import pytest

import edgehar.pipeline.data.recordings
from edgehar.models.errors import DataError, UsageError
from edgehar.pipeline.data.recordings import Dataset, LabelInterval, Recording, in_natural_order


def test_examples_in_docstrings_run() -> None:
    assert doctest.testmod(edgehar.pipeline.data.recordings).failed == 0


@pytest.mark.parametrize(("start", "stop"), [(5, 5), (6, 5), (-1, 4)])
def test_label_interval_must_hold_samples(start: int, stop: int) -> None:
    with pytest.raises(DataError, match="0 <= start < stop"):
        LabelInterval(start, stop, "Sitting")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"samples": np.zeros((10, 3))}, "float32"),
        ({"samples": np.zeros((10, 4), np.float32)}, r"shape \(n, 3\)"),
        ({"samples": np.zeros((0, 3), np.float32)}, r"shape \(n, 3\)"),
        ({"samples": np.array([[0, 0, 0], [0, np.nan, 0]], np.float32)}, "finite samples.*at sample 1"),
        ({"rate_hz": 0.0}, "rate above 0"),
        ({"rate_hz": float("nan")}, "rate above 0"),
        ({"subject": ""}, "empty name"),
        ({"labels": (LabelInterval(0, 1001, "Sitting"),)}, "within 1000 samples"),
        ({"labels": (LabelInterval(0, 50, "Sitting"), LabelInterval(49, 60, "Standing"))}, "without overlap"),
        ({"gaps": (0,)}, "increasing gaps"),
        ({"gaps": (1000,)}, "increasing gaps"),
        ({"gaps": (8, 8)}, "increasing gaps"),
        ({"timestamps_s": np.zeros(1000)}, "increase with every sample"),
        ({"timestamps_s": np.arange(999.0)}, "1000 float64 timestamps"),
        ({"timestamps_s": np.full(1000, np.inf)}, "finite timestamps"),
    ],
)
def test_recording_refuses(make_recording: Callable[..., Recording], change: dict[str, object], message: str) -> None:
    good = make_recording()
    with pytest.raises(DataError, match=message) as caught:
        dataclasses.replace(good, **change)
    assert caught.value.details["recording"] == "r1"


def test_dataset_refuses_none_repeated_and_unknown(make_recording: Callable[..., Recording]) -> None:
    with pytest.raises(DataError, match="at least one recording"):
        Dataset("d", ("Sitting",), ())
    with pytest.raises(DataError, match="'r1' 2 times"):
        Dataset("d", ("Sitting",), (make_recording(), make_recording()))
    with pytest.raises(DataError, match="got Sitting"):
        Dataset("d", ("Standing",), (make_recording(),))


def test_subjects_come_in_natural_order() -> None:
    assert in_natural_order({"10", "2", "1", "user3", "user20"}) == ("1", "2", "10", "user3", "user20")
    assert in_natural_order({"x", "3x", "12"}) == ("3x", "12", "x")


def test_of_subject_names_those_there_are(small_dataset: Dataset) -> None:
    assert [item.recording_id for item in small_dataset.of_subject("10")] == ["b"]
    with pytest.raises(UsageError, match="there are 2, 10") as caught:
        small_dataset.of_subject("3")
    assert caught.value.exit_code == 2


def test_problems_of_recordings_carry_their_name(small_dataset: Dataset) -> None:
    assert small_dataset.all_problems == ("Whole.", "a: Odd.")


def test_seconds_by_person_and_activity(small_dataset: Dataset) -> None:
    assert small_dataset.seconds() == {("2", "Sitting"): 3.0, ("2", "Standing"): 2.0, ("10", "Standing"): 6.0}


def test_hash_sees_content_and_nothing_else(small_dataset: Dataset) -> None:
    first, second = small_dataset.recordings
    renamed = dataclasses.replace(
        small_dataset, name="other", recordings=(dataclasses.replace(first, recording_id="z", source="else"), second)
    )
    assert renamed.content_hash == small_dataset.content_hash
    moved = first.samples.copy()
    moved[7, 1] = np.nextafter(moved[7, 1], np.float32(np.inf))
    for change in (
        {"samples": moved},
        {"subject": "3"},
        {"rate_hz": 99.0},
        {"gaps": (5,)},
        {"labels": (LabelInterval(0, 299, "Sitting"), LabelInterval(300, 500, "Standing"))},
    ):
        changed = dataclasses.replace(small_dataset, recordings=(dataclasses.replace(first, **change), second))
        assert changed.content_hash != small_dataset.content_hash, change
