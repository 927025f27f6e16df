"""The loop of `har live`: read a port until told to stop, classify what comes, tell the sinks."""

import dataclasses
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from firmware_bridge.checks import SilenceCheck, StreamChecks
from firmware_bridge.live import Classifier, LivePipeline
from firmware_bridge.rate import RateEstimate
from firmware_bridge.samples import Decoded, Remark, SampleSource
from firmware_bridge.sinks import LiveStatus, Sink
from firmware_bridge.textsource import TextSource
from firmware_bridge.transport import DEFAULT_BAUD, Transport, is_unplugged
from models.decoder import Decoder
from models.errors import BridgeError
from models.manifest import Manifest
from models.units import Unit

_READ_TIMEOUT_S: Final = 0.1
_STATUS_EVERY_S: Final = 0.2


@dataclass(frozen=True, slots=True)
class LiveEnd:
    """How a session went, and the error of the line if that is what ended it."""

    status: LiveStatus
    error: BridgeError | None


class LiveLoop:
    """Connect a line, a decoder of its bytes, a pipeline and sinks.

    Parameters
    ----------
    transport, source, pipeline
        The parts, in the order data flow.
    silence, checks
        Who watches the stream.
    announcements
        What is taken for granted about the stream; said first.
    clock
        Seconds that only run forward; the pipeline must use the same.
    """

    def __init__(
        self,
        transport: Transport,
        source: SampleSource,
        pipeline: LivePipeline,
        *,
        silence: SilenceCheck,
        checks: StreamChecks,
        announcements: Sequence[Remark] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._transport = transport
        self._source = source
        self._pipeline = pipeline
        self._silence = silence
        self._checks = checks
        self._announcements = announcements
        self._clock = clock
        self._sinks: Sequence[Sink] = ()
        self._started_s = clock()

    @classmethod
    def for_text(
        cls,
        transport: Transport,
        engine: Classifier,
        manifest: Manifest,
        *,
        unit: Unit,
        rate_hz: float | None = None,
        hop: int | None = None,
        baud: int = DEFAULT_BAUD,
        raw: bool = False,
        bridge_s: float = 0.0,
    ) -> "LiveLoop":
        """Return the loop that classifies a sensor's text lines with a bundle's model.

        Parameters
        ----------
        transport
            The line to the sensor.
        engine
            Runs the model; it is called once, so that no label waits for its first call.
        manifest
            Says what the model wants: window, hop, rate, labels.
        unit
            What the sensor prints.
        rate_hz, hop
            The sensor's rate and the samples between two labels; None for the model's own.
        baud
            Named in advice when nothing arrives.
        raw
            Give the most probable class of every window, and leave the bundle's decoder out.
        bridge_s
            The longest hole to interpolate; 0 for none.

        Raises
        ------
        UsageError
            When the rate or the hop cannot be.
        """
        window = manifest.window
        sensor_hz = window.rate_hz if rate_hz is None else rate_hz
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
        return cls(
            transport,
            TextSource(unit=unit, rate_hz=sensor_hz),
            pipeline,
            silence=SilenceCheck(port=transport.name, baud=baud, started_s=time.monotonic()),
            checks=StreamChecks(unit_name=unit.name, declared_rate_hz=sensor_hz, window_length=window.length),
            announcements=_announcements(unit, sensor_hz, pipeline, assumed=rate_hz is None),
        )

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
        while not stop():
            left_s = float("inf") if duration_s is None else self._started_s + duration_s - self._clock()
            if left_s <= 0:
                break
            try:
                data = self._transport.read(timeout_s=min(_READ_TIMEOUT_S, left_s))
            except BridgeError as gone:
                if not is_unplugged(gone):
                    raise
                error = gone
                break
            self._take(data, self._clock())
            if self._clock() - shown_s >= _STATUS_EVERY_S:
                shown_s = self._clock()
                self._show_status()
        self._pass_on(self._source.finish(self._clock()))
        return LiveEnd(self._show_status(), error)

    def _take(self, data: bytes, now_s: float) -> None:
        """Act on one read, be it empty."""
        if data:
            self._remark(self._silence.heard(now_s))
            self._pass_on(self._source.feed(data, now_s))
            return
        remarks = self._silence.waited(now_s)
        if remarks:
            self._remark(remarks)
            self._pass_on(self._source.fell_silent(now_s))

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
        self._remark(self._checks.of_rate(status.rate))
        for sink in self._sinks:
            sink.progressed(status)
        return status


def _announcements(unit: Unit, rate_hz: float, pipeline: LivePipeline, *, assumed: bool) -> list[Remark]:
    """Return what is taken for granted about a stream."""
    rate = f"{rate_hz:g} Hz{', the rate of the model' if assumed else ''}"
    remarks = [Remark(f"expecting samples in {unit.name} at {rate}")]
    resampler = pipeline.resampler
    if not resampler.passes_through:
        delay_ms = 1e3 * resampler.delay_s
        remarks.append(
            Remark(f"resampling to the rate of the model; its filter needs {delay_ms:.0f} ms of what follows")
        )
    return remarks
