"""The template of a text line: the constant text, and the slots between it that numbers stand in.

Sketches print the same line over and over with other numbers in it::

    0.12,-0.34,0.91                              three slots, "," between them
    AX:0.12,AY:-0.34,AZ:0.91                     three slots named by the text before them
    Acceleration X: 1.2, Y: -3.3, Z: 8.9 m/s^2   "Acceleration" holds for Y and Z too; the unit stands behind
    {"acc":{"x":0.12,"y":-0.34,"z":0.91}}        the same, with other punctuation
    >ax:0.12                                     one slot; a sample takes several lines

So no format needs a parser of its own. A line is cut into numbers and what is between them. Lines whose constant text
is the same have the same template, however wide their numbers are. The text before a slot is its name.

Not every digit is a number: the 2 of ``m/s^2``, the 1 of ``ax1``, ``0x68``, a time of day and a date are text. ``nan``,
``inf``, ``ovf``, ``null`` and ``none`` stand where a number should be: such a slot is not a number.

Names stand before the numbers, one by one or as a list (``ax, ay, az: 1, 2, 3``), or behind them (``1 x, 2 y, 3 z``).
"""

import math
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from edgehar.models.sensing.names import AXES, OTHER, read_axis, read_name
from edgehar.models.sensing.unit_names import unit_at_start

MAXIMUM_SLOTS: Final = 64
"""No sketch prints more numbers in a line; more are not looked at."""

_ESCAPES: Final = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
"""Colour codes of loggers (ECMA-48 control sequences)."""

_LEVEL: Final = re.compile(r"^(\s*)[WEDV]( \(\d+\))")
"""The level of a log line changes now and then: ``W (4812) imu: ..`` is of the kind of ``I (4802) imu: ..``."""
_SIGN_APART: Final = re.compile(r"([:=,;|]\s*[-+])\s+(?=[\d.])")
"""A sign that is printed apart from its number: ``X:- 0.12``."""
_NOT_A_NUMBER: Final = r"nan|inf(?:inity)?|ovf|null|none|nil"
# Text that holds digits without being a number comes first, so that the digits are not found.
_TEXT_WITH_DIGITS: Final = (
    r"\*[0-9a-fA-F]{2}(?=\s*$)|\d{4}-\d{2}-\d{2}(?:T(?=\d))?"
    r"|(?<!\d)(?:\d{1,2}[/.-]\d{1,2}[/.-](?:\d\d)?\d\d|\d{4}[/.]\d{1,2}[/.]\d{1,2})(?=[ ,;\tT]+\d{1,2}:\d\d)"
    r"|\d{1,2}:\d{2}:\d{2}(?:\.\d+(?:,\d{3}(?=\]))?|,\d{3}(?=[\s\]]))?Z?|<inf>|0[xX][0-9a-fA-F]+|[/*^]\s?s(?:ec)?\^?2"
    r"|\bms/2"
)
_AXIS_GLUED: Final = r"(?:(?<=^)|(?<=[\s,;|]))(?P<glued>[xyzXYZ])(?=[-+]?\d*\.\d)"


def _number(mark: str) -> str:
    """Return the pattern of a number with this decimal mark; letters, digits or "^" before it make it text."""
    body = rf"[-+]?(?:\d+[.]-\d{{5,6}}|\d+{mark}?\d*|{mark}\d+)(?:[eE][-+]?\d{{1,3}}(?!\w))?"
    return rf"(?<![\w.^])(?<![\w^][-+])(?P<number>{body})(?![\d])|(?<![\w])[-+]?(?P<missing>{_NOT_A_NUMBER})(?!\w)"


_TOKEN: Final = {
    comma: re.compile(f"(?P<text>{_TEXT_WITH_DIGITS})|{_number(',' if comma else '[.]')}", re.IGNORECASE)
    for comma in (False, True)
}
_PLAIN_NUMBER: Final = rb"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?"
_GLUED: Final = re.compile(_AXIS_GLUED)
_ADDRESS_LETTERS: Final = 4
_AXES: Final = 3
_MARKS: Final = (",", ";", "|")
_LISTED: Final = re.compile(r"\s*[,/;&]\s*|\s+and\s+")
_SPACES: Final = re.compile(r"\s+")
_NOISE: Final = re.compile(r"[^\w()\[\]/^²*°%.-]+")
_CLOSED: Final = re.compile(r"</[^<>]*>")
"""What closes an element of XML names the number before it."""
_PAIRED: Final = re.compile(r"[(\[][^()\[\]]*[)\]]")
_TELEPLOT: Final = re.compile(r">[^:>]+:")
"""Teleplot's line: ``>name:value``, or ``>name:milliseconds:value``."""


@dataclass(frozen=True)
class Template:
    """The constant text of a line, in as many pieces as it has slots, and one more.

    Parameters
    ----------
    constants
        The text before every slot and behind the last, blanks at its ends taken off, others shortened to one.
    decimal_comma
        Whether numbers are written with a comma.
    """

    constants: tuple[str, ...]
    decimal_comma: bool = False

    @property
    def slots(self) -> int:
        """How many numbers the line has."""
        return len(self.constants) - 1

    @cached_property
    def letters(self) -> int:
        """How many letters the constant text has."""
        return sum(character.isalpha() for constant in self.constants for character in constant)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The name of every slot: what stands before it, with the sensor that an earlier slot named."""
        return tuple(name for name, _ in self._named)

    @cached_property
    def units(self) -> tuple[str | None, ...]:
        """The unit of every slot, where one stands behind it or behind the group it ends."""
        return tuple(unit for _, unit in self._named)

    @cached_property
    def has_last_words(self) -> bool:
        """Whether the line ends with words that are no unit."""
        return any(map(str.isalpha, unit_at_start(self.constants[-1])[1]))

    @cached_property
    def _named(self) -> tuple[tuple[str, str | None], ...]:
        """Names and units of the slots."""
        befores, units = _names_and_units(self.constants)
        if _is_tagged(befores):
            return tuple(("", unit) for unit in units)
        if self.slots == 2 and self.constants[1] == ":" and _TELEPLOT.fullmatch(self.constants[0]):
            return ("time ms", None), (_without_noise(self.constants[0]), units[-1])
        names: list[str] = []
        # A quantity with a number of its own, such as "Roll: 3", names no axes that follow.
        prefix, vector, is_scalar = "", 0, False
        for before in befores:
            name = _without_noise(before)
            said = read_name(name)
            if said.axis is None and (said.sensor is not None or name):
                # "acc=(1, 2, 3)": a sensor, then numbers without names, are its axes.
                prefix, vector, is_scalar = name, 0, said.sensor == OTHER
            elif said.axis is not None and (said.sensor is not None or said.rest):
                prefix, vector, is_scalar = _without_axis(name), 3, False
            elif said.axis is not None and prefix and not is_scalar:
                name, vector = f"{prefix} {name}", 3
            if not name and prefix and vector < 3 and names:
                vector += 1
                name = f"{prefix} {'xyz'[vector]}" if vector < 3 else ""
            names.append(name)
        return tuple(zip(_with_first_axes(names, befores), _spread(units, names), strict=True))

    def pattern(self) -> "re.Pattern[bytes]":
        """Return a pattern that matches lines of this template, its numbers as groups, where all of them are there.

        It is for speed: a line that it does not match may still be one, by `dissect`.
        """
        words = [
            [re.escape(word.encode("latin-1", "replace")) for word in piece.split(" ")] for piece in self.constants
        ]
        number = rb"\s*(" + _PLAIN_NUMBER + rb")\s*"
        return re.compile(rb"\s*" + number.join(rb"\s*".join(each) for each in words) + rb"[,;]?\s*")


def dissect(line: str, *, decimal_comma: bool = False) -> tuple[Template, tuple[float, ...]] | None:
    """Cut a line into its template and its numbers; None for a line without a number.

    Examples
    --------
    >>> template, numbers = dissect("Acceleration X: 1.2, Y: -3.3, Z: 8.9 m/s^2")
    >>> template.names, template.units, numbers
    (('Acceleration X', 'acceleration Y', 'acceleration Z'), ('m/s2', 'm/s2', 'm/s2'), (1.2, -3.3, 8.9))
    """
    # The minus sign of Unicode is three bytes of UTF-8, and a line has a character for each byte.
    text = _LEVEL.sub(r"\1I\2", _ESCAPES.sub("", line).replace("â\x88\x92", "-"))
    constants: list[str] = []
    numbers: list[float] = []
    end = 0
    text = _GLUED.sub(r"\g<glued>:", _SIGN_APART.sub(r"\1", text))
    for match in _TOKEN[decimal_comma].finditer(text):
        if match["text"] is not None:
            continue
        if len(numbers) == MAXIMUM_SLOTS:
            return None
        constants.append(text[end : match.start()])
        numbers.append(_value(match["number"]))
        end = match.end()
    if not numbers:
        return None
    # One separator behind the last number is a habit of sketches, and says nothing.
    constants.append(text[end:].rstrip().removesuffix(",").removesuffix(";"))
    return Template(tuple(_normal(piece) for piece in constants), decimal_comma), tuple(numbers)


def _value(written: str | None) -> float:
    """Return the number that was written, or NaN."""
    if written is None:
        return math.nan
    units, again, millionths = written.partition(".-")
    if again:
        # Zephyr's "%d.%06d" of a negative number, of which both parts are negative and the sign takes up a zero.
        return -abs(float(units)) - float(millionths) / 1e6
    return float(written.replace(",", "."))


def _normal(constant: str) -> str:
    """Return a constant without what the width of numbers changes; a time of day becomes a mark of its own."""
    marked = re.sub(_TEXT_WITH_DIGITS, lambda match: "§" if _changes(match[0]) else match[0], constant)
    return _SPACES.sub(" ", marked).strip()


def _is_tagged(befores: list[str]) -> bool:
    """Tell whether one word begins a line of more than three numbers, and nothing names these: ``$VNIMU,1,2,3,4``."""
    first, *others = befores
    tag = _without_noise(first)
    if len(others) < _AXES or not tag or any(character.isalpha() for each in others for character in each):
        return False
    said = read_name(tag)
    return said.sensor is None and said.axis is None


def _changes(text: str) -> bool:
    """Tell whether text with digits changes from line to line: a time, a checksum. ``0x68`` names a sensor."""
    changes = text[:1].isdigit() or (text[:1] == "*" and text[1:2] != "s")
    return changes and not (text[:2].lower() == "0x" and len(text) <= _ADDRESS_LETTERS)


def _names_and_units(constants: tuple[str, ...]) -> tuple[list[str], list[str | None]]:
    """Return what names each slot, and the unit behind it."""
    pieces, units = [constants[0]], []
    for constant in constants[1:]:
        unit, rest = unit_at_start(constant)
        units.append(unit)
        pieces.append(rest)
    return _from_lists(_from_behind(pieces) or pieces[:-1]), units


def _from_behind(pieces: list[str]) -> list[str] | None:
    """Return what names each slot where the names stand behind the numbers: ``Acc: 1 x, 2 y, 3 z``; None if not so."""
    first, *behind = pieces
    axes = [read_axis(_without_noise(piece)) for piece in behind]
    if read_axis(_without_noise(first)) is not None:
        return None
    ends = [piece.rstrip().endswith(_MARKS) and not piece.lstrip().startswith(_MARKS) for piece in behind]
    ends[-1] = True
    # Only behind its number can a name stand with which the line ends.
    to_the_end = axes[-1] is not None and all(any(map(str.isalpha, piece)) for piece in behind)
    for start in range(len(behind) - 2):
        if tuple(axes[start : start + 3]) == AXES and (to_the_end or all(ends[start : start + 3])):
            return [f"{first} {behind[0]}", *behind[1:]]
    return None


def _from_lists(befores: list[str]) -> list[str]:
    """Return what names each slot where names stand as a list before their numbers: ``ax, ay, az: 1, 2, 3``."""
    named = list(befores)
    for at, before in enumerate(befores):
        text = before.strip(" ,;|)]}")
        for names in (_LISTED.split(text), _without_noise(text).split()):
            behind = befores[at + 1 : at + len(names)]
            axes = [read_axis(name) for name in names]
            listed = set(AXES) <= set(axes) and len(behind) == len(names) - 1
            if (
                listed
                and not any(map(str.isalpha, "".join(behind)))
                and (None not in axes or "," in text or "/" in text)
            ):
                named[at : at + len(names)] = names
                break
    return named


def _without_noise(before: str) -> str:
    """Return the words of a constant that can be a name."""
    text = _NOISE.sub(" ", _CLOSED.sub(" ", before))
    kept = set()
    for pair in _PAIRED.finditer(text):
        kept |= {pair.start(), pair.end() - 1}
    # A bracket without its other half encloses the numbers, not a word of the name.
    whole = "".join(
        " " if character in "()[]" and place not in kept else character for place, character in enumerate(text)
    )
    return " ".join(whole.strip(" -./*^").split())


def _without_axis(name: str) -> str:
    """Return a name without its axis: what holds for the slots that follow."""
    said = read_name(name)
    words = [said.sensor or "", *said.rest]
    return " ".join(word for word in words if word)


def _with_first_axes(names: list[str], befores: list[str]) -> list[str]:
    """Give the first slot of an unnamed vector its axis: ``acc 0.1 0.2 0.3`` is x, y and z of acc."""
    named = list(names)
    for index in range(len(named) - 2):
        first, second, third = named[index : index + 3]
        if first and second == f"{first} y" and third == f"{first} z":
            named[index] = f"{first} x"
    return named


def _spread(units: list[str | None], names: list[str]) -> list[str | None]:
    """Let a unit hold for the slots of the same sensor before it: it stands once, behind the last of them."""
    spread = list(units)
    read = [read_name(name) for name in names]
    held: set[str | None] = set()
    for index in range(len(spread) - 1, -1, -1):
        if spread[index] is not None:
            held = {read[index].axis}
        elif held and read[index].sensor == read[index + 1].sensor and read[index].axis not in held:
            spread[index] = spread[index + 1]
            held.add(read[index].axis)
        else:
            held = set()
    return spread
