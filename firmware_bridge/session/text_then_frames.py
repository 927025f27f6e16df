"""A source that begins as text and switches to frames: a device may print a boot log first, or be switched on late."""

from collections.abc import Callable, Sequence
from typing import Final

from edgehar.firmware_bridge.frames.framing import MAX_ENCODED_BYTES, TERMINATOR
from edgehar.firmware_bridge.frames.messages import Hello
from edgehar.firmware_bridge.frames.source import FrameSource
from edgehar.firmware_bridge.session.protocol_detection import ProtocolDetector
from edgehar.firmware_bridge.stream.forwarding import ForwardingSource
from edgehar.firmware_bridge.stream.samples import Decoded, Remark, SampleSource

_TEXT_LINES: Final = 5
"""So many lines of numbers make a stream text, although their meaning is not yet known."""
_SWITCH_REMARK: Final = "frames, although the stream began as something else: reading frames from here on"


class TextThenFramesSource(ForwardingSource):
    """Decode text, and frames from the first one on, unless text has brought a sample by then.

    Once there is a sample the stream is text for good, and looking for frames costs nothing any more.

    Parameters
    ----------
    text
        Decodes text.
    on_hello
        Called with the first HELLO, before any sample it applies to is handed on; returns remarks about the device, and
        raises BridgeError where the device cannot be used.
    make_frames
        Makes the decoder of frames.

    Raises
    ------
    BridgeError
        By any method, once there are frames, as `FrameSource` does.

    Examples
    --------
    >>> from edgehar.firmware_bridge.frames.messages import Hello, Samples
    >>> from edgehar.firmware_bridge.frames.fields import Ability, UnitCode
    >>> from edgehar.firmware_bridge.frames.framing import encode_frame
    >>> from edgehar.firmware_bridge.text.source import TextSource
    >>> from edgehar.models.units import parse_unit
    >>> source = TextThenFramesSource(TextSource(unit=parse_unit("g"), rate_hz=100.0), on_hello=lambda hello: [])
    >>> hello = Hello(7, Ability.SENSES | Ability.STREAMS, 100_000, 16384.0, UnitCode.G, 2.0)
    >>> wire = b"boot: ok\\r\\n\\0" + encode_frame(hello.pack())
    >>> wire += encode_frame(Samples(7, 0, 0, 0, b"\\0\\0\\0\\0\\0\\x40").pack())
    >>> source.feed(wire, 0.0).blocks[0].samples_g.tolist()
    [[0.0, 0.0, 1.0]]
    """

    def __init__(
        self,
        text: SampleSource,
        *,
        on_hello: Callable[[Hello], Sequence[Remark]],
        make_frames: Callable[[], FrameSource] = FrameSource,
    ) -> None:
        self._make_frames = make_frames
        super().__init__(text)
        self._on_hello = on_hello
        self._detector: ProtocolDetector | None = ProtocolDetector()
        self._possible_frame = b""
        self._frames: FrameSource | None = None
        self._hello_reported = False

    def feed(self, data: bytes, arrived_s: float) -> Decoded:
        """Take the bytes of one read."""
        if self._detector is None:
            return self._report_hello(self._source.feed(data, arrived_s))
        self._detector.feed(data, arrived_s)
        if self._detector.protocol == "frames":
            return self._report_hello(self._switch_to_frames(data, arrived_s))
        # What may be the beginning of the first frame.
        self._possible_frame = (self._possible_frame + data).rpartition(TERMINATOR)[2][-MAX_ENCODED_BYTES:]
        decoded = self._source.feed(data, arrived_s)
        if self._source.counts.samples or self._source.counts.waiting > _TEXT_LINES:
            self._detector, self._possible_frame = None, b""
        return decoded

    def finish(self, arrived_s: float) -> Decoded:
        """Give up what was held back, at the end of the stream."""
        return self._report_hello(self._source.finish(arrived_s))

    def line_was_cut(self, now_s: float) -> Decoded:
        """Take note that the line was gone."""
        self._possible_frame = b""
        return self._report_hello(self._source.line_was_cut(now_s))

    def _switch_to_frames(self, data: bytes, arrived_s: float) -> Decoded:
        """Read frames from the first one on; what came before stays counted."""
        before, self._frames = self._source.counts, self._make_frames()
        self._source = self._frames
        decoded = self._frames.feed(self._possible_frame + data, arrived_s)
        self._frames.counts.bytes_read += before.bytes_read - len(self._possible_frame)
        self._frames.counts.damaged += before.damaged
        self._detector, self._possible_frame = None, b""
        return Decoded(decoded.blocks, [Remark(_SWITCH_REMARK), *decoded.remarks])

    def _report_hello(self, decoded: Decoded) -> Decoded:
        """Report the first HELLO, before the samples that it describes are handed on."""
        hello = None if self._frames is None or self._hello_reported else self._frames.hello
        if hello is None:
            return decoded
        self._hello_reported = True
        return Decoded(decoded.blocks, [*decoded.remarks, *self._on_hello(hello)])
