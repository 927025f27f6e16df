"""A sensor that is recorded beside the first one: what the wearer does is kept in its capture too, on its own clock."""

import dataclasses
import queue
import threading
import time
from collections.abc import Sequence
from typing import Any, Final

from edgehar.firmware_bridge.line.reader import Arrival, Line
from edgehar.firmware_bridge.record.writer import CaptureWriter
from edgehar.firmware_bridge.session.loop import SessionLoop, StreamState
from edgehar.firmware_bridge.stream.checks import SilenceCheck, StreamChecks
from edgehar.firmware_bridge.stream.samples import Remark, SampleBlock, SampleSource, StreamCounts
from edgehar.models.errors import BridgeError

_SHOWN_EVERY_S: Final = 1.0


class FollowingSensor:
    """Record one sensor in a thread until told to finish.

    Parameters
    ----------
    name
        Of the sensor.
    line, source, writer
        The parts, in the order data flow.
    silence, checks
        What watches the stream.
    arrived
        What came before.
    """

    def __init__(
        self,
        name: str,
        line: Line,
        source: SampleSource,
        writer: CaptureWriter,
        *,
        silence: SilenceCheck,
        checks: StreamChecks,
        arrived: Sequence[Arrival] = (),
    ) -> None:
        self.name = name
        self.writer = writer
        self.error: BridgeError | None = None
        self._failure: BaseException | None = None
        self._consumer = _Following(writer)
        self._loop = SessionLoop(
            line,
            source,
            self._consumer,
            silence=silence,
            checks=checks,
            show_every_s=_SHOWN_EVERY_S,
            arrived=arrived,
            clock=time.monotonic,
        )
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"record {name}", daemon=True)
        self._thread.start()

    @property
    def state(self) -> StreamState:
        """How its stream stands."""
        return self._loop.state

    def keep(self, event: dict[str, Any]) -> None:
        """Keep what the wearer did, at the time of this sensor's newest sample."""
        self._consumer.events.put(event)

    def remarks(self) -> list[Remark]:
        """Return what is to be said of it since the last call.

        Raises
        ------
        BridgeError
            When its capture cannot be written, or the stream cannot be understood.
        """
        if self._failure is not None:
            raise self._failure
        said = []
        while not self._consumer.remarks.empty():
            remark = self._consumer.remarks.get()
            said.append(dataclasses.replace(remark, text=f"{self.name}: {remark.text}"))
        return said

    def finish(self) -> None:
        """End the recording, with every event in it."""
        self._done.set()
        self._thread.join()
        self._consumer.waited(time.monotonic())
        self.writer.close()

    def _run(self) -> None:
        """Record."""
        try:
            self.error = self._loop.run(stop=self._done.is_set)
            if self.error is not None:
                self._consumer.remarked(Remark(self.error.message, warning=True))
        except BaseException as failure:
            self._failure = failure


class _Following:
    """Keep samples and the events that are handed over: the consumer of its blocks."""

    finished: Final = False

    def __init__(self, writer: CaptureWriter) -> None:
        self.events: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self.remarks: queue.SimpleQueue[Remark] = queue.SimpleQueue()
        self._writer = writer
        self._sensor_s = 0.0

    def take(self, block: SampleBlock) -> None:
        """Keep samples."""
        self._writer.add(block)
        if len(block.times_s):
            self._sensor_s = float(block.times_s[-1])

    def remarked(self, remark: Remark) -> None:
        """Keep a remark for the one who shows them."""
        self.remarks.put(remark)

    def waited(self, now_s: float) -> None:
        """Keep the events that came."""
        while not self.events.empty():
            event = self.events.get()
            self._writer.event({**event, "t_s": round(self._sensor_s, 6)} if "t_s" in event else event)
        self._writer.flush_if_due()

    def longest_rest_s(self, counts: StreamCounts, elapsed_s: float) -> float:
        """Return 0: every sample is kept as soon as it comes."""
        return 0.0

    def show(self, state: StreamState) -> None:
        """Show nothing: the first sensor is in view."""
