"""Listen to a sensor for a few seconds: format, baud rate, axes, unit and true rate, each by evidence."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgehar.firmware_bridge.frames.device_description import LOWEST_RATE_FRACTION, unit_of
from edgehar.firmware_bridge.frames.messages import Hello
from edgehar.firmware_bridge.frames.source import FrameSource
from edgehar.firmware_bridge.line.reader import Arrival, LineReader
from edgehar.firmware_bridge.line.reconnection import open_reader
from edgehar.firmware_bridge.line.transport import DEFAULT_BAUD
from edgehar.firmware_bridge.session.loop import SessionLoop, StreamState
from edgehar.firmware_bridge.session.protocol_detection import DetectedProtocol, ProtocolDetector, detect_protocol
from edgehar.firmware_bridge.stream.checks import SilenceCheck, StreamChecks
from edgehar.firmware_bridge.stream.samples import Remark, SampleBlock, SampleSource, StreamCounts
from edgehar.firmware_bridge.text.source import TextSource
from edgehar.firmware_bridge.text.witmotion_source import WitMotionOrTextSource
from edgehar.models.bundle.manifest import Manifest
from edgehar.models.errors import BridgeError
from edgehar.models.units import Unit, parse_unit

BAUD_RATES: Final = (DEFAULT_BAUD, 9600, 57600, 230400, 38400, 460800, 921600, 19200)
"""Rates that sketches are written with, the likeliest first."""
_PER_BAUD_S: Final = 3.0
_WAKES_S: Final = 6.0
"""A board that is reset when its port is opened says nothing for two seconds, and some for longer."""
_LISTENS_S: Final = 4.0
_ENOUGH_SAMPLES: Final = 20
_GRAVITY_SAMPLES: Final = 200

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """What a sensor sends.

    Parameters
    ----------
    is_frames
        Whether it speaks the binary protocol; text otherwise.
    baud
        Bits a second at which it is understood.
    unit
        The unit of its numbers, where it is known.
    columns
        Names of its axes, where they were declared.
    rate_hz
        The measured rate, or None.
    gravity_g : ndarray of shape (3,)
        The mean of what came.
    """

    is_frames: bool
    baud: int
    unit: Unit | None
    columns: tuple[str, str, str] | None
    rate_hz: float | None
    gravity_g: NDArray[np.float64]


def hear(
    port: str,
    manifest: Manifest,
    *,
    baud: int | None,
    unit: Unit | None,
    columns: tuple[str, str, str] | None,
    say: Say,
    stop: Callable[[], bool],
) -> Heard | None:
    """Listen to a sensor and say what it sends; None where told to stop.

    Parameters
    ----------
    port
        Where it is.
    manifest
        Of the model that shall classify it.
    baud
        As declared; None to find it out where the port has one.
    unit, columns
        As declared; None to find out.
    say
        Says a sentence to a person.
    stop
        Tells to stop.

    Raises
    ------
    BridgeError
        When nothing comes, nothing in it can be understood, or it cannot be told what the numbers mean.
    """
    say(f"Listening to {port} …")
    rates = BAUD_RATES if baud is None and _has_baud(port) else (baud or DEFAULT_BAUD,)
    heard_bytes = 0
    for place, rate in enumerate(rates):
        reader = open_reader(port, baud=rate, reconnect=False)
        try:
            detected = detect_protocol(
                reader, give_up_s=_PER_BAUD_S, longest_s=_PER_BAUD_S if place else _WAKES_S, stop=stop
            )
            kind, count = _kind(detected.arrivals)
            heard_bytes = max(heard_bytes, count)
            if stop():
                return None
            if kind is not None or detected.hello is not None:
                if len(rates) > 1:
                    say(f"It is understood at {rate} baud.")
                return _listen(reader, detected, manifest, rate, unit, columns, say=say, stop=stop)
        finally:
            reader.close()
        if not count:
            break
    raise _not_understood(port, heard_bytes, rates)


def _kind(arrivals: Sequence[Arrival]) -> tuple[str | None, int]:
    """Return which protocol it is, and how many bytes came."""
    detector = ProtocolDetector()
    for arrival in arrivals:
        detector.feed(arrival.data, arrival.arrived_s)
    return detector.protocol, detector.bytes_read


def _has_baud(port: str) -> bool:
    """Tell whether a port has a baud rate that can be wrong: a pty and a network have none."""
    if port.lower().startswith("usb:"):
        return True
    return port != "-" and ":" not in port and not Path(port).resolve().is_relative_to("/dev/pts")


def _listen(
    reader: LineReader,
    detected: DetectedProtocol,
    manifest: Manifest,
    baud: int,
    unit: Unit | None,
    columns: tuple[str, str, str] | None,
    *,
    say: Say,
    stop: Callable[[], bool],
) -> Heard:
    """Take samples until unit and rate are known, or long enough; say what they are."""
    hello, model_hz = detected.hello, manifest.window.rate_hz
    ear = Ear(say)
    source = _source(hello, model_hz, unit, columns)
    loop = _session(reader, source, ear, hello, model_hz, baud, detected.arrivals)
    error = loop.run(duration_s=_LISTENS_S, stop=stop)
    if ear.samples < _ENOUGH_SAMPLES:
        raise error or BridgeError(
            f"{reader.name}: expected samples of three axes, got {ear.samples} in {_LISTENS_S:g} s",
            next_step="Let the sensor print x, y and z, one line a sample, at 20 lines a second or more.",
            port=reader.name,
        )
    rate = source.rate
    found = Heard(
        hello is not None,
        baud,
        unit_of(hello) if hello is not None else source.unit,
        columns,
        None if rate is None else rate.rate_hz,
        ear.sum_g / ear.samples,
    )
    if hello is not None:
        say(f"It speaks the binary frames of this project, and says: {hello.rate_mhz / 1000:g} Hz.")
    if rate is not None:
        same = abs(rate.rate_hz / model_hz - 1) < 0.02
        say(f"Its true rate is {rate}{'' if same else f'; it is brought to the {model_hz:g} Hz of the model by time'}.")
    say(f"On average it measures {_direction(found.gravity_g)}.")
    return found


def _source(
    hello: Hello | None, model_hz: float, unit: Unit | None, columns: tuple[str, str, str] | None
) -> SampleSource:
    """Return what decodes a sensor."""
    if hello is not None:
        return FrameSource(gyroscope=False)

    def text(unit: Unit | None, columns: tuple[str, str, str] | None = None) -> TextSource:
        slowest_hz = LOWEST_RATE_FRACTION * model_hz
        return TextSource(unit=unit, rate_hz=model_hz, columns=columns, adopts_rate=True, slowest_hz=slowest_hz)

    return WitMotionOrTextSource(text(unit, columns), make_source=lambda: text(unit or parse_unit("g")))


def _session(
    reader: LineReader,
    source: SampleSource,
    ear: "Ear",
    hello: Hello | None,
    model_hz: float,
    baud: int,
    arrived: Sequence[Arrival],
) -> SessionLoop:
    """Return the loop that hands samples to an ear."""
    rate_hz = model_hz if hello is None else hello.rate_mhz / 1000
    return SessionLoop(
        reader,
        source,
        ear,
        silence=SilenceCheck(port=reader.name, baud=baud, started_s=time.monotonic()),
        checks=StreamChecks(declared_rate_hz=rate_hz, window_length=_GRAVITY_SAMPLES, rate_is_adopted=True),
        show_every_s=1.0,
        arrived=arrived,
    )


def _direction(gravity_g: NDArray[np.float64]) -> str:
    """Return where gravity is, in words."""
    axis = int(np.abs(gravity_g).argmax())
    length = float(np.linalg.norm(gravity_g))
    sign = "up" if gravity_g[axis] > 0 else "down"
    tilt_deg = math.degrees(math.acos(min(1.0, abs(float(gravity_g[axis])) / max(1e-9, length))))
    return f"{length:.2f} g, with {'xyz'[axis]} pointing {sign}{f', {tilt_deg:.0f}° off' if tilt_deg >= 10 else ''}"


def _not_understood(port: str, heard_bytes: int, rates: Sequence[int]) -> BridgeError:
    """Return the error of a sensor that says nothing, or nothing that can be read."""
    if not heard_bytes:
        return BridgeError(
            f"{port}: expected a sensor that sends, nothing came in {_WAKES_S:g} s",
            next_step="Check that it is on and its program prints x, y and z; then har start again.",
            port=port,
        )
    tried = ", ".join(map(str, rates))
    return BridgeError(
        f"{port}: expected lines of text or frames, got {heard_bytes:,} bytes that are neither, at {tried} baud",
        next_step="Pass the --baud that its program sets.",
        port=port,
    )


class Ear:
    """Sums up what comes: the consumer of a short session."""

    finished: Final = False

    def __init__(self, say: Say) -> None:
        self._say = say
        self.samples = 0
        self.sum_g: NDArray[np.float64] = np.zeros(3)

    def take(self, block: SampleBlock) -> None:
        """Count samples, and add them up."""
        self.samples += len(block.samples_g)
        self.sum_g += block.samples_g.sum(axis=0, dtype=np.float64)

    def remarked(self, remark: Remark) -> None:
        """Say what was found out."""
        self._say(f"  {remark.text}")

    def waited(self, now_s: float) -> None:
        """Listening does not depend on time."""

    def longest_rest_s(self, counts: StreamCounts, elapsed_s: float) -> float:
        """Return 0: what comes is counted as it comes."""
        return 0.0

    def show(self, state: StreamState) -> None:
        """Nothing to show."""
