"""What a stream of text lines brings: samples, and everything else that a person or an account must know of."""

from dataclasses import dataclass
from typing import Final, NamedTuple

from edgehar.firmware_bridge.text.layout import TextLayout
from edgehar.firmware_bridge.text.learning import Question

_SHOWN_BYTES: Final = 60


class Sample(NamedTuple):
    """One sample in the units of the device, with the tick of its time column and its turning rate, if it has them."""

    x: float
    y: float
    z: float
    tick: float | None = None
    turning: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Missing:
    """A line of a sample with no number where one should be: the device could not read its sensor."""

    text: str


@dataclass(frozen=True, slots=True)
class Damaged:
    """A line that should have been a sample and is not; ``text`` is its beginning, safe to print."""

    reason: str
    text: str


@dataclass(frozen=True, slots=True)
class Header:
    """A line that names the columns."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Note:
    """A line that is not meant to be a sample: a boot message, a comment, another sensor."""

    text: str


@dataclass(frozen=True, slots=True)
class LayoutFound:
    """It is known how lines are read; samples follow. ``changes``: other lines than those before, or another unit."""

    layout: TextLayout
    changes: bool = False


@dataclass(frozen=True, slots=True)
class Skipped:
    """Bytes before the first line end, that may be the rest of a line and were not read as one."""

    count: int


@dataclass(frozen=True, slots=True)
class Unread:
    """So many lines of numbers have come with no sample between them, like this one, and cannot be read as samples."""

    count: int
    text: str


LineEvent = Sample | Missing | Damaged | Header | Note | LayoutFound | Skipped | Unread | Question


def printable(line: bytes) -> str:
    """Return the beginning of a line as text that cannot upset a terminal."""
    text = "".join(chr(byte) if 0x20 <= byte < 0x7F else f"\\x{byte:02x}" for byte in line[:_SHOWN_BYTES])
    return text + ("…" if len(line) > _SHOWN_BYTES else "")
