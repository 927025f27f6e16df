"""Which sensors --port and --columns speak of."""

import doctest

import pytest

import edgehar.commands.sensors as module
from edgehar.commands.sensors import Sensor, plan_sensors, with_turning_of_phones
from edgehar.firmware_bridge.line.phone_messages import MOTION_COLUMNS
from edgehar.models.errors import UsageError


def test_examples_in_docstrings_run() -> None:
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0


@pytest.mark.parametrize(
    "port", ["/dev/ttyUSB0", "COM3", "-", "ws://host:81/sensor?type=android.sensor", "usb:1a86:7523"]
)
def test_one_port_without_a_name_has_one_sensor_without_a_name(port: str) -> None:
    assert plan_sensors([port], None) == (Sensor("", port),)
    assert plan_sensors([port], ["4,5,6"]) == (Sensor("", port, ("4", "5", "6")),)


def test_columns_named_as_a_port_are_of_that_port() -> None:
    ports = ["a=/dev/ttyUSB0", "b=/dev/ttyUSB1"]
    assert plan_sensors(ports, ["b=4,5,6"]) == (
        Sensor("a", "/dev/ttyUSB0"),
        Sensor("b", "/dev/ttyUSB1", ("4", "5", "6")),
    )


def test_several_sensors_in_the_text_of_one_port() -> None:
    left, right = plan_sensors(["-"], ["left=1,2,3", "right"])
    assert left == Sensor("left", "-", ("1", "2", "3"), "left")
    assert right == Sensor("right", "-", None, "right")


@pytest.mark.parametrize(
    ("ports", "columns"),
    [
        (["/dev/a", "/dev/b"], None),
        (["a=/dev/a", "a=/dev/b"], None),
        (["a=/dev/a", "b=/dev/a"], None),
        (["-"], ["left", "left"]),
        (["-"], ["1,2"]),
        (["-"], ["1,2,3", "4,5,6"]),
        (["-"], [f"s{number}" for number in range(9)]),
    ],
)
def test_what_cannot_be_meant_is_refused(ports: list[str], columns: list[str] | None) -> None:
    with pytest.raises(UsageError):
        plan_sensors(ports, columns)


def test_a_phone_says_what_its_page_sends() -> None:
    (cable, phone), unit = with_turning_of_phones(plan_sensors(["a=/dev/ttyUSB0", "b=phone://"], None), None)
    assert (cable.columns, phone.columns, unit) == (None, MOTION_COLUMNS, "deg/s")
    for columns, declared in ((["2,3,4,5,6,7"], "rad/s"), (["1,2,3"], None), (None, "rad/s")):
        planned = plan_sensors(["phone://"], columns, gyroscope=True)
        assert with_turning_of_phones(planned, declared) == (planned, declared)
