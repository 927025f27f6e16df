"""Samples on their way from a source to the classifier: what every decoder of a wire hands on, whatever the wire."""

from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edgehar.firmware_bridge.stream.rate import RateEstimate
from edgehar.models.foreign_text import printable
from edgehar.models.units import Unit


@dataclass(frozen=True, slots=True, eq=False)
class SampleBlock:
    """Samples without a known hole between them.

    Parameters
    ----------
    samples_g : ndarray of shape (n, 3), float32, in g; or (n, 6) with the turning rate in degrees/s behind it
        In the order they were taken; n may be 0 when a block only brings the news of a loss.
    times_s : ndarray of shape (n,), float64
        When each was taken, in seconds of the sensor's own time since its first sample.
    arrived_s
        When the last byte of the block was read, on the clock of the host.
    lost
        Samples known to be missing just before the first of these.
    continues
        Whether the first sample follows the last one of the block before, so that a window may span both.
    rate_hz
        The rate that the source has measured and now gives times by; None where it was declared.
    """

    samples_g: NDArray[np.float32]
    times_s: NDArray[np.float64]
    arrived_s: float
    lost: int = 0
    continues: bool = True
    rate_hz: float | None = None

    def of_channels(self, channels: int) -> "SampleBlock":
        """Return the block with the first so many channels: acceleration alone, where there is a turning rate too."""
        if self.samples_g.shape[1] == channels:
            return self
        return replace(self, samples_g=self.samples_g[:, :channels])


@dataclass(frozen=True, slots=True)
class Remark:
    """Something the person at the terminal should know about the stream; what devices said in it is made harmless."""

    text: str
    warning: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", printable(self.text))


@dataclass(slots=True)
class StreamCounts:
    """What has come over the wire so far.

    ``damaged`` counts lines or frames that could not be understood, and ``implausible`` those among them that could be
    read and cannot be true; ``lost`` counts samples known to be missing, those in damaged lines included; ``repeated``
    counts samples that came twice and were used once; ``restarts`` counts the times the stream stood still, was cut, or
    the device began anew, with an unknown number of samples missing. Where the device keeps count, ``dropped`` tells
    how many of the lost ones it could not send, and ``late`` how many came when they could no longer be used.
    ``waiting`` counts lines that are held back until it is known what they mean.
    """

    bytes_read: int = 0
    samples: int = 0
    lost: int = 0
    damaged: int = 0
    implausible: int = 0
    repeated: int = 0
    restarts: int = 0
    dropped: int = 0
    late: int = 0
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class Decoded:
    """What one read of a wire brought."""

    blocks: list[SampleBlock] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)


class SampleSource(Protocol):
    """A decoder of one wire format, without I/O: bytes in, sample blocks and remarks out."""

    @property
    def counts(self) -> StreamCounts:
        """What has come so far."""
        ...

    @property
    def rate(self) -> RateEstimate | None:
        """The measured sample rate, once there is enough to measure."""
        ...

    @property
    def unit(self) -> Unit | None:
        """The unit in which the device sends, once it is known."""
        ...

    def feed(self, data: bytes, arrived_s: float) -> Decoded:
        """Take the bytes of one read, that ended at ``arrived_s`` on the host's clock."""
        ...

    def finish(self, arrived_s: float) -> Decoded:
        """Give up what was held back, at the end of the stream."""
        ...

    def fell_silent(self, now_s: float) -> Decoded:
        """Take note that nothing has come for long, and say whether what follows can continue what came before."""
        ...

    def line_was_cut(self, now_s: float) -> Decoded:
        """Take note that the line was gone, or bytes of it were thrown away: what follows begins anywhere."""
        ...

    def outgoing(self) -> bytes:
        """Return what is to be written to the device now, once; empty for a device that only talks."""
        ...
