"""Download one file over HTTP, going on where an earlier attempt stopped."""

import http.client
import re
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from edgehar.models import __version__
from edgehar.models.errors import DataError, UsageError

Progress = Callable[[int, int | None], None]
"""Called with (bytes here, bytes in all); the second is None while nobody says."""

TIMEOUT_S: Final = 30.0
ATTEMPTS: Final = 4
_CHUNK: Final = 2**18

_NETWORK_ERRORS: Final = (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError)


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a server sends: the body from a byte on, and how long the whole file is."""

    body: http.client.HTTPResponse
    start: int
    total: int | None


def download(url: str, part: Path, *, progress: Progress | None = None, timeout_s: float = TIMEOUT_S) -> None:
    """Bring ``part`` to the whole content of ``url``.

    A ``part`` that is there already is continued with a range request; a server that does not do ranges sends
    everything again. A connection that breaks is tried again while it makes progress, at most four times.

    Raises
    ------
    UsageError
        When the address is not http or https.
    DataError
        When the server cannot be reached, refuses, or the file stays shorter than promised; ``part`` is kept then.
    """
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        raise UsageError(
            f"expected an address that starts with http:// or https://, got {url!r}", next_step="Correct it."
        )
    part.parent.mkdir(parents=True, exist_ok=True)
    for attempt in range(1, ATTEMPTS + 1):
        before = _size(part)
        try:
            total = _attempt(url, part, progress, timeout_s)
        except _NETWORK_ERRORS as error:
            if isinstance(error, urllib.error.HTTPError) or attempt == ATTEMPTS or _size(part) <= before:
                raise _unreachable(url, part, error) from error
            continue
        if total is None or _size(part) == total:
            return
        if attempt == ATTEMPTS or _size(part) <= before:
            raise DataError(
                f"{url}: expected {total:,} bytes, got {_size(part):,}",
                next_step="Run the command again: it goes on where it stopped.",
                url=url,
                expected=total,
                received=_size(part),
            )


def _attempt(url: str, part: Path, progress: Progress | None, timeout_s: float) -> int | None:
    """Ask once for what is missing, append it, and return how long the whole file is, if the server says."""
    answer = _ask(url, _size(part), timeout_s)
    if answer is None:
        return _size(part)
    with answer.body as body, part.open("r+b" if part.exists() else "wb") as stream:
        stream.truncate(answer.start)
        stream.seek(answer.start)
        here = answer.start
        while chunk := body.read(_CHUNK):
            stream.write(chunk)
            here += len(chunk)
            if progress is not None:
                progress(here, answer.total)
    return answer.total


def _ask(url: str, have: int, timeout_s: float) -> _Answer | None:
    """Open the address from byte ``have`` on; None when everything is here already."""
    headers = {"User-Agent": f"edgehar/{__version__}", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    try:
        body = urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=timeout_s)
    except urllib.error.HTTPError as error:
        if error.code != http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE or not have:
            raise
        with error:
            _, total = _content_range(error.headers.get("Content-Range"))
        return None if total == have else _ask(url, 0, timeout_s)
    start, total = _content_range(body.headers.get("Content-Range"))
    if body.status == http.HTTPStatus.PARTIAL_CONTENT and start == have:
        return _Answer(body, have, total)
    if body.status == http.HTTPStatus.PARTIAL_CONTENT:
        body.close()
        return _ask(url, 0, timeout_s)
    length = body.headers.get("Content-Length", "")
    return _Answer(body, 0, int(length) if length.isdecimal() else None)


def _content_range(header: str | None) -> tuple[int | None, int | None]:
    """Return (first byte, length of the whole) of a Content-Range header (RFC 9110, section 14.4)."""
    match = re.fullmatch(r"bytes (?:(\d+)-\d+|\*)/(?:(\d+)|\*)", header or "")
    if match is None:
        return None, None
    return (None if match[1] is None else int(match[1])), (None if match[2] is None else int(match[2]))


def _size(part: Path) -> int:
    """Return how many bytes are here."""
    return part.stat().st_size if part.exists() else 0


def _unreachable(url: str, part: Path, error: Exception) -> DataError:
    """Return the error for a server that did not give the file."""
    if isinstance(error, urllib.error.HTTPError):
        reason, next_step = f"{error.code} {error.reason}", "Check the address, or give another one with --url."
    else:
        reason = str(getattr(error, "reason", "") or error or type(error).__name__)
        next_step = "Check the connection and run the command again" + (
            ": it goes on where it stopped." if _size(part) else "."
        )
    return DataError(f"{url}: expected a file, got {reason}", next_step=next_step, url=url)
