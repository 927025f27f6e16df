"""What a model was trained on is what it meets: recordings and streams at other rates become the same windows."""

import dataclasses
import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edgehar.firmware_bridge.live.pipeline import LivePipeline
from edgehar.firmware_bridge.stream.resampler import StreamResampler
from edgehar.firmware_bridge.stream.samples import SampleBlock
from edgehar.pipeline.data.rate_conversion import resample_timed
from edgehar.pipeline.data.readers import load_dataset
from edgehar.pipeline.data.recordings import Dataset, LabelInterval, Recording
from edgehar.pipeline.data.windows import make_windows

EQUAL = 1e-6
RATES_HZ = [20.0, 50.0, 62.5, 104.0, 119.88, 400.0]


class Memory:
    """An engine that keeps the windows it is asked about."""

    def __init__(self) -> None:
        self.windows: list[NDArray[np.float32]] = []

    def predict(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Keep the windows."""
        self.windows += list(windows.copy())
        return np.ones((len(windows), 1), np.float32)


def movement(count: int, *, seed: int = 0) -> NDArray[np.float32]:
    """Return gravity and whatever moves besides, up to half the rate."""
    return np.random.default_rng(seed).normal([0, 0, 1], 1, (count, 3)).astype(np.float32)


def in_random_blocks(count: int, *, seed: int) -> list[slice]:
    """Cut a stream as a serial port might."""
    cuts = np.random.default_rng(seed).integers(0, count + 1, size=count // 9)
    return [slice(a, b) for a, b in itertools.pairwise([0, *sorted(cuts.tolist()), count])]


def streamed(
    samples: NDArray[np.float32], times_s: NDArray[np.float64], *, rate_hz: float, seed: int
) -> tuple[NDArray[np.float32], NDArray[np.float64], float]:
    """Return what a stream of these samples becomes at 100 Hz, when, and what the filter still waits for, in s."""
    resampler = StreamResampler(from_hz=rate_hz, to_hz=100.0)
    blocks = in_random_blocks(len(samples), seed=seed)
    parts = [part for block in blocks for part in resampler.feed(samples[block], times_s[block])]
    assert not any(part.began for part in parts)
    made = np.concatenate([part.samples_g for part in parts])
    return made, np.concatenate([part.times_s for part in parts]), resampler.delay_s


@settings(deadline=None, max_examples=40)
@given(st.sampled_from([*RATES_HZ, 100.0]), st.integers(400, 20_000), st.integers(0, 99), st.sampled_from([0.0, 0.02]))
def test_a_stream_in_random_blocks_is_the_recording(rate_hz: float, count: int, seed: int, jitter: float) -> None:
    samples = movement(count, seed=seed)
    shaken = np.random.default_rng(seed).uniform(-jitter, jitter, count)
    times_s = (np.arange(count) + shaken) / rate_hz
    offline, offline_s = resample_timed(samples, from_hz=rate_hz, to_hz=100.0, timestamps_s=times_s if jitter else None)
    live, live_s, delay_s = streamed(samples, times_s, rate_hz=rate_hz, seed=seed)
    assert 0 <= len(offline) - len(live) <= delay_s * 100 + 2
    assert np.abs(offline[: len(live)] - live).max() <= EQUAL
    assert np.abs(offline_s[: len(live)] - live_s).max() <= EQUAL


@pytest.mark.parametrize("rate_hz", [50.0, 104.0])
def test_windows_are_those_that_live_sees(rate_hz: float) -> None:
    samples = movement(round(30 * rate_hz))
    label = LabelInterval(0, len(samples), "Walking")
    recording = Recording("r", "1", samples, rate_hz, (label,))
    wanted = make_windows(Dataset("d", ("Walking",), (recording,)), hop=20).batch()
    seen = live_windows(samples, rate_hz=rate_hz, hop=20)
    # A live stream still waits for what follows its last window.
    assert 0 <= len(wanted) - len(seen) <= 1
    assert len(seen) > 130
    assert np.abs(wanted[: len(seen)] - seen).max() <= EQUAL


@pytest.mark.parametrize("rate_hz", [50.0, 104.0])
def test_a_label_begins_amid_what_was_before(rate_hz: float) -> None:
    samples = movement(round(20 * rate_hz))
    start, stop = 333, 1000
    recording = Recording("r", "1", samples, rate_hz, (LabelInterval(start, stop, "Walking"),))
    windows = make_windows(Dataset("d", ("Walking",), (recording,)), hop=50)
    seen = live_windows(samples, rate_hz=rate_hz, hop=1)
    first = int(np.ceil(start * 100 / rate_hz - 1e-6))
    last = int(np.floor((stop - 1) * 100 / rate_hz + 1e-6))
    assert len(windows.samples) == last - first + 1
    for number, window in enumerate(windows.batch()):
        assert np.abs(seen[first + 50 * number] - window).max() <= EQUAL


def test_gaps_and_times_of_a_recording_are_those_of_a_stream() -> None:
    rate_hz, generator = 104.0, np.random.default_rng(4)
    samples = movement(3000)
    times_s = (np.arange(3000) + generator.uniform(-0.02, 0.02, 3000)) / rate_hz
    times_s[1500:] += 0.5
    label = LabelInterval(0, 3000, "Walking")
    recording = Recording("r", "1", samples, rate_hz, (label,), timestamps_s=times_s, gaps=(1500,))
    wanted = make_windows(Dataset("d", ("Walking",), (recording,)), hop=40)
    edges = np.unique(wanted.segment_starts)
    for edge, run in zip(edges, (slice(0, 1500), slice(1500, 3000)), strict=True):
        batch = wanted.batch(wanted.segment_starts == edge)
        seen = live_windows(samples[run], rate_hz=rate_hz, hop=40, times_s=times_s[run])
        assert 0 <= len(batch) - len(seen) <= 1
        assert np.abs(batch[: len(seen)] - seen).max() <= EQUAL


def test_hapt_becomes_the_windows_of_a_stream(hapt_path: Path) -> None:
    recording = load_dataset(str(hapt_path)).recordings[0]
    label = LabelInterval(0, len(recording), "Walking")
    whole = dataclasses.replace(recording, labels=(label,))
    wanted = make_windows(Dataset("hapt", ("Walking",), (whole,)), hop=100).batch()
    seen = live_windows(np.asarray(recording.samples), rate_hz=50.0, hop=100)
    assert 0 <= len(wanted) - len(seen) <= 1
    assert len(seen) > 300
    assert np.abs(wanted[: len(seen)] - seen).max() <= EQUAL


def live_windows(
    samples: NDArray[np.float32], *, rate_hz: float, hop: int, times_s: NDArray[np.float64] | None = None
) -> NDArray[np.float32]:
    """Return the windows that the engine of `har live` sees."""
    engine = Memory()
    live = LivePipeline(
        engine, labels=("Walking",), window_length=200, hop=hop, model_rate_hz=100.0, source_rate_hz=rate_hz
    )
    at_s = np.arange(len(samples)) / rate_hz if times_s is None else times_s
    for block in in_random_blocks(len(samples), seed=7):
        live.feed(SampleBlock(samples[block], at_s[block], arrived_s=0.0))
    return np.stack(engine.windows)
