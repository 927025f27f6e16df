"""Who may use a server of this machine: requests by its own name, from its own page, with its token where it has one.

A browser lets any page of any site ask a server on 127.0.0.1. Three checks keep it to our own page:

- **Host** must be a name of this server. A site whose name was pointed at 127.0.0.1 (DNS rebinding) sends its own name.
- **Origin** of a WebSocket must be the page that this server gives. Browsers send it and no script can change it.
- **A token** where other machines can reach the server: in the URL that is printed once, then in a cookie that scripts
  cannot read and that requests from other sites do not carry.
"""

import hmac
import ipaddress
import secrets
import socket
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Final
from urllib.parse import parse_qs, urlsplit

_COOKIE: Final = "edgehar-token"
_LOCAL_NAMES: Final = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class Admission:
    """What a server demands of requests.

    Parameters
    ----------
    host
        The address it listens at.
    port
        Its port.
    token
        What a request must know; empty where only this machine can ask.

    Examples
    --------
    >>> admission = Admission("127.0.0.1", 8800)
    >>> admission.refusal(host="127.0.0.1:8800", origin="http://evil.example", is_socket=True)
    'expected a page of this server, got one of another origin'
    >>> admission.refusal(host="localhost:8800", origin="http://localhost:8800", is_socket=True) is None
    True
    """

    host: str
    port: int
    token: str = ""

    @classmethod
    def at(cls, host: str, port: int) -> "Admission":
        """Return what a server at an address demands: a new token, unless only this machine can reach it."""
        return cls(host, port, "" if is_loopback(host) else secrets.token_urlsafe(18))

    def refusal(
        self, *, host: str | None, origin: str | None, is_socket: bool, path: str = "/", cookie: str | None = None
    ) -> str | None:
        """Return why a request is refused, or None if it is welcome.

        Parameters
        ----------
        host, origin, cookie
            Headers of the request.
        is_socket
            Whether it asks for a WebSocket.
        path
            With its query.
        """
        if host is None or not self._is_mine(host):
            return "expected a request by the address of this server, got another name"
        if is_socket and origin != f"http://{host}":
            return "expected a page of this server, got one of another origin"
        if self.token and not self.knows_token(path=path, cookie=cookie):
            return "expected the token: open the whole address that the command printed"
        return None

    def knows_token(self, *, path: str, cookie: str | None) -> bool:
        """Tell whether a request shows the token, in its path or its cookie."""
        shown = [*parse_qs(urlsplit(path).query).get("token", [])]
        try:
            kept = SimpleCookie(cookie or "").get(_COOKIE)
        except CookieError:
            kept = None
        shown += [] if kept is None else [kept.value]
        return any(hmac.compare_digest(each.encode(errors="replace"), self.token.encode()) for each in shown)

    @property
    def cookie(self) -> str:
        """The header that lets a browser keep the token; empty where there is none."""
        return f"{_COOKIE}={self.token}; HttpOnly; SameSite=Strict; Path=/" if self.token else ""

    def url(self, shown_host: str) -> str:
        """Return the address to open."""
        name = f"[{shown_host}]" if ":" in shown_host else shown_host
        return f"http://{name}:{self.port}/" + (f"?token={self.token}" if self.token else "")

    def _is_mine(self, host: str) -> bool:
        """Tell whether a Host header names this server; from outside, by any address or this machine's name."""
        try:
            parts = urlsplit(f"//{host}")
            name, port = (parts.hostname or "").lower(), parts.port or 80
        except ValueError:
            return False
        if parts.netloc != host or "@" in host or port != self.port:
            return False
        if name in _LOCAL_NAMES:
            return True
        if is_loopback(self.host):
            return False
        machine = socket.gethostname().lower()
        return _is_address(name) or name in (self.host.lower(), machine, f"{machine}.local")


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach an address."""
    return host.lower() == "localhost" or (_is_address(host) and ipaddress.ip_address(host).is_loopback)


def _is_address(text: str) -> bool:
    """Tell whether a text is an IP address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
