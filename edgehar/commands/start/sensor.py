"""Which sensor: a serial port of this machine, a phone, or a simulated person."""

import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from edgehar.commands.start.questions import Questions
from edgehar.firmware_bridge.line.serial_port import PortInfo, how_to_get_access, list_ports
from edgehar.models.errors import BridgeError

SIMULATOR: Final = "simulator"
PHONE: Final = "phone"
_APPEARS_S: Final = 60.0
_ENDS_S: Final = 10.0


def choose_sensor(questions: Questions) -> str:
    """Return a port, `SIMULATOR` or `PHONE`: what a person chooses, or what is likeliest.

    A USB device that may be opened comes first; other serial ports of a machine are seldom sensors.
    """
    ports = sorted(list_ports(), key=lambda port: (not port.usb, not port.accessible, port.device))
    usb = [port for port in ports if port.usb and port.accessible]
    for port in ports:
        if port.usb and not port.accessible:
            questions.say(f"{port.device}: no permission. {how_to_get_access(port.device)}")
    if len(usb) == 1 and len(ports) == 1:
        questions.say(f"Found one sensor port: {_in_words(usb[0])}.")
        return usb[0].device
    if not ports:
        questions.say("No serial port is here: no sensor is plugged in, or it needs a driver.")
    options = [*map(_in_words, ports), "no sensor: simulate a person", "a phone: its browser, by a QR code"]
    choices = [*(port.device for port in ports), SIMULATOR, PHONE]
    default = 0 if usb else choices.index(SIMULATOR)
    return choices[questions.choose("Where is the sensor?", options, default=default)]


def _in_words(port: PortInfo) -> str:
    """Return a port as a person knows it."""
    names = [name for name in (port.description, port.manufacturer) if name and name != port.device]
    return f"{port.device} ({', '.join(dict.fromkeys(names))})" if names else port.device


@contextlib.contextmanager
def simulated_sensor() -> Iterator[str]:
    """Run `har simulate` during the block; yields its port.

    Raises
    ------
    BridgeError
        When it does not begin.
    """
    with tempfile.TemporaryDirectory(prefix="har-start-") as folder:
        link = Path(folder) / "sensor"
        command = [sys.executable, "-P", "-m", "edgehar", "simulate", "--data", "synthetic", "--link", str(link)]
        # A session of its own: Ctrl-C is for this program, which then ends the sensor.
        sensor = subprocess.Popen(
            [*command, "--loop", "--timestamps"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            _await(link, sensor)
            yield str(link)
        finally:
            sensor.terminate()
            try:
                sensor.wait(_ENDS_S)
            except subprocess.TimeoutExpired:
                sensor.kill()
                sensor.wait()


def _await(link: Path, sensor: "subprocess.Popen[bytes]") -> None:
    """Wait for the port of a simulated sensor."""
    deadline_s = time.monotonic() + _APPEARS_S
    while not link.exists():
        if sensor.poll() is not None or time.monotonic() > deadline_s:
            raise BridgeError(
                "expected a simulated sensor, it did not begin",
                next_step="See why with: har simulate --data synthetic. Or pass --port.",
            )
        time.sleep(0.05)
