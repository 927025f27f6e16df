"""Read lines by a layout that is known: by splitting bare numbers, by one pattern, or by cutting the line up."""

import math
import re
from collections.abc import Callable, Sequence
from typing import Final

from edgehar.firmware_bridge.text.events import Missing, Sample, printable
from edgehar.firmware_bridge.text.kinds import is_variant
from edgehar.firmware_bridge.text.layout import TextLayout
from edgehar.firmware_bridge.text.template import Template, dissect

LARGEST_NUMBER: Final = 1e19
"""More than nanoseconds since 1970, and little enough that nothing computed from it overflows."""
_NUMERIC_BYTES: Final = b"0123456789+-.eE ,;\t"
_MOST_VARIANTS: Final = 256
_NOTE_LETTERS: Final = 3
"""So many letters among bare numbers make a line of another kind: noise does not spell."""
_WORD: Final = re.compile(r"[A-Za-z]\w*")
_RULE: Final = re.compile(r"\s*([^\w\s,;.])\1{2,}\s*")
"""A line drawn between samples: ``-----``, ``=====``, ``*****``."""
_BEGINS_WITH_NUMBER: Final = re.compile(r"\s*[-+]?[\d.]+\s*[,;\s]")


class Part:
    """The mark of a line that holds a part of a sample, or a sample of another sensor."""


PART: Final = Part()


class LineReader:
    """Read lines by a layout that is known.

    Parameters
    ----------
    layout
        How.
    others
        Templates of other lines of the stream; they are no damage.
    """

    def __init__(self, layout: TextLayout, others: set[Template]) -> None:
        self.layout = layout
        self._others = others - set(layout.templates)
        self._letters = max(template.letters for template in layout.templates)
        self._words = {
            word for template in layout.templates for piece in template.constants for word in _WORD.findall(piece)
        }
        self._comma = layout.templates[0].decimal_comma
        self._where = {template: number for number, template in enumerate(layout.templates)}
        self._only = layout.only
        self._variants: dict[Template, bool] = {}
        self._parts: dict[int, tuple[float, ...]] = {}
        self._began = False
        self.quick = _quick_reader(layout)

    quick: Callable[[bytes], Sample | None]
    """Read a line if that is easy: all numbers are there and plainly written; None says nothing."""

    def read(self, line: bytes) -> "Sample | Missing | Part | None":
        """Return the sample of a line, None for one of another kind; `PART` for a part of one, or another sensor's."""
        cut = dissect(text_of(line), decimal_comma=self._comma)
        if cut is None or not (cut[0] in self._where or self._is_variant(cut[0])):
            return None
        if any(abs(number) > LARGEST_NUMBER for number in cut[1]):
            return None
        if len(self._where) == 1:
            return self._sample((cut[1],), line)
        return self._join(self._where[cut[0]], cut[1], line)

    def _is_variant(self, template: Template) -> bool:
        """Tell whether a line differs from the layout's only in words at its end, such as the state of a device."""
        if len(self._where) > 1 or template in self._others:
            return False
        if template not in self._variants:
            if len(self._variants) >= _MOST_VARIANTS:
                return False
            self._variants[template] = is_variant(template, self.layout.templates[0])
        return self._variants[template]

    def is_known(self, text: str) -> bool:
        """Tell whether a line stood beside the samples when the layout was learned."""
        cut = dissect(text, decimal_comma=self._comma)
        return cut is not None and cut[0] in self._others

    def is_foreign(self, text: str, *, title: str = "") -> bool:
        """Tell whether a line under a title was never meant to be a sample, rather than damaged on its way."""
        if is_comment(text) or _RULE.fullmatch(text) or self.is_known(f"{title} {text}" if title else text):
            return True
        if self._letters:
            # A damaged line keeps a part of its text; a line of another kind has none of it.
            kept = set(_WORD.findall(text))
            return not any(word in kept if len(word) == 1 else word in text for word in self._words)
        letters = sum(character.isalpha() for character in text)
        if not any(map(str.isdigit, text)):
            return letters > 0
        return letters >= _NOTE_LETTERS and _BEGINS_WITH_NUMBER.match(text) is None

    def _join(self, part: int, numbers: tuple[float, ...], line: bytes) -> "Sample | Missing | Part":
        """Return the sample that its last line completes."""
        last = len(self._where) - 1
        if part == 0:
            self._began = True
            self._parts.clear()
        if not self._began:
            # The lines that came first may be the rest of a sample.
            return PART
        self._parts[part] = numbers
        if part < last:
            return PART
        whole = len(self._parts) == len(self._where)
        rows = tuple(self._parts[number] for number in range(last + 1)) if whole else ()
        self._parts.clear()
        return self._sample(rows, line) if whole else Missing(printable(line))

    def _sample(self, rows: tuple[tuple[float, ...], ...], line: bytes = b"") -> Sample | Missing | Part:
        """Return the sample that the numbers of its lines give."""
        x, y, z = (rows[place.template][place.slot] for place in self.layout.axes)
        turning = tuple(rows[place.template][place.slot] for place in self.layout.turning)
        if self._only is not None and rows[self._only[0].template][self._only[0].slot] != self._only[1]:
            return PART
        if math.isnan(x) or math.isnan(y) or math.isnan(z) or any(map(math.isnan, turning)):
            return Missing(printable(line))
        time = self.layout.time
        if time is None:
            return Sample(x, y, z, None, turning)
        tick = rows[time.place.template][time.place.slot]
        return Missing(printable(line)) if math.isnan(tick) else Sample(x, y, z, tick, turning)


def text_of(line: bytes) -> str:
    """Return a line as text: one character a byte, so that nothing is lost or joined."""
    return line.decode("latin-1")


def is_clean(line: bytes) -> bool:
    """Tell whether a line is text: printable ASCII or UTF-8, tabs, colour codes, and the characters of units."""
    if all(0x20 <= byte < 0x7F or byte in (0x09, 0x1B) or byte >= 0xA0 for byte in line):
        return True
    try:
        return line.translate(None, b"\t\x1b").decode("utf-8").isprintable()
    except UnicodeDecodeError:
        return False


def is_comment(text: str) -> bool:
    """Tell whether a line says itself that it is no sample."""
    return text.lstrip().startswith(("# ", "//"))


def _quick_reader(layout: TextLayout) -> Callable[[bytes], Sample | None]:
    """Return the fastest way to read most lines of a layout: splitting bare numbers, or one pattern for the line."""
    template, *others = layout.templates
    if others or template.decimal_comma or layout.only is not None:
        return lambda line: None
    x, y, z = (place.slot for place in layout.axes)
    tick = None if layout.time is None else layout.time.place.slot
    turning = tuple(place.slot for place in layout.turning)
    slots, separator = template.slots, _separator_of(template)
    fields_of = _splitter(separator) if separator is not None else _matcher(template.pattern())

    def read(line: bytes) -> Sample | None:
        fields = fields_of(line)
        if fields is None or len(fields) != slots:
            return None
        try:
            row = tuple(map(float, fields))
        except ValueError:
            return None
        if max(row) > LARGEST_NUMBER or min(row) < -LARGEST_NUMBER:
            return None
        return Sample(row[x], row[y], row[z], None if tick is None else row[tick], tuple(row[slot] for slot in turning))

    return read


def _separator_of(template: Template) -> str | None:
    """Return the separator by which a template of bare numbers can be split, or None."""
    first, *between, last = template.constants
    if first or last or len(set(between)) != 1 or between[0] not in ("", ",", ";"):
        return None
    return between[0] or " "


def _splitter(separator: str) -> Callable[[bytes], Sequence[bytes] | None]:
    """Return what splits a line of bare numbers; one separator at its end is forgiven."""
    mark = None if separator == " " else separator.encode()

    def split(line: bytes) -> Sequence[bytes] | None:
        if line.translate(None, _NUMERIC_BYTES):
            return None
        fields = line.split(mark)
        if not fields[-1:] or not fields[-1].strip():
            del fields[-1:]
        return fields

    return split


def _matcher(pattern: re.Pattern[bytes]) -> Callable[[bytes], Sequence[bytes] | None]:
    """Return what takes the numbers out of a line of constant text."""

    def match(line: bytes) -> Sequence[bytes] | None:
        found = pattern.fullmatch(line)
        return None if found is None else found.groups()

    return match
