"""The loop that live classification and recording share: read a line, decode it, watch it, until it ends.

One turn of the loop:

1. Read what the line has, or wait up to 0.1 s for it.
2. Tell the decoder if the line was cut, then give it the bytes. After two seconds without a byte, tell it so.
3. Compare what came with what the sensor should send, and pass remarks on.
4. Hand every decoded block to the consumer: this is the only step in which classifying and recording differ.
5. Write what the decoder has to say to the device, such as the question what it is.
6. Let the consumer act on time, and show the state a few times a second.

The loop ends when the duration is over, when it is told to stop, when the consumer is finished, or when the line is
unplugged and is not waited for.
"""

import dataclasses
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from edgehar.firmware_bridge.line.reader import Arrival, DirectLine, Line
from edgehar.firmware_bridge.line.transport import Transport, is_unplugged
from edgehar.firmware_bridge.stream.checks import SilenceCheck, StreamChecks
from edgehar.firmware_bridge.stream.rate import RateEstimate
from edgehar.firmware_bridge.stream.samples import Decoded, Remark, SampleBlock, SampleSource, StreamCounts
from edgehar.models.errors import BridgeError
from edgehar.models.units import Unit

_READ_TIMEOUT_S: Final = 0.1
_MOST_BYTES_AT_ONCE: Final = 4096
"""A megabyte that waited must not hold up the end of a session."""
_RATE_CHECKED_EVERY_S: Final = 0.2
"""Measuring the rate costs more than a read."""


@dataclass(frozen=True, slots=True)
class StreamState:
    """How the stream of a session stands.

    Parameters
    ----------
    elapsed_s
        Seconds since the loop began.
    counts
        What has come so far.
    rate
        The measured rate; None until there is enough to measure.
    silent
        Whether nothing has arrived for two seconds.
    """

    elapsed_s: float
    counts: StreamCounts
    rate: RateEstimate | None
    silent: bool


class BlockConsumer(Protocol):
    """What a session does with the samples: live classification labels them, recording keeps them."""

    @property
    def finished(self) -> bool:
        """Whether the session is complete and the loop should end."""
        ...

    def take(self, block: SampleBlock) -> None:
        """Take decoded samples."""
        ...

    def remarked(self, remark: Remark) -> None:
        """Take something a person should know."""
        ...

    def waited(self, now_s: float) -> None:
        """Act on time; called after every read, whether it brought bytes or not."""
        ...

    def longest_rest_s(self, counts: StreamCounts, elapsed_s: float) -> float:
        """Return how long the line may be left alone, after so much has come in so many seconds."""
        ...

    def show(self, state: StreamState) -> object:
        """Show how the session stands."""
        ...


class SessionLoop:
    """Read a line and hand its samples to a consumer.

    Parameters
    ----------
    line, source, consumer
        The parts, in the order data flow.
    silence, checks
        What watches the stream.
    show_every_s
        Seconds between two calls of the consumer's ``show``.
    arrived
        What came before the loop began.
    clock
        Seconds that only run forward.
    """

    def __init__(
        self,
        line: Transport | Line,
        source: SampleSource,
        consumer: BlockConsumer,
        *,
        silence: SilenceCheck,
        checks: StreamChecks,
        show_every_s: float,
        arrived: Sequence[Arrival] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._line: Line = line if isinstance(line, Line) else DirectLine(line, clock=clock)
        self._source = source
        self._consumer = consumer
        self._silence = silence
        self._checks = checks
        self._show_every_s = show_every_s
        self._arrived = arrived
        self._clock = clock
        self._started_s = clock()
        self._rate_checked_s = -math.inf
        self._duration_s: float | None = None

    @property
    def state(self) -> StreamState:
        """How the stream stands."""
        counts = dataclasses.replace(self._source.counts)
        return StreamState(self._clock() - self._started_s, counts, self._source.rate, self._silence.silent)

    @property
    def unit(self) -> Unit | None:
        """The unit in which the device sends, once it is known."""
        return self._source.unit

    @property
    def doubts(self) -> tuple[str, ...]:
        """What is doubtful about the samples now."""
        return self._checks.doubts

    def expect(self, checks: StreamChecks) -> None:
        """Compare the stream with other expectations from now on: the device has said what it is."""
        self._checks = checks

    def run(self, *, duration_s: float | None = None, stop: Callable[[], bool] = lambda: False) -> BridgeError | None:
        """Run until the end; return the error of a line that was unplugged, if that was the end.

        Raises
        ------
        BridgeError
            When the line fails in another way than being unplugged, or the consumer fails.
        """
        self._started_s = shown_s = self._clock()
        self._duration_s = duration_s
        error = None
        for arrival in self._arrived:
            self._act_on(arrival)
        while not (stop() or self._consumer.finished or self._is_late()):
            try:
                self._turn()
            except BridgeError as gone:
                if not is_unplugged(gone):
                    raise
                error = gone
                break
            if self._clock() - shown_s >= self._show_every_s:
                shown_s = self._clock()
                self._consumer.show(self.state)
        if error is None and not self._consumer.finished and not self._is_late():
            self._take_the_rest()
        self._hand_on(self._source.finish(self._clock()))
        if error is None:
            self._line.write(self._source.outgoing())
        self._check_rate(at_once=True)
        return error

    def _is_late(self) -> bool:
        """Return whether the session has lasted as long as it should."""
        return self._duration_s is not None and self._clock() - self._started_s >= self._duration_s

    def _turn(self) -> None:
        """Read once and act on what came, or on nothing having come."""
        arrival = self._line.take(timeout_s=_READ_TIMEOUT_S)
        if arrival is not None:
            self._act_on(arrival)
        else:
            self._act_on_silence()
        self._consumer.waited(self._clock())

    def _take_the_rest(self) -> None:
        """Act on what had arrived when the session was told to stop: none of it is lost."""
        try:
            arrival = self._line.take(timeout_s=0.0)
        except BridgeError as gone:
            if not is_unplugged(gone):
                raise
            return
        if arrival is not None:
            self._act_on(arrival)

    def _act_on(self, arrival: Arrival) -> None:
        """Act on what has come: news of the line, or bytes."""
        self._remark(arrival.remarks)
        if arrival.cut:
            self._hand_on(self._source.line_was_cut(arrival.arrived_s))
        if arrival.data:
            self._remark(self._silence.heard(arrival.arrived_s))
        for start in range(0, len(arrival.data), _MOST_BYTES_AT_ONCE):
            if start and self._is_late():
                break
            part = arrival.data[start : start + _MOST_BYTES_AT_ONCE]
            self._hand_on(self._source.feed(part, arrival.arrived_s))
        self._line.write(self._source.outgoing())
        self._line.rest(self._consumer.longest_rest_s(self._source.counts, self._clock() - self._started_s))

    def _act_on_silence(self) -> None:
        """Act on nothing having come."""
        now_s = self._clock()
        remarks = self._silence.waited(now_s)
        if remarks:
            self._remark(remarks)
            self._hand_on(self._source.fell_silent(now_s))
            self._line.write(self._source.outgoing())

    def _hand_on(self, decoded: Decoded) -> None:
        """Hand decoded samples and remarks to the consumer, and check them; a wrong rate is said before any label."""
        self._remark(decoded.remarks)
        self._check_rate()
        self._remark(self._checks.after_read(decoded.blocks, self._source.counts, self._source.unit))
        for block in decoded.blocks:
            self._consumer.take(block)

    def _check_rate(self, *, at_once: bool = False) -> None:
        """Compare the measured rate with the declared one, a few times a second."""
        now_s = self._clock()
        if at_once or now_s - self._rate_checked_s >= _RATE_CHECKED_EVERY_S:
            self._rate_checked_s = now_s
            self._remark(self._checks.of_rate(self._source.rate))

    def _remark(self, remarks: Sequence[Remark]) -> None:
        """Pass remarks on."""
        for remark in remarks:
            self._consumer.remarked(remark)
