r"""The capture file: what a sensor sent, what was known to be missing, and what its wearer did. Append-only.

::

    "HARCAP1\n"                                          the file begins
    f1 'H' 'A' 'R' | kind u8 | length u32 | payload | crc u32       and goes on with records, little endian

    kind 'H'  JSON      who, where on the body, unit, rate, since when; the first record
    kind 'S'  samples   arrived f64 (s, unix) | lost u32 | continues u8 | n u16 | n x time f64 (s) | n x (x y z) f32 (g)
    kind 'M'  motion    as 'S', with the number of channels c behind n: c u8; n x (x y z gx gy gz) f32 (g and deg/s)
    kind 'E'  JSON      {"event": "begin", "take": 1, "activity": "walk", "t_s": 12.34}   also end, discard, relabel
                        {"event": "found", "take": -1, "unit": "m/s2"}       a unit that was found out later
                        {"event": "lines", "take": -1, "arrived_s": 1.7e9, "text": "0.1,0.2,0.9\n"}   as they came
                        {"event": "turning", "take": -1, "unit": "rad/s"}    the unit of a gyroscope in text

Events of other kinds, and records of other kinds whose CRC is right, belong to a later version and are passed over. An
earlier version passes over ``found``, ``lines``, ``turning`` and motion in the same way. The lines are there to read
the columns again; a byte is one character of the text, and no more than `MOST_LINE_BYTES` are kept.

The CRC-32 (zlib) covers kind, length and payload.

Strategy of the reader. Records are only ever appended, so a program that dies, or a power cut, leaves at most an
unfinished record at the end: its bytes are counted and left out, and nothing has to be repaired. To read:

1. Find the next marker. A record begins there if its kind is known, its length fits its kind, and its CRC is right.
   Else go on one byte behind the marker: the four bytes may stand in the middle of samples.
2. Bytes between two records are damage. They are counted, and the next block of samples does not continue the one
   before; blocks after that do.
3. A record whose CRC is right can still say what cannot be, for anybody can write a file: numbers that are not finite,
   an event without its fields. Such a record is damage as well.

The search is linear in the size of the file. The CRC of a long record is only computed from a budget that grows with
every byte of the file; a short one is always checked. So a file full of false markers that claim long records costs a
constant time a byte, and a true record is found behind them.
"""

import json
import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final

from edgehar.models.capture_samples import (
    AXES,
    LARGEST_TIME_S,
    SAMPLE_KINDS,
    is_plausible_length,
    pack_samples,
    unpack_samples,
)
from edgehar.models.capture_samples import CapturedBlock as CapturedBlock
from edgehar.models.errors import DataError
from edgehar.models.foreign_text import printable
from edgehar.models.sensor_limits import HIGHEST_RATE_HZ, LOWEST_RATE_HZ, is_possible_rate

SUFFIX: Final = ".harcap"
MAGIC: Final = b"HARCAP1\n"
MARKER: Final = b"\xf1HAR"
_HEAD: Final = struct.Struct("<4scI")
_CRC: Final = struct.Struct("<I")
MOST_LINE_BYTES: Final = 2**28
"""Six hours at 115,200 baud."""
LINE_BYTES_AT_ONCE: Final = 8192
"""In one record: escaped in the longest way they still fit."""
NO_TAKE: Final = -1
"""The take of events that belong to none."""
EVENTS: Final = ("begin", "end", "discard", "relabel")
_FIELDS: Final = {
    "begin": ("activity", "t_s"),
    "end": ("t_s",),
    "relabel": ("activity",),
    "found": ("unit",),
    "turning": ("unit",),
    "lines": ("arrived_s", "text"),
}
"""What an event must hold beside the number of its take."""
_LATER: Final = frozenset(bytes([letter]) for letter in range(0x41, 0x5B)) - {b"H", b"E"} - SAMPLE_KINDS
"""Kinds of records that a later version may write."""
_KINDS: Final = frozenset({b"H", b"E"}) | SAMPLE_KINDS | _LATER
_LONGEST_TEXT: Final = 2**16
_LONGEST_UNIT: Final = 64
_ALWAYS_CHECKED: Final = 4096
_BUDGET_AT_ONCE: Final = 2**24
_BUDGET_PER_BYTE: Final = 16


@dataclass(frozen=True, slots=True)
class CaptureInfo:
    """Who wore which sensor, where, and since when."""

    subject: str
    placement: str
    unit: str
    rate_hz: float
    started_utc: str
    source: str


@dataclass(slots=True)
class Capture:
    """What a capture file holds, and what of it could not be read.

    ``lines`` are the bytes that a sensor of text sent, and when they came, in seconds since 1970. ``torn_bytes`` are an
    unfinished record at the end; ``damaged_bytes`` lie in ``damaged`` places inside. ``turning_unit`` is the unit in
    which a sensor of text gave its turning rate.
    """

    info: CaptureInfo
    blocks: list[CapturedBlock] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    torn_bytes: int = 0
    damaged_bytes: int = 0
    damaged: int = 0
    lines: list[tuple[float, bytes]] = field(default_factory=list)
    turning_unit: str = ""

    @property
    def channels(self) -> int:
        """How many numbers a sample has."""
        return self.blocks[0].channels if self.blocks else AXES


def encode_info(info: CaptureInfo) -> bytes:
    """Return the beginning of a file."""
    return MAGIC + _record(b"H", json.dumps(asdict(info), ensure_ascii=False).encode())


def encode_event(event: dict[str, Any]) -> bytes:
    """Return an event as a record."""
    return _record(b"E", json.dumps(event, ensure_ascii=False).encode())


def encode_lines(data: bytes, arrived_unix_s: float) -> bytes:
    """Return what a sensor of text sent as records.

    Examples
    --------
    >>> b"0.1,0.2,0.9" in encode_lines(b"0.1,0.2,0.9\\n", 0.0)
    True
    """
    return b"".join(
        encode_event(
            {
                "event": "lines",
                "take": NO_TAKE,
                "arrived_s": arrived_unix_s,
                "text": data[start : start + LINE_BYTES_AT_ONCE].decode("latin-1"),
            }
        )
        for start in range(0, len(data), LINE_BYTES_AT_ONCE)
    )


def encode_found_unit(unit: str) -> bytes:
    """Return the record of a unit that was found out after the file had begun."""
    return encode_event({"event": "found", "take": NO_TAKE, "unit": unit})


def encode_turning_unit(unit: str) -> bytes:
    """Return the record of the unit in which a sensor of text gives its turning rate."""
    return encode_event({"event": "turning", "take": NO_TAKE, "unit": unit})


def encode_block(block: CapturedBlock) -> bytes:
    """Return samples as one record, or several where there are many.

    Examples
    --------
    >>> import numpy as np
    >>> block = CapturedBlock(np.zeros((1, 3), np.float32), np.zeros(1), 0.0, lost=0, continues=True)
    >>> len(encode_block(block))
    48
    """
    return b"".join(_record(kind, payload) for kind, payload in pack_samples(block))


def read_capture(path: Path) -> Capture:
    """Read a capture file, torn or damaged as it may be.

    Raises
    ------
    DataError
        When the file cannot be read, is no capture, or does not say at its beginning who wore which sensor.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(
            f"{path}: expected a capture, it cannot be read ({error.strerror})",
            next_step="Check the path.",
            path=str(path),
        ) from error
    if not data.startswith(MAGIC):
        raise DataError(
            f"{path}: expected a capture, got a file that does not begin like one",
            next_step="Name a file that `har record` wrote.",
            path=str(path),
        )
    records = _records(data)
    start, kind, payload = next(records, (0, b"", b""))
    info = _info(payload) if kind == b"H" else None
    if info is None:
        raise DataError(
            f"{path}: expected who and what at the beginning of the capture, it was cut off or damaged there",
            next_step="Nothing can be read from it: record again.",
            path=str(path),
        )
    _require_possible(info, path)
    capture = Capture(info, damaged_bytes=start - len(MAGIC), damaged=int(start > len(MAGIC)))
    end = start + _record_size(payload)
    broken = False
    for start, kind, payload in records:
        block = unpack_samples(kind, payload) if kind in SAMPLE_KINDS else None
        if block is not None and capture.blocks and block.channels != capture.blocks[0].channels:
            block = None
        event = _event(payload) if kind == b"E" else None
        if block is None and event is None and kind not in _LATER:
            continue
        if start > end:
            capture.damaged_bytes += start - end
            capture.damaged += 1
            broken = True
        end = start + _record_size(payload)
        if block is not None:
            capture.blocks.append(replace(block, continues=False) if broken else block)
            broken = False
        elif event is not None:
            _take_event(capture, event)
    capture.torn_bytes = len(data) - end
    return capture


def takes_of(events: Iterable[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """Follow the events; return the takes that were not discarded by number, as they were labelled last.

    Each has ``activity`` and ``start_s``, and ``stop_s`` where its end is known.

    Examples
    --------
    >>> takes_of([{"event": "begin", "take": 1, "activity": "walk", "t_s": 2.0}, {"event": "discard", "take": 1}])
    {}
    """
    takes: dict[int, dict[str, Any]] = {}
    for event in events:
        number = event["take"]
        if event["event"] == "begin":
            takes[number] = {"activity": printable(event["activity"]), "start_s": event["t_s"]}
        elif number not in takes:
            continue
        elif event["event"] == "end":
            takes[number]["stop_s"] = event["t_s"]
        elif event["event"] == "discard":
            del takes[number]
        elif event["event"] == "relabel":
            takes[number]["activity"] = printable(event["activity"])
    return takes


def _take_event(capture: Capture, event: dict[str, Any]) -> None:
    """Add an event to a capture."""
    if event["event"] == "found":
        capture.info = replace(capture.info, unit=event["unit"])
    elif event["event"] == "turning":
        capture.turning_unit = event["unit"]
    elif event["event"] == "lines":
        capture.lines.append((float(event["arrived_s"]), event["text"].encode("latin-1")))
    else:
        capture.events.append(event)


def _record(kind: bytes, payload: bytes) -> bytes:
    """Return one record."""
    head = _HEAD.pack(MARKER, kind, len(payload))
    return head + payload + _CRC.pack(zlib.crc32(head[len(MARKER) :] + payload))


def _record_size(payload: bytes) -> int:
    """Return how many bytes the record of a payload has."""
    return _HEAD.size + len(payload) + _CRC.size


def _records(data: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Yield where each whole record begins, its kind, and its payload; look for the next marker after damage."""
    view = memoryview(data)
    place, spent = len(MAGIC), 0
    while (place := data.find(MARKER, place)) >= 0:
        length = _plausible_length(data, place)
        end = place + _HEAD.size + (length or 0)
        affordable = length is not None and (
            length <= _ALWAYS_CHECKED or spent + length <= _BUDGET_AT_ONCE + _BUDGET_PER_BYTE * place
        )
        if affordable and zlib.crc32(view[place + len(MARKER) : end]) == _CRC.unpack_from(data, end)[0]:
            yield place, data[place + 4 : place + 5], data[place + _HEAD.size : end]
            place = end + _CRC.size
        else:
            spent += length if affordable and length is not None else 0
            place += 1


def _plausible_length(data: bytes, place: int) -> int | None:
    """Return the length of the payload of a record that may begin here, or None if none can."""
    if place + _HEAD.size > len(data):
        return None
    _, kind, length = _HEAD.unpack_from(data, place)
    start, end = place + _HEAD.size, place + _HEAD.size + length
    if kind not in _KINDS or end + _CRC.size > len(data):
        return None
    if kind in _LATER:
        return length if length <= _LONGEST_TEXT else None
    if kind in SAMPLE_KINDS:
        return length if is_plausible_length(kind, data, start, length) else None
    return length if length <= _LONGEST_TEXT and data[start : start + 1] == b"{" else None


def _json(payload: bytes) -> dict[str, Any] | None:
    """Return a JSON object whose texts can be written again, or None if it is none."""
    try:
        found = json.loads(payload)
        json.dumps(found, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _info(payload: bytes) -> CaptureInfo | None:
    """Return the first record as what it says, or None if a field is missing or is something else."""
    found = _json(payload)
    if found is None or set(found) != {entry.name for entry in fields(CaptureInfo)}:
        return None
    rate_hz = found.pop("rate_hz")
    if not _is_number(rate_hz) or not all(isinstance(text, str) for text in found.values()):
        return None
    return CaptureInfo(rate_hz=float(rate_hz), **found)


def _require_possible(info: CaptureInfo, path: Path) -> None:
    """Refuse a capture of nobody, or of a rate that no sensor has."""
    if not info.subject.strip() or not is_possible_rate(info.rate_hz):
        raise DataError(
            f"{path}: expected a subject and a rate from {LOWEST_RATE_HZ:g} to {HIGHEST_RATE_HZ:g} Hz, got "
            f"{info.subject!r} and {info.rate_hz:g} Hz",
            next_step="Record again: the capture says what cannot be.",
            path=str(path),
        )


def _event(payload: bytes) -> dict[str, Any] | None:
    """Return an event, or None if it is none; events of a kind that a later version may know are kept."""
    found = _json(payload)
    if found is None or not isinstance(found.get("event"), str):
        return None
    take = found.get("take")
    if not isinstance(take, int) or isinstance(take, bool):
        return None
    for name in _FIELDS.get(found["event"], ()):
        value = found.get(name)
        if name == "activity" and not (isinstance(value, str) and value.strip()):
            return None
        if name in ("t_s", "arrived_s") and not _is_number(value):
            return None
        if name == "unit" and not (isinstance(value, str) and len(value) <= _LONGEST_UNIT):
            return None
        if name == "text" and not (isinstance(value, str) and all(ord(letter) < 256 for letter in value)):
            return None
    return found


def _is_number(value: object) -> bool:
    """Tell whether a value of JSON is a number that time and rate can have."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST_TIME_S
