"""The HTTPS server: only the given files, under a certificate that its authority vouches for; nobody holds it up."""

import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from edgehar.models.errors import UsageError

pytest.importorskip("trustme", reason="trustme is not installed: edgehar[phone]")

from edgehar.firmware_bridge.web.https_server import Served, local_address, serve_https

FILES = {"index.html": b"<p>page", "har.wasm": b"\0asm", "bundle/manifest.json": b"{}"}


@pytest.fixture
def served() -> Iterator[Served]:
    """A server on loopback."""
    with serve_https(FILES, host="127.0.0.1", port=0) as found:
        yield found


def get(served: Served, path: str = "", method: str = "GET") -> tuple[int, bytes, dict[str, str]]:
    """Ask for a file as a browser that trusts the authority."""
    context = ssl.create_default_context(cadata=served.authority_pem.decode())
    request = urllib.request.Request(served.url + path, method=method)
    try:
        with urllib.request.urlopen(request, context=context, timeout=60) as reply:
            return reply.status, reply.read(), dict(reply.headers)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read(), dict(error.headers)


@pytest.mark.parametrize(
    ("path", "name", "content_type"),
    [
        ("", "index.html", "text/html; charset=utf-8"),
        ("?from=home", "index.html", "text/html; charset=utf-8"),
        ("har.wasm", "har.wasm", "application/wasm"),
        ("bundle/manifest.json", "bundle/manifest.json", "application/json"),
    ],
)
def test_files_come_with_their_type(served: Served, path: str, name: str, content_type: str) -> None:
    status, content, headers = get(served, path)
    assert (status, content, headers["Content-Type"]) == (200, FILES[name], content_type)
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]


def test_a_head_has_no_body(served: Served) -> None:
    status, content, headers = get(served, method="HEAD")
    assert (status, content, headers["Content-Length"]) == (200, b"", str(len(FILES["index.html"])))


@pytest.mark.parametrize("path", ["nothing", "../pyproject.toml", "%2e%2e/%2e%2e/etc/passwd", "/etc/passwd", "bundle/"])
def test_nothing_else_is_served(served: Served, path: str) -> None:
    assert get(served, path)[0] == 404


def test_a_post_is_refused(served: Served) -> None:
    assert get(served, method="POST")[0] == 501


def test_silent_clients_hold_up_nobody(served: Served) -> None:
    port = int(served.url.rsplit(":", 1)[1].rstrip("/"))
    silent = [socket.create_connection(("127.0.0.1", port), timeout=60) for _ in range(5)]
    try:
        assert get(served)[0] == 200
    finally:
        for each in silent:
            each.close()


def test_plain_http_gets_no_answer_and_breaks_nothing(served: Served) -> None:
    port = int(served.url.rsplit(":", 1)[1].rstrip("/"))
    with socket.create_connection(("127.0.0.1", port), timeout=60) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        try:
            answer = plain.recv(1000)
        except ConnectionError:
            answer = b""
        assert b"<p>page" not in answer
    assert get(served)[0] == 200


def test_a_port_that_is_taken_is_said(served: Served) -> None:
    port = int(served.url.rsplit(":", 1)[1].rstrip("/"))
    with pytest.raises(UsageError, match=rf"port {port}"), serve_https(FILES, host="127.0.0.1", port=port):
        pass


def test_the_address_is_one_of_this_machine() -> None:
    with socket.socket() as own:
        own.bind((local_address(), 0))
