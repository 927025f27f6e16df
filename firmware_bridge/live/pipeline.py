"""From sample blocks to labels: bridge gaps, resample, slide a window, run the engine, decode. No I/O."""

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from edgehar.firmware_bridge.live.latency import LatencyHistogram
from edgehar.firmware_bridge.stream.gaps import GapFiller
from edgehar.firmware_bridge.stream.host_clock import HostClock
from edgehar.firmware_bridge.stream.resampler import StreamResampler
from edgehar.firmware_bridge.stream.samples import SampleBlock
from edgehar.firmware_bridge.stream.sliding import SlidingWindows, Window
from edgehar.models.decoder import UNDECODED, DecodedLabel, Decoder
from edgehar.models.errors import UsageError

_EARLY_SAMPLES: Final = 2.5
"""Reading begins so many samples before a window can be complete, so that a rest does not delay its label."""


class Classifier(Protocol):
    """The part of an engine that live classification needs."""

    def predict(self, windows: NDArray[Any]) -> NDArray[np.float32]:
        """Return probabilities (n, classes) of windows (n, length, channels), float32, in g and degrees/s."""
        ...


@dataclass(frozen=True, slots=True)
class Prediction:
    """The label of one window.

    Parameters
    ----------
    t_s
        When the window's last sample was taken, in seconds since the sensor's first sample.
    label, probability
        What the decoder says, and how probable its filter holds the most probable class.
    probabilities
        Of every class, in the order of the model's labels, as the engine gave them for this window alone.
    lost_samples
        Samples known to be lost since the beginning of the stream; none of them in this window but those bridged.
    latency_s
        From the arrival of the window's last sample to this label, with the samples that resampling had to wait for and
        a decoder's lag.
    raw_label
        The most probable class of this window alone; empty where nothing was decoded.
    bridged_samples
        Samples of this window, at the model's rate, that were interpolated across a short gap.
    doubts
        What is doubtful about the stream: ``unit_doubtful``, ``rate_doubtful``.
    sensor
        Which of several sensors it is of; empty where there is one.
    """

    t_s: float
    label: str
    probability: float
    probabilities: tuple[float, ...]
    lost_samples: int
    latency_s: float
    raw_label: str = ""
    bridged_samples: int = 0
    doubts: tuple[str, ...] = ()
    sensor: str = ""

    @property
    def quality(self) -> str:
        """Whether the label can be trusted: ``ok``, or what is wrong with its window, joined by commas."""
        bridged = ("bridged",) if self.bridged_samples else ()
        return ",".join((*bridged, *self.doubts)) or "ok"


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    """A window that was classified, and when its last sample arrived; its label is not decoded yet."""

    window: Window
    probabilities: NDArray[np.float32]
    arrived_s: float


class LivePipeline:
    """Turn sample blocks into predictions: exactly those that slicing the whole recording and running the engine give.

    A block that does not continue the one before begins a new window, so that none spans a known loss; only a hole of
    up to ``bridge_s`` is interpolated, and windows say how many of their samples were. Windows go through the engine
    one at a time: a label does not wait for the next window, nor depend on how reads were cut.

    Parameters
    ----------
    engine
        Whatever predicts.
    labels
        Names of its classes, in order.
    window_length, hop
        In samples at the model's rate.
    model_rate_hz, source_rate_hz
        The rate the model was trained at, and the rate the sensor is declared to send at. Where the times of the
        samples show another rate, this one is used.
    decoder
        What makes labels of the stream of posteriors; None for the most probable class of each window.
    bridge_s
        The longest hole to interpolate; 0 for none.
    channels
        Values in a sample: x, y, z, or these and the turning rate about each.
    clock
        The clock that ``SampleBlock.arrived_s`` was read from.

    Examples
    --------
    >>> class Still:
    ...     def predict(self, windows):
    ...         return np.array([[0.9, 0.1]], np.float32)
    >>> live = LivePipeline(
    ...     Still(), labels=("still", "moving"), window_length=2, hop=1, model_rate_hz=100, source_rate_hz=100
    ... )
    >>> block = SampleBlock(np.zeros((3, 3), np.float32), np.array([0.0, 0.01, 0.02]), arrived_s=0.0)
    >>> [(prediction.t_s, prediction.label) for prediction in live.feed(block)]
    [(0.01, 'still'), (0.02, 'still')]
    """

    def __init__(
        self,
        engine: Classifier,
        *,
        labels: Sequence[str],
        window_length: int,
        hop: int,
        model_rate_hz: float,
        source_rate_hz: float,
        decoder: Decoder | None = None,
        bridge_s: float = 0.0,
        channels: int = 3,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if hop < 1:
            raise UsageError(f"expected a hop of at least 1 sample, got {hop}", next_step="Pass --hop 20, for example.")
        if not source_rate_hz > 0:
            raise UsageError(f"expected a rate above 0 Hz, got {source_rate_hz}", next_step="Pass the sensor's --rate.")
        self._engine = engine
        self._labels = tuple(labels)
        self._clock = clock
        self._model_rate_hz = model_rate_hz
        self._expected_hz = source_rate_hz
        self._channels = channels
        self._gaps = GapFiller(longest_s=bridge_s)
        self._resampler = StreamResampler(from_hz=source_rate_hz, to_hz=model_rate_hz)
        self._windows = SlidingWindows(length=window_length, hop=hop, channels=channels)
        self._decoder = decoder or Decoder(UNDECODED, self._labels, hop=hop, spec_hop=hop, window_length=window_length)
        self._waiting: deque[_Waiting] = deque()
        self._host_clock = HostClock()
        self._lost = 0
        self._classified = 0
        self._bridged_before = 0
        self._latencies = LatencyHistogram()

    @property
    def resampler(self) -> StreamResampler:
        """How samples get to the model's rate."""
        return self._resampler

    @property
    def host_clock(self) -> HostClock:
        """How the sensor's clock runs against the host's."""
        return self._host_clock

    @property
    def bridged(self) -> int:
        """Samples interpolated across short gaps so far, at the sensor's rate."""
        return self._bridged_before + self._gaps.filled

    @property
    def source_rate_hz(self) -> float:
        """The rate at which the sensor is taken to send."""
        return self._expected_hz

    @property
    def classified(self) -> int:
        """Windows classified so far."""
        return self._classified

    @property
    def latencies(self) -> LatencyHistogram:
        """How long labels took."""
        return self._latencies

    @property
    def windows(self) -> SlidingWindows:
        """How full the next window is."""
        return self._windows

    @property
    def idle_s(self) -> float:
        """How long no window can be completed yet, at the sensor's rate in real time."""
        return max(0.0, (self._windows.needed - _EARLY_SAMPLES) / self._model_rate_hz)

    def expect(self, *, source_rate_hz: float) -> None:
        """Take up another rate of the sensor, and begin anew: it has turned out to be another than was expected.

        Windows that still wait for their labels get none.
        """
        self._expected_hz = source_rate_hz
        self._resampler = StreamResampler(from_hz=source_rate_hz, to_hz=self._model_rate_hz)
        self._host_clock.restart()
        self._restart()

    def continue_from(self, before: "LivePipeline") -> None:
        """Go on where the pipeline of another model stands: with its rate, and what it has counted; not its latencies.

        The first window begins with the next sample.
        """
        if before.source_rate_hz != self._expected_hz:
            self.expect(source_rate_hz=before.source_rate_hz)
        self._lost, self._classified, self._bridged_before = before._lost, before.classified, before.bridged

    def feed(self, block: SampleBlock) -> list[Prediction]:
        """Take a block and return the predictions it completes; of a block with more channels the first are taken."""
        block = block.of_channels(self._channels)
        self._lost += block.lost
        found: list[Prediction] = []
        if block.rate_hz is not None and block.rate_hz != self._expected_hz:
            found += self.finish()
            self.expect(source_rate_hz=block.rate_hz)
        stretch = self._gaps.take(block, period_s=1.0 / self._resampler.rate_hz)
        if not stretch.continues:
            found += self.finish()
            self._restart()
        if not len(stretch.samples_g):
            return found
        self._host_clock.arrived(sensor_s=float(stretch.times_s[-1]), host_s=block.arrived_s)
        for part in self._resampler.feed(stretch.samples_g, stretch.times_s, stretch.filled):
            if part.began:
                found += self.finish()
                self._windows.restart()
            directions = self._decoder.watch(part.samples_g[:, :3])
            for window in self._windows.feed(part.samples_g, part.times_s, part.filled):
                found += self._classify(window, block.arrived_s, direction=int(directions[window.last]))
        return found

    def finish(self) -> list[Prediction]:
        """Return the predictions that still wait for a lag; the decoder has then forgotten everything."""
        return [self._prediction(decoded) for decoded in self._decoder.finish()]

    def _restart(self) -> None:
        """Begin a new run after a hole that was not bridged."""
        self._resampler.restart()
        self._windows.restart()
        self._decoder.restart()
        self._waiting.clear()

    def _classify(self, window: Window, arrived_s: float, *, direction: int) -> list[Prediction]:
        """Run the engine on one window, and return the prediction that is complete with it, if there is one."""
        probabilities = self._engine.predict(window.samples_g[np.newaxis])[0]
        self._classified += 1
        self._waiting.append(_Waiting(window, probabilities, arrived_s))
        return [self._prediction(decoded) for decoded in self._decoder.feed(probabilities, direction)]

    def _prediction(self, decoded: DecodedLabel) -> Prediction:
        """Return the prediction of the window that has waited longest."""
        waiting = self._waiting.popleft()
        latency_s = self._clock() - waiting.arrived_s + self._resampler.delay_s
        self._latencies.add(latency_s)
        return Prediction(
            t_s=waiting.window.end_s,
            label=decoded.label,
            probability=decoded.probability,
            probabilities=tuple(map(float, waiting.probabilities)),
            lost_samples=self._lost,
            latency_s=latency_s,
            raw_label=self._labels[int(np.argmax(waiting.probabilities))],
            bridged_samples=waiting.window.filled,
        )
