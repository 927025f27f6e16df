"""The session of `har record`: keep every sample and lead the wearer through a script."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from edgehar.firmware_bridge.line.reader import Arrival, Line
from edgehar.firmware_bridge.line.transport import Transport
from edgehar.firmware_bridge.record.following import FollowingSensor
from edgehar.firmware_bridge.record.keys import ReadKeys
from edgehar.firmware_bridge.record.script import ScriptRunner
from edgehar.firmware_bridge.record.writer import CaptureWriter
from edgehar.firmware_bridge.session.loop import SessionLoop, StreamState
from edgehar.firmware_bridge.stream.checks import SilenceCheck, StreamChecks
from edgehar.firmware_bridge.stream.rate import RateEstimate
from edgehar.firmware_bridge.stream.samples import Remark, SampleBlock, SampleSource, StreamCounts
from edgehar.models.errors import BridgeError

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
    """What shows a recording to the wearer."""

    def sampled(self, block: SampleBlock) -> None:
        """Take samples, to draw them."""
        ...

    def happened(self, event: dict[str, Any]) -> None:
        """Take an event of the script."""
        ...

    def remarked(self, remark: Remark) -> None:
        """Take something a person should know."""
        ...

    def progressed(self, script: ScriptRunner, status: RecordStatus) -> None:
        """Draw; called ten times a second."""
        ...


@dataclass(frozen=True, slots=True)
class RecordEnd:
    """How a recording went, and the error that ended it, if one did."""

    status: RecordStatus
    error: BridgeError | None


class RecordLoop:
    """Connect a line, a decoder of its bytes, a script, a capture file and a view.

    Parameters
    ----------
    line, source, writer
        The parts, in the order data flow.
    script
        What the wearer is asked to do; with no steps, samples are kept without labels until told to stop.
    silence, checks
        What watches the stream.
    view
        What shows it.
    keys
        What reads the wearer's keys.
    arrived
        What came before the loop began.
    followers
        Sensors that are recorded beside it; they end with it.
    clock
        Seconds that only run forward.
    """

    def __init__(
        self,
        line: Transport | Line,
        source: SampleSource,
        writer: CaptureWriter,
        *,
        script: ScriptRunner,
        silence: SilenceCheck,
        checks: StreamChecks,
        view: RecordView,
        keys: ReadKeys = lambda: "",
        arrived: Sequence[Arrival] = (),
        followers: Sequence[FollowingSensor] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._recording = _Recording(writer, script, view, keys, followers)
        self._followers = followers
        self._loop = SessionLoop(
            line,
            source,
            self._recording,
            silence=silence,
            checks=checks,
            show_every_s=_SHOWN_EVERY_S,
            arrived=arrived,
            clock=clock,
        )

    def run(self, *, duration_s: float | None = None, stop: Callable[[], bool] = lambda: False) -> RecordEnd:
        """Record until the script is through, ``duration_s`` is over, ``stop`` says so, or the line is gone.

        Raises
        ------
        BridgeError
            When the disk is full, or the line fails in another way than being unplugged.
        """
        error = self._loop.run(duration_s=duration_s, stop=stop)
        self._recording.close()
        for follower in self._followers:
            follower.finish()
            for remark in follower.remarks():
                self._recording.remarked(remark)
        return RecordEnd(self._recording.show(self._loop.state), error)


class _Recording:
    """Keep the samples of a session and lead the wearer: the consumer of its blocks."""

    def __init__(
        self,
        writer: CaptureWriter,
        script: ScriptRunner,
        view: RecordView,
        keys: ReadKeys,
        followers: Sequence[FollowingSensor],
    ) -> None:
        self._followers = followers
        self._writer = writer
        self._script = script
        self._scripted = bool(script.steps)
        self._view = view
        self._keys = keys
        self._sensor_s: float | None = None
        self._quit = False

    @property
    def finished(self) -> bool:
        """Whether the script is through, or the wearer has ended it."""
        return self._quit or (self._scripted and self._script.step is None)

    def take(self, block: SampleBlock) -> None:
        """Keep samples."""
        self._writer.add(block)
        self._view.sampled(block)
        if len(block.times_s):
            self._sensor_s = float(block.times_s[-1])

    def remarked(self, remark: Remark) -> None:
        """Pass a remark on."""
        self._view.remarked(remark)

    def waited(self, now_s: float) -> None:
        """Act on keys and on time."""
        for key in self._keys():
            self._quit = self._quit or key == _QUIT
            self._keep_events(self._script.press(key, sensor_s=self._sensor_s))
        self._keep_events(self._script.tick(host_s=now_s, sensor_s=self._sensor_s))
        self._writer.flush_if_due()
        for follower in self._followers:
            for remark in follower.remarks():
                self._view.remarked(remark)

    def longest_rest_s(self, counts: StreamCounts, elapsed_s: float) -> float:
        """Return 0: every sample is kept as soon as it comes."""
        return 0.0

    def close(self) -> None:
        """End a take that runs, and reach the disk."""
        self._keep_events(self._script.finish(sensor_s=self._sensor_s))
        self._writer.close()

    def show(self, state: StreamState) -> RecordStatus:
        """Show how the recording stands."""
        status = RecordStatus(
            counts=state.counts,
            rate=state.rate,
            samples_safe=self._writer.samples_safe,
            bytes_written=self._writer.bytes_written,
            silent=state.silent,
        )
        self._view.progressed(self._script, status)
        return status

    def _keep_events(self, events: Sequence[dict[str, Any]]) -> None:
        """Keep what the wearer did."""
        for event in events:
            self._writer.event(event)
            self._view.happened(event)
            for follower in self._followers:
                follower.keep(event)
