"""One line that several sessions read: two sensors on one board. Each session gets every byte."""

import threading
from collections import deque
from typing import Final

from edgehar.firmware_bridge.line.reader import MOST_QUEUED_BYTES, Arrival, Line
from edgehar.firmware_bridge.stream.samples import Remark
from edgehar.models.errors import BridgeError

_TICK_S: Final = 0.1


class SharedLine:
    """Read a line in a thread and give what comes to several branches.

    Parameters
    ----------
    line
        The line; it stays the caller's to close, after this.
    branches
        How many sessions read it.

    Examples
    --------
    >>> from edgehar.firmware_bridge.line.reader import DirectLine
    >>> from edgehar.firmware_bridge.line.transport import MemoryTransport
    >>> shared = SharedLine(DirectLine(MemoryTransport([b"0,0,1\\n"])), branches=2)
    >>> [branch.take(timeout_s=5.0).data for branch in shared.branches]
    [b'0,0,1\\n', b'0,0,1\\n']
    >>> shared.close()
    """

    def __init__(self, line: Line, *, branches: int) -> None:
        self._line = line
        self.branches = tuple(Branch(line.name) for _ in range(branches))
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"share {line.name}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Read no more; closing twice is fine."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        """Hand on what comes, until told to stop or the line is gone."""
        while not self._stop.is_set():
            try:
                arrival = self._line.take(timeout_s=_TICK_S)
            except BridgeError as error:
                for branch in self.branches:
                    branch.end(error)
                return
            if arrival is not None:
                for number, branch in enumerate(self.branches):
                    branch.put(arrival, remarks=arrival.remarks if number == 0 else ())


class Branch:
    """What one session reads of a shared line; nothing is written to it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._queue: deque[Arrival] = deque()
        self._queued_bytes = 0
        self._error: BridgeError | None = None
        self._changed = threading.Condition()

    def put(self, arrival: Arrival, *, remarks: tuple[Remark, ...] = ()) -> None:
        """Queue what has come; where there is no room, the oldest half is thrown away, and that is said."""
        with self._changed:
            self._queue.append(Arrival(arrival.data, arrival.arrived_s, arrival.cut, remarks))
            self._queued_bytes += len(arrival.data)
            if self._queued_bytes > MOST_QUEUED_BYTES:
                lost = 0
                while self._queue and self._queued_bytes > MOST_QUEUED_BYTES // 2:
                    oldest = self._queue.popleft()
                    self._queued_bytes -= len(oldest.data)
                    lost += len(oldest.data)
                text = f"{self.name}: more arrives than can be classified; {lost:,} bytes were thrown away"
                said = Arrival(b"", arrival.arrived_s, cut=True, remarks=(Remark(text, warning=True),))
                self._queue.appendleft(said)
            self._changed.notify_all()

    def end(self, error: BridgeError) -> None:
        """Let `take` raise an error once everything is taken."""
        with self._changed:
            self._error = error
            self._changed.notify_all()

    def take(self, *, timeout_s: float) -> Arrival | None:
        """Return the next arrival, or None when nothing came in time.

        Raises
        ------
        BridgeError
            When the line is gone and everything that came was taken.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._queue or self._error is not None, timeout_s):
                return None
            if self._queue:
                arrival = self._queue.popleft()
                self._queued_bytes -= len(arrival.data)
                return arrival
            raise self._error or BridgeError(f"{self.name}: the line has failed", port=self.name)

    def write(self, data: bytes) -> None:
        """Write nothing: a device that prints lines is not written to."""

    def rest(self, seconds: float) -> None:
        """Do nothing: another session may need what comes."""
