"""Which columns and rows are the accelerometer's, where names alone mislead or are missing."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from edgehar.models.errors import DataError
from edgehar.pipeline.data.importing.collection import import_recordings
from edgehar.pipeline.data.importing.options import Options
from edgehar.pipeline.data.recordings import Dataset

ROWS: Final = 300
G: Final = 9.80665
GRAVITY: Final = np.tile([0.06, 0.98, -0.15], (ROWS, 1))
USER: Final = np.round(0.2 * np.sin(np.arange(ROWS)[:, None] * [0.3, 0.5, 0.7]), 5)
SAMPLES: Final = GRAVITY + USER
TURNS: Final = np.round(60 * np.sin(np.arange(ROWS)[:, None] * [0.2, 0.4, 0.6]), 3)


def table(header: str, *columns: np.ndarray | Sequence[object], mark: str = ",", time: bool = True) -> str:
    """Return the text of a recording at 50 Hz."""
    lines = [header] if header else []
    for row in range(ROWS):
        cells: list[object] = [row * 20] if time else []
        for each in columns:
            cells += np.round(each[row], 6).tolist() if isinstance(each, np.ndarray) else [each[row]]
        lines.append(mark.join(map(str, cells)))
    return "\n".join(lines) + "\n"


def read(folder: Path, text: str, **declared: object) -> Dataset:
    """Import a text."""
    (folder / "log.csv").write_text(text, encoding="utf-8")
    return import_recordings(folder / "log.csv", Options(**declared))  # type: ignore[arg-type]


def right(data: Dataset) -> None:
    """Hold the only recording to the samples."""
    (recording,) = data.recordings
    np.testing.assert_allclose(recording.samples, SAMPLES, atol=1e-4)
    assert (round(recording.rate_hz, 3), recording.gaps) == (50.0, ())


def named(*sensors: str, form: str = "{}{}") -> str:
    """Return names of axes of sensors, behind a time."""
    return "t_ms," + ",".join(form.format(sensor, axis) for sensor in sensors for axis in "XYZ")


@pytest.mark.parametrize("name", ["acceleration", "acc", "motion.acceleration.", "a"])
@pytest.mark.parametrize("has_gravity", [False, True])
def test_gravity_in_columns_of_its_own_is_added_where_it_lacks(tmp_path: Path, name: str, has_gravity: bool) -> None:
    text = table(named("gravity", name, "rotationRate"), GRAVITY, SAMPLES if has_gravity else USER, TURNS)
    data = read(tmp_path, text)
    right(data)
    assert any("Gravity is added" in note for note in data.notes) != has_gravity


@pytest.mark.parametrize(
    "form", ["linear_acceleration.{1}", "field.linear_acceleration.{1}", "linear_acceleration_{1}"]
)
def test_linear_acceleration_as_long_as_gravity_is_acceleration(tmp_path: Path, form: str) -> None:
    header = named("linear", form=form).replace("X", "x").replace("Y", "y").replace("Z", "z")
    data = read(tmp_path, table(header, SAMPLES * G))
    right(data)
    assert any("gravity is in it" in note for note in data.notes)
    with pytest.raises(DataError, match="gravity is removed"):
        read(tmp_path, table(header, USER * G))


@pytest.mark.parametrize(
    ("without", "total"),
    [
        ("acceleration.", "accelerationIncludingGravity."),
        ("body_acc_", "total_acc_"),
        ("acc_without_g_", "acc_with_g_"),
    ],
)
def test_of_two_the_one_with_gravity_is_taken(tmp_path: Path, without: str, total: str) -> None:
    right(read(tmp_path, table(named(without, total, "gyro_"), USER, SAMPLES, TURNS)))


@pytest.mark.parametrize("numbers", [(0, 1, 2), (1, 2, 3)])
@pytest.mark.parametrize("form", ["acc_{}", "acc[{}]", "accelerometer.{}"])
def test_numbered_axes(tmp_path: Path, form: str, numbers: tuple[int, ...]) -> None:
    header = ",".join(["t_ms", *(form.format(number) for number in numbers), *(f"gyr_{number}" for number in numbers)])
    right(read(tmp_path, table(header, SAMPLES, TURNS)))


def long_table(rows: dict[str, np.ndarray], column: str = "sensor") -> str:
    """Return a table with a row for each sensor in turn."""
    lines = [f"t_ms,{column},x,y,z"]
    for row in range(ROWS):
        lines += [",".join(map(str, [row * 20, sensor, *each[row].tolist()])) for sensor, each in rows.items()]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    "rows",
    [
        {"Accelerometer": USER, "TotalAcceleration": SAMPLES, "Gyroscope": TURNS},
        {"accelerometer": SAMPLES, "accelerometerUncalibrated": SAMPLES + 0.03, "gyroscope": TURNS},
        {"android.sensor.accelerometer": SAMPLES, "android.sensor.linear_acceleration": USER},
    ],
)
@pytest.mark.parametrize("column", ["sensor", "event", "topic"])
def test_rows_of_the_one_accelerometer_with_gravity_are_taken(
    tmp_path: Path, rows: dict[str, np.ndarray], column: str
) -> None:
    right(read(tmp_path, long_table(rows, column)))


@pytest.mark.parametrize("column", ["sensor_type", "type", "Sensor Type"])
def test_numbers_of_android_s_sensors(tmp_path: Path, column: str) -> None:
    right(read(tmp_path, long_table({"1": SAMPLES, "4": TURNS, "10": USER}, column)))


def test_rows_of_two_accelerometers_and_a_gyroscope_are_taken_apart(tmp_path: Path) -> None:
    data = read(tmp_path, long_table({"acc_left": SAMPLES, "acc_right": -SAMPLES, "gyr_left": TURNS}))
    assert [item.recording_id for item in data.recordings] == ["log#unknown@acc_left", "log#unknown@acc_right"]
    np.testing.assert_allclose(data.recordings[1].samples, -SAMPLES, atol=1e-5)


CLOCK: Final = [f"10:00:{row // 50:02}.{row % 50 * 20:03}" for row in range(ROWS)]


@pytest.mark.parametrize(
    "text",
    [
        table("", SAMPLES, [row * 20 for row in range(ROWS)], time=False),
        table("", ["2024-01-05"] * ROWS, CLOCK, SAMPLES, mark=" ", time=False),
        table("", ["2024-01-05"] * ROWS, CLOCK, SAMPLES, time=False),
    ],
)
def test_a_time_is_found_without_names(tmp_path: Path, text: str) -> None:
    right(read(tmp_path, text))


@pytest.mark.parametrize(
    "fourth", [["1"] * ROWS, list(range(ROWS))[::-1], np.linalg.norm(SAMPLES, axis=1).round(5).tolist()]
)
def test_four_columns_without_a_time_are_asked_about(tmp_path: Path, fourth: list[object]) -> None:
    with pytest.raises(DataError, match="--columns"):
        read(tmp_path, table("", SAMPLES, fourth, time=False))
    data = read(tmp_path, table("", SAMPLES, fourth, time=False), axes=("1", "2", "3"), rate_hz=50.0)
    right(data)


def test_dates_beside_declared_columns_are_the_time(tmp_path: Path) -> None:
    text = table("", [f"2024-01-05 {clock}" for clock in CLOCK], SAMPLES, TURNS, time=False)
    with pytest.raises(DataError, match="--columns"):
        read(tmp_path, text)
    right(read(tmp_path, text, axes=("2", "3", "4")))


def test_a_path_names_the_person(tmp_path: Path) -> None:
    header = "value.time_ms,value.x,value.y,value.z,key.userId"
    assert read(tmp_path, table(header, SAMPLES, ["S7"] * ROWS)).subjects == ("S7",)


@pytest.mark.parametrize(
    ("unit", "per_g"), [("cm/s^2", 980.665), ("Gal", 980.665), ("mm/s²", 9806.65), ("ft/s²", 32.17405), ("m·s⁻²", G)]
)
def test_units_of_other_lengths(tmp_path: Path, unit: str, per_g: float) -> None:
    header = f"t_ms,ax ({unit}),ay ({unit}),az ({unit})"
    right(read(tmp_path, table(header, SAMPLES * per_g)))


@pytest.mark.parametrize("per_g", [980.665, 9806.65])
def test_advice_for_metric_units_is_exact(tmp_path: Path, per_g: float) -> None:
    text = table("t_ms,x,y,z", SAMPLES * per_g)
    with pytest.raises(DataError, match=f"raw:{per_g}"):
        read(tmp_path, text)
    right(read(tmp_path, text, unit=f"raw:{per_g}"))


@pytest.mark.parametrize(
    "header",
    [
        "时间_ms,加速度X(g),加速度Y(g),加速度Z(g),角速度X(°/s),角速度Y(°/s),角速度Z(°/s)",
        "時刻_ms,加速度X軸,加速度Y軸,加速度Z軸,角速度X軸,角速度Y軸,角速度Z軸",
        "시간_ms,가속도 X,가속도 Y,가속도 Z,자이로 X,자이로 Y,자이로 Z",
        "time_ms,AccelerometerXAxis,AccelerometerYAxis,AccelerometerZAxis,GyroXAxis,GyroYAxis,GyroZAxis",
        "uptime_ms,x-axis,y-axis,z-axis,gyro x-axis,gyro y-axis,gyro z-axis",
    ],
)
def test_names_in_other_languages(tmp_path: Path, header: str) -> None:
    right(read(tmp_path, table(header, SAMPLES, TURNS)))


@pytest.mark.parametrize("names", ["Time,gFx,gFy,gFz", "TIME,GFX,GFY,GFZ", "time,gFx,gFy,gFz"])
def test_a_profile_finds_its_columns_in_any_case(tmp_path: Path, names: str) -> None:
    text = table(names, [row * 0.02 for row in range(ROWS)], SAMPLES, time=False)
    right(read(tmp_path, text))


@pytest.mark.parametrize("axes", ["xyz", ["acc_x", "acc_y", "acc_z", "gyr_x", "gyr_y", "gyr_z"]])
def test_a_row_for_each_axis_is_said(tmp_path: Path, axes: Sequence[str]) -> None:
    lines = [f"{row * 20},{name},{row % 7}" for row in range(ROWS) for name in axes]
    with pytest.raises(DataError, match="a row for each of them, named in 'channel'"):
        read(tmp_path, "\n".join(["t_ms,channel,value", *lines]))
