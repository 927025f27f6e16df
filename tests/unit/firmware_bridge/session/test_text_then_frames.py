"""A stream that is text, or nothing known, until it is frames."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import edgehar.firmware_bridge.session.protocol_detection
from edgehar.firmware_bridge.frames.fields import Ability, UnitCode
from edgehar.firmware_bridge.frames.framing import encode_frame
from edgehar.firmware_bridge.frames.messages import Hello, Samples, Who
from edgehar.firmware_bridge.session.text_then_frames import TextThenFramesSource
from edgehar.firmware_bridge.stream.samples import Remark, SampleBlock
from edgehar.firmware_bridge.text.source import TextSource
from edgehar.models.units import parse_unit

HELLO = Hello(7, Ability.SENSES | Ability.STREAMS, 100_000, 16384.0, UnitCode.G, 2.0)
FRAMES = 30
SAMPLES = np.random.default_rng(0).integers(-16384, 16384, (10 * FRAMES, 3)).astype("<i2")
GARBAGE = np.random.default_rng(1).integers(0, 256, 6000, np.uint8).tobytes() + b"\x00"
BOOT_LOG = b"ets Jul 29 2019 12:21:46\r\nrst:0x1 (POWERON_RESET)\r\nloading firmware\r\n\x00"


def frames(*, hello: bool = True) -> bytes:
    """Return what the device sends once it is awake."""
    wire = encode_frame(HELLO.pack()) if hello else b""
    for number in range(FRAMES):
        payload = SAMPLES[10 * number : 10 * number + 10].tobytes()
        wire += encode_frame(Samples(7, 10 * number, 100_000 * number, 0, payload).pack())
    return wire


class Session:
    """A source, and what came of it."""

    def __init__(self) -> None:
        self.hellos: list[Hello] = []
        self.blocks: list[SampleBlock] = []
        self.remarks: list[Remark] = []
        self.source = TextThenFramesSource(TextSource(unit=parse_unit("g"), rate_hz=100.0), on_hello=self._on_hello)

    def _on_hello(self, hello: Hello) -> list[Remark]:
        assert not self.blocks
        self.hellos.append(hello)
        return [Remark("described")]

    def play(self, wire: bytes, cuts: list[int]) -> "Session":
        """Feed bytes in pieces."""
        edges = [0, *sorted(cuts), len(wire)]
        for start, stop in itertools.pairwise(edges):
            decoded = self.source.feed(wire[start:stop], start / 11520)
            self.blocks += decoded.blocks
            self.remarks += decoded.remarks
        return self

    @property
    def samples_g(self) -> NDArray[np.float32]:
        """All samples."""
        return np.concatenate([block.samples_g for block in self.blocks])


@settings(deadline=None, max_examples=60)
@given(st.sampled_from([GARBAGE, BOOT_LOG, b"\x00"]), st.lists(st.integers(0, 8000), max_size=30))
def test_frames_are_found_whatever_came_before_and_none_is_lost(before: bytes, cuts: list[int]) -> None:
    wire = before + frames()
    session = Session().play(wire, [cut for cut in cuts if cut <= len(wire)])
    assert np.array_equal(session.samples_g, (SAMPLES / np.float32(16384)).astype(np.float32))
    assert session.hellos == [HELLO]
    counts = session.source.counts
    assert (counts.samples, counts.lost, counts.bytes_read) == (10 * FRAMES, 0, len(wire))
    said = [remark.text for remark in session.remarks]
    assert said.count("described") == 1
    assert sum("reading frames from here on" in text for text in said) == 1


def test_a_device_that_streams_without_a_word_is_asked_and_its_samples_wait() -> None:
    session = Session().play(BOOT_LOG + frames(hello=False), [])
    assert session.source.outgoing().startswith(encode_frame(Who().pack(), after_silence=True))
    assert not session.blocks
    session.play(encode_frame(HELLO.pack()), [])
    assert session.hellos == [HELLO]
    assert len(session.samples_g) == 10 * FRAMES


def test_text_stays_text_and_is_never_written_to() -> None:
    session = Session().play(b"x,y,z\n" + b"0,0,1\n" * 50, [40, 100])
    assert len(session.samples_g) == 50
    session.source.feed(frames(), 1.0)
    assert session.hellos == []
    assert session.source.outgoing() == b""


def test_its_own_question_is_no_answer() -> None:
    session = Session().play(GARBAGE + encode_frame(Who().pack()) * 20, [])
    assert not any("frames" in remark.text for remark in session.remarks)
    assert session.source.outgoing() == b""


def test_looking_ends_with_the_first_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []
    feed = edgehar.firmware_bridge.session.protocol_detection.ProtocolDetector.feed

    def count(
        self: edgehar.firmware_bridge.session.protocol_detection.ProtocolDetector, data: bytes, now_s: float
    ) -> None:
        looked.append(len(data))
        feed(self, data, now_s)

    monkeypatch.setattr(edgehar.firmware_bridge.session.protocol_detection.ProtocolDetector, "feed", count)
    session = Session()
    for _ in range(50):
        session.play(b"0,0,1\n", [])
    assert len(session.samples_g) >= 40
    assert len(looked) < 12


@settings(deadline=None, max_examples=50)
@given(st.binary(max_size=3000))
def test_no_bytes_make_it_fail_or_hold_much(data: bytes) -> None:
    session = Session().play(data * 3, [len(data)])
    session.source.line_was_cut(1.0)
    session.source.fell_silent(9.0)
    session.source.finish(10.0)
    assert len(session.source._possible_frame) <= 256
