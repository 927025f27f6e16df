"""The loop of `har live`: read a port until told to stop, classify what comes, tell the sinks."""

import dataclasses
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from edgehar.firmware_bridge.frames.hello import LOWEST_RATE_FRACTION, check_against_model, range_g, unit_of
from edgehar.firmware_bridge.frames.messages import Hello
from edgehar.firmware_bridge.frames.source import FrameSource
from edgehar.firmware_bridge.line.reader import Arrival, DirectLine, Line, LineReader
from edgehar.firmware_bridge.line.transport import DEFAULT_BAUD, Transport, is_unplugged
from edgehar.firmware_bridge.live.pipeline import Classifier, LivePipeline
from edgehar.firmware_bridge.live.sinks import LiveStatus, Sink
from edgehar.firmware_bridge.session.late_frames import LateFramesSource
from edgehar.firmware_bridge.stream.checks import SilenceCheck, StreamChecks
from edgehar.firmware_bridge.stream.rate import RateEstimate
from edgehar.firmware_bridge.stream.samples import Decoded, Remark, SampleSource
from edgehar.firmware_bridge.text.source import TextSource
from edgehar.models.bundle.manifest import Manifest
from edgehar.models.decoder import Decoder
from edgehar.models.errors import BridgeError, UsageError
from edgehar.models.units import Unit

_READ_TIMEOUT_S: Final = 0.1
_STATUS_EVERY_S: Final = 0.2
_RESTLESS_S: Final = 2.0
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
        Who watches the stream.
    announcements
        What is taken for granted about the stream; said first.
    arrived
        What came before the loop began.
    clock
        Seconds that only run forward; the pipeline must use the same.
    """

    def __init__(
        self,
        line: Transport | LineReader,
        source: SampleSource,
        pipeline: LivePipeline,
        *,
        silence: SilenceCheck,
        checks: StreamChecks,
        announcements: Sequence[Remark] = (),
        arrived: Sequence[Arrival] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._line: Line = line if isinstance(line, LineReader) else DirectLine(line, clock=clock)
        self._arrived = arrived
        self._source = source
        self._pipeline = pipeline
        self._silence = silence
        self._checks = checks
        self._announcements = announcements
        self._clock = clock
        self._sinks: Sequence[Sink] = ()
        self._started_s = clock()

    @classmethod
    def for_model(
        cls,
        line: Transport | LineReader,
        engine: Classifier,
        manifest: Manifest,
        *,
        unit: Unit,
        rate_hz: float | None = None,
        hop: int | None = None,
        baud: int = DEFAULT_BAUD,
        raw: bool = False,
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
        unit
            What the sensor prints, where it prints text.
        rate_hz, hop
            The sensor's rate and the samples between two labels; None for the model's own.
        baud
            Named in advice when nothing arrives.
        raw
            Give the most probable class of every window, and leave the bundle's decoder out.
        bridge_s
            The longest hole to interpolate; 0 for none.
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
            When the sensor is none for this model.
        """
        window = manifest.window
        sensor_hz = window.rate_hz if rate_hz is None else rate_hz
        met = [] if hello is None else check_against_model(hello, manifest)
        if hello is not None:
            unit, sensor_hz = unit_of(hello), hello.rate_mhz / 1000
        elif 0 < sensor_hz < LOWEST_RATE_FRACTION * window.rate_hz:
            raise UsageError(
                f"expected a sensor of {window.rate_hz:g} Hz for {manifest.model_id}, got --rate {sensor_hz:g}: too "
                "slow to be resampled",
                next_step=f"Set the sensor to {window.rate_hz:g} Hz, or train a model for {sensor_hz:g} Hz.",
            )
        pipeline = LivePipeline(
            engine,
            labels=manifest.labels,
            window_length=window.length,
            hop=window.hop if hop is None else hop,
            model_rate_hz=window.rate_hz,
            source_rate_hz=sensor_hz,
            decoder=None if raw else Decoder.of_model(manifest, hop=hop),
            bridge_s=bridge_s,
        )
        engine.predict(np.zeros((1, window.length, len(window.channels)), np.float32))
        loop = cls(
            line,
            FrameSource() if hello is not None else TextSource(unit=unit, rate_hz=sensor_hz),
            pipeline,
            silence=SilenceCheck(port=line.name, baud=baud, started_s=time.monotonic()),
            checks=_checks(unit, sensor_hz, window.length, hello),
            announcements=met + _announcements(unit, sensor_hz, pipeline, assumed=rate_hz is None and not met),
            arrived=arrived,
        )
        if may_be_frames and hello is None:
            loop._source = LateFramesSource(loop._source, meet=lambda late: loop._meet(late, manifest))
        return loop

    def run(
        self, sinks: Sequence[Sink], *, duration_s: float | None = None, stop: Callable[[], bool] = lambda: False
    ) -> LiveEnd:
        """Read and classify until ``duration_s`` is over, ``stop`` says so, or the line is gone.

        Raises
        ------
        BridgeError
            When the line fails in another way than being unplugged, or a sink cannot write.
        """
        self._sinks = sinks
        self._remark(self._announcements)
        self._started_s = shown_s = self._clock()
        error = None
        for early in self._arrived:
            self._take(early)
        while not stop():
            left_s = float("inf") if duration_s is None else self._started_s + duration_s - self._clock()
            if left_s <= 0:
                break
            try:
                arrival = self._line.take(timeout_s=min(_READ_TIMEOUT_S, left_s))
            except BridgeError as gone:
                if not is_unplugged(gone):
                    raise
                error = gone
                break
            if arrival is None:
                self._wait()
            else:
                self._take(arrival)
            if self._clock() - shown_s >= _STATUS_EVERY_S:
                shown_s = self._clock()
                self._show_status()
        self._pass_on(self._source.finish(self._clock()))
        return LiveEnd(self._show_status(), error)

    def _take(self, arrival: Arrival) -> None:
        """Act on what has come: news of the line, or bytes."""
        self._remark(arrival.remarks)
        if arrival.cut:
            self._pass_on(self._source.line_was_cut(arrival.arrived_s))
        if arrival.data:
            self._remark(self._silence.heard(arrival.arrived_s))
            self._pass_on(self._source.feed(arrival.data, arrival.arrived_s))
        self._line.write(self._source.outgoing())
        self._line.rest(self._rest_s())

    def _meet(self, hello: Hello, manifest: Manifest) -> list[Remark]:
        """Believe a device that says late what it is."""
        met = check_against_model(hello, manifest)
        unit, rate_hz = unit_of(hello), hello.rate_mhz / 1000
        self._pipeline.expect(source_rate_hz=rate_hz)
        self._checks = _checks(unit, rate_hz, manifest.window.length, hello)
        return met + _announcements(unit, rate_hz, self._pipeline, assumed=False)

    def _rest_s(self) -> float:
        """Return how long the line may be left alone: no window is due, and the driver's buffer stays nearly empty."""
        counts, elapsed_s = self._source.counts, self._clock() - self._started_s
        if elapsed_s < _RESTLESS_S or not counts.bytes_read:
            return 0.0
        speed = max(1.0, counts.samples / elapsed_s / self._pipeline.resampler.rate_hz)
        of_buffer_s = _DRIVER_BYTES / (counts.bytes_read / elapsed_s)
        return min(self._pipeline.idle_s / speed, of_buffer_s, _LONGEST_REST_S)

    def _wait(self) -> None:
        """Act on nothing having come."""
        now_s = self._clock()
        remarks = self._silence.waited(now_s)
        if remarks:
            self._remark(remarks)
            self._pass_on(self._source.fell_silent(now_s))
            self._line.write(self._source.outgoing())

    def _pass_on(self, decoded: Decoded) -> None:
        """Classify what was decoded, and tell the sinks."""
        self._remark(decoded.remarks)
        for block in decoded.blocks:
            for prediction in self._pipeline.feed(block):
                for sink in self._sinks:
                    sink.predicted(prediction)
        self._remark(self._checks.after_read(decoded.blocks, self._source.counts))

    def _remark(self, remarks: Sequence[Remark]) -> None:
        """Pass remarks on."""
        for remark in remarks:
            for sink in self._sinks:
                sink.remarked(remark)

    def _drift_ppm(self, rate: RateEstimate | None) -> float | None:
        """Return the drift between the clocks, where the sensor's own times tell it."""
        fit = self._pipeline.host_clock.fit() if rate is not None and rate.by_device else None
        return None if fit is None else fit.drift_ppm

    def _show_status(self) -> LiveStatus:
        """Tell the sinks how the session stands."""
        latencies, rate = self._pipeline.latencies, self._source.rate
        status = LiveStatus(
            elapsed_s=self._clock() - self._started_s,
            windows=self._pipeline.classified,
            counts=dataclasses.replace(self._source.counts),
            rate=rate,
            filled=self._pipeline.windows.filled,
            refilling=self._pipeline.windows.refilling,
            silent=self._silence.silent,
            latency_p50_s=latencies.percentile_s(50),
            latency_p95_s=latencies.percentile_s(95),
            latency_p99_s=latencies.percentile_s(99),
            bridged=self._pipeline.bridged,
            drift_ppm=self._drift_ppm(rate),
        )
        self._remark(self._checks.of_rate(rate))
        for sink in self._sinks:
            sink.progressed(status)
        return status


def _checks(unit: Unit, rate_hz: float, window_length: int, hello: Hello | None) -> StreamChecks:
    """Return who compares a stream with what its sensor should send."""
    limit_g = range_g(hello) if hello is not None else 32767 / unit.per_g if unit.counts else None
    return StreamChecks(unit_name=unit.name, declared_rate_hz=rate_hz, window_length=window_length, range_g=limit_g)


def _announcements(unit: Unit, rate_hz: float, pipeline: LivePipeline, *, assumed: bool) -> list[Remark]:
    """Return what is taken for granted about a stream."""
    assumption = ", the rate of the model" if assumed else ""
    remarks = [Remark(f"expecting samples in {unit.name} at {rate_hz:g} Hz{assumption}")]
    if not pipeline.resampler.passes_through:
        delay_ms = 1e3 * pipeline.resampler.delay_s
        remarks.append(Remark(f"resampling to the model's rate; its filter needs {delay_ms:.0f} ms of what follows"))
    return remarks
