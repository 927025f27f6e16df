"""Recordings that a page sends to this machine: who may, how much, and where they go.

Whoever sends is a stranger until the token says otherwise. The server chooses the name; a file is whole or not there;
neither one file nor all of them together may fill the disk.
"""

import contextlib
import datetime
import errno
import hmac
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Final, Protocol

from edgehar.models.files import atomic_path

HEADER: Final = b"time_ms,x,y,z,label"
"""How every recording of a page begins."""
LARGEST_BYTES: Final = 32 * 2**20
"""Of one file: some two hours at 60 Hz."""
MOST_BYTES: Final = 512 * 2**20
"""Of all files of pages in the folder."""

_AT_ONCE: Final = 1 << 16
_PATTERN: Final = "phone-*.csv"
_LONGEST_LINE: Final = 1000
_FULL: Final = (errno.ENOSPC, errno.EDQUOT)


class Readable(Protocol):
    """What bytes are read from."""

    def read(self, size: int, /) -> bytes:
        """Return at most so many bytes."""
        ...


@dataclass(frozen=True, slots=True)
class Answer:
    """What the page is told: a status of HTTP, and a sentence or, if it was kept, the name of the file."""

    status: HTTPStatus
    text: str


class Inbox:
    """Takes recordings into a folder.

    Parameters
    ----------
    folder
        Made when the first one comes.
    largest_bytes, most_bytes
        Of one file, and of all of them.
    on_received
        Told of every file that was kept; called in the server's thread.
    """

    def __init__(
        self,
        folder: Path,
        *,
        largest_bytes: int = LARGEST_BYTES,
        most_bytes: int = MOST_BYTES,
        on_received: Callable[[Path], None] = lambda path: None,
    ) -> None:
        self.folder = folder
        self.token = secrets.token_urlsafe(16)
        self._largest_bytes, self._most_bytes = largest_bytes, most_bytes
        self._on_received = on_received
        self._alone = threading.Lock()

    def knows(self, token: str) -> bool:
        """Tell whether a token is the one of this run, in a time that says nothing of it."""
        return hmac.compare_digest(token.encode("utf-8", "replace"), self.token.encode())

    def receive(self, *, token: str, length: str, content: Readable) -> Answer:
        """Take one recording.

        Parameters
        ----------
        token
            What the page sent as its token.
        length
            How many bytes it says that there are.
        content
            Read up to that length; nothing is read where the answer is no before that.
        """
        if not self.knows(token):
            return Answer(HTTPStatus.FORBIDDEN, "This page was not opened with the code on the laptop: scan it again.")
        if not (length.isascii() and length.isdecimal()):
            return Answer(HTTPStatus.LENGTH_REQUIRED, "The laptop expected the size of the recording, and got none.")
        size = int(length[:20])
        if size > self._largest_bytes:
            most = f"{self._largest_bytes / 2**20:,.0f} MiB"
            return Answer(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"The laptop takes at most {most} at once: send fewer takes."
            )
        with self._alone:
            if self._kept_bytes() + size > self._most_bytes:
                most = f"{self._most_bytes / 2**20:,.0f} MiB"
                return Answer(
                    HTTPStatus.INSUFFICIENT_STORAGE,
                    f"The laptop keeps at most {most} of recordings: move some away there.",
                )
            try:
                return self._keep(size, content)
            except OSError as error:
                return self._not_kept(error)

    def _keep(self, size: int, content: Readable) -> Answer:
        """Write the file, whole or not at all."""
        try:
            begin = _received(content, min(size, _LONGEST_LINE)) if size else b""
        except _IncompleteError:
            return _BROKEN
        if not begin.startswith(HEADER):
            return Answer(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The laptop expected a recording of this page, got something else."
            )
        self.folder.mkdir(parents=True, exist_ok=True)
        target = self._free_name()
        with contextlib.suppress(_IncompleteError), atomic_path(target) as path, path.open("wb") as file:
            file.write(begin)
            left = size - len(begin)
            while left:
                part = _received(content, min(left, _AT_ONCE))
                file.write(part)
                left -= len(part)
        if not target.exists():
            return _BROKEN
        self._on_received(target)
        return Answer(HTTPStatus.CREATED, target.name)

    def _free_name(self) -> Path:
        """Return a name of now that nothing has yet."""
        stem = f"phone-{datetime.datetime.now():%Y%m%d-%H%M%S}"
        names = (f"{stem}{f'-{number}' if number else ''}.csv" for number in range(10_000))
        return next(path for name in names if not (path := self.folder / name).exists())

    def _kept_bytes(self) -> int:
        """Return how much is there already."""
        return sum(path.stat().st_size for path in self.folder.glob(_PATTERN) if path.is_file())

    def _not_kept(self, error: OSError) -> Answer:
        """Return why the disk did not take it; the page keeps its takes."""
        if error.errno in _FULL:
            sentence = "The laptop's disk is full: make room there, then send it again. Your takes are still here."
        else:
            sentence = (
                f"The laptop could not write the file ({error.strerror or 'an error'}). Your takes are still here."
            )
        return Answer(HTTPStatus.INSUFFICIENT_STORAGE, sentence)


_BROKEN: Final = Answer(HTTPStatus.BAD_REQUEST, "The connection broke before all of it had come: send it again.")


class _IncompleteError(Exception):
    """The sender hung up."""


def _received(content: Readable, size: int) -> bytes:
    """Return some bytes of the sender, which may hang up or fall silent."""
    try:
        part = content.read(size)
    except OSError as error:
        raise _IncompleteError from error
    if not part:
        raise _IncompleteError
    return part
