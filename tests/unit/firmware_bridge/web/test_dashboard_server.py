"""The dashboard's server: its own page and nobody else's, no file of the disk, and no page that holds up the rest."""

import contextlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from edgehar.firmware_bridge.web import DASHBOARD
from edgehar.firmware_bridge.web import dashboard_server as server_module
from edgehar.firmware_bridge.web.dashboard_server import MOST_PAGES, DashboardServer
from edgehar.firmware_bridge.web.mailboxes import MOST_WAITING, Mailboxes
from edgehar.models.errors import UsageError

client = pytest.importorskip("websockets.sync.client", reason="websockets is not installed: edgehar[ws]")
exceptions = pytest.importorskip("websockets.exceptions")


class Pages:
    """Keeps what pages ask, and answers."""

    def __init__(self) -> None:
        self.asked_for: list[dict[str, Any]] = []

    def welcome(self) -> dict[str, Any]:
        return {"n": 7}

    def asked(self, request: dict[str, Any], reply: Callable[[dict[str, Any]], None]) -> None:
        self.asked_for.append(request)
        reply({"kind": "answer", "to": request["do"]})


@pytest.fixture
def mailboxes() -> Mailboxes:
    return Mailboxes()


@pytest.fixture
def pages() -> Pages:
    return Pages()


@pytest.fixture
def server(mailboxes: Mailboxes, pages: Pages) -> Iterator[DashboardServer]:
    running = DashboardServer(pages, mailboxes, port=0)
    try:
        yield running
    finally:
        running.close()


def connect(server: DashboardServer, **options: Any) -> Any:
    """Return a WebSocket as the server's own page opens it."""
    origin = options.pop("origin", f"http://127.0.0.1:{server.port}")
    return client.connect(f"ws://127.0.0.1:{server.port}{options.pop('path', '/ws')}", origin=origin, **options)


def get(server: DashboardServer, path: str, **headers: str) -> tuple[int, bytes, dict[str, str]]:
    """Return the answer to a request for a file."""
    asking = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    try:
        asking.request("GET", path, headers=headers)
        answer = asking.getresponse()
        return answer.status, answer.read(), dict(answer.getheaders())
    finally:
        asking.close()


def receive(connection: Any, kind: str) -> dict[str, Any]:
    """Return the next message of a kind."""
    while True:
        message = json.loads(connection.recv(timeout=60))
        if message["kind"] == kind:
            return message


def test_a_page_is_greeted_told_and_answered(server: DashboardServer, mailboxes: Mailboxes, pages: Pages) -> None:
    with connect(server) as page, connect(server) as second:
        assert receive(page, "hello") == {"kind": "hello", "n": 7}
        assert receive(second, "hello")
        mailboxes.publish({"kind": "remark", "text": "Éléváteur <b>"})
        assert receive(page, "remark") == receive(second, "remark") == {"kind": "remark", "text": "Éléváteur <b>"}
        page.send(json.dumps({"do": "play"}))
        assert receive(page, "answer") == {"kind": "answer", "to": "play"}
        mailboxes.publish({"kind": "remark", "text": "last"})
        assert json.loads(second.recv(timeout=60)) == {"kind": "remark", "text": "last"}, "answers are for who asked"


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"do": 3}', "[" * 5000, "null", '{"no": "do"}'])
def test_what_is_no_request_is_passed_over(server: DashboardServer, pages: Pages, text: str) -> None:
    with connect(server) as page:
        page.send(text)
        page.send(b"\xff\xfe")
        page.send(json.dumps({"do": "end"}))
        receive(page, "answer")
    assert pages.asked_for == [{"do": "end"}]


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost", None])
def test_another_origin_is_refused(server: DashboardServer, pages: Pages, origin: str | None) -> None:
    with pytest.raises(exceptions.InvalidStatus) as refused, connect(server, origin=origin):
        pass
    assert refused.value.response.status_code == 403


def test_another_name_is_refused(server: DashboardServer) -> None:
    status, body, _ = get(server, "/", Host=f"evil.example:{server.port}")
    assert (status, b"another name" in body) == (403, True)


@pytest.mark.parametrize("path", ["/../pyproject.toml", "/%2e%2e/style.css", "//etc/passwd", "/uplot/", "/x", "/ws"])
def test_only_files_of_the_page_are_served(server: DashboardServer, path: str) -> None:
    assert get(server, path)[0] == 404


def test_every_file_that_the_page_names_is_there(server: DashboardServer) -> None:
    status, page, headers = get(server, "/")
    assert status == 200
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "Set-Cookie" not in headers
    for name in ("dashboard.js", "dashboard.css", "style.css", "icon.svg", "uplot/uPlot.iife.min.js"):
        assert name.encode() in page
        assert get(server, f"/{name}")[0] == 200
    for script in DASHBOARD.glob("*.js"):
        for line in script.read_text().splitlines():
            if line.startswith("import"):
                assert get(server, line.split('"')[1].removeprefix("."))[0] == 200, line


def test_uplot_is_what_its_readme_says() -> None:
    import hashlib

    folder = DASHBOARD / "uplot"
    lines = [line.split() for line in (folder / "README.txt").read_text().splitlines() if "  uPlot." in line]
    assert len(lines) == 2
    for digest, name in lines:
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    assert "MIT" in (folder / "LICENSE").read_text()


def test_a_page_that_does_not_read_holds_up_nobody(server: DashboardServer, mailboxes: Mailboxes) -> None:
    lazy = socket.create_connection(("127.0.0.1", server.port))
    lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    head = f"GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nOrigin: http://127.0.0.1:{server.port}\r\n"
    head += "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    lazy.sendall((head + "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n").encode())
    try:
        with connect(server) as page:
            receive(page, "hello")
            deadline_s = time.monotonic() + 60
            while len(mailboxes._all) < 2:
                assert time.monotonic() < deadline_s, "the lazy page has a mailbox"
                time.sleep(0.01)
            published = 40 * MOST_WAITING
            for number in range(published):
                mailboxes.publish({"kind": "stream", "n": number, "padding": "x" * 2000})
                if number % 50 == 0:
                    time.sleep(0.01)
            mailboxes.publish({"kind": "last"})
            receive(page, "last")
            stuck = [box for box in mailboxes._all if box.dropped]
            assert stuck, "what does not fit is dropped"
            assert all(len(box._waiting) <= MOST_WAITING for box in mailboxes._all)
    finally:
        lazy.close()


def test_what_was_dropped_is_told(
    server: DashboardServer, pages: Pages, mailboxes: Mailboxes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def flood(request: dict[str, Any], reply: Callable[[dict[str, Any]], None]) -> None:
        # The thread that empties the mailbox is here meanwhile.
        for number in range(3 * MOST_WAITING):
            mailboxes.publish({"kind": "stream", "n": number})

    monkeypatch.setattr(pages, "asked", flood)
    with connect(server) as page:
        receive(page, "hello")
        page.send(json.dumps({"do": "flood"}))
        assert receive(page, "dropped")["messages"] == 2 * MOST_WAITING


def test_pages_are_bounded(server: DashboardServer) -> None:
    with contextlib.ExitStack() as opened:
        for _ in range(MOST_PAGES):
            receive(opened.enter_context(connect(server)), "hello")
        with connect(server) as late, pytest.raises(exceptions.ConnectionClosed, match="at most 8 pages"):
            late.recv(timeout=60)
    deadline_s = time.monotonic() + 60
    while True:
        with connect(server) as page:
            try:
                receive(page, "hello")
                break
            except exceptions.ConnectionClosed:
                assert time.monotonic() < deadline_s, "a page that left makes room"
                time.sleep(0.1)


def test_a_taken_port_is_a_sentence_or_the_next_one(
    server: DashboardServer, pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match=f"expected to listen at 127.0.0.1, port {server.port}: "):
        DashboardServer(pages, Mailboxes(), port=server.port)
    with socket.create_server(("127.0.0.1", 0)) as first:
        taken = first.getsockname()[1]
        monkeypatch.setattr(server_module, "DEFAULT_DASHBOARD_PORT", taken)
        other = DashboardServer(pages, Mailboxes())
        try:
            assert taken < other.port < taken + 20
        finally:
            other.close()


def test_beyond_this_machine_a_token_is_needed(pages: Pages) -> None:
    running = DashboardServer(pages, Mailboxes(), host="0.0.0.0", port=0)
    try:
        assert get(running, "/")[0] == 403
        with pytest.raises(exceptions.InvalidStatus), connect(running):
            pass
        token = running.url.partition("token=")[2]
        status, _, headers = get(running, f"/?token={token}")
        assert status == 200
        cookie = headers["Set-Cookie"].partition(";")[0]
        assert get(running, "/style.css", Cookie=cookie)[0] == 200
        with connect(running, additional_headers={"Cookie": cookie}) as page:
            receive(page, "hello")
    finally:
        running.close()


def test_it_ends_while_pages_are_open(pages: Pages) -> None:
    running = DashboardServer(pages, Mailboxes(), port=0)
    with connect(running) as page:
        receive(page, "hello")
        ending = threading.Thread(target=running.close)
        ending.start()
        ending.join(60)
        assert not ending.is_alive()
