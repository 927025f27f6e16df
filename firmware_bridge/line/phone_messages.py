"""The messages of phone apps as lines of text that name their columns and their unit. No I/O.

=================  ==================================================================================================
app                what it sends
=================  ==================================================================================================
Sensor Logger      ``{"payload": [{"name": "totalacceleration", "time": NANOSECONDS, "values": {"x", "y", "z"}}, ..]}``
page of phone://   the same; where it sends the turning rate too, ``gx``, ``gy``, ``gz`` in degrees/s among the values
SensorServer       ``{"values": [x, y, z], "timestamp": NANOSECONDS}``, with a ``type`` where there are several sensors
phyphox            ``{"buffer": {"acc_time": {"buffer": [..]}, "accX": {"buffer": [..]}, ..}}``, its answer to ``/get``
anything else      passed on as it is: a line of numbers, or a flat JSON object, is understood as any other text
=================  ==================================================================================================

Sensor Logger's ``accelerometer`` has gravity taken out, so it is named linear acceleration; its ``totalacceleration``
holds what a model needs.
"""

import json
import math
from collections.abc import Sequence
from typing import Any, Final

from edgehar.firmware_bridge.line.udp import as_lines
from edgehar.models.contract import GYROSCOPE_CHANNELS

MOTION_COLUMNS: Final = tuple(f"{sensor} {axis}" for sensor in ("acceleration", "gyroscope") for axis in "xyz")
"""What the columns of a line are called that holds the turning rate too, which is in degrees/s."""
MOST_ROWS: Final = 10_000
"""In one message; a batch of ten seconds at 1 kHz."""
_SENSORS: Final = {
    "accelerometer": "linear acceleration",
    "totalacceleration": "acceleration",
    "accelerometeruncalibrated": "accelerometer",
    "gravity": "gravity",
    "gyroscope": "gyroscope",
    "magnetometer": "magnetometer",
    "android.sensor.accelerometer": "acceleration",
    "android.sensor.linear_acceleration": "linear acceleration",
    "android.sensor.gravity": "gravity",
    "android.sensor.gyroscope": "gyroscope",
    "android.sensor.magnetic_field": "magnetometer",
}
_IN_M_S2: Final = ("linear acceleration", "acceleration", "gravity")


def lines_of(message: str | bytes) -> bytes:
    """Return a message as lines of text.

    Examples
    --------
    >>> lines_of('{"values": [0.1, 9.7, 1.2], "timestamp": 5000}')
    b't_ns:5000 acceleration x:0.1 y:9.7 z:1.2 m/s2\\n'
    >>> lines_of("0.1,0.2,0.9")
    b'0.1,0.2,0.9\\n'
    """
    raw = message.encode("utf-8", "replace") if isinstance(message, str) else message
    try:
        found = json.loads(raw) if raw.lstrip()[:1] == b"{" else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        return as_lines(raw)
    if isinstance(found.get("payload"), list):
        entries = [entry for entry in found["payload"][:MOST_ROWS] if isinstance(entry, dict)]
        return b"".join(_row(entry.get("name"), entry.get("time"), entry.get("values")) for entry in entries)
    if isinstance(found.get("values"), list):
        kind = found.get("type", "android.sensor.accelerometer")
        return _row(kind, found.get("timestamp"), dict(zip("xyz", found["values"], strict=False)))
    if isinstance(found.get("buffer"), dict):
        return _phyphox(found["buffer"])
    return as_lines(raw)


def _row(name: Any, time_ns: Any, values: Any) -> bytes:
    """Return one sample of one sensor as a line; nothing for a sensor without three axes."""
    sensor = _SENSORS.get(str(name).lower())
    if sensor is None or not isinstance(values, dict):
        return b""
    axes = [_number(values.get(axis)) for axis in "xyz"]
    unit = " m/s2" if sensor in _IN_M_S2 else ""
    x, y, z = axes
    turning = ""
    if "gx" in values:
        gx, gy, gz = (_number(values.get(name)) for name in GYROSCOPE_CHANNELS)
        turning = f" gyroscope x:{gx} y:{gy} z:{gz} deg/s"
    return f"t_ns:{_number(time_ns)} {sensor} x:{x} y:{y} z:{z}{unit}{turning}\n".encode()


def _phyphox(buffers: dict[str, Any]) -> bytes:
    """Return the buffers of phyphox's acceleration as lines."""
    columns = []
    for name in ("acc_time", "accX", "accY", "accZ"):
        entry = buffers.get(name)
        column = entry.get("buffer") if isinstance(entry, dict) else None
        if not isinstance(column, list):
            return b""
        columns.append(column[:MOST_ROWS])
    return phyphox_lines(list(zip(*columns, strict=False)))


def phyphox_lines(rows: Sequence[Sequence[Any]]) -> bytes:
    """Return rows of time, x, y, z as lines.

    Examples
    --------
    >>> phyphox_lines([(0.5, 0.1, 9.7, 1.2)])
    b't_s:0.5 acceleration x:0.1 y:9.7 z:1.2 m/s2\\n'
    """
    return b"".join(
        "t_s:{} acceleration x:{} y:{} z:{} m/s2\n".format(*(_number(value) for value in row)).encode() for row in rows
    )


def _number(value: Any) -> str:
    """Return a number as it was written, or nan."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return "nan"
    if not math.isfinite(number):
        return "nan"
    return str(value) if isinstance(value, int) or (isinstance(value, str) and value.isdecimal()) else repr(number)
