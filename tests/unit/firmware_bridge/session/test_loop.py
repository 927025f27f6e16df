"""The loop of a session: what it hands on, when it ends, and what it says and writes on the way."""

from collections.abc import Callable

import numpy as np
import pytest

from edgehar.firmware_bridge.frames.fields import Ability, UnitCode
from edgehar.firmware_bridge.frames.framing import encode_frame
from edgehar.firmware_bridge.frames.messages import Hello, Samples, Start, Stop
from edgehar.firmware_bridge.frames.source import FrameSource
from edgehar.firmware_bridge.line.transport import MemoryTransport, Transport
from edgehar.firmware_bridge.session.loop import SessionLoop, StreamState
from edgehar.firmware_bridge.stream.checks import SilenceCheck, StreamChecks
from edgehar.firmware_bridge.stream.samples import Remark, SampleBlock, SampleSource, StreamCounts
from edgehar.firmware_bridge.text.source import TextSource
from edgehar.models.errors import BridgeError
from edgehar.models.units import parse_unit


class Clock:
    """Time that runs on by a step whenever it is asked for."""

    def __init__(self, step_s: float = 0.01) -> None:
        self.now_s, self._step_s = 0.0, step_s

    def __call__(self) -> float:
        self.now_s += self._step_s
        return self.now_s


class Consumer:
    """What keeps everything it is told, in order."""

    def __init__(self, *, finished_after: int | None = None) -> None:
        self.samples = 0
        self.told: list[str] = []
        self.remarks: list[Remark] = []
        self.states: list[StreamState] = []
        self._finished_after = finished_after

    @property
    def finished(self) -> bool:
        return self._finished_after is not None and self.samples >= self._finished_after

    def take(self, block: SampleBlock) -> None:
        self.samples += len(block.samples_g)
        self.told.append("samples")

    def remarked(self, remark: Remark) -> None:
        self.remarks.append(remark)
        self.told.append(remark.text)

    def waited(self, now_s: float) -> None:
        self.told.append("waited")

    def longest_rest_s(self, counts: StreamCounts, elapsed_s: float) -> float:
        return 0.0

    def show(self, state: StreamState) -> None:
        self.states.append(state)


def session(
    line: Transport, consumer: Consumer, *, source: SampleSource | None = None, clock: Callable[[], float] | None = None
) -> SessionLoop:
    """Return the loop of text lines of 100 Hz."""
    ticking = clock or Clock()
    return SessionLoop(
        line,
        source or TextSource(unit=parse_unit("g"), rate_hz=100.0),
        consumer,
        silence=SilenceCheck(port="memory", baud=115200, started_s=0.0),
        checks=StreamChecks(declared_rate_hz=100.0, window_length=200),
        show_every_s=0.1,
        clock=ticking,
    )


LINES = b"0.1,0.2,0.97\n" * 10


def test_every_sample_is_handed_on_until_the_line_is_unplugged() -> None:
    consumer = Consumer()
    error = session(MemoryTransport([b"x,y,z\n", LINES, b"", LINES]), consumer).run()
    assert isinstance(error, BridgeError)
    assert error.details["reason"] == "unplugged"
    assert consumer.samples == 20
    assert consumer.states
    assert [state.elapsed_s for state in consumer.states] == sorted(state.elapsed_s for state in consumer.states)


@pytest.mark.parametrize("how", ["finished", "stop", "duration"])
def test_it_ends_when_it_should(how: str) -> None:
    line, consumer = MemoryTransport([LINES] * 1000), Consumer(finished_after=100 if how == "finished" else None)
    loop = session(line, consumer)
    ends = {"stop": {"stop": lambda: consumer.samples >= 100}, "duration": {"duration_s": 2.0}, "finished": {}}[how]
    assert loop.run(**ends) is None  # type: ignore[arg-type]
    assert 90 <= consumer.samples < 1000
    if how == "duration":
        assert 2.0 <= loop.state.elapsed_s < 2.3


def test_what_had_arrived_when_it_was_told_to_stop_is_not_lost() -> None:
    line, consumer = MemoryTransport([LINES, LINES, LINES]), Consumer()
    assert session(line, consumer).run(stop=lambda: consumer.samples >= 9) is None
    assert consumer.samples == 19, "the first line of all is skipped: it may be the rest of one"
    unplugged = Consumer()
    assert session(MemoryTransport([]), unplugged).run(stop=lambda: True) is None


def test_another_failure_than_an_unplugged_line_is_raised() -> None:
    class Broken(MemoryTransport):
        def read(self, *, timeout_s: float) -> bytes:
            raise BridgeError("the line has failed", reason="denied")

    with pytest.raises(BridgeError, match="the line has failed"):
        session(Broken([]), Consumer()).run()


def test_silence_is_said_once_and_breaks_a_stream_without_times() -> None:
    consumer = Consumer()
    session(MemoryTransport([b"x,y,z\n" + LINES, *[b""] * 400, LINES, LINES]), consumer).run()
    said = [remark.text for remark in consumer.remarks]
    assert said.count("memory: nothing has arrived for 2 s") == 1
    assert sum("how many samples the silence hides cannot be known" in text for text in said) == 1
    assert sum("data again after" in text for text in said) == 1


def test_a_wrong_rate_is_said_before_the_samples_of_the_same_read() -> None:
    """Two hundred samples a second where a hundred are declared: known after a second, before they become labels."""
    clock, consumer = Clock(0.0), Consumer()

    class Paced(MemoryTransport):
        def read(self, *, timeout_s: float) -> bytes:
            clock.now_s += 0.05
            return super().read(timeout_s=timeout_s)

    session(Paced([b"x,y,z\n", *[LINES] * 60]), consumer, clock=clock).run()
    (place,) = [index for index, told in enumerate(consumer.told) if "expected 100 Hz, measured 200.0" in told]
    assert consumer.told[place + 1] == "samples"
    assert consumer.told[:place].count("samples") <= 26, "about a second"


def test_a_device_is_asked_to_start_and_stopped_in_the_end() -> None:
    hello = Hello(7, Ability.SENSES, 100_000, 16384.0, UnitCode.G, 2.0)
    payload = np.zeros((10, 3), "<i2").tobytes()
    frames = [encode_frame(Samples(7, 10 * n, 100_000 * n, 0, payload).pack()) for n in range(3)]
    line, consumer = MemoryTransport([encode_frame(hello.pack()), *frames, *[b""] * 1000]), Consumer(finished_after=30)
    assert session(line, consumer, source=FrameSource()).run() is None
    assert consumer.samples == 30
    assert bytes(line.written).startswith(encode_frame(Start().pack()))
    assert bytes(line.written).endswith(encode_frame(Stop().pack()))
