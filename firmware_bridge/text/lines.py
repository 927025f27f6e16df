"""Text lines of samples, ``ax,ay,az`` one sample a line, the way a sketch prints them. No I/O: bytes in, events out.

::

    t_us,x,y,z                 header          optional; believed where it names columns
    10000,0.981,-0.010,0.120   sample          separated by commas, tabs, semicolons or blanks; LF, CR LF or CR ends it
    # battery at 80 %          note            "# ", "//", or a line without any digit
    20000,0.9                  damaged         everything else is counted, never raised

What text cannot tell: there is no checksum, so a digit lost inside a number goes unnoticed; and without a time column a
line that is lost whole leaves no trace. The bytes before the first line end are skipped, for the reader may have joined
in the middle of a line and ``23,0.5,0.9`` may have been ``-1.23,0.5,0.9``; only a header is taken from there.
"""

import re
from collections import Counter
from dataclasses import dataclass
from typing import Final

from edgehar.firmware_bridge.text.columns import (
    PROBE_ROWS,
    TextLayout,
    header_names,
    infer_layout,
    needs_probe,
    separator_of,
)

MAXIMUM_LINE_BYTES: Final = 512
"""Longer lines are damaged; no more than this is ever kept."""
MISFITS_BEFORE_PROBING: Final = 20
"""So many lines of another shape in a row mean that the device prints something else now."""

LARGEST_NUMBER: Final = 1e19
"""More than nanoseconds since 1970, and little enough that nothing computed from it overflows."""

_TERMINATOR: Final = re.compile(rb"[\r\n]")
_NUMERIC_BYTES: Final = b"0123456789+-.eE ,;\t"
_SHOWN_BYTES: Final = 60


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample in the unit of the device, and the tick of its time column if it has one."""

    x: float
    y: float
    z: float
    tick: float | None = None


@dataclass(frozen=True, slots=True)
class Damaged:
    """A line that should have been a sample and is not; ``text`` is its beginning, safe to print."""

    reason: str
    text: str


@dataclass(frozen=True, slots=True)
class Header:
    """A line that names the columns. A device prints it when it starts."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Note:
    """A line that is not meant to be a sample: a boot message, a comment."""

    text: str


@dataclass(frozen=True, slots=True)
class LayoutFound:
    """The columns are known; samples follow."""

    layout: TextLayout


@dataclass(frozen=True, slots=True)
class Skipped:
    """Bytes before the first line end, that may be the rest of a line and were not read as one."""

    count: int


LineEvent = Sample | Damaged | Header | Note | LayoutFound | Skipped


@dataclass(frozen=True, slots=True)
class _Row:
    """A line of numbers that waits until it is known what its columns mean."""

    values: tuple[float, ...]
    separator: str
    line: bytes


class TextLineParser:
    """Turn the bytes of a text stream into events, the same however they are cut into reads.

    Parameters
    ----------
    rate_hz
        The declared sample rate; it helps to tell a time column's unit.

    Examples
    --------
    >>> parser = TextLineParser(rate_hz=100.0)
    >>> [type(event).__name__ for event in parser.feed(b"x,y,z\\n0.1,0.2,0.98\\n0.1,0.2\\n")]
    ['Header', 'LayoutFound', 'Sample', 'Damaged']
    """

    def __init__(self, *, rate_hz: float) -> None:
        self._rate_hz = rate_hz
        self.rejoin()

    def rejoin(self) -> None:
        """Forget everything: the port was opened anew, perhaps in the middle of a line, perhaps on another device."""
        self._layout: TextLayout | None = None
        self._names: tuple[str, ...] = ()
        self._held: list[_Row | LineEvent] = []
        self._misfits = 0
        self._tail = b""
        self._overflowing = False
        self._joining = True
        self._skipped = 0

    @property
    def layout(self) -> TextLayout | None:
        """What the columns mean, once it is known."""
        return self._layout

    def feed(self, data: bytes) -> list[LineEvent]:
        """Return the events that these bytes complete."""
        *lines, self._tail = _TERMINATOR.split(self._tail + data)
        events: list[LineEvent] = []
        for line in lines:
            events += self._first_line(line) if self._joining else self._line(line)
        if len(self._tail) > MAXIMUM_LINE_BYTES:
            events += self._overflow()
        return events

    def finish(self) -> list[LineEvent]:
        """Return what was held back, at the end of a stream; a line that was cut off is damaged."""
        events: list[LineEvent] = []
        if self._tail and not self._joining and not self._overflowing:
            events += self._emit(Damaged("the line was cut off", printable(self._tail)))
        self._tail = b""
        if any(isinstance(item, _Row) for item in self._held):
            events += self._decide()
        return events

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
        text = _as_text(line) if whole and count <= MAXIMUM_LINE_BYTES else None
        return self._emit(text) if isinstance(text, Header) else [Skipped(count)]

    def _line(self, line: bytes) -> list[LineEvent]:
        """Return the events of one complete line."""
        if self._overflowing:
            self._overflowing = False
            return []
        if len(line) > MAXIMUM_LINE_BYTES:
            return self._emit(_overlong(line))
        layout = self._layout
        if layout is None:
            return self._undecided_line(line)
        row = _numbers(line, layout.separator)
        if row is not None and len(row) == layout.columns:
            self._misfits = 0
            return [_sample(row, layout)]
        return self._odd_line(line, layout, row)

    def _undecided_line(self, line: bytes) -> list[LineEvent]:
        """Hold back a line of numbers until the layout is decided; pass on anything else in its order."""
        if not line.strip():
            return []
        separator = separator_of(line)
        row = _numbers(line, separator)
        if row is None or len(row) < 3:
            return self._emit(_as_text(line) or _misfit(line, row, "at least 3"))
        alone = not self._held
        self._held.append(_Row(row, separator, line))
        rows = sum(isinstance(item, _Row) for item in self._held)
        if (alone and not needs_probe(len(row), self._names)) or rows >= PROBE_ROWS:
            return self._decide()
        return []

    def _odd_line(self, line: bytes, layout: TextLayout, row: tuple[float, ...] | None) -> list[LineEvent]:
        """Return the events of a line that is no sample of the known layout."""
        if not line.strip():
            return []
        text = _as_text(line) if row is None else None
        if text is not None:
            return self._emit(text)
        self._misfits += 1
        if self._misfits >= MISFITS_BEFORE_PROBING:
            self._layout, self._names, self._misfits = None, (), 0
        return [_misfit(line, row, str(layout.columns))]

    def _emit(self, event: LineEvent) -> list[LineEvent]:
        """Return an event, or queue it behind the rows that are held back."""
        if isinstance(event, Header) and event.names != self._names:
            self._names = event.names
            self._layout = None
        if not self._held:
            return [event]
        self._held.append(event)
        return self._decide() if len(self._held) > 4 * PROBE_ROWS else []

    def _decide(self) -> list[LineEvent]:
        """Decide what the columns mean, and release what was held back."""
        held, self._held = self._held, []
        rows = [item for item in held if isinstance(item, _Row)]
        (separator, columns), _ = Counter((row.separator, len(row.values)) for row in rows).most_common(1)[0]
        alike = [row.values for row in rows if (row.separator, len(row.values)) == (separator, columns)]
        layout = infer_layout(alike, separator=separator, names=self._names, rate_hz=self._rate_hz)
        self._layout = layout
        return [LayoutFound(layout), *(_released(item, layout) for item in held)]


def printable(line: bytes) -> str:
    """Return the beginning of a line as text that cannot upset a terminal."""
    text = "".join(chr(byte) if 0x20 <= byte < 0x7F else f"\\x{byte:02x}" for byte in line[:_SHOWN_BYTES])
    return text + ("…" if len(line) > _SHOWN_BYTES else "")


def _released(item: "_Row | LineEvent", layout: TextLayout) -> LineEvent:
    """Return the event of an item that was held back."""
    if not isinstance(item, _Row):
        return item
    if (item.separator, len(item.values)) == (layout.separator, layout.columns):
        return _sample(item.values, layout)
    return _misfit(item.line, item.values, str(layout.columns))


def _numbers(line: bytes, separator: str) -> tuple[float, ...] | None:
    """Return the numbers of a line, none of them absurd, or None; one separator at its end is forgiven."""
    if line.translate(None, _NUMERIC_BYTES):
        return None
    fields = line.split() if separator == " " else line.split(separator.encode())
    if len(fields) > 1 and not fields[-1].strip():
        del fields[-1]
    try:
        values = tuple(map(float, fields))
    except ValueError:
        return None
    return values if values and max(map(abs, values)) <= LARGEST_NUMBER else None


def _sample(row: tuple[float, ...], layout: TextLayout) -> Sample:
    """Return the sample that a row of a known layout holds."""
    x, y, z = layout.axes
    return Sample(row[x], row[y], row[z], None if layout.time_column is None else row[layout.time_column])


def _as_text(line: bytes) -> Header | Note | None:
    """Return a line as a header or a note; None when it could have been a sample, or is not text at all."""
    if not all(0x20 <= byte < 0x7F or byte == 0x09 for byte in line):
        return None
    text = line.decode("ascii").strip()
    names = header_names(text)
    if names is not None:
        return Header(names)
    letters = sum(character.isalpha() for character in text)
    digits = any(character.isdecimal() for character in text)
    # One flipped bit can turn a digit into a letter or a "#", never a sample into one of these.
    if text.startswith(("# ", "//")) or (letters >= 3 and not digits):
        return Note(printable(line))
    return None


def _misfit(line: bytes, row: tuple[float, ...] | None, expected: str) -> Damaged:
    """Return the damage of a line with the wrong number of numbers, or none."""
    got = "something that is no number" if row is None else str(len(row))
    return Damaged(f"expected {expected} numbers, got {got}", printable(line))


def _overlong(line: bytes) -> Damaged:
    """Return the damage of a line that is too long."""
    return Damaged(f"expected at most {MAXIMUM_LINE_BYTES} bytes before a line end, got more", printable(line))
