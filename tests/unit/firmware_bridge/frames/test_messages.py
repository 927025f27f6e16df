"""Messages: golden bodies both ways, forms that are refused, versions, and the arithmetic of efficiency."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgehar.firmware_bridge.frames import messages
from edgehar.firmware_bridge.frames.fields import (
    MAX_SAMPLES,
    SAMPLE_BYTES,
    SAMPLES_FIELDS,
    Ability,
    Channel,
    Type,
    most_samples,
)
from edgehar.firmware_bridge.frames.framing import MAX_BODY_BYTES, encode_frame
from edgehar.firmware_bridge.frames.message_reader import decode_message
from edgehar.firmware_bridge.frames.messages import Hello, Log, Malformed, Samples, Stats, Unknown

GOLDEN: dict[str, Any] = json.loads(
    (Path(__file__).resolve().parents[3] / "golden" / "frames.json").read_text(encoding="utf-8")
)
CLASSES = {"ERROR": "DeviceError"}


def channels_of(entry: dict[str, Any]) -> int:
    """Return how many numbers a golden sample has."""
    count = entry["fields"].get("channels", 3)
    return count if isinstance(count, int) else 3


@pytest.mark.parametrize("entry", GOLDEN["frames"], ids=[entry["name"] for entry in GOLDEN["frames"]])
def test_golden_messages_are_read_and_written(entry: dict[str, Any]) -> None:
    message = decode_message(bytes.fromhex(entry["body"]), channels=channels_of(entry))
    assert type(message).__name__ == CLASSES.get(entry["type"], entry["type"].title())
    assert not isinstance(message, Unknown | Malformed)
    for name, expected in entry["fields"].items():
        value = getattr(message, name)
        assert (value.hex() if isinstance(value, bytes) else list(value) if isinstance(value, tuple) else value) == (
            expected
        ), name
    assert message.pack().hex() == entry["body"]


def test_every_type_has_a_golden_frame() -> None:
    assert {entry["type"] for entry in GOLDEN["frames"]} == {kind.name for kind in Type}


def test_ten_samples_cost_less_than_eight_bytes_each_everything_counted() -> None:
    rng = np.random.default_rng(1)
    for _ in range(200):
        payload = rng.integers(0, 256, 10 * SAMPLE_BYTES, np.uint8).tobytes()
        frame = encode_frame(Samples(*map(int, rng.integers(0, 2**16, 4)), payload).pack())
        assert len(frame) == 79
    assert len(frame) / 10 <= 8.0


def test_the_longest_frame_carries_39_samples() -> None:
    assert MAX_SAMPLES == 39
    assert len(Samples(0, 0, 0, 0, bytes(39 * SAMPLE_BYTES)).pack()) <= MAX_BODY_BYTES
    assert isinstance(decode_message(Samples(0, 0, 0, 0, bytes(40 * SAMPLE_BYTES)).pack()), Malformed)


@pytest.mark.parametrize(
    "entry", [entry for entry in GOLDEN["frames"] if entry["type"] not in ("LOG", "ERROR")], ids=lambda e: e["name"]
)
def test_messages_with_a_byte_too_few_are_malformed(entry: dict[str, Any]) -> None:
    body = bytes.fromhex(entry["body"])[:-1]
    message = decode_message(body, channels=channels_of(entry))
    assert isinstance(message, Malformed) == (entry["type"] != "LOAD")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("0200", "expected 13 bytes and 6 for each of 1 to 39 samples, got 2"),
        ("02" + "00" * 12, "expected 13 bytes and 6 for each of 1 to 39 samples, got 13"),
        ("8300", "expected 1 bytes, got 2"),
        ("90050002000000", "expected numbers 0 or 1, got 2"),
        ("900500000000", "expected whole samples of 6 bytes, got 0 bytes"),
        ("910a00000005000000" + "00" * 6, "6 bytes at 5 do not fit in a model of 10 bytes"),
        ("07050009" + "00" * 10, "expected numbers 0 or 1, got 9"),
        ("", "expected a type, got nothing"),
    ],
)
def test_malformed_bodies_say_why(body: str, reason: str) -> None:
    message = decode_message(bytes.fromhex(body))
    assert isinstance(message, Malformed)
    assert message.reason == reason


def test_types_of_later_versions_are_unknown() -> None:
    assert decode_message(b"\x55later") == Unknown(0x55)


def test_later_minor_versions_may_add_to_hello_and_stats() -> None:
    hello = Hello(1, Ability.SENSES, 100_000, 1.0, 1, 2.0, sensor="x", minor=7)
    assert decode_message(hello.pack() + b"more") == hello
    stats = Stats(1, 2, 3, 4, 5, 6)
    assert decode_message(stats.pack() + b"more") == stats
    assert isinstance(decode_message(Hello(1, Ability.SENSES, 1, 1.0, 1, 2.0).pack() + b"more"), Malformed)


def test_of_another_major_version_only_the_version_is_read() -> None:
    message = decode_message(b"\x01\x03\x04whatever")
    assert isinstance(message, Hello)
    assert (message.major, message.minor, message.rate_mhz) == (3, 4, 0)


@given(st.permutations(list(Channel)), st.integers(1, 6), st.data())
def test_samples_of_one_to_six_channels_come_back_as_they_were(
    order: list[Channel], count: int, data: st.DataObject
) -> None:
    hello = Hello(7, Ability.SENSES, 50_000, 4096.0, 1, 8.0, major=2, channels=tuple(order[:count]))
    hello = dataclasses.replace(hello, counts_per_deg_s=16.5, range_deg_s=2000.0, sensor="IMU")
    assert decode_message(hello.pack()) == hello
    rows = data.draw(st.integers(1, most_samples(count)))
    payload = data.draw(st.binary(min_size=2 * count * rows, max_size=2 * count * rows))
    samples = Samples(7, 3, 5, 0, payload, count)
    assert decode_message(samples.pack(), channels=count) == samples
    assert samples.counts.shape == (samples.count, count) == (rows, count)
    one_more = SAMPLES_FIELDS.size + 2 * count * (most_samples(count) + 1)
    for length in {len(samples.pack()) - 1, len(samples.pack()) + 1, SAMPLES_FIELDS.size, one_more}:
        damaged = (samples.pack() + bytes(2 * count))[:length] if length < one_more else b"\x02" + bytes(length - 1)
        assert isinstance(decode_message(damaged, channels=count), Malformed)


@pytest.mark.parametrize(
    ("channels", "reason"),
    [
        (b"\x00", "expected 1 to 6 channels, got 0"),
        (b"\xc8", "expected 1 to 6 channels, got 200"),
        (b"\xc8" + bytes(range(200)), "expected 1 to 6 channels, got 200"),
        (b"\x02\x01\x01", "expected 2 different channels from 1 to 6, got [1, 1]"),
        (b"\x02\x01\x07", "expected 2 different channels from 1 to 6, got [1, 7]"),
        (b"\x02\x00\x01", "expected 2 different channels from 1 to 6, got [0, 1]"),
        (b"\x06\x01\x02", "expected 6 different channels from 1 to 6, got [1, 2]"),
        (b"\x03\x01\x02\x03\x00\x00\x00\x00", "too short: 50 bytes"),
        (b"", "expected 1 to 6 channels, got 0"),
    ],
)
def test_a_hello_of_impossible_channels_says_why(channels: bytes, reason: str) -> None:
    body = Hello(1, Ability.SENSES, 50_000, 4096.0, 1, 8.0, minor=0).pack()
    message = decode_message(body[:1] + b"\x02" + body[2:] + channels)
    assert isinstance(message, Malformed)
    assert message.reason == reason


def test_version_1_is_byte_for_byte_what_it_was() -> None:
    """Both ends of version 1 know nothing of channels: no field of version 2 may reach the line."""
    plain = Hello(1, Ability.SENSES, 50_000, 4096.0, 1, 8.0)
    assert dataclasses.replace(plain, counts_per_deg_s=1.0, channels=tuple(Channel)).pack() == plain.pack()
    assert len(plain.pack()) == 42


def test_names_are_cut_at_a_character_and_shown_without_control_characters() -> None:
    hello = decode_message(Hello(1, Ability.NONE, 1, 1.0, 1, 2.0, sensor="ß" * 40, model="a\x1b[2Jb").pack())
    assert isinstance(hello, Hello)
    assert (hello.sensor, hello.model) == ("ß" * 16, "a·[2Jb")
    log = decode_message(Log(2, "é" * 150).pack())
    assert log == Log(2, "é" * 100)


@given(st.binary(max_size=MAX_BODY_BYTES))
def test_no_body_raises(body: bytes) -> None:
    message = decode_message(body)
    if not isinstance(message, Unknown | Malformed | Hello | Stats | Log | messages.DeviceError):
        assert message.pack() == body


@given(st.sampled_from([entry["body"] for entry in GOLDEN["frames"]]), st.data())
def test_no_altered_body_raises(golden: str, data: st.DataObject) -> None:
    body = bytearray.fromhex(golden)
    for _ in range(data.draw(st.integers(1, 3))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    decode_message(bytes(body[: data.draw(st.integers(0, len(body)))]))
