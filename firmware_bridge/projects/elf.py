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

    Raises
    ------
    DataError
        If it is not such a file.
    """
    try:
        with path.open("rb") as stream:
            content = stream.read(_MOST_BYTES)
        return _sizes(content)
    except (struct.error, KeyError, IndexError) as error:
        raise _no_program(path) from error
    except FileNotFoundError as error:
        raise _no_program(path) from error


def _sizes(content: bytes) -> ProgramSize:
    """Add up the sections that are loaded."""
    if content[:4] != b"\x7fELF" or content[5] != 1:
        raise KeyError("no little-endian ELF file")
    header, section = _HEADERS[content[4]]
    fields = header.unpack_from(content, 16)
    table, entry_bytes, entries = fields[5], fields[10], fields[11]
    flash = ram = 0
    for index in range(entries):
        _, kind, flags, _, _, size, *_ = section.unpack_from(content, table + index * entry_bytes)
        if not flags & _ALLOCATED:
            continue
        if kind != _NO_BITS:
            flash += size
        if flags & _WRITABLE:
            ram += size
    return ProgramSize(flash, ram)


def _no_program(path: Path) -> DataError:
    """Return the error of a file that is no program."""
    return DataError(f"{path}: expected a program (little-endian ELF), got something else", next_step="Build it again.")
