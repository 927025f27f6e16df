"""Read zips of strangers: no long list of members, no method that cannot be bounded, no more bytes than asked for.

Python's reader trusts the directory at a zip's end. One that says it is long takes hundreds of bytes of memory for each
member; a member that says it is small is still unpacked whole before the rest is thrown away, unless a count is asked
for, and only for one of the methods is that count obeyed.
"""

import io
import lzma
import os
import struct
import tokenize
import zipfile
import zlib
from typing import IO, Final

MAXIMUM_DIRECTORY_BYTES: Final = 2**20
"""Bytes of the list of members: room for ten thousand of them."""

DAMAGE: Final = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    tokenize.TokenError,
    ValueError,
    EOFError,
    OSError,
    NotImplementedError,
    RuntimeError,
    struct.error,
    LookupError,
)
"""What reading a damaged zip may raise."""

_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_END: Final = struct.Struct("<4s4H2LH")
_END_MARK: Final = b"PK\x05\x06"
_LOCATOR_MARK: Final = b"PK\x06\x07"
_LOCATOR_BYTES: Final = 20
_LONGEST_COMMENT: Final = 2**16


def refuse_long_directory(stream: IO[bytes]) -> None:
    """Look at a zip's end before Python reads what it points to; leave the stream at its beginning.

    Raises
    ------
    zipfile.BadZipFile
        If there is no end, or the list of members is longer than the limit.
    """
    size = stream.seek(0, io.SEEK_END)
    stream.seek(max(0, size - _END.size - _LONGEST_COMMENT - _LOCATOR_BYTES))
    tail = stream.read()
    stream.seek(0)
    at = len(tail) - _END.size
    if at < 0 or tail[at : at + 4] != _END_MARK or tail[-2:] != b"\0\0":
        at = tail.rfind(_END_MARK)
    if at < 0 or len(tail) - at < _END.size:
        raise zipfile.BadZipFile("there is no list of members at its end")
    length = _END.unpack_from(tail, at)[5]
    large = tail[max(0, at - _LOCATOR_BYTES) : at].startswith(_LOCATOR_MARK)
    if large or length > MAXIMUM_DIRECTORY_BYTES:
        raise zipfile.BadZipFile(f"its list of members has more than {MAXIMUM_DIRECTORY_BYTES:,} bytes")


def read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, most: int) -> bytes:
    """Return the first ``most`` bytes of a member, without unpacking more.

    Raises
    ------
    zipfile.BadZipFile
        If it is packed in a way whose result cannot be bounded.
    """
    if member.compress_type not in _METHODS:
        raise zipfile.BadZipFile(f"{os.fspath(member.filename)!r:.60} is packed by method {member.compress_type}")
    with archive.open(member) as stream:
        return stream.read(most)
