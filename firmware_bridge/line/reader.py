"""A thread that reads a line, so that a slow classifier never holds it up; it reopens a line that was unplugged.

What has been read waits in a queue of bounded size. When the queue is full the oldest bytes are thrown away, and the
next arrival says so: sample numbers then tell exactly what was lost.
"""

import contextlib
import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol, runtime_checkable

from edgehar.firmware_bridge.line.transport import Transport, is_unplugged
from edgehar.firmware_bridge.stream.samples import Remark
from edgehar.models.errors import BridgeError

MOST_QUEUED_BYTES: Final = 1 << 20
"""Two minutes of text at 115,200 baud."""
FIRST_DELAY_S: Final = 0.1
LONGEST_DELAY_S: Final = 1.0
"""A port is looked for at least so often: it is found within a second after it is there."""
_READ_TIMEOUT_S: Final = 0.1
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Arrival:
    """Bytes of a line, and when they were read.

    ``cut`` tells that the line was gone or bytes were thrown away just before; ``remarks`` are for the person.
    """

    data: bytes
    arrived_s: float
    cut: bool = False
    remarks: tuple[Remark, ...] = ()


@runtime_checkable
class Line(Protocol):
    """A line whose bytes come with the time they were read, and with the news of it."""

    @property
    def name(self) -> str:
        """What the line is called in messages."""
        ...

    def take(self, *, timeout_s: float) -> Arrival | None:
        """Return what has come, or None when nothing came in time.

        Raises
        ------
        BridgeError
            When the line is gone for good.
        """
        ...

    def write(self, data: bytes) -> None:
        """Send bytes."""
        ...

    def rest(self, seconds: float) -> None:
        """Take note that what comes in the next so many seconds is not needed before they are over."""
        ...


class DirectLine:
    """A line that is read on request, without a thread.

    Parameters
    ----------
    transport
        The line.
    clock
        Seconds that only run forward.
    """

    def __init__(self, transport: Transport, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.name = transport.name
        self._transport = transport
        self._clock = clock

    def take(self, *, timeout_s: float) -> Arrival | None:
        """Return what one read brings."""
        data = self._transport.read(timeout_s=timeout_s)
        return Arrival(data, self._clock()) if data else None

    def write(self, data: bytes) -> None:
        """Send bytes."""
        if data:
            self._transport.write(data)

    def rest(self, seconds: float) -> None:
        """Do nothing: this line is only read on request."""


class LineReader:
    """Read a line in a thread of its own.

    Parameters
    ----------
    transport
        The line; it is the reader's to close.
    reopen
        Opens the line anew after it was unplugged, raising BridgeError while it is not there; None to give up then.
    most_bytes
        Largest number of bytes that wait.
    clock
        Seconds that only run forward.

    Examples
    --------
    >>> from edgehar.firmware_bridge.line.transport import MemoryTransport
    >>> reader = LineReader(MemoryTransport([b"0,0,1\\n"]))
    >>> reader.take(timeout_s=5.0).data
    b'0,0,1\\n'
    >>> reader.close()
    """

    def __init__(
        self,
        transport: Transport,
        *,
        reopen: Callable[[], Transport] | None = None,
        most_bytes: int = MOST_QUEUED_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = transport.name
        self._transport: Transport | None = transport
        self._reopen = reopen
        self._most_bytes = most_bytes
        self._clock = clock
        self._queue: deque[Arrival] = deque()
        self._queued_bytes = 0
        self._thrown_away = 0
        self._error: BridgeError | None = None
        self._rest_until_s = -math.inf
        self._changed = threading.Condition()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"read {self.name}", daemon=True)
        self._thread.start()

    @property
    def thrown_away(self) -> int:
        """Bytes thrown away because the queue was full."""
        return self._thrown_away

    @property
    def queued_bytes(self) -> int:
        """Bytes that wait."""
        return self._queued_bytes

    def take(self, *, timeout_s: float) -> Arrival | None:
        """Return everything that came since the last call, up to the next cut; None when nothing came in time.

        Raises
        ------
        BridgeError
            When the line has failed, will not be opened again, and everything that came was taken.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._queue or self._error is not None, timeout_s):
                return None
            if not self._queue:
                raise self._error or BridgeError(f"{self.name}: the line has failed", port=self.name)
            first = self._queue.popleft()
            taken = [first.data]
            arrived_s = first.arrived_s
            while self._queue and not self._queue[0].cut and not self._queue[0].remarks:
                arrival = self._queue.popleft()
                taken.append(arrival.data)
                arrived_s = arrival.arrived_s
            data = b"".join(taken)
            self._queued_bytes -= len(data)
            return Arrival(data, arrived_s, first.cut, first.remarks)

    def write(self, data: bytes) -> None:
        """Send bytes if the line is there; a question that is lost is asked again by its sender."""
        transport = self._transport
        if data and transport is not None:
            with contextlib.suppress(BridgeError):
                transport.write(data)

    def rest(self, seconds: float) -> None:
        """Leave what comes in the next so many seconds in the driver's buffer: waking up costs the most."""
        self._rest_until_s = self._clock() + seconds

    def close(self) -> None:
        """Stop reading, and give the line back."""
        self._stop.set()
        if self._thread is not threading.current_thread():
            self._thread.join()
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    def _run(self) -> None:
        """Read until told to stop, or the line is gone for good."""
        while not self._stop.is_set():
            transport = self._transport
            if transport is None:
                return
            self._stop.wait(max(0.0, self._rest_until_s - self._clock()))
            try:
                data = transport.read(timeout_s=_READ_TIMEOUT_S)
            except BridgeError as error:
                if self._reopen is None or not is_unplugged(error):
                    self._fail(error)
                    return
                self._transport = None
                with contextlib.suppress(BridgeError, OSError):
                    transport.close()
                self._await_line(self._reopen)
                continue
            if data:
                self._put(Arrival(data, self._clock()))

    def _await_line(self, reopen: Callable[[], Transport]) -> None:
        """Open the line again when it is there again."""
        gone_s = self._clock()
        text = f"{self.name}: the device was unplugged; waiting for it"
        self._put(Arrival(b"", gone_s, cut=True, remarks=(Remark(text, warning=True),)))
        delay_s, reason = FIRST_DELAY_S, ""
        while not self._stop.wait(delay_s):
            delay_s = min(2 * delay_s, LONGEST_DELAY_S)
            try:
                self._transport = reopen()
            except BridgeError as error:
                if error.details.get("reason") not in ("missing", reason):
                    reason = str(error.details.get("reason"))
                    self._put(Arrival(b"", self._clock(), remarks=(Remark(str(error), warning=True),)))
                _log.debug("%s", error)
                continue
            self.name = self._transport.name
            text = f"{self.name}: the device is there again after {self._clock() - gone_s:.1f} s"
            self._put(Arrival(b"", self._clock(), cut=True, remarks=(Remark(text),)))
            return

    def _put(self, arrival: Arrival) -> None:
        """Queue an arrival, throwing the oldest bytes away where there is no room."""
        with self._changed:
            self._queue.append(arrival)
            self._queued_bytes += len(arrival.data)
            if self._queued_bytes > self._most_bytes:
                self._make_room()
            self._changed.notify_all()

    def _make_room(self) -> None:
        """Throw the oldest half away, so that one hole is made and not many, and say so."""
        remarks: list[Remark] = []
        lost = 0
        while self._queue and self._queued_bytes > self._most_bytes // 2:
            oldest = self._queue.popleft()
            self._queued_bytes -= len(oldest.data)
            lost += len(oldest.data)
            remarks += oldest.remarks
        self._thrown_away += lost
        text = f"{self.name}: more arrives than can be classified; {lost:,} bytes were thrown away"
        remarks.append(Remark(text, warning=True))
        self._queue.appendleft(Arrival(b"", self._clock(), cut=True, remarks=tuple(remarks)))

    def _fail(self, error: BridgeError) -> None:
        """Tell the reader that nothing more will come."""
        with self._changed:
            self._error = error
            self._changed.notify_all()
