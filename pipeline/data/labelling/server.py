"""What the labelling page asks for, over HTTP on this machine alone.

Three locks keep other pages of the browser out: the Host must be this server's own (a foreign name that points to
127.0.0.1 is refused), an Origin must be too, and every question carries the token that only the printed address holds.

::

    GET  /                                             the page
    GET  /api/recordings                               what there is
    GET  /api/signal?recording=&start=&stop=&columns=  float32, (columns, low and high, x y z), little-endian
    GET  /api/labels?recording=                        {revision, intervals: [[start, stop, label]]}
    PUT  /api/labels?recording=  {revision, intervals} the same, after it is on the disk; 409 if changed elsewhere
    GET  /api/export                                   the label file
"""

import contextlib
import hmac
import http.server
import json
import secrets
import threading
from collections.abc import Iterator
from http import HTTPStatus
from importlib import resources
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from edgehar.models.errors import DataError, UsageError
from edgehar.pipeline.data.labelling.session import LabelSession, StaleLabelsError

ADDRESS: Final = "127.0.0.1"
TOKEN_HEADER: Final = "X-Edgehar-Token"
_PAGES: Final = {
    "": ("index.html", "text/html; charset=utf-8"),
    **{
        name: (name, "text/javascript; charset=utf-8") for name in ("app.js", "intervals.js", "picture.js", "server.js")
    },
    "style.css": ("style.css", "text/css; charset=utf-8"),
}
_MAX_BODY: Final = 8 * 2**20
_TIMEOUT_S: Final = 30.0
_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


@contextlib.contextmanager
def serve_labelling(session: LabelSession, *, port: int = 0) -> Iterator[str]:
    """Serve the labelling page during the block; yield its address, which holds the token.

    Raises
    ------
    UsageError
        When the port is taken.
    """
    token = secrets.token_urlsafe(24)
    try:
        server = _Server((ADDRESS, port), _Handler, session, token)
    except (OSError, OverflowError) as error:
        raise UsageError(
            f"expected to listen at {ADDRESS}, port {port}: {getattr(error, 'strerror', None) or error}",
            next_step="Choose another --port, or leave it out: any free one is taken.",
        ) from error
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    thread.start()
    try:
        yield f"http://{ADDRESS}:{server.server_address[1]}/#{token}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(http.server.ThreadingHTTPServer):
    """One thread a connection."""

    daemon_threads = True
    # On Windows this would let a second program listen at the same port.
    allow_reuse_address = False

    def __init__(self, address: tuple[str, int], handler: Any, session: LabelSession, token: str) -> None:
        super().__init__(address, handler)
        self.session, self.token = session, token

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a browser that hangs up is none of ours to report."""


class _RefusedError(Exception):
    """A request that is not answered."""

    def __init__(self, status: HTTPStatus, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class _Handler(http.server.BaseHTTPRequestHandler):
    """Answers one browser."""

    server: _Server
    protocol_version = "HTTP/1.1"
    server_version = "edgehar"
    sys_version = ""
    timeout = _TIMEOUT_S

    def do_GET(self) -> None:
        """Answer with a page's file, or with what the page asks for."""
        self._respond(self._get)

    def do_PUT(self) -> None:
        """Take new labels."""
        self._respond(self._put)

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002
        """Keep quiet."""

    def _respond(self, answer: Any) -> None:
        """Send an answer, or why there is none."""
        try:
            self._check_host()
            content, kind = answer()
            status = HTTPStatus.OK
        except _RefusedError as error:
            status, content, kind = error.status, _sentence(str(error)), "application/json"
            self.close_connection = True
        except StaleLabelsError as error:
            status, content, kind = HTTPStatus.CONFLICT, _sentence(str(error)), "application/json"
        except DataError as error:
            status, content, kind = HTTPStatus.BAD_REQUEST, _sentence(str(error)), "application/json"
        except OSError as error:
            reason = f"The labels could not be written to {self.server.session.path}: {error.strerror or error}."
            status, content, kind = HTTPStatus.INSUFFICIENT_STORAGE, _sentence(reason), "application/json"
        self.send_response(status)
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _get(self) -> tuple[bytes, str]:
        """Return what is asked for, and its type."""
        url = urlsplit(self.path)
        if (name := url.path.removeprefix("/")) in _PAGES:
            file, kind = _PAGES[name]
            return resources.files(__package__).joinpath("static", file).read_bytes(), kind
        self._check_token()
        session, query = self.server.session, parse_qs(url.query)
        if url.path == "/api/recordings":
            return _json(session.recordings()), "application/json"
        if url.path == "/api/labels":
            return _json(session.labels(_number(query, "recording"))), "application/json"
        if url.path == "/api/export":
            return session.export().encode(), "text/csv; charset=utf-8"
        if url.path == "/api/signal":
            wanted = [_number(query, key) for key in ("recording", "start", "stop", "columns")]
            return session.extremes(*wanted).astype("<f4").tobytes(), "application/octet-stream"
        raise _RefusedError(HTTPStatus.NOT_FOUND, "There is no such page.")

    def _put(self) -> tuple[bytes, str]:
        """Take new labels of a recording."""
        self._check_token()
        url = urlsplit(self.path)
        length = self.headers.get("Content-Length", "")
        if url.path != "/api/labels" or self.headers.get_content_type() != "application/json":
            raise _RefusedError(HTTPStatus.NOT_FOUND, "There is nothing to change here.")
        if not length.isdecimal() or int(length) > _MAX_BODY:
            raise _RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"Expected at most {_MAX_BODY} bytes.")
        try:
            sent = json.loads(self.rfile.read(int(length)))
        except (ValueError, RecursionError) as error:
            raise _RefusedError(HTTPStatus.BAD_REQUEST, "Expected JSON.") from error
        if not isinstance(sent, dict):
            raise _RefusedError(HTTPStatus.BAD_REQUEST, "Expected an object.")
        index = _number(parse_qs(url.query), "recording")
        state = self.server.session.replace(index, sent.get("revision"), sent.get("intervals"))
        return _json(state), "application/json"

    def _check_host(self) -> None:
        """Refuse requests that were meant for another host, or come from another page."""
        port = self.server.server_address[1]
        hosts = {f"{name}:{port}" for name in (ADDRESS, "localhost")}
        if self.headers.get("Host") not in hosts:
            raise _RefusedError(HTTPStatus.FORBIDDEN, "This server answers under its own address only.")
        origin = self.headers.get("Origin")
        if origin is not None and origin not in {f"http://{host}" for host in hosts}:
            raise _RefusedError(HTTPStatus.FORBIDDEN, "This server answers its own page only.")

    def _check_token(self) -> None:
        """Refuse requests without the token of the printed address."""
        if not hmac.compare_digest(self.headers.get(TOKEN_HEADER, "").encode(), self.server.token.encode()):
            raise _RefusedError(HTTPStatus.FORBIDDEN, "Open the page at the address that har data label printed.")


def _number(query: dict[str, list[str]], key: str) -> int:
    """Return a whole number of a query."""
    text = query.get(key, [""])[0]
    if not (text.isascii() and text.isdecimal() and len(text) < 16):
        raise _RefusedError(HTTPStatus.BAD_REQUEST, f"Expected a whole number as {key}.")
    return int(text)


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


def _sentence(text: str) -> bytes:
    return _json({"error": text})
