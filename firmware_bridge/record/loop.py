"""The loop of `har record`: read a port, keep every sample, lead the wearer through a script."""

import dataclasses
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from edgehar.firmware_bridge.line.reader import Arrival, DirectLine, Line, LineReader
from edgehar.firmware_bridge.line.transport import Transport, is_unplugged
from edgehar.firmware_bridge.record.keys import ReadKeys
from edgehar.firmware_bridge.record.script import Session
from edgehar.firmware_bridge.record.writer import CaptureWriter
from edgehar.firmware_bridge.stream.checks import SilenceCheck, StreamChecks
from edgehar.firmware_bridge.stream.rate import RateEstimate
from edgehar.firmware_bridge.stream.samples import Decoded, Remark, SampleBlock, SampleSource, StreamCounts
from edgehar.models.errors import BridgeError

_READ_TIMEOUT_S: Final = 0.1
_SHOWN_EVERY_S: Final = 0.1
_QUIT: Final = "q"


@dataclass(frozen=True, slots=True)
class RecordStatus:
    """How a recording stands: what came, at which rate, how much of it has reached the disk."""

    counts: StreamCounts
    rate: RateEstimate | None
    samples_safe: int
    bytes_written: int
    silent: bool


class RecordView(Protocol):
    """Somebody who shows a recording."""

    def sampled(self, block: SampleBlock) -> None:
        """Take samples, to draw them."""
        ...

    def happened(self, event: dict[str, Any]) -> None:
        """Take an event of the session."""
        ...

    def remarked(self, remark: Remark) -> None:
        """Take something a person should know."""
        ...

    def progressed(self, session: Session, status: RecordStatus) -> None:
        """Draw; called ten times a second."""
        ...


@dataclass(frozen=True, slots=True)
class RecordEnd:
    """How a recording went, and the error that ended it, if one did."""

    status: RecordStatus
    error: BridgeError | None


class RecordLoop:
    """Connect a line, a decoder of its bytes, a session, a capture file and a view.

    Parameters
    ----------
    line, source, writer
        The parts, in the order data flow.
    session
        What the wearer is asked to do; with no steps, samples are kept without labels until told to stop.
    silence, checks
        Who watches the stream.
    view
        Who shows it.
    keys
        What reads the wearer's keys.
    arrived
        What came before the loop began.
    clock
        Seconds that only run forward.
    """

    def __init__(
        self,
        line: Transport | LineReader,
        source: SampleSource,
        writer: CaptureWriter,
        *,
        session: Session,
        silence: SilenceCheck,
        checks: StreamChecks,
        view: RecordView,
        keys: ReadKeys = lambda: "",
        arrived: Sequence[Arrival] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._line: Line = line if isinstance(line, LineReader) else DirectLine(line, clock=clock)
        self._arrived = arrived
        self._source = source
        self._writer = writer
        self._session = session
        self._silence = silence
        self._checks = checks
        self._view = view
        self._keys = keys
        self._clock = clock
        self._sensor_s: float | None = None
        self._quit = False

    def run(self, *, duration_s: float | None = None, stop: Callable[[], bool] = lambda: False) -> RecordEnd:
        """Record until the script is through, ``duration_s`` is over, ``stop`` says so, or the line is gone.

        Raises
        ------
        BridgeError
            When the disk is full, or the line fails in another way than being unplugged.
        """
        started_s = shown_s = self._clock()
        scripted = bool(self._session.steps)
        error = None
        for early in self._arrived:
            self._take(early)
        while not stop() and not self._quit and not (scripted and self._session.step is None):
            if duration_s is not None and self._clock() - started_s >= duration_s:
                break
            try:
                arrival = self._line.take(timeout_s=_READ_TIMEOUT_S)
            except BridgeError as gone:
                if not is_unplugged(gone):
                    raise
                error = gone
                break
            if arrival is None:
                self._wait()
            else:
                self._take(arrival)
            self._lead(self._clock())
            if self._clock() - shown_s >= _SHOWN_EVERY_S:
                shown_s = self._clock()
                self._view.progressed(self._session, self._status())
        self._keep(self._source.finish(self._clock()))
        self._happen(self._session.finish(sensor_s=self._sensor_s))
        self._writer.close()
        status = self._status()
        self._view.progressed(self._session, status)
        return RecordEnd(status, error)

    def _take(self, arrival: Arrival) -> None:
        """Act on what has come: news of the line, or bytes."""
        self._remark(arrival.remarks)
        if arrival.cut:
            self._keep(self._source.line_was_cut(arrival.arrived_s))
        if arrival.data:
            self._remark(self._silence.heard(arrival.arrived_s))
            self._keep(self._source.feed(arrival.data, arrival.arrived_s))
        self._line.write(self._source.outgoing())

    def _wait(self) -> None:
        """Act on nothing having come."""
        now_s = self._clock()
        remarks = self._silence.waited(now_s)
        if remarks:
            self._remark(remarks)
            self._keep(self._source.fell_silent(now_s))
            self._line.write(self._source.outgoing())

    def _lead(self, now_s: float) -> None:
        """Act on keys and on time."""
        for key in self._keys():
            self._quit = self._quit or key == _QUIT
            self._happen(self._session.press(key, sensor_s=self._sensor_s))
        self._happen(self._session.tick(host_s=now_s, sensor_s=self._sensor_s))
        self._writer.flush_if_due()

    def _keep(self, decoded: Decoded) -> None:
        """Write what was decoded."""
        self._remark(decoded.remarks)
        for block in decoded.blocks:
            self._writer.add(block)
            self._view.sampled(block)
            if len(block.times_s):
                self._sensor_s = float(block.times_s[-1])
        self._remark(self._checks.after_read(decoded.blocks, self._source.counts))

    def _happen(self, events: Sequence[dict[str, Any]]) -> None:
        """Write what the wearer did."""
        for event in events:
            self._writer.event(event)
            self._view.happened(event)

    def _remark(self, remarks: Sequence[Remark]) -> None:
        """Pass remarks on."""
        for remark in remarks:
            self._view.remarked(remark)

    def _status(self) -> RecordStatus:
        """Return how the recording stands."""
        rate = self._source.rate
        self._remark(self._checks.of_rate(rate))
        return RecordStatus(
            counts=dataclasses.replace(self._source.counts),
            rate=rate,
            samples_safe=self._writer.samples_safe,
            bytes_written=self._writer.bytes_written,
            silent=self._silence.silent,
        )
