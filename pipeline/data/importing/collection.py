"""All files at a path as one data set: foreign tables passed over, broken files put aside, and both said."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Final

from edgehar.models.errors import DataError, UsageError
from edgehar.pipeline.data.importing.axis_windows import find_axis_files, read_axis_files
from edgehar.pipeline.data.importing.documents import labels_of, read_document
from edgehar.pipeline.data.importing.gyroscope import wants_gyroscope
from edgehar.pipeline.data.importing.labels import labelled
from edgehar.pipeline.data.importing.options import Options
from edgehar.pipeline.data.importing.profiles import find_profile
from edgehar.pipeline.data.importing.refusals import ForeignTableError, refusal
from edgehar.pipeline.data.importing.sources import DOCUMENTS, MAYBE_TABLES, Source, find_sources
from edgehar.pipeline.data.importing.spool import Workspace
from edgehar.pipeline.data.importing.table import UNKNOWN_SUBJECT, Imported, read_table
from edgehar.pipeline.data.mixing import relabel
from edgehar.pipeline.data.recordings import Dataset, LabelInterval, Recording

Progress = Callable[[int, int], None]

_MAX_NOTES: Final = 20
_MAX_NAMED: Final = 5
_INFO: Final = "info.labels"


@dataclass(slots=True, eq=False)
class _Found:
    """What came of all files so far."""

    recordings: list[Recording] = field(default_factory=list)
    tables: list[Imported] = field(default_factory=list)
    notes: dict[str, None] = field(default_factory=dict)
    terms: dict[str, None] = field(default_factory=dict)
    passed_over: list[tuple[Source, DataError]] = field(default_factory=list)
    broken: list[tuple[Source, DataError]] = field(default_factory=list)
    units: dict[str, int] = field(default_factory=dict)

    def add(self, imported: Imported) -> None:
        """Take what came of a file."""
        self.recordings += imported.recordings
        if imported.intervals is not None:
            self.tables.append(imported)
        self.notes |= dict.fromkeys(imported.notes)
        self.terms |= dict.fromkeys([imported.terms] if imported.terms else [])
        if imported.unit is not None and imported.recordings:
            self.units[imported.unit] = self.units.get(imported.unit, 0) + 1


def import_recordings(
    path: Path, options: Options | None = None, *, progress: Progress | None = None, folder: Path | None = None
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
    sources = find_sources(path)
    if not sources:
        raise DataError(
            f"{path}: expected recordings (.csv, .tsv, .txt, .json, .gz, .zip), found none",
            next_step="Check the path.",
            path=str(path),
        )
    found = _read_all(path, sources, options, progress, Workspace(folder, channels=channels))
    if not found.recordings:
        raise _nothing(path, found)
    return _dataset(path, found, options)


def _read_all(
    path: Path, sources: list[Source], options: Options, progress: Progress | None, workspace: Workspace
) -> _Found:
    """Read every file, and remember which were passed over or are broken."""
    found = _Found()
    by_path = {source.inner: source for source in sources}
    documents = _document_labels(path, sources)
    parts = find_axis_files(sources)
    rest = [source for source in sources if not any(source in files.values() for files in parts.values())]
    undecided: list[Source] = []
    total = len(sources)

    def attempt(source: Source, work: Callable[[], Imported], *, again: bool = False) -> None:
        try:
            found.add(work())
        except UsageError:
            raise
        except ForeignTableError as error:
            found.passed_over.append((source, error))
        except DataError as error:
            if again or len(sources) == 1:
                found.broken.append((source, error))
            else:
                undecided.append(source)

    def table(source: Source, fallback: str | None) -> Imported:
        if source.suffix in DOCUMENTS:
            _accelerometer_alone(source, options)
            return read_document(source, options, documents)
        beside = lambda this, name: by_path.get((PurePosixPath(this.inner).parent / name).as_posix())  # noqa: E731
        imported = read_table(source, options, beside=beside, workspace=workspace, fallback=fallback)
        if activity := documents.get(source.inner):
            imported.recordings = [_wholly(item, activity) for item in imported.recordings]
        return imported

    for part, files in parts.items():
        _accelerometer_alone(files["x"], options)
        attempt(files["x"], partial(read_axis_files, part, files, options, by_path.get), again=True)
    for done, source in enumerate(rest, total - len(rest) + 1):
        if not (parts and source.suffix in MAYBE_TABLES):
            attempt(source, partial(table, source, None))
        if progress is not None:
            progress(done, total)
    # A file whose own values do not tell its unit may be one of many that do.
    usual = max(found.units, key=lambda unit: found.units[unit], default=None)
    for source in list(undecided):
        attempt(source, partial(table, source, usual), again=True)
    return found


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


def _nothing(path: Path, found: _Found) -> DataError:
    """Return the error for a path without usable files: that of the first broken file, else of a foreign one."""
    # An accelerometer without gravity is nearer to what was wanted than a thermometer.
    foreign = sorted(found.passed_over, key=lambda item: "gravity" not in item[1].message)
    listed = found.broken or foreign
    if not listed:
        return DataError(f"{path}: expected recordings, found only labels", next_step="Check the path.", path=str(path))
    error = listed[0][1]
    others = len(found.broken) + len(found.passed_over) - 1
    more = f" (and {others} more file{'s' * (others > 1)} cannot be used)" if others else ""
    return DataError(error.message + more, next_step=error.next_step, **error.details)


def _dataset(path: Path, found: _Found, options: Options) -> Dataset:
    """Return what was found as a data set."""
    tables = [item.intervals for item in found.tables if item.intervals is not None]
    recordings, notes, problems = labelled(found.recordings, tables)
    found.notes |= dict.fromkeys(notes)
    problems = [*_about_broken(found), *problems]
    if found.passed_over:
        found.notes[_about_passed_over(found)] = None
    if len(found.units) > 1:
        units = ", ".join(f"{unit} ({count})" for unit, count in found.units.items())
        found.notes[f"The files are in different units: {units}."] = None
    if any(item.subject == UNKNOWN_SUBJECT for item in recordings):
        problems.append("No column or option says who wore the sensor: all is taken as one person, 'unknown'.")
    activities = tuple(dict.fromkeys(label.activity for item in recordings for label in item.labels))
    if not activities:
        problems.append("No column or option says what was done: nothing is labelled.")
    dataset = Dataset(
        name=Path(path.name.removesuffix(".gz")).stem or "recordings",
        activities=activities,
        recordings=tuple(recordings),
        problems=tuple(problems),
        notes=_shortened(found.notes),
        terms=" ".join(found.terms),
        quarantined=tuple(source.name for source, _ in found.broken),
    )
    if not activities and not options.label_map:
        return dataset
    renamed = relabel([dataset], options.label_map)
    return replace(renamed.datasets[0], notes=(*dataset.notes, *renamed.notes))


def _about_broken(found: _Found) -> list[str]:
    """Say which files were put aside, and why."""
    return [f"{source.inner} was put aside: {error}" for source, error in found.broken]


def _about_passed_over(found: _Found) -> str:
    """Say which files are no recordings."""
    names = [source.inner for source, _ in found.passed_over]
    more = f" and {len(names) - _MAX_NAMED} more" if len(names) > _MAX_NAMED else ""
    return f"Passed over, not recordings of an accelerometer: {', '.join(names[:_MAX_NAMED])}{more}."


def _shortened(notes: Iterable[str]) -> tuple[str, ...]:
    """Return the first notes, and how many more there are."""
    every = tuple(notes)
    more = len(every) - _MAX_NOTES
    return every if more <= 0 else (*every[:_MAX_NOTES], f"{more} more notes of this kind.")
