"""GENEActiv .bin: lines of text, with the samples of a page in hexadecimal.

A file begins with ``Device Identity``, then lines ``name:value``; among them ``x gain``, ``x offset`` and so on. A page
is ``Recorded Data``, lines ``name:value`` (``Page Time:2012-05-23 16:47:50:000``, ``Measurement Frequency:100.0``), and
one line of 12 hexadecimal digits a sample: 12 bits each of x, y and z, signed, then light and a button. In g a value is
``(100 value - offset) / gain``. The format: GENEActiv Operating Instructions, "Decoding .bin files".
"""

import calendar
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Final

import numpy as np
import numpy.typing as npt

from edgehar.models.errors import DataError
from edgehar.pipeline.data.readers.device_formats.blocks import Block, damage

START: Final = b"Device Identity"
_PAGE: Final = "Recorded Data"
_DIGITS: Final = 12
_LONGEST_LINE: Final = 2**16
_MOST_LINES: Final = 1000
"""Of the header; today's have 59."""
_TIME: Final = re.compile(r"(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d):(\d{3})")
_RATES_HZ: Final = (1.0, 1000.0)


def begins_like_one(path: Path) -> bool:
    """Tell whether a file begins like one; others are called .bin too."""
    with path.open("rb") as stream:
        return stream.read(len(START)) == START


def blocks(path: Path) -> Iterator[Block]:
    """Yield the pages of a file.

    Raises
    ------
    DataError
        When it is not such a file, or does not say how it was calibrated.
    """
    if not begins_like_one(path):
        raise DataError(
            f"{path}: expected a .bin file that begins with {START.decode()}, got another",
            next_step="Extract it from the device again.",
            path=str(path),
        )
    with path.open("rb") as stream:
        gain, offset = _calibration(path, _fields(stream))
        number = 0
        fields: dict[str, str] = {}
        while line := stream.readline(_LONGEST_LINE):
            text = line.decode("ascii", errors="replace").strip()
            name, colon, value = text.partition(":")
            if text == _PAGE:
                number, fields = number + 1, {}
            elif colon:
                fields[name.strip()] = value.strip()
            elif text:
                yield _block(f"{path}, page {number}", text, fields, gain, offset)
                fields = {}


def _fields(stream: IO[bytes]) -> dict[str, str]:
    """Return the lines of the header, up to the first page."""
    found: dict[str, str] = {}
    for _ in range(_MOST_LINES):
        text = stream.readline(_LONGEST_LINE).decode("ascii", errors="replace").strip()
        if text == _PAGE:
            break
        name, colon, value = text.partition(":")
        if colon:
            found[name.strip().lower()] = value.strip()
    return found


def _calibration(path: Path, fields: Mapping[str, str]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return gain and offset of x, y and z."""
    try:
        gain = np.array([float(fields[f"{axis} gain"]) for axis in "xyz"])
        offset = np.array([float(fields[f"{axis} offset"]) for axis in "xyz"])
    except (KeyError, ValueError):
        gain = offset = np.zeros(3)
    if not (np.isfinite(gain).all() and np.isfinite(offset).all() and (gain > 0).all()):
        raise DataError(
            f"{path}: expected gain and offset of x, y and z in the header, got none that can be used",
            next_step="Extract the file from the device again.",
            path=str(path),
        )
    return gain, offset


def _block(
    place: str,
    digits: str,
    fields: Mapping[str, str],
    gain: npt.NDArray[np.float64],
    offset: npt.NDArray[np.float64],
) -> Block:
    """Return the samples of a page, or the news that it is damaged."""
    time = _TIME.fullmatch(fields.get("Page Time", ""))
    try:
        rate_hz = float(fields.get("Measurement Frequency", ""))
        raw = np.frombuffer(bytes.fromhex(digits), np.uint8)
    except ValueError:
        return damage(place)
    if time is None or len(digits) % _DIGITS or not _RATES_HZ[0] <= rate_hz <= _RATES_HZ[1]:
        return damage(place)
    *date, millisecond = map(int, time.groups())
    try:
        starts_s = calendar.timegm((*date, 0, 0, 0)) + millisecond / 1e3
    except ValueError:
        return damage(place)
    pieces = raw.reshape(-1, _DIGITS // 2).astype(np.int32)
    x = pieces[:, 0] << 4 | pieces[:, 1] >> 4
    y = (pieces[:, 1] & 15) << 8 | pieces[:, 2]
    z = pieces[:, 3] << 4 | pieces[:, 4] >> 4
    values = np.stack([x, y, z], axis=1)
    signed = np.where(values > 2047, values - 4096, values)
    return Block(place, starts_s, rate_hz, np.asarray((100.0 * signed - offset) / gain, np.float32))
