"""The loop of `har live`: read a port until told to stop, classify what comes, tell the sinks."""

import dataclasses
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from firmware_bridge.checks import SilenceCheck, StreamChecks
from firmware_bridge.live import LivePipeline
from firmware_bridge.samples import Decoded, Remark, SampleSource
from firmware_bridge.sinks import LiveStatus, Sink
from firmware_bridge.transport import Transport, is_unplugged
from models.errors import BridgeError

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
    transport, source, pipeline, sinks
        The parts, in the order data flow.
    silence, checks
        Who watches the stream.
    clock
        Seconds that only run forward; the pipeline must use the same.
    """

    def __init__(
        self,
        transport: Transport,
        source: SampleSource,
        pipeline: LivePipeline,
        sinks: Sequence[Sink],
        *,
        silence: SilenceCheck,
        checks: StreamChecks,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._transport = transport
        self._source = source
        self._pipeline = pipeline
        self._sinks = sinks
        self._silence = silence
        self._checks = checks
        self._clock = clock
        self._started_s = clock()

    def run(self, *, duration_s: float | None = None, stop: Callable[[], bool] = lambda: False) -> LiveEnd:
        """Read and classify until ``duration_s`` is over, ``stop`` says so, or the line is gone.

        Raises
        ------
        BridgeError
            When the line fails in another way than being unplugged, or a sink cannot write.
        """
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
            self._source.interrupt()
            self._remark(remarks)

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

    def _show_status(self) -> LiveStatus:
        """Tell the sinks how the session stands."""
        latencies = self._pipeline.latencies
        status = LiveStatus(
            elapsed_s=self._clock() - self._started_s,
            windows=self._pipeline.classified,
            counts=dataclasses.replace(self._source.counts),
            rate=self._source.rate,
            filled=self._pipeline.windows.filled,
            refilling=self._pipeline.windows.refilling,
            latency_p50_s=latencies.percentile_s(50),
            latency_p95_s=latencies.percentile_s(95),
            latency_p99_s=latencies.percentile_s(99),
        )
        self._remark(self._checks.of_rate(status.rate))
        for sink in self._sinks:
            sink.progressed(status)
        return status
