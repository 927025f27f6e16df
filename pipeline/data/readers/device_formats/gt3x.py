"""ActiGraph .gt3x: a zip of info.txt and log.bin.

log.bin is records, little-endian: 0x1E, type u8, Unix time u32, payload size u16, payload, checksum u8 (the complement
of the exclusive or of all before it). Type 0 holds a second of samples, 12 bits a value, most significant first, in the
order y, x, z; type 26 one in 16 bits, x, y, z. A payload of one byte tells of a USB connection. Zeros may stand between
records. The format: github.com/actigraph/GT3X-File-Format.
"""

import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

import numpy as np
import numpy.typing as npt

from edgehar.models.errors import DataError
from edgehar.pipeline.data.readers.device_formats.blocks import Block, damage

_SEPARATOR: Final = 0x1E
_HEADER: Final = struct.Struct("<BBIH")
_ACTIVITY: Final = 0x00
_ACTIVITY2: Final = 0x1A
_CHUNK: Final = 2**20
_MAX_INFO: Final = 2**16
_MOST_RATE_HZ: Final = 200.0
_SCALES: Final = {"NEO": 341.0, "CLE": 341.0, "MRA": 341.0, "MOS": 256.0, "TAS": 256.0}
"""Counts per g by the beginning of the serial number, where info.txt gives no scale."""


def blocks(path: Path) -> Iterator[Block]:
    """Yield the seconds of a file.

    Raises
    ------
    DataError
        When it is not such a file, or cut short.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            info = archive.open("info.txt").read(_MAX_INFO).decode("utf-8-sig", "replace")
            rate_hz, scale = _settings(path, info)
            with archive.open("log.bin") as log:
                yield from _records(path, log, rate_hz, scale)
    except (zipfile.BadZipFile, KeyError, EOFError, zlib.error, OSError, NotImplementedError, RuntimeError) as error:
        raise DataError(
            f"{path}: expected a .gt3x file, a zip of info.txt and log.bin, but {error}",
            next_step="Download it from the device again; files of firmware 2.5 and older are another format.",
            path=str(path),
        ) from error


def _settings(path: Path, info: str) -> tuple[float, float]:
    """Return rate and counts per g of info.txt."""
    said = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in info.splitlines())}
    try:
        rate_hz = float(said["Sample Rate"])
        scale = float(said.get("Acceleration Scale") or _SCALES[said.get("Serial Number", "")[:3]])
    except (KeyError, ValueError) as error:
        raise DataError(
            f"{path}: expected Sample Rate and Acceleration Scale (or a known Serial Number) in info.txt, got {error}",
            next_step="Download it from the device again.",
            path=str(path),
        ) from error
    if not (1 <= rate_hz <= _MOST_RATE_HZ and 1 <= scale <= 1e5):
        raise DataError(f"{path}: expected 1 to {_MOST_RATE_HZ:g} Hz and a scale, got {rate_hz:g} Hz and {scale:g}")
    return rate_hz, scale


def _records(path: Path, log: IO[bytes], rate_hz: float, scale: float) -> Iterator[Block]:
    """Yield the seconds of the log; after damage, reading goes on at the next whole record."""
    waiting, at, ended, lost = b"", 0, False, False
    while True:
        if len(waiting) - at < _HEADER.size + 2**16 and not ended:
            more = log.read(_CHUNK)
            ended, waiting, at = not more, waiting[at:] + more, 0
        if len(waiting) - at < _HEADER.size + 1:
            if lost or waiting[at:].strip(b"\0"):
                yield damage(str(path))
            return
        mark, kind, time_s, size = _HEADER.unpack_from(waiting, at)
        end = at + _HEADER.size + size
        whole = mark == _SEPARATOR and end < len(waiting) and _sums_up(waiting[at:end], waiting[end])
        if not whole:
            lost = lost or waiting[at] != 0
            at += 1
            continue
        if lost:
            yield damage(str(path))
            lost = False
        payload, at = waiting[at + _HEADER.size : end], end + 1
        if kind in (_ACTIVITY, _ACTIVITY2) and size > 1:
            counts = _packed(payload) if kind == _ACTIVITY else _plain(payload)
            if len(counts):
                yield Block(f"{path}, second {time_s}", float(time_s), rate_hz, (counts / scale).astype(np.float32))


def _sums_up(record: bytes, checksum: int) -> bool:
    """Tell whether a record is whole."""
    return int(np.bitwise_xor.reduce(np.frombuffer(record, np.uint8))) ^ 0xFF == checksum


def _packed(payload: bytes) -> npt.NDArray[np.float64]:
    """Return samples of 12 bits a value, stored as y, x, z."""
    values = np.frombuffer(payload[: len(payload) // 3 * 3], np.uint8).reshape(-1, 3).astype(np.int32)
    pairs = np.stack([values[:, 0] << 4 | values[:, 1] >> 4, (values[:, 1] & 15) << 8 | values[:, 2]], axis=1).ravel()
    if len(payload) % 3 == 2:
        # An odd number of samples ends in half a byte that means nothing.
        pairs = np.append(pairs, payload[-2] << 4 | payload[-1] >> 4)
    signed = np.where(pairs > 2047, pairs - 4096, pairs)[: len(pairs) // 3 * 3].reshape(-1, 3)
    return signed[:, [1, 0, 2]].astype(np.float64)


def _plain(payload: bytes) -> npt.NDArray[np.float64]:
    """Return samples of 16 bits a value."""
    return np.frombuffer(payload[: len(payload) // 6 * 6], "<i2").reshape(-1, 3).astype(np.float64)
