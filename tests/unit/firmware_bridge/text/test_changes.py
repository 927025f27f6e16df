"""A stream that changes its form: learned anew, told once, joined to nothing; and what only looks like a change."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgehar.firmware_bridge.stream.samples import Remark, SampleBlock
from edgehar.firmware_bridge.text.changes import FEWEST_SAMPLES
from edgehar.firmware_bridge.text.events import LayoutFound, LineEvent, Note, Sample, Unread
from edgehar.firmware_bridge.text.learning import MOST_ROWS, Question
from edgehar.firmware_bridge.text.lines import TextLineParser
from edgehar.firmware_bridge.text.selection import SensorSelection
from edgehar.firmware_bridge.text.source import TextSource
from edgehar.models.errors import BridgeError

_GENERATOR = np.random.default_rng(5)
WALK_G = _GENERATOR.normal((0.1, -0.2, 0.97), 0.2, (400, 3))


def bare(first: int, count: int, *, scale: float = 1.0) -> list[bytes]:
    """Return samples as bare numbers."""
    return [b"%.4f,%.4f,%.4f\n" % tuple(row) for row in scale * WALK_G[first : first + count]]


def named(first: int, count: int, *, scale: float = 1.0, sensor: bytes = b"") -> list[bytes]:
    """Return samples as values that are named."""
    return [sensor + b"ax:%.4f ay:%.4f az:%.4f\n" % tuple(row) for row in scale * WALK_G[first : first + count]]


def events_of(lines: list[bytes], selection: SensorSelection | None = None) -> list[LineEvent]:
    """Return what a parser makes of lines that it reads from their beginning."""
    parser = TextLineParser(rate_hz=100.0, selection=selection)
    return parser.feed(b"\n" + b"".join(lines))


def samples_of(events: list[LineEvent]) -> np.ndarray:
    """Return the samples among events."""
    return np.array([(each.x, each.y, each.z) for each in events if isinstance(each, Sample)])


def played(lines: list[bytes]) -> tuple[list[SampleBlock], list[Remark], TextSource]:
    """Return what a source makes of lines that come 100 times a second."""
    source = TextSource(unit=None, rate_hz=100.0)
    source.feed(b"\n", 0.0)
    decoded = [source.feed(line, at / 100) for at, line in enumerate(lines)]
    return [it for each in decoded for it in each.blocks], [it for each in decoded for it in each.remarks], source


def test_no_line_is_lost_and_no_window_holds_both_forms() -> None:
    blocks, remarks, source = played(bare(0, 200) + named(200, 200, scale=9.80665))
    assert (source.counts.samples, source.counts.lost) == (400, 0)
    assert source.unit is not None
    assert source.unit.name == "m/s2"
    np.testing.assert_allclose(np.concatenate([block.samples_g for block in blocks]), WALK_G, atol=1e-3)
    ends = np.cumsum([len(block.samples_g) for block in blocks])
    breaks = [int(end) - len(block.samples_g) for block, end in zip(blocks, ends, strict=True) if not block.continues]
    assert breaks == [200]
    said = [remark for remark in remarks if "changed their form" in remark.text]
    assert [remark.warning for remark in said] == [True]


@pytest.mark.parametrize("before", [0, 60])
def test_samples_whose_unit_was_not_known_yet_are_counted_as_lost(before: int) -> None:
    _, remarks, source = played(bare(0, before) + named(before, 300, scale=9.80665))
    assert (source.counts.samples, source.counts.lost) == (300, before)
    assert any(f"{before} samples before" in remark.text for remark in remarks) == bool(before)


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(
            st.integers(1, 30),
            st.lists(
                st.sampled_from(
                    [
                        b"battery 81 %\n", b">>> print(1)\n", b"I (4123) wifi: rssi -61\n", b"ax:1 ay:2 az:3\n",
                        b"# t 21.5\n", b"boot ok\n", b"imu 3 calibrated: 0.1 0.2 0.3\n", b"free 81234\n",
                        b"mode 2 of 5\n",
                    ]
                ),
                max_size=FEWEST_SAMPLES - 1,
            ),
        ),
        min_size=1,
        max_size=12,
    )
)  # fmt: skip
def test_lines_between_values_change_nothing(parts: list[tuple[int, list[bytes]]]) -> None:
    lines, at = bare(0, 1), 1
    for count, others in parts:
        lines += others + bare(at, count)
        at += count
    events = events_of(lines)
    assert sum(isinstance(event, LayoutFound) for event in events) == 1
    np.testing.assert_allclose(samples_of(events), WALK_G[:at], atol=1e-4)


@pytest.mark.parametrize("line", [b"heap 81234 bytes\n", b"menu 12 34 56\n", b"roll:1 pitch:2 yaw:3\n"])
def test_a_device_that_prints_something_else_for_long_is_told_once_and_goes_on(line: bytes) -> None:
    events = events_of(bare(0, 100) + [line] * 2 * MOST_ROWS + bare(100, 100) + [line] * MOST_ROWS)
    assert [event.count for event in events if isinstance(event, Unread)] == [2 * FEWEST_SAMPLES] * 2
    assert sum(isinstance(event, Note) for event in events) == 3 * MOST_ROWS
    assert len(samples_of(events)) == 200


def test_numbers_that_are_no_gravity_are_no_samples() -> None:
    events = events_of(named(0, 100) + [b"12,340,56\n", b"13,340,57\n"] * 300)
    assert sum(isinstance(event, LayoutFound) for event in events) == 1
    assert sum(isinstance(event, Unread) for event in events) == 1


def test_another_sensor_does_not_take_the_place_of_the_one_that_was_named() -> None:
    lines = [b"left," + line for line in bare(0, 100)] + [b"right," + line for line in bare(100, 200)]
    events = events_of(lines, SensorSelection("left"))
    np.testing.assert_allclose(samples_of(events), WALK_G[:100], atol=1e-4)
    assert sum(isinstance(event, Unread) for event in events) == 1


def test_lines_that_were_there_from_the_beginning_are_not_learned_from() -> None:
    gyro = [b"gx:%d gy:2 gz:3\n" % at for at in range(200)]
    both = [line for pair in zip(named(0, 50), gyro, strict=False) for line in pair]
    events = events_of(both + gyro)
    assert sum(isinstance(event, LayoutFound) for event in events) == 1
    assert sum(isinstance(event, Unread) for event in events) == 1


def test_there_and_back_is_asked_about() -> None:
    lines = bare(0, 100) + named(100, 100) + bare(200, 100)
    question = next(event for event in events_of(lines) if isinstance(event, Question))
    assert "the lines change between two kinds" in question.text
    with pytest.raises(BridgeError, match="change between two kinds"):
        played(lines)


def test_forms_without_end_are_asked_about() -> None:
    lines = bare(0, 100)
    for number in range(20):
        lines += named(100, 100, sensor=b"abc" + bytes([97 + number]) + b"xyz ")
    events = events_of(lines)
    assert sum(isinstance(event, LayoutFound) for event in events) == 8
    assert any(isinstance(event, Question) and "changed their form 8 times" in event.text for event in events)


_KINDS = [
    bare(0, 5),
    named(0, 5),
    [b"L:1 M:2\n"],
    [b"1 2 3 4 5 6 7\n"],
    [b'{"acc":[0.1,0.2,0.9],"n":7}\n'],
    [b"\xff\xfe1,2\n"],
]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(_KINDS), st.integers(1, 90)), max_size=8), st.integers(1, 997))
def test_whatever_comes_memory_and_messages_are_bounded_and_cuts_change_nothing(
    parts: list[tuple[list[bytes], int]], size: int
) -> None:
    data = b"\n" + b"".join(b"".join(lines) * times for lines, times in parts)
    parser, events = TextLineParser(rate_hz=100.0), []
    for at in range(0, len(data), size):
        events += parser.feed(data[at : at + size])
        assert len(parser._watch.held) <= MOST_ROWS
    assert len(parser._learned) <= 8
    assert events == TextLineParser(rate_hz=100.0).feed(data)
    source, remarks = TextSource(unit=None, rate_hz=100.0), []
    try:
        for at in range(0, len(data), size):
            remarks += source.feed(data[at : at + size], at / 2000).remarks
    except BridgeError:
        pass
    for words in ("changed their form", "no samples as before", "the device says"):
        assert sum(words in remark.text for remark in remarks) <= 5
