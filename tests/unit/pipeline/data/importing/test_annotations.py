"""Labels from tools for annotation, and tables of intervals as people write them, beside recordings."""

import json
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from edgehar.pipeline.data.importing.collection import import_recordings
from edgehar.pipeline.data.recordings import Dataset

ROWS: Final = 400
SAMPLES: Final = np.array([0.06, 0.98, -0.15]) + 0.2 * np.sin(np.arange(ROWS)[:, np.newaxis] * [0.3, 0.5, 0.7])
_CELLS: Final = [",".join(f"{value:.5f}" for value in row) for row in SAMPLES.tolist()]
SECONDS: Final = "time,x,y,z\n" + "".join(f"{row * 0.02:.2f},{_CELLS[row]}\n" for row in range(ROWS))
EPOCH: Final = "time,x,y,z\n" + "".join(f"{1_704_448_800_000 + row * 20},{_CELLS[row]}\n" for row in range(ROWS))
_REGIONS: Final = [
    {"start": 0, "end": 4, "timeserieslabels": ["standing"]},
    {"start": 4, "end": 8, "timeserieslabels": ["walking"]},
]
_QUOTED: Final = json.dumps(_REGIONS).replace('"', '""')
_CLOCK: Final = "00:00:00.000", "00:00:04.000", "00:00:08.000"
_ELAN: Final = (
    f"a\t\t{_CLOCK[0]}\t{_CLOCK[1]}\t{_CLOCK[1]}\tstanding\na\t\t{_CLOCK[1]}\t{_CLOCK[2]}\t{_CLOCK[1]}\twalking\n"
)
_ELAN_TWICE: Final = (
    f'"a","","{_CLOCK[0]}","0.0","{_CLOCK[1]}","4.0","{_CLOCK[1]}","4.0","standing"\n'
    f'"a","","{_CLOCK[1]}","4.0","{_CLOCK[2]}","8.0","{_CLOCK[1]}","4.0","walking"\n'
)
_ELAN_NAMED: Final = (
    "Tier\tBegin Time - ss.msec\tEnd Time - ss.msec\tactivity\na\t0.0\t4.0\tstanding\na\t4.0\t8.0\twalking\n"
)


def read(folder: Path, **files: str) -> Dataset:
    """Import files by their names, with the last underscore for the dot before the suffix."""
    for name, content in files.items():
        (folder / ".".join(name.rsplit("_", 1))).write_text(content, encoding="utf-8")
    return import_recordings(folder)


def labelled(data: Dataset) -> dict[str, list[tuple[int, int, str]]]:
    """Return the labels of every recording."""
    return {
        item.recording_id: [(label.start, label.stop, label.activity) for label in item.labels]
        for item in data.recordings
    }


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("elan_txt", "a\t\t0.0\t4.0\t4.0\tstanding\na\tanna\t4.0\t8.0\t4.0\twalking\n"),
        ("elan_txt", _ELAN),
        ("elan_txt", "a\t\t0\t4000\t4000\tstanding\na\t\t4000\t8000\t4000\twalking\n"),
        ("elan_csv", _ELAN_TWICE),
        ("elan_txt", _ELAN_NAMED),
        ("audacity_txt", "0.000000\t4.000000\tstanding\n\\\t100\t200\n4.000000\t8.000000\twalking\n"),
        ("studio_csv", f'annotator,csv,id,label\n1,log.csv,1,"{_QUOTED}"\n'),
        ("studio_json", json.dumps([{"csv": "/data/upload/1/0a1b2c3d-log.csv", "label": _REGIONS}])),
        ("marks_csv", "Beginn;Ende;Label\n0,00;4,00;standing\n4,00;8,00;walking\n"),
        ("marks_csv", "start,duration,label\n0,4,standing\n4,4,walking\n"),
        ("marks_csv", "file,start,end,label\nlog.csv,0,4,standing\nlog.csv,4,8,walking\n"),
    ],
)  # fmt: skip
def test_labels_of_tools(tmp_path: Path, name: str, content: str) -> None:
    data = read(tmp_path, log_csv=SECONDS, **{name: content})
    assert labelled(data) == {"log": [(0, 200, "standing"), (200, 400, "walking")]}
    assert data.quarantined == data.passed_over == ()


def test_times_of_day_are_those_of_the_day_of_the_recording(tmp_path: Path) -> None:
    marks = "start,end,label\n10:00:00,10:00:04,standing\n10:00:04,10:00:08,walking\n"
    data = read(tmp_path, log_csv=EPOCH, marks_csv=marks)
    assert labelled(data) == {"log": [(0, 200, "standing"), (200, 400, "walking")]}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("marks_csv", "recording,start,end,label\na,0,4,standing\nb,4,8,walking\n"),
        ("marks_csv", "filename,start,end,label\nx/a.csv,0,4,standing\nx/b.csv,4,8,walking\n"),
        ("studio_json", json.dumps([
            {"csv": f"{name}.csv", "label": [region]} for name, region in zip("ab", _REGIONS, strict=True)
        ])),
        ("studio_json", json.dumps([
            {"data": {"csv": f"up/{name}.csv"}, "annotations": [{"result": [{"value": region}]}]}
            for name, region in zip("ab", _REGIONS, strict=True)
        ])),
    ],
)  # fmt: skip
def test_intervals_of_another_recording_are_not_taken(tmp_path: Path, name: str, content: str) -> None:
    data = read(tmp_path, a_csv=SECONDS, b_csv=SECONDS, **{name: content})
    assert labelled(data) == {"a": [(0, 200, "standing")], "b": [(200, 400, "walking")]}


def test_intervals_that_cannot_be_used_are_said(tmp_path: Path) -> None:
    marks = "start,end,label\n0,5,standing\n4,8,walking\n3,1,running\nsoon,9,running\n"
    data = read(tmp_path, log_csv=SECONDS, marks_csv=marks)
    assert labelled(data) == {"log": [(0, 250, "standing"), (250, 400, "walking")]}
    assert any("2 rows left out that have no start, or an end that is not after it" in text for text in data.problems)
    assert any("1 interval begins before the one before has ended" in text for text in data.problems)


def test_numbers_and_a_label_are_a_recording(tmp_path: Path) -> None:
    lines = "".join(f"{cells},walking\n" for cells in _CELLS)
    data = read(tmp_path, log_csv="# rate: 50 Hz\nx,y,z,label\n" + lines)
    assert labelled(data) == {"log": [(0, 400, "walking")]}
