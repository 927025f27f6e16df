"""Numbers and text of a MATLAB 5 file, read within fixed limits: the file is a stranger's.

::

    header    128 bytes: text, then version 0x0100 and "IM" (little-endian)
    element   type uint32, size uint32, data, padding to 8 bytes; a size of up to 4 bytes may stand in the upper half of
              the type, with the data behind it (the small format)
    matrix    an element of type 14 that holds elements: flags (class), dimensions (int32), name, real part
    type 15   one element, compressed by zlib

Only numeric matrices and text at the top level are read; cells, structures, objects and sparse or complex matrices are
passed over without being looked into. Every size is checked before memory is given, and everything inflated counts
towards one limit. The layout is that of "MAT-File Format" (MathWorks), chapter 1.
"""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from edgehar.models.errors import DataError

MAX_FILE_BYTES: Final = 64 * 2**20
MAX_INFLATED_BYTES: Final = 64 * 2**20
"""Together, over all variables of a file; one of USC-HAD holds less than a hundredth of it."""
MAX_VARIABLES: Final = 256

Variable = npt.NDArray[np.float64] | str
"""A matrix of numbers, or the first row of a text."""

_HEADER_BYTES: Final = 128
_MATRIX: Final = 14
_COMPRESSED: Final = 15
_NUMBERS: Final = {1: "i1", 2: "u1", 3: "<i2", 4: "<u2", 5: "<i4", 6: "<u4", 7: "<f4", 9: "<f8", 12: "<i8", 13: "<u8"}
_TEXTS: Final = {1: "latin-1", 2: "latin-1", 4: "utf-16-le", 16: "utf-8", 17: "utf-16-le", 18: "utf-32-le"}
_CHAR_CLASS: Final = 4
_NUMERIC_CLASSES: Final = range(6, 16)
_COMPLEX_FLAG: Final = 0x0800


class _DamageError(Exception):
    """The bytes are not what they must be."""


def read_mat5(path: Path) -> dict[str, Variable]:
    """Read the numeric matrices and texts of a file, by name.

    Raises
    ------
    DataError
        When the file cannot be read, is not MATLAB 5, is damaged, or is larger than the limits.
    """
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise _DamageError(f"it holds {size} bytes, more than {MAX_FILE_BYTES}")
        content = path.read_bytes()
        return parse_mat5(content)
    except (OSError, _DamageError) as error:
        raise DataError(
            f"{path}: expected a whole MATLAB 5 file, got one that is damaged, cut short or too large ({error})",
            next_step="Fetch the file again.",
            path=str(path),
        ) from error


def parse_mat5(content: bytes) -> dict[str, Variable]:
    """Return the numeric matrices and texts in the bytes of a file.

    Raises
    ------
    Exception
        A private one, which :func:`read_mat5` turns into a DataError.
    """
    if len(content) < _HEADER_BYTES or content[124:128] != b"\x00\x01IM":
        raise _DamageError("its header is not one of a little-endian MATLAB 5 file")
    variables: dict[str, Variable] = {}
    left = MAX_INFLATED_BYTES
    for number, (kind, data) in enumerate(_elements(content[_HEADER_BYTES:], top=True)):
        if number >= MAX_VARIABLES:
            raise _DamageError(f"it holds more than {MAX_VARIABLES} variables")
        if kind == _COMPRESSED:
            inflated = _inflate(data, left)
            left -= len(inflated)
            (kind, data), *_ = [*_elements(inflated, top=True), (0, b"")]
        if kind == _MATRIX and (named := _variable(data)) is not None:
            variables[named[0]] = named[1]
    return variables


def _inflate(data: bytes, limit: int) -> bytes:
    """Return the inflated bytes of an element, at most ``limit``."""
    engine = zlib.decompressobj()
    try:
        inflated = engine.decompress(data, limit + 1)
    except zlib.error as error:
        raise _DamageError(str(error)) from error
    if len(inflated) > limit:
        raise _DamageError(f"its variables inflate to more than {MAX_INFLATED_BYTES} bytes")
    if not engine.eof:
        raise _DamageError("a compressed variable is cut short")
    return inflated


def _elements(data: bytes, *, top: bool = False) -> Iterator[tuple[int, bytes]]:
    """Yield (type, data) of elements that stand one after the other; compressed ones are not padded."""
    at = 0
    while at < len(data):
        if len(data) - at < 8:
            if not any(data[at:]):
                return
            raise _DamageError("an element is cut short")
        kind, size = struct.unpack_from("<II", data, at)
        start, step = at + 8, size + (0 if top and kind == _COMPRESSED else -size % 8)
        if kind >> 16:
            kind, size, start, step = kind & 0xFFFF, kind >> 16, at + 4, 0
            if size > 4:
                raise _DamageError(f"a small element claims {size} bytes")
        if start + size > len(data):
            raise _DamageError(f"an element claims {size} bytes, {len(data) - start} are left")
        yield kind, data[start : start + size]
        at += 8 + step


def _variable(data: bytes) -> tuple[str, Variable] | None:
    """Return the name and value of a matrix element; None for a class that is passed over."""
    parts = _elements(data)
    flags, dimensions, name = (next(parts, (0, b"")) for _ in range(3))
    if flags[0] != 6 or len(flags[1]) != 8 or dimensions[0] != 5 or name[0] != 1:
        raise _DamageError("a variable lacks its flags, dimensions or name")
    (word,) = struct.unpack_from("<I", flags[1])
    sizes = np.frombuffer(dimensions[1][: len(dimensions[1]) // 4 * 4], "<i4").tolist()
    if (word & _COMPLEX_FLAG) or len(sizes) != 2 or min(sizes) < 0:
        return None
    called = name[1].decode("latin-1")
    if word & 0xFF == _CHAR_CLASS:
        return called, _text(next(parts, (2, b"")), sizes)
    if word & 0xFF in _NUMERIC_CLASSES:
        return called, _matrix(next(parts, (9, b"")), sizes)
    return None


def _matrix(part: tuple[int, bytes], sizes: list[int]) -> npt.NDArray[np.float64]:
    """Return a matrix that is stored column by column."""
    kind, data = part
    if kind not in _NUMBERS:
        raise _DamageError(f"numbers of type {kind} are unknown")
    dtype = np.dtype(_NUMBERS[kind])
    if len(data) != sizes[0] * sizes[1] * dtype.itemsize:
        raise _DamageError(f"a matrix claims {sizes[0]} x {sizes[1]} numbers in {len(data)} bytes")
    return np.frombuffer(data, dtype).reshape(sizes, order="F").astype(np.float64)


def _text(part: tuple[int, bytes], sizes: list[int]) -> str:
    """Return the first row of a text that is stored column by column."""
    kind, data = part
    if kind not in _TEXTS:
        raise _DamageError(f"text of type {kind} is unknown")
    try:
        text = data.decode(_TEXTS[kind])
    except UnicodeDecodeError as error:
        raise _DamageError(str(error)) from error
    if len(text) != sizes[0] * sizes[1]:
        raise _DamageError(f"a text claims {sizes[0]} x {sizes[1]} characters and holds {len(text)}")
    return text[:: sizes[0]] if sizes[0] else ""
