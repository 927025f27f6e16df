"""A virtual sensor: plays labelled samples into a virtual port, in real time, faster, or as fast as they are read.

Nothing is dropped. While no reader has the port open, the recording waits; a reader that is too slow holds it up, and
the lag is measured; what a reader leaves unread when it closes the port is played again to the next one.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgehar.firmware_bridge.line.pseudo_terminal import VirtualPort
from edgehar.firmware_bridge.simulate.text_writer import LineWriter

SETTLE_S: Final = 0.2
"""A reader that has just opened the port still sets it up and empties its buffer; a board would boot meanwhile."""
_LONGEST_SLEEP_S: Final = 0.05
_CHUNK_SAMPLES: Final = 200
_DRAIN_TIMEOUT_S: Final = 5.0


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """Samples during which one activity was done; ``label`` is None where none is known.

    They are (n, 3), float32, in g, or (n, 6) with the turning rate in degrees/s behind it.
    """

    samples_g: NDArray[np.float32]
    label: str | None
    source: str


@dataclass(frozen=True, slots=True)
class SegmentStart:
    """A segment begins to play: from ``start_s`` to ``stop_s`` of the sensor's time, its first sample at 0."""

    start_s: float
    stop_s: float
    segment: Segment


@dataclass(frozen=True, slots=True)
class Played:
    """What a virtual sensor has done.

    ``samples`` were sent; ``unread`` bytes were left when it stopped; ``longest_lag_s`` is the most a slow reader held
    it up; ``readers`` is how many times the port was opened.
    """

    samples: int
    unread: int
    longest_lag_s: float
    readers: int


class VirtualSensor:
    """Play segments into a port.

    Parameters
    ----------
    port
        Where to write; it stays the caller's to close.
    segments
        What to play, in order.
    writer
        How samples look on the wire.
    rate_hz
        Rate of the sensor.
    speed
        How many times faster than real time; 0 is as fast as the reader takes it.
    loop
        Begin anew after the last segment.
    duration_s
        Stop after so many seconds of the sensor's time.
    on_segment
        Told when a segment begins.
    on_reader
        Told when the port is opened (True) and closed (False).
    """

    def __init__(
        self,
        port: VirtualPort,
        segments: Sequence[Segment],
        *,
        writer: LineWriter,
        rate_hz: float,
        speed: float = 1.0,
        loop: bool = False,
        duration_s: float | None = None,
        on_segment: Callable[[SegmentStart], None] = lambda start: None,
        on_reader: Callable[[bool], None] = lambda present: None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._port = port
        self._segments = segments
        self._writer = writer
        self._rate_hz = rate_hz
        self._speed = speed
        self._loop = loop
        self._on_segment = on_segment
        self._on_reader = on_reader
        self._clock = clock
        self._sleep = sleep
        self._samples = np.concatenate([segment.samples_g for segment in segments])
        self._bounds = np.cumsum([0, *(len(segment.samples_g) for segment in segments)])
        self._total: float = float("inf") if loop else len(self._samples)
        if duration_s is not None:
            self._total = min(self._total, round(duration_s * rate_hz))
        self._next = 0
        self._first_of_reader = 0
        self._origin_s: float | None = None
        self._announced = 0
        self._longest_lag_s = 0.0
        self._readers = 0

    def run(self, stop: Callable[[], bool] = lambda: False) -> Played:
        """Play until the end, or until ``stop`` says so; then wait for the reader to take what is left."""
        while self._next < self._total and not stop():
            if not self._port.has_reader():
                self._await_reader()
            elif self._origin_s is None:
                self._welcome(stop)
            else:
                self._play(self._origin_s, stop)
        unread = self._drain(stop)
        return Played(self._next, unread, self._longest_lag_s, self._readers)

    def _await_reader(self) -> None:
        """Wait a moment for a reader; when one has just left, take back what it did not read."""
        if self._origin_s is not None:
            self._origin_s = None
            unread_lines = self._port.take_back().count(b"\n")
            self._next = max(self._first_of_reader, self._next - unread_lines)
            self._on_reader(False)
        self._sleep(_LONGEST_SLEEP_S)

    def _welcome(self, stop: Callable[[], bool]) -> None:
        """Let a new reader settle, send it the header, and start its clock."""
        self._sleep(SETTLE_S)
        if self._send([self._writer.header], stop) == 0:
            return
        self._readers += 1
        self._first_of_reader = self._next
        self._origin_s = self._clock() - self._offset_s(self._next)
        self._on_reader(True)

    def _play(self, origin_s: float, stop: Callable[[], bool]) -> None:
        """Send the samples that are due, or sleep until one is."""
        now_s = self._clock()
        due = self._total
        if self._speed > 0:
            due = min(due, int((now_s - origin_s) * self._rate_hz * self._speed) + 1)
        if due <= self._next:
            wait_s = origin_s + self._offset_s(self._next) - now_s
            self._sleep(min(max(wait_s, 0.001), _LONGEST_SLEEP_S))
            return
        count = int(min(due - self._next, _CHUNK_SAMPLES, self._left_in_segment()))
        self._announce()
        first = self._next % len(self._samples)
        self._next += self._send(self._writer.lines(self._samples[first : first + count], first=self._next), stop)
        if self._speed > 0:
            lag_s = self._clock() - origin_s - self._offset_s(self._next - 1)
            self._longest_lag_s = max(self._longest_lag_s, lag_s)

    def _offset_s(self, index: int) -> float:
        """Return when a sample is due, after the first."""
        return index / (self._rate_hz * self._speed) if self._speed > 0 else 0.0

    def _segment_at(self, index: int) -> int:
        """Return which segment holds a sample."""
        return int(np.searchsorted(self._bounds, index % len(self._samples), side="right")) - 1

    def _left_in_segment(self) -> int:
        """Return how many samples of the current segment are still to come."""
        return int(self._bounds[self._segment_at(self._next) + 1]) - self._next % len(self._samples)

    def _announce(self) -> None:
        """Tell that a segment begins, once."""
        number = self._segment_at(self._next)
        starts_here = self._next % len(self._samples) == self._bounds[number]
        if not starts_here or self._next < self._announced:
            return
        self._announced = self._next + 1
        segment = self._segments[number]
        stop = min(self._next + len(segment.samples_g), self._total)
        self._on_segment(SegmentStart(self._next / self._rate_hz, stop / self._rate_hz, segment))

    def _send(self, lines: list[bytes], stop: Callable[[], bool]) -> int:
        """Send lines, however slowly they are read; return how many went out whole."""
        ends = np.cumsum([len(line) for line in lines])
        data = memoryview(b"".join(lines))
        sent = 0
        while sent < len(data):
            taken = self._port.send(bytes(data[sent:]), timeout_s=_LONGEST_SLEEP_S)
            sent += taken
            if not taken and (stop() or not self._port.has_reader()):
                break
        return int(np.searchsorted(ends, sent, side="right"))

    def _drain(self, stop: Callable[[], bool]) -> int:
        """Wait until the reader has taken everything, or takes nothing any more; return how many bytes are left."""
        if self._origin_s is None:
            return 0
        left, empty, changed_s = self._port.unread(), 0, self._clock()
        # Empty twice: the kernel may still hold bytes behind those that can be read.
        while empty < 2 and not stop() and self._port.has_reader() and self._clock() - changed_s < _DRAIN_TIMEOUT_S:
            self._sleep(_LONGEST_SLEEP_S / 2)
            before, left = left, self._port.unread()
            empty = 0 if left else empty + 1
            changed_s = self._clock() if left != before else changed_s
        return left
