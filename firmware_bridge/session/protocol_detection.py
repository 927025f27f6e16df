"""Detect the protocol of a device: frames, whose HELLO describes the device, or text lines.

Strategy. Listen, and write nothing: WHO holds the byte 03, which is Ctrl-C to a MicroPython board and ends its program.
Text, or a HELLO, ends the detection. Frames without a HELLO are answered with WHO twice a second until a HELLO comes or
five seconds are over; so is silence, where a person has said that the device speaks frames. What is no frame for five
seconds is read as text. A device that is still off is waited for.
"""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from edgehar.firmware_bridge.frames.device_description import require_usable
from edgehar.firmware_bridge.frames.fields import Type
from edgehar.firmware_bridge.frames.framing import Frame, FrameParser, encode_frame
from edgehar.firmware_bridge.frames.message_reader import decode_message
from edgehar.firmware_bridge.frames.messages import FromHost, Hello, Malformed, Who
from edgehar.firmware_bridge.line.reader import Arrival, Line
from edgehar.firmware_bridge.text.witmotion import looks_like_packets
from edgehar.models.errors import BridgeError, UsageError

PROTOCOLS: Final = ("auto", "frames", "text")
ASK_EVERY_S: Final = 0.5
GIVE_UP_S: Final = 5.0
_LINE_END: Final = re.compile(rb"[\r\n]")
_PRINTABLE: Final = bytes(range(0x20, 0x7F)) + b"\t\r\n"
_FEWEST_TEXT_BYTES: Final = 8
_LOOKED_AT_BYTES: Final = 256
_TICK_S: Final = 0.05


@dataclass(frozen=True, slots=True)
class DetectedProtocol:
    """The HELLO of a device that speaks frames, or None for text; and the bytes that came meanwhile, to be decoded."""

    hello: Hello | None
    arrivals: tuple[Arrival, ...]


class ProtocolDetector:
    """Tell frames from text, in whatever a line delivers. No I/O.

    One frame with the right checksum is proof. Text is a line end, and behind it whole lines of eight bytes together,
    all of them printable. The packets of a WitMotion sensor are left to the decoders of text.

    Examples
    --------
    >>> detector = ProtocolDetector()
    >>> detector.feed(b"x,y,z\\n0.1,0.2,0.9\\n", 0.0)
    >>> detector.protocol
    'text'
    """

    def __init__(self) -> None:
        self._parser = FrameParser()
        self._tail = self._recent = b""
        self._line_began = False
        self._printable = 0
        self.hello: Hello | None = None
        self.malformed_hello = ""
        self.protocol: str | None = None
        self.bytes_read = 0
        self.echoes = False

    def feed(self, data: bytes, now_s: float) -> None:
        """Take the bytes of one read."""
        self.bytes_read += len(data)
        for event in self._parser.feed(data, now_s):
            if isinstance(event, Frame):
                message = decode_message(event.body)
                if isinstance(message, FromHost):
                    self.echoes = True
                    continue
                self.protocol = "frames"
                if isinstance(message, Hello):
                    self.hello = message
                elif isinstance(message, Malformed) and message.type == Type.HELLO:
                    self.malformed_hello = message.reason
        if self.protocol is None:
            *lines, tail = _LINE_END.split(self._tail + data)
            self._tail = tail[-1024:]
            for line in lines:
                self._look_at(line)
            self._recent = (self._recent + data)[-_LOOKED_AT_BYTES:]
            if b"U" in self._recent and looks_like_packets(self._recent):
                self.protocol = "text"

    def _look_at(self, line: bytes) -> None:
        """Count the printable bytes of whole lines in a row: enough of them are text."""
        plain = line.translate(None, b"\x00") if line[1:2] == b"\x00" or line[:1] == b"\x00" else line
        if not plain:
            return
        if self._line_began:
            self._printable = 0 if plain.translate(None, _PRINTABLE) else self._printable + len(plain)
            if self._printable >= _FEWEST_TEXT_BYTES:
                self.protocol = "text"
        self._line_began = True


def detect_protocol(
    reader: Line,
    *,
    protocol: str = "auto",
    give_up_s: float = GIVE_UP_S,
    longest_s: float | None = None,
    on_silence: Callable[[], None] = lambda: None,
    stop: Callable[[], bool] = lambda: False,
    clock: Callable[[], float] = time.monotonic,
) -> DetectedProtocol:
    """Listen, ask, and return the protocol of the device.

    Parameters
    ----------
    reader
        The line.
    protocol
        ``text`` and ``frames`` where it is known, or ``auto``.
    give_up_s
        When to give up. With ``auto`` this is counted from the first byte on, and a stream without a frame by then is
        read as text: a device that is still off may speak either when it is switched on.
    longest_s
        When to give up in any case; None for never.
    on_silence
        Called once when nothing has come for ``give_up_s``; the device is still waited for.
    stop
        Says when to give up earlier.

    Raises
    ------
    UsageError
        When the protocol is none of these.
    BridgeError
        When the device speaks another version or cannot be used, or frames were expected and no HELLO came.
    """
    if protocol not in PROTOCOLS:
        raise UsageError(
            f"expected a protocol of {', '.join(PROTOCOLS)}, got {protocol!r}", next_step="Leave it out to detect it."
        )
    if protocol == "text":
        return DetectedProtocol(None, ())
    detector = ProtocolDetector()
    arrivals: list[Arrival] = []
    began_s = heard_s = clock()
    ask_s = began_s
    silence_reported = False
    while detector.hello is None and not stop():
        now_s = clock()
        waiting = protocol == "auto" and not detector.bytes_read
        if longest_s is not None and now_s - began_s >= longest_s:
            break
        if (protocol == "auto" and detector.protocol == "text") or (not waiting and now_s - heard_s >= give_up_s):
            break
        if waiting and not silence_reported and now_s - began_s >= give_up_s:
            silence_reported = True
            on_silence()
        heard_s = now_s if waiting else heard_s
        if now_s >= ask_s and "frames" in (protocol, detector.protocol):
            reader.write(encode_frame(Who().pack(), after_silence=True))
            ask_s = now_s + ASK_EVERY_S
        try:
            arrival = reader.take(timeout_s=_TICK_S)
        except BridgeError:
            if protocol == "auto" and arrivals:
                break
            raise
        if arrival is not None:
            arrivals.append(arrival)
            detector.feed(arrival.data, arrival.arrived_s)
    if detector.hello is not None:
        require_usable(detector.hello)
    elif not stop() and (protocol == "frames" or detector.protocol == "frames"):
        raise _no_hello(reader.name, detector, clock() - began_s)
    return DetectedProtocol(detector.hello, tuple(arrivals))


def _no_hello(name: str, detector: ProtocolDetector, waited_s: float) -> BridgeError:
    """Return the error of a device that does not say what it is."""
    if detector.malformed_hello:
        got = f"a malformed one ({detector.malformed_hello})"
        next_step = "Correct the firmware of the device: docs/protocol.md gives each field of HELLO."
    elif detector.protocol == "frames":
        got, next_step = "frames, and no answer to WHO", "Connect the wire from the host to the device as well."
    elif detector.protocol == "text":
        got, next_step = "text lines", "Pass --protocol text."
    elif detector.echoes:
        got, next_step = "back what was written", "Only the line itself answers: connect the device."
    elif detector.bytes_read:
        got = f"{detector.bytes_read:,} bytes that are neither frames nor text"
        next_step = "Check --baud: a wrong rate looks like this."
    else:
        got, next_step = "nothing", "Check the wiring, --baud, and that the device is on."
    return BridgeError(
        f"{name}: expected the device to say HELLO within {waited_s:.0f} s, got {got}",
        next_step=next_step,
        port=name,
        reason="no_hello",
    )
