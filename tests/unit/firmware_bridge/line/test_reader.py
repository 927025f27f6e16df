"""The reading thread: order, bounds, overflow that is said, unplugging, and reopening by what a device is."""

import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from edgehar.firmware_bridge.frames.fields import Ability, UnitCode
from edgehar.firmware_bridge.frames.framing import encode_frame
from edgehar.firmware_bridge.frames.messages import Hello, Stop
from edgehar.firmware_bridge.line import reconnection
from edgehar.firmware_bridge.line.identity import PortIdentity, find_port, identify, parse_identity
from edgehar.firmware_bridge.line.opening import open_transport
from edgehar.firmware_bridge.line.reader import Arrival, DirectLine, LineReader
from edgehar.firmware_bridge.line.serial_port import PortInfo
from edgehar.firmware_bridge.line.transport import MemoryTransport, Transport
from edgehar.firmware_bridge.session.protocol_detection import ProtocolDetector, detect_protocol
from edgehar.models.errors import BridgeError, UsageError

HELLO = encode_frame(Hello(1, Ability.SENSES | Ability.STREAMS, 100_000, 2048.0, UnitCode.G, 16.0).pack())

HELLO_OF_200 = Hello(1, Ability.SENSES, 100_000, 1.0, UnitCode.G, 16.0, major=2).pack()[:42] + b"\xc8" * 20


def port(device: str, usb: str = "1a86:7523", serial_number: str = "") -> PortInfo:
    """Return a port of a machine."""
    return PortInfo(device, "a port", "", serial_number, usb, True)


def everything(reader: LineReader) -> list[Arrival]:
    """Take until the line is gone for good."""
    arrivals = []
    while True:
        try:
            arrival = reader.take(timeout_s=5.0)
        except BridgeError:
            return arrivals
        if arrival is not None:
            arrivals.append(arrival)


def test_bytes_come_in_order_and_the_end_comes_last() -> None:
    reader = LineReader(MemoryTransport([b"a", b"", b"b", b"c"]))
    assert b"".join(arrival.data for arrival in everything(reader)) == b"abc"
    with pytest.raises(BridgeError, match="unplugged"):
        reader.take(timeout_s=0.1)
    reader.close()
    reader.close()


class Flood:
    """A line that brings bytes without end, as fast as they are read."""

    name = "flood"

    def __init__(self, reads: int) -> None:
        self.left = reads
        self.done = threading.Event()

    def read(self, *, timeout_s: float) -> bytes:
        if not self.left:
            self.done.set()
            time.sleep(0.01)
            return b""
        self.left -= 1
        return self.left.to_bytes(4, "big") * 25

    def write(self, data: bytes) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


def test_a_full_queue_stays_bounded_and_says_what_it_threw_away() -> None:
    line = Flood(1000)
    reader = LineReader(line, most_bytes=10_000)
    assert line.done.wait(60)
    assert reader.queued_bytes <= 10_000
    first = reader.take(timeout_s=1.0)
    assert first is not None
    assert first.cut
    assert "more arrives than can be classified" in first.remarks[-1].text
    assert len(first.data) + reader.thrown_away == 100_000
    assert first.data.endswith(bytes(100))
    reader.close()


def test_an_unplugged_line_is_opened_again_and_the_cut_is_told() -> None:
    second = MemoryTransport([b"new"], name="second")
    tries: list[str] = []

    def reopen() -> Transport:
        tries.append("try")
        if len(tries) < 2:
            raise BridgeError("port: there is no such port", reason="missing")
        if len(tries) == 2:
            return second
        raise BridgeError("port: permission denied", next_step="Join a group.", reason="denied")

    reader = LineReader(MemoryTransport([b"old"], name="first"), reopen=reopen)
    arrivals: list[Arrival] = []
    deadline_s = time.monotonic() + 60
    while not any("denied" in remark.text for arrival in arrivals for remark in arrival.remarks):
        if time.monotonic() > deadline_s:
            break
        arrival = reader.take(timeout_s=0.1)
        arrivals += [] if arrival is None else [arrival]
    reader.close()
    data = [(arrival.data, arrival.cut) for arrival in arrivals]
    assert data[0][0] == b"old"
    assert (b"new", True) in data or (b"new", False) in data
    said = [remark.text for arrival in arrivals for remark in arrival.remarks]
    assert said[0] == "first: the device was unplugged; waiting for it"
    assert said[1].startswith("second: the device is there again after")
    assert said[-1] == "port: permission denied. Join a group."
    assert second.closed


def test_a_direct_line_reads_when_asked() -> None:
    line = MemoryTransport([b"", b"x"])
    direct = DirectLine(line, clock=lambda: 7.0)
    assert direct.take(timeout_s=0.0) is None
    assert direct.take(timeout_s=0.0) == Arrival(b"x", 7.0)
    direct.write(b"out")
    assert line.written == b"out"


@pytest.mark.parametrize(
    ("url", "identity"),
    [
        ("usb:1A86:7523", PortIdentity("1a86:7523")),
        ("usb:1:2:A:b", PortIdentity("0001:0002", "A:b")),
        ("USB:0403:6001:X", PortIdentity("0403:6001", "X")),
    ],
)
def test_identities_are_read(url: str, identity: PortIdentity) -> None:
    assert parse_identity(url) == identity


@pytest.mark.parametrize("url", ["usb:", "usb:1a86", "usb:1a86:75230", "usb:xyz:1"])
def test_identities_that_cannot_be_are_refused(url: str) -> None:
    with pytest.raises(UsageError, match="expected usb:VENDOR:PRODUCT"):
        open_transport(url)


def test_a_port_is_found_by_what_it_is() -> None:
    ports = [port("/dev/ttyUSB0", serial_number="A"), port("/dev/ttyUSB1", serial_number="B"), port("/dev/ttyS0", "")]
    assert find_port(PortIdentity("1a86:7523", "B"), ports=lambda: ports) == "/dev/ttyUSB1"
    with pytest.raises(BridgeError, match=r"got 2: /dev/ttyUSB0 \(A\), /dev/ttyUSB1 \(B\)"):
        find_port(PortIdentity("1a86:7523"), ports=lambda: ports)
    with pytest.raises(BridgeError, match="no such device is plugged in"):
        find_port(PortIdentity("0000:0001"), ports=lambda: ports)
    assert identify("/dev/ttyUSB1", ports=lambda: ports) == PortIdentity("1a86:7523", "B")
    assert identify("/dev/ttyS0", ports=lambda: ports) is None
    assert identify("socket://x:1", ports=lambda: ports) is None
    twins = [port("/dev/ttyUSB0"), port("/dev/ttyUSB1")]
    assert identify("/dev/ttyUSB0", ports=lambda: twins) is None


def test_a_device_that_comes_back_under_another_name_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Unplugged as ttyUSB0 and plugged in again as ttyUSB1, it is the same device."""
    plugged: list[PortInfo] = [port("/dev/ttyUSB0", serial_number="A")]
    opened: list[str] = []

    def open_line(url: str, *, baud: int) -> Transport:
        opened.append(url)
        return MemoryTransport([b"" if len(opened) > 1 else b"x"] * (500 if len(opened) > 1 else 1), name=url)

    def ports() -> Sequence[PortInfo]:
        return plugged

    monkeypatch.setattr(reconnection, "open_transport", open_line)
    reader = reconnection.open_reader("/dev/ttyUSB0", ports=ports)
    plugged[:] = [port("/dev/ttyUSB0", serial_number="B"), port("/dev/ttyUSB1", serial_number="A")]
    deadline_s = time.monotonic() + 60
    while len(opened) < 2 and time.monotonic() < deadline_s:
        reader.take(timeout_s=0.1)
    reader.close()
    assert opened[:2] == ["/dev/ttyUSB0", "/dev/ttyUSB1"]


@pytest.mark.parametrize(
    ("data", "protocol"),
    [
        (b"rest\n0.1,0.2,0.3\n", "text"),
        (b"\n1 2 3\n", None),
        (HELLO, "frames"),
        (b"0.1,0.2" + HELLO + b"garbage", None),
        (b"\0" + HELLO + b"0.1,0.2,0.3\n0.1,0.2,0.3\n", "frames"),
        (bytes(range(256)) * 8, None),
        (encode_frame(Stop().pack()), None),
    ],
)
def test_protocols_are_told_apart(data: bytes, protocol: str | None) -> None:
    whole, bytewise = ProtocolDetector(), ProtocolDetector()
    whole.feed(data, 0.0)
    for at in range(len(data)):
        bytewise.feed(data[at : at + 1], 0.0)
    assert whole.protocol == bytewise.protocol == protocol


class Slow(MemoryTransport):
    """A line whose reads take 5 ms each, in a time of its own."""

    def __init__(self, reads: Sequence[bytes]) -> None:
        super().__init__(reads)
        self.now_s = 0.0
        self.direct = DirectLine(self, clock=self.clock)

    def clock(self) -> float:
        return self.now_s

    def read(self, *, timeout_s: float) -> bytes:
        self.now_s += 0.005
        return super().read(timeout_s=timeout_s)


@pytest.mark.parametrize(
    ("reads", "said"),
    [
        ([b""] * 400, "got nothing. Check the wiring"),
        ([b"\xff\x81\x90" * 50] + [b""] * 400, "150 bytes that are neither frames nor text. Check --baud"),
        ([b"x,y,z\n0.1,0.2,0.3\n"] + [b""] * 400, "got text lines. Pass --protocol text"),
        ([encode_frame(Stop().pack())] + [b""] * 400, "got back what was written"),
        ([encode_frame(b"\x04\x02hi")] + [b""] * 400, "frames, and no answer to WHO"),
        ([encode_frame(HELLO_OF_200)] + [b""] * 400, "a malformed one (expected 1 to 6 channels, got 200). Correct"),
    ],
)
def test_a_device_that_does_not_say_hello_is_named(reads: list[bytes], said: str) -> None:
    line = Slow(reads)
    with pytest.raises(BridgeError, match="expected the device to say HELLO") as raised:
        detect_protocol(line.direct, protocol="frames", give_up_s=0.3, clock=line.clock)
    assert said in str(raised.value)
    assert bytes(line.written).startswith(b"\0")


def test_a_text_sensor_is_never_written_to() -> None:
    line = MemoryTransport([b"x,y,z\n", b"0.1,0.2,0.3\n0.1,0.2,0.3\n"])
    reader = LineReader(line)
    detected = detect_protocol(reader)
    assert detected.hello is None
    assert b"".join(arrival.data for arrival in detected.arrivals) == b"x,y,z\n0.1,0.2,0.3\n0.1,0.2,0.3\n"
    assert line.written == b""
    reader.close()


def test_an_unknown_protocol_is_refused() -> None:
    reader = LineReader(MemoryTransport([b""] * 10))
    with pytest.raises(UsageError, match="expected a protocol of auto, frames, text, got 'morse'"):
        detect_protocol(reader, protocol="morse")
    reader.close()


def test_a_device_that_is_still_off_is_waited_for() -> None:
    """Silence is said once, nothing is written to it, and frames are found when it is switched on."""

    line, told = Slow([b""] * 100 + [HELLO]), []
    detected = detect_protocol(
        line.direct, give_up_s=0.2, on_silence=lambda: told.append(round(line.now_s, 3)), clock=line.clock
    )
    assert detected.hello is not None
    assert told == [0.2]
    assert line.written == b""


def test_waiting_for_a_device_ends_with_the_duration() -> None:
    line = Slow([b""] * 400)
    assert detect_protocol(line.direct, give_up_s=0.1, longest_s=0.3, clock=line.clock).arrivals == ()
    assert line.now_s == pytest.approx(0.3, abs=0.01)
