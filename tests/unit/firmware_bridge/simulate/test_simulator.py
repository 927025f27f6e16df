"""The virtual sensor on a real pty: complete, in order, on time, and gone without a trace."""

import os
import select
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from edgehar.firmware_bridge.line.opening import open_transport
from edgehar.firmware_bridge.line.pseudo_terminal import VirtualPort
from edgehar.firmware_bridge.line.transport import Transport
from edgehar.firmware_bridge.simulate.simulator import Played, Segment, SegmentStart, VirtualSensor
from edgehar.firmware_bridge.simulate.text_writer import TextWriter
from edgehar.models.errors import BridgeError, UsageError
from edgehar.models.units import parse_unit

RNG = np.random.default_rng(4)
WALK = Segment(RNG.normal(0, 1, (700, 3)).astype(np.float32), "Walking", "r1")
SIT = Segment(RNG.normal(0, 1, (300, 3)).astype(np.float32), None, "r2")
WRITER = TextWriter(unit=parse_unit("g"), rate_hz=100.0)
EVERYTHING = [WRITER.header, *WRITER.lines(np.concatenate([WALK.samples_g, SIT.samples_g]), first=0)]


class Playing:
    """A sensor that plays in a thread of its own."""

    def __init__(self, link: Path, **options: object) -> None:
        self.port = VirtualPort(link)
        self.stopped = threading.Event()
        self.joined, self.left = threading.Event(), threading.Event()
        self.segments: list[SegmentStart] = []
        self.played: Played | None = None
        settings = {"writer": WRITER, "rate_hz": 100.0, "speed": 0.0, "on_segment": self.segments.append}
        settings |= {"on_reader": lambda present: (self.joined if present else self.left).set(), **options}
        self.sensor = VirtualSensor(self.port, [WALK, SIT], **settings)  # type: ignore[arg-type]
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        self.played = self.sensor.run(self.stopped.is_set)
        self.port.close()

    def end(self) -> Played:
        """Stop and return what was played."""
        self.stopped.set()
        self.thread.join(60)
        assert self.played is not None
        return self.played


@pytest.fixture
def link(tmp_path: Path) -> Path:
    """The name of a port that is not there yet."""
    return tmp_path / "sensor"


def read_all(transport: Transport) -> bytes:
    """Read until the port is unplugged."""
    data = b""
    try:
        while True:
            data += transport.read(timeout_s=5.0)
    except BridgeError:
        transport.close()
        return data


def read_lines(transport: Transport, count: int) -> list[bytes]:
    """Read at least ``count`` lines."""
    data = b""
    while data.count(b"\n") < count:
        data += transport.read(timeout_s=5.0)
    return data.splitlines(keepends=True)


def test_everything_arrives_in_order_then_the_port_is_gone(link: Path) -> None:
    playing = Playing(link)
    assert read_all(open_transport(str(link))) == b"".join(EVERYTHING)
    played = playing.end()
    assert (played.samples, played.unread, played.readers) == (1000, 0, 1)
    assert not os.path.lexists(link)
    assert [(start.start_s, start.stop_s, start.segment.label) for start in playing.segments] == [
        (0.0, 7.0, "Walking"),
        (7.0, 10.0, None),
    ]


def test_nothing_is_lost_before_a_reader_comes_or_between_two(link: Path) -> None:
    playing = Playing(link)
    first = open_transport(str(link))
    begun = read_lines(first, 50)
    first.close()
    assert playing.left.wait(60)
    whole = [line for line in begun if line.endswith(b"\n")]
    rest = read_all(open_transport(str(link))).splitlines(keepends=True)
    assert rest[0] == WRITER.header
    assert whole + rest[1:] == EVERYTHING
    assert playing.end().readers == 2


def test_a_slow_reader_holds_it_up_and_loses_nothing(link: Path) -> None:
    playing = Playing(link, speed=100.0)
    transport = open_transport(str(link))
    assert playing.joined.wait(60)
    time.sleep(0.3)
    assert read_all(transport) == b"".join(EVERYTHING)
    assert playing.end().longest_lag_s > 0.1


def test_it_repeats_until_it_is_told_to_stop(link: Path) -> None:
    playing = Playing(link, loop=True)
    transport = open_transport(str(link))
    lines = read_lines(transport, 2500)
    assert lines[1:2501] == (EVERYTHING[1:] * 3)[:2500]
    playing.end()
    transport.close()
    assert [start.start_s for start in playing.segments][:4] == [0.0, 7.0, 10.0, 17.0]
    assert not os.path.lexists(link)


def test_it_stops_after_a_duration_of_its_own_time(link: Path) -> None:
    playing = Playing(link, loop=True, duration_s=12.5)
    assert read_all(open_transport(str(link))).count(b"\n") == 1 + 1250
    assert playing.end().samples == 1250
    assert playing.segments[-1].stop_s == 12.5


class FakePort:
    """A port whose reader takes everything at once."""

    def __init__(self) -> None:
        self.sent_at: list[tuple[float, int]] = []
        self.now_s = 1000.0

    def has_reader(self) -> bool:
        return True

    def send(self, data: bytes, *, timeout_s: float) -> int:
        self.sent_at.append((self.now_s, data.count(b"\n")))
        return len(data)

    def unread(self) -> int:
        return 0

    def sleep(self, seconds: float) -> None:
        # A clock that oversleeps, as real ones do: pacing must not drift for it.
        self.now_s += seconds * 1.3 + 0.0004


@pytest.mark.parametrize("speed", [1.0, 7.5])
def test_pacing_follows_absolute_deadlines(speed: float) -> None:
    port = FakePort()
    sensor = VirtualSensor(
        port,  # type: ignore[arg-type]
        [WALK, SIT],
        writer=WRITER,
        rate_hz=100.0,
        speed=speed,
        clock=lambda: port.now_s,
        sleep=port.sleep,
    )
    sensor.run()
    (_, header), *sent = port.sent_at
    origin_s = sent[0][0]
    assert header == 1
    count = 0
    for at_s, lines in sent:
        count += lines
        due_s = origin_s + (count - 1) / (100.0 * speed)
        assert -1e-9 <= at_s - due_s < 0.02
    assert count == 1000


def test_the_port_is_raw_and_echoes_nothing(link: Path) -> None:
    port = VirtualPort(link)
    handle = os.open(link, os.O_RDWR | os.O_NOCTTY)
    data = bytes(range(256))
    port.send(data, timeout_s=1.0)
    got = b""
    while len(got) < 256:
        got += os.read(handle, 1000)
    assert got == data
    os.write(handle, b"\r\n\x03\x04")
    assert os.read(port._end, 100) == b"\r\n\x03\x04"
    assert not select.select([port._end], [], [], 0.05)[0]
    os.close(handle)
    port.close()


def test_a_dead_link_is_replaced_and_a_living_one_is_not(link: Path) -> None:
    link.symlink_to("/dev/pts/does-not-exist")
    port = VirtualPort(link)
    assert str(link.readlink()) == port.device
    with pytest.raises(BridgeError, match="another sensor may be running"):
        VirtualPort(link)
    port.close()
    port.close()
    assert not os.path.lexists(link)


def test_closing_leaves_a_link_that_points_elsewhere(link: Path) -> None:
    port = VirtualPort(link)
    link.unlink()
    link.symlink_to("/dev/null")
    port.close()
    assert link.is_symlink()


@pytest.mark.parametrize("kind", ["file", "folder", "nowhere"])
def test_a_link_is_never_put_over_something(tmp_path: Path, kind: str) -> None:
    target = tmp_path / "name"
    if kind == "file":
        target.write_text("precious")
    elif kind == "folder":
        target.mkdir()
    else:
        target = tmp_path / "missing" / "name"
    with pytest.raises(UsageError) as caught:
        VirtualPort(target)
    assert caught.value.next_step
    assert kind != "file" or target.read_text() == "precious"


@pytest.fixture(autouse=True)
def no_descriptor_leaks() -> Iterator[None]:
    """Every test gives its file descriptors back."""
    descriptors = Path("/proc/self/fd")
    before = len(list(descriptors.iterdir())) if descriptors.is_dir() else 0
    yield
    after = len(list(descriptors.iterdir())) if descriptors.is_dir() else 0
    assert after <= before
