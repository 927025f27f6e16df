"""What people are told about an import that goes on, starts over, or was interrupted."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import typer

from edgehar.models.foreign_text import printable
from edgehar.pipeline.data.importing.journal import Journal, journal_folder, open_journal
from edgehar.pipeline.data.importing.options import Options


@contextlib.contextmanager
def resumable(out: Path, path: str, options: Options, *, must_continue: bool) -> Iterator[Journal]:
    """Yield the journal of an import, and say on stderr what is done with that of an interrupted one."""
    try:
        with open_journal(out, path, options, must_continue=must_continue) as journal:
            if journal.files:
                _say(f"an interrupted import goes on: {journal.files:,} files were read before")
            elif journal.found is not None and not journal.goes_on:
                _say("an interrupted import with other options is there; this one starts over")
            yield journal
    except BaseException:
        if journal_folder(out).is_dir():
            _say(f"what was read is kept in {journal_folder(out)}: the same command goes on with it")
        raise


def _say(sentence: str) -> None:
    """Print a sentence for people."""
    typer.echo(printable(f"har: {sentence}"), err=True)
