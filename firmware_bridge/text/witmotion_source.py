"""A source that begins as text and reads WitMotion's packets if these come instead.

Packets carry neither a time nor a number, as bare lines of three numbers do; so a text source in g takes them as such
lines: it measures the rate, and breaks the stream at a loss.
"""

from collections.abc import Callable
from typing import Final

from edgehar.firmware_bridge.stream.forwarding import ForwardingSource
from edgehar.firmware_bridge.stream.samples import Decoded, Remark, SampleSource
from edgehar.firmware_bridge.text.witmotion import DamagedBytes, Packet, PacketParser, looks_like_packets

_FOUND: Final = (
    Remark("packets of a WitMotion sensor: acceleration in g"),
    Remark("the packets carry no number: one that is lost whole cannot be noticed, only damaged ones", warning=True),
)
_LOOKED_AT_BYTES: Final = 256
_MISSING_LINE: Final = b"nan,nan,nan\n"
_ABOUT_LINES: Final = ("text lines", "the lines carry", "a line without")


class WitMotionOrTextSource(ForwardingSource):
    """Decode text, or the packets of a WitMotion sensor where these come before any sample of text.

    Parameters
    ----------
    text
        Decodes text.
    make_source
        Makes a text source of bare lines in g, for packets.
    """

    def __init__(self, text: SampleSource, *, make_source: Callable[[], SampleSource]) -> None:
        super().__init__(text)
        self._make_source = make_source
        self._looked_at = b""
        self._looks = True
        self._parser: PacketParser | None = None

    def feed(self, data: bytes, arrived_s: float) -> Decoded:
        """Take the bytes of one read."""
        if self._parser is not None:
            return self._packets(data, arrived_s)
        if self._looks:
            self._looked_at = (self._looked_at + data)[-_LOOKED_AT_BYTES:]
            if b"U" in self._looked_at and looks_like_packets(self._looked_at):
                self._parser, self._source = PacketParser(), self._make_source()
                # The first line of a text source may be the rest of one, and is skipped.
                self._source.feed(b"\n", arrived_s)
                decoded = self._packets(self._looked_at, arrived_s)
                return Decoded(decoded.blocks, [*_FOUND, *decoded.remarks])
            self._looks = not (self._source.counts.samples or self._source.counts.waiting)
        return self._source.feed(data, arrived_s)

    def finish(self, arrived_s: float) -> Decoded:
        """Give up what was held back, at the end of the stream."""
        return self._without_lines(self._source.finish(arrived_s))

    def line_was_cut(self, now_s: float) -> Decoded:
        """Take note that the line was gone: another device may be there now."""
        decoded = self._without_lines(self._source.line_was_cut(now_s))
        if self._parser is not None:
            self._parser = PacketParser()
            self._source.feed(b"\n", now_s)
        return decoded

    def _packets(self, data: bytes, arrived_s: float) -> Decoded:
        """Decode packets."""
        lines = []
        for event in self._parser.feed(data) if self._parser is not None else []:
            match event:
                case Packet((x, y, z)):
                    lines.append(f"{x!r},{y!r},{z!r}\n".encode())
                case DamagedBytes():
                    lines.append(_MISSING_LINE)
                case _:
                    continue
        decoded = self._without_lines(self._source.feed(b"".join(lines), arrived_s))
        damaged = lines.count(_MISSING_LINE)
        self._source.counts.damaged += damaged
        if damaged:
            text = f"{damaged} damaged packets: each counts as a lost sample"
            return Decoded(decoded.blocks, [*decoded.remarks, Remark(text, warning=True)])
        return decoded

    def _without_lines(self, decoded: Decoded) -> Decoded:
        """Leave out what is said about lines of text, once there are packets."""
        if self._parser is None:
            return decoded
        return Decoded(decoded.blocks, [each for each in decoded.remarks if not each.text.startswith(_ABOUT_LINES)])
