"""Heads and rows as spreadsheets, R, Weka and fused logs write them."""

from pathlib import Path
from typing import Final

import numpy as np
import pytest

from edgehar.models.errors import DataError
from edgehar.pipeline.data.importing.collection import import_recordings
from edgehar.pipeline.data.importing.options import Options
from edgehar.pipeline.data.recordings import Dataset

ROWS: Final = 200
SAMPLES: Final = np.round(np.array([0.06, 0.98, -0.15]) + 0.2 * np.sin(np.arange(ROWS)[:, None] * [0.3, 0.5, 0.7]), 5)
TURNS: Final = np.round(60 * np.sin(np.arange(ROWS)[:, None] * [0.2, 0.4, 0.6]), 3)
X_Y_Z: Final = ["x", "y", "z"]


def read(folder: Path, lines: list[str], name: str = "log.csv", encoding: str = "utf-8") -> Dataset:
    """Import lines."""
    (folder / name).write_bytes(("\n".join(lines) + "\n").encode(encoding))
    return import_recordings(folder / name, Options())


def right(data: Dataset) -> None:
    """Hold the only recording to the samples at 50 Hz."""
    (recording,) = data.recordings
    np.testing.assert_allclose(recording.samples, SAMPLES, atol=1e-6)
    assert (round(recording.rate_hz, 3), recording.gaps) == (50.0, ())


def rows(*sensors: np.ndarray, mark: str = ",") -> list[str]:
    """Return rows of a time in s and sensors."""
    return [
        mark.join([f"{row * 0.02:.2f}", *(str(value) for each in sensors for value in each[row])])
        for row in range(ROWS)
    ]


@pytest.mark.parametrize("mark", [",", ";", "\t"])
@pytest.mark.parametrize("order", [("Accelerometer", "Gyroscope"), ("Gyroscope", "Accelerometer")])
@pytest.mark.parametrize("repeated", [False, True])
@pytest.mark.parametrize("units", [False, True])
def test_merged_cells_name_groups(
    tmp_path: Path, mark: str, order: tuple[str, str], repeated: bool, units: bool
) -> None:
    each = {"Accelerometer": SAMPLES, "Gyroscope": TURNS}
    groups = mark.join(["Time", *(cell for name in order for cell in [name, *[name * repeated] * 2])])
    unit = {"Accelerometer": "g", "Gyroscope": "°/s"}
    head = [groups, mark.join(["", *X_Y_Z, *X_Y_Z])]
    head += [mark.join(["s", *(unit[name] for name in order for _ in X_Y_Z)])] if units else []
    right(read(tmp_path, [*head, *rows(*(each[name] for name in order), mark=mark)]))


def test_a_merged_cell_of_another_sensor_is_no_accelerometer(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="got those of the gyroscope"):
        read(tmp_path, ["Time,Gyroscope,,", "s,x,y,z", *rows(SAMPLES)])


def test_a_title_above_the_names_is_no_group(tmp_path: Path) -> None:
    right(read(tmp_path, ["Walk of Anna,,,", "time,x,y,z", *rows(SAMPLES)]))


@pytest.mark.parametrize("mark", [" ", ",", "\t"])
@pytest.mark.parametrize("quote", ["", '"'])
def test_rows_that_r_has_numbered(tmp_path: Path, mark: str, quote: str) -> None:
    head = mark.join(f"{quote}{name}{quote}" for name in ("time", *X_Y_Z))
    right(
        read(tmp_path, [head, *(f"{quote}{n}{quote}{mark}{row}" for n, row in enumerate(rows(SAMPLES, mark=mark), 1))])
    )


def test_attributes_of_weka_are_names(tmp_path: Path) -> None:
    head = ["@relation walk", "", *(f"@attribute {name} numeric" for name in ("time", *X_Y_Z)), "@DATA"]
    right(read(tmp_path, [*head, *rows(SAMPLES)], "walk.arff"))


def test_names_in_a_comment_above_a_mark_of_the_data(tmp_path: Path) -> None:
    head = ["#Activity: 2 - Walking", "#Subject ID: 1", "", "#timestamp(s),x,y,z(m/s^2)", "", "@DATA"]
    data = read(tmp_path, [*head, *rows(SAMPLES)])
    right(data)
    assert data.subjects == ("1",)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_with_and_without_a_mark(tmp_path: Path, encoding: str) -> None:
    right(read(tmp_path, ["time\tx\ty\tz", *rows(SAMPLES, mark="\t")], encoding=encoding))


def test_a_minus_sign_of_typesetting_is_a_minus(tmp_path: Path) -> None:
    right(read(tmp_path, ["time,x,y,z", *(row.replace("-", "\N{MINUS SIGN}") for row in rows(SAMPLES))]))


@pytest.mark.parametrize("at", [0, 1, 100])
def test_comments_between_rows_are_no_rows(tmp_path: Path, at: int) -> None:
    lines = rows(SAMPLES)
    lines.insert(at, "# lap 1")
    right(read(tmp_path, ["time,x,y,z", *lines]))


@pytest.mark.parametrize("empty", ["", "NaN"])
@pytest.mark.parametrize("others", [1, 3])
def test_rows_of_another_sensor_without_acceleration_are_passed_over(tmp_path: Path, empty: str, others: int) -> None:
    lines = ["time,acc_x,acc_y,acc_z,gyr_x,gyr_y,gyr_z"]
    for row, (sample, turn) in enumerate(zip(SAMPLES.tolist(), TURNS.tolist(), strict=True)):
        lines.append(",".join(map(str, [f"{row * 0.02:.3f}", *sample, *[empty] * 3])))
        lines += [",".join(map(str, [f"{row * 0.02 + 0.003 * n:.3f}", *[empty] * 3, *turn])) for n in range(others)]
    right(read(tmp_path, lines))


@pytest.mark.parametrize("beside", ["index", "temp"])
def test_values_that_are_lost_are_no_rows_of_another_sensor(tmp_path: Path, beside: str) -> None:
    lost = set(np.random.default_rng(4).choice(ROWS, 40, replace=False).tolist())
    lines = [row.split(",")[0] + ",,," if n in lost else row for n, row in enumerate(rows(SAMPLES))]
    with pytest.raises(DataError, match="--drop-bad-rows"):
        read(tmp_path, [f"time,x,y,z,{beside}", *(f"{line},{n}" for n, line in enumerate(lines))])


def test_a_row_without_acceleration_alone_is_a_bad_row(tmp_path: Path) -> None:
    lines = rows(SAMPLES, TURNS)
    lines[50] = "1.00,,,,1,2,3"
    with pytest.raises(DataError, match=r"line 52: expected a number.*--drop-bad-rows"):
        read(tmp_path, ["time,acc_x,acc_y,acc_z,gyr_x,gyr_y,gyr_z", *lines])


def test_lines_with_numbers_before_the_names_are_no_rows(tmp_path: Path) -> None:
    head = ["Device,1234,5678,9", "Start,2023,11,14", "Rate,50,Hz,", "", "time,x,y,z"]
    data = read(tmp_path, [*head, *rows(SAMPLES)])
    right(data)
    assert any("3 lines before the table" in note for note in data.notes)


@pytest.mark.parametrize("name", ["X[s]", "x (s)"])
def test_the_horizontal_axis_of_a_plot_is_the_time(tmp_path: Path, name: str) -> None:
    right(read(tmp_path, [f"{name},ACC 1.X [g],ACC 1.Y [g],ACC 1.Z [g]", *rows(SAMPLES)]))


@pytest.mark.parametrize("name", ["patient_id", "Participant ID", "Proband", "athlete"])
def test_who_wore_the_sensor(tmp_path: Path, name: str) -> None:
    assert read(tmp_path, [f"time,x,y,z,{name}", *(f"{row},P7" for row in rows(SAMPLES))]).subjects == ("P7",)
