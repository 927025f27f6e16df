"""USC-HAD: the real files with their quirks, and made ones with worse."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

from edgehar.models.contract import ACTIVITIES
from edgehar.models.errors import DataError
from edgehar.pipeline.data.readers import load_dataset
from edgehar.pipeline.data.recordings import Dataset


def _write(path: Path, rows: int = 300, **fields: Any) -> None:
    subject, activity, trial = path.parent.name[7:], path.stem[1:].partition("t")[0], path.stem.partition("t")[2]
    content: dict[str, Any] = {
        "subject": [subject],
        "activity_number": [activity],
        "trial": [trial],
        "activity": ["something"],
        "sensor_location": ["front-right-hip"],
        "sensor_orientation": ["x-up"],
        "sensor_readings": np.arange(rows * 6, dtype=np.float64).reshape(rows, 6) / 1000,
    }
    path.parent.mkdir(exist_ok=True, parents=True)
    savemat(path, content | fields, do_compression=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two trials of one person."""
    _write(tmp_path / "Subject3" / "a1t1.mat")
    _write(tmp_path / "Subject3" / "a12t2.mat")
    return tmp_path


def test_all_840_files(usc_had: Dataset) -> None:
    assert len(usc_had.recordings) == 840
    assert sum(len(item) for item in usc_had.recordings) == 2_811_490
    assert usc_had.subjects == tuple(str(number) for number in range(1, 15))
    assert usc_had.activities == ACTIVITIES
    assert all(item.rate_hz == 100 and item.labels[0].length == len(item) for item in usc_had.recordings)
    standing = np.concatenate([item.samples for item in usc_had.recordings if item.labels[0].activity == "Standing"])
    assert np.median(standing[:, 0]) == pytest.approx(1.0, abs=0.1)


def test_known_quirks_are_reported_and_nothing_else(usc_had: Dataset) -> None:
    reported = {item.recording_id: " ".join(item.problems) for item in usc_had.recordings if item.problems}
    assert reported.keys() == {
        "S3/a1t3", "S3/a1t4", "S3/a1t5", "S3/a8t5", "S5/a8t3", "S13/a11t4", "S14/a3t2",
    }  # fmt: skip
    assert "activity_numbr" in reported["S13/a11t4"]
    assert "says activity 2 (walking-left) inside, its name says 3 (Walking Right)" in reported["S14/a3t2"]
    assert "says trial 4 inside, its name says 5" in reported["S3/a8t5"]
    assert "'indoor'" in reported["S3/a1t4"]
    whole = " ".join(usc_had.problems)
    assert "6.93 g" in whole
    assert "Posture in Sleeping differs" in whole
    assert "spell their activities" in whole


def test_suspect_recording_can_be_left_out(usc_had_path: Path) -> None:
    data = load_dataset(usc_had_path, exclude_suspect=True)
    assert len(data.recordings) == 839
    assert "S14/a3t2" not in {item.recording_id for item in data.recordings}
    assert any("S14/a3t2 was left out" in problem for problem in data.problems)


def test_label_and_subject_come_from_the_name(folder: Path) -> None:
    _write(folder / "Subject3" / "a2t1.mat", activity_number=["7"], subject=["9"])
    data = load_dataset(folder, allow_missing=True)
    first, odd, last = data.recordings
    assert [item.recording_id for item in data.recordings] == ["S3/a1t1", "S3/a2t1", "S3/a12t2"]
    assert odd.labels[0].activity == "Walking Left"
    assert odd.subject == "3"
    assert len(odd.problems) == 2
    assert last.labels[0].activity == "Elevator Down"
    np.testing.assert_allclose(first.samples[1], [0.006, 0.007, 0.008], rtol=1e-6)


def test_progress_counts_files(folder: Path) -> None:
    calls: list[tuple[int, int]] = []
    load_dataset(folder, allow_missing=True, progress=lambda done, of: calls.append((done, of)))
    assert calls == [(1, 2), (2, 2)]


def test_folder_named_like_the_archive_is_found(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outer = tmp_path_factory.mktemp("outer")
    folder.rename(outer / "USC-HAD")
    assert len(load_dataset(outer, allow_missing=True).recordings) == 2


def test_missing_files_are_named(folder: Path) -> None:
    with pytest.raises(DataError, match=r"S3/a1t2, S3/a1t3, .* and 53 more are missing") as caught:
        load_dataset(folder)
    assert len(caught.value.details["missing"]) == 58
    assert any("53 more are missing" in text for text in load_dataset(folder, allow_missing=True).problems)


def test_strange_names_are_reported(folder: Path) -> None:
    _write(folder / "Subject3" / "a13t1.mat")
    data = load_dataset(folder, allow_missing=True)
    assert any("Subject3/a13t1.mat was passed over" in problem for problem in data.problems)


@pytest.mark.parametrize("keep", [0, 100, 127, 200, 900])
def test_truncated_file_is_named(folder: Path, keep: int) -> None:
    file = folder / "Subject3" / "a1t1.mat"
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(DataError, match=r"a1t1\.mat: expected") as caught:
        load_dataset(folder, allow_missing=True)
    assert caught.value.details["path"] == str(file)


@pytest.mark.parametrize("position", [130, 400, 1500])
def test_damaged_file_is_named(folder: Path, position: int) -> None:
    file = folder / "Subject3" / "a1t1.mat"
    content = bytearray(file.read_bytes())
    content[position : position + 20] = b"\x55" * 20
    file.write_bytes(content)
    with pytest.raises(DataError, match=r"a1t1\.mat: expected"):
        load_dataset(folder, allow_missing=True)


@pytest.mark.parametrize(
    ("readings", "message"),
    [
        (np.zeros((300, 3)), r"6 columns of numbers, got \(300, 3\)"),
        (np.zeros((0, 6)), "6 columns of numbers"),
        (np.array(["a"] * 6).reshape(1, 6), "6 columns of numbers"),
        (np.full((300, 6), np.nan), "finite acceleration.*in row 1"),
    ],
)
def test_wrong_content_is_named(folder: Path, readings: Any, message: str) -> None:
    _write(folder / "Subject3" / "a1t1.mat", sensor_readings=readings)
    with pytest.raises(DataError, match=message):
        load_dataset(folder, allow_missing=True)


def test_field_that_is_missing(folder: Path) -> None:
    savemat(folder / "Subject3" / "a1t1.mat", {"other": [1.0]})
    with pytest.raises(DataError, match="no such field"):
        load_dataset(folder, allow_missing=True)
