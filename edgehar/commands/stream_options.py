"""The options of commands that read or play a stream of samples, and the checks of their values."""

import math
from typing import Annotated, Final

import typer

from edgehar.models.contract import DEGREES_PER_SECOND
from edgehar.models.errors import UsageError
from edgehar.models.sensor_limits import HIGHEST_RATE_HZ, LOWEST_RATE_HZ
from edgehar.models.units import UNIT_HELP

PORT_HELP: Final = (
    "/dev/ttyUSB0, COM3, usb:VENDOR:PRODUCT[:SERIAL], ble:NAME, socket://HOST:PORT, rfc2217://HOST:PORT, udp://:PORT, "
    "ws://[HOST]:PORT, http://:PORT, phyphox://HOST, phone:// (a page with a QR code), or - for standard input."
)

PortOption = Annotated[str, typer.Option(help=PORT_HELP)]
ProtocolOption = Annotated[str, typer.Option(help="auto, frames (binary) or text.")]
ReconnectOption = Annotated[
    bool | None,
    typer.Option("--reconnect/--no-reconnect", help="Wait for an unplugged sensor.", show_default="for USB devices"),
]
UnitOption = Annotated[
    str | None,
    typer.Option(help=f"What a sensor of text lines prints: {UNIT_HELP}.", show_default="found by its text or gravity"),
]
PortsOption = Annotated[
    list[str],
    typer.Option("--port", metavar="[NAME=]PORT", help=f"{PORT_HELP} Several ports, each with a name, at once."),
]
SensorsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--columns",
        metavar="[NAME=]X,Y,Z",
        help="Names or numbers (from 1) of the acceleration in a line of text; or the NAME alone of one of several "
        "sensors in the text; may be repeated.",
        show_default="found by their names or gravity",
    ),
]
GyroscopeUnitOption = Annotated[
    str | None,
    typer.Option(
        help=f"Unit of the last three of six --columns: {', '.join(DEGREES_PER_SECOND)}.",
        show_default="for six columns of text",
    ),
]
ColumnsOption = Annotated[
    str | None,
    typer.Option(
        metavar="X,Y,Z",
        help="Names or numbers (from 1) of the acceleration in a line of text.",
        show_default="found by their names or gravity",
    ),
]
BaudOption = Annotated[int, typer.Option(help="Bits a second, as the sensor was set to.")]
PlainOption = Annotated[bool, typer.Option("--plain", help="Print lines, even on a terminal.")]


def require_positive(option: str, value: float | None) -> None:
    """Refuse a value of an option that is not a finite number above 0.

    Raises
    ------
    UsageError
        When it is not.
    """
    if value is not None and not 0 < value < math.inf:
        raise UsageError(f"expected a {option} above 0, got {value:g}", next_step="Leave it out for the default.")


def require_not_negative(option: str, value: float) -> None:
    """Refuse a value of an option that is not a finite number of 0 or more.

    Raises
    ------
    UsageError
        When it is not.
    """
    if not 0 <= value < math.inf:
        raise UsageError(f"expected {option} of 0 or more, got {value:g}", next_step="Leave it out for the default.")


def require_rate(value: float | None) -> None:
    """Refuse a ``--rate`` that no sensor has.

    Raises
    ------
    UsageError
        When it is below or above every rate that a sensor can have.
    """
    if value is not None and not LOWEST_RATE_HZ <= value <= HIGHEST_RATE_HZ:
        raise UsageError(
            f"expected --rate from {LOWEST_RATE_HZ:g} to {HIGHEST_RATE_HZ:g} Hz, got {value:g}",
            next_step="Pass how many samples a second the sensor sends.",
        )


def require_mqtt(mqtt: str | None, *, home_assistant: bool) -> None:
    """Refuse an ``--mqtt`` that is no broker's, and ``--home-assistant`` without one.

    Raises
    ------
    UsageError
        When it is so.
    """
    if mqtt is not None:
        from edgehar.firmware_bridge.live.sinks.mqtt import parse_broker

        parse_broker(mqtt)
    elif home_assistant:
        raise UsageError(
            "--home-assistant: expected --mqtt too, through which it is told",
            next_step="Pass --mqtt mqtt://HOST/home/wearer.",
        )


def parse_columns(text: str | None) -> tuple[str, str, str] | None:
    """Return the three columns of acceleration of ``--columns``.

    Raises
    ------
    UsageError
        When there are not three different ones.
    """
    if text is None:
        return None
    names = [name.strip() for name in text.split(",")]
    if len(names) != 3 or not all(names) or len(set(names)) < 3:
        raise UsageError(
            f"expected --columns with three different names or numbers, got {text!r}",
            next_step="For example --columns ax,ay,az or --columns 5,6,7.",
        )
    return names[0], names[1], names[2]


def parse_motion_columns(text: str | None) -> tuple[str, ...] | None:
    """Return the columns of ``--columns``: three of acceleration, or six with those of the turning rate.

    Raises
    ------
    UsageError
        When there are not so many different ones.
    """
    names = () if text is None else tuple(name.strip() for name in text.split(","))
    return names if len(names) == 6 and all(names) and len(set(names)) == 6 else parse_columns(text)
