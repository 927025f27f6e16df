"""Text lines of samples, however a sketch prints them. No I/O: bytes in, events out.

::

    t_us,x,y,z                 header          optional; names the columns of lines that name nothing themselves
    10000,0.981,-0.010,0.120   sample          any line with the numbers of the layout; LF, CR LF or CR ends it
    20000,nan,nan,nan          missing         a sample that the device could not read
    # battery at 80 %          note            a line of another kind: counted as nothing
    20000,0.9                  damaged         a line that should have been a sample, counted, never raised

Strategy. First, lines are held back until `learning.py` knows their layout: at once for three bare numbers, after two
to a hundred lines for others. Then every line is read by the layout's templates: by splitting it, where a line is bare
numbers, else by its constant text. Twenty damaged lines in a row begin the learning anew; lines of another kind are
learned from beside it, in case the device prints its samples like that now (`changes.py`).

What text cannot tell: there is no checksum, so a digit lost inside a number goes unnoticed; and without a time column a
line that is lost whole leaves no trace. The bytes before the first line end are skipped, for the reader may have joined
in the middle of a line and ``23,0.5,0.9`` may have been ``-1.23,0.5,0.9``; only a header is taken from there.
"""

import re
from typing import Final

from edgehar.firmware_bridge.text.changes import ChangeWatch
from edgehar.firmware_bridge.text.events import (
    Damaged,
    Header,
    LayoutFound,
    LineEvent,
    Note,
    Skipped,
    printable,
)
from edgehar.firmware_bridge.text.layout import TextLayout
from edgehar.firmware_bridge.text.learning import LayoutLearner, Question
from edgehar.firmware_bridge.text.line_reader import LineReader, Part, is_clean, is_comment, text_of
from edgehar.firmware_bridge.text.selection import SensorSelection
from edgehar.firmware_bridge.text.template import Template, dissect
from edgehar.firmware_bridge.text.titles import Titles
from edgehar.models.sensing.names import find_acceleration, read_name, sensor_of_text

MAXIMUM_LINE_BYTES: Final = 512
"""Longer lines are damaged; no more than this is ever kept."""
MISFITS_BEFORE_LEARNING: Final = 20
"""So many lines of another shape in a row mean that the device prints something else now."""

_TERMINATOR: Final = re.compile(rb"[\r\n]")
_MOST_TEXTS: Final = 32
_MOST_FORMS: Final = 8
"""A device changes what it prints now and then; who does it more often prints nonsense."""
_MOST_HELD: Final = 100
"""Events that wait behind lines that are being learned from."""
_HEADER_SEPARATORS: Final = (",", ";", "\t", "|", "/", None)


class TextLineParser:
    """Turn the bytes of a text stream into events, the same however they are cut into reads.

    Parameters
    ----------
    rate_hz
        The expected sample rate; it helps to tell a time column's unit.
    columns
        Names or numbers (from 1) of x, y and z, as a person has declared them; None to find out.
    selection
        Which sensor is wanted where there are several.

    Examples
    --------
    >>> parser = TextLineParser(rate_hz=100.0)
    >>> [type(event).__name__ for event in parser.feed(b"x,y,z\\n0.1,0.2,0.98\\n0.1,0.2\\n")]
    ['Header', 'LayoutFound', 'Sample', 'Damaged']
    """

    def __init__(
        self, *, rate_hz: float, columns: tuple[str, ...] | None = None, selection: SensorSelection | None = None
    ) -> None:
        self._rate_hz = rate_hz
        self._columns = columns
        self._selection = selection
        self.rejoin()

    def rejoin(self) -> None:
        """Forget everything: the port was opened anew, perhaps in the middle of a line, perhaps on another device."""
        self._names: tuple[str, ...] = ()
        self._tail = b""
        self._overflowing = False
        self._joining = True
        self._skipped = 0
        self._wide = False
        self._learned: list[TextLayout] = []
        self._used: TextLayout | None = None
        self._titles = Titles()
        self._texts: set[bytes] = set()
        self._before = ""
        self._learn()

    @property
    def layout(self) -> TextLayout | None:
        """How lines are read, once it is known."""
        return None if self._reader is None else self._reader.layout

    @property
    def held(self) -> int:
        """How many lines wait until their layout is known."""
        return len(self._held)

    def feed(self, data: bytes) -> list[LineEvent]:
        """Return the events that these bytes complete."""
        *lines, self._tail = _TERMINATOR.split(self._tail + self._narrow(data))
        events: list[LineEvent] = []
        quick = 0
        for line in lines:
            if not line and not self._joining and not self._overflowing:
                # The gap between CR and LF.
                continue
            reader = self._reader
            if reader is not None and not self._overflowing and len(line) <= MAXIMUM_LINE_BYTES:
                sample = reader.quick(line)
                if sample is not None:
                    self._misfits = 0
                    if self._watch.lines:
                        self._watch.forget()
                    quick += 1
                    events.append(sample)
                    continue
            self._titles.passed(quick)
            quick = 0
            events += self._first_line(line) if self._joining else self._line(line)
        self._titles.passed(quick)
        if len(self._tail) > MAXIMUM_LINE_BYTES:
            events += self._overflow()
        return events

    def finish(self) -> list[LineEvent]:
        """Return what was held back, at the end of a stream; a line that was cut off is damaged."""
        events: list[LineEvent] = []
        if self._tail and not self._joining and not self._overflowing:
            events += self._emit(Damaged("the line was cut off", printable(self._tail)))
        self._tail = b""
        if self._reader is None and self._learner.rows:
            events += self._decide(final=True)
        return events

    def _new_learner(self) -> LayoutLearner:
        """Return what learns a layout, and knows what a person has declared."""
        return LayoutLearner(rate_hz=self._rate_hz, columns=self._columns, selection=self._selection)

    def _learn(self) -> None:
        """Begin to learn how lines are read."""
        self._learner = self._new_learner()
        self._learner.name_columns(self._names)
        self._watch = ChangeWatch(self._new_learner, self._selection or SensorSelection())
        self._reader: LineReader | None = None
        self._held: list[str | LineEvent] = []
        self._misfits = 0

    def _narrow(self, data: bytes) -> bytes:
        """Return UTF-16 as the ASCII it holds: every second byte of it is zero."""
        if not self._wide and self._joining and len(data) >= 8:
            zeros = max(data[::2].count(0), data[1::2].count(0))
            self._wide = zeros > 0.8 * (len(data) // 2)
        return data.translate(None, b"\x00\xff\xfe") if self._wide else data

    def _overflow(self) -> list[LineEvent]:
        """Drop the beginning of a line that is too long, and say so once a line."""
        known, self._overflowing = self._overflowing or self._joining, True
        beginning, self._tail = self._tail, b""
        self._skipped += len(beginning) if self._joining else 0
        return [] if known else self._emit(_overlong(beginning))

    def _first_line(self, line: bytes) -> list[LineEvent]:
        """Skip what may be the rest of a line, unless it is a header."""
        self._joining = False
        whole, self._overflowing = not self._overflowing, False
        count = self._skipped + len(line)
        if not count:
            return []
        names = header_names(text_of(line)) if whole and count <= MAXIMUM_LINE_BYTES else None
        self._before = text_of(line)
        return self._emit(Header(names)) if names is not None else [Skipped(count)]

    def _line(self, line: bytes) -> list[LineEvent]:
        """Return the events of one complete line."""
        if self._overflowing:
            self._overflowing = False
            return []
        if len(line) > MAXIMUM_LINE_BYTES:
            return self._emit(_overlong(line))
        if self._reader is None:
            return self._unlearned_line(line)
        if self._is_title(line):
            return self._emit(Note(printable(line)))
        titled = self._under_title(line)
        event = self._reader.read(titled)
        if event is None:
            return self._odd_line(line)
        self._misfits = 0
        if self._watch.lines:
            self._watch.forget()
        return [] if isinstance(event, Part) else [event]

    def _unlearned_line(self, line: bytes) -> list[LineEvent]:
        """Hold a line of numbers back until its layout is learned; pass on anything else in its order."""
        if not line.strip():
            return []
        if self._is_title(line):
            return self._emit(Note(printable(line)))
        text = text_of(self._under_title(line))
        names = header_names(text, above=self._before)
        self._before = text
        if names is not None:
            return self._emit(Header(names))
        if is_comment(text) or not is_clean(line) or not self._learner.add(text):
            return self._emit(Note(printable(line)) if is_clean(line) else _no_sample(line))
        self._held.append(text)
        return self._decide()

    def _odd_line(self, line: bytes) -> list[LineEvent]:
        """Return the events of a line that the layout does not read."""
        if not line.strip():
            return []
        text = text_of(line)
        names = header_names(text, above=self._before) if is_clean(line) else None
        self._before = text
        if names is not None:
            return self._emit(Header(names))
        reader = self._reader
        if reader is None:
            return [Note(printable(line))]
        if is_clean(line) and (reader.is_foreign(text, title=self._titles.above) or self._has_come(line)):
            changed = [] if is_comment(text) else self._look_for_change(text_of(self._under_title(line)), reader)
            return [Note(printable(line)), *changed]
        self._misfits += 1
        layout = reader.layout
        if self._misfits >= MISFITS_BEFORE_LEARNING:
            self._names = ()
            self._learn()
        return [_misfit(line, layout)]

    def _look_for_change(self, text: str, reader: LineReader) -> list[LineEvent]:
        """Learn from a line of another kind; return the samples of another form, once the device prints them."""
        found = self._watch.take(text, is_known=reader.is_known(text))
        if not isinstance(found, TextLayout):
            return [] if found is None else [found]
        held: list[str | LineEvent] = [*self._watch.held]
        others = self._watch.templates
        self._names = ()
        self._learn()
        decision = self._unless_it_alternates(found)
        return [decision] if isinstance(decision, Question) else self._use(decision, held, others)

    def _has_come(self, line: bytes) -> bool:
        """Tell whether a line without numbers has come before: damage is never the same twice."""
        if any(map(str.isdigit, text_of(line))):
            return False
        known = line in self._texts
        if len(self._texts) < _MOST_TEXTS:
            self._texts.add(line)
        return known

    def _is_title(self, line: bytes) -> bool:
        """Tell whether a line names the sensor of those below it; after the first title, all is learned anew."""
        titled = bool(self._titles.above)
        has_numbers = self._reader is not None or self._learner.rows > 0
        if not self._titles.reads(text_of(line), has_numbers=has_numbers):
            return False
        if not titled:
            self._learned, self._used = [], None
            self._learn()
        return True

    def _under_title(self, line: bytes) -> bytes:
        """Return a line with the title above it."""
        return self._titles.above.encode("latin-1") + b" " + line if self._titles.above and line.strip() else line

    def _emit(self, event: LineEvent) -> list[LineEvent]:
        """Return an event, or queue it behind the lines that are held back."""
        if isinstance(event, Header) and event.names != self._names:
            self._names = event.names
            if self._reader is not None:
                self._learn()
            self._learner.name_columns(event.names)
        if not self._held:
            return [event]
        if sum(not isinstance(item, str) for item in self._held) < _MOST_HELD:
            self._held.append(event)
        return []

    def _decide(self, *, final: bool = False) -> list[LineEvent]:
        """Release what was held back, if the layout is learned."""
        decision = self._learner.decide(final=final)
        if decision is None:
            return []
        held, others = self._held, self._learner.templates
        if isinstance(decision, TextLayout):
            decision = self._unless_it_alternates(decision)
        if isinstance(decision, Question):
            self._learn()
            return [*(item for item in held if not isinstance(item, str)), decision]
        return self._use(decision, held, others)

    def _use(self, layout: TextLayout, held: list[str | LineEvent], others: set[Template]) -> list[LineEvent]:
        """Read by a layout from here on, and what was held back as well."""
        changes = self._used is not None and not layout.reads_like(self._used)
        self._held, self._used = [], layout
        self._reader = reader = LineReader(layout, others)
        events: list[LineEvent] = [LayoutFound(layout, changes)]
        for item in held:
            if not isinstance(item, str):
                events.append(item)
                continue
            line = item.encode("latin-1")
            event = reader.quick(line) or reader.read(line)
            if event is None:
                events.append(Note(printable(line)) if reader.is_foreign(item) else _misfit(line, layout))
            elif not isinstance(event, Part):
                events.append(event)
        return events

    def _unless_it_alternates(self, layout: TextLayout) -> TextLayout | Question:
        """Return a layout, but a question if the stream has left it for another one: two sensors take turns."""
        if layout in self._learned[:-1] and layout != self._learned[-1]:
            lines = " and ".join(repr(str(each)) for each in (layout, self._learned[-1]))
            return Question(f"the lines change between two kinds: {lines}", "--columns")
        if layout not in self._learned:
            if len(self._learned) == _MOST_FORMS:
                text = f"the lines have changed their form {_MOST_FORMS} times, now to {str(layout)!r}"
                return Question(text, "--columns")
            self._learned.append(layout)
        return layout


def header_names(text: str, *, above: str = "") -> tuple[str, ...] | None:
    """Return the column names of a header, or None when a line does not name x, y and z.

    Bare axes are of the sensor that the line ``above`` speaks of: ``Gyroscope in degrees/second``, ``X Y Z``.

    Examples
    --------
    >>> header_names("t/gx/gy/gz/ax/ay/az/temp")
    ('t', 'gx', 'gy', 'gz', 'ax', 'ay', 'az', 'temp')
    >>> header_names("AX:0.1,AY:0.2,AZ:0.9") is None
    True
    """
    stripped = text.strip().lstrip("#").strip()
    lower = stripped.lower()
    if not ("x" in lower and "y" in lower and "z" in lower) or dissect(stripped) is not None:
        return None
    for separator in _HEADER_SEPARATORS:
        names = tuple(name.strip(" \"'") for name in stripped.split(separator))
        if len(names) >= 3:
            said = find_acceleration(names)
            if said.axes is not None and all(read_name(names[axis]).sensor is None for axis in said.axes):
                names = tuple(f"{above.strip()} {name}" if _names_a_sensor(above) else name for name in names)
            if said.axes is not None or said.doubt is not None:
                return names
    return None


def _names_a_sensor(text: str) -> bool:
    """Tell whether a line speaks of a sensor: ``Gyroscope in degrees/second``."""
    return sensor_of_text(text.replace("/", " ")) is not None


def _misfit(line: bytes, layout: TextLayout) -> Damaged:
    """Return the damage of a line that is no sample of a layout."""
    wanted = layout.templates[0].slots
    cut = dissect(text_of(line), decimal_comma=layout.templates[0].decimal_comma)
    if cut is None or cut[0].letters or len(cut[1]) == wanted or not is_clean(line):
        return _no_sample(line)
    return Damaged(f"expected {wanted} numbers, got {len(cut[1])}", printable(line))


def _no_sample(line: bytes) -> Damaged:
    """Return the damage of a line that cannot be read as numbers."""
    return Damaged("expected the numbers of a sample, got something else", printable(line))


def _overlong(line: bytes) -> Damaged:
    """Return the damage of a line that is too long."""
    return Damaged(f"expected at most {MAXIMUM_LINE_BYTES} bytes before a line end, got more", printable(line))
