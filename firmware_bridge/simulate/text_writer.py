"""Text lines as a sensor prints them: the other side of ``edgehar.firmware_bridge.text.lines``."""

from collections.abc import Sequence
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from edgehar.firmware_bridge.simulate.faults import FaultInjector
from edgehar.models.contract import CHANNELS
from edgehar.models.units import Unit

_SIGNIFICANT_DIGITS: Final = 9
"""Enough to bring any float32 back bit by bit."""
_NUMBER: Final = f"%.{_SIGNIFICANT_DIGITS}g"


class LineWriter(Protocol):
    """Whatever writes samples as lines."""

    @property
    def header(self) -> bytes:
        """The line that names the columns."""
        ...

    def lines(self, samples_g: NDArray[np.float32], *, first: int) -> list[bytes]:
        """Return what is sent for every sample."""
        ...


class FaultyWriter:
    """Write lines as they come out of a line that damages them.

    Parameters
    ----------
    writer
        Writes them whole.
    line
        Damages them.
    """

    def __init__(self, writer: LineWriter, line: FaultInjector) -> None:
        self._writer = writer
        self._line = line

    @property
    def header(self) -> bytes:
        """The line that names the columns, whole."""
        return self._writer.header

    def lines(self, samples_g: NDArray[np.float32], *, first: int) -> list[bytes]:
        """Return what arrives for every sample."""
        whole = self._writer.lines(samples_g, first=first)
        return [b"" if self._line.drops() else self._line.through(line) for line in whole]


class TextWriter:
    """Write samples as lines ``x,y,z`` or ``t_us,x,y,z``; with a turning rate, ``x,y,z,gx,gy,gz`` in degrees/s.

    Numbers in g and m/s² carry nine significant digits: what is read back is the same float32. Counts are whole 16-bit
    numbers that saturate, like the sensor's.

    Parameters
    ----------
    unit
        Unit to write in.
    rate_hz
        Sample rate, for the time column.
    timestamps
        Whether every line begins with the device's microseconds.
    channels
        Names of the columns.

    Examples
    --------
    >>> from edgehar.models.units import parse_unit
    >>> writer = TextWriter(unit=parse_unit("g"), rate_hz=100.0, timestamps=True)
    >>> writer.header, writer.lines(np.float32([[0.1, 0, 1]]), first=3)
    (b't_us,x,y,z\\n', [b'30000,0.100000001,0,1\\n'])
    """

    def __init__(
        self, *, unit: Unit, rate_hz: float, timestamps: bool = False, channels: Sequence[str] = CHANNELS
    ) -> None:
        self._unit = unit
        self._rate_hz = rate_hz
        self._timestamps = timestamps
        self._channels = tuple(channels)

    @property
    def header(self) -> bytes:
        """The line that names the columns."""
        return ",".join((("t_us",) if self._timestamps else ()) + self._channels).encode() + b"\n"

    def lines(self, samples_g: NDArray[np.float32], *, first: int) -> list[bytes]:
        """Return one line for every sample; ``first`` is the number of the first one since the sensor started."""
        number = "%d" if self._unit.counts else _NUMBER
        pattern = ",".join([number] * len(CHANNELS) + [_NUMBER] * (len(self._channels) - len(CHANNELS))) + "\n"
        # A turning rate is not whole where acceleration is counts: nothing would say what one count of it is.
        rows = np.hstack([self._unit.from_g(samples_g[:, : len(CHANNELS)]), samples_g[:, len(CHANNELS) :]]).tolist()
        if not self._timestamps:
            return [(pattern % tuple(row)).encode() for row in rows]
        return [
            f"{round((first + index) * 1e6 / self._rate_hz)},{pattern % tuple(row)}".encode()
            for index, row in enumerate(rows)
        ]
