"""Read recordings from text tables, documents, archives, or a folder of them; see `edgehar.pipeline.data.importing`."""

from pathlib import Path

from edgehar.pipeline.data.importing.collection import import_recordings
from edgehar.pipeline.data.importing.journal import Journal
from edgehar.pipeline.data.importing.options import Options
from edgehar.pipeline.data.importing.sources import may_hold_recordings
from edgehar.pipeline.data.readers import Progress
from edgehar.pipeline.data.recordings import Dataset


def recognises(path: Path) -> bool:
    """Tell whether the path is a file that may hold recordings, or a folder that holds one."""
    return may_hold_recordings(path)


def read(
    path: Path,
    *,
    layout: Options | None = None,
    scratch: Path | None = None,
    journal: Journal | None = None,
    progress: Progress | None = None,
) -> Dataset:
    """Read every file.

    Parameters
    ----------
    path
        A file, a folder, or an archive.
    layout
        What is known about the columns, the unit, the rate, the people and the activities.
    scratch
        Folder for temporary files.
    journal
        Keeps what was read, so that an interrupted import goes on.
    progress
        Called after each file with (files done, files in all).
    """
    return import_recordings(path, layout, progress=progress, folder=scratch, journal=journal)
