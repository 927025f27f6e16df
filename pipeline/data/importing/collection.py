"""All files at a path as one data set: foreign tables passed over, broken files put aside, and both said."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Final

from edgehar.models.errors import DataError
from edgehar.pipeline.data.importing.axis_windows import find_axis_files, read_axis_files
from edgehar.pipeline.data.importing.documents import labels_of, read_document
from edgehar.pipeline.data.importing.gyroscope import wants_gyroscope
from edgehar.pipeline.data.importing.journal import Journal
from edgehar.pipeline.data.importing.options import Options
from edgehar.pipeline.data.importing.outcome import Outcome, dataset_of, nothing_usable
from edgehar.pipeline.data.importing.profiles import find_profile
from edgehar.pipeline.data.importing.refusals import refusal
from edgehar.pipeline.data.importing.sources import DOCUMENTS, MAYBE_TABLES, Listing, Source, find_sources
from edgehar.pipeline.data.importing.spool import Workspace
from edgehar.pipeline.data.importing.table import Imported, read_table
from edgehar.pipeline.data.recordings import Dataset, LabelInterval, Recording

Progress = Callable[[int, int], None]

_INFO: Final = "info.labels"


def import_recordings(
    path: Path,
    options: Options | None = None,
    *,
    progress: Progress | None = None,
    folder: Path | None = None,
    journal: Journal | None = None,
) -> Dataset:
    """Read every recording at a path.

    Parameters
    ----------
    path
        A file, a folder, or an archive.
    options
        What is declared about them.
    progress
        Called after each file with (files done, files in all).
    folder
        Where temporary files live; they have no names, and are gone when the program ends.
    journal
        Keeps what was read, and knows what an interrupted import has read.

    Returns
    -------
    Dataset
        Its ``quarantined`` names the files that were put aside.

    Raises
    ------
    DataError
        When no file can be used; with the reason of the first.
    UsageError
        When something is declared that cannot be.
    """
    options = options or Options()
    if options.profile:
        find_profile(options.profile)
    channels = 6 if wants_gyroscope(options.channels) else 3
    listing = find_sources(path)
    if not listing.sources and not listing.broken:
        raise DataError(
            f"{path}: expected recordings (.csv, .tsv, .txt, .json, .gz, .zip), found none",
            next_step="Check the path.",
            path=str(path),
        )
    # A file alone is read from its beginning: there is nothing to go on with.
    journal = journal if len(listing.sources) > 1 else None
    workspace = journal.workspace(folder, channels) if journal else Workspace(folder, channels=channels)
    outcome = _read_all(path, listing, options, progress, workspace, journal)
    if not outcome.read:
        raise nothing_usable(path, outcome)
    return dataset_of(path, outcome, options)


def _read_all(
    path: Path,
    listing: Listing,
    options: Options,
    progress: Progress | None,
    workspace: Workspace,
    journal: Journal | None,
) -> Outcome:
    """Read every file, and tell the broken ones from those that are something else."""
    sources = listing.sources
    outcome = Outcome(broken=list(listing.broken), others=listing.others)
    by_path = {source.inner: source for source in sources}
    documents = _document_labels(path, sources)
    parts = find_axis_files(sources)
    rest = [source for source in sources if not any(source in files.values() for files in parts.values())]

    def table(source: Source, fallback: str | None, *, cut: bool = False) -> Imported:
        beside = lambda this, name: by_path.get((PurePosixPath(this.inner).parent / name).as_posix())  # noqa: E731
        rows = partial(read_table, options=options, beside=beside, workspace=workspace, fallback=fallback, cut=cut)
        if source.suffix in DOCUMENTS:
            return _spooled(read_document(source, options, documents, table=rows), workspace)
        imported = rows(source)
        if activity := documents.get(source.inner):
            imported.recordings = [_wholly(item, activity) for item in imported.recordings]
        return imported

    def windows(part: str, files: dict[str, Source]) -> Imported:
        _accelerometer_alone(files["x"], options)
        return _spooled(read_axis_files(part, files, options, by_path.get), workspace)

    def once(source: Source) -> Imported:
        # What depends on other files than its own is not taken from a journal.
        before = journal.read_before(source) if journal and source.inner not in documents else None
        if before is not None:
            return before
        rows, times = len(workspace.samples), len(workspace.times)
        imported = table(source, None)
        if journal and imported.recordings and imported.alone and source.inner not in documents:
            journal.keep(source, imported, _places(imported.recordings, rows, times))
        return imported

    for part, files in parts.items():
        outcome.attempt(files["x"], partial(windows, part, files), again=True)
    for done, source in enumerate(rest, len(sources) - len(rest) + 1):
        if not (parts and source.suffix in MAYBE_TABLES):
            outcome.attempt(source, partial(once, source), again=len(sources) == 1)
        if progress is not None:
            progress(done, len(sources))
    # A file whose own values do not tell its unit may be one of many that do.
    usual = max(outcome.units, key=outcome.units.__getitem__, default=None)
    undecided, outcome.undecided = outcome.undecided, []
    for source, _ in undecided:
        outcome.attempt(source, partial(table, source, usual), again=True)
    for source in outcome.cut_at_the_end():
        outcome.attempt(source, partial(table, source, usual, cut=True), again=True)
    outcome.settle()
    return outcome


def _spooled(imported: Imported, workspace: Workspace) -> Imported:
    """Return recordings whose samples and times lie in the workspace, as those of tables do, instead of in memory."""
    if imported.header is not None:
        return imported
    kept = []
    for item in imported.recordings:
        row, time_row = len(workspace.samples), len(workspace.times)
        workspace.samples.append(item.samples)
        samples = workspace.samples.view(row, row + len(item))
        times = item.timestamps_s
        if times is not None:
            workspace.times.append(times)
            times = workspace.times.view(time_row, time_row + len(item))
        kept.append(replace(item, samples=samples, timestamps_s=times))
    imported.recordings = kept
    return imported


def _places(recordings: Iterable[Recording], row: int, time_row: int) -> list[tuple[int, int | None]]:
    """Return at which rows of the workspace the samples and times of each recording begin."""
    places: list[tuple[int, int | None]] = []
    for item in recordings:
        timed = item.timestamps_s is not None
        places.append((row, time_row if timed else None))
        row += len(item)
        time_row += len(item) if timed else 0
    return places


def _wholly(item: Recording, activity: str) -> Recording:
    """Return a recording with an activity for all of it, if it has none."""
    return item if item.labels else replace(item, labels=(LabelInterval(0, len(item), activity),))


def _accelerometer_alone(source: Source, options: Options) -> None:
    """Refuse a file whose gyroscope is not read."""
    if wants_gyroscope(options.channels):
        raise refusal(
            source.name,
            f"expected a table to take the gyroscope from, got {source.suffix}",
            next_step="Export it as CSV, or leave the gyroscope out of --channels.",
        )


def _document_labels(path: Path, sources: Iterable[Source]) -> dict[str, str]:
    """Return the activities that info.labels files name, by path."""
    labels: dict[str, str] = {}
    for file in sorted(path.rglob(_INFO)) if path.is_dir() else []:
        labels |= labels_of(Source(str(file), file.relative_to(path).as_posix(), file))
    if not labels:
        for source in sources:
            head, dots, _ = PurePosixPath(source.inner).name.partition(".")
            if source.suffix in DOCUMENTS and dots and PurePosixPath(source.inner).name.count(".") > 2:
                labels[source.inner] = head
    return labels
