"""A source of text lines whose bytes are kept in the capture as well, with the unit that was found out."""

from edgehar.firmware_bridge.record.writer import CaptureWriter
from edgehar.firmware_bridge.stream.forwarding import ForwardingSource
from edgehar.firmware_bridge.stream.samples import Decoded, SampleSource
from edgehar.models.units import Unit


class KeptLinesSource(ForwardingSource):
    """Hand bytes on to a source, and keep them.

    Parameters
    ----------
    source
        Decodes text.
    writer
        Keeps the bytes.
    unit
        The unit that the capture says at its beginning, or None.
    """

    def __init__(self, source: SampleSource, writer: CaptureWriter, *, unit: Unit | None) -> None:
        super().__init__(source)
        self._writer = writer
        self._written = unit

    def feed(self, data: bytes, arrived_s: float) -> Decoded:
        """Keep the bytes of one read, and decode them."""
        self._writer.keep_lines(data)
        return self._with_unit(self._source.feed(data, arrived_s))

    def finish(self, arrived_s: float) -> Decoded:
        """Give up what was held back, at the end of the stream."""
        return self._with_unit(self._source.finish(arrived_s))

    def line_was_cut(self, now_s: float) -> Decoded:
        """Take note that the line was gone."""
        return self._with_unit(self._source.line_was_cut(now_s))

    def _with_unit(self, decoded: Decoded) -> Decoded:
        """Keep the unit when it is known or has changed, before samples in it are kept."""
        unit = self._source.unit
        if unit is not None and unit != self._written:
            self._writer.found_unit(unit.name)
            self._written = unit
        return decoded
