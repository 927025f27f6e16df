"""The accelerometers there are drivers for, as `firmware/sensors/har_sensors.c` sets them up."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from edgehar.models.errors import UsageError

_LEAST_RATE_HZ: Final = 0.1
_RATE_TOLERANCE: Final = 1.001
"""A rate in a manifest may be a measured one."""


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


def require_rate(sensor: Sensor, rate_hz: float) -> None:
    """Refuse a model whose samples a sensor cannot give: a board makes a rate lower, never higher.

    Raises
    ------
    UsageError
        If the model takes more samples a second than the sensor gives, or fewer than one in ten seconds.
    """
    if not _LEAST_RATE_HZ <= rate_hz <= sensor.rate_hz * _RATE_TOLERANCE:
        raise UsageError(
            f"sensor {sensor.name}: expected a model of {_LEAST_RATE_HZ:g} to {sensor.rate_hz:g} samples a second, "
            f"got one of {rate_hz:g}",
            next_step="Train the model at a rate that the sensor gives.",
        )
