"""Serve the dashboard's page, and a WebSocket to it, on one port. Needs the extra ``ws``.

Every page has a thread and a bounded mailbox. A page that does not read holds up its own thread only; what then finds
its mailbox full is dropped, counted, and told. Only files of this package are served, nothing of the disk.
"""

import contextlib
import json
import logging
import mimetypes
import socket
import threading
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from edgehar.firmware_bridge.web import DASHBOARD, DEFAULT_DASHBOARD_PORT, LOOPBACK, STATIC
from edgehar.firmware_bridge.web.admission import Admission, is_loopback
from edgehar.firmware_bridge.web.mailboxes import Mailbox, Mailboxes
from edgehar.models.errors import BridgeError, UsageError
from edgehar.models.installation import install_command

MOST_PAGES: Final = 8
_PORTS_TRIED: Final = 20
_TICK_S: Final = 0.1
_LARGEST_REQUEST: Final = 64 * 1024
_SOCKET_PATH: Final = "/ws"
_SHARED_FILES: Final = ("style.css", "icon.svg")
"""Files of the phone's page that this one uses as well."""


class PageHandler(Protocol):
    """What pages talk to."""

    def welcome(self) -> dict[str, Any]:
        """Return the first message for a page."""
        ...

    def asked(self, request: dict[str, Any], reply: Callable[[dict[str, Any]], None]) -> None:
        """Act on a request of a page; ``reply`` answers this page alone, now or later."""
        ...


class DashboardServer:
    """A server that runs in threads of its own until it is closed.

    Parameters
    ----------
    pages
        What pages talk to.
    mailboxes
        Where messages for all pages are published.
    host
        Where to listen: this machine alone, unless another address is asked for on purpose.
    port
        Where; None for the first free port from `DEFAULT_DASHBOARD_PORT` on.

    Raises
    ------
    BridgeError
        When the package websockets is not installed.
    UsageError
        When nothing can be listened at there.
    """

    def __init__(
        self, pages: PageHandler, mailboxes: Mailboxes, *, host: str = LOOPBACK, port: int | None = None
    ) -> None:
        try:
            import websockets.sync.server
        except ImportError as error:
            raise BridgeError(
                "the dashboard needs the package websockets, it is not installed",
                next_step=f"Run: {install_command('ws')}.",
            ) from error
        self._gone = (OSError, websockets.exceptions.WebSocketException)
        self._pages, self._mailboxes = pages, mailboxes
        self._files = dashboard_files()
        self._open = threading.BoundedSemaphore(MOST_PAGES)
        listening = _listen(host, port)
        self.port = int(listening.getsockname()[1])
        self._admission = Admission.at(host, self.port)
        self._server: Any = websockets.sync.server.serve(
            self._talk,
            sock=listening,
            process_request=self._answer,
            compression=None,
            server_header=None,
            max_size=_LARGEST_REQUEST,
            logger=_silent_logger(),
        )
        self._thread = threading.Thread(target=self._server.serve_forever, name="dashboard", daemon=True)
        self._thread.start()
        self.url = self._admission.url(_shown(host))
        """What to open in a browser; with the token, where there is one."""

    @property
    def is_exposed(self) -> bool:
        """Whether other machines can reach it."""
        return not is_loopback(self._admission.host)

    def close(self) -> None:
        """Listen no more, and leave the pages; closing twice is fine."""
        self._server.shutdown()
        self._thread.join()

    def _answer(self, connection: Any, request: Any) -> Any:
        """Answer a request with a file or a refusal, or with None where it may become a WebSocket."""
        headers = request.headers
        path = urlsplit(request.path).path
        is_socket = "websocket" in headers.get("Upgrade", "").lower()
        # A header that is there twice raises; nobody's browser sends that.
        try:
            why = self._admission.refusal(
                host=headers.get("Host"),
                origin=headers.get("Origin"),
                is_socket=is_socket,
                path=request.path,
                cookie=headers.get("Cookie"),
            )
        except LookupError:
            why = "expected every header once"
        if why is not None:
            return _response(HTTPStatus.FORBIDDEN, f"{why}.\n".encode())
        if is_socket:
            return None if path == _SOCKET_PATH else _response(HTTPStatus.NOT_FOUND, b"There is no such socket.\n")
        name = "index.html" if path == "/" else path.removeprefix("/")
        if name not in self._files:
            return _response(HTTPStatus.NOT_FOUND, b"There is no such file.\n")
        cookie = self._admission.cookie if name == "index.html" else ""
        return _response(HTTPStatus.OK, self._files[name], _type_of(name), cookie=cookie)

    def _talk(self, connection: Any) -> None:
        """Tell one page what happens, and do what it asks, until it leaves."""
        if not self._open.acquire(blocking=False):
            with contextlib.suppress(*self._gone):
                connection.close(1013, f"expected at most {MOST_PAGES} pages")
            return
        try:
            with contextlib.suppress(*self._gone), self._mailboxes.joined() as mailbox:
                # What waits already is not newer than this, and says so by its number.
                connection.send(_encoded({"kind": "hello", **self._pages.welcome()}))
                self._exchange(connection, mailbox)
        finally:
            self._open.release()

    def _exchange(self, connection: Any, mailbox: Mailbox) -> None:
        """Send what waits ten times a second; act on requests at once."""
        told = 0
        while True:
            for text in mailbox.take():
                connection.send(text)
            if mailbox.dropped != told:
                told = mailbox.dropped
                connection.send(_encoded({"kind": "dropped", "messages": told}))
            try:
                text = connection.recv(timeout=_TICK_S)
            except TimeoutError:
                continue
            request = _request(text)
            if request is not None:
                self._pages.asked(request, lambda message: mailbox.put(_encoded(message)))


def dashboard_files() -> dict[str, bytes]:
    """Return the files of the page by their path."""
    files = {
        path.relative_to(DASHBOARD).as_posix(): path.read_bytes()
        for path in sorted(DASHBOARD.rglob("*"))
        if path.is_file() and path.suffix in (".html", ".css", ".js")
    }
    return files | {name: (STATIC / name).read_bytes() for name in _SHARED_FILES}


def _listen(host: str, port: int | None) -> socket.socket:
    """Return a socket that listens, at the port that is asked for or the first free one."""
    last: Exception | None = None
    for tried in [port] if port is not None else range(DEFAULT_DASHBOARD_PORT, DEFAULT_DASHBOARD_PORT + _PORTS_TRIED):
        try:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            return socket.create_server((host, tried), family=family)
        except (OSError, OverflowError, UnicodeError) as error:
            last = error
    where = (
        f"port {port}"
        if port is not None
        else f"a port from {DEFAULT_DASHBOARD_PORT} to {DEFAULT_DASHBOARD_PORT + _PORTS_TRIED - 1}"
    )
    reason = (last.strerror if isinstance(last, OSError) else None) or str(last)
    raise UsageError(
        f"expected to listen at {host}, {where}: {reason}",
        next_step="Leave --dashboard-port out for the next free port, or choose another one.",
    ) from last


def _shown(host: str) -> str:
    """Return the address of this machine that people type to reach it."""
    if host not in ("0.0.0.0", "::", ""):
        return host
    from edgehar.firmware_bridge.web.https_server import local_address

    return local_address()


def _silent_logger() -> logging.Logger:
    """Return a logger that says nothing: what strangers send to the port is none of ours to report."""
    logger = logging.getLogger(f"{__name__}.socket")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
    return logger


def _request(text: str | bytes) -> dict[str, Any] | None:
    """Return what a page asks for, or None if it is no request."""
    with contextlib.suppress(ValueError, RecursionError):
        found = json.loads(text)
        if isinstance(found, dict) and isinstance(found.get("do"), str):
            return found
    return None


def _encoded(message: dict[str, Any]) -> str:
    """Return a message as text."""
    return json.dumps(message, ensure_ascii=False, separators=(",", ":"))


def _response(status: HTTPStatus, body: bytes, kind: str = "text/plain; charset=utf-8", *, cookie: str = "") -> Any:
    """Return an answer that the browser neither guesses about nor keeps, nor puts into a frame of somebody else."""
    from websockets.datastructures import Headers
    from websockets.http11 import Response

    headers = Headers(
        {
            "Content-Type": kind,
            "Content-Length": str(len(body)),
            "Connection": "close",
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Content-Security-Policy": "frame-ancestors 'none'",
        }
    )
    if cookie:
        headers["Set-Cookie"] = cookie
    return Response(status.value, status.phrase, headers, body)


def _type_of(name: str) -> str:
    """Return the type of a file."""
    kind = {".js": "text/javascript", ".svg": "image/svg+xml"}.get(Path(name).suffix)
    return f"{kind or mimetypes.guess_type(name)[0]}; charset=utf-8"
