"""WitMotion's packets: found among anything, read exactly, and their damage counted."""

import random
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgehar.firmware_bridge.session.protocol_detection import ProtocolDetector
from edgehar.firmware_bridge.text.source import TextSource
from edgehar.firmware_bridge.text.witmotion import Packet, PacketParser, looks_like_packets
from edgehar.firmware_bridge.text.witmotion_source import WitMotionOrTextSource
from edgehar.models.units import parse_unit

from .sketches import SKETCHES, rows

ROWS = 400
TIME_S = np.arange(ROWS) / 100
COUNTS = np.stack([900 * np.sin(9 * TIME_S), 1200 + 300 * np.cos(9 * TIME_S), 1500 + 0 * TIME_S], axis=1).astype(int)


def serial(kind: int, values: list[int]) -> bytes:
    """Return a packet with its sum."""
    body = bytes([0x55, kind]) + struct.pack("<4h", *values)
    return body + bytes([sum(body) % 256])


def moment(counts: np.ndarray) -> bytes:
    """Return what a sensor sends for one sample: acceleration, angular velocity, angle."""
    return serial(0x51, [*counts, 2600]) + serial(0x52, [20817, 0x5155, 300, 2600]) + serial(0x53, [100, 200, -300, 1])


def source() -> WitMotionOrTextSource:
    """Return a source that may find packets."""

    def make() -> TextSource:
        return TextSource(unit=parse_unit("g"), rate_hz=100.0)

    return WitMotionOrTextSource(TextSource(unit=None, rate_hz=100.0), make_source=make)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=30))
def test_packets_are_read_however_they_are_cut(sizes: list[int]) -> None:
    wire = b"".join(map(moment, COUNTS[:30]))
    parser, found, at, turn = PacketParser(), [], 0, 0
    while at < len(wire):
        size = sizes[turn % len(sizes)]
        found += parser.feed(wire[at : at + size])
        at, turn = at + size, turn + 1
    read = [event.acceleration_g for event in found if isinstance(event, Packet) and event.acceleration_g]
    np.testing.assert_allclose(read, COUNTS[:30] * 16 / 32768)


@pytest.mark.parametrize("skip", [0, 1, 10, 17])
def test_a_stream_is_found_and_read(skip: int) -> None:
    packets, blocks, remarks = source(), [], []
    wire = b"".join(map(moment, COUNTS))[skip:]
    for at in range(0, len(wire), 33):
        decoded = packets.feed(wire[at : at + 33], at / 3300)
        blocks += decoded.blocks
        remarks += decoded.remarks
    samples = np.concatenate([block.samples_g for block in blocks])
    np.testing.assert_allclose(samples[-300:], COUNTS[-300:] * 16 / 32768, atol=1e-6)
    assert packets.unit == parse_unit("g")
    assert any("WitMotion" in remark.text for remark in remarks)
    assert not any("lines" in remark.text for remark in remarks)


def test_packets_of_bluetooth_are_read() -> None:
    wire = b"".join(bytes([0x55, 0x61]) + struct.pack("<9h", *row, 1, 2, 3, 4, 5, 6) for row in COUNTS)
    packets = source()
    blocks = [block for at in range(0, len(wire), 20) for block in packets.feed(wire[at : at + 20], at / 2000).blocks]
    np.testing.assert_allclose(np.concatenate([block.samples_g for block in blocks])[-300:], COUNTS[-300:] / 2048)


def test_a_damaged_packet_is_a_lost_sample() -> None:
    packets = source()
    wire = [serial(0x51, [*row, 0]) for row in COUNTS]
    wire[200] = wire[200][:5] + b"\xff\xff" + wire[200][7:]
    for index, packet in enumerate(wire):
        packets.feed(packet, index / 100)
    assert (packets.counts.lost, packets.counts.damaged) == (1, 1)


def test_detection_does_not_wait() -> None:
    detector = ProtocolDetector()
    detector.feed(b"".join(map(moment, COUNTS[:3])), 0.0)
    assert detector.protocol == "text"


@pytest.mark.parametrize("name", [sketch.name for sketch in SKETCHES])
def test_text_is_never_taken_for_packets(name: str) -> None:
    sketch = next(each for each in SKETCHES if each.name == name)
    text = b"".join(sketch.write(row).encode(sketch.encoding) for row, _ in zip(rows(), range(20), strict=False))
    assert not looks_like_packets(text)


def test_noise_is_not_taken_for_packets() -> None:
    rng = random.Random(5)
    assert not any(looks_like_packets(rng.randbytes(256)) for _ in range(500))
