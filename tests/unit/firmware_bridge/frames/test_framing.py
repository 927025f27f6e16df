"""Frames: one table of reads and finds holds writer and reader, and properties hold what a table cannot."""

import json
import random
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgehar.firmware_bridge.frames.framing import (
    MAX_BODY_BYTES,
    MAX_ENCODED_BYTES,
    Cause,
    Damage,
    Frame,
    FrameEvent,
    FrameParser,
    decode_frame,
    encode_frame,
)

ROOT = Path(__file__).resolve().parents[4]
GOLDEN: dict[str, Any] = json.loads((ROOT / "tests" / "golden" / "frames.json").read_text(encoding="utf-8"))
BODIES = st.binary(min_size=1, max_size=MAX_BODY_BYTES)


def by_name(entries: list[dict[str, Any]]) -> Any:
    """Return a parametrization with the entries' names."""
    return pytest.mark.parametrize("entry", entries, ids=[entry["name"] for entry in entries])


def feed(reads: list[bytes], times_s: list[float] | None = None) -> list[FrameEvent]:
    """Return what a new parser finds."""
    parser = FrameParser()
    times_s = times_s or [0.0] * len(reads)
    return [event for data, now_s in zip(reads, times_s, strict=True) for event in parser.feed(data, now_s)]


@by_name(GOLDEN["frames"])
def test_golden_frames_are_written_and_read(entry: dict[str, Any]) -> None:
    body, line = bytes.fromhex(entry["body"]), bytes.fromhex(entry["line"])
    assert encode_frame(body) == line
    assert encode_frame(body, after_silence=True) == b"\0" + line
    assert 0 not in line[:-1]
    assert feed([line]) == [Frame(body)]
    assert feed([line[at : at + 1] for at in range(len(line))]) == [Frame(body)]
    assert feed([line + b"\x07trailing"]) == [Frame(body)]
    assert feed([b"left over\0" + line + line]) == [Damage(Cause.STUFFING, 9), Frame(body), Frame(body)]


@by_name(GOLDEN["damaged"])
def test_golden_damage_is_named(entry: dict[str, Any]) -> None:
    piece, good = bytes.fromhex(entry["between_terminators"]), encode_frame(b"\x83")
    damage = Damage(Cause(entry["cause"]), len(piece))
    assert feed([piece + b"\0" + good]) == [damage, Frame(b"\x83")]
    assert feed([bytes([byte]) for byte in piece + b"\0" + good]) == [damage, Frame(b"\x83")]


@by_name(GOLDEN["streams"])
def test_golden_streams_are_read(entry: dict[str, Any]) -> None:
    parser = FrameParser()
    found = [event for read in entry["reads"] for event in parser.feed(bytes.fromhex(read["hex"]), read["t_s"])]
    expected = [find["body"] if "body" in find else find["damaged"] for find in entry["finds"]]
    assert [event.body.hex() if isinstance(event, Frame) else event.cause.value for event in found] == expected
    assert parser.counts.frames == sum("body" in find for find in entry["finds"])
    assert parser.counts.damaged_total == sum("damaged" in find for find in entry["finds"])


def test_golden_file_is_what_the_code_makes() -> None:
    subprocess.run([sys.executable, str(ROOT / "tools" / "make_golden_frames.py"), "--check"], check=True, cwd=ROOT)


def test_worked_examples_of_the_specification_are_golden() -> None:
    text = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
    examples = [
        example.split("\n", 1)
        for block in re.findall(r"```hex\n(.*?)\n```", text, flags=re.DOTALL)
        for example in block.split("\n\n")
    ]
    golden = {entry["name"]: entry["line"] for entry in GOLDEN["frames"]}
    assert len(examples) >= 12
    for name, data in examples:
        assert bytes.fromhex(data).hex() == golden[name], name


@pytest.mark.parametrize("body", [b"", bytes(MAX_BODY_BYTES + 1)])
def test_bodies_have_bounds(body: bytes) -> None:
    with pytest.raises(ValueError, match="expected a body of 1 to 250 bytes"):
        encode_frame(body)


@given(BODIES)
def test_a_frame_costs_six_bytes(body: bytes) -> None:
    assert len(encode_frame(body)) == len(body) + 6 <= MAX_ENCODED_BYTES + 1


@given(st.lists(st.one_of(BODIES, st.none()), max_size=12), st.randoms(use_true_random=False))
def test_every_whole_frame_is_found_however_it_is_cut(bodies: list[bytes | None], rng: random.Random) -> None:
    """Reads of any size, at any time, with zeros and noise between frames, lose no whole frame and invent none."""
    line = b"".join(
        bytes(rng.randrange(1, 256) for _ in range(rng.randrange(1, 600))) + b"\0"
        if body is None
        else encode_frame(body, after_silence=rng.random() < 0.3)
        for body in bodies
    )
    parser, now_s, at, found = FrameParser(), 0.0, 0, []
    while at < len(line):
        size = rng.choice((1, 2, 5, 40, 300, 2000))
        found += parser.feed(line[at : at + size], now_s)
        at, now_s = at + size, now_s + rng.choice((0.0, 0.001, 0.04, 0.06, 3.0))
        assert parser.held_back <= MAX_ENCODED_BYTES + 1
    marks_matter = [event.body for event in found if isinstance(event, Frame)]
    assert marks_matter == [body for body in bodies if body is not None]


@given(st.lists(st.tuples(st.binary(max_size=700), st.floats(0.0, 1.0)), max_size=20))
def test_any_bytes_at_any_time_are_survived(reads: list[tuple[bytes, float]]) -> None:
    parser, now_s = FrameParser(), 0.0
    for data, wait_s in reads:
        now_s += wait_s
        parser.feed(data, now_s)
        assert parser.held_back <= MAX_ENCODED_BYTES + 1
    parser.cut()
    assert parser.held_back == 0
    assert parser.feed(encode_frame(b"\x83"), now_s) == [Frame(b"\x83")]


@given(BODIES, st.data())
def test_no_damage_of_up_to_four_bits_behind_the_stuffing_passes(body: bytes, data: st.DataObject) -> None:
    encoded = bytearray(encode_frame(body.replace(b"\0", b"\1"))[:-1])
    bits = data.draw(st.sets(st.integers(8, 8 * len(encoded) - 1), min_size=1, max_size=4))
    for bit in bits:
        encoded[bit // 8] ^= 1 << bit % 8
    assert isinstance(decode_frame(bytes(encoded)), Damage)


def test_a_frame_after_a_lost_end_survives_only_behind_a_pause() -> None:
    who, stop = encode_frame(b"\x81\x01\x00"), encode_frame(b"\x83")
    assert feed([who[:-3], stop], [0.0, 0.01]) == [Damage(Cause.STUFFING, len(who) - 3 + len(stop) - 1)]
    assert feed([who[:-3], stop], [0.0, 0.06]) == [Damage(Cause.CUT, len(who) - 3), Frame(b"\x83")]


@pytest.mark.parametrize(("wait_s", "pauses"), [(0.05, False), (0.0501, True)])
def test_the_edge_of_a_pause(wait_s: float, pauses: bool) -> None:
    """A sender may pause for exactly 50 ms inside a frame; what comes later may be a frame of its own."""
    who, stop = encode_frame(b"\x81\x01\x00"), encode_frame(b"\x83")
    found = feed([who[:-3], stop], [0.0, wait_s])
    assert (Frame(b"\x83") in found) is pauses
    assert feed([who[:3], who[3:]], [0.0, wait_s]) == [Frame(b"\x81\x01\x00")], "a whole frame survives any pause"


def test_a_cut_line_gives_up_the_frame_in_the_making() -> None:
    parser = FrameParser()
    assert parser.cut() == []
    parser.feed(encode_frame(b"\x83")[:3], 0.0)
    assert parser.cut() == [Damage(Cause.CUT, 3)]
    assert parser.feed(encode_frame(b"\x83"), 0.0) == [Frame(b"\x83")]
    assert parser.counts.damaged[Cause.CUT] == 1


def test_a_longest_frame_without_zeros_is_one_block() -> None:
    """254 bytes, none of them 00: the code FF, the bytes, and no code behind."""
    bodies = (bytes([1, *(1 + (number * seed) % 255 for number in range(249))]) for seed in range(1, 200))
    line = next(line for line in map(encode_frame, bodies) if line[0] == 0xFF)
    assert (len(line), line.count(0)) == (256, 1)
    assert [type(event) for event in FrameParser().feed(line, 0.0)] == [Frame]
