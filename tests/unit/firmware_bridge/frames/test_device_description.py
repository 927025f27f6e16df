"""What a device says, held against a model, and sensors that are stuck or saturated."""

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from edgehar.firmware_bridge.frames.device_description import check_against_model, describe, range_g, unit_of
from edgehar.firmware_bridge.frames.fields import MOTION, Ability, UnitCode
from edgehar.firmware_bridge.frames.messages import Hello
from edgehar.firmware_bridge.stream.checks import SaturationCheck, StillnessCheck
from edgehar.models.bundle import Bundle
from edgehar.models.bundle.manifest import Manifest
from edgehar.models.contract import MOTION_CHANNELS, MOTION_UNIT
from edgehar.models.errors import BridgeError

HELLO = Hello(0x2A, Ability.SENSES, 100_000, 16384.0, UnitCode.G, 2.0, sensor="MPU-6050", placement="front right hip")


@pytest.fixture(scope="module")
def manifest(random_bundle: Callable[..., Bundle]) -> Manifest:
    """A model of 100 Hz from the front right hip."""
    return random_bundle("simple_rnn").manifest


def said(hello: Hello, manifest: Manifest) -> list[str]:
    """Return all remarks but the first, which only describes."""
    return [remark.text for remark in check_against_model(hello, manifest)][1:]


def test_a_device_as_the_model_wants_it_needs_no_words(manifest: Manifest) -> None:
    assert said(HELLO, manifest) == []
    assert describe(HELLO) == ("MPU-6050, 100 Hz, ±2 g, 16384 counts/g, front right hip; protocol 1.0, boot 002a")


def test_another_rate_is_resampled_and_a_tenth_of_it_refused(manifest: Manifest) -> None:
    assert said(dataclasses.replace(HELLO, rate_mhz=101_000), manifest) == []
    assert said(dataclasses.replace(HELLO, rate_mhz=62_500), manifest) == [
        "the model wants 100 Hz, the device sends 62.5 Hz: resampling"
    ]
    with pytest.raises(BridgeError, match=r"expected a sensor of 100 Hz .* the device says 10 Hz: too slow"):
        said(dataclasses.replace(HELLO, rate_mhz=10_000), manifest)


def test_another_place_on_the_body_is_warned_of(manifest: Manifest) -> None:
    (text,) = said(dataclasses.replace(HELLO, placement="left wrist"), manifest)
    assert "the model learned from sensors at: front right hip; the device says it is at: left wrist" in text


def test_another_unit_or_other_axes_of_the_model_are_refused(manifest: Manifest) -> None:
    for change, message in (
        ({"unit": "m/s2"}, "expected a model in g"),
        ({"channels": ("x",)}, "expected a model of 3 axes"),
    ):
        other = dataclasses.replace(manifest, window=dataclasses.replace(manifest.window, **change))
        with pytest.raises(BridgeError, match=message):
            said(HELLO, other)


def test_a_model_of_six_channels_needs_a_gyroscope(manifest: Manifest) -> None:
    window = dataclasses.replace(manifest.window, channels=MOTION_CHANNELS, unit=MOTION_UNIT)
    six = dataclasses.replace(manifest, window=window)
    with pytest.raises(BridgeError, match=r"expected a device with a gyroscope .* this one sends x, y, z. Connect"):
        said(HELLO, six)
    board = dataclasses.replace(HELLO, major=2, channels=MOTION, counts_per_deg_s=16.4)
    assert said(board, six) == said(board, manifest) == []
    assert "gyroscope of 16.4 counts per degree/s, front right hip; protocol 2.0" in describe(board)
    with pytest.raises(BridgeError, match="expected a model in g and deg/s"):
        said(board, dataclasses.replace(six, window=dataclasses.replace(window, unit="g")))


def test_another_model_on_the_device_is_told(manifest: Manifest) -> None:
    same = dataclasses.replace(HELLO, model_hash=bytes.fromhex(manifest.weights.sha256[:16]))
    assert said(same, manifest) == []
    (text,) = said(dataclasses.replace(HELLO, model_hash=b"12345678", model="gru"), manifest)
    assert text.startswith("the device itself runs another model (gru) than")


def test_units_and_ranges_are_in_g() -> None:
    metric = dataclasses.replace(HELLO, unit=UnitCode.M_S2, counts_per_unit=100.0, range_unit=19.6133)
    assert unit_of(metric).per_g == pytest.approx(980.665)
    assert range_g(metric) == pytest.approx(2.0)
    assert range_g(dataclasses.replace(HELLO, range_unit=0.0)) == pytest.approx(32767 / 16384)
    assert range_g(dataclasses.replace(HELLO, range_unit=float("nan"))) == pytest.approx(32767 / 16384)


def test_a_stuck_sensor_is_noticed_once_for_every_time() -> None:
    check, still = StillnessCheck(longest=50), np.full((20, 3), 0.5, np.float32)
    moving = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
    remarks = [check.after(block) for block in (moving, still, still, moving, still, still, still, still, moving)]
    assert [len(remark) for remark in remarks] == [0, 0, 0, 0, 0, 0, 1, 0, 0]
    assert "has sent the same value, 0.5, 0.5, 0.5 g, for 60 samples" in remarks[6][0].text
    assert [len(check.after(still)) for _ in range(3)] == [0, 0, 1]
    assert check.after(still[:0]) == []


def test_a_saturated_sensor_is_noticed_once() -> None:
    calm = np.random.default_rng(0).uniform(-1, 1, (100, 3)).astype(np.float32)
    wild = calm.copy()
    wild[::10, 1] = -2.0
    check = SaturationCheck(range_g=2.0, window_length=100)
    assert check.after(calm) == []
    (remark,) = check.after(wild)
    assert "10 of 100 samples are at the end of the sensor's range, ±2 g" in remark.text
    assert check.after(wild) == []
