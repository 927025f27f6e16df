"""Sample blocks out of text lines: units, time, plausibility, and an exact account of what is known to be missing.

A unit that nobody has declared is taken from the names in the stream, or from gravity: samples wait for a second until
their mean vector says which unit they are in. So they do until a rate that nobody has declared is measured. It is
adopted at once if it is off by a tenth, else once it has been steady for five seconds. What cannot be told is asked, by
an error that names the option that answers it.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from edgehar.firmware_bridge.stream.device_clock import DeviceClock
from edgehar.firmware_bridge.stream.rate import RateEstimate, RateMeter
from edgehar.firmware_bridge.stream.samples import Decoded, Remark, SampleBlock, StreamCounts
from edgehar.firmware_bridge.text.events import (
    Damaged,
    Header,
    LayoutFound,
    LineEvent,
    Missing,
    Note,
    Sample,
    Skipped,
    Unread,
)
from edgehar.firmware_bridge.text.layout import TextLayout
from edgehar.firmware_bridge.text.learning import Question
from edgehar.firmware_bridge.text.lines import TextLineParser
from edgehar.firmware_bridge.text.questions import column_question, too_slow, unit_question
from edgehar.firmware_bridge.text.selection import SensorSelection
from edgehar.firmware_bridge.text.ticks import COUNTER, SECONDS_PER_TICK
from edgehar.models.sensing.gravity import describe_unit, guess_unit
from edgehar.models.units import Unit, parse_unit

PLAUSIBLE_G: Final = 100.0
"""No wearable accelerometer measures more; a larger value is a damaged line or a wrong unit."""
_REMARKS_PER_KIND: Final = 5
_UNIT_WAITS_S: Final = (1.0, 2.0, 4.0)
"""After so many seconds of samples, gravity is looked for; after the last, a person is asked."""
_FEWEST_UNIT_ROWS: Final = 20
_RESTART_PAUSE_S: Final = 0.4
"""A device that restarts says nothing for longer; one that prints its header now and then does not."""
_ADOPTED_SPAN_S: Final = 5.0
_GROSS_RATE_ERROR: Final = 0.1
_GROSS_SIGMAS: Final = 8.0
"""A rate that is off by so much is adopted as soon as it is measured, before it can spoil a window."""
_FASTEST_FACTOR: Final = 40.0
"""Lines that come faster are read from a file, and their rate is none."""
_MOST_WAITING: Final = 4096
_WORDY_LINES: Final = 100
"""After so many lines without numbers a person is told what is expected."""
_ADOPTED_TOLERANCE: Final = 0.02
_ADOPTED_SIGMAS: Final = 4.0


@dataclass(slots=True)
class _Run:
    """Samples in a row, as yet in the unit of the device."""

    values: list[tuple[float, ...]] = field(default_factory=list)
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
        Unit of the numbers, as a person has declared it; None to find it out.
    rate_hz
        Sample rate, declared or expected.
    columns
        Names or numbers (from 1) of x, y and z, as a person has declared them; None to find out. Of six, the last three
        are the turning rate about x, y and z.
    turning_scale
        Degrees per second in one of the turning rate's numbers.
    selection
        Which sensor is wanted where there are several.
    adopts_rate
        Whether a steady measured rate replaces ``rate_hz`` where lines carry no time: not if a person has declared it.
    slowest_hz
        The lowest rate that is adopted; a sensor that sends less often is refused.

    Examples
    --------
    >>> from edgehar.models.units import parse_unit
    >>> source = TextSource(unit=parse_unit("m/s2"), rate_hz=100.0)
    >>> decoded = source.feed(b"x y z\\n0 0 9.80665\\n0 0 oops\\n0 0 0\\n", arrived_s=0.0)
    >>> [(block.samples_g.tolist(), block.lost, block.continues) for block in decoded.blocks]
    [([[0.0, 0.0, 1.0]], 0, True), ([[0.0, 0.0, 0.0]], 1, False)]
    """

    def __init__(
        self,
        *,
        unit: Unit | None,
        rate_hz: float,
        columns: tuple[str, ...] | None = None,
        turning_scale: float = 1.0,
        selection: SensorSelection | None = None,
        adopts_rate: bool = False,
        slowest_hz: float = 0.0,
    ) -> None:
        self._declared_unit = self._unit = unit
        self._rate_hz = rate_hz
        self._adopts_rate = adopts_rate
        self._slowest_hz = slowest_hz
        self._turning_scale = turning_scale
        self._width = 3 if columns is None else len(columns)
        self._adopted_hz: float | None = None
        self._parser = TextLineParser(rate_hz=rate_hz, columns=columns, selection=selection)
        self._waiting: list[tuple[LineEvent, float]] = []
        self._waits = 0
        self._heard_s: float | None = None
        self._clock: DeviceClock | None = None
        self._device_times = False
        self._meter = RateMeter(by_device=False)
        self._counts = StreamCounts()
        self._run = _Run()
        self._remarks: list[Remark] = []
        self._said: dict[str, int] = {}
        self._time_s = 0.0
        self._base_s = 0.0
        self._taken = 0
        self._wordy = 0

    @property
    def counts(self) -> StreamCounts:
        """What has come so far."""
        return self._counts

    @property
    def rate(self) -> RateEstimate | None:
        """The measured rate: by the device's clock where there is one, else by the time of arrival."""
        return self._meter.estimate()

    @property
    def unit(self) -> Unit | None:
        """The unit of the numbers, once it is known."""
        return self._unit

    def feed(self, data: bytes, arrived_s: float) -> Decoded:
        """Take the bytes of one read.

        Raises
        ------
        BridgeError
            When it cannot be told which numbers are acceleration, or in which unit; it names the option that says so.
        """
        self._counts.bytes_read += len(data)
        decoded = self._decode(self._parser.feed(data), arrived_s)
        self._heard_s = arrived_s
        return decoded

    def finish(self, arrived_s: float) -> Decoded:
        """Give up what was held back, at the end of the stream."""
        events = self._parser.finish()
        questions = [event for event in events if isinstance(event, Question)]
        decoded = self._decode([event for event in events if not isinstance(event, Question)], arrived_s, ending=True)
        unasked = [
            Remark(f"{each.text}: {f'pass {each.option}' if each.option else each.answer}", warning=True)
            for each in questions
        ]
        return Decoded(decoded.blocks, [*decoded.remarks, *unasked])

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

    def _decode(self, events: list[LineEvent], arrived_s: float, *, ending: bool = False) -> Decoded:
        """Turn parser events into blocks."""
        blocks: list[SampleBlock] = []
        for event in events:
            waits = self._unit is None or bool(self._waiting) or self._rate_is_unknown()
            if isinstance(event, Sample) and not waits:
                self._take(event, blocks, arrived_s)
            elif waits and isinstance(event, Sample | Missing | Damaged):
                self._waiting.append((event, arrived_s))
            else:
                self._note(event, blocks, arrived_s)
        taken = self._counts.samples + self._counts.lost + len(self._waiting)
        if taken and not self._device_times:
            self._meter.observe(count=taken, time_s=arrived_s)
            if not ending:
                self._adopt_rate()
        if self._waiting and self._unit is None:
            self._find_unit(ending=ending)
        if self._unit is not None and (ending or not self._rate_is_unknown()):
            self._release(blocks)
        self._counts.waiting = len(self._waiting) + self._parser.held
        self._close_run(blocks, arrived_s)
        remarks, self._remarks = self._remarks, []
        return Decoded(blocks, remarks)

    def _rate_is_unknown(self) -> bool:
        """Tell whether samples wait for their rate: a window made at a wrong one would get a wrong label."""
        measured = self._clock is not None or not self._adopts_rate or self._counts.samples > 0
        return not measured and len(self._waiting) < _MOST_WAITING and self._meter.estimate() is None

    def _find_unit(self, *, ending: bool) -> None:
        """Look for gravity in the samples that wait."""
        samples = [event for event, _ in self._waiting if isinstance(event, Sample)]
        due = self._waits < len(_UNIT_WAITS_S) and len(samples) >= _UNIT_WAITS_S[self._waits] * self._rate_hz
        if not (due or ending):
            return
        self._waits += due
        guess = guess_unit(np.array([(each.x, each.y, each.z) for each in samples], np.float64).reshape(-1, 3))
        if guess.unit is None or len(samples) < _FEWEST_UNIT_ROWS:
            if ending:
                text = f"{len(samples)} samples were not used: {guess.reason}, so their unit is unknown: pass --unit"
                self._say(text, kind="unit", warning=True)
                self._waiting = []
            elif self._waits == len(_UNIT_WAITS_S):
                raise unit_question(guess.reason, guess.length)
            return
        self._use_unit(guess.unit, guess.reason)

    def _release(self, blocks: list[SampleBlock]) -> None:
        """Take the samples that have waited."""
        waiting, self._waiting = self._waiting, []
        for event, arrived_s in waiting:
            if isinstance(event, Sample):
                self._take(event, blocks, arrived_s)
            else:
                self._note(event, blocks, arrived_s)

    def _use_unit(self, name: str, why: str) -> None:
        """Read numbers in a unit that was found out, and say so."""
        self._unit = parse_unit(name)
        self._say(f"the unit is taken to be {describe_unit(name)}: {why}; pass --unit if it is another", kind="unit")

    def _take(self, sample: Sample, blocks: list[SampleBlock], arrived_s: float) -> None:
        """Add one sample to the run, unless it cannot be true; start a new run after a loss."""
        largest = max(abs(sample.x), abs(sample.y), abs(sample.z))
        if self._unit is not None and largest > PLAUSIBLE_G * self._unit.per_g:
            self._implausible(largest / self._unit.per_g, blocks, arrived_s)
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
        self._run.values.append((sample.x, sample.y, sample.z, *sample.turning))
        self._run.times_s.append(self._time_s)
        if self._device_times:
            self._meter.observe(count=self._counts.samples + self._counts.lost, time_s=self._time_s)

    def _adopt_rate(self) -> None:
        """Use the measured rate instead of the expected one, once it has been steady for long enough."""
        rate = self._meter.estimate() if self._adopts_rate and self._clock is None else None
        if rate is None or not 0 < rate.rate_hz <= _FASTEST_FACTOR * self._rate_hz:
            # Lines that were counted and then dropped can even make the slope negative.
            return
        off_hz = abs(rate.rate_hz - self._rate_hz)
        gross = off_hz > _GROSS_RATE_ERROR * self._rate_hz and off_hz > _GROSS_SIGMAS * rate.uncertainty_hz
        if rate.span_s < _ADOPTED_SPAN_S and not gross:
            return
        if off_hz <= _ADOPTED_TOLERANCE * self._rate_hz or off_hz <= _ADOPTED_SIGMAS * rate.uncertainty_hz:
            return
        text = f"the sensor sends {rate}, not {self._rate_hz:g} Hz: that is used from here on"
        self._say(f"{text}; pass --rate {self._rate_hz:g} for a replay at another speed", kind="rate")
        if rate.rate_hz < self._slowest_hz:
            raise too_slow(rate, self._slowest_hz)
        self._rate_hz = self._adopted_hz = rate.rate_hz
        if self._counts.samples:
            self._base_s, self._taken = self._time_s + 1.0 / rate.rate_hz, 0
            # Samples before and after are spaced differently: no window may span both.
            self._run.continues = False

    def _note(self, event: LineEvent, blocks: list[SampleBlock], arrived_s: float) -> None:
        """Act on everything in the stream that is not a sample."""
        match event:
            case LayoutFound(layout, changes):
                # What still waits was read by another layout, perhaps of another sensor: they are not mixed.
                if self._unit is not None:
                    self._release(blocks)
                waiting, self._waiting = self._waiting, []
                if changes:
                    self._changed_form(waiting, blocks, arrived_s)
                self._close_run(blocks, arrived_s)
                self._adopt(layout)
            case Damaged(reason, text):
                self._damaged(f"damaged line: {reason}: {text!r}", blocks, arrived_s)
            case Missing(text):
                self._missing(text, blocks, arrived_s)
            case Question() as question:
                raise column_question(question)
            case Header(names):
                self._count_words(",".join(names))
                paused = self._heard_s is not None and arrived_s - self._heard_s >= _RESTART_PAUSE_S
                if self._clock is not None:
                    self._clock.announce_restart()
                elif self._counts.samples and paused:
                    self._say("the device sent its header again: it has restarted", kind="restart", warning=True)
                    self._close_run(blocks, arrived_s)
                    self._break()
            case Note(text):
                self._say(f"the device says: {text}", kind="note")
                self._count_words(text)
            case Unread(count, text):
                text = f"{count} lines of numbers in a row are no samples as before and get no label, such as {text!r}"
                self._say(f"{text}; if they are the acceleration now, start again", kind="unread", warning=True)
            case Skipped(count):
                self._say(f"joined in the middle of a line: its {count} bytes are skipped", kind="skipped")

    def _changed_form(
        self, waiting: list[tuple[LineEvent, float]], blocks: list[SampleBlock], arrived_s: float
    ) -> None:
        """Say that lines have changed their form; samples that waited for their unit are lost."""
        unused = sum(isinstance(event, Sample) for event, _ in waiting)
        told = f"; {unused} samples before, whose unit was not known yet, are lost" if unused else ""
        text = f"the lines have changed their form: they are learned anew, and so is their unit{told}"
        self._say(text, kind="form", warning=True)
        for event, came_s in waiting:
            if not isinstance(event, Sample):
                self._note(event, blocks, came_s)
        if unused:
            self._hole(unused, blocks, arrived_s)

    def _count_words(self, text: str) -> None:
        """Say it when only lines without numbers come: a header again and again, or numbers that are not decimal."""
        self._wordy += self._parser.layout is None and not self._parser.held
        if self._wordy == _WORDY_LINES:
            told = f"{_WORDY_LINES} lines hold no numbers, such as {text!r}: expected x, y and z in decimal digits"
            self._say(told, kind="wordy", warning=True)

    def _adopt(self, layout: TextLayout) -> None:
        """Read the columns as they were found, and say what that means."""
        self._say(f"text lines, {layout}", kind="layout")
        if self._declared_unit is None:
            self._unit, self._waits = None, 0
            if layout.unit is not None:
                self._use_unit(layout.unit, "the lines say so")
        if self._counts.samples:
            self._break()
            self._base_s, self._taken = self._time_s + 1.0 / self._rate_hz, 0
        self._clock, self._device_times = None, False
        time = layout.time
        if time is not None and time.unit is not None and time.shows_loss:
            counter = time.unit == COUNTER
            tick_s = 1.0 / self._rate_hz if counter else SECONDS_PER_TICK[time.unit]
            period_ticks = time.period or 1.0 / (tick_s * self._rate_hz)
            self._clock = DeviceClock(tick_s=tick_s, period_ticks=period_ticks, origin_s=self._base_s)
            self._device_times = not counter
            self._meter = RateMeter(by_device=self._device_times)
            return
        why = "several samples share a time" if time is not None and time.repeats else "the lines carry no time"
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

    def _missing(self, text: str, blocks: list[SampleBlock], arrived_s: float) -> None:
        """Count a sample that the device could not read; where it has a clock, that counts it."""
        self._say(f"a line without all of its numbers counts as a lost sample: {text!r}", kind="missing", warning=True)
        if self._clock is None and self._counts.samples:
            self._taken += 1
            self._hole(1, blocks, arrived_s)

    def _implausible(self, largest_g: float, blocks: list[SampleBlock], arrived_s: float) -> None:
        """Refuse a sample that no accelerometer can have measured."""
        self._counts.implausible += 1
        unit = "" if self._unit is None else f"; if all are like this, the sensor does not send {self._unit.name}"
        text = f"a sample of {largest_g:.4g} g cannot be true and counts as damaged{unit}"
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
        rows = np.array(run.values, np.float64).reshape(-1, self._width)
        values, turning = rows[:, :3], rows[:, 3:] * self._turning_scale
        samples_g = values.astype(np.float32) if self._unit is None else self._unit.to_g(values)
        if self._width > 3:
            samples_g = np.hstack([samples_g, turning.astype(np.float32)])
        times_s = np.array(run.times_s, np.float64)
        blocks.append(SampleBlock(samples_g, times_s, arrived_s, run.lost, run.continues, self._adopted_hz))
        self._run = _Run()

    def _say(self, text: str, *, kind: str, warning: bool = False) -> None:
        """Remark on something, a few times for each kind."""
        said = self._said[kind] = self._said.get(kind, 0) + 1
        last = 1 if kind == "implausible" else _REMARKS_PER_KIND
        if said <= last:
            more = " (more of this kind are counted, not shown)" if said == last > 1 else ""
            self._remarks.append(Remark(text + more, warning))
