"""HAPT: the real files, and made ones that are broken."""

from pathlib import Path

import numpy as np
import pytest

from edgehar.models.errors import DataError
from edgehar.pipeline.data.readers import load_dataset
from edgehar.pipeline.data.recordings import LabelInterval


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    raw = tmp_path / "RawData"
    raw.mkdir()
    (tmp_path / "activity_labels.txt").write_text("1 WALKING  \n2 STAND_TO_SIT \n")
    rows = "".join(f"{0.5 + row / 100:.4f} -0.25 1e-1\n" for row in range(100))
    (raw / "acc_exp02_user07.txt").write_text(rows)
    (raw / "labels.txt").write_text("2 7 2 51 90\n2 7 1 1 40\n")
    return tmp_path


def test_real_files(hapt_path: Path) -> None:
    data = load_dataset(hapt_path)
    assert len(data.recordings) == 61
    assert len(data.subjects) == 30
    assert len(data.activities) == 12
    assert data.activities[1] == "Walking Upstairs"
    assert {item.rate_hz for item in data.recordings} == {50.0}
    assert sum(len(item.labels) for item in data.recordings) == 1214
    assert sum(item.labelled_s for item in data.recordings) == pytest.approx(815_614 / 50)
    assert sum(len(item) for item in data.recordings) == 1_122_772
    first = data.recordings[0]
    assert first.labels[0] == LabelInterval(249, 1232, "Standing")
    assert "non-commercial" in data.terms


def test_labels_are_sorted_and_counted_from_one(folder: Path) -> None:
    (recording,) = load_dataset(folder).recordings
    assert recording.subject == "7"
    assert recording.labels == (LabelInterval(0, 40, "Walking"), LabelInterval(50, 90, "Stand To Sit"))
    np.testing.assert_allclose(recording.samples[1], [0.51, -0.25, 0.1], rtol=1e-6)


def test_recording_without_labels_says_so(folder: Path) -> None:
    (folder / "RawData" / "acc_exp03_user08.txt").write_text("1 0 0\n")
    last = load_dataset(folder).recordings[-1]
    assert last.labels == ()
    assert "unlabelled" in last.problems[0]


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("RawData/acc_exp02_user07.txt", "", "three finite numbers"),
        ("RawData/acc_exp02_user07.txt", "1 2 3\n\n1 2\n", r"user07\.txt, line 3: expected three .* got '1 2'"),
        ("RawData/acc_exp02_user07.txt", "1 2 3\n1 x 2\n", "line 2"),
        ("RawData/acc_exp02_user07.txt", "1 2 3\n1 nan 2\n", "line 2.*'1 nan 2'"),
        ("RawData/acc_exp02_user07.txt", "\0\1\2\xff", "expected a text file, but it is not text"),
        ("RawData/acc_exp02_user07.txt", "1 2 3\n1 2 3\n", "labels within 2 samples"),
        ("RawData/labels.txt", "2 7 2 51\n", "line 1: expected five whole numbers"),
        ("RawData/labels.txt", "2 7 3 51 60\n", "activity among 1 to 2"),
        ("RawData/labels.txt", "2 7 1 0 60\n", "1 <= first <= last"),
        ("RawData/labels.txt", "2 8 1 1 60\n", "acc_exp02_user08"),
        ("RawData/labels.txt", "2 7 1 1 60\n2 7 2 60 70\n", "without overlap"),
        ("activity_labels.txt", "1: WALKING\n", "a number and a name"),
    ],
)
def test_bad_files_are_named(folder: Path, file: str, content: str, message: str) -> None:
    (folder / file).write_text(content, encoding="latin-1")
    with pytest.raises(DataError, match=message):
        load_dataset(folder)


def test_missing_names_of_activities(folder: Path) -> None:
    (folder / "activity_labels.txt").unlink()
    with pytest.raises(DataError, match=r"activity_labels\.txt: expected a text file"):
        load_dataset(folder)
