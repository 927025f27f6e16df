"""Which sensors a command reads: ports with names, and of a stream with several sensors the wanted ones.

``--port left=/dev/ttyUSB0 --port right=/dev/ttyUSB1`` are two ports with a sensor each. ``--columns left --columns
right`` are two sensors in the text of one port, called as the text calls them; ``--columns left=1,2,3`` gives columns a
name. Where a ``--columns`` is named as a port, it is for that port alone.
"""

import contextlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from edgehar.commands.phone_invitation import invite_phone
from edgehar.commands.stream_options import parse_motion_columns
from edgehar.firmware_bridge.line.phone_messages import MOTION_COLUMNS
from edgehar.firmware_bridge.line.reader import Line
from edgehar.firmware_bridge.line.reconnection import open_reader
from edgehar.firmware_bridge.line.shared import SharedLine
from edgehar.firmware_bridge.web.phone_address import is_phone, line_opener
from edgehar.models.contract import CHANNELS, DEGREES_PER_SECOND
from edgehar.models.errors import UsageError

_NAME: Final = re.compile(r"[A-Za-z][\w -]*|\d+")
_MOST_SENSORS: Final = 8
PHONE_UNIT: Final = "deg/s"
"""In which the page of a phone sends the turning rate."""


@dataclass(frozen=True, slots=True)
class Sensor:
    """A sensor that is read.

    Parameters
    ----------
    name
        What its labels are called; empty where there is one sensor.
    port
        Its port.
    columns
        Its columns in lines of text, as declared; None to find them out.
    choice
        What the text calls it; empty to find it out.
    """

    name: str
    port: str
    columns: tuple[str, ...] | None = None
    choice: str = ""


def plan_sensors(ports: Sequence[str], columns: Sequence[str] | None, *, gyroscope: bool = False) -> tuple[Sensor, ...]:
    """Return the sensors that ``--port`` and ``--columns`` speak of; with a ``gyroscope`` columns may be six.

    Raises
    ------
    UsageError
        When several ports have no names, two sensors have the same name, or columns cannot be meant.

    Examples
    --------
    >>> [sensor.name for sensor in plan_sensors(["left=/dev/ttyUSB0", "right=/dev/ttyUSB1"], None)]
    ['left', 'right']
    >>> plan_sensors(["/dev/ttyUSB0"], ["left"])
    (Sensor(name='left', port='/dev/ttyUSB0', columns=None, choice='left'),)
    """
    named = [_split(port) for port in ports]
    choices = [_choice(text) for text in columns or ()]
    if len(named) > 1 and not all(name for name, _ in named):
        raise UsageError(
            f"expected a name for each of {len(named)} ports, got {', '.join(ports)}",
            next_step="For example --port left=/dev/ttyUSB0 --port right=/dev/ttyUSB1.",
        )
    sensors: list[Sensor] = []
    for name, url in named:
        own = [choice for choice in choices if name and choice[0] == name]
        free = [choice for choice in choices if choice[0] not in {port for port, _ in named if port}]
        if own:
            sensors.append(Sensor(name, url, own[0][1]))
        elif free:
            sensors += [Sensor(" ".join(filter(None, (name, called))), url, axes, called) for called, axes in free]
        else:
            sensors.append(Sensor(name, url))
    if not gyroscope and any(sensor.columns is not None and len(sensor.columns) > 3 for sensor in sensors):
        raise UsageError("expected three --columns, of acceleration, got six", next_step="Leave the gyroscope's out.")
    names = [sensor.name for sensor in sensors]
    if len(set(names)) < len(names) or len(sensors) > _MOST_SENSORS:
        raise UsageError(
            f"expected up to {_MOST_SENSORS} sensors with names of their own, got {', '.join(map(repr, names))}",
            next_step="Name each: --port NAME=PORT, --columns NAME=X,Y,Z.",
        )
    if len({url for _, url in named}) < len(named):
        raise UsageError(
            "expected different ports, got one twice",
            next_step="For two sensors of one port repeat --columns NAME instead.",
        )
    return tuple(sensors)


def with_turning_of_phones(
    sensors: Sequence[Sensor], gyroscope_unit: str | None
) -> tuple[tuple[Sensor, ...], str | None]:
    """Return sensors of which those that are phones have the columns that their page sends, and the unit of these.

    What was declared stays.
    """
    known = gyroscope_unit in (None, PHONE_UNIT)
    found = tuple(
        replace(sensor, columns=MOTION_COLUMNS) if known and is_phone(sensor.port) and not sensor.columns else sensor
        for sensor in sensors
    )
    return found, PHONE_UNIT if found != tuple(sensors) else gyroscope_unit


def require_gyroscope_unit(sensors: Sequence[Sensor], unit: str | None) -> None:
    """Refuse six columns of text without the unit of the last three, and a unit without them: it is never guessed.

    Raises
    ------
    UsageError
        When it is so, or there is no such unit.
    """
    six = any(sensor.columns is not None and len(sensor.columns) > len(CHANNELS) for sensor in sensors)
    if six != (unit is not None) or unit not in (None, *DEGREES_PER_SECOND):
        wanted = f"--gyroscope-unit as one of {', '.join(DEGREES_PER_SECOND)} with six --columns"
        raise UsageError(
            f"expected {wanted}, got {'none' if unit is None else unit}{'' if six else ' without six columns'}",
            next_step="For example --columns ax,ay,az,gx,gy,gz --gyroscope-unit deg/s. Frames need neither.",
        )


def open_lines(
    sensors: Sequence[Sensor], *, baud: int, reconnect: bool | None, opened: contextlib.ExitStack
) -> list[Line]:
    """Open the line of every sensor; a port with several sensors is opened once and shared.

    Raises
    ------
    BridgeError
        When a port cannot be opened.
    """
    lines: dict[str, list[Line]] = {}
    for port in dict.fromkeys(sensor.port for sensor in sensors):
        reader = open_reader(port, baud=baud, reconnect=reconnect, opening=line_opener(invite_phone))
        opened.callback(reader.close)
        count = sum(sensor.port == port for sensor in sensors)
        if count > 1:
            shared = SharedLine(reader, branches=count)
            opened.callback(shared.close)
            lines[port] = list(shared.branches)
        else:
            lines[port] = [reader]
    return [lines[sensor.port].pop(0) for sensor in sensors]


def shares_a_port(sensors: Sequence[Sensor], sensor: Sensor) -> bool:
    """Tell whether another sensor has the same port."""
    return sum(each.port == sensor.port for each in sensors) > 1


def _split(text: str) -> tuple[str, str]:
    """Return the name, or nothing, and the rest of ``NAME=REST``; a URL may hold a "=" as well."""
    name, found, rest = text.partition("=")
    return (name.strip(), rest) if found and _NAME.fullmatch(name.strip()) else ("", text)


def _choice(text: str) -> tuple[str, tuple[str, ...] | None]:
    """Return name and columns of one ``--columns``."""
    name, rest = _split(text)
    if "=" not in text and "," not in text and _NAME.fullmatch(text.strip()):
        return text.strip(), None
    return name, parse_motion_columns(rest)
