"""Messages for pages that watch a session, in a bounded mailbox for each: a slow page loses, and is told how many."""

import json
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

MOST_WAITING: Final = 200
"""Messages that wait for one page: twenty seconds of a live session."""


class Mailbox:
    """What waits for one page.

    Examples
    --------
    >>> mailbox = Mailbox(most=2)
    >>> for text in "abc":
    ...     mailbox.put(text)
    >>> mailbox.take(), mailbox.dropped
    (['b', 'c'], 1)
    """

    def __init__(self, *, most: int = MOST_WAITING) -> None:
        self._waiting: deque[str] = deque()
        self._most = most
        self._lock = threading.Lock()
        self.dropped = 0
        """Messages that found the mailbox full; each took the place of the oldest."""

    def put(self, text: str) -> None:
        """Add a message; where there is no room, the oldest one is dropped."""
        with self._lock:
            if len(self._waiting) >= self._most:
                self._waiting.popleft()
                self.dropped += 1
            self._waiting.append(text)

    def take(self) -> list[str]:
        """Return what waits, oldest first, and make room."""
        with self._lock:
            taken = list(self._waiting)
            self._waiting.clear()
            return taken


class Mailboxes:
    """The mailboxes of all pages.

    Examples
    --------
    >>> mailboxes = Mailboxes()
    >>> with mailboxes.joined() as mine:
    ...     mailboxes.publish({"kind": "remark", "text": "hello"})
    ...     mine.take()
    ['{"kind":"remark","text":"hello"}']
    """

    def __init__(self) -> None:
        self._all: tuple[Mailbox, ...] = ()
        self._lock = threading.Lock()

    def publish(self, message: dict[str, Any]) -> None:
        """Put a message into every mailbox; returns at once, whatever pages do."""
        mailboxes = self._all
        if mailboxes:
            text = json.dumps(message, ensure_ascii=False, separators=(",", ":"))
            for mailbox in mailboxes:
                mailbox.put(text)

    @contextmanager
    def joined(self) -> Iterator[Mailbox]:
        """Have a mailbox during the block."""
        mine = Mailbox()
        with self._lock:
            self._all = (*self._all, mine)
        try:
            yield mine
        finally:
            with self._lock:
                self._all = tuple(each for each in self._all if each is not mine)
