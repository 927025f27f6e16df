"""Each profile on a small file in its official layout; and what users may write themselves."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgehar.models.errors import DataError, UsageError
from edgehar.pipeline.data.importing.collection import import_recordings
from edgehar.pipeline.data.importing.options import Options
from edgehar.pipeline.data.importing.profiles import find_profile, known_profiles, parse_profile, read_label_map
from edgehar.pipeline.data.recordings import Dataset, Recording

ROWS = 300
SAMPLES = np.array([0.06, 0.98, -0.15]) + 0.2 * np.sin(np.arange(ROWS)[:, np.newaxis] * [0.3, 0.5, 0.7])
MS2 = SAMPLES * 9.80665


def read(path: Path, **declared: Any) -> Dataset:
    return import_recordings(path, Options(**declared))


def only(folder: Path, name: str, lines: list[str], **declared: Any) -> Recording:
    """Import lines as a file; check the samples, and that a profile was used."""
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    data = read(folder, **declared)
    assert any("(profile " in note for note in data.notes)
    (recording,) = data.recordings
    np.testing.assert_allclose(recording.samples, SAMPLES, atol=2e-3)
    return recording


def joined(*cells: object, sep: str = ",") -> str:
    return sep.join(f"{cell:.6f}" if isinstance(cell, float) else str(cell) for cell in cells)


def names_of(recording: Recording) -> list[str]:
    return [label.activity for label in recording.labels]


def test_wisdm_2019(tmp_path: Path) -> None:
    lines = [
        f"1600,{'A' if row < 150 else 'D'},{252207666810782 + row * 50_000_000},{x:.6f},{y:.6f},{z:.6f};"
        for row, (x, y, z) in enumerate(MS2)
    ]
    recording = only(tmp_path, "raw/phone/accel/data_1600_accel_phone.txt", lines)
    assert (recording.subject, recording.rate_hz) == ("1600", 20.0)
    assert names_of(recording) == ["Walking", "Sitting"]


def test_wisdm_1_1_with_its_broken_lines(tmp_path: Path) -> None:
    lines = [
        f"33,Jogging,{49105962326000 + row * 50_000_000},{x:.6f},{y:.6f},{z:.6f};" for row, (x, y, z) in enumerate(MS2)
    ]
    lines[10:12] = [lines[10] + lines[11]]
    lines[50] = lines[50].replace(";", ",;")
    recording = only(tmp_path, "WISDM_ar_v1.1_raw.txt", lines)
    assert (recording.subject, recording.rate_hz, recording.gaps) == ("33", 20.0, ())


def test_motionsense(tmp_path: Path) -> None:
    header = ",attitude.roll,attitude.pitch,attitude.yaw,gravity.x,gravity.y,gravity.z,rotationRate.x,rotationRate.y,rotationRate.z,userAcceleration.x,userAcceleration.y,userAcceleration.z"  # noqa: E501
    lines = [
        joined(row, 1.5, -0.7, 0.6, 0.06, 0.98, -0.15, 0.1, 0.2, 0.3, x - 0.06, y - 0.98, z + 0.15)
        for row, (x, y, z) in enumerate(SAMPLES)
    ]
    recording = only(tmp_path, "dws_1/sub_7.csv", [header, *lines])
    assert (recording.subject, recording.rate_hz, names_of(recording)) == ("7", 50.0, ["dws"])


def test_ku_har_is_refused_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "1001_A_1.csv").write_text(
        "\n".join(joined(row * 0.01, 0.1, 0.2, 0.3, row * 0.01, 1, 2, 3) for row in range(50))
    )
    with pytest.raises(DataError, match="gravity is removed"):
        read(tmp_path)


def test_mhealth(tmp_path: Path) -> None:
    lines = [joined(*MS2[row], *[0.0] * 20, 0 if row < 100 else 4, sep="\t") for row in range(ROWS)]
    recording = only(tmp_path, "mHealth_subject3.log", lines)
    assert (recording.subject, recording.rate_hz, recording.placement) == ("3", 50.0, "chest")
    assert [(label.start, label.activity) for label in recording.labels] == [(100, "Walking")]


def test_pamap2(tmp_path: Path) -> None:
    lines = [joined(row / 100, 1, "NaN", 33.0, *MS2[row], *[0.5] * 47, sep=" ") for row in range(ROWS)]
    lines[100] = joined(1.0, 1, "NaN", *["NaN"] * 51, sep=" ")
    (tmp_path / "subject105.dat").write_text("\n".join(lines))
    (recording,) = read(tmp_path).recordings
    assert (recording.subject, recording.rate_hz, len(recording), recording.gaps) == ("105", 100.0, ROWS - 1, (100,))
    assert set(names_of(recording)) == {"Lying"}


@pytest.mark.parametrize(("name", "subject"), [("S006.csv", "006"), ("501.csv", "501")])
def test_harth_and_har70(tmp_path: Path, name: str, subject: str) -> None:
    lines = [
        joined(f"2019-01-12 00:00:{row // 50:02}.{row % 50 * 20:03}000", *SAMPLES[row], 0.1, 0.2, 0.9, 6)
        for row in range(ROWS)
    ]
    recording = only(tmp_path, name, ["timestamp,back_x,back_y,back_z,thigh_x,thigh_y,thigh_z,label", *lines])
    assert (recording.subject, recording.rate_hz, names_of(recording)) == (subject, 50.0, ["Standing"])
    assert recording.placement == "lower back"


def test_realworld(tmp_path: Path) -> None:
    lines = [joined(row, 1435993564000 + row * 20, *MS2[row]) for row in range(ROWS)]
    recording = only(tmp_path, "acc_climbingup_waist.csv", ["id,attr_time,attr_x,attr_y,attr_z", *lines])
    assert (recording.rate_hz, recording.placement, names_of(recording)) == (50.0, "waist", ["climbingup"])


def test_hhar_cuts_where_the_person_changes(tmp_path: Path) -> None:
    lines = ["Index,Arrival_Time,Creation_Time,x,y,z,User,Model,Device,gt"]
    for user in ("a", "b"):
        lines += [
            joined(
                row,
                1424696633908 + row * 10,
                1424696631913248572 + row * 10_000_000,
                *MS2[row],
                user,
                "nexus4",
                "nexus4_1",
                "stand" if row else "null",
            )
            for row in range(ROWS)
        ]
    (tmp_path / "Phones_accelerometer.csv").write_text("\n".join(lines))
    data = read(tmp_path)
    assert data.subjects == ("a", "b")
    assert [(item.rate_hz, names_of(item), item.labels[0].start) for item in data.recordings] == [
        (100.0, ["stand"], 1)
    ] * 2


def test_capture_24(tmp_path: Path) -> None:
    lines = [
        joined(f"2016-11-13 02:18:{row // 100:02}.{row % 100:02}0000", *SAMPLES[row], "7030 sleeping;MET 0.95")
        for row in range(ROWS)
    ]
    recording = only(tmp_path, "P001.csv", ["time,x,y,z,annotation", *lines])
    assert (recording.subject, recording.rate_hz, names_of(recording)) == ("P001", 100.0, ["7030 sleeping;MET 0.95"])


def test_sensor_logger_adds_gravity_and_takes_annotations(tmp_path: Path) -> None:
    header = "time,seconds_elapsed,z,y,x"
    stamps = [1704103200000000000 + row * 10_005_000 for row in range(ROWS)]
    own = [joined(stamps[row], row * 0.010005, z + 1.5, y - 9.6, x - 0.6) for row, (x, y, z) in enumerate(MS2)]
    gravity = [joined(stamps[row], row * 0.010005, -1.5, 9.6, 0.6) for row in range(ROWS)]
    (tmp_path / "Gravity.csv").write_text("\n".join([header, *gravity]))
    (tmp_path / "Gyroscope.csv").write_text("\n".join([header, *gravity]))
    (tmp_path / "Metadata.csv").write_text("version,device name,sensors\n3,Phone,a|b\n")
    (tmp_path / "Annotation.csv").write_text(
        f"time,seconds_elapsed,text\n{stamps[0]},0.0,standing\n{stamps[150]},1.50,walking\n"
    )
    recording = only(tmp_path, "Accelerometer.csv", [header, *own])
    assert recording.rate_hz == pytest.approx(99.95, rel=1e-3)
    assert [(label.start, label.activity) for label in recording.labels] == [(0, "standing"), (150, "walking")]


def test_sensor_log_ios(tmp_path: Path) -> None:
    header = "loggingTime(txt),accelerometerTimestamp_sinceReboot(s),accelerometerAccelerationX(G),accelerometerAccelerationY(G),accelerometerAccelerationZ(G),motionUserAccelerationX(G),motionUserAccelerationY(G),motionUserAccelerationZ(G)"  # noqa: E501
    lines = [
        joined(
            f"2024-01-05T10:00:{row // 50:02}.{row % 50 * 20:03}+01:00", 5000 + row * 0.02, *SAMPLES[row], 0.0, 0.0, 0.0
        )
        for row in range(ROWS)
    ]
    assert only(tmp_path, "log.csv", [header, *lines]).rate_hz == pytest.approx(50)


def test_androsensor(tmp_path: Path) -> None:
    header = "ACCELEROMETER X (m/s²);ACCELEROMETER Y (m/s²);ACCELEROMETER Z (m/s²);GRAVITY X (m/s²);GRAVITY Y (m/s²);GRAVITY Z (m/s²);Time since start in ms ;YYYY-MO-DD HH-MI-SS_SSS"  # noqa: E501
    lines = [
        joined(*MS2[row], 0.5, 9.7, 0.1, row * 20, f"2014-06-02 16:52:{row // 50:02}:{row % 50 * 20:03}", sep=";")
        for row in range(ROWS)
    ]
    assert only(tmp_path, "Sensor_record_1.csv", [header, *lines]).rate_hz == pytest.approx(50)


def test_phyphox(tmp_path: Path) -> None:
    header = (
        '"Time (s)",'
        + ",".join(f'"Acceleration {axis} (m/s^2)"' for axis in "xyz")
        + ',"Absolute acceleration (m/s^2)"'
    )
    lines = [",".join(f"{value:.9E}" for value in (row * 0.01, *MS2[row], 9.8)) for row in range(ROWS)]
    assert only(tmp_path, "Raw Data.csv", [header, *lines]).rate_hz == pytest.approx(100)


def test_physics_toolbox(tmp_path: Path) -> None:
    lines = [joined(row * 0.02, *SAMPLES[row], 1.0) for row in range(ROWS)]
    assert only(tmp_path, "g.csv", ["time,gFx,gFy,gFz,TgF", *lines]).rate_hz == pytest.approx(50)


def test_actigraph(tmp_path: Path) -> None:
    head = [
        "------------ Data File Created By ActiGraph GT3X+ ActiLife v6.13.4 Firmware v2.5.0 date format M/d/yyyy at 30 Hz  Filter Normal -----------",  # noqa: E501
        "Serial Number: NEO1X00000000",
        "Start Time 11:55:00",
        "Start Date 12/20/2021",
        "Current Memory Address: 0",
        "--------------------------------------------------",
        "Accelerometer X,Accelerometer Y,Accelerometer Z",
    ]
    assert only(tmp_path, "S1RAW.csv", head + [joined(*row) for row in SAMPLES]).rate_hz == 30


def test_geneactiv(tmp_path: Path) -> None:
    head = ["Device Type,GENEActiv", "", "Measurement Frequency,100 Hz", "", "Subject Code,S7", ""] + [""] * 90
    lines = [
        joined(f"2011-10-09 10:25:{row // 100:02}:{row % 100 * 10:03}", *SAMPLES[row], 48, 0, 24.5)
        for row in range(ROWS)
    ]
    recording = only(tmp_path, "wrist.csv", head + lines)
    assert (recording.rate_hz, recording.subject) == (100.0, "S7")


def test_empatica_e4(tmp_path: Path) -> None:
    head = ["1544027337.000000, 1544027337.000000, 1544027337.000000", "32.000000, 32.000000, 32.000000"]
    (tmp_path / "ACC.csv").write_text("\n".join(head + [joined(*np.round(row * 64).astype(int)) for row in SAMPLES]))
    (tmp_path / "TEMP.csv").write_text("1544027337.00\n4.000000\n" + "31.5\n" * 50)
    (recording,) = read(tmp_path).recordings
    assert (recording.rate_hz, len(recording), recording.placement) == (32.0, ROWS, "wrist")
    np.testing.assert_allclose(recording.samples, np.round(SAMPLES * 64) / 64, atol=1e-6)


def test_shimmer(tmp_path: Path) -> None:
    names = ["Timestamp_Unix_CAL", *(f"Accel_LN_{axis}_CAL" for axis in "XYZ"), *(f"Gyro_{axis}_CAL" for axis in "XYZ")]
    head = [
        '"sep=\\t"',
        "\t".join(f"Shimmer_8665_{name}" for name in names) + "\t",
        "ms" + "\tm/(s^2)" * 3 + "\tdeg/s" * 3 + "\t",
    ]
    lines = [joined(1539000000000 + row / 0.0512, *MS2[row], 0.1, 0.2, 0.3, "", sep="\t") for row in range(ROWS)]
    assert only(tmp_path, "s.csv", head + lines).rate_hz == pytest.approx(51.2, rel=1e-3)


def test_mbientlab(tmp_path: Path) -> None:
    header = "epoc (ms),timestamp (+0100),elapsed (s),x-axis (g),y-axis (g),z-axis (g)"
    lines = [
        joined(
            1538000000000 + row * 10, f"2018-09-26T23:13:{row // 100:02}.{row % 100 * 10:03}", row * 0.01, *SAMPLES[row]
        )
        for row in range(ROWS)
    ]
    assert only(tmp_path, "MetaWear_Accelerometer.csv", [header, *lines]).rate_hz == pytest.approx(100)


def test_xsens_dot_with_a_counter_that_wraps(tmp_path: Path) -> None:
    head = ["sep=,", "DeviceTag:,Left", "FirmwareVersion:,2.4.0", "OutputRate:,60Hz", ""]
    head += ["PacketCounter,SampleTimeFine,Euler_X,Euler_Y,Euler_Z,Acc_X,Acc_Y,Acc_Z,Gyr_X,Gyr_Y,Gyr_Z"]
    lines = [
        joined(row, (4294967295 - 10**6 + row * 16667) % 2**32, 1, 2, 3, *MS2[row], 1, 2, 3) for row in range(ROWS)
    ]
    recording = only(tmp_path, "dot.csv", head + lines)
    assert (round(recording.rate_hz, 1), recording.gaps) == (60.0, ())


def test_witmotion(tmp_path: Path) -> None:
    head = [
        "StartTime: 2024-01-05 10:00:00.000",
        "address\tTime(s)\tax(g)\tay(g)\taz(g)\twx(deg/s)\twy(deg/s)\twz(deg/s)\tAngleX(deg)\tT(°)\t",
    ]
    lines = [
        joined("0x50", f" 10:00:{row // 50:02}.{row % 50 * 20:03}", *SAMPLES[row], 1, 2, 3, 4, 25.1, "", sep="\t")
        for row in range(ROWS)
    ]
    assert only(tmp_path, "wit.txt", head + lines).rate_hz == pytest.approx(50)


def test_microbit(tmp_path: Path) -> None:
    lines = [joined(row * 0.04, *np.round(SAMPLES[row] * 1000).astype(int)) for row in range(ROWS)]
    assert only(tmp_path, "microbit.csv", ["Time (seconds),x,y,z", *lines]).rate_hz == pytest.approx(25)


def test_opensignals_is_refused_with_the_reason(tmp_path: Path) -> None:
    text = '# OpenSignals Text File Format. Version 1\n# {"00:07": {"sampling rate": 1000}}\n# EndOfHeader\n'
    (tmp_path / "o.txt").write_text(text + "".join(f"{row}\t0\t{500 + row}\t{600}\t{700}\n" for row in range(50)))
    with pytest.raises(DataError, match="raw voltages"):
        read(tmp_path / "o.txt")


def test_sp_sw_har(tmp_path: Path) -> None:
    lines = [joined(*MS2[row], 0.1, 0.2, 0.3, 1652870000000 + row * 10) for row in range(ROWS)]
    assert only(
        tmp_path, "s01_01_sp.csv", ["x_acc,y_acc,z_acc,x_gyro,y_gyro,z_gyro,timestamp", *lines]
    ).rate_hz == pytest.approx(100)


def test_every_profile_says_what_it_is() -> None:
    for profile in known_profiles():
        assert profile.title
        assert profile.match
        assert profile.declared or profile.refused


def test_a_profile_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(
        'title = "Mine"\n[declare]\naxes = ["b", "c", "d"]\nrate_hz = 40.0\nunit = "g"\n[labels]\n1 = "Sitting"\n'
    )
    (tmp_path / "data").mkdir()
    lines = [joined(7, *row, 1) for row in SAMPLES]
    recording = only(tmp_path / "data", "a.csv", ["a,b,c,d,label", *lines], profile=str(tmp_path / "mine.toml"))
    assert (recording.rate_hz, names_of(recording)) == (40.0, ["Sitting"])


def test_what_the_caller_declares_goes_before_a_profile(tmp_path: Path) -> None:
    lines = [joined(row, 1435993564000 + row * 20, *MS2[row]) for row in range(ROWS)]
    recording = only(
        tmp_path,
        "acc_walking_chest.csv",
        ["id,attr_time,attr_x,attr_y,attr_z", *lines],
        file_pattern="acc_{subject}_*.csv",
    )
    assert (recording.subject, recording.labels) == ("walking", ())


@pytest.mark.parametrize(
    "text", ["[declare]\nexec = 1\n", "[match]\nsize = 3\n", "colour = 3\n", '[declare]\naxes = "x"\n']
)
def test_a_profile_that_says_something_unknown_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"profile mine: "):
        parse_profile(text, "mine")


def test_a_profile_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="neither a file nor one of actigraph, "):
        find_profile("nothing")
    (tmp_path / "bad.toml").write_text("= 3")
    with pytest.raises(UsageError, match=r"bad\.toml"):
        find_profile(str(tmp_path / "bad.toml"))


def test_label_maps(tmp_path: Path) -> None:
    (tmp_path / "key.txt").write_text("# key\nA = walking\n\nB=sitting\n")
    assert read_label_map([str(tmp_path / "key.txt"), "C=lying"]) == {"A": "walking", "B": "sitting", "C": "lying"}
    for wrong in ("nothing", "=x", str(tmp_path)):
        with pytest.raises(UsageError, match="--map"):
            read_label_map([wrong])


@pytest.mark.parametrize(
    ("text", "about"),
    [
        ("title = 3", "title must be a text"),
        ('match = 5', r"match must be a table"),
        ('[match]\nfile = 3', "match.file must be a text"),
        ('[match]\nhead = "("', "match.head must be a regular expression"),
        ('[match]\nheader = "x"', "match.header must be a list of texts"),
        ('[match]\ncolumns = "x"', "match.columns must be a whole number"),
        ("declare = 5", "declare must be a table"),
        ('[declare]\naxes = ["x", "y"]', "declare.axes must be a list of 3 or 6 texts"),
        ('[declare]\nrate_hz = "fast"', "declare.rate_hz must be a number above 0"),
        ("[declare]\nrate_hz = true", "declare.rate_hz must be a number above 0"),
        ("[declare]\nrate_hz = nan", "declare.rate_hz must be a number above 0"),
        ("[declare]\nunit = 7", "declare.unit must be a text"),
        ("[declare]\nskip_lines = -1", "declare.skip_lines must be a whole number"),
        ('[declare]\ndrop_bad_rows = "yes"', "declare.drop_bad_rows must be true or false"),
        ("[declare]\nfile_pattern = 3", "declare.file_pattern must be a text"),
        ('[declare]\nchannels = ["gyroscope"]', "'declare.channels' means nothing"),
        ("labels = 3", "labels must be a table"),
        ("[labels]\nA = [1]", "labels.A must be a text"),
        ('refuse = "no"', "refuse must be a table"),
        ('[beside]\nfile = 1', "beside.file must be a text"),
        ("[else]\na = 1", "'else' means nothing"),
    ],
)  # fmt: skip
def test_a_profile_that_cannot_be_meant_is_refused_in_one_sentence(tmp_path: Path, text: str, about: str) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(text)
    with pytest.raises(UsageError, match=about):
        find_profile(str(file))
