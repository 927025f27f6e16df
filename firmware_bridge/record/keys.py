"""Single keys from a terminal, without waiting for Enter and without stopping for them."""

import contextlib
import os
import select
import sys
from collections.abc import Callable, Iterator

ReadKeys = Callable[[], str]
"""Returns the keys pressed since the last call; empty when there were none."""


@contextlib.contextmanager
def single_keys() -> Iterator[ReadKeys]:
    """Yield what reads keys; where stdin is no terminal it never reads any. The terminal is left as it was."""
    try:
        import termios
        import tty
    except ImportError:
        yield lambda: ""
        return
    if not sys.stdin.isatty():
        yield lambda: ""
        return
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    try:
        tty.setcbreak(descriptor)
        yield lambda: _waiting(descriptor)
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def _waiting(descriptor: int) -> str:
    """Return the keys that wait, each a character; those of arrows and the like mean nothing."""
    if not select.select([descriptor], [], [], 0)[0]:
        return ""
    pressed = os.read(descriptor, 64).decode("utf-8", "ignore")
    return "" if pressed.startswith("\x1b") else pressed
