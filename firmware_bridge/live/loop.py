"""The session of `har live`: classify what a line brings and tell the sinks."""

import dataclasses
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from edgehar.firmware_bridge.frames.device_description import (
    LOWEST_RATE_FRACTION,
    check_against_model,
    label_of_device,
    range_g,
    unit_of,
)
from edgehar.firmware_bridge.frames.messages import Hello
from edgehar.firmware_bridge.frames.source import FrameSource
from edgehar.firmware_bridge.line.reader import Arrival, Line
from edgehar.firmware_bridge.line.transport import DEFAULT_BAUD, Transport
from edgehar.firmware_bridge.live.model_pipeline import MakePipeline, pipeline_of_model
from edgehar.firmware_bridge.live.pipeline import Classifier, LivePipeline, Prediction
from edgehar.firmware_bridge.live.sinks import LiveStatus, Sink
from edgehar.firmware_bridge.live.turning_rate import check_columns, check_takes_acceleration_alone
from edgehar.firmware_bridge.session.loop import SessionLoop, StreamState
from edgehar.firmware_bridge.session.text_then_frames import TextThenFramesSource
from edgehar.firmware_bridge.stream.checks import SilenceCheck, StreamChecks
from edgehar.firmware_bridge.stream.samples import Remark, SampleBlock, SampleSource, StreamCounts
from edgehar.firmware_bridge.text.selection import SensorSelection
from edgehar.firmware_bridge.text.source import TextSource
from edgehar.firmware_bridge.text.witmotion_source import WitMotionOrTextSource
from edgehar.models.bundle.manifest import Manifest
from edgehar.models.bundle.recognition import check_recognises_activities
from edgehar.models.contract import CHANNELS
from edgehar.models.errors import BridgeError, UsageError
from edgehar.models.units import Unit, parse_unit

_STATUS_EVERY_S: Final = 0.2
_MOST_WARNINGS: Final = 50
"""In a summary."""
_READ_AT_ONCE_S: Final = 2.0
"""Until it is known how much comes, every byte is read at once."""
_LONGEST_REST_S: Final = 0.2
_DRIVER_BYTES: Final = 1000
"""What may wait in the driver: the smallest buffer, that of a pty, holds four times as much."""


@dataclass(frozen=True, slots=True)
class LiveEnd:
    """How a session went, and the error of the line if that is what ended it."""

    status: LiveStatus
    error: BridgeError | None


class LiveLoop:
    """Connect a line, a decoder of its bytes, a pipeline and sinks.

    Parameters
    ----------
    line, source, pipeline
        The parts, in the order data flow.
    silence, checks
        What watches the stream.
    announcements
        What is assumed about the stream; said first.
    arrived
        What came before the loop began.
    clock
        Seconds that only run forward; the pipeline must use the same.
    """

    def __init__(
        self,
        line: Transport | Line,
        source: SampleSource,
        pipeline: LivePipeline,
        *,
        silence: SilenceCheck,
        checks: StreamChecks,
        announcements: Sequence[Remark] = (),
        arrived: Sequence[Arrival] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._classification = _Classification(pipeline, doubts=lambda: self._loop.doubts)
        self._announcements = announcements
        self._make_pipeline: MakePipeline | None = None
        self._hello: Hello | None = None
        self._text_turns = False
        self._loop = SessionLoop(
            line,
            source,
            self._classification,
            silence=silence,
            checks=checks,
            show_every_s=_STATUS_EVERY_S,
            arrived=arrived,
            clock=clock,
        )

    @classmethod
    def for_model(
        cls,
        line: Transport | Line,
        engine: Classifier,
        manifest: Manifest,
        *,
        unit: Unit | None = None,
        columns: tuple[str, ...] | None = None,
        gyroscope_unit: str | None = None,
        sensor: str = "",
        rate_hz: float | None = None,
        hop: int | None = None,
        baud: int = DEFAULT_BAUD,
        raw: bool = False,
        lag_s: float = 0.0,
        bridge_s: float = 0.0,
        hello: Hello | None = None,
        may_be_frames: bool = False,
        arrived: Sequence[Arrival] = (),
    ) -> "LiveLoop":
        """Return the loop that classifies a sensor with a bundle's model.

        Parameters
        ----------
        line
            The line to the sensor.
        engine
            Runs the model; it is called once, so that no label waits for its first call.
        manifest
            Says what the model wants: window, hop, rate, labels.
        unit, columns
            What the sensor prints, where it prints text, and the names or numbers of its x, y and z; None to find out.
            For a model that takes the turning rate, six names or numbers: it is never guessed.
        gyroscope_unit
            The unit of the turning rate, for such a model.
        sensor
            What the wanted one of several sensors in the text is called; empty to choose it by the model's placement.
        rate_hz
            The sensor's rate; None to begin with the model's and use the one that is measured.
        hop
            Samples between two labels; None for the model's own.
        baud
            Named in advice when nothing arrives.
        raw
            Give the most probable class of every window, and leave the bundle's decoder out.
        lag_s
            How long a label may wait for what comes after its window; only a hidden Markov model gains from it.
        bridge_s
            The longest gap to interpolate; 0 for none.
        hello
            What the sensor says it is, where it speaks frames; this tells its unit and rate.
        may_be_frames
            Whether a sensor without a ``hello`` may yet turn out to speak frames.
        arrived
            What came from it before.

        Raises
        ------
        UsageError
            When the rate or the hop cannot be.
        BridgeError
            When the model cannot classify this sensor.
        """
        check_recognises_activities(manifest, for_what="live", gyroscope=True)
        turning_scale = check_columns(manifest, columns, gyroscope_unit, frames=hello is not None)
        window = manifest.window
        sensor_hz = window.rate_hz if rate_hz is None else rate_hz
        described = [] if hello is None else check_against_model(hello, manifest)
        if hello is not None:
            unit, sensor_hz = unit_of(hello), hello.rate_mhz / 1000
        elif 0 < sensor_hz < LOWEST_RATE_FRACTION * window.rate_hz:
            raise UsageError(
                f"expected a sensor of {window.rate_hz:g} Hz for {manifest.model_id}, got --rate {sensor_hz:g}: too "
                "slow to be resampled",
                next_step=f"Set the sensor to {window.rate_hz:g} Hz, or train a model for {sensor_hz:g} Hz.",
            )
        make_pipeline = partial(pipeline_of_model, hop=hop, raw=raw, lag_s=lag_s, bridge_s=bridge_s)
        pipeline = make_pipeline(engine, manifest, source_rate_hz=sensor_hz)
        slowest_hz = LOWEST_RATE_FRACTION * window.rate_hz

        def text_source(unit: Unit | None, columns: tuple[str, ...] | None = None) -> TextSource:
            return TextSource(
                unit=unit,
                rate_hz=sensor_hz,
                columns=columns,
                turning_scale=turning_scale,
                selection=SensorSelection(sensor, placement=window.mounting),
                adopts_rate=rate_hz is None,
                slowest_hz=slowest_hz,
            )

        def name_label(hello: Hello | None, label: int) -> str:
            return label_of_device(hello, manifest, label)

        turns = len(window.channels) > len(CHANNELS)
        text_or_frames: SampleSource = (
            FrameSource(name_label=name_label)
            if hello is not None
            else text_source(unit, columns)
            if turns
            else WitMotionOrTextSource(
                text_source(unit, columns), make_source=lambda: text_source(unit or parse_unit("g"))
            )
        )
        if may_be_frames and hello is None:
            text_or_frames = TextThenFramesSource(
                text_or_frames,
                on_hello=lambda late: loop._adopt_hello(late, manifest),
                make_frames=lambda: FrameSource(name_label=name_label),
            )
        loop = cls(
            line,
            text_or_frames,
            pipeline,
            silence=SilenceCheck(port=line.name, baud=baud, started_s=time.monotonic()),
            checks=_checks(unit, sensor_hz, window.length, hello, rate_is_adopted=rate_hz is None),
            announcements=described + _assumptions(unit, sensor_hz, pipeline, by_model=rate_hz is None and not hello),
            arrived=arrived,
        )
        loop._make_pipeline, loop._hello, loop._text_turns = make_pipeline, hello, turns
        return loop

    @property
    def stream(self) -> tuple[Unit | None, float]:
        """The unit in which the sensor sends, as far as it is known, and its rate in Hz, measured or expected."""
        rate = self._loop.state.rate
        expected_hz = self._classification.pipeline.source_rate_hz
        return self._loop.unit, expected_hz if rate is None else rate.rate_hz

    def use_model(self, engine: Classifier, manifest: Manifest) -> None:
        """Classify with another model from the next read on; another thread may call this while the loop runs.

        Parameters
        ----------
        engine
            Runs the model; it is called once, in the caller's thread.
        manifest
            Of that model.

        Raises
        ------
        UsageError
            When it tells no activities, or the loop was not made for a model.
        BridgeError
            When it cannot classify this sensor.
        """
        if self._make_pipeline is None:
            raise UsageError("expected a loop made by LiveLoop.for_model, got one with a pipeline of its own")
        check_recognises_activities(manifest, for_what="live", gyroscope=True)
        if self._hello is not None:
            check_against_model(self._hello, manifest)
        elif not self._text_turns:
            check_takes_acceleration_alone(manifest)
        rate_hz = self._classification.pipeline.source_rate_hz
        if rate_hz < LOWEST_RATE_FRACTION * manifest.window.rate_hz:
            raise BridgeError(
                f"{manifest.model_id}: expected a sensor of {manifest.window.rate_hz:g} Hz, this one sends {rate_hz:g} "
                "Hz: too slow to be resampled",
                next_step="Choose another model, or set the sensor to a higher rate.",
            )
        pipeline = self._make_pipeline(engine, manifest, source_rate_hz=rate_hz)
        self._classification.successor = (pipeline, manifest)

    def run(
        self,
        sinks: Sequence[Sink],
        *,
        duration_s: float | None = None,
        stop: Callable[[], bool] = lambda: False,
        on_block: Callable[[SampleBlock], None] | None = None,
    ) -> LiveEnd:
        """Read and classify until ``duration_s`` is over, ``stop`` says so, or the line is gone.

        ``on_block`` is given every block of samples before it is classified; what it does delays labels.

        Raises
        ------
        BridgeError
            When the line fails in another way than being unplugged, or a sink cannot write.
        """
        self._classification.sinks, self._classification.on_block = sinks, on_block
        for remark in self._announcements:
            self._classification.remarked(remark)
        error = self._loop.run(duration_s=duration_s, stop=stop)
        self._classification.finish()
        return LiveEnd(self._classification.show(self._loop.state), error)

    def _adopt_hello(self, hello: Hello, manifest: Manifest) -> list[Remark]:
        """Expect what a device says that has said late what it is."""
        described = check_against_model(hello, manifest)
        self._hello = hello
        unit, rate_hz = unit_of(hello), hello.rate_mhz / 1000
        pipeline = self._classification.pipeline
        pipeline.expect(source_rate_hz=rate_hz)
        self._loop.expect(_checks(unit, rate_hz, manifest.window.length, hello))
        return described + _assumptions(unit, rate_hz, pipeline, by_model=False)


class _Classification:
    """Classify the samples of a session and tell the sinks: the consumer of its blocks."""

    finished: Final = False

    def __init__(self, pipeline: LivePipeline, *, doubts: Callable[[], tuple[str, ...]]) -> None:
        self.pipeline = pipeline
        self._doubts = doubts
        self.sinks: Sequence[Sink] = ()
        self.on_block: Callable[[SampleBlock], None] | None = None
        self.successor: tuple[LivePipeline, Manifest] | None = None
        """The next model; put here by another thread, and taken between two blocks."""
        self._warnings: dict[str, None] = {}

    def take(self, block: SampleBlock) -> None:
        """Classify every window that these samples complete."""
        if self.successor is not None:
            self._change_model(*self.successor)
        if self.on_block is not None:
            self.on_block(block)
        self._tell(self.pipeline.feed(block))

    def _change_model(self, pipeline: LivePipeline, manifest: Manifest) -> None:
        """Go on with another model, once the labels that still wait are told."""
        self.successor = None
        self.finish()
        pipeline.continue_from(self.pipeline)
        self.pipeline = pipeline
        for sink in self.sinks:
            sink.model_changed(manifest.model_id, manifest.labels)

    def finish(self) -> None:
        """Tell the labels that still wait for a lag: nothing comes after them."""
        self._tell(self.pipeline.finish())

    def _tell(self, predictions: Sequence[Prediction]) -> None:
        """Tell the sinks, with what is doubtful about the stream."""
        for prediction in predictions:
            doubts = self._doubts()
            if doubts:
                prediction = dataclasses.replace(prediction, doubts=doubts)
            for sink in self.sinks:
                sink.predicted(prediction)

    def remarked(self, remark: Remark) -> None:
        """Pass a remark on, and remember it if it is a warning."""
        if remark.warning and len(self._warnings) < _MOST_WARNINGS:
            self._warnings[remark.text] = None
        for sink in self.sinks:
            sink.remarked(remark)

    def waited(self, now_s: float) -> None:
        """Classification does not depend on time."""

    def longest_rest_s(self, counts: StreamCounts, elapsed_s: float) -> float:
        """Return how long no window is due and the driver's buffer stays nearly empty."""
        if elapsed_s < _READ_AT_ONCE_S or not counts.bytes_read:
            return 0.0
        speed = max(1.0, counts.samples / elapsed_s / self.pipeline.resampler.rate_hz)
        of_buffer_s = _DRIVER_BYTES / (counts.bytes_read / elapsed_s)
        return min(self.pipeline.idle_s / speed, of_buffer_s, _LONGEST_REST_S)

    def show(self, state: StreamState) -> LiveStatus:
        """Tell the sinks how the session stands."""
        pipeline, latencies = self.pipeline, self.pipeline.latencies
        status = LiveStatus(
            elapsed_s=state.elapsed_s,
            windows=pipeline.classified,
            counts=state.counts,
            rate=state.rate,
            filled=pipeline.windows.filled,
            refilling=pipeline.windows.refilling,
            silent=state.silent,
            latency_p50_s=latencies.percentile_s(50),
            latency_p95_s=latencies.percentile_s(95),
            latency_p99_s=latencies.percentile_s(99),
            bridged=pipeline.bridged,
            clock=pipeline.host_clock.fit() if state.rate is not None and state.rate.by_device else None,
            warnings=tuple(self._warnings),
        )
        for sink in self.sinks:
            sink.progressed(status)
        return status


def _checks(
    unit: Unit | None, rate_hz: float, window_length: int, hello: Hello | None, *, rate_is_adopted: bool = False
) -> StreamChecks:
    """Return what compares a stream with what its sensor should send."""
    limit_g = None if unit is None or not unit.counts else 32767 / unit.per_g
    return StreamChecks(
        declared_rate_hz=rate_hz,
        window_length=window_length,
        range_g=limit_g if hello is None else range_g(hello),
        rate_is_adopted=rate_is_adopted,
    )


def _assumptions(unit: Unit | None, rate_hz: float, pipeline: LivePipeline, *, by_model: bool) -> list[Remark]:
    """Return what is assumed about a stream."""
    assumption = ", the rate of the model" if by_model else ""
    in_unit = "" if unit is None else f" in {unit.name}"
    remarks = [Remark(f"expecting samples{in_unit} at {rate_hz:g} Hz{assumption}")]
    if not pipeline.resampler.passes_through:
        delay_ms = 1e3 * pipeline.resampler.delay_s
        remarks.append(Remark(f"resampling to the model's rate; its filter needs {delay_ms:.0f} ms of what follows"))
    return remarks
