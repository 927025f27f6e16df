"""Another model while a session runs: the labels before and after are each model's own, and no count begins anew."""

import io
import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from edgehar.firmware_bridge.line.transport import MemoryTransport
from edgehar.firmware_bridge.live.loop import LiveLoop
from edgehar.firmware_bridge.live.sinks.json_lines import JsonLinesSink
from edgehar.firmware_bridge.stream.samples import SampleBlock
from edgehar.models.architecture import named_architecture
from edgehar.models.bundle import Bundle
from edgehar.models.engines import load_engine
from edgehar.models.errors import HarError, UsageError
from edgehar.models.units import parse_unit

SAMPLES = 1200
CHANGED_AT = 550


def lines(samples: np.ndarray) -> list[bytes]:
    """Return samples as a sensor prints them, one read for each."""
    return [b"x,y,z\n", *(b"%.4f,%.4f,%.4f\n" % tuple(each) for each in samples)]


def own_labels(bundle: Bundle, samples: np.ndarray) -> list[str]:
    """Return what a model says of windows that begin with the first of these samples."""
    window, hop = bundle.manifest.window.length, bundle.manifest.window.hop
    stacked = np.stack([samples[at : at + window] for at in range(0, len(samples) - window + 1, hop)])
    said = load_engine(bundle, "numpy").predict(np.round(stacked, 4).astype(np.float32))
    return [bundle.manifest.labels[index] for index in said.argmax(axis=1)]


@pytest.fixture
def two_models(random_bundle: Callable[..., Bundle]) -> tuple[Bundle, Bundle]:
    """Two models whose labels have nothing in common, and of which the second has fewer."""
    first, second = random_bundle("simple_rnn", 3), random_bundle("lstm", 4)
    other = tuple(f"Second {index}" for index in range(len(second.manifest.labels)))
    return first, replace(second, manifest=replace(second.manifest, labels=other))


def test_labels_are_those_of_the_model_that_was_asked(two_models: tuple[Bundle, Bundle]) -> None:
    first, second = two_models
    samples = np.random.default_rng(5).normal([0.8, 0.2, 0.0], 0.3, (SAMPLES, 3))
    told = io.StringIO()
    loop = LiveLoop.for_model(
        MemoryTransport(lines(samples)),
        load_engine(first, "numpy"),
        first.manifest,
        unit=parse_unit("g"),
        rate_hz=100.0,
        raw=True,
    )
    seen = 0

    def watch(block: SampleBlock) -> None:
        nonlocal seen
        seen += len(block.samples_g)
        if seen == CHANGED_AT:
            loop.use_model(load_engine(second, "numpy"), second.manifest)

    end = loop.run([JsonLinesSink(told, name="labels", labels=first.manifest.labels)], on_block=watch)
    labels = [json.loads(line) for line in told.getvalue().splitlines()]
    expected = own_labels(first, samples[:CHANGED_AT]) + own_labels(second, samples[CHANGED_AT:])
    assert [each["label"] for each in labels] == expected
    assert list(labels[-1]["probabilities"]) == list(second.manifest.labels)
    assert seen == SAMPLES
    assert end.status.windows == len(expected)


def test_a_model_of_acceleration_goes_on_where_one_with_the_gyroscope_was(
    two_models: tuple[Bundle, Bundle], random_bundle: Callable[..., Bundle]
) -> None:
    six, second = random_bundle(named_architecture("simple_rnn", channels=6), 3), two_models[1]
    samples = np.random.default_rng(5).normal([0.8, 0.2, 0.0, 9, 0, 0], [0.3, 0.3, 0.3, 90, 90, 90], (SAMPLES, 6))
    told = io.StringIO()
    loop = LiveLoop.for_model(
        MemoryTransport([b"x,y,z,gx,gy,gz\n", *(b"%.4f,%.4f,%.4f,%.4f,%.4f,%.4f\n" % tuple(each) for each in samples)]),
        load_engine(six, "numpy"),
        six.manifest,
        unit=parse_unit("g"),
        columns=six.manifest.window.channels,
        gyroscope_unit="deg/s",
        rate_hz=100.0,
        raw=True,
    )
    seen: list[int] = []

    def watch(block: SampleBlock) -> None:
        seen.extend([block.samples_g.shape[1]] * len(block.samples_g))
        if len(seen) == CHANGED_AT:
            loop.use_model(load_engine(second, "numpy"), second.manifest)

    loop.run([JsonLinesSink(told, name="labels", labels=six.manifest.labels)], on_block=watch)
    labels = [json.loads(line)["label"] for line in told.getvalue().splitlines()]
    assert labels == own_labels(six, samples[:CHANGED_AT]) + own_labels(second, samples[CHANGED_AT:, :3])
    assert seen == [6] * SAMPLES


def test_a_model_that_cannot_be_used_changes_nothing(
    two_models: tuple[Bundle, Bundle], random_bundle: Callable[..., Bundle]
) -> None:
    first, second = two_models
    loop = LiveLoop.for_model(
        MemoryTransport([]), load_engine(first, "numpy"), first.manifest, unit=parse_unit("g"), rate_hz=100.0
    )
    fast = replace(second.manifest, window=replace(second.manifest.window, rate_hz=1000.0))
    with pytest.raises(HarError, match="too slow to be resampled"):
        loop.use_model(load_engine(second, "numpy"), fast)

    class Broken:
        def predict(self, windows: np.ndarray) -> np.ndarray:
            raise UsageError("expected another file")

    with pytest.raises(UsageError, match="another file"):
        loop.use_model(Broken(), second.manifest)
    six = random_bundle(named_architecture("simple_rnn", channels=6))
    with pytest.raises(HarError, match="this session reads acceleration alone"):
        loop.use_model(load_engine(six, "numpy"), six.manifest)
    assert loop._classification.successor is None
