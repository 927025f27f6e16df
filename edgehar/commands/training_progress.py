"""What a person sees of training: a bar where stderr is a terminal, a line per epoch elsewhere."""

import contextlib
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from edgehar.commands.progress import is_watched
from edgehar.commands.terminal_text import escape
from edgehar.pipeline.training.history import Epoch, SilentWatcher, Watcher


@contextlib.contextmanager
def watched(title: str, *, epochs: int, quiet: bool) -> Iterator[Watcher]:
    """Yield a watcher for one model's training.

    Parameters
    ----------
    title
        What is being trained.
    epochs
        How many epochs are planned.
    quiet
        Whether to show nothing.
    """
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    if quiet:
        yield SilentWatcher()
        return
    console.print(escape(title))
    if not is_watched(console):
        yield _Lines(console, epochs)
        return
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=24), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        yield _Bar(progress, epochs)


@contextlib.contextmanager
def watched_folds(title: str, *, done: int, total: int, quiet: bool) -> Iterator[Callable[[str], None]]:
    """Yield what is to be told of every model that is finished, where several are trained at once.

    Parameters
    ----------
    title
        What is being trained.
    done, total
        How many models are there already, and how many are to be in the end.
    quiet
        Whether to show nothing.
    """
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    if quiet:
        yield lambda sentence: None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(f"{escape(title)}: models", total=total, completed=done)

        def advance(sentence: str) -> None:
            progress.console.print(escape(sentence))
            progress.advance(task)

        yield advance


def describe(epoch: Epoch) -> str:
    """Return an epoch in a few words."""
    words = f"loss {epoch.loss:.3f}, accuracy {epoch.accuracy:.3f}"
    if epoch.validation_loss is not None and epoch.validation_accuracy is not None:
        words += f", held out {epoch.validation_loss:.3f} and {epoch.validation_accuracy:.3f}"
    return f"{words}, {epoch.windows_per_s:,.0f} windows/s"


class _Lines(SilentWatcher):
    """Prints a line after every epoch."""

    def __init__(self, console: Console, epochs: int) -> None:
        self._console, self._epochs = console, epochs

    def epoch_done(self, epoch: Epoch) -> None:
        """Print how it went."""
        self._console.print(f"epoch {epoch.number}/{self._epochs}: {describe(epoch)}")


class _Bar(SilentWatcher):
    """Moves a bar with every batch, and says how the last epoch went; the last of all stays."""

    def __init__(self, progress: Progress, epochs: int) -> None:
        self._progress, self._epochs = progress, epochs
        self._task = progress.add_task(f"epoch 1/{epochs}", total=None)

    def batch_done(self, epoch: int, batch: int, batches: int) -> None:
        """Move the bar."""
        self._progress.update(self._task, completed=(epoch - 1) * batches + batch, total=self._epochs * batches)

    def epoch_done(self, epoch: Epoch) -> None:
        """Say how it went."""
        said = f"epoch {epoch.number}/{self._epochs}: loss {epoch.loss:.3f}, accuracy {epoch.accuracy:.3f}"
        self._progress.update(self._task, description=said)
        if epoch.number == self._epochs:
            self._progress.console.print(f"epoch {epoch.number}/{self._epochs}: {describe(epoch)}")
