r"""The capture file: what a sensor sent, what was known to be missing, and what its wearer did. Append-only.

::

    "HARCAP1\n"                                          the file begins
    f1 'H' 'A' 'R' | kind u8 | length u32 | payload | crc u32       and goes on with records, little endian

    kind 'H'  JSON      who, where on the body, unit, rate, since when; the first record
    kind 'S'  samples   arrived f64 (s, unix) | lost u32 | continues u8 | n u16 | n x time f64 (s) | n x (x y z) f32 (g)
    kind 'E'  JSON      {"event": "begin", "take": 1, "activity": "walk", "t_s": 12.34}   also end, discard, relabel

The CRC-32 (zlib) covers kind, length and payload. A program that dies, or a power cut, leaves at most a torn record at
the end: a reader counts its bytes and leaves it out, and nothing has to be repaired. A damaged record inside is skipped
to the next marker, counted, and leaves a gap of unknown size.
"""

import json
import struct
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.errors import DataError

SUFFIX: Final = ".harcap"
MAGIC: Final = b"HARCAP1\n"
MARKER: Final = b"\xf1HAR"
MAXIMUM_PAYLOAD: Final = 2**20
_HEAD: Final = struct.Struct("<4scI")
_CRC: Final = struct.Struct("<I")
_SAMPLES: Final = struct.Struct("<dIBH")
MAXIMUM_SAMPLES: Final = 10_000
"""In one record; more are split."""
EVENTS: Final = ("begin", "end", "discard", "relabel")


@dataclass(frozen=True, slots=True)
class CaptureInfo:
    """Who wore which sensor, where, and since when."""

    subject: str
    placement: str
    unit: str
    rate_hz: float
    started_utc: str
    source: str


@dataclass(frozen=True, slots=True, eq=False)
class CapturedBlock:
    """Samples (n, 3) float32 in g and their times (n,) in s; what was lost before them, and whether they continue."""

    samples_g: NDArray[np.float32]
    times_s: NDArray[np.float64]
    arrived_unix_s: float
    lost: int
    continues: bool


@dataclass(slots=True)
class Capture:
    """What a capture file holds, and what of it could not be read.

    ``torn_bytes`` are an unfinished record at the end; ``damaged_bytes`` lie in ``damaged`` places inside.
    """

    info: CaptureInfo
    blocks: list[CapturedBlock] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    torn_bytes: int = 0
    damaged_bytes: int = 0
    damaged: int = 0


def encode_info(info: CaptureInfo) -> bytes:
    """Return the beginning of a file."""
    return MAGIC + _record(b"H", json.dumps(asdict(info), ensure_ascii=False).encode())


def encode_event(event: dict[str, Any]) -> bytes:
    """Return an event as a record."""
    return _record(b"E", json.dumps(event, ensure_ascii=False).encode())


def encode_block(block: CapturedBlock) -> bytes:
    """Return samples as one record, or several where there are many.

    Examples
    --------
    >>> block = CapturedBlock(np.zeros((1, 3), np.float32), np.zeros(1), 0.0, lost=0, continues=True)
    >>> len(encode_block(block))
    48
    """
    records = []
    for start in range(0, max(1, len(block.samples_g)), MAXIMUM_SAMPLES):
        part = slice(start, start + MAXIMUM_SAMPLES)
        times_s, samples_g = block.times_s[part], block.samples_g[part]
        lost, continues = (0, True) if start else (block.lost, block.continues)
        head = _SAMPLES.pack(block.arrived_unix_s, min(lost, 2**32 - 1), continues, len(times_s))
        records.append(_record(b"S", head + times_s.astype("<f8").tobytes() + samples_g.astype("<f4").tobytes()))
    return b"".join(records)


def read_capture(path: Path) -> Capture:
    """Read a capture file, torn or damaged as it may be.

    Raises
    ------
    DataError
        When the file is none of ours, or its beginning is not whole.
    """
    data = path.read_bytes()
    if not data.startswith(MAGIC):
        raise DataError(
            f"{path}: expected a capture, got a file that does not begin like one",
            next_step="Name a file that `har record` wrote.",
            path=str(path),
        )
    records = list(_records(data))
    info = _info(records[0][2]) if records and records[0][1] == b"H" else None
    if info is None:
        raise DataError(
            f"{path}: expected who and what at the beginning of the capture, it was cut off or damaged there",
            next_step="Nothing can be read from it: record again.",
            path=str(path),
        )
    capture = Capture(info)
    end = len(MAGIC)
    broken = False
    for start, kind, payload in records:
        if start > end:
            capture.damaged_bytes += start - end
            capture.damaged += 1
            broken = True
        end = start + _HEAD.size + len(payload) + _CRC.size
        if kind == b"S":
            block = _block(payload)
            capture.blocks.append(_after_damage(block) if broken else block)
            broken = False
        elif kind == b"E":
            capture.events.append(json.loads(payload))
    capture.torn_bytes = len(data) - end
    return capture


def _record(kind: bytes, payload: bytes) -> bytes:
    """Return one record."""
    head = _HEAD.pack(MARKER, kind, len(payload))
    return head + payload + _CRC.pack(zlib.crc32(head[len(MARKER) :] + payload))


def _records(data: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Yield where each whole record begins, its kind, and its payload; look for the next marker after damage."""
    place = len(MAGIC)
    while (place := data.find(MARKER, place)) >= 0:
        payload = _payload_at(data, place)
        if payload is None:
            place += 1
            continue
        yield place, data[place + 4 : place + 5], payload
        place += _HEAD.size + len(payload) + _CRC.size


def _payload_at(data: bytes, place: int) -> bytes | None:
    """Return the payload of the record that begins here, or None if there is no whole one."""
    if place + _HEAD.size > len(data):
        return None
    _, _, length = _HEAD.unpack_from(data, place)
    end = place + _HEAD.size + length
    if length > MAXIMUM_PAYLOAD or end + _CRC.size > len(data):
        return None
    (crc,) = _CRC.unpack_from(data, end)
    return data[place + _HEAD.size : end] if zlib.crc32(data[place + len(MARKER) : end]) == crc else None


def _info(payload: bytes) -> CaptureInfo | None:
    """Return the first record as what it says."""
    try:
        return CaptureInfo(**json.loads(payload))
    except (TypeError, ValueError):
        return None


def _block(payload: bytes) -> CapturedBlock:
    """Return a record of samples."""
    arrived, lost, continues, count = _SAMPLES.unpack_from(payload)
    times_s = np.frombuffer(payload, "<f8", count, _SAMPLES.size)
    samples_g = np.frombuffer(payload, "<f4", 3 * count, _SAMPLES.size + 8 * count).reshape(count, 3)
    return CapturedBlock(samples_g, times_s, arrived, lost, bool(continues))


def _after_damage(block: CapturedBlock) -> CapturedBlock:
    """Return a block as one that follows a hole of unknown size."""
    return CapturedBlock(block.samples_g, block.times_s, block.arrived_unix_s, block.lost, continues=False)
