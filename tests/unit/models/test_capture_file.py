"""Capture files: what was written is read, a torn end is left out and counted, damage never becomes samples."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgehar.models.capture_file import (
    MAGIC,
    Capture,
    CapturedBlock,
    CaptureInfo,
    encode_block,
    encode_event,
    encode_info,
    read_capture,
)
from edgehar.models.errors import DataError

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


@pytest.mark.parametrize("data", [b"", b"t,x,y,z\n", MAGIC, MAGIC + b"\xf1HARS\x00\x00", encode_info(INFO)[:-1]])
def test_what_is_no_capture_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(DataError, match=r"a\.harcap: expected"):
        read(tmp_path / "a.harcap", data)


def test_a_block_of_any_size_is_kept(tmp_path: Path) -> None:
    many = np.arange(75_000, dtype=np.float32).reshape(25_000, 3)
    block = CapturedBlock(many, np.arange(25_000) / 100, 0.0, lost=4, continues=False)
    capture = read(tmp_path / "a.harcap", encode_info(INFO) + encode_block(block))
    assert np.array_equal(np.concatenate([part.samples_g for part in capture.blocks]), many)
    assert [(part.lost, part.continues) for part in capture.blocks] == [(4, False), (0, True), (0, True)]
