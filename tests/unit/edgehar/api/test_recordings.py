"""Recordings made and loaded by a program."""

from pathlib import Path

import numpy as np
import pytest

import edgehar
from edgehar.models.errors import DataError, UsageError

LEVEL = np.tile([0.0, 0.0, 1.0], (400, 1))


def test_an_array_becomes_a_recording_in_g() -> None:
    recording = edgehar.recording_from_array(16384 * LEVEL, rate_hz=50, unit="raw:16384", labels="Sitting", subject="7")
    np.testing.assert_array_equal(recording.samples, LEVEL.astype(np.float32))
    assert recording.samples.dtype == np.float32
    assert (recording.rate_hz, recording.subject, recording.labelled_s) == (50.0, "7", 8.0)


def test_labels_of_samples_become_intervals() -> None:
    labels = [None] * 100 + ["Sitting"] * 200 + ["Standing"] * 100
    recording = edgehar.recording_from_array(LEVEL, rate_hz=100, labels=labels)
    assert [(each.start, each.stop, each.activity) for each in recording.labels] == [
        (100, 300, "Sitting"),
        (300, 400, "Standing"),
    ]


@pytest.mark.parametrize("samples", [LEVEL[0], LEVEL[:, :2], LEVEL[:0], np.zeros((2, 3, 1))])
def test_arrays_of_another_shape_are_refused(samples: np.ndarray) -> None:
    with pytest.raises(DataError, match=r"expected samples of shape \(n, 3\)"):
        edgehar.recording_from_array(samples, rate_hz=100)


def test_one_label_too_few_is_refused() -> None:
    with pytest.raises(DataError, match="expected 400 labels, one for every sample, got 399"):
        edgehar.recording_from_array(LEVEL, rate_hz=100, labels=["Sitting"] * 399)


def test_a_store_gives_back_what_was_saved(tmp_path: Path) -> None:
    one = edgehar.recording_from_array(LEVEL, rate_hz=100, labels="Sitting")
    recordings = edgehar.dataset_from_recordings([one], name="mine")
    place = edgehar.save_recordings(recordings, tmp_path / "store")
    assert edgehar.load_recordings(place, progress=False).content_hash == recordings.content_hash


def test_saving_destroys_nothing(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    one = edgehar.dataset_from_recordings([edgehar.recording_from_array(LEVEL, rate_hz=100)])
    with pytest.raises(UsageError, match="found something else there"):
        edgehar.save_recordings(one, tmp_path)
    assert (tmp_path / "letter.txt").read_text() == "dear"


def test_what_a_csv_does_not_say_is_declared(tmp_path: Path) -> None:
    rows = "\n".join("0,0,9.80665" for _ in range(300))
    (tmp_path / "a.csv").write_text("p,q,r\n" + rows + "\n")
    recordings = edgehar.load_recordings(
        tmp_path / "a.csv",
        columns=("p", "q", "r"),
        unit="m/s2",
        rate_hz=100.0,
        activity="Lying",
        subject="3",
        progress=False,
    )
    (recording,) = recordings.recordings
    assert (recording.subject, recording.labels[0].activity) == ("3", "Lying")
    np.testing.assert_allclose(recording.samples[0], [0, 0, 1], atol=1e-6)
