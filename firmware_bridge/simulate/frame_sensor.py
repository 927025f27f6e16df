"""A virtual sensor that speaks frames through a virtual port, in real time, over a line that damages them by seed.

It answers like a device, reboots and is unplugged when told to, and keeps an account of what a reader must report.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgehar.firmware_bridge.frames.fields import (
    ACCELERATION,
    CHANNELS_MAJOR,
    MAX_SAMPLES,
    MOTION,
    Ability,
    ErrorCode,
    UnitCode,
    most_samples,
)
from edgehar.firmware_bridge.frames.framing import Frame, FrameParser, encode_frame
from edgehar.firmware_bridge.frames.message_reader import decode_message
from edgehar.firmware_bridge.frames.messages import (
    Ask,
    DeviceError,
    Hello,
    Infer,
    Load,
    Malformed,
    Message,
    Samples,
    Start,
    Stats,
    Stop,
    Unknown,
    Who,
)
from edgehar.firmware_bridge.line.pseudo_terminal import VirtualPort
from edgehar.firmware_bridge.simulate.faults import FaultInjector, Faults, Injected, Truth, WireTruth
from edgehar.models.errors import UsageError
from edgehar.models.quantization import quantize
from edgehar.models.units import Unit

_SETTLE_S: Final = 0.2
HELLO_EVERY_S: Final = 2.0
"""A device that does not stream says HELLO so often: a host that writes nothing first finds it."""
_LONGEST_SLEEP_S: Final = 0.02
_DRAIN_TIMEOUT_S: Final = 5.0
COUNTS_PER_DEG_S: Final = 16.4
"""Of a gyroscope of ±2000 degrees/s."""


@dataclass(frozen=True, slots=True)
class Mishaps:
    """What happens to the device itself, by its own time in seconds; None for never.

    Parameters
    ----------
    reboot_every_s
        It begins anew so often: another boot id, numbers and clock at zero.
    unplug_every_s, unplug_for_s
        Its cable is pulled so often, for so long; the device goes on meanwhile.
    """

    reboot_every_s: float | None = None
    unplug_every_s: float | None = None
    unplug_for_s: float = 1.0


@dataclass(frozen=True, slots=True)
class SensorSpec:
    """What a virtual sensor is.

    Parameters
    ----------
    unit
        Its counts.
    rate_hz
        Samples a second of real time.
    samples_per_frame
        From 1 to 39; of six channels, up to 19.
    jitter_s
        Standard deviation of the times it tells.
    drift_ppm
        How much faster its clock runs.
    name, placement
        As it says in HELLO.
    """

    unit: Unit
    rate_hz: float
    samples_per_frame: int = 10
    jitter_s: float = 0.0
    drift_ppm: float = 0.0
    name: str = "simulated"
    placement: str = ""

    def __post_init__(self) -> None:
        if not 1 <= self.samples_per_frame <= MAX_SAMPLES:
            raise UsageError(
                f"expected 1 to {MAX_SAMPLES} samples a frame, got {self.samples_per_frame}", next_step="Pass 10."
            )
        if not self.unit.counts:
            raise UsageError(
                f"expected a unit of counts for frames, got {self.unit.name}",
                next_step="Pass --unit raw:2048, for example: counts per g.",
            )


@dataclass(frozen=True, slots=True)
class Account:
    """What was sent and injected, and what a reader that stayed to the end must report."""

    truth: Truth
    injected: Injected
    reboots: int
    unplugs: int


class FrameSensor:
    """Play samples as frames.

    Parameters
    ----------
    link
        Name of the port; it is plugged in at once.
    samples_g : ndarray of shape (n, 3), float32, in g; or (n, 6) with the turning rate in degrees/s behind it
        What to play.
    spec, faults, mishaps, seed
        What the sensor is, and what happens to its line and to itself.
    speed
        How many times faster than real time; 0 is as fast as the reader takes it.
    on_sample
        Told the number of the next sample before each frame.
    """

    def __init__(
        self,
        link: Path | None,
        samples_g: NDArray[np.float32],
        *,
        spec: SensorSpec,
        faults: Faults = Faults(),  # noqa: B008 (frozen)
        mishaps: Mishaps = Mishaps(),
        seed: int = 0,
        speed: float = 1.0,
        on_sample: Callable[[int], None] = lambda number: None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._counts = _counts_of(samples_g, spec)
        self._link = link
        self._port: VirtualPort | None = VirtualPort(link)
        self.name = self._port.name
        self._spec, self._mishaps, self._speed = spec, mishaps, speed
        self._line = FaultInjector(faults, seed=seed)
        self._account = WireTruth()
        self._rng = np.random.default_rng(seed)
        self._on_sample, self._clock, self._sleep = on_sample, clock, sleep
        self._parser = FrameParser()
        self._boot_id = 1 + seed % 0xFF00
        self._boot_at = 0
        self._dropped = self._untaken = self._number = 0
        self._reboots = self._unplugs = 0
        self._streaming = True
        self._heard_s = clock()

    def run(self, *, total: float | None = None, stop: Callable[[], bool] = lambda: False) -> Account:
        """Play ``total`` samples (all of them once, if None), from the moment a reader opens the port.

        A total beyond the recording begins it anew.
        """
        end = len(self._counts) if total is None else total
        self._await_reader(stop)
        origin_s, number = self._clock(), 0
        self._transmit(self._hello())
        while number < end and not stop():
            self._number = number
            self._suffer(number)
            due_s = origin_s + number / (self._spec.rate_hz * self._speed) if self._speed > 0 else origin_s
            while (wait_s := due_s - self._clock()) > 0 and not stop():
                self._answer()
                self._sleep(min(wait_s, _LONGEST_SLEEP_S))
            self._answer()
            self._on_sample(number)
            count = int(min(self._spec.samples_per_frame, end - number))
            if self._streaming:
                self._send_samples(number, count)
            else:
                self._untaken += count
                if self._clock() - self._heard_s >= HELLO_EVERY_S:
                    self._transmit(self._hello())
            number += count
        return self._finish(number)

    def close(self) -> None:
        """Unplug."""
        if self._port is not None:
            self._port.close()
            self._port = None

    def _await_reader(self, stop: Callable[[], bool]) -> None:
        """Wait until a reader has opened the port and set it up."""
        while self._port is not None and not self._port.has_reader() and not stop():
            self._sleep(_LONGEST_SLEEP_S)
        self._sleep(_SETTLE_S)

    def _suffer(self, number: int) -> None:
        """Reboot, be unplugged or plugged in again, if it is time."""
        mishaps, rate_hz = self._mishaps, self._spec.rate_hz
        reboots = 0 if mishaps.reboot_every_s is None else int(number / rate_hz / mishaps.reboot_every_s)
        if reboots > self._reboots:
            self._reboots = reboots
            self._boot_id = self._boot_id % 0xFFFF + 1
            self._boot_at, self._untaken, self._dropped = number, 0, 0
            self._put(self._line.flush())
            self._transmit(self._hello())
        if mishaps.unplug_every_s is None:
            return
        pulled, into_s = divmod(number / rate_hz, mishaps.unplug_every_s)
        if self._port is not None and pulled > self._unplugs:
            self._unplugs += 1
            self._put(self._line.flush())
            self._drain()
            self.close()
            self._account.cut()
        elif self._port is None and (into_s >= mishaps.unplug_for_s or pulled > self._unplugs):
            self._port = VirtualPort(self._link)

    def _send_samples(self, number: int, count: int) -> None:
        """Send one frame, or drop it."""
        sequence = (number - self._boot_at - self._untaken) % 2**32
        rows = self._counts[np.arange(number, number + count) % len(self._counts)]
        dropped = self._line.drops()
        micros, dropped_16 = self._micros(number), self._dropped % 2**16
        frame = encode_frame(Samples(self._boot_id, sequence, micros, dropped_16, rows.tobytes(), rows.shape[1]).pack())
        self._account.sent(None if dropped else frame, boot_id=self._boot_id, count=count)
        if dropped:
            self._dropped += count
        else:
            self._transmit(frame)

    def _micros(self, number: int) -> int:
        """Return the device's clock at a sample."""
        seconds = (number - self._boot_at) / self._spec.rate_hz * (1 + self._spec.drift_ppm * 1e-6)
        jitter_s = self._rng.normal(0.0, self._spec.jitter_s) if self._spec.jitter_s else 0.0
        return round((seconds + jitter_s) * 1e6) % 2**32

    def _answer(self) -> None:
        """Answer what the host has sent."""
        if self._port is None:
            return
        for event in self._parser.feed(self._port.receive(), self._clock()):
            if not isinstance(event, Frame):
                continue
            message = decode_message(event.body)
            self._heard_s = self._clock()
            match message:
                case Who():
                    self._transmit(self._hello())
                case Start():
                    self._streaming = True
                case Stop():
                    self._streaming = False
                    self._transmit(self._stats())
                case Ask():
                    self._transmit(self._stats())
                case _:
                    self._transmit(_refusal(message, event.body[0]))

    def _stats(self) -> bytes:
        """Return how far it is."""
        counts = self._parser.counts
        stats = Stats(
            boot_id=self._boot_id,
            sequence=(self._number - self._boot_at - self._untaken) % 2**32,
            micros=self._micros(self._number),
            dropped=self._dropped,
            frames_received=counts.frames,
            frames_damaged=counts.damaged_total,
        )
        return encode_frame(stats.pack(), after_silence=True)

    def _hello(self) -> bytes:
        """Return what it says it is."""
        self._heard_s = self._clock()
        abilities = Ability.SENSES | (Ability.STREAMS if self._streaming else Ability.NONE)
        hello = Hello(
            boot_id=self._boot_id,
            abilities=abilities,
            rate_mhz=round(self._spec.rate_hz * 1000),
            counts_per_unit=self._spec.unit.per_g,
            unit=UnitCode.G,
            range_unit=32767 / self._spec.unit.per_g,
            dropped=self._dropped,
            sensor=self._spec.name,
            placement=self._spec.placement,
        )
        if self._counts.shape[1] > len(ACCELERATION):
            hello = replace(
                hello,
                major=CHANNELS_MAJOR,
                channels=MOTION,
                counts_per_deg_s=COUNTS_PER_DEG_S,
                range_deg_s=32767 / COUNTS_PER_DEG_S,
            )
        return encode_frame(hello.pack(), after_silence=True)

    def _transmit(self, frame: bytes) -> None:
        """Send a frame through the line."""
        self._put(self._line.through(frame))

    def _put(self, data: bytes) -> None:
        """Write what comes out of the line, however slowly it is read; without a reader it is lost."""
        started_s = self._clock()
        while data and self._port is not None and self._clock() - started_s < _DRAIN_TIMEOUT_S:
            taken = self._port.send(data, timeout_s=_LONGEST_SLEEP_S)
            self._account.arrived(data[:taken])
            data = data[taken:]
            if not taken and not self._port.has_reader():
                return

    def _drain(self) -> None:
        """Wait until the reader has taken everything, or takes nothing any more."""
        empty, started_s = 0, self._clock()
        while self._port is not None and self._port.has_reader() and self._clock() - started_s < _DRAIN_TIMEOUT_S:
            empty = 0 if self._port.unread() else empty + 1
            if empty > 2:
                return
            self._sleep(_LONGEST_SLEEP_S)

    def _finish(self, number: int) -> Account:
        """Send undamaged STATS at the end, so that the last loss is known; return the account."""
        if self._port is None:
            self._port = VirtualPort(self._link)
            self._await_reader(lambda: False)
        self._number = number
        self._put(self._line.flush() + self._stats())
        self._drain()
        return Account(self._account.finish(), self._line.injected, self._reboots, self._unplugs)


def _counts_of(samples_g: NDArray[np.float32], spec: SensorSpec) -> NDArray[np.int16]:
    """Return samples as the sensor's counts, or refuse frames that do not hold so many."""
    channels = samples_g.shape[1]
    if spec.samples_per_frame > most_samples(channels):
        raise UsageError(
            f"expected 1 to {most_samples(channels)} samples of {channels} channels a frame, "
            f"got {spec.samples_per_frame}",
            next_step="Pass 10.",
        )
    axes = len(ACCELERATION)
    acceleration = spec.unit.from_g(samples_g[:, :axes])
    turning = quantize(samples_g[:, axes:], scale=1 / COUNTS_PER_DEG_S, dtype=np.int16)
    counts: NDArray[np.int16] = np.hstack([acceleration, turning]).astype("<i2")
    return counts


def _refusal(message: Message | Unknown | Malformed, kind: int) -> bytes:
    """Return how a device says that it does not do what it was asked."""
    if isinstance(message, Malformed):
        refusal = DeviceError(ErrorCode.BAD_LENGTH, kind, message.reason)
    elif isinstance(message, Infer | Load):
        refusal = DeviceError(ErrorCode.NO_MODEL, kind, "a simulated sensor has no model")
    else:
        refusal = DeviceError(ErrorCode.UNKNOWN_TYPE, kind, "a sensor does not understand this")
    return encode_frame(refusal.pack())
