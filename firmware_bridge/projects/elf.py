"""What a built program takes: flash and RAM, from the section table of its ELF file (System V gABI, chapter 4)."""

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edgehar.models.errors import DataError

_ALLOCATED: Final = 2
_NO_BITS: Final = 8
_WRITABLE: Final = 1
_MOST_BYTES: Final = 64 * 2**20
_IDENTIFICATION_BYTES: Final = 16
_LITTLE_ENDIAN: Final = 1
_HEADERS: Final = {
    1: (struct.Struct("<HHIIIIIHHHHHH"), struct.Struct("<IIIIIIIIII")),
    2: (struct.Struct("<HHIQQQIHHHHHH"), struct.Struct("<IIQQQQIIQQ")),
}
"""Of 32-bit and 64-bit files: the header behind the identification, and an entry of the section table."""


@dataclass(frozen=True, slots=True)
class ProgramSize:
    """Bytes of flash (code, constants, initial values) and of RAM (variables); the stack comes on top."""

    flash_bytes: int
    ram_bytes: int


def program_size(path: Path) -> ProgramSize:
    """Return what a little-endian ELF program takes.

    Nothing the file says is believed beyond its own length.

    Raises
    ------
    DataError
        If it is not such a file, was cut short, or cannot be read.
    """
    try:
        with path.open("rb") as stream:
            content = stream.read(_MOST_BYTES)
        return _sizes(content)
    except _NoProgramError as error:
        problem = str(error)
    except FileNotFoundError:
        problem = "there is no such file"
    except OSError as error:
        problem = f"it cannot be read ({error.strerror})"
    raise DataError(f"{path}: expected a program (little-endian ELF), {problem}", next_step="Build it again.")


class _NoProgramError(Exception):
    """What is wrong with a file, as a clause."""


def _sizes(content: bytes) -> ProgramSize:
    """Add up the sections that are loaded."""
    if content[:4] != b"\x7fELF":
        raise _NoProgramError("got something else")
    if len(content) < _IDENTIFICATION_BYTES:
        raise _NoProgramError("the file ends within its header")
    if content[4] not in _HEADERS or content[5] != _LITTLE_ENDIAN:
        raise _NoProgramError("got something else: another byte order or an unknown width")
    header, section = _HEADERS[content[4]]
    if len(content) < _IDENTIFICATION_BYTES + header.size:
        raise _NoProgramError("the file ends within its header")
    fields = header.unpack_from(content, _IDENTIFICATION_BYTES)
    table, entry_bytes, entries = fields[5], fields[10], fields[11]
    if entries and entry_bytes != section.size:
        raise _NoProgramError(f"expected entries of {section.size} bytes in its table of sections, got {entry_bytes}")
    if table + entries * section.size > len(content):
        raise _NoProgramError("the file ends within its table of sections")
    flash = ram = 0
    for index in range(entries):
        _, kind, flags, _, _, size, *_ = section.unpack_from(content, table + index * section.size)
        if not flags & _ALLOCATED:
            continue
        if kind != _NO_BITS:
            if size > len(content):
                raise _NoProgramError("it names a section that is longer than the file")
            flash += size
        if flags & _WRITABLE:
            ram += size
    return ProgramSize(flash, ram)
