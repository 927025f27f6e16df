"""The description a device sends in HELLO: its unit and range, and whether it is possible and fits a model.

A HELLO is a stranger's word. Its numbers decide how much memory a filter takes and how samples are scaled, so they are
held to the limits of physics (`edgehar.models.sensor_limits`) before any of them is used.
"""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgehar.firmware_bridge.frames.fields import (
    AXES,
    MODEL_HASH_BYTES,
    PROTOCOL_MAJOR,
    PROTOCOL_MINOR,
    Ability,
    UnitCode,
)
from edgehar.firmware_bridge.frames.messages import Hello
from edgehar.firmware_bridge.stream.samples import Remark
from edgehar.models.bundle.manifest import Manifest
from edgehar.models.contract import STANDARD_GRAVITY_M_S2
from edgehar.models.errors import BridgeError
from edgehar.models.sensor_limits import is_possible_range, is_possible_rate
from edgehar.models.units import Unit

_RATE_TOLERANCE: Final = 0.02
_LARGEST_COUNT: Final = 32767
LOWEST_RATE_FRACTION: Final = 0.2
"""A sensor that is slower than this share of the model's rate does not show the movements of a limb."""


def unit_of(hello: Hello) -> Unit:
    """Return the unit of a device's counts."""
    per_g = hello.counts_per_unit * (STANDARD_GRAVITY_M_S2 if hello.unit == UnitCode.M_S2 else 1.0)
    return Unit(f"raw:{per_g:.6g}", per_g, counts=True)


def scale_to_g(payload: bytes, hello: Hello) -> NDArray[np.float32]:
    """Return the samples of a payload in g, (n, 3), in the model's axes."""
    counts = np.frombuffer(payload, "<i2").reshape(-1, AXES)
    if hello.axes != (1, 2, 3):
        columns = [abs(axis) - 1 for axis in hello.axes]
        counts = counts[:, columns].astype(np.int32) * np.sign(hello.axes)
    return unit_of(hello).to_g(counts)


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
    if hello.placement:
        parts.append(hello.placement)
    return f"{', '.join(parts)}; protocol {hello.major}.{hello.minor}, boot {hello.boot_id:04x}"


def require_usable(hello: Hello, *, before: Hello | None = None) -> None:
    """Refuse a device whose samples cannot be understood.

    Raises
    ------
    BridgeError
        When it speaks another major version, has no sensor, says what cannot be, or has another rate than before.
    """
    if hello.major != PROTOCOL_MAJOR:
        raise BridgeError(
            f"expected a device that speaks protocol {PROTOCOL_MAJOR}.x, got {hello.major}.{hello.minor}",
            next_step=f"Update {'edgehar' if hello.major > PROTOCOL_MAJOR else 'the firmware of the device'}.",
            reason="other_version",
            expected=f"{PROTOCOL_MAJOR}.{PROTOCOL_MINOR}",
            received=f"{hello.major}.{hello.minor}",
        )
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
    if len(window.channels) != AXES:
        raise BridgeError(
            f"expected a model of {AXES} axes for this device, {manifest.model_id} wants {', '.join(window.channels)}",
            next_step="Use a model of acceleration alone.",
            reason="axes",
        )
    if window.unit != "g":
        raise BridgeError(
            f"expected a model in g, {manifest.model_id} wants {window.unit}",
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
