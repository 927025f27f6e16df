"""Firmware for models of six channels: as a program under sanitizers, and on a simulated Uno whose sensor turns."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgehar.firmware_bridge.device.emulators import emulate
from edgehar.firmware_bridge.device.engine import DeviceEngine
from edgehar.firmware_bridge.frames.fields import MOTION, Ability
from edgehar.firmware_bridge.frames.messages import FoundLabel, Hello, Samples
from edgehar.firmware_bridge.projects.boards import find_board
from edgehar.firmware_bridge.projects.project import write_project
from edgehar.firmware_bridge.projects.sensors import find_sensor, to_model
from edgehar.models.architecture import Architecture, Dense, SimpleRNN
from edgehar.models.bundle import Bundle
from edgehar.models.engines import load_engine
from edgehar.models.errors import UsageError
from edgehar.models.portable.blob import unpack_model
from edgehar.models.portable.integer_reference import forward
from edgehar.pipeline.compilers import Target, compile_bundle

from .test_arduino_sketch import CORE, build_sketch, listen
from .test_host_device import SANITIZED


def windows(count: int, length: int = 50) -> np.ndarray:
    """Return windows of acceleration in g and turning rates in degrees/s."""
    generator = np.random.default_rng(3)
    scale = np.repeat([0.4, 150.0], 3)
    return (generator.normal(size=(count, length, 6)) * scale + np.eye(6)[2]).astype(np.float32)


@pytest.fixture(scope="module")
def bundle(random_bundle: Callable[..., Bundle]) -> Bundle:
    """An untrained SimpleRNN of six channels; its integers have room for a turning rate."""
    architecture = Architecture("six", 50, 6, (SimpleRNN("r", 8), Dense("o", 6, "softmax")))
    made = random_bundle(architecture, seed=4)
    return compile_bundle(made, [Target("c", "int8"), Target("c", "float32")], calibration=windows(40))


@pytest.mark.parametrize("quantization", ["int8", "float32"])
def test_windows_of_six_channels_are_classified_on_a_device(
    quantization: str, bundle: Bundle, build_firmware, start_program, need
) -> None:
    need("gcc", "make")
    folder = build_firmware(bundle, "host", quantization, SANITIZED)
    engine = DeviceEngine(bundle, start_program(folder / "firmware"))
    assert (engine.hello.major, engine.hello.channels) == (2, MOTION)
    expected = load_engine(bundle, "native", quantization).predict(windows(4))
    np.testing.assert_allclose(engine.predict(windows(4)), expected, atol=1e-6, rtol=0)
    assert len(set(expected.argmax(axis=1))) > 1 or np.ptp(expected, axis=0).max() > 0.05


def movement() -> np.ndarray:
    """Return 20 s of counts of an MPU-6050 whose third axis says which sample it is."""
    time_s = np.arange(2000) / 100
    columns = [4096 + 0 * time_s, 3000 * np.sin(11 * time_s), np.arange(2000) * 16 - 16000]
    columns += [rate * 16.4 * np.sin(speed * time_s) for rate, speed in ((250, 9), (400, 5), (120, 14))]
    return np.stack(columns, axis=1).astype(np.int16)


def expected_samples(counts: np.ndarray, bits: int) -> np.ndarray:
    """Return the integers of a model for counts of an MPU-6050, as docs/protocol.md has them."""
    wide, scaled = counts.astype(np.int64), np.empty_like(counts)
    for columns, per_unit in ((slice(0, 3), 4096.0), (slice(3, 6), 16.4)):
        multiplier, shift = to_model(per_unit, bits)
        rounded = (np.abs(wide[:, columns]) * multiplier + (1 << (shift - 1))) >> shift
        scaled[:, columns] = np.clip(np.sign(wide[:, columns]) * rounded, -32768, 32767)
    return scaled


def test_an_uno_streams_and_classifies_acceleration_and_turning_rate(bundle: Bundle, need, tmp_path: Path) -> None:
    need("avr-gcc", "gcc")
    if not CORE.is_dir():
        pytest.skip("Arduino's AVR core is not installed (Debian package arduino-core-avr)")
    folder = tmp_path / "EdgeHAR"
    write_project(bundle, find_board("arduino"), folder, quantization="int8", sensor=find_sensor("mpu6050"))
    program, counts = build_sketch(folder, tmp_path / "build"), movement()
    with emulate("atmega328p", program, samples=counts) as board:
        heard = listen(board.url, 5.0)
    hello = next(message for message in heard if isinstance(message, Hello))
    assert (hello.major, hello.channels, hello.abilities & Ability.SENSES) == (2, MOTION, Ability.SENSES)
    assert (hello.counts_per_deg_s, hello.range_deg_s) == (pytest.approx(16.4), 2000.0)
    frames = [message for message in heard if isinstance(message, Samples)]
    assert frames
    rows = np.concatenate([np.frombuffer(frame.payload, "<i2").reshape(-1, 6) for frame in frames])
    shift = (int(rows[0, 2]) + 16000) // 16 - frames[0].sequence
    first = frames[0].sequence + shift
    np.testing.assert_array_equal(rows, counts[first : first + len(rows)])
    model = unpack_model(bundle.files["model.int8.harc"])
    said = [message for message in heard if isinstance(message, FoundLabel)]
    assert said
    samples = expected_samples(counts, model.sample_bits)
    for found in said:
        stop = found.sequence + shift
        probabilities = forward(model, samples[np.newaxis, stop - 50 : stop])[0]
        assert (found.label, found.probability) == (probabilities.argmax(), probabilities.max())


def test_a_sensor_without_a_gyroscope_is_refused(bundle: Bundle, tmp_path: Path) -> None:
    said = r"sensor LIS3DH: expected a sensor with a gyroscope .* one of mpu6050, lsm6ds3, lsm6dsox"
    with pytest.raises(UsageError, match=said):
        write_project(bundle, find_board("arduino"), tmp_path / "p", quantization="int8", sensor=find_sensor("lis3dh"))
    assert not (tmp_path / "p").exists()


def test_a_chip_without_room_is_told_by_its_size(random_bundle: Callable[..., Bundle], tmp_path: Path) -> None:
    architecture = Architecture("large", 50, 6, (SimpleRNN("r", 200), Dense("o", 6, "softmax")))
    large = compile_bundle(random_bundle(architecture), [Target("c", "int8")])
    with pytest.raises(UsageError, match=r"board arduino is too small: the model needs up to [\d,]+ bytes of flash"):
        write_project(large, find_board("arduino"), tmp_path / "p", quantization="int8", sensor=find_sensor("mpu6050"))
