"""A progress bar on stderr, for people who watch; nothing when stderr is a file or a pipe."""

import contextlib
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

Advance = Callable[[int, int | None], None]
"""Called with (done, in all); the second is None while nobody knows."""


@contextlib.contextmanager
def progress_bar(what: str, *, in_bytes: bool = False) -> Iterator[Advance]:
    """Yield what moves the bar.

    Parameters
    ----------
    what
        What is being done, in a word or two.
    in_bytes
        Whether amounts are bytes, shown with their speed.
    """
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda done, total: None
        return
    amounts: list[ProgressColumn] = [DownloadColumn(), TransferSpeedColumn()] if in_bytes else [MofNCompleteColumn()]
    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), *amounts, TimeRemainingColumn(), console=console, transient=True
    )
    with bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
