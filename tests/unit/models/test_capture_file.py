"""Capture files: what was written is read, a torn end is left out and counted, damage never becomes samples."""

import dataclasses
import json
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgehar.models import capture_file
from edgehar.models.capture_file import (
    MAGIC,
    MARKER,
    Capture,
    CapturedBlock,
    CaptureInfo,
    _record,
    encode_block,
    encode_event,
    encode_found_unit,
    encode_info,
    encode_lines,
    encode_turning_unit,
    read_capture,
)
from edgehar.models.errors import DataError
from edgehar.pipeline.data.readers import load_dataset

INFO = CaptureInfo("7", "right hip", "raw:16384", 100.0, "2026-01-01T00:00:00+00:00", "/dev/ttyUSB0")
SAMPLES = np.random.default_rng(3).normal(0, 1, (90, 3)).astype(np.float32)
BLOCKS = [
    CapturedBlock(SAMPLES[start : start + 10], np.arange(start, start + 10) / 100, 1e9, start // 30, start % 30 != 0)
    for start in range(0, 90, 10)
]
WHOLE = encode_info(INFO) + b"".join(
    encode_block(block) + encode_event({"event": "end", "take": index, "t_s": 0.5})
    for index, block in enumerate(BLOCKS)
)


def read(path: Path, data: bytes) -> Capture:
    """Read bytes as a capture file."""
    path.write_bytes(data)
    return read_capture(path)


def test_what_was_written_is_read(tmp_path: Path) -> None:
    capture = read(tmp_path / "a.harcap", WHOLE)
    assert capture.info == INFO
    assert (capture.torn_bytes, capture.damaged) == (0, 0)
    assert [event["take"] for event in capture.events] == list(range(9))
    for found, block in zip(capture.blocks, BLOCKS, strict=True):
        assert np.array_equal(found.samples_g, block.samples_g)
        assert np.array_equal(found.times_s, block.times_s)
        assert (found.lost, found.continues, found.arrived_unix_s) == (block.lost, block.continues, 1e9)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(len(encode_info(INFO)), len(WHOLE)))
def test_a_power_cut_costs_the_unfinished_record_and_nothing_else(tmp_path: Path, cut: int) -> None:
    capture = read(tmp_path / "a.harcap", WHOLE[:cut])
    samples = sum(len(block.samples_g) for block in capture.blocks)
    lengths = [len(encode_info(INFO))]
    for index, block in enumerate(BLOCKS):
        lengths.append(lengths[-1] + len(encode_block(block)))
        lengths.append(lengths[-1] + len(encode_event({"event": "end", "take": index, "t_s": 0.5})))
    whole = sum(length <= cut for length in lengths) - 1
    assert len(capture.blocks) == (whole + 1) // 2
    assert samples == 10 * len(capture.blocks)
    assert capture.torn_bytes == cut - lengths[whole]
    assert capture.damaged == 0


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(len(encode_info(INFO)), len(WHOLE) - 1), bit=st.integers(0, 7))
def test_a_flipped_bit_costs_one_record_and_leaves_a_gap(tmp_path: Path, place: int, bit: int) -> None:
    data = bytearray(WHOLE)
    data[place] ^= 1 << bit
    capture = read(tmp_path / "a.harcap", bytes(data))
    assert len(capture.blocks) + len(capture.events) == 2 * len(BLOCKS) - 1
    assert capture.damaged_bytes + capture.torn_bytes > 0
    known = {block.times_s[0]: block for block in BLOCKS}
    for before, found in zip([None, *capture.blocks], capture.blocks, strict=False):
        assert np.array_equal(found.samples_g, known[found.times_s[0]].samples_g)
        follows = before is not None and found.times_s[0] == pytest.approx(before.times_s[-1] + 0.01)
        assert follows or not found.continues or found is capture.blocks[0]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"t,x,y,z\n",
        MAGIC,
        MAGIC + b"\xf1HARS\x00\x00",
        encode_info(INFO)[:-1],
        b"HARCAP2\n" + encode_info(INFO)[len(MAGIC) :],
        MAGIC + encode_event(dataclasses.asdict(INFO)) + encode_block(BLOCKS[0]),
        MAGIC + encode_block(BLOCKS[0]) + encode_info(INFO)[len(MAGIC) :],
    ],
)
def test_what_is_no_capture_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(DataError, match=r"a\.harcap: expected"):
        read(tmp_path / "a.harcap", data)


def test_a_block_of_any_size_is_kept(tmp_path: Path) -> None:
    many = np.arange(75_000, dtype=np.float32).reshape(25_000, 3)
    block = CapturedBlock(many, np.arange(25_000) / 100, 0.0, lost=4, continues=False)
    capture = read(tmp_path / "a.harcap", encode_info(INFO) + encode_block(block))
    assert np.array_equal(np.concatenate([part.samples_g for part in capture.blocks]), many)
    assert [(part.lost, part.continues) for part in capture.blocks] == [(4, False), (0, True), (0, True)]


def six(count: int) -> CapturedBlock:
    """Return samples of acceleration and turning rate."""
    values = np.random.default_rng(count).normal(0, 100, (count, 6)).astype(np.float32)
    return CapturedBlock(values, np.arange(count) / 50, 1e9, lost=3, continues=False)


@pytest.mark.parametrize("count", [0, 1, 1999, 2000, 5001])
def test_six_channels_come_back_as_they_were(tmp_path: Path, count: int) -> None:
    block = six(count)
    capture = read(tmp_path / "a.harcap", encode_info(INFO) + encode_block(block) + encode_turning_unit("rad/s"))
    assert (capture.damaged, capture.channels, capture.turning_unit) == (0, 6, "rad/s")
    np.testing.assert_array_equal(np.concatenate([part.samples_g for part in capture.blocks]), block.samples_g)
    np.testing.assert_array_equal(np.concatenate([part.times_s for part in capture.blocks]), block.times_s)
    others = [(0, True)] * ((count - 1) // 2000)
    assert [(part.lost, part.continues) for part in capture.blocks] == [(3, False), *others]


def test_an_earlier_version_passes_over_six_channels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It finds no samples, rather than wrong ones, and no damage either: records of motion are short enough."""
    data = encode_info(INFO) + encode_block(six(2000)) + encode_event({"event": "end", "take": 1, "t_s": 0.5})
    monkeypatch.setattr(capture_file, "SAMPLE_KINDS", frozenset({b"S"}))
    monkeypatch.setattr(capture_file, "_LATER", capture_file._LATER | {b"M"})
    capture = read(tmp_path / "a.harcap", data)
    assert (capture.blocks, len(capture.events), capture.damaged, capture.torn_bytes) == ([], 1, 0, 0)


@pytest.mark.parametrize(
    "false",
    [
        CapturedBlock(np.zeros((1, 3), np.float32), np.zeros(1), 0.0, lost=0, continues=True),
        CapturedBlock(np.full((1, 6), np.nan, np.float32), np.zeros(1), 0.0, lost=0, continues=True),
        CapturedBlock(np.full((1, 6), 1e7, np.float32), np.zeros(1), 0.0, lost=0, continues=True),
    ],
)
def test_what_cannot_be_among_six_channels_is_damage(tmp_path: Path, false: CapturedBlock) -> None:
    data = encode_info(INFO) + encode_block(six(5)) + encode_block(false) + encode_block(six(5))
    capture = read(tmp_path / "a.harcap", data)
    assert (len(capture.blocks), capture.damaged, capture.damaged_bytes) == (2, 1, len(encode_block(false)))


def record(kind: bytes, payload: bytes) -> bytes:
    """Return a record whose checksum is right, whatever it says."""
    head = struct.pack("<4scI", MARKER, kind, len(payload))
    return head + payload + struct.pack("<I", zlib.crc32(head[4:] + payload))


def samples(count: int, times_s: list[float], values_g: list[float], *, claimed: int | None = None) -> bytes:
    """Return a record of samples, perhaps with another count than it holds."""
    head = struct.pack("<dIBH", 1e9, 0, 1, count if claimed is None else claimed)
    return record(b"S", head + struct.pack(f"<{count}d{3 * count}f", *times_s, *values_g))


def described(**changes: object) -> bytes:
    """Return the beginning of a file whose description is changed."""
    return MAGIC + record(b"H", json.dumps({**dataclasses.asdict(INFO), **changes}).encode())


NAN = float("nan")
DEEP = b'{"event": "begin", "take": ' + b"[" * 20_000 + b"]" * 20_000 + b"}"
FALSE_RECORDS = {
    "motion of no channels": record(b"M", struct.pack("<dIBHB", 1e9, 0, 1, 0, 0)),
    "motion of 200 channels": record(b"M", struct.pack("<dIBHBd", 1e9, 0, 1, 1, 200, 0.5) + bytes(800)),
    "motion without a count of channels": record(b"M", struct.pack("<dIBH", 1e9, 0, 1, 0)),
    "a turning rate in no unit": encode_event({"event": "turning", "take": -1, "unit": 7}),
    "samples without a head": record(b"S", b"\0" * 5),
    "fewer samples than claimed": samples(2, [0.0, 0.01], [0.0] * 6, claimed=3),
    "more samples than claimed": samples(2, [0.0, 0.01], [0.0] * 6, claimed=1),
    "times that are no numbers": samples(1, [NAN], [0.0] * 3),
    "times without end": samples(1, [1e300], [0.0] * 3),
    "samples that are no numbers": samples(1, [0.5], [0.0, NAN, 0.0]),
    "samples without end": samples(1, [0.5], [0.0, float("inf"), 0.0]),
    "an event that is no JSON": record(b"E", b"{begin"),
    "an event that is no text": record(b"E", b"{\xff\xfe}"),
    "an event that is a list": record(b"E", b"[1]"),
    "an event that is deep": record(b"E", DEEP),
    "an event without a take": encode_event({"event": "end", "t_s": 0.5}),
    "an event without a time": encode_event({"event": "end", "take": 1}),
    "an event at no time": encode_event({"event": "end", "take": 1, "t_s": NAN}),
    "an event at a text": encode_event({"event": "end", "take": 1, "t_s": "noon"}),
    "an event of a list": encode_event({"event": "end", "take": [1], "t_s": 0.5}),
    "an activity without a name": encode_event({"event": "begin", "take": 1, "t_s": 0.5, "activity": " "}),
    "half a character": record(b"E", b'{"event": "relabel", "take": 1, "activity": "\\ud800"}'),
    "a kind that there is not": record(b"\x07", b"{}"),
}


@pytest.mark.parametrize("false", FALSE_RECORDS.values(), ids=FALSE_RECORDS)
def test_a_record_that_says_what_cannot_be_is_damage_and_leaves_one_gap(tmp_path: Path, false: bytes) -> None:
    blocks = [encode_block(dataclasses.replace(block, lost=0, continues=True)) for block in BLOCKS]
    capture = read(tmp_path / "a.harcap", encode_info(INFO) + b"".join([*blocks[:3], false, *blocks[3:]]))
    assert (capture.damaged, capture.damaged_bytes, capture.torn_bytes) == (1, len(false), 0)
    assert np.array_equal(np.concatenate([block.samples_g for block in capture.blocks]), SAMPLES)
    # The block behind the damage does not continue the one before; those behind it do.
    assert [block.continues for block in capture.blocks] == [True] * 3 + [False] + [True] * 5
    last = read(tmp_path / "b.harcap", encode_info(INFO) + blocks[0] + false)
    assert (last.damaged, last.torn_bytes, len(last.blocks)) == (0, len(false), 1)


@pytest.mark.parametrize(
    "changes",
    [
        {"rate_hz": 0.0},
        {"rate_hz": -1},
        {"rate_hz": NAN},
        {"rate_hz": 1e9},
        {"rate_hz": "100"},
        {"rate_hz": True},
        {"subject": ""},
        {"subject": 7},
        {"subject": "\ud800"},
        {"unit": None},
        {"more": 1},
    ],
)
def test_a_description_that_says_what_cannot_be_is_refused(tmp_path: Path, changes: dict[str, object]) -> None:
    with pytest.raises(DataError, match=r"a\.harcap: expected"):
        read(tmp_path / "a.harcap", described(**changes) + encode_block(BLOCKS[0]))


def test_a_folder_is_no_capture(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="it cannot be read"):
        read_capture(tmp_path)


BEGIN = {"event": "begin", "take": 1, "activity": "walk", "t_s": 0.1}
EVENTFUL = WHOLE + encode_event(BEGIN) + encode_event({"event": "relabel", "take": 1, "activity": "sit"})


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_an_altered_capture_is_read_or_refused_in_one_sentence(tmp_path: Path, data: st.DataObject) -> None:
    """Bytes are overwritten, cut out, doubled, and records written again with a right checksum over wrong content."""
    content = bytearray(EVENTFUL)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, max(0, len(content) - 1)))
        count = data.draw(st.integers(0, 40))
        change = data.draw(st.sampled_from(["overwrite", "cut", "double", "repair"]))
        if change == "overwrite":
            content[at : at + count] = data.draw(st.binary(max_size=40))
        elif change == "cut":
            del content[at : at + count]
        elif change == "double":
            content[at:at] = content[at : at + count]
        else:
            start = content.find(MARKER, at)
            if start >= 0 and start + 9 < len(content):
                _, kind, length = struct.unpack_from("<4scI", content, start)
                payload = bytearray(content[start + 9 : start + 9 + min(length, 4096)])
                for _ in range(data.draw(st.integers(0, 3))):
                    if payload:
                        payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
                content[start : start + 13 + length] = record(kind, bytes(payload))
    file = tmp_path / "a.harcap"
    file.write_bytes(content)
    refused = ""
    try:
        capture = read_capture(file)
        (recording,) = load_dataset(file).recordings
    except DataError as error:
        refused = str(error)
    assert not refused or refused.startswith(str(file))
    if refused:
        return
    assert len(recording) == sum(len(block.samples_g) for block in capture.blocks)
    assert bool(capture.damaged) == any("are damaged" in problem for problem in recording.problems)
    assert bool(capture.torn_bytes) == any("unfinished record" in problem for problem in recording.problems)


def false_markers(claimed: int) -> bytes:
    """Return three megabytes of markers, each of which claims a record of samples that would fit."""
    one = MARKER + b"S" + struct.pack("<I", 15 + 20 * claimed) + struct.pack("<dIBH", 0.0, 0, 1, claimed)
    return one * (3_000_000 // len(one))


@pytest.mark.parametrize(
    "noise",
    [
        MARKER * 750_000,
        false_markers(0),
        false_markers(100),
        false_markers(10_000),
        (MARKER + b"E\x0b\0\0\0{") * 200_000,
    ],
    ids=["markers", "no samples", "short records", "long records", "events"],
)
def test_false_markers_cost_a_constant_time_a_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, noise: bytes
) -> None:
    """The work is counted in bytes whose checksum is computed: quadratic, it were up to 30 GB for these 3 MB."""
    checked = 0

    def count(data: bytes, value: int = 0) -> int:
        nonlocal checked
        checked += len(data)
        return real(data, value)

    real = zlib.crc32
    monkeypatch.setattr("edgehar.models.capture_file.zlib.crc32", count)
    tail = b"".join(map(encode_block, BLOCKS))
    capture = read(tmp_path / "a.harcap", encode_info(INFO) + noise + tail)
    assert checked < 400 * len(noise)
    assert np.array_equal(np.concatenate([block.samples_g for block in capture.blocks]), SAMPLES)
    assert (capture.damaged, capture.damaged_bytes) == (1, len(noise))
    assert not capture.blocks[0].continues
    assert capture.blocks[1].continues


def test_a_long_record_behind_damage_is_read(tmp_path: Path) -> None:
    many = np.zeros((10_000, 3), np.float32)
    long = encode_block(CapturedBlock(many, np.arange(10_000) / 100, 0.0, lost=0, continues=True))
    capture = read(tmp_path / "a.harcap", encode_info(INFO) + long[:-1] + b"\0" + MARKER * 1000 + long)
    assert [len(block.samples_g) for block in capture.blocks] == [10_000]


@pytest.mark.parametrize(("lost", "kept"), [(0, 0), (5, 5), (2**31, 2**31), (2**32 - 1, 2**32 - 1), (2**40, 2**32 - 1)])
def test_a_loss_without_samples_is_kept(tmp_path: Path, lost: int, kept: int) -> None:
    """A block may only bring the news of a loss, and a number that does not fit is the largest that does."""
    nothing = CapturedBlock(SAMPLES[:0], np.empty(0), 1e9, lost, continues=False)
    (found,) = read(tmp_path / "a.harcap", encode_info(INFO) + encode_block(nothing)).blocks
    assert (len(found.samples_g), found.lost, found.continues) == (0, kept, False)


@pytest.mark.parametrize(
    ("time_s", "value_g", "possible"),
    [(1e11, 0.0, True), (1.01e11, 0.0, False), (-1.01e11, 0.0, False), (0.0, 1e6, True), (0.0, -1.01e6, False)],
)
def test_the_largest_times_and_samples(tmp_path: Path, time_s: float, value_g: float, possible: bool) -> None:
    capture = read(tmp_path / "a.harcap", encode_info(INFO) + samples(1, [time_s], [0.0, value_g, 0.0]))
    assert (len(capture.blocks) == 1) is possible
    assert (capture.torn_bytes == 0) is possible


@pytest.mark.parametrize(("length", "possible"), [(2**16, True), (2**16 + 1, False)])
def test_the_longest_event(tmp_path: Path, length: int, possible: bool) -> None:
    event = {"event": "relabel", "take": 1, "activity": ""}
    event["activity"] = "a" * (length - len(json.dumps(event)))
    capture = read(tmp_path / "a.harcap", encode_info(INFO) + encode_event(event))
    assert (capture.events == [event]) is possible


@pytest.mark.parametrize(("count", "possible"), [(10_000, True), (10_001, False)])
def test_the_longest_record_of_samples(tmp_path: Path, count: int, possible: bool) -> None:
    record_of_many = samples(count, [0.0] * count, [0.0] * 3 * count)
    capture = read(tmp_path / "a.harcap", encode_info(INFO) + record_of_many)
    assert (len(capture.blocks) == 1) is possible


def test_bytes_in_front_of_the_description_are_damage(tmp_path: Path) -> None:
    described_late = MAGIC + b"noise" + encode_info(INFO)[len(MAGIC) :]
    capture = read(tmp_path / "a.harcap", described_late + encode_block(BLOCKS[1]))
    assert (capture.damaged, capture.damaged_bytes, capture.torn_bytes) == (1, 5, 0)
    assert capture.blocks[0].continues


def test_texts_are_written_as_they_are(tmp_path: Path) -> None:
    content = encode_info(dataclasses.replace(INFO, subject="Zoë")) + encode_event({**BEGIN, "activity": "Übung"})
    assert "Zoë".encode() in content
    assert "Übung".encode() in content
    capture = read(tmp_path / "a.harcap", content)
    assert (capture.info.subject, capture.events[0]["activity"]) == ("Zoë", "Übung")


@pytest.mark.parametrize("take", [True, 1.0, None, "1"])
def test_a_take_has_a_whole_number(tmp_path: Path, take: object) -> None:
    event = encode_event({"event": "end", "take": take, "t_s": 0.5})
    assert read(tmp_path / "a.harcap", encode_info(INFO) + event).events == []


def test_an_event_that_a_later_version_may_know_is_kept(tmp_path: Path) -> None:
    later = {"event": "note", "take": 1}
    assert read(tmp_path / "a.harcap", encode_info(INFO) + encode_event(later)).events == [later]


def lines_of(count: int) -> bytes:
    """Return what a sensor of text prints."""
    return b"".join(b"%d,0.5,0.5,0.7071,7.5\n" % number for number in range(count))


def test_lines_and_a_unit_found_later_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.harcap"
    path.write_bytes(encode_info(INFO) + encode_lines(lines_of(2000), 5.0) + encode_found_unit("m/s2"))
    capture = read_capture(path)
    assert b"".join(data for _, data in capture.lines) == lines_of(2000)
    assert capture.info.unit == "m/s2"
    assert capture.events == []
    assert (capture.damaged, capture.torn_bytes) == (0, 0)


def test_every_byte_of_a_line_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "a.harcap"
    path.write_bytes(encode_info(INFO) + encode_lines(bytes(range(256)) * 100, 5.0))
    assert b"".join(data for _, data in read_capture(path).lines) == bytes(range(256)) * 100


def test_records_and_events_of_a_later_version_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "a.harcap"
    block = CapturedBlock(np.zeros((2, 3), np.float32), np.array([0.0, 0.01]), 0.0, lost=0, continues=True)
    later = _record(b"Q", b"anything") + encode_event({"event": "mood", "take": 1})
    path.write_bytes(encode_info(INFO) + encode_block(block) + later + encode_block(block))
    capture = read_capture(path)
    assert [each.continues for each in capture.blocks] == [True, True]
    assert (capture.damaged, capture.torn_bytes) == (0, 0)


@pytest.mark.parametrize(
    "event",
    [
        {"event": "lines", "take": -1, "arrived_s": 1.0, "text": "\u20ac"},
        {"event": "lines", "take": -1, "arrived_s": float("inf"), "text": ""},
        {"event": "lines", "take": -1, "text": ""},
        {"event": "found", "take": -1, "unit": 3},
        {"event": "found", "take": -1, "unit": "g" * 999},
    ],
)
def test_what_such_events_cannot_say_is_damage(tmp_path: Path, event: dict) -> None:
    path = tmp_path / "a.harcap"
    path.write_bytes(encode_info(INFO) + encode_event(event) + encode_event({"event": "end", "take": 1, "t_s": 1}))
    capture = read_capture(path)
    assert capture.damaged == 1
    assert (capture.lines, capture.info) == ([], INFO)
