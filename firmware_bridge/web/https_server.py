"""Serve a folder of files that are held in memory on the local network, over HTTPS. Needs the extra ``phone``.

Browsers give an accelerometer to secure pages only. The certificate is made on the spot for this machine's names and
addresses, by an authority that is made on the spot too and whose key is never written anywhere: a browser warns once,
and the person goes on. Only the files that are given are served, nothing of the disk; and only an
inbox, where one is given, takes anything.
"""

import contextlib
import http.server
import mimetypes
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from edgehar.firmware_bridge.web.inbox import Inbox
from edgehar.models.errors import BridgeError, UsageError
from edgehar.models.installation import install_command

UPLOADS: Final = "/recordings"
TOKEN_HEADER: Final = "X-Edgehar-Token"

_HANDSHAKE_TIMEOUT_S: Final = 10.0
_DOCUMENTATION_ADDRESS: Final = ("192.0.2.1", 9)
"""RFC 5737: nobody has this address; a datagram socket that is pointed at it shows which of ours would be used."""

_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".wasm": "application/wasm",
    ".svg": "image/svg+xml",
}
HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Permissions-Policy": "accelerometer=(self), serial=(self), camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-cache",
}


@dataclass(frozen=True, slots=True)
class Served:
    """Where the files are: the URL for a phone, and the certificate (PEM) of the authority that vouches for it."""

    url: str
    authority_pem: bytes


def local_address() -> str:
    """Return this machine's address in its network; loopback where it has none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(_DOCUMENTATION_ADDRESS)
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])


@contextlib.contextmanager
def serve_https(files: Mapping[str, bytes], *, host: str, port: int, inbox: Inbox | None = None) -> Iterator[Served]:
    """Serve files during the block.

    Parameters
    ----------
    files
        By their path; ``index.html`` stands for a folder.
    host, port
        Where to listen; ``0.0.0.0`` for the whole network, port 0 for any that is free.
    inbox
        What takes the recordings that a page posts to `UPLOADS`; none are taken by default.

    Raises
    ------
    BridgeError
        If a package is missing, or the port is taken.
    """
    shown = local_address() if host in ("0.0.0.0", "") else host
    context, authority_pem = certificate(shown)
    try:
        server = _Server((host, port), _handler(files, inbox), context)
    except (OSError, OverflowError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise _cannot_listen(host, port, reason or str(error)) from error
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    thread.start()
    try:
        yield Served(f"https://{shown}:{server.server_address[1]}/", authority_pem)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _cannot_listen(host: str, port: int, reason: str) -> UsageError:
    """Return why a place is none to listen at."""
    return UsageError(
        f"expected to listen at {host}, port {port}: {reason}",
        next_step="Choose another --port, and a --host that is an address of this machine.",
    )


def certificate(name: str) -> tuple[ssl.SSLContext, bytes]:
    """Return a server's side of TLS with a certificate for this machine, and who vouches for it (PEM).

    Raises
    ------
    BridgeError
        If the package trustme is not installed.
    """
    try:
        import trustme
    except ModuleNotFoundError as error:
        raise BridgeError(
            "serving over HTTPS needs the package trustme, it is not installed",
            next_step=f"Run: {install_command('phone')}.",
        ) from error
    authority = trustme.CA(organization_name="edgehar", organization_unit_name="made on the spot")
    names = dict.fromkeys((name, "localhost", "127.0.0.1"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return context, authority.cert_pem.bytes()


class _Server(http.server.ThreadingHTTPServer):
    """One thread a connection; the handshake is made there, so that a silent client holds up nobody else."""

    daemon_threads = True
    # Who takes the place of a server that has just ended must not wait for its last connections.
    allow_reuse_address = True

    def __init__(self, address: tuple[str, int], handler: Any, context: ssl.SSLContext) -> None:
        super().__init__(address, handler)
        self._context = context

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Answer one client."""
        request.settimeout(_HANDSHAKE_TIMEOUT_S)
        with contextlib.suppress(OSError), self._context.wrap_socket(request, server_side=True) as secure:
            super().finish_request(secure, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that hangs up is none of ours to report."""


def _handler(files: Mapping[str, bytes], inbox: Inbox | None) -> type[http.server.BaseHTTPRequestHandler]:
    """Return what answers requests for these files."""

    class Handler(http.server.BaseHTTPRequestHandler):
        """Give out files and take recordings; any other request is refused by the base class."""

        protocol_version = "HTTP/1.1"
        server_version = "edgehar"
        sys_version = ""

        def do_GET(self) -> None:
            """Answer with a file."""
            self._answer(with_content=True)

        def do_HEAD(self) -> None:
            """Answer with a file's size."""
            self._answer(with_content=False)

        def do_POST(self) -> None:
            """Take a recording, and answer with the name it got or with a sentence."""
            if inbox is None or self.path != UPLOADS:
                self.send_error(HTTPStatus.NOT_IMPLEMENTED)
                return
            # What an answer leaves unread would be taken for the next request.
            self.close_connection = True
            answer = inbox.receive(
                token=self.headers.get(TOKEN_HEADER, ""),
                length=self.headers.get("Content-Length", ""),
                content=self.rfile,
            )
            self._send(answer.status, "text/plain; charset=utf-8", answer.text.encode())

        def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002
            """Keep quiet."""

        def _answer(self, *, with_content: bool) -> None:
            path = unquote(urlsplit(self.path).path).removeprefix("/")
            name = f"{path}index.html" if path == "" or path.endswith("/") else path
            content = files.get(name)
            if content is None:
                self._send(HTTPStatus.NOT_FOUND, "text/plain", b"There is no such file.\n", with_content)
            else:
                self._send(HTTPStatus.OK, content_type(name), content, with_content)

        def _send(self, status: HTTPStatus, kind: str, body: bytes, with_content: bool = True) -> None:
            self.send_response(status)
            for header, value in HEADERS.items():
                self.send_header(header, value)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if with_content:
                self.wfile.write(body)

    return Handler


def content_type(name: str) -> str:
    """Return the type of a file; WebAssembly and modules are refused by browsers under any other."""
    suffix = name[name.rfind(".") :]
    return _TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
