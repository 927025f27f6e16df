"""Formats with one recording in each file: what an interrupted import has read of them is taken from its journal."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from edgehar.pipeline.data.importing.journal import Journal
from edgehar.pipeline.data.importing.sources import Source
from edgehar.pipeline.data.importing.spool import Workspace
from edgehar.pipeline.data.importing.table import Imported
from edgehar.pipeline.data.recordings import Recording

ReadFile = Callable[[Workspace | None], tuple[Recording, list[str]]]
"""Reads a file; returns its recording, and what else is to be remembered of it.

The samples are in memory, or were appended to the workspace, where there is one.
"""


class KeptFiles:
    """Read the files of a folder, each once, however often the import is interrupted.

    Parameters
    ----------
    folder
        That holds the files.
    journal
        Of the import; None to read every file and keep nothing.
    channels
        Values in a sample.
    scratch
        Where temporary files live.
    """

    def __init__(
        self, folder: Path, journal: Journal | None, *, channels: int = 3, scratch: Path | None = None
    ) -> None:
        self._folder = folder
        self._journal = journal
        self._workspace = None if journal is None else journal.workspace(scratch, channels)

    def read(self, file: Path, read: ReadFile) -> tuple[Recording, list[str]]:
        """Return what came of a file before, or read it and note that."""
        journal, workspace = self._journal, self._workspace
        if journal is None or workspace is None:
            return read(None)
        source = Source(str(file), file.relative_to(self._folder).as_posix(), file)
        before = journal.read_before(source)
        if before is not None:
            return before.recordings[0], before.notes
        row = len(workspace.samples)
        recording, notes = read(workspace)
        if len(workspace.samples) == row:
            workspace.samples.append(recording.samples)
            recording = replace(recording, samples=workspace.samples.view(row, row + len(recording)))
        journal.keep(source, Imported(recordings=[recording], notes=notes), [(row, None)])
        return recording, notes
