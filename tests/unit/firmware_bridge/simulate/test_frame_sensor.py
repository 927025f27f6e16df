"""The virtual sensor of frames: it answers as the specification says, and refuses what cannot be."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from edgehar.firmware_bridge.frames.fields import Ability, ErrorCode, Numbers
from edgehar.firmware_bridge.frames.framing import Frame, FrameParser, encode_frame
from edgehar.firmware_bridge.frames.message_reader import decode_message
from edgehar.firmware_bridge.frames.messages import Ask, DeviceError, Hello, Infer, Samples, Start, Stats, Stop, Who
from edgehar.firmware_bridge.line.opening import open_transport
from edgehar.firmware_bridge.line.transport import Transport
from edgehar.firmware_bridge.simulate.frame_sensor import FrameSensor, SensorSpec
from edgehar.models.errors import UsageError
from edgehar.models.units import parse_unit

SAMPLES = np.float32([[0, 0, 1], [0.5, 0, 1]])
SPEC = SensorSpec(unit=parse_unit("raw:2048"), rate_hz=200.0, drift_ppm=1000.0)


class Host:
    """A host that asks, and waits for what it wants."""

    def __init__(self, line: Transport) -> None:
        self._line = line
        self._parser = FrameParser()
        self._heard: list[object] = []

    def send(self, body: bytes) -> None:
        """Send a frame."""
        self._line.write(encode_frame(body, after_silence=True))

    def wait_for(self, kind: type) -> object:
        """Return the next message of a kind."""
        for _ in range(400):
            while self._heard:
                message = self._heard.pop(0)
                if isinstance(message, kind):
                    return message
            events = self._parser.feed(self._line.read(timeout_s=0.05), 0.0)
            self._heard += [decode_message(event.body) for event in events if isinstance(event, Frame)]
        raise TimeoutError(kind)


@contextmanager
def playing(link: Path) -> Iterator[Host]:
    """Play without end to a host."""
    sensor, ended = FrameSensor(link, SAMPLES, spec=SPEC, seed=4), threading.Event()
    player = threading.Thread(target=sensor.run, kwargs={"total": float("inf"), "stop": ended.is_set})
    player.start()
    line = open_transport(sensor.name)
    try:
        yield Host(line)
    finally:
        ended.set()
        line.close()
        player.join()
        sensor.close()


def test_it_answers_as_the_specification_says(tmp_path: Path) -> None:
    with playing(tmp_path / "port") as host:
        hello = host.wait_for(Hello)
        assert isinstance(hello, Hello)
        assert (hello.rate_mhz, hello.boot_id, Ability.STREAMS in hello.abilities) == (200_000, 5, True)
        samples = host.wait_for(Samples)
        assert isinstance(samples, Samples)
        assert samples.counts.tolist() == [[0, 0, 2048], [1024, 0, 2048]] * 5
        assert samples.micros == round(samples.sequence * 5000 * 1.001)
        host.send(Stop().pack())
        stopped = host.wait_for(Stats)
        host.send(Who().pack())
        assert Ability.STREAMS not in host.wait_for(Hello).abilities
        host.send(Ask().pack())
        asked = host.wait_for(Stats)
        assert asked.sequence == stopped.sequence
        assert asked.frames_received == 3
        host.send(Start().pack())
        assert host.wait_for(Samples).sequence == stopped.sequence


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (Infer(1, Numbers.INTEGER, 0, bytes(6)).pack(), ErrorCode.NO_MODEL),
        (b"\x83more", ErrorCode.BAD_LENGTH),
        (b"\xfe", ErrorCode.UNKNOWN_TYPE),
    ],
)
def test_it_refuses_what_it_cannot(tmp_path: Path, body: bytes, code: ErrorCode) -> None:
    with playing(tmp_path / "port") as host:
        host.wait_for(Hello)
        host.send(body)
        refusal = host.wait_for(DeviceError)
        assert isinstance(refusal, DeviceError)
        assert (refusal.code, refusal.answers) == (code, body[0])


def test_specifications_that_cannot_be_are_refused() -> None:
    with pytest.raises(UsageError, match="expected 1 to 39 samples a frame, got 0"):
        SensorSpec(parse_unit("raw:2048"), 100.0, samples_per_frame=0)
    with pytest.raises(UsageError, match="expected a unit of counts for frames, got g"):
        SensorSpec(parse_unit("g"), 100.0)


def test_after_a_stop_it_says_hello_unasked(tmp_path: Path) -> None:
    with playing(tmp_path / "port") as host:
        host.wait_for(Samples)
        host.send(Stop().pack())
        host.wait_for(Stats)
        for _ in range(2):
            hello = host.wait_for(Hello)
            assert isinstance(hello, Hello)
            assert Ability.STREAMS not in hello.abilities
