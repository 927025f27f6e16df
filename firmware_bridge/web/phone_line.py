"""A phone as a line (``phone://``): this machine serves a page that sends what the phone's accelerometer feels.

::

    phone://              listen on port 8444 of every address of this machine
    phone://:PORT         on another port; 0 for any that is free
    phone://HOST:PORT     on one address

One port serves the page over HTTPS, under a certificate that is made on the spot, and takes its WebSocket. Who may send
is told by a token that is in the page's address behind the ``#``, which browsers send nowhere; and by the Origin, which
other pages cannot forge. One phone sends at a time: the same one may come back, another one is told that the place is
taken.
"""

import contextlib
import hmac
import logging
import secrets
import threading
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

from edgehar.firmware_bridge.line.phone_messages import lines_of
from edgehar.firmware_bridge.line.pushed import PushedBytes
from edgehar.firmware_bridge.line.transport import unplugged
from edgehar.firmware_bridge.web.https_server import HEADERS, certificate, content_type, local_address
from edgehar.firmware_bridge.web.phone_folder import sensor_files
from edgehar.models.errors import BridgeError, UsageError
from edgehar.models.installation import install_command

_LOG: Final = logging.getLogger(__name__)

PORT: Final = 8444
STREAM: Final = "/stream"
TAKEN: Final = 4001
"""Close code: another phone sends already."""
REPLACED: Final = 4002
"""Close code: the same phone has connected again."""

_LARGEST_MESSAGE: Final = 1 << 18
_LONGEST_NAME: Final = 64


class PhoneLine:
    """Serve the page, and receive from one phone at a time.

    Raises
    ------
    UsageError
        When the URL names no place to listen at, or it is taken.
    BridgeError
        When a package is not installed.
    """

    def __init__(self, url: str) -> None:
        self.name = url
        host, port = _place(url)
        shown = local_address() if host in ("", "0.0.0.0") else host
        self._token = secrets.token_urlsafe(16)
        self._files = sensor_files()
        self._pushed = PushedBytes()
        self._alone = threading.Lock()
        self._phone: tuple[str, Any] | None = None
        library = _library(url)
        self._failures = (OSError, TimeoutError, ValueError, library.exceptions.WebSocketException)
        context, self.authority_pem = certificate(shown)
        try:
            self._server = library.sync.server.serve(
                self._receive,
                host or "0.0.0.0",
                port,
                ssl=context,
                process_request=self._answer,
                max_size=_LARGEST_MESSAGE,
                server_header="edgehar",
                logger=_quiet_logger(),
            )
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or error
            raise UsageError(
                f"{url}: expected to listen at {host or '0.0.0.0'}, port {port}: {reason}",
                next_step="Choose another port: phone://:9000.",
            ) from error
        self.port = int(self._server.socket.getsockname()[1])
        self._origin = f"https://{shown}:{self.port}"
        self.page = f"{self._origin}/#{self._token}"
        self._thread = threading.Thread(target=self._server.serve_forever, name=f"serve {url}", daemon=True)
        self._thread.start()

    def read(self, *, timeout_s: float) -> bytes:
        """Return the lines that have arrived, waiting for the first message."""
        return self._pushed.take(timeout_s=timeout_s)

    def write(self, data: bytes) -> None:
        """Write nothing: phones are not asked."""

    def close(self) -> None:
        """Send the phone away, and listen no more."""
        self._pushed.end(unplugged(self.name))
        with contextlib.suppress(*self._failures):
            self._server.shutdown()
        with self._alone:
            phone, self._phone = self._phone, None
        if phone is not None:
            with contextlib.suppress(*self._failures):
                phone[1].close()
        self._thread.join()

    def _answer(self, connection: Any, request: Any) -> Any:
        """Answer with a file, refuse a stranger's WebSocket, or (None) let a phone in."""
        place = urlsplit(request.path)
        if place.path == STREAM:
            asked = parse_qs(place.query, max_num_fields=8)
            token = asked.get("token", [""])[0].encode("utf-8", "replace")
            origins = request.headers.get_all("Origin")
            if origins == [self._origin] and hmac.compare_digest(token, self._token.encode()):
                return None
            return connection.respond(HTTPStatus.FORBIDDEN, "Scan the code on the laptop again.\n")
        path = unquote(place.path).removeprefix("/")
        content = self._files.get(path or "index.html")
        response = connection.respond(HTTPStatus.OK if content is not None else HTTPStatus.NOT_FOUND, "")
        response.body = b"There is no such file.\n" if content is None else content
        for name in ("Content-Type", "Content-Length"):
            del response.headers[name]
        response.headers["Content-Type"] = "text/plain" if content is None else content_type(path or "index.html")
        response.headers["Content-Length"] = str(len(response.body))
        for name, value in HEADERS.items():
            response.headers[name] = value
        return response

    def _receive(self, connection: Any) -> None:
        """Receive from one phone until it leaves."""
        asked = parse_qs(urlsplit(connection.request.path).query, max_num_fields=8)
        name = asked.get("phone", [""])[0][:_LONGEST_NAME]
        if not self._let_in(name, connection):
            connection.close(TAKEN, "another phone sends already")
            return
        _LOG.info("%s: a phone is connected", self.name)
        try:
            with contextlib.suppress(*self._failures):
                for message in connection:
                    self._pushed.push(lines_of(message))
        finally:
            with self._alone:
                if self._phone is not None and self._phone[1] is connection:
                    self._phone = None
                    _LOG.warning("%s: the phone is gone; it connects again by itself while its page is open", self.name)

    def _let_in(self, name: str, connection: Any) -> bool:
        """Give a phone the one place, if it is free or its own; what was there before is sent away."""
        with self._alone:
            before = self._phone
            if before is not None and before[0] != name:
                return False
            self._phone = (name, connection)
        if before is not None:
            with contextlib.suppress(*self._failures):
                before[1].close(REPLACED, "the same phone has connected again")
        return True


def _place(url: str) -> tuple[str, int]:
    """Return where to listen."""
    with contextlib.suppress(ValueError):
        parts = urlsplit(url)
        if parts.path in ("", "/") and not parts.query and not parts.fragment and parts.username is None:
            return parts.hostname or "", PORT if parts.port is None else parts.port
    raise UsageError(
        f"expected phone://, phone://:PORT or phone://HOST:PORT, got {url!r}", next_step="For example --port phone://."
    )


def _library(url: str) -> Any:
    """Return the package websockets."""
    try:
        import websockets.exceptions
        import websockets.sync.server
    except ImportError as error:
        raise BridgeError(
            f"{url}: expected the package websockets, it is not installed",
            next_step=f"Install it: {install_command('phone,ws')}.",
            port=url,
            reason="not_installed",
        ) from error
    return websockets


def _quiet_logger() -> logging.Logger:
    """Return a logger that says nothing of strangers who hang up."""
    logger = logging.getLogger(f"{__name__}.server")
    logger.setLevel(logging.CRITICAL)
    return logger
