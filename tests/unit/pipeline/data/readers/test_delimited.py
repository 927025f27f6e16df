"""CSV files as people write them: what is detected, what is said, what is refused."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgehar.models.errors import DataError, HarError, UsageError
from edgehar.pipeline.data.importing.options import Options as Layout
from edgehar.pipeline.data.readers import load_dataset
from edgehar.pipeline.data.recordings import LabelInterval, Recording

ROWS = 500
SAMPLES = np.array([0.1, -0.2, 0.97]) + 0.05 * np.sin(np.arange(ROWS)[:, np.newaxis] * [0.3, 0.5, 0.7])

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write rows of cells as a file."""

    def write_file(rows: Sequence[Sequence[Any]], header: str = "", name: str = "walk.csv", sep: str = ",") -> Path:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        lines = [header] if header else []
        file.write_text("\n".join([*lines, *(sep.join(map(str, row)) for row in rows)]) + "\n", encoding="utf-8")
        return file

    return write_file


def _timed(
    step: float = 0.02, scale: float = 1.0, form: Callable[[float], object] = lambda time: time
) -> list[list[Any]]:
    return [[form(row * step), *(f"{value:.6f}" for value in SAMPLES[row] * scale)] for row in range(ROWS)]


def _only(file: Path, **declared: Any) -> Recording:
    (recording,) = load_dataset(file, layout=Layout(**declared) if declared else None).recordings
    return recording


@pytest.mark.parametrize(
    "header",
    [
        "time,ax,ay,az",
        "t,x,y,z",
        "timestamp,acc_x,acc_y,acc_z",
        "Time (s),Accelerometer X (g),Accelerometer Y (g),Accelerometer Z (g)",
        "seconds_elapsed,X-axis,Y-axis,Z-axis",
        "Epoch,accX,accY,accZ",
        "ts,accelerometerAccelerationX(G),accelerometerAccelerationY(G),accelerometerAccelerationZ(G)",
        "time,xacc,yacc,zacc",
        "",
    ],
)
def test_names_of_columns(write: Write, header: str) -> None:
    recording = _only(write(_timed(), header))
    np.testing.assert_allclose(recording.samples, SAMPLES, atol=1e-6)
    assert recording.rate_hz == pytest.approx(50)
    assert recording.timestamps_s is not None


def test_other_sensors_are_passed_over(write: Write) -> None:
    rows = [[*row, 1, 2, 3, 4, 5, 6] for row in _timed()]
    header = "time,ax,ay,az,gx,gy,gz,rotationRate.x,userAcceleration.y,gravity.z"
    np.testing.assert_allclose(_only(write(rows, header)).samples, SAMPLES, atol=1e-6)


def test_columns_may_come_in_any_order(write: Write) -> None:
    rows = [[z, x, time, y] for time, x, y, z in _timed()]
    np.testing.assert_allclose(_only(write(rows, "acc_z,acc_x,time,acc_y")).samples, SAMPLES, atol=1e-6)


@pytest.mark.parametrize(
    ("form", "step", "said"),
    [
        (lambda time: f"{time:.3f}", 0.02, "in s"),
        (lambda time: round(1.6e12 + time), 20, "in ms"),
        (lambda time: round(time), 20_000, "in us"),
        (lambda time: 1_700_000_000_000_000_000 + round(time), 20_000_000, "in ns"),
        (lambda time: str(np.datetime64("2024-02-29T23:59:58", "ms") + np.timedelta64(round(time), "ms")), 20, "dates"),
        (lambda time: f"2024-05-01 10:00:{time:09.6f}+02:00", 0.02, "dates"),
    ],
)
def test_times(write: Write, form: Callable[[float], object], step: float, said: str) -> None:
    data = load_dataset(write(_timed(step, form=form), "time,x,y,z"))
    (recording,) = data.recordings
    assert recording.rate_hz == pytest.approx(50, rel=1e-3)
    assert recording.gaps == ()
    assert recording.timestamps_s is not None
    np.testing.assert_allclose(np.diff(recording.timestamps_s), 0.02, atol=2e-6)
    assert any(said in note for note in data.notes)


def test_times_rounded_to_milliseconds_still_give_the_rate(write: Write) -> None:
    recording = _only(write(_timed(1000 / 64, form=round), "time,x,y,z"))
    assert recording.rate_hz == pytest.approx(64, rel=1e-3)
    assert recording.gaps == ()


@pytest.mark.parametrize(("scale", "unit"), [(1.0, "g"), (9.80665, "m/s2")])
def test_unit_is_told_by_gravity(write: Write, scale: float, unit: str) -> None:
    data = load_dataset(write(_timed(scale=scale), "time,x,y,z"))
    np.testing.assert_allclose(data.recordings[0].samples, SAMPLES, atol=2e-6)
    assert any(f"The unit is taken as {unit}: gravity measures" in note for note in data.notes)


def test_counts_must_be_declared(write: Write) -> None:
    file = write(_timed(scale=16384), "time,x,y,z")
    with pytest.raises(DataError, match=r"1 \(g\) or 9\.81 \(m/s²\)"):
        load_dataset(file)
    np.testing.assert_allclose(_only(file, unit="raw:16384").samples, SAMPLES, atol=1e-6)


def test_unit_that_gravity_contradicts_is_refused(write: Write) -> None:
    with pytest.raises(DataError, match=r"about 1 g with the unit g, got 9\.7"):
        load_dataset(write(_timed(scale=9.8), "time,x,y,z"), layout=Layout(unit="g"))


def test_files_in_different_units_are_each_read_in_their_own(write: Write) -> None:
    for name in ("a.csv", "b.csv"):
        write(_timed(), "time,x,y,z", f"all/{name}")
    folder = write(_timed(scale=9.80665), "time,x,y,z", "all/odd.csv").parent
    data = load_dataset(folder)
    for recording in data.recordings:
        np.testing.assert_allclose(recording.samples, SAMPLES, atol=2e-6)
    assert "The files are in different units: g (2), m/s2 (1)." in data.notes


def test_missing_gravity_is_reported(write: Write) -> None:
    file = write([[row * 0.02, *(SAMPLES[row] - SAMPLES.mean(axis=0))] for row in range(ROWS)], "time,x,y,z")
    with pytest.raises(DataError, match="gravity seems to be removed"):
        load_dataset(file)
    declared = load_dataset(file, layout=Layout(unit="g"))
    assert any("gravity seems to be removed" in problem for problem in declared.all_problems)


@pytest.mark.parametrize(("sep", "word"), [(";", "semicolon"), ("\t", "tab"), ("|", "bar"), ("   ", "space")])
def test_delimiters(write: Write, sep: str, word: str) -> None:
    data = load_dataset(write(_timed(), sep.join(["time", "x", "y", "z"]), sep=sep))
    np.testing.assert_allclose(data.recordings[0].samples, SAMPLES, atol=1e-6)
    assert any(f"separated by a {word}" in note for note in data.notes)


def test_decimal_comma(write: Write) -> None:
    rows = [[str(cell).replace(".", ",") for cell in row] for row in _timed(form=lambda time: f"{time:.2f}")]
    data = load_dataset(write(rows, "time;x;y;z", sep=";"))
    np.testing.assert_allclose(data.recordings[0].samples, SAMPLES, atol=1e-6)
    assert "Numbers have a decimal comma." in data.notes


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_encodings(write: Write, encoding: str) -> None:
    file = write(_timed(scale=9.80665), "time,x (m/s²),y (m/s²),z (m/s²)")
    file.write_bytes(file.read_text(encoding="utf-8").encode(encoding))
    np.testing.assert_allclose(_only(file).samples, SAMPLES, atol=2e-6)


def test_lines_that_end_in_semicolons_and_carry_no_names(write: Write) -> None:
    rows = [[33, "Walking" if row < 200 else "Jogging", *cells] for row, cells in enumerate(_timed(20, 9.8, round))]
    file = write([[*row[:-1], f"{row[-1]};"] for row in rows])
    with pytest.raises(DataError, match=r"expected column names.*got '33,Walking,0,"):
        load_dataset(file)
    recording = _only(file, axes=("4", "5", "6"), subject="1", label="2", time="3")
    assert recording.subject == "33"
    assert recording.labels == (LabelInterval(0, 200, "Walking"), LabelInterval(200, ROWS, "Jogging"))


def test_comments_blank_lines_and_quotes(write: Write) -> None:
    file = write([[f'"{cell}"' for cell in row] for row in _timed()], "time,x,y,z")
    file.write_text("# made by a phone\n\n" + file.read_text().replace("\n", "\n\n"))
    np.testing.assert_allclose(_only(file).samples, SAMPLES, atol=1e-6)


def test_several_sensors_must_be_declared(write: Write) -> None:
    file = write([[*row, 0, 0, 1] for row in _timed()], "time,back_x,back_y,back_z,thigh_x,thigh_y,thigh_z")
    with pytest.raises(DataError, match="got 2: 'back_x'/'back_y'/'back_z' and 'thigh_x'"):
        load_dataset(file)
    assert _only(file, axes=("thigh_x", "thigh_y", "thigh_z")).samples[7].tolist() == [0, 0, 1]


def test_people_and_activities_from_columns(write: Write) -> None:
    rows = [[*row, "sit" if index < 300 else "", "p2" if index < 400 else "p10"] for index, row in enumerate(_timed())]
    data = load_dataset(write(rows, "time,x,y,z,activity,user_id"))
    assert data.subjects == ("p2", "p10")
    first, second = data.recordings
    assert (first.recording_id, len(first), first.labels) == ("walk#p2", 400, (LabelInterval(0, 300, "sit"),))
    assert (second.recording_id, len(second), second.labels) == ("walk#p10", 100, ())


def test_label_that_means_none(write: Write) -> None:
    rows = [[*row, 0 if index < 100 else 4] for index, row in enumerate(_timed())]
    file = write(rows, "time,x,y,z,label")
    assert _only(file, unlabelled=("0",)).labels == (LabelInterval(100, ROWS, "4"),)


def test_session_that_starts_over_with_another_activity_is_another_recording(write: Write) -> None:
    rows = [[*row, "sit"] for row in _timed()] + [[*row, "stand"] for row in _timed()]
    data = load_dataset(write(rows, "time,x,y,z,label"))
    assert [(item.recording_id, len(item)) for item in data.recordings] == [
        ("walk#unknown", ROWS),
        ("walk#unknown/2", ROWS),
    ]


def test_people_and_activities_from_file_names(write: Write) -> None:
    for name in ("data/anna_Sitting_1.csv", "data/anna_Standing_1.csv", "data/bo_Sitting_1.csv"):
        folder = write(_timed(), "time,x,y,z", name).parent
    data = load_dataset(folder, layout=Layout(file_pattern="{subject}_{activity}_*.csv"))
    assert data.subjects == ("anna", "bo")
    assert data.activities == ("Sitting", "Standing")
    assert [item.recording_id for item in data.recordings] == ["anna_Sitting_1", "anna_Standing_1", "bo_Sitting_1"]
    assert load_dataset(folder, layout=Layout(file_pattern="{subject}/*.csv")).subjects == ("data",)
    with pytest.raises(DataError, match=r"expected a name like \{subject\}-\*\.csv, got anna_Sitting_1\.csv"):
        load_dataset(folder, layout=Layout(file_pattern="{subject}-*.csv"))
    for pattern in ("*.csv", "{person}.csv", "{subject}{subject}.csv"):
        with pytest.raises(UsageError, match="file pattern"):
            load_dataset(folder, layout=Layout(file_pattern=pattern))


def test_what_nothing_says_is_said(write: Write) -> None:
    data = load_dataset(write(_timed(), "time,x,y,z"))
    assert data.subjects == ("unknown",)
    assert any("who wore the sensor" in problem for problem in data.problems)
    assert any("nothing is labelled" in problem for problem in data.problems)
    declared = load_dataset(write(_timed(), "time,x,y,z"), layout=Layout(subject_name="7", activity_name="Sitting"))
    assert declared.problems == ()
    assert declared.recordings[0].labels == (LabelInterval(0, ROWS, "Sitting"),)


def test_jump_in_time_is_a_gap(write: Write) -> None:
    rows = _timed()
    recording = _only(write(rows[:200] + rows[350:], "time,x,y,z"))
    assert recording.gaps == (200,)
    assert recording.problems == ("1 gap in time, together 3 s (first before line 202).",)


def test_one_lost_sample_is_a_gap(write: Write) -> None:
    rows = _timed()
    del rows[77]
    assert _only(write(rows, "time,x,y,z")).gaps == (77,)


def _broken(kind: str) -> list[list[Any]]:
    rows = _timed()
    if kind == "nan":
        rows[7][2] = "NaN"
    elif kind == "empty":
        rows[7][1] = ""
    elif kind == "word":
        rows[7][3] = "oops"
    elif kind == "inf":
        rows[7][3] = "inf"
    elif kind == "short":
        rows[7] = rows[7][:3]
    elif kind == "long":
        rows[7] = [*rows[7], 1]
    return rows


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("nan", "expected a number in column 'y', got 'NaN'"),
        ("empty", "expected a number in column 'x', got ''"),
        ("word", "expected a number in column 'z', got 'oops'"),
        ("inf", "expected a number in column 'z', got 'inf'"),
        ("short", "expected 4 columns, got 3"),
        ("long", "expected 4 columns, got 5"),
    ],
)
def test_bad_row_is_named_or_dropped(write: Write, kind: str, message: str) -> None:
    file = write(_broken(kind), "time,x,y,z")
    with pytest.raises(DataError, match=rf"walk\.csv, line 9: {message}.*--drop-bad-rows") as caught:
        load_dataset(file)
    assert caught.value.details["line"] == 9
    recording = _only(file, drop_bad_rows=True)
    assert len(recording) == ROWS - 1
    assert len(recording.gaps) == 1
    assert any("1 row left out" in problem or "1 bad row left out" in problem for problem in recording.problems)


def test_dropped_row_without_times_leaves_a_gap(write: Write) -> None:
    rows = [row[1:] for row in _broken("nan")]
    recording = _only(write(rows, "x,y,z"), drop_bad_rows=True, rate_hz=50.0)
    assert (len(recording), recording.gaps, recording.timestamps_s) == (ROWS - 1, (7,), None)


def test_rows_in_another_order_are_sorted_and_said(write: Write) -> None:
    rows = _timed()
    rows[6], rows[7] = rows[7], rows[6]
    recording = _only(write(rows, "time,x,y,z"))
    np.testing.assert_allclose(recording.samples, SAMPLES, atol=1e-6)
    assert recording.gaps == ()
    assert "2 rows stood in another order than their times: they are sorted." in recording.problems


def test_one_equal_time_loses_nothing(write: Write) -> None:
    rows = _timed()
    rows[7][0] = rows[6][0]
    recording = _only(write(rows, "time,x,y,z"))
    assert (len(recording), recording.gaps, recording.rate_hz) == (ROWS, (), 50.0)
    assert recording.timestamps_s is not None
    np.testing.assert_allclose(np.diff(recording.timestamps_s), 0.02, rtol=0.02)


@pytest.mark.parametrize("time", [None, "none"])
def test_time_that_starts_over_is_a_new_recording_even_where_times_are_ignored(write: Write, time: str | None) -> None:
    file = write(_timed() + _timed(), "time,x,y,z")
    data = load_dataset(file, layout=Layout(time=time, rate_hz=50.0))
    assert [len(item) for item in data.recordings] == [ROWS, ROWS]
    assert any("Time starts over 1 time (line 502)" in note for note in data.notes)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "got an empty file"),
        (b"\n\n# nothing\n", "got an empty file"),
        (b"time,x,y,z\n", "expected rows of data, got none"),
        (b"time,x,y,z\n0,0,0,1\n", "expected times with steps.*got one row"),
        (b"x,y,z\n0,0,1\n", "expected timestamps or a rate, got neither"),
        (b"hello\nworld\n", "at least three columns, got 'hello'"),
        (b"a,b,c,d\n1,2,3,4\n", "expected columns named like x, y, z"),
        (bytes(range(256)), "got a binary one"),
        (b"x,y,z\n" + b"0,0,1\n" * 20_000 + b"\xff\xff,0,1\n", "expected UTF-8 text, got the byte 0xff"),
        (b"x," * 700_000, "at most 65536 characters"),
        (b'x,y,z\n0,"0,1\n' + b"0,0,1\n" * 40_000, "expected every quote closed"),
        (b"time,x,y,z\n" + b"0,0,0,1\n" * 9, "times with steps"),
        (b"time,x,y,z\n" + b"".join(b"%d000000000000,0,0,1\n" % hour for hour in range(9)), "times with steps"),
        (b"date,x,y,z\n" + b"01.05.2024 10:00,0,0,1\n" * 9, "got the same time in every row"),
    ],
)  # fmt: skip
def test_files_that_are_no_recording(tmp_path: Path, content: bytes, message: str) -> None:
    file = tmp_path / "bad.csv"
    file.write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        load_dataset(file)
    assert str(file) in str(caught.value)


@pytest.mark.parametrize(
    ("declared", "kind", "message"),
    [
        ({"axes": ("a", "y", "z")}, UsageError, "column 'a' is not there; there are time, x, y, z"),
        ({"axes": ("2", "3", "5")}, UsageError, "column '5' is not there"),
        ({"time": "when"}, UsageError, "column 'when' is not there"),
        ({"unit": "feet"}, UsageError, "expected the unit g, m/s2 or raw:SCALE, got 'feet'"),
        ({"unit": "raw:0"}, UsageError, "expected raw:SCALE .* got 'raw:0'"),
        ({"time_unit": "weeks"}, UsageError, "time unit 'weeks' is not one of"),
        ({"time_unit": "iso"}, DataError, "expected times that are dates, got numbers"),
        ({"rate_hz": -1.0}, UsageError, "not above 0"),
        ({"rate_hz": 100.0}, DataError, "expected 100 Hz as declared, but the timestamps give 50 Hz"),
        ({"delimiter": "x"}, UsageError, "delimiter 'x' is not one of"),
    ],
)
def test_declarations_that_cannot_be(
    write: Write, declared: dict[str, Any], kind: type[HarError], message: str
) -> None:
    with pytest.raises(kind, match=message):
        load_dataset(write(_timed(), "time,x,y,z"), layout=Layout(**declared))


def test_folders(write: Write, tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    with pytest.raises(DataError, match="found an empty folder"):
        load_dataset(tmp_path / "none")
    with pytest.raises(DataError, match=r"expected recordings \(\.csv"):
        load_dataset(tmp_path / "none", format="csv")
    write(_timed(), "time,x,y,z", "deep/er/one.csv")
    write([], "", "deep/.hidden.csv")
    data = load_dataset(tmp_path / "deep")
    assert [item.recording_id for item in data.recordings] == ["er/one"]
    with pytest.raises(DataError, match="expected a file or folder, found nothing"):
        load_dataset(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="format 'excel'"):
        load_dataset(tmp_path, format="excel")
    with pytest.raises(UsageError, match="'exclude_suspect' means nothing for csv"):
        load_dataset(tmp_path / "deep", exclude_suspect=True)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(alphabet=st.sampled_from('0123456789.,;-eE \t\n"xyztime#nan:T\r'), max_size=400))
def test_any_text_is_read_or_refused_in_one_sentence(tmp_path: Path, text: str) -> None:
    file = tmp_path / "any.csv"
    file.write_text(text, newline="")
    try:
        recordings = load_dataset(file, layout=Layout(drop_bad_rows=True)).recordings
        refused = None
    except HarError as error:
        recordings = ()
        refused = str(error)
    assert refused is None or str(file) in refused
    assert all(np.isfinite(item.samples).all() for item in recordings)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    values=st.lists(st.tuples(*[st.floats(-8, 8)] * 3), min_size=3, max_size=40),
    sep=st.sampled_from([",", ";", "\t", "|", " "]),
    unit=st.sampled_from(["g", "m/s2", "raw:2048"]),
)
def test_what_is_written_is_read(tmp_path: Path, values: list[tuple[float, ...]], sep: str, unit: str) -> None:
    scale = {"g": 1.0, "m/s2": 9.80665, "raw:2048": 2048.0}[unit]
    file = tmp_path / "made.csv"
    rows = [sep.join(repr(value * scale) for value in row) for row in values]
    file.write_text("\n".join([sep.join("xyz"), *rows]))
    # At 50 Hz these are less than a second, too short for gravity to contradict the unit.
    samples = _only(file, unit=unit, rate_hz=50.0).samples
    np.testing.assert_allclose(samples, np.float32(values), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(("suffix", "step"), [(".xlsx", "save the sheet"), (".parquet", "as CSV"), (".mat", "as CSV")])
def test_files_of_other_programs_are_said_what_to_do_with(tmp_path: Path, suffix: str, step: str) -> None:
    (tmp_path / f"walk{suffix}").write_bytes(b"PK\x03\x04" + bytes(100))
    with pytest.raises(DataError, match=step):
        load_dataset(tmp_path / f"walk{suffix}")
