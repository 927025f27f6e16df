"""Text lines: one table of streams and their events, fed whole, byte by byte, and chopped at random."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgehar.firmware_bridge.text.events import (
    Damaged,
    Header,
    LayoutFound,
    LineEvent,
    Missing,
    Note,
    Sample,
    Skipped,
)
from edgehar.firmware_bridge.text.layout import Place, TextLayout
from edgehar.firmware_bridge.text.lines import MAXIMUM_LINE_BYTES, MISFITS_BEFORE_LEARNING, TextLineParser
from edgehar.firmware_bridge.text.template import Template


def bare(
    separator: str, slots: int = 3, axes: tuple[int, int, int] = (0, 1, 2), names: tuple[str, ...] = ()
) -> TextLayout:
    """Return the layout of lines of numbers."""
    x, y, z = (Place(0, slot) for slot in axes)
    return TextLayout((Template(("", *[separator] * (slots - 1), "")),), (x, y, z), names)


XYZ = bare(",")
NAMED = bare(",", names=("x", "y", "z"))
JOIN = b"\n"
"""A line end that ends the joining: nothing is skipped."""


def events_of(data: bytes, *, cuts: tuple[int, ...] = (), rate_hz: float = 100.0) -> list[LineEvent]:
    """Feed a stream, cut at some places, to its end."""
    parser = TextLineParser(rate_hz=rate_hz)
    edges = [0, *sorted(cuts), len(data)]
    events = [event for start, stop in itertools.pairwise(edges) for event in parser.feed(data[start:stop])]
    return events + parser.finish()


TABLE: dict[str, tuple[bytes, list[LineEvent]]] = {
    "commas": (JOIN + b"0.1,-0.2,9.8\n", [LayoutFound(XYZ), Sample(0.1, -0.2, 9.8)]),
    "commas and blanks": (JOIN + b"0.1, -0.2, 9.8 \n", [LayoutFound(XYZ), Sample(0.1, -0.2, 9.8)]),
    "tabs": (JOIN + b"1\t2\t3\n", [LayoutFound(bare("")), Sample(1, 2, 3)]),
    "semicolons": (JOIN + b"1;2;3\n", [LayoutFound(bare(";")), Sample(1, 2, 3)]),
    "blanks": (JOIN + b"  1   2 3\n", [LayoutFound(bare("")), Sample(1, 2, 3)]),
    "a separator at the end": (JOIN + b"1,2,3,\n", [LayoutFound(XYZ), Sample(1, 2, 3)]),
    "CR LF, CR, empty lines": (
        JOIN + b"1,2,3\r\n\r\n4,5,6\r7,8,9\n",
        [LayoutFound(XYZ), Sample(1, 2, 3), Sample(4, 5, 6), Sample(7, 8, 9)],
    ),
    "exponents and signs": (JOIN + b"1e-3,+2.,-.5\n", [LayoutFound(XYZ), Sample(0.001, 2, -0.5)]),
    "joined in a line": (b"23,0.5,0.9\n1,2,3\n", [Skipped(10), LayoutFound(XYZ), Sample(1, 2, 3)]),
    "joined at a header": (
        b"x,y,z\n1,2,3\n",
        [Header(("x", "y", "z")), LayoutFound(NAMED), Sample(1, 2, 3)],
    ),
    "garbage before the first line end": (
        b"\x00\xff\x1b[31m1,2\n1,2,3\n",
        [Skipped(10), LayoutFound(XYZ), Sample(1, 2, 3)],
    ),
    "boot messages": (
        JOIN + b"MPU found, calibrating\n# fw 1.2\n1,2,3\n",
        [Note("MPU found, calibrating"), Note("# fw 1.2"), LayoutFound(XYZ), Sample(1, 2, 3)],
    ),
    "a note among samples": (
        JOIN + b"1,2,3\nbattery low\n4,5,6\n",
        [LayoutFound(XYZ), Sample(1, 2, 3), Note("battery low"), Sample(4, 5, 6)],
    ),
    "too few, too many, no numbers": (
        JOIN + b"1,2,3\n1,2\n1,2,3,4\n1,2,x3\n",
        [
            LayoutFound(XYZ),
            Sample(1, 2, 3),
            Damaged("expected 3 numbers, got 2", "1,2"),
            Damaged("expected 3 numbers, got 4", "1,2,3,4"),
            Damaged("expected the numbers of a sample, got something else", "1,2,x3"),
        ],
    ),
    "what Python takes for numbers": (
        JOIN + b"1,2,3\nnan,0,1\n1_0,2,3\n0,0,1e999\n",
        [
            LayoutFound(XYZ),
            Sample(1, 2, 3),
            Missing("nan,0,1"),
            Damaged("expected the numbers of a sample, got something else", "1_0,2,3"),
            Damaged("expected the numbers of a sample, got something else", "0,0,1e999"),
        ],
    ),
    "a flipped bit never makes a comment": (
        JOIN + b"1,2,3\n#.1,0,1\n",
        [
            LayoutFound(XYZ),
            Sample(1, 2, 3),
            Damaged("expected the numbers of a sample, got something else", "#.1,0,1"),
        ],
    ),
    "bytes that would upset a terminal": (
        JOIN + b"1,2,3\n\x1b]0;x\x07\n",
        [
            LayoutFound(XYZ),
            Sample(1, 2, 3),
            Damaged("expected the numbers of a sample, got something else", "\\x1b]0;x\\x07"),
        ],
    ),
    "a line without end": (
        JOIN + b"1,2,3\n" + b"7" * 3000 + b"\n4,5,6\n",
        [
            LayoutFound(XYZ),
            Sample(1, 2, 3),
            Damaged(f"expected at most {MAXIMUM_LINE_BYTES} bytes before a line end, got more", "7" * 60 + "…"),
            Sample(4, 5, 6),
        ],
    ),
    "joined in a line without end": (
        b"7" * 3000 + b"\n4,5,6\n",
        [Skipped(3000), LayoutFound(XYZ), Sample(4, 5, 6)],
    ),
    "cut off at the end": (
        JOIN + b"1,2,3\n4,5,",
        [LayoutFound(XYZ), Sample(1, 2, 3), Damaged("the line was cut off", "4,5,")],
    ),
    "a header among samples": (
        b"x,y,z\n1,2,3\nx,y,z\n4,5,6\n",
        [
            Header(("x", "y", "z")),
            LayoutFound(NAMED),
            Sample(1, 2, 3),
            Header(("x", "y", "z")),
            Sample(4, 5, 6),
        ],
    ),
    "a header with other sensors": (
        b"temp gx gy gz ax ay az\n20 7 7 7 1 2 3\n",
        [
            Header(("temp", "gx", "gy", "gz", "ax", "ay", "az")),
            LayoutFound(bare("", 7, (4, 5, 6), ("ax", "ay", "az"))),
            Sample(1, 2, 3),
        ],
    ),
    "four columns, no time, few lines": (
        JOIN + b"1,2,3,25\n4,5,6,25\n",
        [LayoutFound(bare(",", 4)), Sample(1, 2, 3), Sample(4, 5, 6)],
    ),
    "nothing": (b"", []),
}


@pytest.mark.parametrize("name", TABLE)
def test_whole(name: str) -> None:
    data, expected = TABLE[name]
    assert events_of(data) == expected


@pytest.mark.parametrize("name", TABLE)
def test_byte_by_byte(name: str) -> None:
    data, expected = TABLE[name]
    assert events_of(data, cuts=tuple(range(len(data)))) == expected


def timed(count: int, *, first: int = 0, step: int = 10_000, separator: str = ",") -> bytes:
    """Return lines with a time column."""
    return "".join(
        separator.join((str(first + step * i), f"0.{i % 9}", "0", "1")) + "\n" for i in range(count)
    ).encode()


_LINES = st.sampled_from(
    [
        b"0.1,0.2,0.3",
        b"1,2,3",
        b"x,y,z",
        b"t_us,x,y,z",
        b"10000,1,2,3",
        b"",
        b"boot",
        b"# n",
        b"1,2",
        b"9" * 600,
        b"\xff\x00",
    ]
)
_STREAMS = st.one_of(
    st.binary(max_size=400),
    st.lists(st.tuples(_LINES, st.sampled_from([b"\n", b"\r\n", b"\r", b""])), max_size=60).map(
        lambda parts: b"".join(line + end for line, end in parts)
    ),
    st.builds(lambda noise, count: noise + timed(count), st.binary(max_size=30), st.integers(0, 40)),
)


@settings(max_examples=300, deadline=None)
@given(_STREAMS, st.data())
def test_cuts_change_nothing(stream: bytes, data: st.DataObject) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=30))
    assert events_of(stream, cuts=tuple(cuts)) == events_of(stream)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(*[st.floats(-(2.0**60), 2.0**60, width=32)] * 3), min_size=1, max_size=30))
def test_every_number_comes_back(rows: list[tuple[float, float, float]]) -> None:
    stream = JOIN + b"".join((",".join(repr(value) for value in row) + "\n").encode() for row in rows)
    assert [event for event in events_of(stream) if isinstance(event, Sample)] == [Sample(*row) for row in rows]


def test_memory_is_bounded_whatever_comes() -> None:
    parser = TextLineParser(rate_hz=100.0)
    parser.feed(b"\n1,2,3,4\n")
    for _ in range(300):
        parser.feed(b"\xff" * 700 + b"\ngarbage1\n" + b"\x80" * 400)
    assert len(parser._tail) <= MAXIMUM_LINE_BYTES
    assert parser.held <= 101


def test_another_layout_is_adopted_when_the_device_changes() -> None:
    stream = b"\n1,2,3\n" + b"1;2;3\n" * (MISFITS_BEFORE_LEARNING + 3)
    events = events_of(stream)
    assert sum(isinstance(event, Damaged) for event in events) == MISFITS_BEFORE_LEARNING
    assert events[-4:] == [LayoutFound(bare(";"), changes=True), *[Sample(1, 2, 3)] * 3]


def test_a_damaged_line_first_does_not_decide_for_the_rest() -> None:
    events = events_of(JOIN + b"1,2,3\n" + timed(60))
    layouts = [event.layout for event in events if isinstance(event, LayoutFound)]
    assert [layout.templates[0].slots for layout in layouts] == [3, 4]
    assert layouts[-1].time is not None
    assert layouts[-1].time.unit == "us"


def test_lines_held_back_keep_their_order() -> None:
    stream = JOIN + timed(10) + b"note here\n" + timed(10, first=100_000)
    events = events_of(stream)
    assert isinstance(events[0], LayoutFound)
    kinds = [type(event) for event in events[1:]]
    assert kinds == [Sample] * 10 + [Note] + [Sample] * 10
    assert [event.tick for event in events if isinstance(event, Sample)] == [10_000.0 * i for i in range(20)]
