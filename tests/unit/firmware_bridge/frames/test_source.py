"""Blocks out of frames: exact loss, restarts, waiting for HELLO, device time, and what is said."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgehar.firmware_bridge.frames.fields import MOTION, Ability, Channel, Level, UnitCode
from edgehar.firmware_bridge.frames.framing import Frame, FrameParser, encode_frame
from edgehar.firmware_bridge.frames.message_reader import decode_message
from edgehar.firmware_bridge.frames.messages import FoundLabel, Hello, Log, Samples, Start, Stats, Stop, Who
from edgehar.firmware_bridge.frames.source import FrameSource
from edgehar.firmware_bridge.stream.samples import SampleBlock
from edgehar.models.errors import BridgeError

ABILITIES = Ability.SENSES | Ability.STREAMS


def hello(boot_id: int = 1, *, rate_mhz: int = 100_000, abilities: Ability = ABILITIES) -> Hello:
    """Return what the device of these tests says it is."""
    return Hello(boot_id, abilities, rate_mhz, 1000.0, UnitCode.G, 16.0)


def samples(sequence: int, count: int = 10, *, boot_id: int = 1, dropped: int = 0, micros: int | None = None) -> bytes:
    """Return a frame whose samples' x is their number."""
    values = np.zeros((count, 3), "<i2")
    values[:, 0] = (sequence + np.arange(count)) % 30000
    taken_us = 10_000 * sequence if micros is None else micros
    return encode_frame(Samples(boot_id, sequence, taken_us % 2**32, dropped % 2**16, values.tobytes()).pack())


def motion(boot_id: int = 1, **changes: object) -> Hello:
    """Return what a device with a gyroscope says it is."""
    described = {"major": 2, "channels": MOTION, "counts_per_deg_s": 16.0, "range_deg_s": 2000.0, **changes}
    return dataclasses.replace(hello(boot_id), **described)


def numbers(blocks: list[SampleBlock]) -> list[tuple[list[int], int, bool]]:
    """Return the samples' numbers of each block, the loss in front of it, and whether it continues."""
    return [
        (np.rint(block.samples_g[:, 0] * 1000).astype(int).tolist(), block.lost, block.continues) for block in blocks
    ]


def asked(source: FrameSource) -> list[type]:
    """Return the types of the messages a source wants to send."""
    events = FrameParser().feed(source.outgoing(), 0.0)
    return [type(decode_message(event.body)) for event in events if isinstance(event, Frame)]


def test_a_whole_stream_is_one_block_however_it_is_cut() -> None:
    wire = b"".join(samples(first) for first in range(500, 600, 10))
    whole = FrameSource(hello()).feed(wire, 0.0).blocks
    assert numbers(whole) == [(list(range(500, 600)), 0, True)]
    source = FrameSource(hello())
    pieces = [block for at in range(len(wire)) for block in source.feed(wire[at : at + 1], at * 1e-4).blocks]
    assert np.array_equal(np.concatenate([block.samples_g for block in pieces]), whole[0].samples_g)
    np.testing.assert_allclose(np.concatenate([block.times_s for block in pieces]), whole[0].times_s)
    assert all(block.continues and not block.lost for block in pieces)
    assert source.counts.samples == 100
    assert source.counts.bytes_read == len(wire)


def test_loss_is_exact_and_split_between_device_and_line() -> None:
    source = FrameSource(hello())
    wire = samples(0) + samples(30, dropped=15) + samples(40, dropped=15)
    assert numbers(source.feed(wire, 0.0).blocks) == [
        (list(range(10)), 0, True),
        (list(range(30, 50)), 20, False),
    ]
    assert (source.counts.lost, source.counts.dropped, source.counts.samples) == (20, 15, 30)


def test_a_damaged_frame_costs_its_samples_and_no_more() -> None:
    source = FrameSource(hello())
    damaged = bytearray(samples(10))
    damaged[20] ^= 0x10
    decoded = source.feed(samples(0) + bytes(damaged) + samples(20), 0.0)
    assert [block.lost for block in decoded.blocks] == [0, 10]
    assert (source.counts.damaged, source.counts.lost) == (1, 10)
    assert [remark.text for remark in decoded.remarks] == ["damaged frame (checksum)"]


def test_repeated_and_late_frames_are_not_used_and_told_apart() -> None:
    source = FrameSource(hello())
    wire = samples(0) + samples(0) + samples(20) + samples(10) + samples(10) + samples(30)
    assert numbers(source.feed(wire, 0.0).blocks) == [(list(range(10)), 0, True), (list(range(20, 40)), 10, False)]
    counts = source.counts
    assert (counts.repeated, counts.late, counts.lost, counts.samples) == (20, 10, 10, 30)


def test_counters_wrap_without_loss() -> None:
    source = FrameSource(hello())
    wire = samples(2**32 - 10, dropped=2**16 - 1, micros=2**32 - 100_000) + samples(0, dropped=2**16 - 1, micros=0)
    wire += samples(20, dropped=2, micros=200_000)
    blocks = source.feed(wire, 0.0).blocks
    assert [block.lost for block in blocks] == [0, 10]
    assert source.counts.dropped == 3
    np.testing.assert_allclose(np.concatenate([block.times_s for block in blocks])[[0, 10, 20]], [0.0, 0.1, 0.3])


def test_time_goes_on_across_a_loss_of_hours() -> None:
    source = FrameSource(hello())
    hours = 3 * 3600 * 100
    blocks = source.feed(samples(0) + samples(hours), 0.0).blocks
    assert blocks[1].lost == hours - 10
    assert blocks[1].times_s[0] == pytest.approx(3 * 3600)


def test_a_restart_waits_for_hello_and_counts_what_is_known() -> None:
    source = FrameSource(hello())
    source.feed(samples(0), 0.0)
    assert source.feed(samples(20, boot_id=2), 0.1).blocks == []
    assert asked(source) == [Who]
    assert source.feed(samples(30, boot_id=2), 0.2).blocks == []
    assert asked(source) == []
    decoded = source.feed(encode_frame(hello(2).pack()), 0.3)
    assert numbers(decoded.blocks) == [(list(range(20, 40)), 20, False)]
    assert (source.counts.restarts, source.counts.lost) == (1, 20)
    assert "restarted" in decoded.remarks[0].text
    assert decoded.blocks[0].times_s[0] == pytest.approx(0.3)


def test_the_first_frame_of_a_boot_that_comes_second_is_late() -> None:
    source = FrameSource(hello())
    source.feed(samples(0) + encode_frame(hello(2).pack()) + samples(10, boot_id=2) + samples(0, boot_id=2), 0.0)
    assert (source.counts.lost, source.counts.late, source.counts.repeated) == (10, 10, 0)


def test_a_restart_under_the_same_boot_id_is_noticed() -> None:
    source = FrameSource(hello())
    source.feed(b"".join(samples(first) for first in range(0, 1000, 10)), 0.0)
    for first in range(0, 300, 10):
        source.feed(samples(first), 1.0)
    assert source.counts.restarts == 1
    assert source.counts.samples == 1000 + 150
    assert source.counts.repeated == 150


def test_samples_of_a_boot_that_never_introduced_itself_are_lost() -> None:
    source = FrameSource()
    assert source.feed(samples(0, boot_id=9), 0.0).blocks == []
    decoded = source.feed(encode_frame(hello(1).pack()), 0.1)
    assert [block.lost for block in decoded.blocks] == [10]
    assert source.counts.lost == 10


def test_stats_tell_of_a_loss_in_front_of_a_silence() -> None:
    source = FrameSource(hello())
    source.feed(samples(0), 0.0)
    decoded = source.feed(encode_frame(Stats(1, 50, 500_000, 5, 0, 0).pack()), 0.1)
    assert [(len(block.samples_g), block.lost) for block in decoded.blocks] == [(0, 40)]
    assert numbers(source.feed(samples(50), 0.2).blocks) == [(list(range(50, 60)), 0, True)]
    assert (source.counts.lost, source.counts.dropped) == (40, 5)


def test_stats_of_another_boot_tell_nothing_of_this_one() -> None:
    """STATS that a device had sent before it began anew come late; they must not be taken for a restart."""
    source = FrameSource(hello())
    source.feed(samples(0), 0.0)
    assert source.feed(encode_frame(Stats(2, 5000, 500_000, 5, 0, 0).pack()), 0.1).blocks == []
    assert (source.counts.lost, source.counts.restarts, source.counts.dropped) == (0, 0, 0)
    assert numbers(source.feed(samples(10), 0.2).blocks) == [(list(range(10, 20)), 0, True)]
    unknown = FrameSource()
    assert unknown.feed(encode_frame(Stats(2, 5000, 500_000, 5, 0, 0).pack()), 0.1).blocks == []
    assert unknown.counts.lost == 0


def test_a_clock_that_runs_on_while_no_sample_is_taken_breaks_the_stream() -> None:
    source = FrameSource(hello())
    source.feed(samples(0), 0.0)
    decoded = source.feed(samples(10, micros=60_000_000), 60.0)
    assert numbers(decoded.blocks) == [(list(range(10, 20)), 0, False)]
    assert decoded.blocks[0].times_s[0] == pytest.approx(60.0)
    assert source.counts.restarts == 1
    assert ["clock jumped" in remark.text for remark in decoded.remarks] == [True]
    assert numbers(source.feed(samples(20, micros=60_100_000), 60.1).blocks) == [(list(range(20, 30)), 0, True)]


def test_a_clock_that_contradicts_the_numbers_is_put_aside() -> None:
    """A clock in milliseconds: the declared rate gives the time, and the rate is measured by the host."""
    source = FrameSource(hello())
    decoded = [source.feed(samples(first, micros=10 * first), first * 0.011) for first in range(0, 3000, 10)]
    said = [remark.text for part in decoded for remark in part.remarks]
    assert sum("put aside" in text for text in said) == 1
    times_s = np.concatenate([block.times_s for part in decoded for block in part.blocks])
    np.testing.assert_allclose(np.diff(times_s), 0.01, rtol=1e-3)
    rate = source.rate
    assert rate is not None
    assert not rate.by_device
    assert rate.rate_hz == pytest.approx(1 / 0.011, rel=1e-3)
    assert source.counts.restarts == 1


def test_a_device_that_waits_is_started_and_a_cut_line_asked() -> None:
    source = FrameSource()
    source.feed(encode_frame(hello(abilities=Ability.SENSES).pack()), 0.0)
    assert asked(source) == [Start]
    source.feed(samples(0)[:30], 0.0)
    source.line_was_cut(1.0)
    assert asked(source) == [Who]
    assert numbers(source.feed(samples(10), 1.1).blocks) == [(list(range(10, 20)), 0, True)]
    assert source.counts.damaged == 1


def test_a_device_is_stopped_by_who_started_it_and_by_nobody_else() -> None:
    started, streaming = FrameSource(), FrameSource()
    started.feed(encode_frame(hello(abilities=Ability.SENSES).pack()), 0.0)
    streaming.feed(encode_frame(hello().pack()), 0.0)
    assert asked(started) == [Start]
    for source, wanted in ((started, [Stop]), (streaming, [])):
        source.finish(1.0)
        assert asked(source) == wanted
        source.finish(2.0)
        assert asked(source) == []


def test_axes_and_units_are_applied() -> None:
    turned = Hello(1, ABILITIES, 100_000, 100.0, UnitCode.M_S2, 156.9, axes=(-2, 1, 3))
    payload = np.array([[100, 200, -32768]], "<i2").tobytes()
    block = FrameSource(turned).feed(encode_frame(Samples(1, 0, 0, 0, payload).pack()), 0.0).blocks[0]
    np.testing.assert_allclose(block.samples_g, [[-2 / 9.80665, 1 / 9.80665, -327.68 / 9.80665]], rtol=1e-6)


def test_the_measured_rate_is_the_devices() -> None:
    source = FrameSource(hello())
    for first in range(0, 3000, 10):
        source.feed(samples(first, micros=9_600 * first), first * 0.011)
    rate = source.rate
    assert rate is not None
    assert rate.by_device
    assert rate.rate_hz == pytest.approx(1e6 / 9600, rel=1e-5)


def test_times_increase_even_where_the_clock_jitters() -> None:
    source, rng = FrameSource(hello()), np.random.default_rng(3)
    wire = b"".join(
        samples(n, 2, micros=max(0, 10_000 * n + int(rng.integers(-30_000, 30_000)))) for n in range(0, 600, 2)
    )
    times_s = np.concatenate([block.times_s for block in source.feed(wire, 0.0).blocks])
    assert (np.diff(times_s) > 0).all()
    assert times_s[-1] == pytest.approx(5.99, abs=0.1)


def test_what_a_device_says_is_passed_on_a_few_times() -> None:
    source = FrameSource(hello())
    said = [
        remark for _ in range(9) for remark in source.feed(encode_frame(Log(Level.WARNING, "hot").pack()), 0).remarks
    ]
    assert len(said) == 5
    assert (said[0].text, said[0].warning) == ("the device says: hot", True)
    echo = source.feed(encode_frame(Who().pack()) + encode_frame(b"\x55"), 0).remarks
    assert "sends back" in echo[0].text
    assert "55" in echo[1].text


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (Hello(1, ABILITIES, 1, 1, 1, 1, major=3), "expected a device that speaks protocol 1.x or 2.x, got 3.0"),
        (Hello(1, ABILITIES, 1, 1, 1, 1, major=0), "got 0.0. Update the firmware of the device"),
        (motion(channels=(Channel.Z, Channel.GX)), "the channels z, gx, which are neither x, y, z nor these and gx"),
        (motion(channels=MOTION[:5]), "the channels x, y, z, gx, gy, which are neither"),
        (motion(counts_per_deg_s=0.0), "0 counts per degree/s"),
        (motion(counts_per_deg_s=float("nan")), "nan counts per degree/s"),
        (motion(counts_per_deg_s=1e9), "1e\\+09 counts per degree/s"),
        (Hello(1, Ability.INFERS, 1, 1, 1, 1), "one that only classifies"),
        (Hello(1, ABILITIES, 0, 1, 1, 1), "a rate of 0 Hz"),
        (Hello(1, ABILITIES, 100_000, 0.0, 1, 1), "0 counts per unit"),
        (Hello(1, ABILITIES, 100_000, 1.0, 3, 1), "unit 3"),
        (Hello(1, ABILITIES, 100_000, 1.0, 1, 1, axes=(1, 1, 3)), "axes"),
    ],
)
def test_a_hello_that_cannot_be_used_is_refused(wrong: Hello, reason: str) -> None:
    with pytest.raises(BridgeError, match=reason):
        FrameSource().feed(encode_frame(wrong.pack()), 0.0)


@given(
    st.permutations(MOTION),
    st.permutations([1, 2, 3]),
    st.lists(st.sampled_from([1, -1]), min_size=3, max_size=3),
    st.integers(1, 60),
    st.integers(1, 19),
)
def test_six_channels_arrive_in_the_models_axes_however_the_device_orders_them(
    order: list[Channel], axes: list[int], signs: list[int], count: int, per_frame: int
) -> None:
    """The turning rate follows the axes as a pseudovector: three axes turned round leave it as it was."""
    values = np.random.default_rng(count).integers(-32767, 32767, (count, 6))
    described = motion(channels=tuple(order), axes=tuple(a * s for a, s in zip(axes, signs, strict=True)))
    wire = encode_frame(described.pack())
    for first in range(0, count, per_frame):
        rows = values[first : first + per_frame][:, [channel - 1 for channel in order]].astype("<i2")
        wire += encode_frame(Samples(1, first, 10_000 * first, 0, rows.tobytes(), 6).pack())
    turn = np.eye(3)[[axis - 1 for axis in axes]] * np.array(signs)[:, np.newaxis]
    expected = np.hstack([values[:, :3] @ turn.T / 1000, values[:, 3:] @ turn.T * np.linalg.det(turn) / 16])
    (block,) = FrameSource().feed(wire, 0.0).blocks
    np.testing.assert_allclose(block.samples_g, expected, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(block.times_s, np.arange(count) / 100, atol=1e-9)
    (plain,) = FrameSource(gyroscope=False).feed(wire, 0.0).blocks
    np.testing.assert_array_equal(plain.samples_g, block.samples_g[:, :3])


def test_samples_of_another_length_than_the_hello_says_are_damage_and_lost() -> None:
    rows = np.zeros((4, 6), "<i2")
    rows[:, 2] = 1000
    wire = encode_frame(Samples(1, 0, 0, 0, rows.tobytes(), 6).pack())
    wire += encode_frame(Samples(1, 4, 40_000, 0, bytes(6)).pack())
    wire += encode_frame(Samples(1, 5, 50_000, 0, rows.tobytes(), 6).pack())
    source = FrameSource(motion())
    decoded = source.feed(wire, 0.0)
    assert [(len(block.samples_g), block.lost) for block in decoded.blocks] == [(4, 0), (4, 1)]
    assert (source.counts.damaged, source.counts.lost) == (1, 1)
    assert "expected 13 bytes and 12 for each of 1 to 19 samples, got 19" in decoded.remarks[0].text
    # The same before the HELLO has come.
    late = FrameSource()
    late.feed(wire, 0.0)
    assert late.counts.damaged == 0
    blocks = late.feed(encode_frame(motion().pack()), 0.1).blocks
    assert [(len(block.samples_g), block.lost) for block in blocks] == [(4, 0), (4, 1)]
    assert late.counts.damaged == 1


def test_other_channels_than_before_are_refused() -> None:
    with pytest.raises(BridgeError, match=r"samples of x, y, z, the device now says x, y, z, gx, gy, gz. Start again"):
        FrameSource(hello()).feed(encode_frame(motion(2).pack()), 0.0)


def test_another_rate_than_before_is_refused() -> None:
    with pytest.raises(BridgeError, match="expected samples at 100 Hz, the device now says 50 Hz"):
        FrameSource(hello()).feed(encode_frame(hello(2, rate_mhz=50_000).pack()), 0.0)


def test_a_label_of_the_device_is_told_when_it_changes() -> None:
    source = FrameSource(hello(), name_label=lambda device, label: ("still", "walk")[label] if label < 2 else "")
    found = [FoundLabel(200, 1, 32768), FoundLabel(400, 1, 30000), FoundLabel(600, 0, 16384), FoundLabel(800, None, 0)]
    found.append(FoundLabel(1000, 7, 32768))
    wire = b"".join(encode_frame(each.pack()) for each in found)
    assert [remark.text for remark in source.feed(wire, 0.0).remarks] == [
        "the device itself finds: walk 100%",
        "the device itself finds: still 50%",
        "the device itself finds: unknown",
        "the device itself finds: class 8 100%",
    ]
    assert source.counts.damaged == 0


def test_a_label_that_cannot_be_is_malformed() -> None:
    body = FoundLabel(200, 1, 32768).pack()
    assert decode_message(body) == FoundLabel(200, 1, 32768)
    for bad in (body[:-1], body + b"\0", body[:-1] + b"\xff"):
        assert type(decode_message(bad)).__name__ == "Malformed"
