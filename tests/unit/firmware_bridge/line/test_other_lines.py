"""Lines that are no serial ports: standard input, datagrams, WebSockets, posts of a phone, Bluetooth."""

import asyncio
import json
import os
import socket
import threading
import urllib.error
import urllib.request
from types import SimpleNamespace
from typing import Any

import pytest
import websockets.sync.client
import websockets.sync.server

from edgehar.firmware_bridge.line.bluetooth import SERVICES, BluetoothTransport
from edgehar.firmware_bridge.line.http_push import HttpPushTransport
from edgehar.firmware_bridge.line.opening import open_transport
from edgehar.firmware_bridge.line.phone_messages import lines_of
from edgehar.firmware_bridge.line.pushed import MOST_WAITING_BYTES, PushedBytes
from edgehar.firmware_bridge.line.standard_input import StandardInput
from edgehar.firmware_bridge.line.transport import Transport, has_ended, is_unplugged
from edgehar.firmware_bridge.line.udp import UdpTransport
from edgehar.firmware_bridge.line.websocket import WebSocketTransport
from edgehar.firmware_bridge.text.source import TextSource
from edgehar.models.errors import BridgeError, UsageError


def read(line: Transport, length: int) -> bytes:
    """Return what comes, once there is so much of it."""
    data = b""
    for _ in range(200):
        data += line.read(timeout_s=0.1)
        if len(data) >= length:
            return data
    raise TimeoutError(data)


def test_standard_input_is_read_to_its_end() -> None:
    reading, writing = os.pipe()
    line = StandardInput(reading)
    os.write(writing, b"0,0,1\n")
    assert read(line, 6) == b"0,0,1\n"
    os.close(writing)
    with pytest.raises(BridgeError) as ended:
        read(line, 1)
    assert is_unplugged(ended.value)
    assert has_ended(ended.value)
    os.close(reading)


def test_datagrams_are_lines_and_their_sender_is_answered() -> None:
    line = UdpTransport("127.0.0.1", 0, name="udp://:0")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
        phone.settimeout(5)
        for message in (b"0,0,1", b"0,0,2\n", b"\0\x01\0"):
            phone.sendto(message, ("127.0.0.1", line.port))
        assert read(line, 15) == b"0,0,1\n0,0,2\n\0\x01\0"
        line.write(b"who")
        assert phone.recv(10) == b"who"
    assert line.read(timeout_s=0.0) == b""
    line.close()


def test_a_port_that_is_taken_is_said() -> None:
    line = UdpTransport("127.0.0.1", 0, name="udp://:0")
    with pytest.raises(BridgeError, match="listen on port"):
        UdpTransport("127.0.0.1", line.port, name="udp://")
    line.close()


def test_a_phone_that_connects_is_read_and_may_come_again() -> None:
    line = WebSocketTransport("ws://:0")
    for number in (1, 2):
        with websockets.sync.client.connect(f"ws://127.0.0.1:{line.port}/") as phone:
            phone.send(f"0,0,{number}")
            assert read(line, 6) == f"0,0,{number}\n".encode()
    line.close()


def test_a_server_on_a_phone_is_read_until_it_leaves() -> None:
    message = json.dumps({"values": [0.5, 9.7, 1.25], "timestamp": 3925657519043709, "accuracy": 3})
    with websockets.sync.server.serve(lambda connection: connection.send(message), "127.0.0.1", 0) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        port = server.socket.getsockname()[1]
        line = open_transport(f"ws://127.0.0.1:{port}/sensor/connect?type=android.sensor.accelerometer")
        assert read(line, 10) == b"t_ns:3925657519043709 acceleration x:0.5 y:9.7 z:1.25 m/s2\n"
        with pytest.raises(BridgeError, match="unplugged"):
            read(line, 1)
        line.close()
        server.shutdown()
        serving.join()


def test_nobody_at_a_websocket_is_said() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(BridgeError, match="expected a WebSocket"):
            open_transport(f"ws://127.0.0.1:{taken.getsockname()[1]}")


def test_posts_of_a_phone_are_lines() -> None:
    line = HttpPushTransport("127.0.0.1", 0, name="http://:0")
    url = f"http://127.0.0.1:{line.port}/data"
    post = {
        "messageId": 1,
        "payload": [{"name": "totalacceleration", "time": "17", "values": {"x": 1, "y": 2, "z": 3}}],
    }
    with urllib.request.urlopen(urllib.request.Request(url, json.dumps(post).encode()), timeout=60) as answer:
        assert answer.status == 200
    assert read(line, 10) == b"t_ns:17 acceleration x:1 y:2 z:3 m/s2\n"
    request = urllib.request.Request(url, b"", {"Content-Length": "99999999999"})
    with pytest.raises(urllib.error.HTTPError, match="413"):
        urllib.request.urlopen(request, timeout=60)
    line.close()


def test_messages_of_apps_are_understood_by_the_text_source() -> None:
    """Sensor Logger sends acceleration without gravity as well: it must not be taken."""
    source, blocks = TextSource(unit=None, rate_hz=100.0), []
    for index in range(0, 400, 10):
        payload = []
        for number in range(index, index + 10):
            time = str(1698501144401773000 + number * 10_000_000)
            payload += [
                {"name": "accelerometer", "time": time, "values": {"z": 0.1, "y": 0.2, "x": 0.3}},
                {"name": "totalacceleration", "time": time, "values": {"z": 9.8, "y": 0.2, "x": number / 1000}},
                {"name": "location", "time": time, "values": {"latitude": 1.0}},
            ]
        blocks += source.feed(lines_of(json.dumps({"messageId": index, "payload": payload})), index / 100).blocks
    assert source.counts.samples >= 380
    assert source.counts.lost == 0
    assert source.unit is not None
    assert source.unit.name == "m/s2"
    assert blocks[-1].samples_g[-1] == pytest.approx([0.399 / 9.80665, 0.2 / 9.80665, 9.8 / 9.80665], abs=1e-6)


def test_phyphox_and_anything_else() -> None:
    buffers = {"acc_time": [0.5], "accX": [1.0], "accY": [2], "accZ": [None]}
    answer = {"buffer": {name: {"size": 0, "buffer": values} for name, values in buffers.items()}}
    assert lines_of(json.dumps(answer)) == b"t_s:0.5 acceleration x:1.0 y:2 z:nan m/s2\n"
    assert lines_of('{"ax": 1, "ay": 2}') == b'{"ax": 1, "ay": 2}\n'
    for hostile in ("{" * 100_000, '{"payload": [1, {"name": []}]}', '{"values": [1]}', '{"buffer": {"accX": 3}}', ""):
        assert isinstance(lines_of(hostile), bytes)


class FakeBluetooth:
    """A backend like bleak, with one device."""

    def __init__(self, characteristic: str, *, named: str = "sensor") -> None:
        self.written: list[bytes] = []
        self.notify: Any = None
        self.leave: Any = None
        backend = self

        class BleakScanner:
            """Finds the device."""

            @staticmethod
            async def find_device_by_name(name: str, *, timeout: float) -> object:
                """Return it."""
                await asyncio.sleep(0)
                return object() if name == named else None

        class BleakClient:
            """Connects to it."""

            def __init__(self, device: object, *, disconnected_callback: Any) -> None:
                backend.leave = lambda: disconnected_callback(self)
                has = characteristic
                self.services = SimpleNamespace(get_characteristic=lambda uuid: uuid if uuid == has else None)

            async def connect(self) -> None:
                """Connect."""

            async def disconnect(self) -> None:
                """Disconnect."""

            async def start_notify(self, uuid: str, callback: Any) -> None:
                """Notify of the first bytes."""
                backend.notify = callback
                callback(uuid, bytearray(b"0,0,1\n"))

            async def write_gatt_char(self, uuid: str, data: bytes) -> None:
                """Keep what is written."""
                backend.written.append(data)

        self.BleakScanner, self.BleakClient = BleakScanner, BleakClient


@pytest.mark.parametrize("service", SERVICES)
def test_a_bluetooth_sensor_is_read_and_written(service: str) -> None:
    backend = FakeBluetooth(SERVICES[service][0])
    line = BluetoothTransport("sensor", name="ble:sensor", backend=backend)
    assert read(line, 6) == b"0,0,1\n"
    line.write(bytes(50))
    assert [len(part) for part in backend.written] == [20, 20, 10]
    backend.leave()
    with pytest.raises(BridgeError) as gone:
        read(line, 1)
    assert is_unplugged(gone.value)
    line.close()
    line.close()


def test_a_bluetooth_sensor_that_is_not_there_or_strange_is_said() -> None:
    with pytest.raises(BridgeError, match="found none"):
        BluetoothTransport("other", name="ble:other", backend=FakeBluetooth(SERVICES["WitMotion"][0]))
    with pytest.raises(BridgeError, match="neither of the services of Nordic UART and WitMotion"):
        BluetoothTransport("sensor", name="ble:sensor", backend=FakeBluetooth("2a37"))


@pytest.mark.parametrize("url", ["udp://", "ws://", "http://", "http://example.org:80", "udp://:99999", "ftp://x:1"])
def test_what_is_no_line_is_refused(url: str) -> None:
    with pytest.raises(UsageError):
        open_transport(url)


def test_what_nobody_takes_is_bounded() -> None:
    pushed = PushedBytes()
    for _ in range(40):
        pushed.push(bytes(MOST_WAITING_BYTES // 16))
    assert len(pushed.take(timeout_s=0.0)) <= MOST_WAITING_BYTES
