"""What the service runs with: texts that nobody reads otherwise, and a rule for the port that a sensor has."""

import shlex
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgehar.firmware_bridge.deployment.service import ServiceOptions
from edgehar.models.errors import UsageError


def test_options_are_what_har_live_takes() -> None:
    options = ServiceOptions(
        port="usb:10c4:ea60", unit="raw:16384", rate_hz=50.0, columns="ax,ay,az", mqtt="mqtt://h/t", home_assistant=True
    )
    (line,) = [line for line in options.environment().splitlines() if line.startswith("HAR_OPTIONS=")]
    assert shlex.split(line.removeprefix("HAR_OPTIONS=")) == options.arguments()
    assert options.arguments() == [
        *("--port", "usb:10c4:ea60", "--unit", "raw:16384", "--rate", "50", "--columns", "ax,ay,az"),
        *("--hop", "20", "--mqtt", "mqtt://h/t", "--home-assistant"),
    ]


@given(st.text(min_size=1))
def test_a_text_means_itself_or_is_refused(text: str) -> None:
    plain = set(text) <= set(string.ascii_letters + string.digits + "_./:@,+=%~-")
    if plain:
        assert shlex.split(" ".join(ServiceOptions(port="/dev/ttyUSB0", mqtt=text).arguments()))[-1] == text
    else:
        with pytest.raises(UsageError, match="--mqtt: expected letters"):
            ServiceOptions(port="/dev/ttyUSB0", mqtt=text)


@pytest.mark.parametrize(
    ("port", "match"),
    [
        ("usb:10C4:ea60", 'ATTRS{idVendor}=="10c4", ATTRS{idProduct}=="ea60", TAG'),
        ("usb:10c4:ea60:0001", 'ATTRS{idProduct}=="ea60", ATTRS{serial}=="0001", TAG'),
        ("/dev/ttyACM1", 'KERNEL=="ttyACM1", TAG'),
    ],
)
def test_a_port_that_is_plugged_in_starts_the_service(port: str, match: str) -> None:
    rule = ServiceOptions(port=port).udev_rule()
    assert rule is not None
    assert match in rule
    assert rule.count("\n") == 2, "one comment, one rule"


@pytest.mark.parametrize("port", ["udp://:5000", "ble:sensor", "/dev/serial/by-id/usb-x", "tcp://host:1"])
def test_what_nobody_plugs_in_has_no_rule(port: str) -> None:
    assert ServiceOptions(port=port).udev_rule() is None
