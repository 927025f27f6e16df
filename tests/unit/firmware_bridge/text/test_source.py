"""Text lines to sample blocks: units, time, and an exact account of what is missing."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgehar.firmware_bridge.simulate.text_writer import TextWriter
from edgehar.firmware_bridge.stream.samples import SampleBlock
from edgehar.firmware_bridge.text.source import TextSource
from edgehar.models.errors import BridgeError
from edgehar.models.units import parse_unit

RNG = np.random.default_rng(5)
SAMPLES = RNG.normal(0, 1, (400, 3)).astype(np.float32)


def source(unit: str = "g", rate_hz: float = 100.0) -> TextSource:
    """Return a source."""
    return TextSource(unit=parse_unit(unit), rate_hz=rate_hz)


def lines(*, timestamps: bool = False, unit: str = "g", rate_hz: float = 100.0) -> list[bytes]:
    """Return the lines of SAMPLES, after a header."""
    writer = TextWriter(unit=parse_unit(unit), rate_hz=rate_hz, timestamps=timestamps)
    return [writer.header, *writer.lines(SAMPLES, first=0)]


def joined(blocks: list[SampleBlock]) -> np.ndarray:
    """Return the samples of all blocks."""
    return np.concatenate([block.samples_g for block in blocks])


@pytest.mark.parametrize("unit", ["g", "m/s2"])
@pytest.mark.parametrize("timestamps", [False, True])
def test_samples_arrive_bit_by_bit(unit: str, timestamps: bool) -> None:
    decoded = source(unit).feed(b"".join(lines(timestamps=timestamps, unit=unit)), 0.0)
    assert np.array_equal(joined(decoded.blocks), SAMPLES)
    assert all(block.continues and not block.lost for block in decoded.blocks)
    times = np.concatenate([block.times_s for block in decoded.blocks])
    assert times == pytest.approx(np.arange(400) / 100)


def test_counts_arrive_as_the_sensor_rounded_them() -> None:
    blocks = source("raw:16384").feed(b"".join(lines(unit="raw:16384")), 0.0).blocks
    expected = parse_unit("raw:16384").from_g(SAMPLES) / 16384
    assert np.array_equal(joined(blocks), expected.astype(np.float32))


@settings(max_examples=60, deadline=None)
@given(st.sets(st.integers(25, 398), max_size=60))
def test_with_timestamps_loss_is_counted_exactly(removed: set[int]) -> None:
    every = lines(timestamps=True)
    kept = [line for index, line in enumerate(every) if index - 1 not in removed]
    text = source()
    blocks = text.feed(b"".join(kept), 0.0).blocks
    assert text.counts.lost == sum(block.lost for block in blocks) == len(removed)
    assert text.counts.samples == 400 - len(removed)
    assert all(not block.continues for block in blocks if block.lost)


@settings(max_examples=60, deadline=None)
@given(st.sets(st.integers(25, 398), max_size=60), st.booleans())
def test_a_damaged_line_is_one_lost_sample(damaged: set[int], timestamps: bool) -> None:
    every = lines(timestamps=timestamps)
    broken = [b"0.1,oops\n" if index - 1 in damaged else line for index, line in enumerate(every)]
    text = source()
    text.feed(b"".join(broken), 0.0)
    assert text.counts.lost == text.counts.damaged == len(damaged)


def test_without_timestamps_the_blindness_is_said_once() -> None:
    text = source()
    remarks = text.feed(b"x,y,z\n0,0,1\n0,0,1\n", 0.0).remarks + text.feed(b"0,0,1\n", 0.1).remarks
    assert sum("cannot be noticed" in remark.text and remark.warning for remark in remarks) == 1


def test_with_timestamps_there_is_nothing_to_admit() -> None:
    remarks = source().feed(b"".join(lines(timestamps=True)), 0.0).remarks
    assert [remark for remark in remarks if remark.warning] == []
    assert any("time in us" in remark.text for remark in remarks)


def test_a_note_between_timed_samples_costs_nothing() -> None:
    every = lines(timestamps=True)
    every.insert(200, b"temp=25C\n")
    text = source()
    blocks = text.feed(b"".join(every), 0.0).blocks
    assert (text.counts.lost, text.counts.damaged) == (0, 0)
    assert np.array_equal(joined(blocks), SAMPLES)
    assert all(block.continues for block in blocks)


def test_an_impossible_value_is_damage_and_hints_at_the_unit() -> None:
    text = source()
    remarks = text.feed(b"\n0,0,1\n0,0,16384\n0,0,1\n", 0.0).remarks
    assert (text.counts.samples, text.counts.damaged, text.counts.lost) == (2, 1, 1)
    assert text.counts.implausible == 1
    assert any("does not send g" in remark.text for remark in remarks)


def test_damage_before_the_first_sample_is_no_loss() -> None:
    text = source()
    text.feed(b"\n\xff\xfe\x01\n0,0,1\n", 0.0)
    assert (text.counts.damaged, text.counts.lost) == (1, 0)


def test_a_header_after_a_pause_means_a_restart() -> None:
    text = source()
    blocks = text.feed(b"x,y,z\n0,0,1\n0,0,2\n", 0.0).blocks + text.feed(b"x,y,z\n0,0,3\n", 1.0).blocks
    assert [(block.samples_g[:, 2].tolist(), block.continues) for block in blocks] == [([1, 2], True), ([3], False)]
    assert text.counts.restarts == 1


def test_a_header_now_and_then_is_none() -> None:
    text = source()
    text.feed(b"x,y,z\n0,0,1\n", 0.0)
    blocks = [block for index in range(9) for block in text.feed(b"x,y,z\n0,0,2\n", 0.1 * index).blocks]
    assert all(block.continues for block in blocks)
    assert text.counts.restarts == 0


def test_a_restart_of_the_device_clock_goes_on_in_time() -> None:
    every = lines(timestamps=True)
    text = source()
    blocks = text.feed(b"".join(every + every), 0.0).blocks
    times = np.concatenate([block.times_s for block in blocks])
    assert (np.diff(times) > 0).all()
    assert len(times) == 800
    assert text.counts.restarts == 1


def test_silence_breaks_a_stream_without_times() -> None:
    text = source()
    text.feed(b"\n0,0,1\n", 0.0)
    silence = text.fell_silent(3.0)
    assert [(len(block.samples_g), block.continues) for block in silence.blocks] == [(0, False)]
    assert "cannot be known" in silence.remarks[0].text
    assert text.counts.restarts == 1
    assert [block.continues for block in text.feed(b"0,0,1\n", 9.0).blocks] == [True]


def test_silence_hides_nothing_from_a_time_column() -> None:
    every = lines(timestamps=True)
    text = source()
    text.feed(b"".join(every[:100]), 0.0)
    assert text.fell_silent(3.0).blocks == []
    assert all(block.continues for block in text.feed(b"".join(every[100:]), 9.0).blocks)
    assert (text.counts.lost, text.counts.restarts) == (0, 0)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 9000), max_size=20), st.booleans())
def test_cuts_change_nothing(cuts: list[int], timestamps: bool) -> None:
    every = lines(timestamps=timestamps)
    del every[100:103]
    every[200] = b"broken\x00line\n"
    stream = b"".join(every)
    whole, cut = source(), source()
    expected = whole.feed(stream, 0.0).blocks
    edges = [0, *sorted(min(edge, len(stream)) for edge in cuts), len(stream)]
    got = [block for a, b in itertools.pairwise(edges) for block in cut.feed(stream[a:b], 0.0).blocks]
    assert np.array_equal(joined(got), joined(expected))
    assert cut.counts == whole.counts
    assert sum(not block.continues for block in got) == sum(not block.continues for block in expected)


_NUMBERS = st.one_of(
    st.sampled_from([0.0, 1.0, -1.0, 1e-320, 1e18, -1e19, 1e20, 1e308]),
    st.integers(0, 2**33).map(float),
    st.floats(allow_nan=False, allow_infinity=False),
)
_ROWS = st.lists(st.tuples(_NUMBERS, st.just(0.0), st.just(1.0), _NUMBERS), min_size=20, max_size=60)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([b"\n", b"t_us,x,y,z\n", b"seq,x,y,z\n", b"x,y,z,t_s\n"]), _ROWS, st.binary(max_size=100))
def test_no_number_upsets_it(header: bytes, rows: list[tuple[float, ...]], noise: bytes) -> None:
    text = source()
    lines = [",".join(repr(value) for value in row).encode() + b"\n" for row in rows]
    try:
        blocks = text.feed(header + b"".join(lines) + noise, 0.0).blocks + text.finish(1.0).blocks
    except BridgeError as question:
        assert "--columns" in str(question)  # noqa: PT017
        return
    for block in blocks:
        assert np.isfinite(block.samples_g).all()
        assert np.isfinite(block.times_s).all()
    times = np.concatenate([block.times_s for block in blocks] or [np.empty(0)])
    assert (np.diff(times) >= 0).all()


def test_remarks_do_not_flood() -> None:
    text = source()
    remarks = text.feed(b"\n0,0,1\n" + b"0,oops\n0,0,1\n" * 1000, 0.0).remarks
    assert text.counts.damaged == 1000
    assert sum(remark.text.startswith("damaged line") for remark in remarks) == 5


@pytest.mark.parametrize("timestamps", [False, True])
def test_the_rate_is_measured(timestamps: bool) -> None:
    text = source()
    for index, line in enumerate(lines(timestamps=timestamps, rate_hz=104.0)):
        text.feed(line, index / 104.0)
    rate = text.rate
    assert rate is not None
    assert rate.rate_hz == pytest.approx(104.0, rel=1e-3)
    assert abs(rate.rate_hz - 104.0) < 5 * rate.uncertainty_hz
