"""Sample blocks out of text lines: units, time, plausibility, and an exact account of what is known to be missing."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from edgehar.firmware_bridge.stream.device_clock import DeviceClock
from edgehar.firmware_bridge.stream.rate import RateEstimate, RateMeter
from edgehar.firmware_bridge.stream.samples import Decoded, Remark, SampleBlock, StreamCounts
from edgehar.firmware_bridge.text.columns import COUNTER, SECONDS_PER_TICK, TextLayout
from edgehar.firmware_bridge.text.lines import (
    Damaged,
    Header,
    LayoutFound,
    LineEvent,
    Note,
    Sample,
    Skipped,
    TextLineParser,
)
from edgehar.models.units import Unit

PLAUSIBLE_G: Final = 100.0
"""No wearable accelerometer measures more; a larger value is a damaged line or a wrong unit."""
_REMARKS_PER_KIND: Final = 5


@dataclass(slots=True)
class _Run:
    """Samples in a row, as yet in the unit of the device."""

    values: list[tuple[float, float, float]] = field(default_factory=list)
    times_s: list[float] = field(default_factory=list)
    lost: int = 0
    continues: bool = True


class TextSource:
    """Decode a text stream into sample blocks.

    With a time column, missing samples are counted from it. Without one, every damaged line counts as one lost sample,
    and a line that vanished whole cannot be known: the source says so once.

    Parameters
    ----------
    unit
        Unit of the numbers, as declared by the user.
    rate_hz
        Declared sample rate.

    Examples
    --------
    >>> from edgehar.models.units import parse_unit
    >>> source = TextSource(unit=parse_unit("m/s2"), rate_hz=100.0)
    >>> decoded = source.feed(b"x y z\\n0 0 9.80665\\n0 0 oops\\n0 0 0\\n", arrived_s=0.0)
    >>> [(block.samples_g.tolist(), block.lost, block.continues) for block in decoded.blocks]
    [([[0.0, 0.0, 1.0]], 0, True), ([[0.0, 0.0, 0.0]], 1, False)]
    """

    def __init__(self, *, unit: Unit, rate_hz: float) -> None:
        self._unit = unit
        self._rate_hz = rate_hz
        self._parser = TextLineParser(rate_hz=rate_hz)
        self._clock: DeviceClock | None = None
        self._device_times = False
        self._meter = RateMeter(by_device=False)
        self._counts = StreamCounts()
        self._limit = PLAUSIBLE_G * unit.per_g
        self._run = _Run()
        self._remarks: list[Remark] = []
        self._said: dict[str, int] = {}
        self._time_s = 0.0
        self._base_s = 0.0
        self._taken = 0

    @property
    def counts(self) -> StreamCounts:
        """What has come so far."""
        return self._counts

    @property
    def rate(self) -> RateEstimate | None:
        """The measured rate: by the device's clock where there is one, else by the time of arrival."""
        return self._meter.estimate()

    def feed(self, data: bytes, arrived_s: float) -> Decoded:
        """Take the bytes of one read."""
        self._counts.bytes_read += len(data)
        return self._decode(self._parser.feed(data), arrived_s)

    def finish(self, arrived_s: float) -> Decoded:
        """Give up what was held back, at the end of the stream."""
        return self._decode(self._parser.finish(), arrived_s)

    def fell_silent(self, now_s: float) -> Decoded:
        """Take note that nothing has come for long; without a time column, what follows may not continue it."""
        if self._clock is not None or not self._counts.samples:
            return Decoded()
        self._break()
        blocks: list[SampleBlock] = []
        self._close_run(blocks, now_s)
        text = "how many samples the silence hides cannot be known, so the window begins anew"
        return Decoded(blocks, [Remark(text, warning=True)])

    def line_was_cut(self, now_s: float) -> Decoded:
        """Take note that the line was gone: what follows may begin in the middle of a line, or be another device's."""
        ended = self.finish(now_s)
        self._parser.rejoin()
        blocks = list(ended.blocks)
        if self._counts.samples:
            self._break()
            self._close_run(blocks, now_s)
        return Decoded(blocks, ended.remarks)

    def outgoing(self) -> bytes:
        """Return nothing: a device that prints lines is not written to."""
        return b""

    def _decode(self, events: list[LineEvent], arrived_s: float) -> Decoded:
        """Turn parser events into blocks."""
        blocks: list[SampleBlock] = []
        for event in events:
            if isinstance(event, Sample):
                self._take(event, blocks, arrived_s)
            else:
                self._note(event, blocks, arrived_s)
        self._close_run(blocks, arrived_s)
        if self._counts.samples and not self._device_times:
            self._meter.observe(count=self._counts.samples + self._counts.lost, time_s=arrived_s)
        remarks, self._remarks = self._remarks, []
        return Decoded(blocks, remarks)

    def _take(self, sample: Sample, blocks: list[SampleBlock], arrived_s: float) -> None:
        """Add one sample to the run, unless it cannot be true; start a new run after a loss."""
        largest = max(abs(sample.x), abs(sample.y), abs(sample.z))
        if largest > self._limit:
            self._implausible(largest, blocks, arrived_s)
            return
        if self._clock is None or sample.tick is None:
            self._time_s = self._base_s + self._taken / self._rate_hz
            self._taken += 1
        else:
            step = self._clock.advance(sample.tick)
            if not step.usable:
                self._set_aside(step.repeated)
                return
            self._time_s = step.time_s
            if step.lost or step.restarted:
                self._hole(step.lost, blocks, arrived_s)
            if step.restarted:
                # The news of the loss goes ahead: what follows comes after a hole of which only a part is known.
                self._close_run(blocks, arrived_s)
                self._run.continues = False
                self._counts.restarts += 1
        self._counts.samples += 1
        self._run.values.append((sample.x, sample.y, sample.z))
        self._run.times_s.append(self._time_s)
        if self._device_times:
            self._meter.observe(count=self._counts.samples + self._counts.lost, time_s=self._time_s)

    def _note(self, event: LineEvent, blocks: list[SampleBlock], arrived_s: float) -> None:
        """Act on everything in the stream that is not a sample."""
        match event:
            case LayoutFound(layout):
                self._close_run(blocks, arrived_s)
                self._adopt(layout)
            case Damaged(reason, text):
                self._damaged(f"damaged line: {reason}: {text!r}", blocks, arrived_s)
            case Header():
                if self._counts.samples:
                    self._say("the device sent its header again: it has restarted", kind="restart", warning=True)
                    self._close_run(blocks, arrived_s)
                    self._break()
                    if self._clock is not None:
                        self._clock.announce_restart()
            case Note(text):
                self._say(f"the device says: {text}", kind="note")
            case Skipped(count):
                self._say(f"joined in the middle of a line: its {count} bytes are skipped", kind="skipped")

    def _adopt(self, layout: TextLayout) -> None:
        """Read the columns as they were found, and say what that means."""
        self._say(f"text lines, {layout}", kind="layout")
        if self._counts.samples:
            self._break()
            self._base_s, self._taken = self._time_s + 1.0 / self._rate_hz, 0
        self._clock, self._device_times = None, False
        if layout.shows_loss and layout.time_unit is not None:
            counter = layout.time_unit == COUNTER
            tick_s = 1.0 / self._rate_hz if counter else SECONDS_PER_TICK[layout.time_unit]
            period_ticks = layout.period or 1.0 / (tick_s * self._rate_hz)
            self._clock = DeviceClock(tick_s=tick_s, period_ticks=period_ticks, origin_s=self._base_s)
            self._device_times = not counter
            self._meter = RateMeter(by_device=self._device_times)
            return
        why = "several samples share a time" if layout.time_repeats else "the lines carry no time"
        self._say(
            f"{why}: a line that is lost whole cannot be noticed, only damaged lines count as lost",
            kind="blind",
            warning=True,
        )

    def _damaged(self, text: str, blocks: list[SampleBlock], arrived_s: float, *, kind: str = "damaged") -> None:
        """Count a damaged line; without a device clock it stands for one lost sample."""
        self._counts.damaged += 1
        self._say(text, kind=kind, warning=True)
        if self._clock is None and self._counts.samples:
            self._taken += 1
            self._hole(1, blocks, arrived_s)

    def _implausible(self, largest: float, blocks: list[SampleBlock], arrived_s: float) -> None:
        """Refuse a sample that no accelerometer can have measured."""
        self._counts.implausible += 1
        text = (
            f"a sample of {largest / self._unit.per_g:.4g} g cannot be true and counts as damaged; if all are like "
            f"this, the sensor does not send {self._unit.name}"
        )
        self._damaged(text, blocks, arrived_s, kind="implausible")

    def _set_aside(self, repeated: bool) -> None:
        """Count a sample whose time repeats or cannot be true."""
        if repeated:
            self._counts.repeated += 1
            self._say("a sample came twice, with the same time; it is used once", kind="repeated", warning=True)
        else:
            self._counts.damaged += 1
            self._say("a sample's time does not follow the one before", kind="time", warning=True)

    def _break(self) -> None:
        """End the run at a hole of unknown size."""
        self._counts.restarts += 1
        self._run.continues = False
        if not self._device_times:
            self._meter.restart()

    def _hole(self, lost: int, blocks: list[SampleBlock], arrived_s: float) -> None:
        """End the run at a loss."""
        self._close_run(blocks, arrived_s)
        self._counts.lost += lost
        self._run.lost += lost
        self._run.continues = False

    def _close_run(self, blocks: list[SampleBlock], arrived_s: float) -> None:
        """Hand the run on as a block, if it holds samples or news of a loss."""
        run = self._run
        if not run.values and not run.lost and run.continues:
            return
        samples_g = self._unit.to_g(np.array(run.values, np.float64).reshape(-1, 3))
        times_s = np.array(run.times_s, np.float64)
        blocks.append(SampleBlock(samples_g, times_s, arrived_s, lost=run.lost, continues=run.continues))
        self._run = _Run()

    def _say(self, text: str, *, kind: str, warning: bool = False) -> None:
        """Remark on something, a few times for each kind."""
        said = self._said[kind] = self._said.get(kind, 0) + 1
        last = 1 if kind == "implausible" else _REMARKS_PER_KIND
        if said <= last:
            more = " (more of this kind are counted, not shown)" if said == last > 1 else ""
            self._remarks.append(Remark(text + more, warning))
