"""Sample blocks out of binary frames, every lost sample counted: by their numbers and the device's own count."""

from collections.abc import Callable
from typing import Final

from edgehar.firmware_bridge.frames.clock import FrameTime
from edgehar.firmware_bridge.frames.device_description import has_gyroscope, require_usable, scale_samples, unit_of
from edgehar.firmware_bridge.frames.fields import PROBABILITY_ONE, Ability, Level, Type
from edgehar.firmware_bridge.frames.framing import Damage, FrameEvent, FrameParser, encode_frame
from edgehar.firmware_bridge.frames.message_reader import decode_message
from edgehar.firmware_bridge.frames.messages import (
    DeviceError,
    FoundLabel,
    Hello,
    Log,
    Malformed,
    Message,
    Samples,
    Start,
    Stats,
    Stop,
    Unknown,
    Who,
)
from edgehar.firmware_bridge.frames.sequence import SequenceTracker
from edgehar.firmware_bridge.stream.rate import RateEstimate, RateMeter
from edgehar.firmware_bridge.stream.samples import Decoded, Remark, SampleBlock, StreamCounts
from edgehar.models.units import Unit

NameLabel = Callable[[Hello | None, int], str]

_REMARKS_PER_KIND: Final = 5
_MOST_WAITING: Final = 256
"""Frames kept until the HELLO of their boot comes."""
_FRAMES_PER_ASKING: Final = 10


class FrameSource:
    """Decode frames into sample blocks.

    Samples whose HELLO is not known wait for it: without it neither their unit nor their rate is known. Those of a boot
    that never said what it is are lost.

    Parameters
    ----------
    hello
        What the device has said it is, or None to wait for it.
    name_label
        Names a class of the model that the device runs itself; empty where it is not known.
    gyroscope
        Whether the turning rate is handed on where the device sends it.

    Raises
    ------
    BridgeError
        By any method, when a HELLO speaks another version, has another rate than the first one, or cannot be.

    Examples
    --------
    >>> from edgehar.firmware_bridge.frames.fields import UnitCode
    >>> hello = Hello(7, Ability.SENSES | Ability.STREAMS, 100_000, 16384.0, UnitCode.G, 2.0)
    >>> source = FrameSource(hello)
    >>> one = b"\\x00\\x00\\x00\\x00\\x00\\x40"
    >>> wire = b"".join(encode_frame(Samples(7, n, 10_000 * n, 0, one).pack()) for n in (0, 1, 5))
    >>> [(block.times_s.round(3).tolist(), block.lost) for block in source.feed(wire, 0.0).blocks]
    [([0.0, 0.01], 0), ([0.05], 3)]
    """

    def __init__(
        self,
        hello: Hello | None = None,
        *,
        name_label: NameLabel = lambda hello, label: "",
        gyroscope: bool = True,
    ) -> None:
        self._name_label = name_label
        self._gyroscope = gyroscope
        self._found: int | None = None
        self._parser = FrameParser()
        self._counts = StreamCounts()
        self._meter = RateMeter(by_device=True)
        self._sequence = SequenceTracker()
        self._time: FrameTime | None = None
        self._hello: Hello | None = None
        self._waiting: list[bytes] = []
        self._outgoing: list[bytes] = []
        self._unasked = 0
        self._started = False
        self._run: list[tuple[bytes, float]] = []
        self._lost, self._continues = 0, True
        self._remarks: list[Remark] = []
        self._said: dict[str, int] = {}
        if hello is not None:
            require_usable(hello)
            self._hello = hello
            self._time = FrameTime(rate_hz=hello.rate_mhz / 1000)

    @property
    def counts(self) -> StreamCounts:
        """What has come so far."""
        return self._counts

    @property
    def rate(self) -> RateEstimate | None:
        """The measured rate, by the device's clock."""
        return self._meter.estimate()

    @property
    def unit(self) -> Unit | None:
        """The unit of the device's counts, once it has said HELLO."""
        return None if self.hello is None else unit_of(self.hello)

    @property
    def hello(self) -> Hello | None:
        """What the device has said it is."""
        return self._hello

    def feed(self, data: bytes, arrived_s: float) -> Decoded:
        """Take the bytes of one read."""
        self._counts.bytes_read += len(data)
        return self._decode(self._parser.feed(data, arrived_s), arrived_s)

    def finish(self, arrived_s: float) -> Decoded:
        """Give up what was held back, at the end of the stream; stop a device that was started by this host."""
        if self._started:
            self._outgoing.append(encode_frame(Stop().pack(), after_silence=True))
            self._started = False
        return self._decode(self._parser.cut(), arrived_s)

    def fell_silent(self, now_s: float) -> Decoded:
        """Send WHO. How many samples are missing is told by the next sample number."""
        self._ask()
        return Decoded()

    def line_was_cut(self, now_s: float) -> Decoded:
        """Give up the unfinished frame and send WHO: the device may be another one."""
        decoded = self._decode(self._parser.cut(), now_s)
        self._ask()
        return decoded

    def outgoing(self) -> bytes:
        """Return what is to be written to the device now, once."""
        data, self._outgoing = b"".join(self._outgoing), []
        return data

    def _decode(self, events: list[FrameEvent], arrived_s: float) -> Decoded:
        """Turn frames into blocks."""
        blocks: list[SampleBlock] = []
        for event in events:
            if isinstance(event, Damage):
                self._counts.damaged += 1
                self._say(f"damaged frame ({event.cause.value})", kind="damaged", warning=True)
                continue
            self._take_body(event.body, blocks, arrived_s)
        self._close_run(blocks, arrived_s)
        remarks, self._remarks = self._remarks, []
        return Decoded(blocks, remarks)

    def _take_body(self, body: bytes, blocks: list[SampleBlock], arrived_s: float) -> None:
        """Act on what a frame says; samples wait for the HELLO of their boot, which says how many numbers one has."""
        is_samples, hello = body[0] == Type.SAMPLES, self._hello
        if is_samples and (hello is None or int.from_bytes(body[1:3], "little") != hello.boot_id):
            self._wait(body)
            return
        message = decode_message(body) if hello is None else decode_message(body, channels=len(hello.channels))
        if isinstance(message, Samples):
            self._take(message, blocks, arrived_s)
        else:
            self._act(message, blocks, arrived_s)

    def _take(self, samples: Samples, blocks: list[SampleBlock], arrived_s: float) -> None:
        """Add the samples of one frame to the run; start a new run after a loss."""
        time = self._time
        if time is None:
            return
        step = self._sequence.advance(samples.boot_id, samples.sequence, samples.count, samples.dropped)
        if step.lost or step.restarted:
            self._hole(step.lost, blocks, arrived_s)
            self._counts.dropped += step.dropped
            self._counts.restarts += step.restarted
            if step.restarted:
                self._say("the device has restarted; what it took last before is lost", kind="restart", warning=True)
        self._counts.repeated += step.repeated
        self._counts.late += step.late
        if not step.usable:
            return
        start_s = time.advance(samples.micros, step.index, restarted=step.restarted)
        if time.jumped:
            self._break_at_jump(time, blocks, arrived_s)
        self._run.append((samples.payload, start_s))
        self._counts.samples += samples.count
        taken = self._counts.samples + self._counts.lost
        self._meter.observe(count=taken, time_s=start_s if time.believed else arrived_s)

    def _break_at_jump(self, time: FrameTime, blocks: list[SampleBlock], arrived_s: float) -> None:
        """Break the stream where the device's clock jumped, and say when the clock is put aside."""
        self._hole(0, blocks, arrived_s)
        self._counts.restarts += 1
        self._meter.restart()
        if time.believed:
            self._say(
                "the device's clock jumped: how many samples are missing cannot be known", kind="jump", warning=True
            )
            return
        self._meter = RateMeter(by_device=False)
        text = "the device's clock contradicts its sample numbers: it is put aside, the declared rate gives the time"
        self._say(text, kind="clock", warning=True)

    def _wait(self, body: bytes) -> None:
        """Keep samples until their HELLO comes; the oldest are lost if that takes too long."""
        self._waiting.append(body)
        del self._waiting[:-_MOST_WAITING]
        if self._unasked % _FRAMES_PER_ASKING == 0:
            self._ask()
        self._unasked += 1

    def _act(self, message: Message | Unknown | Malformed, blocks: list[SampleBlock], arrived_s: float) -> None:
        """Act on everything but samples."""
        match message:
            case Hello():
                self._adopt_hello(message, blocks, arrived_s)
            case Stats():
                self._note_stats(message, blocks, arrived_s)
            case FoundLabel():
                self._tell_label(message)
            case Log(level, text):
                self._say(f"the device says: {text}", kind="log", warning=level >= Level.WARNING)
            case DeviceError(code, _, text):
                self._say(f"the device reports error {code}: {text}", kind="error", warning=True)
            case Malformed(kind, reason):
                self._counts.damaged += 1
                self._say(f"a message of type {kind:02x} is malformed: {reason}", kind="malformed", warning=True)
            case Unknown(kind):
                self._say(f"a message of a type this version does not know: {kind:02x}", kind="unknown")
            case _:
                self._say("the line sends back what is written to it, or two programs use it", kind="echo")

    def _tell_label(self, found: FoundLabel) -> None:
        """Tell a label that the device has found itself, when it changes."""
        if found.label == self._found:
            return
        self._found = found.label
        if found.label is None:
            self._remarks.append(Remark("the device itself finds: unknown"))
            return
        name = self._name_label(self._hello, found.label) or f"class {found.label + 1}"
        self._remarks.append(Remark(f"the device itself finds: {name} {found.probability / PROBABILITY_ONE:.0%}"))

    def _adopt_hello(self, hello: Hello, blocks: list[SampleBlock], arrived_s: float) -> None:
        """Use a HELLO from now on, and decode the samples that waited for it."""
        require_usable(hello, before=self._hello)
        self._close_run(blocks, arrived_s)
        self._hello, self._unasked = hello, 0
        if self._time is None:
            self._time = FrameTime(rate_hz=hello.rate_mhz / 1000)
        if Ability.SENSES in hello.abilities and Ability.STREAMS not in hello.abilities:
            self._outgoing.append(encode_frame(Start().pack()))
            self._started = True
        waiting, self._waiting = self._waiting, []
        for body in waiting:
            samples = decode_message(body, channels=len(hello.channels))
            if not isinstance(samples, Samples):
                self._act(samples, blocks, arrived_s)
            elif samples.boot_id == hello.boot_id:
                self._take(samples, blocks, arrived_s)
            else:
                self._hole(samples.count, blocks, arrived_s)

    def _note_stats(self, stats: Stats, blocks: list[SampleBlock], arrived_s: float) -> None:
        """Count what was lost before a silence: no later sample tells it."""
        if self._hello is None or stats.boot_id != self._hello.boot_id:
            return
        step = self._sequence.advance(stats.boot_id, stats.sequence, 0, stats.dropped & 0xFFFF)
        if step.usable and (step.lost or step.restarted):
            self._hole(step.lost, blocks, arrived_s)
            self._counts.dropped += step.dropped
            self._counts.restarts += step.restarted

    def _hole(self, lost: int, blocks: list[SampleBlock], arrived_s: float) -> None:
        """End the run at a loss."""
        self._close_run(blocks, arrived_s)
        self._counts.lost += lost
        self._lost += lost
        self._continues = False

    def _close_run(self, blocks: list[SampleBlock], arrived_s: float) -> None:
        """Hand on the run as a block, if it holds samples or a loss."""
        run, hello, time = self._run, self._hello, self._time
        if hello is None or time is None or (not run and not self._lost and self._continues):
            return
        gyroscope = self._gyroscope and has_gyroscope(hello)
        samples_g = scale_samples(b"".join(payload for payload, _ in run), hello, gyroscope=gyroscope)
        sample_bytes = 2 * len(hello.channels)
        times_s = time.of_samples([(len(payload) // sample_bytes, start_s) for payload, start_s in run])
        blocks.append(SampleBlock(samples_g, times_s, arrived_s, lost=self._lost, continues=self._continues))
        self._run, self._lost, self._continues = [], 0, True

    def _ask(self) -> None:
        """Send WHO: the device answers HELLO."""
        self._outgoing.append(encode_frame(Who().pack(), after_silence=True))

    def _say(self, text: str, *, kind: str, warning: bool = False) -> None:
        """Remark on something, a few times for each kind."""
        said = self._said[kind] = self._said.get(kind, 0) + 1
        if said <= _REMARKS_PER_KIND:
            more = " (more of this kind are counted, not shown)" if said == _REMARKS_PER_KIND else ""
            self._remarks.append(Remark(text + more, warning))
