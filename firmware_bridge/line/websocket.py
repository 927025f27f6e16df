"""Messages of a WebSocket as a line: this machine listens for a phone (``ws://:PORT``), or asks a server on it."""

import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any, Final

from edgehar.firmware_bridge.line.phone_messages import lines_of
from edgehar.firmware_bridge.line.pushed import PushedBytes
from edgehar.firmware_bridge.line.transport import unplugged
from edgehar.models.errors import BridgeError
from edgehar.models.installation import install_command

_CONNECT_TIMEOUT_S: Final = 5.0
_LARGEST_MESSAGE: Final = 1 << 20


class WebSocketTransport:
    """Receive the messages of a WebSocket.

    Parameters
    ----------
    url
        ``ws://HOST:PORT/PATH`` or ``wss://`` of a server, or ``ws://:PORT`` to listen on this machine.

    Raises
    ------
    BridgeError
        When the package websockets is not installed, nobody answers there, or the port cannot be listened on.
    """

    def __init__(self, url: str) -> None:
        self.name = url
        try:
            import websockets.sync.client
            import websockets.sync.server
        except ImportError as error:
            raise BridgeError(
                f"{url}: expected the package websockets, it is not installed",
                next_step=f"Install it: {install_command('ws')}.",
                port=url,
                reason="not_installed",
            ) from error
        self._pushed = PushedBytes()
        self._server: Any = None
        self._peer: Any = None
        self._failures = (OSError, TimeoutError, ValueError, websockets.exceptions.WebSocketException)
        authority = url.partition("://")[2].partition("/")[0]
        try:
            if authority.startswith(":"):
                self._server = websockets.sync.server.serve(
                    self._serve, "", int(authority[1:]), max_size=_LARGEST_MESSAGE
                )
                self._thread = threading.Thread(target=self._server.serve_forever, name=f"read {url}", daemon=True)
                self._thread.start()
            else:
                connect = websockets.sync.client.connect
                asked = partial(connect, url, open_timeout=_CONNECT_TIMEOUT_S, max_size=_LARGEST_MESSAGE)
                answered: Future[None] = Future()
                self._thread = threading.Thread(
                    target=self._ask, args=(asked, answered), name=f"read {url}", daemon=True
                )
                self._thread.start()
                answered.result()
        except self._failures as error:
            raise BridgeError(
                f"{url}: expected a WebSocket there, got {error}",
                next_step="Start the app on the phone first, in the same network; or choose another port to listen on.",
                port=url,
                reason="refused",
            ) from error

    @property
    def port(self) -> int:
        """The port that is listened on; 0 for a client."""
        return 0 if self._server is None else int(self._server.socket.getsockname()[1])

    def read(self, *, timeout_s: float) -> bytes:
        """Return the lines that have arrived, waiting for the first message."""
        return self._pushed.take(timeout_s=timeout_s)

    def write(self, data: bytes) -> None:
        """Write nothing: phones are not asked."""

    def close(self) -> None:
        """End the connection, and listen no more."""
        with contextlib.suppress(*self._failures):
            if self._server is not None:
                self._server.shutdown()
            if self._peer is not None:
                self._peer.close()
        self._thread.join()

    def _serve(self, connection: Any) -> None:
        """Receive from one phone; when it leaves, another one may come."""
        with contextlib.suppress(*self._failures):
            for message in connection:
                self._pushed.push(lines_of(message))

    def _ask(self, connect: Callable[[], Any], answered: "Future[None]") -> None:
        """Connect to a server, say how that went, and receive until it leaves."""
        try:
            with connect() as self._peer:
                answered.set_result(None)
                self._serve(self._peer)
        except self._failures as error:
            if not answered.done():
                answered.set_exception(error)
        self._pushed.end(unplugged(self.name))
