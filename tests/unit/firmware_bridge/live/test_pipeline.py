"""The live pipeline against offline inference over the same samples: exactly the same, whatever the wire did."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edgehar.firmware_bridge.live.pipeline import LivePipeline, Prediction
from edgehar.firmware_bridge.simulate.text_writer import TextWriter
from edgehar.firmware_bridge.stream.samples import SampleBlock
from edgehar.firmware_bridge.text.source import TextSource
from edgehar.models.bundle.manifest import DecoderSpec, PushSpec
from edgehar.models.decoder import Decoder
from edgehar.models.errors import UsageError
from edgehar.models.units import parse_unit

LABELS = ("a", "b", "c")
LENGTH = 40
SAMPLES = np.random.default_rng(9).normal(0, 1, (600, 3)).astype(np.float32)


class FixedNetwork:
    """A small fixed function of a window that notices every sample and its place."""

    weights = np.random.default_rng(1).normal(0, 1, (LENGTH * 3, len(LABELS)))

    def predict(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the softmax of a linear map."""
        logits = windows.reshape(len(windows), -1).astype(np.float64) @ self.weights
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        return (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)


def pipeline(
    *,
    hop: int = 10,
    rate_hz: float = 100.0,
    now_s: float = 0.0,
    bridge_s: float = 0.0,
    decoder: Decoder | None = None,
) -> LivePipeline:
    """Return a pipeline at 100 Hz whose clock stands still."""
    return LivePipeline(
        FixedNetwork(),
        labels=LABELS,
        window_length=LENGTH,
        hop=hop,
        model_rate_hz=100.0,
        source_rate_hz=rate_hz,
        bridge_s=bridge_s,
        decoder=decoder,
        clock=lambda: now_s,
    )


def offline(samples: NDArray[np.float32], *, hop: int = 10) -> list[tuple[float, ...]]:
    """Return the probabilities of every window of an unbroken recording."""
    starts = range(0, len(samples) - LENGTH + 1, hop)
    return [
        tuple(map(float, FixedNetwork().predict(samples[start : start + LENGTH][np.newaxis])[0])) for start in starts
    ]


def over_the_wire(stream: bytes, cuts: list[int], *, unit: str, hop: int = 10) -> list[Prediction]:
    """Classify a text stream that is read in pieces."""
    source, live = TextSource(unit=parse_unit(unit), rate_hz=100.0), pipeline(hop=hop)
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    decoded = [source.feed(stream[a:b], 0.0) for a, b in itertools.pairwise(edges)]
    return [found for part in decoded for block in part.blocks for found in live.feed(block)]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(0, 20_000), max_size=30),
    st.sampled_from(["g", "m/s2"]),
    st.booleans(),
    st.sampled_from([1, 7, 10, 40, 55]),
)
def test_exactly_what_offline_inference_gives(cuts: list[int], unit: str, timestamps: bool, hop: int) -> None:
    writer = TextWriter(unit=parse_unit(unit), rate_hz=100.0, timestamps=timestamps)
    stream = writer.header + b"".join(writer.lines(SAMPLES, first=0))
    predictions = over_the_wire(stream, cuts, unit=unit, hop=hop)
    assert [prediction.probabilities for prediction in predictions] == offline(SAMPLES, hop=hop)
    ends = [(start + LENGTH - 1) / 100 for start in range(0, len(SAMPLES) - LENGTH + 1, hop)]
    assert [prediction.t_s for prediction in predictions] == pytest.approx(ends)


@settings(max_examples=40, deadline=None)
@given(st.sets(st.integers(21, 598), max_size=8), st.booleans())
def test_no_window_holds_a_known_loss(lost: set[int], damaged: bool) -> None:
    writer = TextWriter(unit=parse_unit("g"), rate_hz=100.0, timestamps=not damaged)
    lines = writer.lines(SAMPLES, first=0)
    kept = [
        b"0.1,oops\n" if index in lost else line for index, line in enumerate(lines) if damaged or index not in lost
    ]
    predictions = over_the_wire(writer.header + b"".join(kept), [], unit="g")
    edges = [-1, *sorted(lost), len(SAMPLES)]
    runs = [SAMPLES[a + 1 : b] for a, b in itertools.pairwise(edges)]
    assert [prediction.probabilities for prediction in predictions] == [row for run in runs for row in offline(run)]
    for prediction in predictions:
        assert prediction.lost_samples == sum(index / 100 < prediction.t_s for index in lost)


def test_a_sensor_at_another_rate_is_resampled() -> None:
    live = pipeline(rate_hz=50.0)
    at_s = np.arange(300) / 50
    slow = np.stack([np.sin(2 * np.pi * hz * at_s) for hz in (1.0, 2.5, 4.0)], axis=1).astype(np.float32)
    predictions = live.feed(SampleBlock(slow, at_s, arrived_s=0.0))
    grid = np.arange(599) / 100
    whole = np.stack([np.sin(2 * np.pi * hz * grid) for hz in (1.0, 2.5, 4.0)], axis=1).astype(np.float32)
    expected = offline(whole)
    # The filter waits for what follows: the last windows of the recording never come.
    assert len(expected) - 3 <= len(predictions) < len(expected)
    # The first window rests on a signal that is taken to have stood still before its beginning.
    for prediction, row in list(zip(predictions, expected, strict=False))[2:]:
        assert prediction.probabilities == pytest.approx(row, abs=0.02)


def test_a_short_gap_is_bridged_and_said() -> None:
    live = pipeline(hop=LENGTH, bridge_s=0.05)
    times_s = np.arange(600) / 100
    live.feed(SampleBlock(SAMPLES[:150], times_s[:150], arrived_s=0.0))
    after = SampleBlock(SAMPLES[153:], times_s[153:], arrived_s=0.0, lost=3, continues=False)
    predictions = live.feed(after)
    assert [prediction.bridged_samples for prediction in predictions[:3]] == [3, 0, 0]
    assert predictions[0].lost_samples == 3
    assert predictions[1].probabilities == offline(SAMPLES[160:200])[0]
    assert live.bridged == 3


def test_labels_are_decoded_and_the_undecoded_one_is_kept() -> None:
    decoder = Decoder(DecoderSpec(4, 0.0, 3), LABELS, hop=10, spec_hop=10, window_length=LENGTH)
    times_s = np.arange(600) / 100
    plain = pipeline().feed(SampleBlock(SAMPLES, times_s, arrived_s=0.0))
    decoded = pipeline(decoder=decoder).feed(SampleBlock(SAMPLES, times_s, arrived_s=0.0))
    assert [found.probabilities for found in decoded] == [found.probabilities for found in plain]
    assert [found.raw_label for found in decoded] == [found.label for found in plain]
    again = Decoder(DecoderSpec(4, 0.0, 3), LABELS, hop=10, spec_hop=10, window_length=LENGTH)
    assert [found.label for found in decoded] == [again.decode(np.array(row.probabilities)).label for row in plain]
    assert len({found.label for found in decoded}) > 1


def random_blocks(seed: int, *, lost_at: int | None = None) -> list[SampleBlock]:
    """Return the samples in random blocks, with a hole of unknown length before one of them."""
    generator = np.random.default_rng(seed)
    cuts = sorted({0, len(SAMPLES), *generator.integers(1, len(SAMPLES), 12).tolist(), *([lost_at] if lost_at else [])})
    times_s = np.arange(len(SAMPLES)) / 100
    return [
        SampleBlock(SAMPLES[a:b], times_s[a:b], arrived_s=0.0, lost=int(a == lost_at), continues=a != lost_at)
        for a, b in itertools.pairwise(cuts)
    ]


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 999), hop=st.sampled_from([7, 10, 40, 55]), lag=st.integers(0, 9))
def test_live_decodes_the_stream_that_tuning_sees(seed: int, hop: int, lag: int) -> None:
    """Every sample reaches the push once, with the direction at its window's end, however reads were cut."""
    spec = DecoderSpec(1, 0.2, 2, (), 0.8, 1.5, PushSpec("a", "b", strong_g=0.05, jump_g=3.0, moving_g=1.2))

    def decoder() -> Decoder:
        return Decoder(spec, LABELS, hop=hop, spec_hop=20, window_length=LENGTH, lag_windows=lag)

    lost_at = 300
    live, found = pipeline(hop=hop, decoder=decoder()), []
    for block in random_blocks(seed, lost_at=lost_at):
        found += live.feed(block)
    assert len(found) == len({prediction.t_s for prediction in found}) >= live.classified - lag
    found += live.finish()
    expected, ends = [], []
    for begin, stop in ((0, lost_at), (lost_at, len(SAMPLES))):
        tool = decoder()
        directions = tool.watch(SAMPLES[begin:stop])
        assert begin or set(directions.tolist()) > {0}, "the stream has a direction now and then"
        for number, row in enumerate(offline(SAMPLES[begin:stop], hop=hop)):
            end = number * hop + LENGTH - 1
            ends.append((begin + end) / 100)
            expected += tool.feed(np.array(row, np.float32), int(directions[end]))
        expected += tool.finish()
    assert [prediction.t_s for prediction in found] == pytest.approx(ends)
    assert [prediction.label for prediction in found] == [each.label for each in expected]
    assert [prediction.probability for prediction in found] == pytest.approx([each.probability for each in expected])


def test_a_prediction_says_what_it_knows() -> None:
    live = pipeline(now_s=3.25)
    (first, *_) = live.feed(SampleBlock(SAMPLES[:LENGTH], np.arange(LENGTH) / 100, arrived_s=3.0))
    assert first.label == LABELS[int(np.argmax(first.probabilities))]
    assert first.probability == max(first.probabilities)
    assert first.latency_s == 0.25
    assert live.latencies.count == live.classified == 1


def test_an_empty_block_brings_the_news_of_a_loss() -> None:
    live = pipeline(hop=1)
    live.feed(SampleBlock(SAMPLES[:LENGTH], np.arange(LENGTH) / 100, arrived_s=0.0))
    live.feed(SampleBlock(SAMPLES[:0], np.empty(0), arrived_s=0.0, lost=2, continues=False))
    assert live.windows.refilling
    assert live.feed(SampleBlock(SAMPLES[: LENGTH - 1], np.arange(LENGTH - 1) / 100, arrived_s=0.0)) == []
    (found,) = live.feed(SampleBlock(SAMPLES[:1], np.zeros(1), arrived_s=0.0))
    assert found.lost_samples == 2


@pytest.mark.parametrize(("hop", "rate_hz"), [(0, 100.0), (-5, 100.0), (10, 0.0), (10, -1.0), (10, float("nan"))])
def test_impossible_settings_are_wrong_usage(hop: int, rate_hz: float) -> None:
    with pytest.raises(UsageError):
        pipeline(hop=hop, rate_hz=rate_hz)


def test_nobody_needs_to_read_until_just_before_a_window_is_due() -> None:
    live = pipeline(hop=10)
    live.feed(SampleBlock(SAMPLES[:LENGTH], np.arange(LENGTH) / 100, arrived_s=0.0))
    assert live.idle_s == pytest.approx(0.075)
    live.feed(SampleBlock(SAMPLES[:8], 0.4 + np.arange(8) / 100, arrived_s=0.0))
    assert live.idle_s == 0.0


@pytest.mark.parametrize("rate_hz", [25.0, 50.0, 200.0, 400.0])
def test_a_rate_that_nobody_declared_spoils_no_window(rate_hz: float) -> None:
    """Every window shows the wave at its true frequency, from the first one on."""

    class Crossings:
        """Tells how often x crosses its mean in a window."""

        def predict(self, windows: np.ndarray) -> np.ndarray:
            """Return the crossings of two seconds as a share."""
            signs = np.diff(np.sign(windows[:, :, 0]), axis=1) != 0
            return np.stack([signs.sum(axis=1) / 100, 1 - signs.sum(axis=1) / 100], axis=1).astype(np.float32)

    source = TextSource(unit=None, rate_hz=100.0, adopts_rate=True)
    pipeline = LivePipeline(
        Crossings(), labels=("a", "b"), window_length=200, hop=100, model_rate_hz=100.0, source_rate_hz=100.0
    )
    found = []
    for index in range(int(12 * rate_hz)):
        wave = np.sin(2 * np.pi * 2.0 * index / rate_hz)
        line = f"{0.4 * wave:.3f},0.6,{0.8 + 0.01 * wave:.3f}\n".encode()
        for block in source.feed(line, index / rate_hz).blocks:
            found += pipeline.feed(block)
    assert len(found) >= 7
    assert [round(100 * prediction.probabilities[0]) for prediction in found] == pytest.approx([8] * len(found), abs=1)
