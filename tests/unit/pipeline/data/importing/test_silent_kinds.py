"""Kinds of files that came out wrong without a word: devices in turn, sensors that do not answer, repeated rows."""

from pathlib import Path
from typing import Final

import numpy as np
import pytest

from edgehar.models.errors import DataError
from edgehar.pipeline.data.importing.collection import import_recordings
from edgehar.pipeline.data.importing.options import Options
from edgehar.pipeline.data.recordings import Dataset

ROWS: Final = 300
SAMPLES: Final = np.round(
    np.array([0.06, 0.98, -0.15]) + 0.2 * np.sin(np.arange(ROWS)[:, np.newaxis] * [0.3, 0.5, 0.7]), 5
)
CELLS: Final = [",".join(map(str, row)) for row in SAMPLES.tolist()]
OTHERS: Final = [",".join(map(str, row)) for row in np.round(SAMPLES[::-1] * 0.99, 5).tolist()]


def read(folder: Path, lines: list[str], **declared: object) -> Dataset:
    """Import lines as one file."""
    (folder / "log.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return import_recordings(folder / "log.csv", Options(**declared))  # type: ignore[arg-type]


@pytest.mark.parametrize("apart_ms", [0, 3, 10])
@pytest.mark.parametrize(
    ("column", "first", "second", "placement"),
    [
        ("device", "left", "right", ""),
        ("position", "wrist", "ankle", "wrist"),
        ("mac", "aa:01", "aa:02", ""),
        ("sensor_id", "7", "8", ""),
        ("id", "1", "2", ""),
        ("unit name", "red", "blue", ""),
    ],
)
def test_rows_of_two_devices_in_turn_are_two_recordings(
    tmp_path: Path, column: str, first: str, second: str, placement: str, apart_ms: int
) -> None:
    lines = [f"time_ms,{column},x,y,z"]
    for row in range(ROWS):
        lines += [f"{row * 20},{first},{CELLS[row]}", f"{row * 20 + apart_ms},{second},{OTHERS[row]}"]
    data = read(tmp_path, lines)
    assert [item.recording_id for item in data.recordings] == [f"log#unknown@{first}", f"log#unknown@{second}"]
    np.testing.assert_allclose(data.recordings[0].samples, SAMPLES, atol=1e-6)
    assert [item.rate_hz for item in data.recordings] == [50.0, 50.0]
    assert data.recordings[0].placement == placement
    assert any(f"devices ({', '.join(sorted([first, second]))}) stand in turn" in note for note in data.notes)


def test_a_device_that_is_changed_ends_a_recording(tmp_path: Path) -> None:
    names = ["a"] * 150 + ["b"] * 150
    lines = ["time_ms,device,x,y,z", *(f"{row * 20},{names[row]},{CELLS[row]}" for row in range(ROWS))]
    assert [len(item) for item in read(tmp_path, lines).recordings] == [150, 150]


def test_a_counter_of_samples_in_a_packet_is_no_device(tmp_path: Path) -> None:
    lines = ["time_ms,id,x,y,z", *(f"{row * 20},{row % 8},{CELLS[row]}" for row in range(ROWS))]
    (recording,) = read(tmp_path, lines).recordings
    np.testing.assert_allclose(recording.samples, SAMPLES, atol=1e-6)


@pytest.mark.parametrize("value", ["0", "-1", "0.00000"])
def test_samples_of_a_sensor_that_does_not_answer_are_fenced_in(tmp_path: Path, value: str) -> None:
    cells = list(CELLS)
    for row in (50, 51, 200):
        cells[row] = ",".join([value] * 3)
    lines = ["time_ms,x,y,z", *(f"{row * 20},{cells[row]}" for row in range(ROWS))]
    (recording,) = read(tmp_path, lines).recordings
    assert recording.gaps == (50, 51, 52, 200, 201)
    assert any("3 samples with one value on all three axes" in p and "line 52" in p for p in recording.problems)


def test_equal_axes_near_their_neighbours_are_samples(tmp_path: Path) -> None:
    steps = np.round(SAMPLES * 10) / 10
    lines = ["time_ms,x,y,z", *(f"{row * 20},{','.join(map(str, steps[row]))}" for row in range(ROWS))]
    assert read(tmp_path, lines).recordings[0].gaps == ()


def test_a_stretch_that_was_written_twice_counts_once(tmp_path: Path) -> None:
    rows = [*range(200), *range(150, 200), *range(200, ROWS)]
    (recording,) = read(tmp_path, ["time_ms,x,y,z", *(f"{row * 20},{CELLS[row]}" for row in rows)]).recordings
    np.testing.assert_allclose(recording.samples, SAMPLES, atol=1e-6)
    assert any("50 rows stood twice" in problem and "line 202" in problem for problem in recording.problems)


def test_rows_that_are_dropped_do_not_move_the_border_of_a_restart(tmp_path: Path) -> None:
    times = [row * 20 for row in range(150)]
    times[40:43] = [741, 741, 741]
    lines = ["time_ms,x,y,z", *(f"{times[row % 150]},{CELLS[row]}" for row in range(ROWS))]
    data = read(tmp_path, lines, drop_bad_rows=True)
    assert [len(item) for item in data.recordings] == [147, 147]
    np.testing.assert_allclose(data.recordings[1].samples[:40], SAMPLES[150:190], atol=1e-6)


def test_times_rounded_until_nothing_is_left_are_no_clock(tmp_path: Path) -> None:
    lines = ["timestamp,x,y,z", *(f"{1.7e12 + row * 20:.8E},{CELLS[row]}" for row in range(ROWS))]
    with pytest.raises(DataError, match=r"times that tell samples apart, got \d different ones in 300 rows.*--rate"):
        read(tmp_path, lines)
    (recording,) = read(tmp_path, lines, time="none", rate_hz=50.0).recordings
    assert len(recording) == ROWS


@pytest.mark.parametrize(
    "form", ["05-Jan-2024 {}", "Jan 05, 2024 {}", "5 January 2024 {}", "Fri Jan 5 2024 {}", "20240105 {}"]
)
def test_months_may_be_words(tmp_path: Path, form: str) -> None:
    clock = [f"10:00:{row // 50:02}.{row % 50 * 20:03}" for row in range(ROWS)]
    lines = ["Timestamp;X;Y;Z", *(f"{form.format(clock[row])};{CELLS[row].replace(',', ';')}" for row in range(ROWS))]
    (recording,) = read(tmp_path, lines).recordings
    assert recording.rate_hz == 50.0
    assert recording.timestamps_s is not None
    assert recording.timestamps_s[0] == 1_704_448_800.0


def test_a_time_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    lines = ["Timestamp,x,y,z", *(f"day 5 at noon,{cells}" for cells in CELLS)]
    with pytest.raises(DataError, match="got 'day 5 at noon' in column 'Timestamp', which is no date"):
        read(tmp_path, lines)


def test_readings_of_a_converter_are_not_given_a_scale(tmp_path: Path) -> None:
    cells = [",".join(map(str, row)) for row in (512 + 100 * SAMPLES).astype(int).tolist()]
    with pytest.raises(DataError, match="keep far from zero") as caught:
        read(tmp_path, ["time_ms,x,y,z", *(f"{row * 20},{cells[row]}" for row in range(ROWS))])
    assert "raw:" not in str(caught.value)


@pytest.mark.parametrize("line", ["# interval_ms: 20", "Sample period: 20 ms", "sampling interval;0,02 s"])
def test_an_interval_in_the_head_is_a_rate(tmp_path: Path, line: str) -> None:
    assert read(tmp_path, [line, "x,y,z", *CELLS]).recordings[0].rate_hz == pytest.approx(50.0)


@pytest.mark.parametrize("padding", [b"\0" * 700, b"\x1a"])
def test_what_pads_the_end_of_a_file_is_no_row(tmp_path: Path, padding: bytes) -> None:
    lines = ["time_ms,x,y,z", *(f"{row * 20},{CELLS[row]}" for row in range(ROWS))]
    (tmp_path / "log.csv").write_bytes("\n".join([*lines, ""]).encode() + padding)
    assert len(import_recordings(tmp_path / "log.csv").recordings[0]) == ROWS
