"""Names of columns and the evidence of gravity: the same for files and live streams."""

import doctest

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import edgehar.models.sensor_evidence as module
from edgehar.models.sensor_evidence import (
    COUNTS_PER_G,
    gravity_of,
    guess_unit,
    kind_of,
    longest_repeat,
    propose_counts,
    read_name,
    unit_named,
)
from edgehar.pipeline.data.recordings import Dataset


def test_examples_in_docstrings_run() -> None:
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0


@pytest.mark.parametrize(
    ("name", "axis", "kind", "unit"),
    [
        ("ax", "x", "accelerometer", None),
        ("Acceleration y (m/s^2)", "y", "accelerometer", "m/s2"),
        ("AcZ", "z", "accelerometer", None),
        ("gFx", "x", "accelerometer", None),
        ("AccX [mg]", "x", "accelerometer", "raw:1000"),
        ("ax_raw", "x", "accelerometer", "counts"),
        ("Shimmer_8665_Accel_LN_X_CAL", "x", "accelerometer", None),
        ("ACCELEROMETER X (m/s²)", "x", "accelerometer", "m/s2"),
        ("accelerometerAccelerationX(G)", "x", "accelerometer", "g"),
        ("attr_x", "x", "", None),
        ("x-axis (g)", "x", "", "g"),
        ("Linear Acceleration x (m/s^2)", "x", "linear", "m/s2"),
        ("userAcceleration.x", "x", "linear", None),
        ("motionUserAccelerationX(G)", "x", "linear", "g"),
        ("gravity.z", "z", "gravity", None),
        ("gz", "z", "gyroscope", None),
        ("wx(deg/s)", "x", "gyroscope", None),
        ("rotationRate.x", "x", "gyroscope", None),
        ("GyroX [mdps]", "x", "gyroscope", None),
        ("x (rad/s)", "x", "other", None),
        ("mx", "x", "magnetometer", None),
        ("AngleX(deg)", "x", "other", None),
    ],
)
def test_axes(name: str, axis: str, kind: str, unit: str | None) -> None:
    read = read_name(name)
    assert (read.role, read.axis, read.kind, read.unit) == ("axis", axis, kind, unit)


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("time", None),
        ("Time (s)", "s"),
        ("t_ms", "ms"),
        ("millis", "ms"),
        ("timestamp [us]", "us"),
        ("SampleTimeFine", "us"),
        ("epoc (ms)", "ms"),
        ("timestamp (+0100)", None),
        ("seconds_elapsed", "s"),
        ("Time since start in ms ", "ms"),
        ("Zeitstempel", None),
        ("attr_time", None),
    ],
)
def test_times(name: str, unit: str | None) -> None:
    assert (read_name(name).role, read_name(name).unit) == ("time", unit)


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("", "index"),
        ("id", "index"),
        ("PacketCounter", "index"),
        ("gt", "label"),
        ("annotation", "label"),
        ("User", "subject"),
        ("Datum", "date"),
        ("sensor", "sensor"),
        ("T(°)", ""),
        ("Absolute acceleration (m/s^2)", ""),
        ("attitude.roll", ""),
    ],
)
def test_other_roles(name: str, role: str) -> None:
    assert read_name(name).role == role


@pytest.mark.parametrize("written", ["m/s2", "m/s^2", "m/s²", "m/(s^2)", "m/s/s", "ms-2", " (m/s^2) "])
def test_units_of_acceleration(written: str) -> None:
    assert unit_named(written) == "m/s2"


@given(st.text(max_size=30))
def test_any_name_is_read(name: str) -> None:
    assert read_name(name).role in ("axis", "time", "date", "label", "subject", "index", "sensor", "")
    kind_of(name)


@given(st.sampled_from(COUNTS_PER_G), st.floats(0.97, 1.03))
def test_counts_of_known_sensors_are_proposed(counts: int, off: float) -> None:
    proposed = propose_counts(counts * off)
    assert proposed is not None
    assert 0.9 < proposed / counts < 1.1


def test_gravity_of_every_real_recording_tells_its_unit(usc_had: Dataset) -> None:
    lengths = np.array([gravity_of(item.samples.astype(np.float64), item.rate_hz) for item in usc_had.recordings])
    assert 0.75 < lengths.min() < lengths.max() < 1.25
    assert all(guess_unit(length) == "g" for length in lengths)
    assert all(guess_unit(length * 9.80665) == "m/s2" for length in lengths)
    assert all(guess_unit(length * 1000) is None for length in lengths)


@given(st.lists(st.integers(0, 2), min_size=1, max_size=40))
def test_longest_repeat_is_one(values: list[int]) -> None:
    rows = np.array(values, dtype=float)[:, np.newaxis].repeat(3, axis=1)
    start, length = longest_repeat(rows)
    assert len(set(values[start : start + length])) == 1
    runs = [
        len(run)
        for run in "".join("|" * (a != b) + "x" for a, b in zip([None, *values], values, strict=False)).split("|")
    ]
    assert length == max(runs)
