"""Names of columns: which sensor, axis and unit they name, and which three are acceleration."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgehar.models.sensing.names import (
    ACCELERATION,
    GRAVITY,
    GYROSCOPE,
    LINEAR_ACCELERATION,
    MAGNETOMETER,
    OTHER,
    QUATERNION,
    accelerometers,
    find_acceleration,
    read_name,
    sensor_of_text,
)


@pytest.mark.parametrize(
    ("name", "sensor", "axis", "unit"),
    [
        ("AcX", ACCELERATION, "x", None),
        ("AY", ACCELERATION, "y", None),
        ("x_acc", ACCELERATION, "x", None),
        ("accZ (g)", ACCELERATION, "z", "g"),
        ("Ax[m/s2]", ACCELERATION, "x", "m/s2"),
        ("acc_x_mg", ACCELERATION, "x", "raw:1000"),
        ("Accelerometer Y (m/s²)", ACCELERATION, "y", "m/s2"),
        ("gFx", ACCELERATION, "x", None),
        ("Accelerazione x (m/s^2)", ACCELERATION, "x", "m/s2"),
        ("Przyspieszenie y (m/s²)", ACCELERATION, "y", "m/s2"),
        ("Ускорение Z", ACCELERATION, "z", None),
        ("FreeAcc_X", LINEAR_ACCELERATION, "x", None),
        ("Y", None, "y", None),
        ("x (g)", None, "x", "g"),
        ("gx", GYROSCOPE, "x", None),
        ("GyZ", GYROSCOPE, "z", None),
        ("wx", GYROSCOPE, "x", None),
        ("x_gyro (deg/s)", GYROSCOPE, "x", "deg/s"),
        ("rotationRate.y", GYROSCOPE, "y", None),
        ("mz", MAGNETOMETER, "z", None),
        ("userAcceleration.x", LINEAR_ACCELERATION, "x", None),
        ("linear_acceleration_z", LINEAR_ACCELERATION, "z", None),
        ("gravity_x", GRAVITY, "x", None),
        ("qw", QUATERNION, "w", None),
        ("Tmp", OTHER, None, None),
        ("acc magnitude", OTHER, None, None),
        ("ax", ACCELERATION, "x", None),
        ("Acceleration y (m/s^2)", ACCELERATION, "y", "m/s2"),
        ("AcZ", ACCELERATION, "z", None),
        ("AccX [mg]", ACCELERATION, "x", "raw:1000"),
        ("ax_raw", ACCELERATION, "x", "counts"),
        ("Shimmer_8665_Accel_LN_X_CAL", ACCELERATION, "x", None),
        ("ACCELEROMETER X (m/s²)", ACCELERATION, "x", "m/s2"),
        ("accelerometerAccelerationX(G)", ACCELERATION, "x", "g"),
        ("total_acc_x", ACCELERATION, "x", None),
        ("attr_x", None, "x", None),
        ("x-axis (g)", None, "x", "g"),
        ("Linear Acceleration x (m/s^2)", LINEAR_ACCELERATION, "x", "m/s2"),
        ("motionUserAccelerationX(G)", LINEAR_ACCELERATION, "x", "g"),
        ("accelerationwithoutgravity_x", LINEAR_ACCELERATION, "x", None),
        ("wx(deg/s)", GYROSCOPE, "x", "deg/s"),
        ("GyroX [mdps]", GYROSCOPE, "x", "deg/s"),
        ("x (rad/s)", GYROSCOPE, "x", "rad/s"),
        ("Acceleration x (deg/s)", GYROSCOPE, "x", "deg/s"),
        ("AngleX(deg)", OTHER, "x", "degrees"),
        ("x (µT)", MAGNETOMETER, "x", "uT"),
    ],
)
def test_a_name_says(name: str, sensor: str | None, axis: str | None, unit: str | None) -> None:
    said = read_name(name)
    assert (said.sensor, said.axis, said.unit) == (sensor, axis, unit)


_SPELLINGS = st.sampled_from(
    ["a{}", "acc_{}", "Acc{}", "accel.{}", "{}_acc", "Acceleration {}", "accelerometer-{}", "AC{}", "imu/acc/{}"]
)
_OTHERS = ["t", "gx", "gy", "gz", "mx", "my", "mz", "temp", "w", "x", "y", "z", "pitch", "seq", "lin_acc_x"]


@given(_SPELLINGS, st.lists(st.sampled_from(_OTHERS), unique=True, max_size=10), st.integers(0, 10), st.booleans())
def test_acceleration_is_found_wherever_it_stands(spelling: str, others: list[str], at: int, upper: bool) -> None:
    own = [spelling.format(axis.upper() if upper else axis) for axis in "xyz"]
    at = min(at, len(others))
    names = [*others[:at], *own, *others[at:]]
    assert find_acceleration(names).axes == (at, at + 1, at + 2)


@pytest.mark.parametrize("order", list(itertools.permutations("xyz")))
def test_axes_may_stand_in_any_order(order: tuple[str, ...]) -> None:
    axes = find_acceleration([f"a{axis}" for axis in order]).axes
    assert axes is not None
    assert [order[column] for column in axes] == ["x", "y", "z"]


def test_axes_of_a_quaternion_are_not_acceleration() -> None:
    assert find_acceleration(["w", "x", "y", "z"]).axes is None
    assert find_acceleration(["w", "x", "y", "z", "ax", "ay", "az"]).axes == (4, 5, 6)


@pytest.mark.parametrize(
    ("names", "doubt"),
    [
        ("ax1 ay1 az1 ax2 ay2 az2", "2 accelerometers"),
        ("left_ax left_ay left_az right_ax right_ay right_az", "2 accelerometers"),
        ("lax lay laz", "with gravity taken out"),
        ("gravity.x gravity.y gravity.z", "without the movement"),
    ],
)
def test_what_names_leave_open_is_said(names: str, doubt: str) -> None:
    said = find_acceleration(names.split())
    assert said.axes is None
    assert said.doubt is not None
    assert doubt in said.doubt


@pytest.mark.parametrize("names", ["gx gy gz", "mx my mz", "roll pitch yaw", "a b c", "ax ay", "", "temp humidity"])
def test_other_names_say_nothing(names: str) -> None:
    assert find_acceleration(names.split()).axes is None


def test_a_unit_of_all_three_is_theirs() -> None:
    assert find_acceleration(["X (m/s^2)", "Y (m/s^2)", "Z (m/s^2)"]).unit == "m/s2"
    assert find_acceleration(["X (g)", "Y (m/s^2)", "Z (g)"]).unit is None


def test_two_sensors_in_a_file_and_in_a_line_are_the_same_two() -> None:
    assert accelerometers(["left_ax", "left_ay", "left_az", "right_ax", "right_ay", "right_az"]) == [
        (0, 1, 2),
        (3, 4, 5),
    ]
    assert accelerometers(["ax_raw", "ay_raw", "az_raw", "ax (g)", "ay (g)", "az (g)"]) == [(3, 4, 5)]


@pytest.mark.parametrize(
    ("text", "sensor"),
    [
        ("Gyroscope", GYROSCOPE),
        ("TotalAcceleration", ACCELERATION),
        ("LinearAccelerometer", LINEAR_ACCELERATION),
        ("Linear Acceleration", LINEAR_ACCELERATION),
        ("Gravity", GRAVITY),
        ("Orientation", OTHER),
        ("walk_1", None),
        ("user_3", None),
        ("user_acceleration", LINEAR_ACCELERATION),
        ("steps", None),
    ],
)
def test_a_file_is_called_after_its_sensor(text: str, sensor: str | None) -> None:
    assert sensor_of_text(text) == sensor


@given(st.text(max_size=40))
def test_any_name_is_read(name: str) -> None:
    read_name(name)
    find_acceleration([name, name, name, "x"])
