"""phyphox's remote access: an imitated phone that answers as the app's documentation says."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import pytest

from edgehar.firmware_bridge.line.opening import open_transport
from edgehar.models.errors import BridgeError, UsageError

CONFIG = {
    "title": "Acceleration with g",
    "buffers": [{"name": name, "size": 0} for name in ("acc_time", "accX", "accY", "accZ", "acc")],
    "inputs": [
        {"source": "accelerometer", "outputs": [{"x": "accX"}, {"y": "accY"}, {"z": "accZ"}, {"t": "acc_time"}]}
    ],
}


class Phone:
    """A server that measures, and answers whole buffers or what is above a time in another buffer."""

    def __init__(self, config: dict | None = None) -> None:
        self.config = CONFIG if config is None else config
        self.buffers: dict[str, list[float]] = {name: [] for name in ("acc_time", "accX", "accY", "accZ")}
        self.asked: list[str] = []
        self.broken = 0
        self.measuring = False
        phone = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                phone.asked.append(self.path)
                body = phone.answer(self.path)
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Log nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"phyphox://127.0.0.1:{self.server.server_address[1]}"
        self._thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def measure(self, first: int, last: int) -> None:
        """Add samples."""
        for at in range(first, last):
            for name, value in zip(self.buffers, (at / 100, at * 0.5, -9.81, 0.25 * at), strict=True):
                self.buffers[name].append(value)

    def answer(self, path: str) -> bytes:
        """Return the answer to a question."""
        parts = urlsplit(path)
        if parts.path == "/config":
            return json.dumps(self.config).encode()
        if parts.path == "/control":
            self.measuring = "cmd=start" in parts.query
            return b'{"result": true}'
        if self.broken:
            self.broken -= 1
            return b'{"buffer": {"accX"'
        found = {}
        for name, wanted in parse_qsl(parts.query, keep_blank_values=True):
            value, _, by = wanted.partition("|")
            if not value:
                found[name] = {"size": 0, "updateMode": "single", "buffer": self.buffers[name][-1:]}
                continue
            rows = zip(self.buffers[name], self.buffers[by or name], strict=False)
            kept = [each for each, key in rows if value == "full" or key > float(value)]
            found[name] = {"size": 0, "updateMode": "full" if value == "full" else "partial", "buffer": kept}
        status = {"session": "a1", "measuring": self.measuring, "timedRun": False, "countDown": 0}
        return json.dumps({"buffer": found, "status": status}).encode()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self._thread.join()


@pytest.fixture
def phone() -> Iterator[Phone]:
    made = Phone()
    yield made
    made.close()


def times_of(data: bytes) -> list[int]:
    """Return the numbers of the samples in lines."""
    return [round(100 * float(line.split(b" ")[0].removeprefix(b"t_s:"))) for line in data.splitlines()]


def read_until(line, last: int) -> bytes:
    """Read until a sample has come."""
    data, until_s = b"", time.monotonic() + 60
    while last not in times_of(data):
        data += line.read(timeout_s=0.2)
        assert time.monotonic() < until_s, data[-200:]
    return data


def test_every_sample_comes_once(phone: Phone) -> None:
    phone.measure(0, 30)
    line = open_transport(phone.url)
    try:
        data = read_until(line, 29)
        assert phone.measuring
        for first in range(30, 100, 7):
            phone.measure(first, first + 7)
            if first % 2:
                data += read_until(line, first + 6)
        if 99 not in times_of(data):
            data += read_until(line, 99)
    finally:
        line.close()
    assert times_of(data) == list(range(100))
    assert data.splitlines()[40] == b"t_s:0.4 acceleration x:20.0 y:-9.81 z:10.0 m/s2"
    assert sum("full" in path for path in phone.asked) <= 2


def test_an_answer_that_is_broken_is_asked_for_again(phone: Phone) -> None:
    phone.measure(0, 10)
    line = open_transport(phone.url)
    try:
        data = read_until(line, 9)
        phone.broken = 2
        phone.measure(10, 20)
        data += read_until(line, 19)
    finally:
        line.close()
    assert times_of(data) == list(range(20))


def test_a_buffer_that_is_ahead_of_the_others_waits_for_them(phone: Phone) -> None:
    line = open_transport(phone.url)
    try:
        phone.measure(0, 10)
        phone.buffers["acc_time"].append(0.1)
        data = read_until(line, 9)
        for name, value in (("accX", 5.0), ("accY", -9.81), ("accZ", 2.5)):
            phone.buffers[name].append(value)
        data += read_until(line, 10)
    finally:
        line.close()
    assert times_of(data) == list(range(11))


def test_a_measurement_that_begins_anew_goes_on(phone: Phone) -> None:
    phone.measure(500, 510)
    line = open_transport(phone.url)
    try:
        read_until(line, 509)
        for buffer in phone.buffers.values():
            buffer.clear()
        phone.measure(0, 12)
        assert times_of(read_until(line, 11)) == list(range(12))
    finally:
        line.close()


def test_a_phone_that_leaves_is_unplugged() -> None:
    phone = Phone()
    line = open_transport(phone.url)
    phone.close()
    try:
        with pytest.raises(BridgeError, match="unplugged"):
            read_until(line, 0)
    finally:
        line.close()


@pytest.mark.parametrize(
    "config",
    [
        {
            **CONFIG,
            "title": "Acceleration (without g)",
            "inputs": [{**CONFIG["inputs"][0], "source": "linear_acceleration"}],
        },
        {**CONFIG, "title": "Gyroscope", "buffers": [{"name": "gyroX"}], "inputs": []},
    ],
    ids=["without g", "gyroscope"],
)
def test_another_experiment_is_refused(config: dict) -> None:
    phone = Phone(config)
    try:
        with pytest.raises(BridgeError, match="Acceleration with g"):
            open_transport(phone.url)
    finally:
        phone.close()


def test_nobody_there_says_what_to_open() -> None:
    with pytest.raises(BridgeError, match="remote access"):
        open_transport("phyphox://127.0.0.1:1")


@pytest.mark.parametrize("url", ["phyphox://", "phyphox://:8080", "phyphox://host:0", "phyphox://host:70000x"])
def test_an_address_that_cannot_be_is_refused(url: str) -> None:
    with pytest.raises(UsageError):
        open_transport(url)
