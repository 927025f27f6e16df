"""Frames <-> bytes, without I/O: a message is delimited on a line so that damage is found and never passed on.

::

    on the line   | COBS code and data, no zero inside (6 to 255 bytes) | 00 |
                                   | decoded
                                   v
    body + CRC    | type (1) | fields (0 to 249) | CRC-32 of type and fields, little-endian (4) |

Strategy. Three things can go wrong on a line: bytes change, bytes are missing, and a reader joins in the middle.

1. Consistent Overhead Byte Stuffing (Cheshire & Baker, SIGCOMM 1997) keeps 00 out of a frame, so 00 ends a frame and
   nothing else does. A reader that has lost its place finds it again at the next 00.
2. A CRC-32 (that of zlib, Ethernet and PNG) in every frame finds bytes that changed or are missing. What lies between
   two 00 is either a frame with the right CRC, or damage of a known cause and size. There is no third case.
3. A sender that was silent puts one more 00 in front of its next frame. This ends any noise before it. Two 00 in a row
   are an empty frame, which is ignored.
4. A pause inside a frame can mean that the end of the frame was lost, or that the reader was busy. The parser marks the
   place and decides when the next 00 comes: see `FrameParser`.

`docs/protocol.md` is the specification; `edgehar.firmware_bridge.frames.messages` says what bodies mean.
"""

import zlib
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from cobs import cobs

TERMINATOR: Final = b"\x00"
CRC_BYTES: Final = 4
MAX_BODY_BYTES: Final = 250
"""With its checksum a body is 254 bytes at most: one byte of stuffing is always enough."""
MAX_ENCODED_BYTES: Final = MAX_BODY_BYTES + CRC_BYTES + 1
"""The longest frame without its terminator; a reader never keeps more."""
MIN_ENCODED_BYTES: Final = 1 + CRC_BYTES + 1
INTER_BYTE_TIMEOUT_S: Final = 0.05
"""A sender never pauses so long inside a frame; what comes after such a pause may be a frame of its own."""
_MOST_MARKS: Final = 8


class Cause(Enum):
    """Why bytes between two terminators are no frame."""

    SHORT = "short"
    """Fewer bytes than the smallest frame has."""
    LONG = "long"
    """More bytes than the largest frame has: the excess was never kept."""
    STUFFING = "stuffing"
    """The stuffing points outside the frame."""
    CHECKSUM = "checksum"
    """The checksum is another one."""
    CUT = "cut"
    """The line ended, or fell silent and began anew, in the middle of a frame."""


@dataclass(frozen=True, slots=True)
class Frame:
    """The body of a frame whose checksum is right."""

    body: bytes


@dataclass(frozen=True, slots=True)
class Damage:
    """A frame that was damaged, and how many of its bytes came."""

    cause: Cause
    size: int


FrameEvent = Frame | Damage


@dataclass(slots=True)
class FrameCounts:
    """What a parser has seen: bytes, whole frames, and damaged ones by cause."""

    bytes_read: int = 0
    frames: int = 0
    damaged: dict[Cause, int] = field(default_factory=lambda: dict.fromkeys(Cause, 0))

    @property
    def damaged_total(self) -> int:
        """Damaged frames of every cause."""
        return sum(self.damaged.values())


def encode_frame(body: bytes, *, after_silence: bool = False) -> bytes:
    """Return the bytes that carry a body over a line.

    Parameters
    ----------
    body
        Type and fields, 1 to 250 bytes.
    after_silence
        Whether to begin with a terminator, which ends whatever noise came before.

    Raises
    ------
    ValueError
        When the body is empty or too long for a frame.

    Examples
    --------
    >>> encode_frame(b"\\x83").hex(" ")
    '06 83 17 3d b3 a6 00'
    """
    if not 1 <= len(body) <= MAX_BODY_BYTES:
        raise ValueError(f"expected a body of 1 to {MAX_BODY_BYTES} bytes, got {len(body)}")
    encoded: bytes = cobs.encode(body + zlib.crc32(body).to_bytes(CRC_BYTES, "little"))
    return (TERMINATOR if after_silence else b"") + encoded + TERMINATOR


def decode_frame(encoded: bytes) -> FrameEvent:
    """Return the frame that stands between two terminators, or why it is none."""
    size = len(encoded)
    if size < MIN_ENCODED_BYTES:
        return Damage(Cause.SHORT, size)
    if size > MAX_ENCODED_BYTES:
        return Damage(Cause.LONG, size)
    try:
        decoded: bytes = cobs.decode(encoded)
    except cobs.DecodeError:
        return Damage(Cause.STUFFING, size)
    body = decoded[:-CRC_BYTES]
    if zlib.crc32(body) != int.from_bytes(decoded[-CRC_BYTES:], "little"):
        return Damage(Cause.CHECKSUM, size)
    return Frame(body)


class FrameParser:
    """Find frames in whatever a line delivers, in whatever pieces.

    At most 256 bytes are kept. After any garbage, the first whole frame behind a terminator or a pause is found.

    A pause inside a frame is a *mark*, not a cut: a sender does not pause there, but a computer that reads may have
    been busy. When the terminator comes, the parser first decodes all the bytes, and if these are damaged, the bytes
    after each mark. So no undamaged frame is lost to a slow reader, and a frame whose end was lost does not damage the
    next one.

    Parameters
    ----------
    timeout_s
        Length of a pause.

    Examples
    --------
    >>> parser = FrameParser()
    >>> parser.feed(b"noise\\x00" + encode_frame(b"\\x83"), now_s=0.0)
    [Damage(cause=<Cause.SHORT: 'short'>, size=5), Frame(body=b'\\x83')]
    """

    def __init__(self, *, timeout_s: float = INTER_BYTE_TIMEOUT_S) -> None:
        self._timeout_s = timeout_s
        self._kept = b""
        self._size = 0
        self._marks: list[int] = []
        self._last_s = 0.0
        self._counts = FrameCounts()

    @property
    def counts(self) -> FrameCounts:
        """What has come so far."""
        return self._counts

    @property
    def held_back(self) -> int:
        """How many bytes are kept until the rest of their frame comes."""
        return len(self._kept)

    def feed(self, data: bytes, now_s: float) -> list[FrameEvent]:
        """Take the bytes of one read, that ended at ``now_s`` on any clock that runs forward."""
        if not data:
            return []
        events: list[FrameEvent] = []
        if self._size and now_s - self._last_s > self._timeout_s:
            self._pause(events)
        self._last_s = now_s
        self._counts.bytes_read += len(data)
        *ended, rest = data.split(TERMINATOR)
        for piece in ended:
            if self._size:
                self._keep(piece, events)
                self._end(events)
            elif piece:
                events.append(decode_frame(piece))
        self._keep(rest, events)
        self._count(events)
        return events

    def cut(self) -> list[FrameEvent]:
        """Take note that the line has ended or begun anew: the frame in the making will never be whole."""
        if not self._size:
            return []
        events: list[FrameEvent] = [Damage(Cause.CUT, self._size)]
        self._clear()
        self._count(events)
        return events

    def _count(self, events: list[FrameEvent]) -> None:
        """Count what was found."""
        for event in events:
            if isinstance(event, Frame):
                self._counts.frames += 1
            else:
                self._counts.damaged[event.cause] += 1

    def _keep(self, piece: bytes, events: list[FrameEvent]) -> None:
        """Keep bytes of a frame in the making; where they are too many for one, give up what came before a pause."""
        if not piece:
            return
        self._size += len(piece)
        self._kept += piece[: MAX_ENCODED_BYTES + 1]
        while len(self._kept) > MAX_ENCODED_BYTES and self._marks:
            mark = self._marks[0]
            events.append(Damage(Cause.CUT, mark))
            self._kept, self._size = self._kept[mark:], self._size - mark
            self._marks = [later - mark for later in self._marks[1:]]
        self._kept = self._kept[: MAX_ENCODED_BYTES + 1]

    def _pause(self, events: list[FrameEvent]) -> None:
        """Remember where the line paused; where too much has come to be a frame, begin anew."""
        if self._size > MAX_ENCODED_BYTES:
            events.append(Damage(Cause.LONG, self._size))
            self._clear()
        elif len(self._marks) < _MOST_MARKS:
            self._marks.append(len(self._kept))

    def _end(self, events: list[FrameEvent]) -> None:
        """Decide what the bytes up to a terminator are: the whole, or what came after a pause."""
        event = decode_frame(self._kept) if self._size <= MAX_ENCODED_BYTES else Damage(Cause.LONG, self._size)
        for mark in self._marks if isinstance(event, Damage) else ():
            behind = decode_frame(self._kept[mark:])
            if isinstance(behind, Frame):
                events.append(Damage(Cause.CUT, mark))
                event = behind
                break
        events.append(event)
        self._clear()

    def _clear(self) -> None:
        """Begin a new frame."""
        self._kept, self._size, self._marks = b"", 0, []
