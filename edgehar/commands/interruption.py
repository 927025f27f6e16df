"""What Ctrl-C and SIGTERM do: end a loop between two samples, or interrupt training without losing its work.

Loops that read a line ask `stop_on_signals` between two reads. Training is interrupted where it stands, by
`termination_interrupts`, and protects the moment in which it saves its work by `uninterrupted`.
"""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Final

_SIGNALS: Final = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


class StopRequest:
    """Whether a signal has asked to stop; call it to ask.

    Examples
    --------
    >>> with stop_on_signals() as stop:
    ...     stop()
    False
    """

    def __init__(self) -> None:
        self.signal_number: int | None = None

    def __call__(self) -> bool:
        """Return whether to stop."""
        return self.signal_number is not None

    @property
    def exit_code(self) -> int:
        """The exit code of a program that was stopped like this: 130 for Ctrl-C; 0 if it was not."""
        return 0 if self.signal_number is None else 128 + self.signal_number


@contextlib.contextmanager
def stop_on_signals() -> Iterator[StopRequest]:
    """Turn SIGINT, SIGTERM and SIGHUP into a request; the second signal of a kind does what it always did.

    A signal that was ignored stays ignored. Outside the main thread, signals are left alone.
    """
    request = StopRequest()
    previous: dict[int, signal.Handlers | Callable[[int, FrameType | None], object] | int | None] = {}

    def ask(number: int, frame: FrameType | None) -> None:
        request.signal_number = number
        signal.signal(number, previous[number])

    if threading.current_thread() is threading.main_thread():
        for number in _SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                previous[number] = signal.signal(number, ask)
    try:
        yield request
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def termination_interrupts() -> Iterator[None]:
    """Let SIGTERM raise KeyboardInterrupt, so that work that survives the one survives the other."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Ignore Ctrl-C and SIGTERM for a moment: people press the keys twice while the work of hours is being saved."""
    previous = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
