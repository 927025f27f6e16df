"""Messages that a phone posts by HTTP as a line: ``http://:PORT``, the address for Sensor Logger's HTTP push."""

import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

from edgehar.firmware_bridge.line.phone_messages import lines_of
from edgehar.firmware_bridge.line.pushed import PushedBytes
from edgehar.models.errors import BridgeError

_LARGEST_MESSAGE: Final = 1 << 22
_REQUEST_TIMEOUT_S: Final = 10.0


class HttpPushTransport:
    """Listen for messages that are posted.

    Raises
    ------
    BridgeError
        When the port cannot be listened on.
    """

    def __init__(self, host: str, port: int, *, name: str) -> None:
        self.name = name
        pushed = self._pushed = PushedBytes()

        class Handler(BaseHTTPRequestHandler):
            """Take what is posted."""

            timeout = _REQUEST_TIMEOUT_S

            def do_POST(self) -> None:
                """Take one message."""
                length = self.headers.get("Content-Length", "")
                if not length.isdecimal() or int(length) > _LARGEST_MESSAGE:
                    self.send_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
                    return
                pushed.push(lines_of(self.rfile.read(int(length))))
                self.send_response(HTTPStatus.OK)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the library's name)
                """Log nothing: a phone posts several times a second."""

        try:
            self._server = ThreadingHTTPServer((host, port), Handler)
        except OSError as error:
            raise BridgeError(
                f"{name}: expected to listen on port {port}, got {error.strerror or error}",
                next_step="Close the program that uses it, or choose another port.",
                port=name,
                reason="refused",
            ) from error
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, name=f"listen on {name}", daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return int(self._server.server_address[1])

    def read(self, *, timeout_s: float) -> bytes:
        """Return the lines that have arrived, waiting for the first message."""
        return self._pushed.take(timeout_s=timeout_s)

    def write(self, data: bytes) -> None:
        """Write nothing: phones are not asked."""

    def close(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
