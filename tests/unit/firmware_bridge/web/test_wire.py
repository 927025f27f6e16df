"""The wire in JavaScript: the golden frames of the specification, the simulated device, text lines of every unit."""

import dataclasses
import itertools
import json
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgehar.firmware_bridge.frames.device_description import scale_samples
from edgehar.firmware_bridge.frames.fields import MOTION, Ability
from edgehar.firmware_bridge.frames.framing import encode_frame
from edgehar.firmware_bridge.frames.messages import Hello, Samples, Who
from edgehar.firmware_bridge.line.opening import open_transport
from edgehar.firmware_bridge.simulate.faults import Faults
from edgehar.firmware_bridge.simulate.frame_sensor import FrameSensor, SensorSpec
from edgehar.firmware_bridge.simulate.text_writer import TextWriter
from edgehar.models.sensing.gravity import unit_of_length
from edgehar.models.units import parse_unit

GOLDEN: dict[str, Any] = json.loads((Path(__file__).parents[3] / "golden" / "frames.json").read_text(encoding="utf-8"))
GRAVITY = 9.80665


def movement(count: int = 600) -> NDArray[np.float32]:
    """Return samples in g of a sensor that is worn."""
    generator = np.random.default_rng(6)
    return generator.normal((0.1, -0.2, 0.95), 0.2, (count, 3)).astype(np.float32)


def device_bytes(samples_g: NDArray[np.float32], folder: Path, *, rate_hz: float, faults: Faults) -> bytes:
    """Return everything that the simulated device sends when it plays these samples."""
    spec = SensorSpec(unit=parse_unit("raw:2048"), rate_hz=rate_hz, drift_ppm=300)
    sensor = FrameSensor(folder / "port", samples_g, spec=spec, faults=faults, seed=3, speed=0)
    line = open_transport(sensor.name)
    player = threading.Thread(target=sensor.run)
    player.start()
    heard, silent = bytearray(), 0
    try:
        while player.is_alive() or silent < 3:
            data = line.read(timeout_s=0.1)
            heard += data
            silent = 0 if data else silent + 1
    finally:
        player.join()
        line.close()
        sensor.close()
    return bytes(heard)


def in_reads(data: bytes, *, size: int = 97, every_s: float = 0.001) -> list[dict[str, Any]]:
    """Cut bytes into reads."""
    return [
        {"t_s": index * every_s, "hex": data[at : at + size].hex()}
        for index, at in enumerate(range(0, len(data), size))
    ]


def test_golden_frames_are_written(run_wire) -> None:
    (lines,) = run_wire({"kind": "encode", "bodies": [each["body"] for each in GOLDEN["frames"]]})
    assert lines == ["00" + each["line"] for each in GOLDEN["frames"]]


def test_golden_frames_are_read_whole_and_byte_by_byte(run_wire) -> None:
    def bytewise(line: str) -> list[dict[str, Any]]:
        return in_reads(bytes.fromhex(line), size=1)

    whole = [{"kind": "parse", "reads": [{"t_s": 0, "hex": each["line"]}]} for each in GOLDEN["frames"]]
    cut = [{"kind": "parse", "reads": bytewise(each["line"])} for each in GOLDEN["frames"]]
    expected = [[{"body": each["body"]}] for each in GOLDEN["frames"]]
    assert run_wire(*whole) == expected
    assert run_wire(*cut) == expected


def test_golden_damage_is_named(run_wire) -> None:
    good = encode_frame(b"\x83").hex()
    lines = [each["between_terminators"] + "00" + good for each in GOLDEN["damaged"]]
    found = run_wire(*({"kind": "parse", "reads": [{"t_s": 0, "hex": line}]} for line in lines))
    assert found == [[{"damaged": each["cause"]}, {"body": "83"}] for each in GOLDEN["damaged"]]


def test_golden_streams_are_read(run_wire) -> None:
    found = run_wire(*({"kind": "parse", "reads": each["reads"]} for each in GOLDEN["streams"]))
    assert found == [each["finds"] for each in GOLDEN["streams"]]


@pytest.mark.parametrize("damage", [0.0, 0.02])
def test_the_simulated_device_is_understood_and_losses_are_counted(run_wire, tmp_path: Path, damage: float) -> None:
    samples_g = movement(3000)
    data = device_bytes(
        samples_g,
        tmp_path,
        rate_hz=104.0,
        faults=Faults(drop=damage, lose=damage, flip=damage, repeat=damage, swap=damage),
    )
    (reply,) = run_wire({"kind": "read", "reads": in_reads(data)})
    assert reply["problem"] == ""
    assert "binary frames" in reply["speaks"]
    times_s = np.array([each["timeS"] for each in reply["samples"]])
    places = np.rint((times_s - times_s[0]) * 104.0 / 1.0003).astype(int)
    assert (np.diff(places) >= 1).all()
    assert reply["lost"] == places[-1] + 1 - len(places)
    assert (reply["lost"] > 0) == (damage > 0)
    rounded = np.round(samples_g * 2048) / 2048
    found = np.array([each["sample"] for each in reply["samples"]])
    # The very first frames may be among the lost ones.
    inside = [offset for offset in range(100) if places[-1] + offset < len(rounded)]
    offsets = [offset for offset in inside if np.allclose(found, rounded[places + offset], atol=1e-3)]
    assert offsets, "every sample is the one that was sent, at its own place"


def test_six_channels_are_read_as_the_host_reads_them(run_wire, tmp_path: Path) -> None:
    turning = np.random.default_rng(7).normal(0, 200, (400, 3))
    samples = np.hstack([movement(400), turning]).astype(np.float32)
    data = device_bytes(samples, tmp_path, rate_hz=100.0, faults=Faults())
    (reply,) = run_wire({"kind": "read", "reads": in_reads(data)})
    assert (reply["problem"], reply["lost"]) == ("", 0)
    found = np.array([each["sample"] for each in reply["samples"]])
    steps = np.repeat([2048, 16.4], 3)
    np.testing.assert_allclose(found, np.round(samples.astype(np.float64) * steps) / steps, atol=1e-3)


def test_axes_turn_both_vectors_and_a_reflection_the_sense_of_turning(run_wire) -> None:
    """The device may order its channels and turn its axes as it likes."""
    payload = np.array([[-6, -5, 4, 300, 200, 100]], "<i2").tobytes()
    tasks, expected = [], []
    for order in itertools.permutations((1, 2, 3)):
        for signs in itertools.product((1, -1), repeat=3):
            axes = tuple(axis * sign for axis, sign in zip(order, signs, strict=True))
            hello = Hello(1, Ability.SENSES | Ability.STREAMS, 100_000, 1000.0, 1, 16.0, axes=axes, sensor="imu")
            hello = dataclasses.replace(hello, major=2, channels=MOTION[::-1], counts_per_deg_s=16.0)
            wire = encode_frame(hello.pack()) + encode_frame(Samples(1, 0, 0, 0, payload, 6).pack())
            tasks.append({"kind": "read", "reads": in_reads(wire)})
            expected.append(scale_samples(payload, hello, gyroscope=True)[0])
    found = [reply["samples"][0]["sample"] for reply in run_wire(*tasks)]
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert found[0] == pytest.approx([0.1, 0.2, 0.3, 0.25, -0.3125, -0.375])


@pytest.mark.parametrize(
    ("hello", "said"),
    [
        (b"\x01\x03\x00" + bytes(60), "speaks version 3.0 of the protocol, this page 1.x and 2.x: load a newer page."),
        (b"\x01\x00\x09" + bytes(60), "speaks version 0.9 of the protocol, this page 1.x and 2.x: update the firmware"),
        (
            Hello(1, Ability.SENSES, 100_000, 1.0, 1, 2.0, major=2, channels=MOTION[3:], counts_per_deg_s=1.0).pack(),
            "sends no acceleration along x, y and z",
        ),
    ],
)
def test_a_device_that_a_page_cannot_use_is_said_in_a_sentence(run_wire, hello: bytes, said: str) -> None:
    samples = b"".join(encode_frame(Samples(1, at, at, 0, bytes(12)).pack()) for at in range(5))
    (reply,) = run_wire({"kind": "read", "reads": in_reads(encode_frame(hello) + samples)})
    assert said in reply["problem"]
    assert reply["samples"] == []


@pytest.mark.parametrize("channels", [b"\x00", b"\xc8" + bytes(180), b"\x06\x01\x02", b"\x02\x01\x01", b""])
def test_a_hello_of_impossible_channels_is_none(run_wire, channels: bytes) -> None:
    body = Hello(1, Ability.SENSES, 50_000, 4096.0, 1, 8.0).pack()
    hello = body[:1] + b"\x02" + body[2:] + channels
    samples = b"".join(encode_frame(Samples(1, at, at, 0, bytes(12)).pack()) for at in range(200))
    (reply,) = run_wire({"kind": "read", "reads": in_reads(encode_frame(hello) + samples)})
    assert reply["samples"] == []
    assert "does not say what its samples mean" in reply["problem"]


def test_nothing_is_written_before_a_frame_has_come(run_wire, tmp_path: Path) -> None:
    text = "".join(f"{x:.3f},{y:.3f},{z:.3f}\n" for x, y, z in movement(300)).encode()
    data = device_bytes(movement(100), tmp_path, rate_hz=100.0, faults=Faults())
    hello, rest = data.split(b"\0", 1)[0], data.split(b"\0", 1)[1]
    without_hello = rest if b"simulated" in hello else data.split(b"\0", 2)[2]
    lines, frames = run_wire(
        {"kind": "read", "reads": in_reads(text, every_s=0.01)}, {"kind": "read", "reads": in_reads(without_hello)}
    )
    assert lines["written"] == []
    assert frames["written"][0] == encode_frame(Who().pack(), after_silence=True).hex()
    assert frames["samples"] == [], "without a HELLO nobody knows what a count is worth"


@pytest.mark.parametrize("timestamps", [False, True])
@pytest.mark.parametrize("unit", ["g", "m/s2", "raw:1000", "raw:4096", "raw:16384"])
def test_lines_of_every_unit_become_g(run_wire, unit: str, timestamps: bool) -> None:
    samples_g = movement()
    writer = TextWriter(unit=parse_unit(unit), rate_hz=50.0, timestamps=timestamps)
    lines = [writer.header, *writer.lines(samples_g, first=0)]
    # Five lines arrive together, as a USB adapter hands them on.
    reads = [{"t_s": start / 50, "hex": b"".join(lines[start : start + 5]).hex()} for start in range(0, len(lines), 5)]
    (reply,) = run_wire({"kind": "read", "reads": reads})
    assert reply["problem"] == ""
    found = np.array([each["sample"] for each in reply["samples"]])
    step_g = 1 / parse_unit(unit).per_g if unit.startswith("raw") else 1e-6
    np.testing.assert_allclose(found, samples_g, atol=step_g)
    periods_s = np.diff([each["timeS"] for each in reply["samples"]])
    assert (periods_s > 0).all()
    assert periods_s[100:].mean() == pytest.approx(1 / 50, rel=0.02)
    assert periods_s[100:].std() < 0.002


@pytest.mark.parametrize(
    ("header", "factor"),
    [("ax (m/s^2), ay (m/s^2), az (m/s^2)", GRAVITY), ("acc_x_mg,acc_y_mg,acc_z_mg", 1000), ("x [g];y [g];z [g]", 1)],
)
def test_a_header_gives_the_unit(run_wire, header: str, factor: float) -> None:
    rows = "".join(f"{x:.4f},{y:.4f},{z:.4f}\n" for x, y, z in movement(30) * factor)
    (reply,) = run_wire({"kind": "read", "reads": in_reads(f"{header}\n{rows}".encode())})
    found = np.array([each["sample"] for each in reply["samples"]])
    np.testing.assert_allclose(found, movement(30), atol=1e-3)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("1,2,3,4,5", "“1,2,3,4,5”: no three columns in a row"),
        ("0.01,0.02,0.03", "gravity in no unit"),
        ("hello there", "expected x,y,z"),
    ],
)
def test_what_is_not_understood_is_one_sentence(run_wire, line: str, expected: str) -> None:
    (reply,) = run_wire({"kind": "read", "reads": in_reads(f"{line}\n".encode() * 420, every_s=0.1)})
    assert reply["samples"] == []
    assert expected in reply["problem"]


def test_noise_asks_for_the_baud_rate(run_wire) -> None:
    noise = np.random.default_rng(1).integers(0, 256, 4000).astype(np.uint8).tobytes()
    (reply,) = run_wire({"kind": "read", "reads": in_reads(noise)})
    assert (reply["samples"], reply["written"]) == ([], [])
    assert "baud rate" in reply["problem"]


@pytest.mark.parametrize("whole", [True, False])
def test_units_are_those_of_python(run_wire, whole: bool) -> None:
    lengths = np.geomspace(0.1, 40_000, 300).tolist()
    expected = [unit_of_length(length, whole=whole) for length in lengths]
    (found,) = run_wire({"kind": "unit", "lengths": lengths, "isWhole": whole})
    assert found == expected
