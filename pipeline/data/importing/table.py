"""A table in a text file: from its bytes to recordings in g, link by link.

head -> profile -> preamble -> columns -> rows -> sessions -> clock -> evidence -> recordings
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any, Final

import numpy as np

from edgehar.models.errors import DataError, UsageError
from edgehar.models.sensor_limits import SLOWEST_GUESS_HZ
from edgehar.models.units import parse_unit
from edgehar.pipeline.data.importing.annotations import annotation_lines, label_studio_lines
from edgehar.pipeline.data.importing.cells import cells_of
from edgehar.pipeline.data.importing.columns import find_roles
from edgehar.pipeline.data.importing.devices_in_turn import is_of_body
from edgehar.pipeline.data.importing.evidence import (
    Magnitudes,
    beyond_sensors,
    decide_unit,
    is_unusual,
    measure,
    problems_of,
    refuse_rows_in_turn,
    unanswered,
)
from edgehar.pipeline.data.importing.gyroscope import ACCELEROMETER, about_turning, degrees_per_second
from edgehar.pipeline.data.importing.intervals import IntervalTable, read_intervals
from edgehar.pipeline.data.importing.labels import from_name
from edgehar.pipeline.data.importing.options import UNKNOWN_SUBJECT, Options
from edgehar.pipeline.data.importing.parser import read_rows
from edgehar.pipeline.data.importing.preamble import DELIMITERS, HEAD_LINES, Preamble, read_pairs, read_preamble
from edgehar.pipeline.data.importing.profiles import Profile, choose_profile
from edgehar.pipeline.data.importing.refusals import UnrecognisedError, foreign, refusal
from edgehar.pipeline.data.importing.rewriting import Rewriting, find_rewriting
from edgehar.pipeline.data.importing.row_labels import about_marks, labels_of_rows
from edgehar.pipeline.data.importing.rows import Rows
from edgehar.pipeline.data.importing.sessions import Sessions
from edgehar.pipeline.data.importing.sources import Source
from edgehar.pipeline.data.importing.spool import Workspace
from edgehar.pipeline.data.importing.text import Chunk, chunks_of, head_lines, read_head
from edgehar.pipeline.data.importing.timing import OpenTable, Take, find_takes
from edgehar.pipeline.data.recordings import Recording

_MOST_INTERVALS: Final = 100_000

Beside = Callable[[Source, str], Source | None]
"""Finds a file by its name in the folder of another."""


@dataclass(slots=True, eq=False)
class Imported:
    """What came of a file.

    Parameters
    ----------
    recordings
        In g.
    intervals
        Labels for recordings beside it, if the file holds those.
    notes
        What was detected.
    unit
        In which the file was.
    terms
        Of its profile.
    header
        Names of its columns; empty where it has none, None where it is no table.
    ended
        Whether its last line ends in a line end.
    alone
        Whether no other file was read for it.
    """

    recordings: list[Recording] = field(default_factory=list)
    intervals: IntervalTable | None = None
    notes: list[str] = field(default_factory=list)
    unit: str | None = None
    terms: str = ""
    header: tuple[str, ...] | None = None
    ended: bool = True
    alone: bool = True


def read_table(
    source: Source,
    options: Options,
    *,
    beside: Beside,
    workspace: Workspace,
    fallback: str | None = None,
    cut: bool = False,
) -> Imported:
    """Read a file into recordings.

    Parameters
    ----------
    source
        The file.
    options
        What is declared.
    beside
        Finds a file in the same folder.
    workspace
        Keeps the samples.
    fallback
        The unit of the other files, for one whose own values do not tell it.
    cut
        Whether a last line without a line end was cut off.

    Raises
    ------
    ForeignTableError
        When the file is surely no recording of acceleration.
    UnrecognisedError
        When no recording is found in it.
    DataError
        When it is damaged, or leaves something open that the caller has to say.
    UsageError
        When something declared cannot be.
    """
    with source.open() as stream:
        start, encoding = read_head(stream, source.name)
        lines = head_lines(start, encoding, whole=len(start) < 2**16, name=source.name)[:HEAD_LINES]
        profile = choose_profile(options.profile, PurePosixPath(source.inner).name, lines)
        if profile is not None and profile.refused:
            raise foreign(source.name, f"expected acceleration as measured, got {profile.title}: {profile.refused}")
        options = profile.under(options, lines) if profile else options
        chunks = chunks_of(start, stream, encoding, source.name)
        spoken = find_rewriting(lines)
        if spoken is not None:
            lines, chunks = spoken.rewritten_head(lines), spoken.rewritten(chunks)
        if (annotated := _annotations(source, lines, whole=len(start) < 2**16)) is not None:
            return Imported(intervals=annotated)
        preamble = _preamble(source, lines, options)
        if intervals := _intervals(source, preamble, chunks):
            return Imported(intervals=intervals)
        roles = find_roles(preamble, options, stem=source.stem)
        rows = read_rows(
            chunks, preamble, roles.places, drop_bad_rows=options.drop_bad_rows, workspace=workspace, cut=cut
        )
    notes = [*_about_file(preamble, encoding, spoken, profile), *roles.notes]
    table = OpenTable(source, options, preamble, roles, rows, notes, profile, workspace)
    if profile is not None and profile.beside and (other := beside(source, profile.beside)):
        _add_gravity(table, other)
    imported = recordings_of(table, fallback)
    imported.header, imported.ended = preamble.header or (), rows.ended
    imported.alone = profile is None or not profile.beside
    return imported


def _preamble(source: Source, lines: list[str], options: Options) -> Preamble:
    """Read the head of a file, where there is a table."""
    mark = _delimiter(options.delimiter)
    try:
        return read_preamble(lines, source.name, delimiter=mark, names=options.names, skip=options.skip_lines)
    except DataError as error:
        if (pairs := read_pairs(lines, source.name)) is not None:
            return pairs
        raise UnrecognisedError(error.message, next_step=error.next_step, **error.details) from error


def _delimiter(declared: str | None) -> str | None:
    """Return the declared delimiter as a character."""
    if declared is None or declared in DELIMITERS:
        return declared
    for mark, word in DELIMITERS.items():
        if word == declared:
            return mark
    raise UsageError(
        f"delimiter {declared!r} is not one of {', '.join(DELIMITERS.values())}", next_step="Choose one of these."
    )


def _intervals(source: Source, preamble: Preamble, chunks: Iterator[Chunk]) -> IntervalTable | None:
    """Return the intervals with labels that a file holds instead of samples."""
    folder = source.stem.rpartition("/")[0]
    if read_intervals(preamble, preamble.head, folder=folder, stem="") is None:
        return None
    text = next(chunks, Chunk(b"", 0)).data.decode("utf-8")
    lines = text.split("\n")[preamble.first_line - 1 :][:_MOST_INTERVALS]
    rows = [cells_of(line, preamble.delimiter, source.name) for line in lines if line.strip()]
    return read_intervals(preamble, rows, folder=folder, stem=source.stem.rpartition("/")[2])


def _annotations(source: Source, lines: list[str], *, whole: bool) -> IntervalTable | None:
    """Return what a tool for annotation has exported; only files of which all lines are known are taken for that."""
    if not whole:
        return None
    folder, _, stem = source.stem.rpartition("/")
    return label_studio_lines(lines, name=source.name, folder=folder, stem=stem) or annotation_lines(
        lines, name=source.name, folder=folder, stem=stem
    )


def _about_file(preamble: Preamble, encoding: str, spoken: Rewriting | None, profile: Profile | None) -> Iterator[str]:
    """Say how the file is written, where that is not plain CSV."""
    if profile is not None:
        yield f"Read as {profile.title} (profile {profile.name})."
    if spoken is not None:
        yield f"Lines are like {spoken.example!r}."
    elif preamble.delimiter != ",":
        yield f"Columns are separated by a {DELIMITERS.get(preamble.delimiter, repr(preamble.delimiter))}."
    if preamble.decimal_comma:
        yield "Numbers have a decimal comma."
    if encoding == "cp1252":
        yield "The text is not UTF-8; it is read as Windows-1252."
    if preamble.metadata:
        yield f"{_counted(preamble.metadata, 'line')} before the table are not samples."


def _add_gravity(table: OpenTable, other: Source) -> None:
    """Add the values of the file beside, row by row, where both have the same times."""
    options = replace(table.options, profile="", add_axes=None, channels=(ACCELEROMETER,))
    with other.open() as stream:
        start, encoding = read_head(stream, other.name)
        lines = head_lines(start, encoding, whole=len(start) < 2**16, name=other.name)[:HEAD_LINES]
        preamble = read_preamble(lines, other.name)
        roles = find_roles(preamble, options, stem="acceleration")
        rows = read_rows(
            chunks_of(start, stream, encoding, other.name),
            preamble,
            roles.places,
            drop_bad_rows=True,
            workspace=table.workspace,
        )
    own = table.rows
    if own.time is None or rows.time is None or len(rows) < 2:
        raise refusal(other.name, "expected times to add gravity by, got none", next_step="Export both files again.")
    there, gravity = rows.time.read(0, len(rows)), rows.values.read(0, len(rows))
    summed = table.workspace.column(columns=table.workspace.channels)
    far = 0
    reach = 2 * float(np.median(np.diff(there)))
    at = 0
    for block in own.values.blocks():
        times = own.time.read(at, at + len(block))
        for axis in range(3):
            block[:, axis] += np.interp(times, there, gravity[:, axis])
        nearest = np.abs(there[np.clip(np.searchsorted(there, times), 0, len(there) - 1)] - times)
        far += int((nearest > reach).sum())
        summed.append(block)
        at += len(block)
    if far > 0.01 * len(own):
        raise refusal(
            other.name,
            f"expected gravity at the times of {table.source.name}, but {far} of {len(own)} samples have none near",
            next_step="Export both files again.",
        )
    own.values = summed
    table.notes.append(f"Gravity is added from {PurePosixPath(other.inner).name}.")


def recordings_of(table: OpenTable, fallback: str | None) -> Imported:
    """Cut the rows of a file into recordings, and turn them to g."""
    sessions, takes, notes = find_takes(table)
    rows = sessions.rows
    accelerations = ((block[:, :3] for block in rows.values.blocks(take.start, take.stop)) for take in takes)
    measured = [measure(blocks, take.rate_hz) for blocks, take in zip(accelerations, takes, strict=True)]
    refuse_rows_in_turn(table.source.name, measured, declared=table.options.rate_hz is not None)
    written = table.roles.unit or (table.profile and table.profile.unit) or table.preamble.unit
    unit, note = decide_unit(
        table.source.name, measured, declared=table.options.unit, written=written, fallback=fallback
    )
    turning, turning_note = 1.0, []
    if table.roles.places.gyroscope:
        turning, said = degrees_per_second(table.preamble, table.roles.places.gyroscope, table.options.gyroscope_unit)
        turning_note = [f"The turning rate is in {said}."]
    imported = Imported(unit=unit, terms=table.profile.terms if table.profile else "")
    imported.notes = [*table.notes, *sessions.notes, *notes, *([note] if note else []), *turning_note]
    named = from_name(
        table.source.path.resolve().as_posix() if table.source.member is None else table.source.inner,
        table.options.file_pattern,
        name=PurePosixPath(table.source.inner).name,
        path=table.source.name,
    )
    ids = _ids(table, takes)
    for take, name, magnitude in zip(takes, ids, measured, strict=True):
        imported.recordings.append(_recording(table, sessions, take, name, magnitude, (unit, turning), named))
    return imported


def _ids(table: OpenTable, takes: list[Take]) -> list[str]:
    """Return an id for every recording of a file."""
    stem, counts, ids = table.source.stem, dict[str, int](), []
    several = table.rows.subjects is not None or len(takes) > 1
    devices = len({take.device for take in takes}) > 1
    for take in takes:
        subject = (take.subject or UNKNOWN_SUBJECT) + (f"@{take.device}" if devices else "")
        counts[subject] = counts.get(subject, 0) + 1
        suffix = f"#{subject}" + (f"/{counts[subject]}" if counts[subject] > 1 else "")
        ids.append(stem + suffix if several else stem)
    return ids


def _recording(
    table: OpenTable,
    sessions: Sessions,
    take: Take,
    name: str,
    measured: Magnitudes,
    units: tuple[str, float],
    said: dict[str, str],
) -> Recording:
    """Return a take as a recording in g; what no sensor measures is fenced in by gaps, so that no window holds it."""
    rows, scale, turning = sessions.rows, parse_unit(units[0]), units[1]
    samples = table.workspace.samples
    first = len(samples)
    wild: list[int] = []
    silent: list[int] = []
    worst, peak, turns, at = 0.0, 0.0, 0.0, 0
    for block in rows.values.blocks(take.start, take.stop):
        values, rates = block[:, :3], block[:, 3:]
        found, most = beyond_sensors(values, scale.per_g)
        wild += (found + at).tolist()
        values[found] = np.clip(values[found], -1e6 * scale.per_g, 1e6 * scale.per_g)
        silent += (unanswered(values, scale.per_g) + at).tolist()
        worst = max(worst, float(np.linalg.norm(values[found], axis=1).max(initial=0.0)) / scale.per_g)
        turns = max(turns, float(np.abs(rates).max(initial=0.0)) * turning)
        samples.append(np.hstack([scale.to_g(values), rates * turning]) if rates.size else scale.to_g(values))
        peak, at = max(peak, most), at + len(block)
    length = len(samples) - first
    clock = take.clock
    lost = [item for item in rows.lost if take.start <= item.row < take.stop or item.row == take.stop == len(rows)]
    gaps = {item.row - take.start for item in lost} | set(clock.gaps if clock else ())
    gaps |= {place for row in (*wild, *silent) for place in (row, row + 1)}
    problems = [*(table.roles.problems if take.start == 0 else ())]
    problems += [text for row, text in sessions.problems if take.start <= row < take.stop]
    problems += _about_losses(rows, take, lost)
    if wild:
        line = rows.line_of(take.start + wild[0])
        problems.append(
            f"{_counted(len(wild), 'sample')} beyond the range of any accelerometer (up to {worst:,.0f} g, first in "
            f"line {line}): kept out of every window."
        )
    if silent := sorted({*silent} - {*wild}):
        line = rows.line_of(take.start + silent[0])
        problems.append(
            f"{_counted(len(silent), 'sample')} with one value on all three axes, far from the others (first in line "
            f"{line}), as where a sensor does not answer: kept out of every window."
        )
    if is_unusual(peak):
        problems.append(f"It measures up to {peak:.3g} g, more than the usual sensors reach: check the unit.")
    about = about_turning(turns, peak) if table.roles.places.gyroscope else None
    problems += [said_of for said_of in (take.about_rate, about) if said_of]
    if take.rate_hz < SLOWEST_GUESS_HZ:
        problems.append(
            f"The rate of {take.rate_hz:g} Hz is below {SLOWEST_GUESS_HZ:g} Hz: too slow to tell movements apart."
        )
    labels = labels_of_rows(table, rows, take, said)
    problems += about_marks(labels, length)
    stuck = rows.line_of(take.start + measured.stuck[0])
    problems += problems_of(measured, per_g=scale.per_g, rate_hz=take.rate_hz, line=stuck)
    return Recording(
        recording_id=name,
        subject=take.subject or said.get("subject") or table.preamble.subject or UNKNOWN_SUBJECT,
        samples=samples.view(first, first + length),
        rate_hz=take.rate_hz,
        labels=labels,
        placement=table.options.placement or said.get("placement", "") or _placement(table, take),
        source=PurePosixPath(table.source.inner).name,
        timestamps_s=None if take.times is None else table.workspace.times.view(*take.times),
        gaps=tuple(sorted(gap for gap in gaps if 0 < gap < length)),
        problems=tuple(problems),
    )


def _placement(table: OpenTable, take: Take) -> str:
    """Return where on the body the device was, where its column says that."""
    place, header = table.roles.places.device, table.preamble.header
    return take.device if place is not None and header and is_of_body(header[place]) else ""


def _about_losses(rows: Rows, take: Take, lost: list[Any]) -> Iterator[str]:
    """Say what was left out and what is missing."""
    if lost:
        shown = "; ".join(f"line {item.line}: {item.reason}" for item in lost[:3])
        yield f"{_counted(len(lost), 'bad row')} left out ({shown}{'; …' if len(lost) > 3 else ''})."
    clock = take.clock
    if clock and clock.gaps:
        line = rows.line_of(take.start + clock.gaps[0])
        gaps = _counted(len(clock.gaps), "gap")
        yield f"{gaps} in time, together {clock.missing_s:.3g} s (first before line {line})."


def _counted(number: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
