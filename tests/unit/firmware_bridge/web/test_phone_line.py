"""A phone as a line: its page, its token, its Origin; one phone at a time, which may come back."""

import contextlib
import json
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import numpy as np
import pytest

from edgehar.firmware_bridge.line.phone_messages import MOTION_COLUMNS, lines_of
from edgehar.firmware_bridge.line.transport import MemoryTransport
from edgehar.firmware_bridge.text.source import TextSource
from edgehar.firmware_bridge.web import phone_address
from edgehar.firmware_bridge.web.phone_address import is_phone, line_opener
from edgehar.firmware_bridge.web.phone_line import REPLACED, TAKEN, PhoneLine
from edgehar.models.contract import MOTION_CHANNELS
from edgehar.models.errors import BridgeError, UsageError

pytest.importorskip("trustme", reason="trustme is not installed: edgehar[phone]")
client = pytest.importorskip("websockets.sync.client", reason="websockets is not installed: edgehar[ws]")
exceptions = pytest.importorskip("websockets.exceptions")
ConnectionClosed, InvalidStatus = exceptions.ConnectionClosed, exceptions.InvalidStatus
InvalidMessage = exceptions.InvalidMessage


@pytest.fixture
def line() -> Iterator[PhoneLine]:
    """A line on loopback."""
    made = PhoneLine("phone://127.0.0.1:0")
    yield made
    made.close()


def trusting(line: PhoneLine) -> ssl.SSLContext:
    """Return what trusts the authority of the line."""
    return ssl.create_default_context(cadata=line.authority_pem.decode())


def connect(line: PhoneLine, *, token: str | None = None, origin: str | None = "own", phone: str = "a") -> Any:
    """Connect as the page does, which tries again where a busy machine took more than 10 s for a handshake."""
    page, own = line.page.split("#")
    url = f"{page.replace('https', 'wss')}stream?token={own if token is None else token}&phone={phone}"
    place = page.rstrip("/") if origin == "own" else origin
    for _ in range(6):
        with contextlib.suppress(InvalidMessage):
            return client.connect(url, ssl=trusting(line), origin=place, open_timeout=60)
    pytest.fail("no handshake was ever finished")


def message(*samples: tuple[float, float, float], first_ns: int = 1_700_000_000_000_000_000) -> str:
    """Return samples as the page sends them."""
    entries = [
        {
            "name": "totalacceleration",
            "time": first_ns + index * 10_000_000,
            "values": dict(zip("xyz", sample, strict=True)),
        }
        for index, sample in enumerate(samples)
    ]
    return json.dumps({"payload": entries})


def read_until(line: PhoneLine, enough: int) -> list[str]:
    """Return the lines that come, until there are enough."""
    found, until = b"", time.monotonic() + 60
    while found.count(b"\n") < enough and time.monotonic() < until:
        found += line.read(timeout_s=0.2)
    return found.decode().splitlines()


def test_samples_come_as_lines_that_name_their_unit_and_time(line: PhoneLine) -> None:
    with connect(line) as phone:
        phone.send(message((0.1, 9.8, 0.2), (0.1, 9.7, -0.5)))
        assert read_until(line, 2) == [
            "t_ns:1700000000000000000 acceleration x:0.1 y:9.8 z:0.2 m/s2",
            "t_ns:1700000000010000000 acceleration x:0.1 y:9.7 z:-0.5 m/s2",
        ]


def test_a_turning_rate_is_read_by_the_names_of_its_columns() -> None:
    rows = [(0.1, 9.8, 0.2, 90.0, -45.5, 0.0), (0.1, 9.7, -0.5, 1, 2, 3)]
    entries = [
        {
            "name": "totalacceleration",
            "time": 10**18 + 10**7 * at,
            "values": dict(zip(MOTION_CHANNELS, row, strict=True)),
        }
        for at, row in enumerate(rows * 101)
    ]
    lines = lines_of(json.dumps({"payload": entries}))
    assert lines.startswith(
        b"t_ns:%d acceleration x:0.1 y:9.8 z:0.2 m/s2 gyroscope x:90.0 y:-45.5 z:0.0 deg/s\n" % 10**18
    )
    source = TextSource(unit=None, rate_hz=100.0, columns=MOTION_COLUMNS)
    blocks = [*source.feed(lines, 1.0).blocks, *source.finish(2.0).blocks]
    turning = np.concatenate([block.samples_g for block in blocks])[-200:, 3:]
    assert turning.tolist() == [[90.0, -45.5, 0.0], [1.0, 2.0, 3.0]] * 100


@pytest.mark.parametrize(
    "change", [{"token": ""}, {"token": "x" * 22}, {"origin": "https://evil.example"}, {"origin": None}]
)
def test_a_stranger_is_not_let_in(line: PhoneLine, change: dict[str, Any]) -> None:
    with pytest.raises(InvalidStatus) as refused:
        connect(line, **change)
    assert refused.value.response.status_code == 403


def test_a_second_phone_is_told_that_the_place_is_taken(line: PhoneLine) -> None:
    with connect(line) as first, connect(line, phone="b") as second:
        with pytest.raises(ConnectionClosed) as closed:
            second.recv(timeout=60)
        assert closed.value.rcvd.code == TAKEN
        first.send(message((0.0, 0.0, 9.8)))
        assert len(read_until(line, 1)) == 1


def test_the_same_phone_comes_back_although_its_old_connection_lingers(line: PhoneLine) -> None:
    with connect(line) as before, connect(line) as again:
        with pytest.raises(ConnectionClosed) as closed:
            before.recv(timeout=60)
        assert closed.value.rcvd.code == REPLACED
        again.send(message((0.0, 0.0, 9.8)))
        assert len(read_until(line, 1)) == 1


def test_the_place_is_free_once_a_phone_has_left(line: PhoneLine) -> None:
    with connect(line):
        pass
    deadline_s = time.monotonic() + 60
    while time.monotonic() < deadline_s:
        with connect(line, phone="b") as other, contextlib.suppress(ConnectionClosed):
            other.send(message((0.0, 0.0, 9.8)))
            with contextlib.suppress(TimeoutError):
                other.recv(timeout=0.2)
            if b"z:9.8" in line.read(timeout_s=0.2):
                return
    pytest.fail("the place was never free again")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"payload": 7}', '{"payload": [[]]}', "\0" * 99, "{" * 9999])
def test_what_is_no_message_harms_nothing(line: PhoneLine, text: str) -> None:
    with connect(line) as phone:
        phone.send(text)
        phone.send(message((0.0, 0.0, 9.8)))
        found = read_until(line, 1)
        while not any("z:9.8" in each for each in found):
            found = read_until(line, 1)
            assert found, "the message that is one comes through"


def get(line: PhoneLine, path: str) -> tuple[int, bytes, Any]:
    """Ask for a file."""
    url = line.page.split("#")[0] + path
    try:
        with urllib.request.urlopen(url, context=trusting(line), timeout=60) as reply:
            return reply.status, reply.read(), reply.headers
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read(), error.headers


def test_the_page_and_all_that_it_imports_are_served(line: PhoneLine) -> None:
    status, page, headers = get(line, "")
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert line.page.split("#")[1].encode() not in page, "the token is in the code alone"
    for name in ("sensor-page.js", "stream-sender.js", "sensor.js", "view.js", "style.css"):
        assert get(line, name)[0] == 200


@pytest.mark.parametrize("path", ["nothing", "../pyproject.toml", "%2e%2e/%2e%2e/etc/passwd", "stream"])
def test_nothing_else_is_served(line: PhoneLine, path: str) -> None:
    assert get(line, path)[0] in (403, 404)


def test_a_closed_line_says_so_and_its_port_is_free(line: PhoneLine) -> None:
    port = line.port
    with connect(line) as phone:
        line.close()
        with pytest.raises(ConnectionClosed):
            phone.recv(timeout=60)
    with pytest.raises(BridgeError):
        line.read(timeout_s=0.1)
    again = PhoneLine(f"phone://127.0.0.1:{port}")
    with ExitStack() as ending:
        ending.callback(again.close)
        with pytest.raises(UsageError, match=str(port)):
            PhoneLine(f"phone://127.0.0.1:{port}")


@pytest.mark.parametrize("url", ["phone://a:b", "phone://h:99999999", "phone://x/path", "phone://u@h", "phone://?q"])
def test_an_address_that_cannot_be_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="phone://"):
        PhoneLine(url)


def test_other_ports_are_opened_as_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(phone_address, "open_transport", lambda url, *, baud: MemoryTransport(name=f"{url} {baud}"))
    opening = line_opener(told.append)
    assert opening("/dev/ttyUSB0", baud=9600).name == "/dev/ttyUSB0 9600"
    phone = opening("phone://127.0.0.1:0")
    phone.close()
    assert len(told) == 1
    assert told[0].startswith("https://127.0.0.1:")
    assert is_phone("PHONE://")
