"""A source around another one: whatever it does not do otherwise is the inner one's."""

from edgehar.firmware_bridge.stream.rate import RateEstimate
from edgehar.firmware_bridge.stream.samples import Decoded, SampleSource, StreamCounts
from edgehar.models.units import Unit


class ForwardingSource:
    """Hand everything on to a source; see `edgehar.firmware_bridge.stream.samples.SampleSource`.

    Parameters
    ----------
    source
        What decodes; a subclass may put another one in its place later.
    """

    def __init__(self, source: SampleSource) -> None:
        self._source = source

    @property
    def counts(self) -> StreamCounts:
        """What has come so far."""
        return self._source.counts

    @property
    def rate(self) -> RateEstimate | None:
        """The measured rate."""
        return self._source.rate

    @property
    def unit(self) -> Unit | None:
        """The unit in which the device sends, once it is known."""
        return self._source.unit

    def feed(self, data: bytes, arrived_s: float) -> Decoded:
        """Take the bytes of one read."""
        return self._source.feed(data, arrived_s)

    def finish(self, arrived_s: float) -> Decoded:
        """Give up what was held back, at the end of the stream."""
        return self._source.finish(arrived_s)

    def fell_silent(self, now_s: float) -> Decoded:
        """Take note that nothing has come for long."""
        return self._source.fell_silent(now_s)

    def line_was_cut(self, now_s: float) -> Decoded:
        """Take note that the line was gone."""
        return self._source.line_was_cut(now_s)

    def outgoing(self) -> bytes:
        """Return what is to be written to the device."""
        return self._source.outgoing()
