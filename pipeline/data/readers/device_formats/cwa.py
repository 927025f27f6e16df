"""Axivity AX3 and AX6 (OpenMovement) .cwa: sectors of 512 bytes, little-endian.

A file begins with a header of two sectors, ``MD``. Data sectors: ``AX`` @0, packet length 508 @2, fraction of a second
@4 (15 bits, if the top bit is set), session @6, sequence @10, time @14 (years since 2000 in 6 bits, month 4, day 5,
hour 5, minute 6, second 6), light and scale @18, rate code @24, axes and packing @25, the sample that the time is of
@26, number of samples @28, 480 bytes of samples @30, checksum @510 (all words add up to 0). A sample is three 10-bit
values and an exponent of two bits in 32 bits, or 16-bit values; of six axes the gyroscope's come first. The format:
github.com/openmovementproject/openmovement, the page "cwa" of its documentation.
"""

import calendar
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from edgehar.models.errors import DataError
from edgehar.pipeline.data.readers.device_formats.blocks import Block, damage

_SECTOR: Final = 512
_DATA: Final = struct.Struct("<2sHHIIIHHBBBBhH")
_LENGTH: Final = 508
_SAMPLE_BYTES: Final = 480
_AT: Final = 30
_PACKED_SCALE: Final = 256.0
_SLOWEST_CODE: Final = 6
"""Rate codes below are slower than 6 Hz and of no device."""


def blocks(path: Path) -> Iterator[Block]:
    """Yield the sectors of a file.

    Raises
    ------
    DataError
        When it is not such a file.
    """
    before: tuple[int, int] | None = None
    with path.open("rb") as stream:
        if stream.read(2) != b"MD":
            raise DataError(
                f"{path}: expected a .cwa file that begins with MD, got another",
                next_step="Download it from the device again.",
                path=str(path),
            )
        stream.seek(2 * _SECTOR)
        number = 1
        while sector := stream.read(_SECTOR):
            number += 1
            place = f"{path}, sector {number}"
            if len(sector) == _SECTOR and sector[:2] == b"\xff\xff":
                continue
            block, label = _block(place, sector)
            if block is None:
                yield damage(place)
                continue
            if before is not None and label != (before[0], before[1] + 1):
                # Another session, or sectors that are missing.
                yield damage(place)
            before = label
            yield block


def _block(place: str, sector: bytes) -> tuple[Block | None, tuple[int, int]]:
    """Return the samples of a sector, with its session and its number; none if it is damaged."""
    nothing = None, (0, 0)
    if len(sector) < _SECTOR or int(np.frombuffer(sector, "<u2").sum(dtype=np.uint32)) & 0xFFFF:
        return nothing
    mark, length, fraction, session, sequence, packed, light, _, _, _, code, layout, offset, count = _DATA.unpack_from(
        sector
    )
    axes, packing = layout >> 4, layout & 15
    width = 4 if packing == 0 else 2 * axes
    rate_code = code & 15
    known = (packing == 0 and axes == 3) or (packing == 2 and axes in (3, 6, 9))
    if mark != b"AX" or length != _LENGTH or not known or rate_code < _SLOWEST_CODE or count * width > _SAMPLE_BYTES:
        return nothing
    time_s = _time(packed)
    if time_s is None or not count:
        return nothing
    rate_hz = 3200 / (1 << (15 - rate_code))
    if fraction & 0x8000:
        sixteenth = (fraction & 0x7FFF) << 1
        offset += (sixteenth * int(rate_hz)) >> 16
        time_s += sixteenth / 65536
    raw = sector[_AT : _AT + count * width]
    samples_g = _packed_g(raw) if packing == 0 else _plain_g(raw, axes, light)
    return Block(place, time_s - offset / rate_hz, rate_hz, samples_g), (session, sequence)


def _time(packed: int) -> float | None:
    """Return a packed time as seconds since 1970; None for one that no calendar has."""
    year, month, day = 2000 + (packed >> 26 & 63), packed >> 22 & 15, packed >> 17 & 31
    hour, minute, second = packed >> 12 & 31, packed >> 6 & 63, packed & 63
    if not (1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60 and second < 60):
        return None
    return float(calendar.timegm((year, month, day, hour, minute, second)))


def _packed_g(raw: bytes) -> npt.NDArray[np.float32]:
    """Return samples of three 10-bit values and an exponent."""
    words = np.frombuffer(raw, "<u4").astype(np.int64)
    values = np.stack([words, words >> 10, words >> 20], axis=1) & 1023
    signed = np.where(values > 511, values - 1024, values) << (words >> 30)[:, np.newaxis]
    return np.asarray(signed / _PACKED_SCALE, np.float32)


def _plain_g(raw: bytes, axes: int, light: int) -> npt.NDArray[np.float32]:
    """Return the accelerometer of samples of 16-bit values; its scale stands in the top bits of the light sensor."""
    values = np.frombuffer(raw, "<i2").reshape(-1, axes)
    accelerometer = values[:, 3:6] if axes >= 6 else values
    return np.asarray(accelerometer / float(1 << (8 + (light >> 13))), np.float32)
