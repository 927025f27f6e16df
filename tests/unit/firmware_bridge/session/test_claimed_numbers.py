"""What a stranger's device claims: no number of it takes much memory or time, and the end of a session is kept."""

import struct
import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edgehar.firmware_bridge.frames.fields import Ability, UnitCode
from edgehar.firmware_bridge.frames.framing import encode_frame
from edgehar.firmware_bridge.frames.messages import Hello, Samples, Stats
from edgehar.firmware_bridge.line.transport import MemoryTransport
from edgehar.firmware_bridge.live.loop import LiveLoop
from edgehar.firmware_bridge.live.pipeline import LivePipeline
from edgehar.firmware_bridge.session.protocol_detection import ProtocolDetector
from edgehar.firmware_bridge.session.text_then_frames import TextThenFramesSource
from edgehar.firmware_bridge.stream.checks import SilenceCheck, StreamChecks
from edgehar.firmware_bridge.text.source import TextSource
from edgehar.models.bundle import Bundle
from edgehar.models.errors import BridgeError
from edgehar.models.sensor_limits import HIGHEST_RATE_HZ
from edgehar.models.units import parse_unit

STREAMS = Ability.SENSES | Ability.STREAMS
MOST_BYTES = 192 * 2**20
"""The filter from the highest rate there is takes 121 MB, everything else next to nothing."""


class Still:
    """An engine with one answer that counts its windows."""

    def __init__(self, classes: int) -> None:
        self._classes = classes
        self.windows = 0

    def predict(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return it."""
        self.windows += len(windows)
        return np.full((len(windows), self._classes), 1 / self._classes, np.float32)


@pytest.fixture(scope="module")
def bundle(random_bundle: Callable[..., Bundle]) -> Bundle:
    """A model of 100 Hz."""
    return random_bundle("simple_rnn")


def float_of(bits: int) -> float:
    """Return any float32, also those that are no number."""
    (value,) = struct.unpack("<f", struct.pack("<I", bits))
    return float(value)


_EDGES = st.sampled_from([0, 1, 99, 1000, 100_000, 32_000_000, 32_000_001, 2**31, 2**32 - 1])
_U32 = st.integers(0, 2**32 - 1)
HELLOS = st.builds(
    Hello,
    boot_id=st.just(7),
    abilities=st.just(STREAMS),
    rate_mhz=_EDGES | _U32,
    counts_per_unit=st.sampled_from([0.0, 1e-30, 1.0, 16384.0, 1e30]) | st.builds(float_of, _U32),
    unit=st.integers(0, 3),
    range_unit=st.builds(float_of, _U32),
    axes=st.just((1, 2, 3)) | st.tuples(*[st.integers(-128, 127)] * 3),
    dropped=_U32,
    window=st.integers(0, 2**16 - 1),
    classes=st.integers(0, 255),
    longest_body=st.integers(0, 255),
    credit=st.integers(0, 255),
)
CLOCKS: dict[str, Callable[[int], int]] = {
    "right": lambda number: 10_000 * number,
    "still": lambda number: 0,
    "in milliseconds": lambda number: 10 * number,
    "of 24 bits": lambda number: 10_000 * number % 2**24,
    "random": lambda number: (number * 2_654_435_761) % 2**32,
    "half an hour a frame": lambda number: 1_800_000_000 * (number // 10),
    "backward": lambda number: -10_000 * number,
}


def wire_of(hello: Hello, tick: Callable[[int], int], frames: int) -> bytes:
    """Return what a device sends with a clock of its own."""
    payload = np.tile(np.array([0, 0, 16384], "<i2"), 10).tobytes()
    bodies = [Samples(7, n, tick(n) % 2**32, 0, payload).pack() for n in range(0, 10 * frames, 10)]
    return b"".join(map(encode_frame, [hello.pack(), *bodies, Stats(7, 2**31, 0, 0, 0, 0).pack()]))


def classify(bundle: Bundle, wire: bytes) -> tuple[BridgeError | None, Still, float]:
    """Classify what a device sends; return the error if it is refused, the engine, and the most memory it took."""
    engine, refused = Still(len(bundle.manifest.labels)), None
    tracemalloc.start()
    try:
        loop = LiveLoop.for_model(
            MemoryTransport([wire]), engine, bundle.manifest, unit=parse_unit("g"), hop=20, may_be_frames=True
        )
        loop.run([], duration_s=20.0)
    except BridgeError as error:
        refused = error
    finally:
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    return refused, engine, most


@settings(max_examples=60)
@given(hello=HELLOS, clock=st.sampled_from(sorted(CLOCKS)))
def test_whatever_a_hello_claims_memory_is_bounded(bundle: Bundle, hello: Hello, clock: str) -> None:
    refused, engine, most = classify(bundle, wire_of(hello, CLOCKS[clock], 60))
    assert most < MOST_BYTES
    assert engine.windows <= 1 + 2 * 600 / 20 * max(1.0, 100_000 / max(1, hello.rate_mhz))
    if refused is not None:
        assert refused.next_step
    else:
        assert 20_000 <= hello.rate_mhz <= 1000 * HIGHEST_RATE_HZ


def test_a_rate_of_megahertz_is_refused_before_anything_is_made_for_it(bundle: Bundle) -> None:
    hello = Hello(7, STREAMS, 2**32 - 1, 16384.0, UnitCode.G, 2.0)
    refused, engine, most = classify(bundle, wire_of(hello, CLOCKS["right"], 60))
    assert "a rate of 4.29497e+06 Hz" in str(refused)
    assert engine.windows == 1, "the one that warms the engine up"
    assert most < 2**20


@pytest.mark.parametrize("clock", sorted(CLOCKS))
def test_a_clock_that_cannot_be_true_invents_no_windows(bundle: Bundle, clock: str) -> None:
    hello = Hello(7, STREAMS, 100_000, 16384.0, UnitCode.G, 2.0)
    refused, engine, most = classify(bundle, wire_of(hello, CLOCKS[clock], 300))
    assert refused is None
    # 3000 samples are 141 windows of 200 with a hop of 20, fewer where the clock breaks the stream.
    assert 30 <= engine.windows - 1 <= 141
    assert most < 2**24


def test_a_megabyte_that_waited_does_not_hold_up_the_end(bundle: Bundle) -> None:
    """The duration is asked for while bytes that have arrived are classified, not only between two reads."""
    now_s = 0.0
    engine = Still(len(bundle.manifest.labels))

    def classify_slowly(windows: NDArray[np.float32]) -> NDArray[np.float32]:
        nonlocal now_s
        now_s += 1.0
        return Still.predict(engine, windows)

    slow = type("Slow", (), {"predict": staticmethod(classify_slowly)})()
    window = bundle.manifest.window
    pipeline = LivePipeline(
        slow,
        labels=bundle.manifest.labels,
        window_length=window.length,
        hop=20,
        model_rate_hz=window.rate_hz,
        source_rate_hz=100.0,
        clock=lambda: now_s,
    )
    loop = LiveLoop(
        MemoryTransport([b"0,0,1\n" * 150_000]),
        TextSource(unit=parse_unit("g"), rate_hz=100.0),
        pipeline,
        silence=SilenceCheck(port="memory", baud=1, started_s=0.0),
        checks=StreamChecks(declared_rate_hz=100.0, window_length=200),
        clock=lambda: now_s,
    )
    end = loop.run([], duration_s=100.0)
    assert 100 <= end.status.elapsed_s < 140
    assert end.status.counts.samples < 5000


def test_a_detector_and_a_source_keep_little_of_endless_noise() -> None:
    noise = b"\xff" * 1000
    source = TextThenFramesSource(TextSource(unit=parse_unit("g"), rate_hz=100.0), on_hello=lambda hello: [])
    detector = ProtocolDetector()
    tracemalloc.start()
    for number in range(2000):
        detector.feed(noise, number / 100)
        source.feed(noise, number / 100)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 2**20
