"""What came of the files of a data set: read, passed over, or put aside; and how that is said."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from edgehar.models.errors import DataError, HarError
from edgehar.pipeline.data.importing.belonging import Neighbours, shape_of
from edgehar.pipeline.data.importing.labels import labelled
from edgehar.pipeline.data.importing.options import UNKNOWN_SUBJECT, Options
from edgehar.pipeline.data.importing.refusals import ForeignTableError, MissingColumnError, UnrecognisedError, refusal
from edgehar.pipeline.data.importing.repeated import without_repeats
from edgehar.pipeline.data.importing.sources import Source
from edgehar.pipeline.data.importing.table import Imported
from edgehar.pipeline.data.mixing import relabel
from edgehar.pipeline.data.recordings import Dataset, Recording

_MAX_NOTES: Final = 20
_MAX_NAMED: Final = 5
_FEWEST_ENDED: Final = 5
_MOST_CUT: Final = 0.25


@dataclass(slots=True, eq=False)
class Outcome:
    """What came of all files so far.

    Parameters
    ----------
    read
        Files with recordings.
    tables
        Files with labels for recordings beside them.
    foreign, broken, unrecognised, undecided
        Files that were not read, and why: something else; put aside; not known which; perhaps readable with the unit of
        the others.
    others
        Files whose suffix is of nothing that is read here, by suffix.
    """

    read: list[tuple[Source, Imported]] = field(default_factory=list)
    tables: list[tuple[Source, Imported]] = field(default_factory=list)
    foreign: list[tuple[Source, HarError]] = field(default_factory=list)
    broken: list[tuple[Source, HarError]] = field(default_factory=list)
    unrecognised: list[tuple[Source, HarError]] = field(default_factory=list)
    undecided: list[tuple[Source, DataError]] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)

    def attempt(self, source: Source, work: Callable[[], Imported], *, again: bool = False) -> None:
        """Read a file, and remember what came of it; what the caller asked for wrongly is raised."""
        try:
            imported = work()
        except ForeignTableError as error:
            self.foreign.append((source, error))
        except (UnrecognisedError, MissingColumnError) as error:
            self.unrecognised.append((source, error))
        except DataError as error:
            (self.broken if again else self.undecided).append((source, error))
        else:
            (self.read if imported.intervals is None else self.tables).append((source, imported))

    @property
    def units(self) -> Counter[str]:
        """How many files are in which unit."""
        return Counter(imported.unit for _, imported in self.read if imported.unit is not None)

    def cut_at_the_end(self) -> list[Source]:
        """Take back files that do not end in a line end where nearly all files with the same names do; return them."""
        ended: Counter[object] = Counter()
        cut: Counter[object] = Counter()
        for _, imported in self.read:
            (ended if imported.ended else cut)[imported.header] += 1
        doubtful = {
            header
            for header, count in cut.items()
            if ended[header] >= _FEWEST_ENDED and count <= _MOST_CUT * ended[header]
        }
        taken = [(source, one) for source, one in self.read if not one.ended and one.header in doubtful]
        self.read = [item for item in self.read if item not in taken]
        return [source for source, _ in taken]

    def settle(self) -> None:
        """Decide which files that were not recognised are broken, and which files without names lost them."""
        neighbours = Neighbours((source for source, _ in self.read), (source for source, _ in self.foreign))
        broken = neighbours.broken_among([source for source, _ in self.unrecognised])
        for source, error in self.unrecognised:
            (self.broken if source in broken else self.foreign).append((source, error))
        self.unrecognised = []
        named: dict[str, list[tuple[str, ...]]] = {}
        bare: Counter[str] = Counter()
        for source, imported in self.read:
            if imported.header:
                named.setdefault(shape_of(source), []).append(imported.header)
            elif imported.header is not None:
                bare[shape_of(source)] += 1
        headless = {shape for shape, count in bare.items() if len(named.get(shape, ())) > max(1, count)}
        for item in list(self.read):
            source, imported = item
            if imported.header == () and (shape := shape_of(source)) in headless:
                self.read.remove(item)
                names = ", ".join(named[shape][0])
                sentence = f"expected the names that files like it begin with ({names}), got none"
                self.broken.append((source, refusal(source.name, sentence, line=1)))


def nothing_usable(path: Path, outcome: Outcome) -> HarError:
    """Return the error for a path without usable files: that of the first broken file, else of a foreign one."""
    # An accelerometer without gravity is nearer to what was wanted than a thermometer.
    foreign = sorted(outcome.foreign, key=lambda item: "gravity" not in item[1].message)
    listed = outcome.broken or foreign
    if not listed:
        return DataError(f"{path}: expected recordings, found only labels", next_step="Check the path.", path=str(path))
    error = next((error for _, error in listed if isinstance(error, MissingColumnError)), listed[0][1])
    others = len(outcome.broken) + len(outcome.foreign) - 1
    more = f" (and {others} more file{'s' * (others > 1)} cannot be used)" if others else ""
    return type(error)(error.message + more, next_step=error.next_step, **error.details)


def dataset_of(path: Path, outcome: Outcome, options: Options) -> Dataset:
    """Return what was found as a data set."""
    tables = [imported.intervals for _, imported in outcome.tables if imported.intervals is not None]
    recordings, said, problems = labelled(_distinct(outcome), tables)
    recordings, repeated = without_repeats(recordings)
    problems += repeated
    detected = dict.fromkeys(note for _, imported in (*outcome.read, *outcome.tables) for note in imported.notes)
    notes = [*_about_files(outcome), *_shortened(detected), *said]
    problems = [*(f"{source.inner} was put aside: {error}" for source, error in outcome.broken), *problems]
    if len(outcome.units) > 1:
        units = ", ".join(f"{unit} ({count})" for unit, count in outcome.units.items())
        notes.append(f"The files are in different units: {units}.")
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
        notes=tuple(notes),
        terms=" ".join(dict.fromkeys(imported.terms for _, imported in outcome.read if imported.terms)),
        quarantined=tuple(source.name for source, _ in outcome.broken),
        passed_over=tuple(source.name for source, _ in outcome.foreign),
    )
    if not activities and not options.label_map:
        return dataset
    renamed = relabel([dataset], options.label_map)
    return replace(renamed.datasets[0], notes=(*dataset.notes, *renamed.notes))


def _distinct(outcome: Outcome) -> list[Recording]:
    """Return all recordings; where files differ by suffix alone, their ids carry it."""
    counts = Counter(item.recording_id for _, imported in outcome.read for item in imported.recordings)
    recordings = []
    for source, imported in outcome.read:
        for item in imported.recordings:
            whole = (source.member or source.path.name).rpartition("/")[2]
            suffix = whole[len(source.stem.rpartition("/")[2]) :]
            twice = counts[item.recording_id] > 1
            recordings.append(replace(item, recording_id=item.recording_id + suffix) if twice else item)
    return recordings


def _about_files(outcome: Outcome) -> Iterable[str]:
    """Say how many files were read, which are no recordings, and which were not looked into."""
    counts = [
        (len(outcome.read), "read"),
        (len(outcome.tables), "taken as labels"),
        (len(outcome.broken), "put aside"),
        (len(outcome.foreign), "passed over"),
    ]
    total = sum(count for count, _ in counts)
    if total > 1:
        yield f"Of {total:,} files: {', '.join(f'{count:,} {what}' for count, what in counts if count)}."
    names = [source.inner for source, _ in outcome.foreign]
    if names:
        yield f"Passed over, not recordings of an accelerometer: {', '.join(names[:_MAX_NAMED])}{_more(names)}."
    if outcome.others:
        kinds = [f"{count} {suffix or 'without a suffix'}" for suffix, count in outcome.others.most_common()]
        yield f"Not looked into, by their names no text of numbers: {', '.join(kinds[:_MAX_NAMED])}{_more(kinds)}."


def _more(names: list[str]) -> str:
    """Say how many more there are than are named."""
    return f" and {len(names) - _MAX_NAMED} more" if len(names) > _MAX_NAMED else ""


def _shortened(notes: Iterable[str]) -> tuple[str, ...]:
    """Return the first notes, and how many more there are."""
    every = tuple(notes)
    more = len(every) - _MAX_NOTES
    return every if more <= 0 else (*every[:_MAX_NOTES], f"{more} more notes of this kind.")
