"""What runs on the other computer: the options of `har live` there, and the rule that starts it with its sensor."""

import re
from dataclasses import dataclass
from typing import Final

from edgehar.firmware_bridge.line.identity import PREFIX, parse_identity
from edgehar.models.errors import UsageError

SERVICE: Final = "edgehar-live.service"
_PLAIN: Final = re.compile(r"[\w./:@,+=%~-]+", re.ASCII)
"""Characters that mean themselves to systemd, to a shell and to udev."""
_DEVICE: Final = re.compile(r"/dev/(tty\w+)", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceOptions:
    """Options of `har live` on the other computer.

    Parameters
    ----------
    port
        Of the sensor, as `har live --port` takes it there.
    unit, rate_hz, columns
        Of the sensor, where it does not say them itself.
    hop
        Samples from one label to the next.
    mqtt
        URL of the broker; None publishes nothing.
    home_assistant
        Announce the sensor to Home Assistant.

    Raises
    ------
    UsageError
        If a text holds a character that systemd or a shell would not leave as it is.
    """

    port: str
    unit: str | None = None
    rate_hz: float | None = None
    columns: str | None = None
    hop: int = 20
    mqtt: str | None = None
    home_assistant: bool = False

    def __post_init__(self) -> None:
        for name in ("port", "unit", "columns", "mqtt"):
            text = getattr(self, name)
            if text is not None and not _PLAIN.fullmatch(text):
                raise UsageError(
                    f"--{name}: expected letters, digits and ./:@,+=%~-_ for a service's settings, got {text!r}",
                    next_step="Name the port by a path or USB identity without blanks; see `har ports`.",
                    name=name,
                )

    def arguments(self) -> list[str]:
        """Return them as `har live` takes them."""
        given = {
            "--port": self.port,
            "--unit": self.unit,
            "--rate": None if self.rate_hz is None else f"{self.rate_hz:g}",
            "--columns": self.columns,
            "--hop": str(self.hop),
            "--mqtt": self.mqtt,
        }
        options = [part for name, value in given.items() if value is not None for part in (name, value)]
        return [*options, *(["--home-assistant"] if self.home_assistant else [])]

    def environment(self) -> str:
        """Return the file of settings that the service reads."""
        return (
            "# Options of `har live`; `har live --help` explains them. After a change: systemctl restart edgehar-live\n"
            f"HAR_OPTIONS={' '.join(self.arguments())}\n"
            "# The password of the MQTT broker, where it wants one:\n"
            "# HAR_MQTT_PASSWORD=\n"
        )

    def udev_rule(self) -> str | None:
        """Return the rule that starts the service when its sensor is plugged in; None for a port that is not one."""
        device = _DEVICE.fullmatch(self.port)
        if device is not None:
            match = f'KERNEL=="{device[1]}"'
        elif self.port.startswith(PREFIX):
            _, vendor, product, *serial = str(parse_identity(self.port)).split(":", 3)
            match = f'ATTRS{{idVendor}}=="{vendor}", ATTRS{{idProduct}}=="{product}"'
            match += "".join(f', ATTRS{{serial}}=="{each}"' for each in serial)
        else:
            return None
        return (
            "# Starts the labels when the sensor is plugged in.\n"
            f'ACTION=="add", SUBSYSTEM=="tty", {match}, TAG+="systemd", ENV{{SYSTEMD_WANTS}}+="{SERVICE}"\n'
        )
