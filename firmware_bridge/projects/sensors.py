"""The sensors there are drivers for, as `firmware/sensors` sets them up, and what their counts are to a model."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from edgehar.models.errors import UsageError

_AXES: Final = 3
_USUAL_SHIFT: Final = 12
_MOST_SHIFT: Final = 24
_LEAST_MULTIPLIER: Final = 1024
_LARGEST_MULTIPLIER: Final = 65_535
_LEAST_RATE_HZ: Final = 0.1
_RATE_TOLERANCE: Final = 1.001
"""A rate in a manifest may be a measured one."""


@dataclass(frozen=True, slots=True)
class Gyroscope:
    """The gyroscope of a chip: its name in C, its scale and range."""

    symbol: str
    counts_per_deg_s: float
    range_deg_s: float


@dataclass(frozen=True, slots=True)
class Sensor:
    """A sensor's name in commands and in C, the name it goes by, its rate, scale and range; and its gyroscope."""

    key: str
    symbol: str
    name: str
    rate_hz: float
    counts_per_g: float
    range_g: float
    gyroscope: Gyroscope | None = None


_MPU_GYROSCOPE: Final = Gyroscope("har_mpu6050_gyroscope", 16.4, 2000.0)
_LSM6_GYROSCOPE: Final = Gyroscope("har_lsm6_gyroscope", 1 / 0.07, 2000.0)

SENSORS: Final[Mapping[str, Sensor]] = {
    sensor.key: sensor
    for sensor in (
        Sensor("mpu6050", "har_mpu6050", "MPU-6050", 100.0, 4096.0, 8.0, _MPU_GYROSCOPE),
        Sensor("lsm6ds3", "har_lsm6ds3", "LSM6DS3", 104.0, 4098.36, 8.0, _LSM6_GYROSCOPE),
        Sensor("lsm6dsox", "har_lsm6dsox", "LSM6DSOX", 104.0, 4098.36, 8.0, _LSM6_GYROSCOPE),
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


def require_gyroscope(sensor: Sensor, channels: int) -> None:
    """Refuse a sensor without a gyroscope for a model that takes the turning rate.

    Raises
    ------
    UsageError
        If it is so.
    """
    if channels > _AXES and sensor.gyroscope is None:
        others = ", ".join(each.key for each in SENSORS.values() if each.gyroscope is not None)
        raise UsageError(
            f"sensor {sensor.name}: expected a sensor with a gyroscope for a model of {channels} channels, this one "
            "measures acceleration alone",
            next_step=f"Pass --sensor with one of {others}.",
        )


def to_model(counts_per_unit: float, bits: int) -> tuple[int, int]:
    """Return multiplier and shift: counts x multiplier / 2^shift are a model's numbers of so many bits below the point.

    Examples
    --------
    >>> to_model(4096.0, 11), to_model(16.4, 11), to_model(4096.0, 4)
    ((2048, 12), (63938, 9), (1024, 18))
    """
    shift = _USUAL_SHIFT
    while round(2.0 ** (bits + shift) / counts_per_unit) > _LARGEST_MULTIPLIER and shift > 1:
        shift -= 1
    while round(2.0 ** (bits + shift) / counts_per_unit) < _LEAST_MULTIPLIER and shift < _MOST_SHIFT:
        shift += 1
    return min(round(2.0 ** (bits + shift) / counts_per_unit), _LARGEST_MULTIPLIER), shift


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
