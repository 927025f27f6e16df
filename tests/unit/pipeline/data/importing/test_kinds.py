"""Files of every kind that people have, made small: what comes out, what is asked, and that the answer works."""

import csv
import gzip
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgehar.models.errors import DataError, HarError
from edgehar.pipeline.data.importing.collection import import_recordings
from edgehar.pipeline.data.importing.options import Options
from edgehar.pipeline.data.readers import load_dataset
from edgehar.pipeline.data.recordings import Dataset, LabelInterval

ROWS = 400
G = 9.80665
_RANDOM = np.random.default_rng(7)
SAMPLES = np.array([0.06, 0.98, -0.15]) + np.array([0.2, 0.3, 0.1]) * np.sin(
    np.arange(ROWS)[:, np.newaxis] * [0.3, 0.5, 0.7]
)
SAMPLES += _RANDOM.normal(0, 0.01, SAMPLES.shape)


def table(
    header: str = "time,x,y,z",
    *,
    scale: float = 1.0,
    time: Callable[[int], object] | None = lambda row: f"{row * 0.02:.2f}",
    sep: str = ",",
    extra: Sequence[object] = (),
    before: str = "",
    rows: Sequence[int] = range(ROWS),
    digits: int = 5,
) -> str:
    """Return the text of a file with these samples."""
    lines = [header] if header else []
    for row in rows:
        cells = [] if time is None else [time(row)]
        cells += [f"{value:.{digits}f}" for value in SAMPLES[row] * scale]
        lines.append(sep.join(map(str, [*cells, *extra])))
    return before + "\n".join(lines) + "\n"


def read(path: Path, **declared: Any) -> Dataset:
    """Import a path."""
    return import_recordings(path, Options(**declared))


def only(folder: Path, text: str, name: str = "log.csv", **declared: Any) -> Dataset:
    """Import a text as a file that holds one recording of all the samples."""
    (folder / name).write_text(text, encoding="utf-8")
    data = read(folder / name, **declared)
    assert len(data.recordings) == 1
    np.testing.assert_allclose(data.recordings[0].samples, SAMPLES, atol=3e-4)
    return data


def clock(row: int, *, start: int = 36_000, step_ms: int = 20, mark: str = ".") -> str:
    """Return a time of day."""
    ms = start * 1000 + row * step_ms
    return f"{ms // 3_600_000 % 24:02}:{ms // 60_000 % 60:02}:{ms // 1000 % 60:02}{mark}{ms % 1000:03}"


GERMAN = table("Zeitstempel;x;y;z", sep=";", time=lambda row: "05.01.2024 " + clock(row))
GERMAN = GERMAN.replace(".", ",").replace("05,01,", "05.01.")
UNITS = table("t\tax\tay\taz", sep="\t", before='"sep=\\t"\n').replace("az\n", "az\ns\tg\tg\tg\n", 1)
NAMES_OF_LINEAR = ",".join(f'"Linear Acceleration {axis} (m/s^2)"' for axis in "xyz")
NOISE = "Sensor ready\n" + table("", time=lambda row: row * 10).replace("\n1000,", "\nets Jul 29 2019\n1000,")


def counts(header: str, per_g: int, extra: Sequence[object] = ()) -> str:
    """Return the text of a file of counts."""
    return table(header, scale=per_g, digits=0, time=lambda row: row * 10, extra=extra)


@pytest.mark.parametrize(
    ("text", "rate_hz"),
    [
        (table("Date,Time,ax,ay,az", scale=G, time=lambda row: "2024-01-05," + clock(row)), 50),
        (table("Time,ax,ay,az", time=lambda row: clock(row, start=86_398)), 50),
        (GERMAN, 50),
        (table("time,x,y,z", time=lambda row: f"2019-10-27 {clock(row)}000+0100 [Europe/London]"), 50),
        (table("Timestamp,x,y,z", time=lambda row: f"9/17/2019 {clock(row)}"), 50),
        (table("Timestamp,x,y,z", time=lambda row: f"17/9/2019 {clock(row)}"), 50),
        (table("time,x,y,z", time=lambda row: f"2024-01-05 10:00:{row // 50:02}"), 50),
        (table("index,time,x,y,z", time=lambda row: f"{row},{row * 20}"), 50),
        (table("micros,x,y,z", time=lambda row: (2**32 - 3_000_000 + row * 20_000) % 2**32), 50),
        (table("timestamp,x,y,z", scale=G, time=lambda row: 10**12 + row // 8 * 160_000_000 + row % 8 * 30_000), 50),
        (table("t_ms,x,y,z", time=lambda row: int(row / 1.6)), 1600),
        (table("", time=lambda row: f"2023-05-05 {clock(row, step_ms=10)}"), 100),
        (table("x,y,z", time=None, before="# rate_hz: 40\n# unit: g\n"), 40),
        (table("x,y,z", time=None, before="Sampling rate: 32 Hz\nlow-pass filter: 10 Hz\n"), 32),
        (table("time,x,y,z", before="sep=,\nDeviceTag:,Left\n\n"), 50),
        (UNITS, 50),
        (table("time,x,y,z,", extra=[""]), 50),
        (table("time,AccX [mg],AccY [mg],AccZ [mg]", scale=1000, digits=2), 50),
        (table("time,x,y,z", scale=16384, digits=0, before="# scale: 16384 LSB/g\n"), 50),
    ],
)  # fmt: skip
def test_right_with_no_option(tmp_path: Path, text: str, rate_hz: float) -> None:
    (recording,) = only(tmp_path, text).recordings
    assert recording.rate_hz == pytest.approx(rate_hz, rel=0.01)
    assert recording.gaps == ()


@pytest.mark.parametrize(
    ("text", "about", "answer"),
    [
        (table("t,x,y,z", time=lambda row: row), "--rate", {"time": "none", "rate_hz": 50.0}),
        (table(",x,y,z", time=lambda row: row), "--rate", {"rate_hz": 50.0}),
        (table("", time=lambda row: row), "--rate", {"time": "none", "rate_hz": 50.0}),
        (table("t,x,y,z", time=lambda row: row), "--time-unit ms", {"time_unit": "ms"}),
        (counts("ms,ax_raw,ay_raw,az_raw", 16384), "raw:16384", {"unit": "raw:16384"}),
        (counts("ms,AcX,AcY,AcZ,Tmp,GyX,GyY,GyZ", 8192, [1, 2, 3, 4]), "raw:8192", {"unit": "raw:8192"}),
        (table("time,x,y,z,x,y,z", extra=[0, 0, 1]), "--columns", {"axes": ("2", "3", "4")}),
        (
            table("time,back_x,back_y,back_z,thigh_x,thigh_y,thigh_z", extra=[0, 0, 1]),
            "2,3,4 or 5,6,7",
            {"axes": ("2", "3", "4")},
        ),
        (table("time (s),x,y,z", time=lambda row: row * 20), "--time-unit", {"time_unit": "ms"}),
        (table("time,x,y,z", time=lambda row: row * 0.2), "--time-unit", {"time_unit": "s"}),
        (table("time,x (m/s^2),y (m/s^2),z (m/s^2)"), "--unit g", {"unit": "g"}),
        (table("time,x,y,z", before="Sampling rate: 100 Hz\n"), "--rate", {"time": "none", "rate_hz": 50.0}),
        (NOISE, "--drop-bad-rows", {"drop_bad_rows": True}),
    ],
)  # fmt: skip
def test_one_question_whose_answer_works(tmp_path: Path, text: str, about: str, answer: dict[str, Any]) -> None:
    (tmp_path / "log.csv").write_text(text)
    with pytest.raises(DataError) as caught:
        read(tmp_path / "log.csv")
    assert about in str(caught.value)
    only(tmp_path, text, **answer)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (table("time,userAcceleration.x,userAcceleration.y,userAcceleration.z"), "log.csv"),
        (table('"Time (s)",' + NAMES_OF_LINEAR), "log.csv"),
        (table(), "Linear Acceleration.csv"),
        (table().replace("0.98", "0.00"), "Gravity.csv"),
    ],
)  # fmt: skip
def test_acceleration_without_gravity_is_refused_by_its_name(tmp_path: Path, text: str, name: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match="gravity"):
        read(tmp_path / name)


def test_linear_acceleration_and_gravity_are_added(tmp_path: Path) -> None:
    lines = ["time,gravity.x,gravity.y,gravity.z,userAcceleration.x,userAcceleration.y,userAcceleration.z"]
    lines += [
        f"{row * 0.02:.2f},0.06,0.98,-0.15,{x - 0.06:.5f},{y - 0.98:.5f},{z + 0.15:.5f}"
        for row, (x, y, z) in enumerate(SAMPLES)
    ]
    assert any("Gravity is added" in note for note in only(tmp_path, "\n".join(lines)).notes)


@pytest.mark.parametrize("header", ["time,x,y,z", ""])
def test_restarts_are_new_recordings(tmp_path: Path, header: str) -> None:
    text = table(header, rows=range(150), time=lambda row: 5000 + row * 10)
    text += table("", rows=range(150, ROWS), time=lambda row: (row - 150) * 10)
    (tmp_path / "log.csv").write_text(text)
    data = read(tmp_path / "log.csv")
    assert [len(item) for item in data.recordings] == [150, 250]
    assert [item.rate_hz for item in data.recordings] == [100, 100]


def test_names_that_come_again_begin_a_recording(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(table(rows=range(150)) + table(rows=range(150, ROWS)))
    assert [len(item) for item in read(tmp_path / "log.csv").recordings] == [150, 250]


def test_blank_lines_without_times_begin_a_recording(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(
        table("x,y,z", time=None, rows=range(150)) + "\n" + table("", time=None, rows=range(150, ROWS))
    )
    assert [len(item) for item in read(tmp_path / "log.csv", rate_hz=50.0).recordings] == [150, 250]


def test_a_blank_line_begins_a_recording_whatever_the_times_say(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(table(rows=range(150)) + "\n" + table("", rows=range(150, ROWS)))
    assert [len(item) for item in read(tmp_path / "log.csv").recordings] == [150, 250]


def test_people_whose_rows_stand_in_turn_are_taken_apart(tmp_path: Path) -> None:
    lines = ["time,x,y,z,user"]
    for row, (x, y, z) in enumerate(SAMPLES):
        lines += [f"{row * 0.02:.2f},{x},{y},{z},{user}" for user in ("anna", "ben")]
    (tmp_path / "log.csv").write_text("\n".join(lines))
    data = read(tmp_path / "log.csv")
    assert data.subjects == ("anna", "ben")
    for recording in data.recordings:
        np.testing.assert_allclose(recording.samples, SAMPLES, atol=1e-6)
        assert (recording.rate_hz, recording.gaps) == (50.0, ())


def test_a_comma_for_decimals_and_columns_is_refused_without_harmful_advice(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(table().replace(".", ","))
    with pytest.raises(DataError, match="the comma separates decimals and columns") as caught:
        read(tmp_path / "log.csv")
    assert "--columns" not in str(caught.value)


def test_a_table_of_single_axes_is_refused(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("time,sensor,axis,value\n" + "0.1,acc,x,0.5\n" * 50)
    with pytest.raises(DataError, match="columns"):
        read(tmp_path / "log.csv")


def test_shuffled_rows_are_sorted_and_said(tmp_path: Path) -> None:
    order = _RANDOM.permutation(ROWS).tolist()
    (recording,) = only(tmp_path, table(rows=order)).recordings
    assert recording.gaps == ()
    assert any("they are sorted" in problem for problem in recording.problems)


def test_labels_follow_their_rows_when_these_are_sorted(tmp_path: Path) -> None:
    rows = [f"{row * 0.02:.2f},{x},{y},{z},{'walk' if row < 300 else 'sit'}" for row, (x, y, z) in enumerate(SAMPLES)]
    rows[100], rows[350] = rows[350], rows[100]
    (recording,) = only(tmp_path, "\n".join(["time,x,y,z,label", *rows])).recordings
    assert recording.labels == (LabelInterval(0, 300, "walk"), LabelInterval(300, 400, "sit"))


def test_long_format_takes_the_rows_of_the_accelerometer(tmp_path: Path) -> None:
    lines = ["time,sensor,x,y,z"]
    for row, (x, y, z) in enumerate(SAMPLES):
        lines += [f"{row * 20},acc,{x:.5f},{y:.5f},{z:.5f}", f"{row * 20},gyr,1,2,3"]
    data = only(tmp_path, "\n".join(lines))
    assert any("passed over: 'gyr'" in note for note in data.notes)


def test_lines_of_a_sketch(tmp_path: Path) -> None:
    lines = ["MPU6050 Found!", "+-8G"]
    for row, (x, y, z) in enumerate(SAMPLES * G):
        lines.append(f"{clock(row)} -> Acceleration X: {x:.4f}, Y: {y:.4f}, Z: {z:.4f} m/s^2")
        lines += [f"{clock(row)} -> Rotation X: 0.1, Y: 0.2, Z: 0.3 rad/s", f"{clock(row)} -> Temperature: 36.5 degC"]
    (recording,) = only(tmp_path, "\n".join(lines), "capture.txt").recordings
    assert recording.rate_hz == pytest.approx(50)


def test_json_lines(tmp_path: Path) -> None:
    lines = [f'{{"t": {row * 20}, "x": {x:.5f}, "y": {y:.5f}, "z": {z:.5f}}}' for row, (x, y, z) in enumerate(SAMPLES)]
    (recording,) = only(tmp_path, "\n".join(lines), "log.txt").recordings
    assert recording.rate_hz == pytest.approx(50)


def test_gz_and_zip(tmp_path: Path) -> None:
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(table("time,x,y,z,label", extra=["walk"]).encode()))
    (recording,) = read(tmp_path / "a.csv.gz").recordings
    assert (recording.recording_id, recording.source, len(recording)) == ("a", "a.csv", ROWS)
    with zipfile.ZipFile(tmp_path / "b.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("Accelerometer.csv", table())
        archive.writestr("meta/device.csv", '"property","value"\n"version","1"\n')
        archive.writestr("__MACOSX/._Accelerometer.csv", "rubbish")
    data = read(tmp_path / "b.zip")
    assert [item.recording_id for item in data.recordings] == ["b/Accelerometer"]
    assert any("meta/device.csv" in note for note in data.notes)


@pytest.mark.parametrize("name", ["bad.csv.gz", "bad.zip"])
def test_damaged_archives_are_one_sentence(tmp_path: Path, name: str) -> None:
    whole = gzip.compress(table().encode() * 20)
    (tmp_path / name).write_bytes(whole[: len(whole) // 2] if name.endswith("gz") else b"PK\x03\x04" + b"\0" * 50)
    with pytest.raises(DataError, match="expected a readable"):
        read(tmp_path / name)


def test_an_archive_that_grows_beyond_reason_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", b"0" * 10_000_000)
    with pytest.raises(DataError, match="bytes that claim 10000000"):
        read(tmp_path / "bomb.zip")


def test_foreign_files_are_passed_over_and_said(tmp_path: Path) -> None:
    (tmp_path / "Accelerometer.csv").write_text(table(scale=G))
    (tmp_path / "Gyroscope.csv").write_text("time,gyro x,gyro y,gyro z\n" + "0.1,1,2,3\n" * 20)
    (tmp_path / "meta").mkdir()
    (tmp_path / "meta" / "device.csv").write_text("property,value\na,b\n")
    (tmp_path / "tags.csv").write_text("")
    (tmp_path / "README.txt").write_text("Recorded on a Tuesday.\n")
    data = read(tmp_path)
    assert len(data.recordings) == 1
    assert data.quarantined == ()
    (note,) = [note for note in data.notes if note.startswith("Passed over")]
    assert all(name in note for name in ("Gyroscope.csv", "meta/device.csv", "tags.csv", "README.txt"))


def test_one_broken_file_does_not_abort_a_folder(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.csv").write_text(table())
    (tmp_path / "bad.csv").write_text(table().replace("0.50,", "oops,"))
    data = read(tmp_path)
    assert [item.recording_id for item in data.recordings] == ["a", "b", "c"]
    assert data.quarantined == (str(tmp_path / "bad.csv"),)
    assert any("bad.csv was put aside" in p and "line 27" in p and "--drop-bad-rows" in p for p in data.problems)


def test_a_question_that_all_files_leave_open_is_asked_once(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.csv").write_text(table("x,y,z", time=None))
    with pytest.raises(DataError, match=r"--rate") as caught:
        read(tmp_path)
    assert "and 1 more file cannot be used" in str(caught.value)
    assert len(read(tmp_path, rate_hz=50.0).recordings) == 2


@pytest.mark.parametrize(
    "labels",
    [
        "label,start,end\nstanding,1700000000.0,1700000004.0\nwalking,1700000004.0,1700000008.0\n",
        "start,end,label\n0,4,standing\n4,8,walking\n",
        "begin time;end time;annotation\n0;4000;standing\n4000;8000;walking\n",
        "time,label\n0,standing\n4,walking\n",
        "tier\tBegin Time - ss.msec\tEnd Time - ss.msec\tAnnotation\nt\t0\t4\tstanding\nt\t4\t8\twalking\n",
        "Begin Time,End Time,Label\n00:00:00.0,00:00:04.0,standing\n00:00:04.0,00:00:08.0,walking\n",
        "time,seconds_elapsed,text\n1700000000000000000,0,standing\n1700000004000000000,4,walking\n",
    ],
)
def test_intervals_label_the_recording_beside_them(tmp_path: Path, labels: str) -> None:
    (tmp_path / "acc.csv").write_text(table(time=lambda row: f"{1_700_000_000 + row * 0.02:.3f}"))
    (tmp_path / "labels.csv").write_text(labels)
    (recording,) = read(tmp_path).recordings
    assert recording.labels == (LabelInterval(0, 200, "standing"), LabelInterval(200, 400, "walking"))


def test_intervals_that_meet_nothing_are_a_problem(tmp_path: Path) -> None:
    (tmp_path / "acc.csv").write_text(table(time=lambda row: f"{1_700_000_000 + row * 0.02:.3f}"))
    (tmp_path / "labels.csv").write_text("label,start,end\nstanding,1600000000.0,1600000004.0\n")
    data = read(tmp_path)
    assert data.recordings[0].labels == ()
    assert any("meet no recording" in problem for problem in data.problems)


def test_spellings_of_one_label_are_one_and_said(tmp_path: Path) -> None:
    labels = ["Walking", "walking", "WALKING ", "Sitting"]
    rows = [f"{row * 0.02:.2f},{x},{y},{z},{labels[row // 100]}" for row, (x, y, z) in enumerate(SAMPLES)]
    data = only(tmp_path, "\n".join(["time,x,y,z,label", *rows]))
    assert data.recordings[0].labels == (LabelInterval(0, 300, "Walking"), LabelInterval(300, 400, "Sitting"))
    assert any("are taken as one" in note for note in data.notes)


def test_labels_are_renamed(tmp_path: Path) -> None:
    text = table("time,x,y,z,label", extra=["A"])
    data = only(tmp_path, text, label_map={"a": "Walking Forward"})
    assert data.activities == ("Walking Forward",)


def test_a_stuck_sensor_is_a_problem(tmp_path: Path) -> None:
    lines = table().splitlines()
    lines[61:] = [f"{row * 0.02:.2f},0.06,0.98,-0.15" for row in range(60, ROWS)]
    (tmp_path / "log.csv").write_text("\n".join(lines))
    assert any(
        "repeats the same value 340 times" in p and "line 62" in p for p in read(tmp_path / "log.csv").all_problems
    )


def test_what_no_sensor_measures_is_fenced_in_by_gaps(tmp_path: Path) -> None:
    lines = table().splitlines()
    lines[91] = "1.80,9999,9999,9999"
    (tmp_path / "log.csv").write_text("\n".join(lines))
    (recording,) = read(tmp_path / "log.csv").recordings
    assert len(recording) == ROWS
    assert recording.gaps == (90, 91)
    assert any("17,319 g" in p and "line 92" in p for p in recording.problems)


@pytest.mark.parametrize("value", ["1e308", "-1e308", "1e39"])
def test_numbers_beyond_all_measure_are_fenced_in_too(tmp_path: Path, value: str) -> None:
    lines = table().splitlines()
    lines[91] = f"1.80,{value},{value},{value}"
    (tmp_path / "log.csv").write_text("\n".join(lines))
    (recording,) = read(tmp_path / "log.csv").recordings
    assert recording.gaps == (90, 91)
    assert any("beyond the range" in problem for problem in recording.problems)


def test_a_file_whose_quiet_and_moving_parts_disagree_is_asked_about(tmp_path: Path) -> None:
    values = SAMPLES * G
    values[:150] = SAMPLES[0]
    rows = [f"{row * 0.02:.2f},{x},{y},{z}" for row, (x, y, z) in enumerate(values)]
    (tmp_path / "log.csv").write_text("\n".join(["time,x,y,z", *rows]))
    with pytest.raises(DataError, match="--unit"):
        read(tmp_path / "log.csv")


def test_many_files_need_few_open_ones(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for number in range(150):
        (tmp_path / f"{number}.csv").write_text(table(rows=range(60)))
    resource.setrlimit(resource.RLIMIT_NOFILE, (100, hard))
    try:
        assert len(read(tmp_path).recordings) == 150
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("cut", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("suffix", [".json", ".cbor", ".dat", ".csv.gz"])
def test_rubbish_is_one_sentence(tmp_path: Path, suffix: str, cut: float) -> None:
    rubbish = bytes(_RANDOM.integers(0, 256, 2000, dtype=np.uint8))
    (tmp_path / f"a{suffix}").write_bytes(rubbish[: int(2000 * cut)])
    with pytest.raises(HarError):
        read(tmp_path / f"a{suffix}")


@pytest.mark.parametrize("label", ['Juggling, "high"', '"Juggling" high', "Juggling"])
def test_a_quote_at_the_end_of_a_label_belongs_to_it(tmp_path: Path, label: str) -> None:
    path = tmp_path / "quoted.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        rows = csv.writer(stream)
        rows.writerow(["x", "y", "z", "label"])
        rows.writerows([0.1, 0.2, 0.97, label] for _ in range(60))
    dataset = load_dataset(path, layout=Options(rate_hz=100.0))
    assert dataset.activities == (label,)
