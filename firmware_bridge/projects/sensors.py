"""The accelerometers there are drivers for, as `firmware/sensors/har_sensors.c` sets them up."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from edgehar.models.errors import UsageError


@dataclass(frozen=True, slots=True)
class Sensor:
    """A sensor's name in commands and in C, the name it goes by, its rate, scale and range."""

    key: str
    symbol: str
    name: str
    rate_hz: float
    counts_per_g: float
    range_g: float


SENSORS: Final[Mapping[str, Sensor]] = {
    sensor.key: sensor
    for sensor in (
        Sensor("mpu6050", "har_mpu6050", "MPU-6050", 100.0, 4096.0, 8.0),
        Sensor("lsm6ds3", "har_lsm6ds3", "LSM6DS3", 104.0, 4098.36, 8.0),
        Sensor("lsm6dsox", "har_lsm6dsox", "LSM6DSOX", 104.0, 4098.36, 8.0),
        Sensor("adxl345", "har_adxl345", "ADXL345", 100.0, 256.0, 16.0),
        Sensor("lis3dh", "har_lis3dh", "LIS3DH", 100.0, 4000.0, 8.0),
    )
}
"""Every sensor by the name commands take."""


def find_sensor(key: str) -> Sensor:
    """Return a sensor by its name.

    Raises
    ------
    UsageError
        If there is none of this name.
    """
    if key not in SENSORS:
        raise UsageError(
            f"sensor: expected one of {', '.join(SENSORS)}, got {key!r}", next_step="Choose one of these.", name=key
        )
    return SENSORS[key]
