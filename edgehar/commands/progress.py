"""A progress bar on a terminal's stderr or in a notebook, for people who watch; nothing where stderr is a file."""

import contextlib
import importlib.util
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
def progress_bar(what: str, *, in_bytes: bool = False, show: bool = True) -> Iterator[Advance]:
    """Yield what moves the bar.

    Parameters
    ----------
    what
        What is being done, in a word or two.
    in_bytes
        Whether amounts are bytes, shown with their speed.
    show
        Whether to show anything.
    """
    console = Console(stderr=True)
    if not show or not is_watched(console):
        yield lambda done, total: None
        return
    amounts: list[ProgressColumn] = [DownloadColumn(), TransferSpeedColumn()] if in_bytes else [MofNCompleteColumn()]
    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), *amounts, TimeRemainingColumn(), console=console, transient=True
    )
    with bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def is_watched(console: Console) -> bool:
    """Tell whether a person sees what moves: on a terminal, or in a notebook that can show it."""
    return console.is_terminal or (console.is_jupyter and importlib.util.find_spec("ipywidgets") is not None)
