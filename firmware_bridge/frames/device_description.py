"""The description a device sends in HELLO: its unit and range, and whether it is possible and fits a model.

A HELLO is a stranger's word. Its numbers decide how much memory a filter takes and how samples are scaled, so they are
held to the limits of physics (`edgehar.models.sensor_limits`) before any of them is used.
"""

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.firmware_bridge.frames.fields import (
    ACCELERATION,
    KNOWN_MAJORS,
    MODEL_HASH_BYTES,
    MOTION,
    PROTOCOL_MINOR,
    TURNING,
    Ability,
    Channel,
    UnitCode,
)
from edgehar.firmware_bridge.frames.messages import Hello
from edgehar.firmware_bridge.stream.samples import Remark
from edgehar.models.bundle.manifest import Manifest
from edgehar.models.contract import CHANNELS, MOTION_CHANNELS, MOTION_UNIT, STANDARD_GRAVITY_M_S2
from edgehar.models.errors import BridgeError
from edgehar.models.sensor_limits import is_possible_range, is_possible_rate, is_possible_turning_range
from edgehar.models.units import Unit

_RATE_TOLERANCE: Final = 0.02
_LARGEST_COUNT: Final = 32767
LOWEST_RATE_FRACTION: Final = 0.2
"""A sensor that is slower than this share of the model's rate does not show the movements of a limb."""


def unit_of(hello: Hello) -> Unit:
    """Return the unit of a device's counts."""
    per_g = hello.counts_per_unit * (STANDARD_GRAVITY_M_S2 if hello.unit == UnitCode.M_S2 else 1.0)
    return Unit(f"raw:{per_g:.6g}", per_g, counts=True)


def has_gyroscope(hello: Hello) -> bool:
    """Tell whether a device sends the turning rate beside the acceleration."""
    return set(TURNING) <= set(hello.channels)


def scale_samples(payload: bytes, hello: Hello, *, gyroscope: bool) -> NDArray[np.float32]:
    """Return the samples of a payload in g, (n, 3), in the model's axes; with the turning rate in degrees/s, (n, 6).

    The turning rate is a pseudovector: where the axes are a reflection, its sense turns round.
    """
    counts = np.frombuffer(payload, "<i2").reshape(-1, len(hello.channels))
    samples_g = unit_of(hello).to_g(_turned(counts, ACCELERATION, hello))
    if not gyroscope:
        return samples_g
    turning = _turned(counts, TURNING, hello) * (_handedness(hello.axes) / hello.counts_per_deg_s)
    return np.hstack([samples_g, turning.astype(np.float32)])


def _turned(counts: NDArray[np.int16], vector: tuple[Channel, ...], hello: Hello) -> NDArray[Any]:
    """Return the counts of a vector along the model's axes."""
    if hello.axes == (1, 2, 3) and hello.channels == MOTION[: len(hello.channels)]:
        return counts[:, vector[0] - 1 : vector[-1]]
    columns = [hello.channels.index(vector[abs(axis) - 1]) for axis in hello.axes]
    return counts[:, columns].astype(np.int32) * np.sign(hello.axes)


def _handedness(axes: tuple[int, int, int]) -> int:
    """Return 1 for axes that are a rotation, and -1 for those that are a reflection."""
    matrix = np.eye(3)[[abs(axis) - 1 for axis in axes]] * np.sign(axes)[:, np.newaxis]
    return round(float(np.linalg.det(matrix)))


def range_g(hello: Hello) -> float:
    """Return the largest acceleration a device can express, in g."""
    unit = unit_of(hello)
    limit_g = _LARGEST_COUNT / unit.per_g
    if not (math.isfinite(hello.range_unit) and hello.range_unit > 0):
        return limit_g
    per_g = STANDARD_GRAVITY_M_S2 if hello.unit == UnitCode.M_S2 else 1.0
    return min(limit_g, hello.range_unit / per_g)


def describe(hello: Hello) -> str:
    """Return a device in one line for a person."""
    parts = [
        hello.sensor or "unnamed sensor",
        f"{hello.rate_mhz / 1000:g} Hz",
        f"±{range_g(hello):.3g} g",
        f"{unit_of(hello).per_g:.6g} counts/g",
    ]
    if has_gyroscope(hello):
        parts.append(f"gyroscope of {hello.counts_per_deg_s:.6g} counts per degree/s")
    if hello.placement:
        parts.append(hello.placement)
    return f"{', '.join(parts)}; protocol {hello.major}.{hello.minor}, boot {hello.boot_id:04x}"


def require_usable(hello: Hello, *, before: Hello | None = None) -> None:
    """Refuse a device whose samples cannot be understood.

    Raises
    ------
    BridgeError
        When it speaks another major version, has no sensor, says what cannot be, or has another rate or other channels
        than before.
    """
    require_version(hello)
    if Ability.SENSES not in hello.abilities:
        raise BridgeError(
            "expected a device with a sensor, got one that only classifies",
            next_step="Use it as an engine, or connect a device that sends samples.",
            reason="no_sensor",
        )
    _require_possible(hello)
    if before is not None and hello.rate_mhz != before.rate_mhz:
        raise BridgeError(
            f"expected samples at {before.rate_mhz / 1000:g} Hz, the device now says {hello.rate_mhz / 1000:g} Hz",
            next_step="Start again to use the new rate.",
            reason="rate_changed",
        )
    if before is not None and set(hello.channels) != set(before.channels):
        raise BridgeError(
            f"expected samples of {_names(before)}, the device now says {_names(hello)}",
            next_step="Start again to use the new channels.",
            reason="channels_changed",
        )


def require_version(hello: Hello, *, where: str = "") -> None:
    """Refuse a device that speaks another major version.

    Raises
    ------
    BridgeError
        When it does; the message begins with ``where``.
    """
    if hello.major in KNOWN_MAJORS:
        return
    known = " or ".join(f"{major}.x" for major in KNOWN_MAJORS)
    raise BridgeError(
        f"{where}expected a device that speaks protocol {known}, got {hello.major}.{hello.minor}",
        next_step=f"Update {'edgehar' if hello.major > max(KNOWN_MAJORS) else 'the firmware of the device'}.",
        reason="other_version",
        expected=f"{max(KNOWN_MAJORS)}.{PROTOCOL_MINOR}",
        received=f"{hello.major}.{hello.minor}",
    )


def _names(hello: Hello) -> str:
    """Return what a device's samples hold."""
    return ", ".join(channel.name.lower() for channel in hello.channels)


def check_against_model(hello: Hello, manifest: Manifest) -> list[Remark]:
    """Compare a device with what a model was trained on.

    Raises
    ------
    BridgeError
        When no resampling and no scaling can make the samples what the model wants.
    """
    window, rate_hz = manifest.window, hello.rate_mhz / 1000
    remarks = [Remark(f"the device is {describe(hello)}")]
    if rate_hz < LOWEST_RATE_FRACTION * window.rate_hz:
        raise BridgeError(
            f"expected a sensor of {window.rate_hz:g} Hz for {manifest.model_id}, the device says {rate_hz:g} Hz: "
            "too slow to be resampled",
            next_step=f"Set the sensor to {window.rate_hz:g} Hz, or train a model for {rate_hz:g} Hz.",
            reason="rate",
        )
    if abs(rate_hz - window.rate_hz) > _RATE_TOLERANCE * window.rate_hz:
        remarks.append(Remark(f"the model wants {window.rate_hz:g} Hz, the device sends {rate_hz:g} Hz: resampling"))
    if len(window.channels) not in (len(CHANNELS), len(MOTION_CHANNELS)):
        raise BridgeError(
            f"expected a model of {len(CHANNELS)} axes for this device, {manifest.model_id} wants "
            f"{', '.join(window.channels)}",
            next_step="Use a model of acceleration alone.",
            reason="axes",
        )
    wants_turning = len(window.channels) == len(MOTION_CHANNELS)
    if wants_turning and not has_gyroscope(hello):
        raise BridgeError(
            f"expected a device with a gyroscope for {manifest.model_id}, which takes {', '.join(MOTION_CHANNELS)}; "
            f"this one sends {_names(hello)}",
            next_step="Connect a device that sends the turning rate as well, or use a model of acceleration alone.",
            reason="axes",
        )
    if window.unit != (MOTION_UNIT if wants_turning else "g"):
        raise BridgeError(
            f"expected a model in {MOTION_UNIT if wants_turning else 'g'}, {manifest.model_id} wants {window.unit}",
            next_step="Train it again with this version.",
            reason="unit",
        )
    return remarks + _remarks_on_mounting(hello, manifest) + _remarks_on_model(hello, manifest)


def _require_possible(hello: Hello) -> None:
    """Refuse a HELLO whose numbers no sensor has."""
    wrong = None
    rate_hz = hello.rate_mhz / 1000
    if not is_possible_rate(rate_hz):
        wrong = f"a rate of {rate_hz:g} Hz"
    elif hello.unit not in (UnitCode.G, UnitCode.M_S2):
        wrong = f"unit {hello.unit}, which is neither g (1) nor m/s² (2)"
    elif not (hello.counts_per_unit > 0 and is_possible_range(_LARGEST_COUNT / unit_of(hello).per_g)):
        wrong = f"{hello.counts_per_unit:g} counts per unit"
    elif sorted(map(abs, hello.axes)) != [1, 2, 3]:
        wrong = f"axes {hello.axes}, which are not 1, 2 and 3 in some order"
    elif set(hello.channels) not in (set(ACCELERATION), {*ACCELERATION, *TURNING}):
        wrong = f"the channels {_names(hello)}, which are neither x, y, z nor these and gx, gy, gz"
    elif has_gyroscope(hello) and not (
        hello.counts_per_deg_s > 0 and is_possible_turning_range(_LARGEST_COUNT / hello.counts_per_deg_s)
    ):
        wrong = f"{hello.counts_per_deg_s:g} counts per degree/s"
    if wrong is not None:
        raise BridgeError(
            f"expected a HELLO that can be true, got {wrong}",
            next_step="Correct the firmware of the device: docs/protocol.md gives each field and its limits.",
            reason="hello",
        )


def _remarks_on_mounting(hello: Hello, manifest: Manifest) -> list[Remark]:
    """Say where the device is worn, if the model learned from somewhere else."""
    mounting = manifest.window.mounting
    if not hello.placement or not mounting or hello.placement.casefold() == mounting.casefold():
        return []
    text = (
        f"the model learned from sensors at: {mounting}; the device says it is at: {hello.placement}: "
        "expect wrong labels, gravity points elsewhere"
    )
    return [Remark(text, warning=True)]


def _remarks_on_model(hello: Hello, manifest: Manifest) -> list[Remark]:
    """Say if the device runs another model of its own."""
    if hello.model_hash == bytes(MODEL_HASH_BYTES):
        return []
    if _runs_model(hello, manifest):
        return []
    text = f"the device itself runs another model ({hello.model or hello.model_hash.hex()}) than {manifest.model_id}"
    return [Remark(text, warning=True)]


def label_of_device(hello: Hello | None, manifest: Manifest, label: int) -> str:
    """Return the name of a class that a device has found; empty if it runs another model, or there is no such class."""
    known = hello is not None and _runs_model(hello, manifest)
    return manifest.labels[label] if known and label < len(manifest.labels) else ""


def _runs_model(hello: Hello, manifest: Manifest) -> bool:
    """Tell whether a device runs a model of this bundle."""
    known = {manifest.weights.sha256, *(entry.sha256 for entry in manifest.artifacts)}
    return any(sha256.startswith(hello.model_hash.hex()) for sha256 in known)
