"""The lines of a text file in large pieces: as UTF-8, with one kind of line end, and no line cut in two."""

import codecs
from collections.abc import Iterator
from typing import IO, Final, NamedTuple

from edgehar.pipeline.data.importing.refusals import refusal, unrecognised

CHUNK_BYTES: Final = 2**20
MAX_LINE: Final = 2**20
_HEAD_BYTES: Final = 2**16
_FEWEST_UTF16: Final = 32
_MOSTLY_ZERO: Final = 0.9
_MINUS: Final = "\N{MINUS SIGN}"
_PADDING: Final = b"\0\x1a"
"""What file systems and old programs leave behind the last line."""


class Chunk(NamedTuple):
    """Whole lines of a file as UTF-8, how many they are, and whether the last had a line end; here all of them have."""

    data: bytes
    lines: int
    ended: bool = True


def encoding_of(start: bytes, name: str) -> str:
    """Return the encoding of a text file, judged by its first bytes.

    Raises
    ------
    UnrecognisedError
        When they are not text.
    """
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if (without_mark := _utf16_of(start)) is not None:
        return without_mark
    if b"\0" in start:
        raise unrecognised(name, "expected a text file, got a binary one", next_step="Export the recording as CSV.")
    try:
        # A character may be cut in two at the end of what was read; a line is not.
        start[: start.rfind(b"\n") + 1 or None].decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8-sig"


def _utf16_of(start: bytes) -> str | None:
    """Return the form of UTF-16 that has no mark at its beginning: every other byte of plain text is zero."""
    low, high = start[0::2], start[1::2]
    for zeros, others, name in ((high, low, "utf-16-le"), (low, high, "utf-16-be")):
        if len(start) >= _FEWEST_UTF16 and zeros.count(0) > _MOSTLY_ZERO * len(zeros) and not others.count(0):
            return name
    return None


def read_head(stream: IO[bytes], name: str) -> tuple[bytes, str]:
    """Return the first bytes of a stream and their encoding; what pads a short file is left out."""
    start = stream.read(_HEAD_BYTES)
    if len(start) < _HEAD_BYTES and not start.startswith((b"\xff\xfe", b"\xfe\xff")) and _utf16_of(start) is None:
        start = start[: len(start.rstrip(_PADDING))]
    return start, encoding_of(start, name)


def head_lines(start: bytes, encoding: str, *, whole: bool, name: str) -> list[str]:
    """Return the lines in the first bytes of a file; the last one is left out unless the file ends there."""
    text = start.decode(encoding, "replace").replace("\r\n", "\n").replace("\r", "\n").replace(_MINUS, "-")
    lines = text.split("\n")
    if not whole and len(lines) == 1:
        raise unrecognised(name, f"expected at most {_HEAD_BYTES} characters on the first line", line=1)
    return lines if whole else lines[:-1]


def chunks_of(start: bytes, stream: IO[bytes], encoding: str, name: str) -> Iterator[Chunk]:
    """Yield whole lines as UTF-8, in pieces of about a megabyte, each line ended by a line feed.

    Raises
    ------
    DataError
        When a line is absurdly long, or a byte is no character of the encoding.
    """
    decoder = codecs.getincrementaldecoder(encoding)() if encoding != "utf-8-sig" else None
    rest, lines, piece, last = b"", 0, start.removeprefix(b"\xef\xbb\xbf"), False
    while not last:
        more = stream.read(CHUNK_BYTES)
        last = not more
        ready = rest + (_recoded(decoder, piece, last, name, lines) if decoder else piece)
        piece = more
        if b"\r" in ready:
            held = b"\r" if ready.endswith(b"\r") and not last else b""
            ready = ready[: len(ready) - len(held)].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        else:
            held = b""
        cut = len(ready) if last else ready.rfind(b"\n") + 1
        rest = ready[cut:] + held
        if len(rest) > MAX_LINE or (last and len(ready) > MAX_LINE and b"\n" not in ready):
            raise refusal(name, f"expected at most {MAX_LINE} characters on a line", line=lines + 1)
        if cut:
            chunk = ready[:cut] if ready.endswith(b"\n", 0, cut) else ready[:cut] + b"\n"
            if not chunk.isascii():
                if decoder is None:
                    _check_utf8(chunk, name, lines)
                chunk = chunk.replace(_MINUS.encode(), b"-")
            count = chunk.count(b"\n")
            lines += count
            yield Chunk(chunk, count, ready.endswith(b"\n", 0, cut))


def _recoded(decoder: codecs.IncrementalDecoder, piece: bytes, last: bool, name: str, lines: int) -> bytes:
    """Return bytes of another encoding as UTF-8."""
    try:
        return decoder.decode(piece, last).encode("utf-8")
    except UnicodeDecodeError as error:
        raise _bad_byte(error, name, lines + 1) from error


def _check_utf8(chunk: bytes, name: str, lines: int) -> None:
    """Refuse bytes that are no UTF-8."""
    try:
        chunk.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _bad_byte(error, name, lines + 1 + chunk.count(b"\n", 0, error.start)) from error


def _bad_byte(error: UnicodeDecodeError, name: str, line: int) -> Exception:
    """Return the error for a byte that is no character."""
    sentence = (
        f"expected {error.encoding.replace('utf-8', 'UTF-8')} text, got the byte 0x{error.object[error.start]:02x}"
    )
    return refusal(name, sentence, line=line)
