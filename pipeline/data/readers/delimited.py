"""Read recordings from any CSV file, or a folder of them: one row per sample.

What a file does not say is declared in a `column_roles.Layout`; what is detected instead is said in the notes of the
data set. A row that cannot be used ends in an error, unless such rows may be dropped; then each loss is counted,
reported, and leaves a gap that no window spans.
"""

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from edgehar.models.contract import ACTIVITIES
from edgehar.models.errors import DataError, UsageError
from edgehar.models.units import parse_unit
from edgehar.pipeline.data.readers import Progress
from edgehar.pipeline.data.readers.column_roles import Layout, locate
from edgehar.pipeline.data.readers.runs import Run, cut_into_runs
from edgehar.pipeline.data.readers.sheet import DELIMITERS, Sheet, sniff
from edgehar.pipeline.data.readers.table import read_table
from edgehar.pipeline.data.readers.unit_evidence import detect_unit, gravity
from edgehar.pipeline.data.recordings import Dataset, Recording, in_natural_order

SUFFIXES: Final = (".csv", ".tsv")
UNKNOWN_SUBJECT: Final = "unknown"

_MAX_NOTES: Final = 20
_WRONG_BY: Final = 2.5
_REMOVED: Final = 0.3


def recognises(path: Path) -> bool:
    """Tell whether the path is a text table, or a folder that holds one."""
    if path.is_file():
        return path.suffix.lower() in (*SUFFIXES, ".txt", ".dat", ".log", ".data")
    return any(_files(path))


def read(path: Path, *, layout: Layout | None = None, progress: Progress | None = None) -> Dataset:
    """Read every file.

    Parameters
    ----------
    path
        A file, or a folder that is searched for .csv and .tsv files.
    layout
        What is known about the columns, the unit, the rate, the people and the activities.
    progress
        Called after each file with (files done, files in all).

    Raises
    ------
    DataError
        When a file is not a table of recordings, or what it leaves open cannot be detected.
    UsageError
        When the layout declares something that cannot be.
    """
    layout = layout or Layout()
    files = [path] if path.is_file() else sorted(_files(path))
    if not files:
        raise DataError(f"{path}: expected .csv or .tsv files, found none", next_step="Check the path.", path=str(path))
    root = path.parent if path.is_file() else path
    notes: dict[str, None] = {}
    runs: list[Run] = []
    for done, file in enumerate(files, start=1):
        runs += _read_file(file, root, layout, notes)
        if progress is not None:
            progress(done, len(files))
    measured = [gravity(run.values, run.rate_hz) for run in runs]
    unit = _unit(path, runs, measured, layout, notes)
    problems = _about_gravity(measured, unit)
    if any(run.subject == UNKNOWN_SUBJECT for run in runs):
        problems.append("No column or option says who wore the sensor: all is taken as one person, 'unknown'.")
    recordings = tuple(_recording(run, unit, layout.placement) for run in runs)
    activities = _in_order({label.activity for item in recordings for label in item.labels})
    if not activities:
        problems.append("No column or option says what was done: nothing is labelled.")
    return Dataset(path.stem, activities, recordings, tuple(problems), _shortened(notes))


def _files(folder: Path) -> Iterable[Path]:
    """Yield the tables below a folder that are not hidden."""
    for file in folder.rglob("*"):
        hidden = any(part.startswith(".") for part in file.relative_to(folder).parts)
        if file.suffix.lower() in SUFFIXES and not hidden and file.is_file():
            yield file


def _read_file(file: Path, root: Path, layout: Layout, notes: dict[str, None]) -> list[Run]:
    """Read one file into runs, and note what was detected."""
    sheet = sniff(file, delimiter=_delimiter(layout.delimiter))
    places, found = locate(sheet, layout)
    table = read_table(sheet, places, drop_bad_rows=layout.drop_bad_rows)
    named = _from_name(file, layout.file_pattern)
    layout = replace(
        layout,
        subject_name=layout.subject_name or named.get("subject") or UNKNOWN_SUBJECT,
        activity_name=layout.activity_name or named.get("activity"),
    )
    runs, said = cut_into_runs(table, layout, name=file.relative_to(root).with_suffix("").as_posix(), path=file)
    notes |= dict.fromkeys([*_about_sheet(sheet), *found, *said])
    return runs


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


def _from_name(file: Path, pattern: str | None) -> dict[str, str]:
    """Return what the path of a file says about subject and activity."""
    if pattern is None:
        return {}
    expression = re.escape(pattern).replace(r"\*", "[^/]*")
    for field in ("subject", "activity"):
        expression = expression.replace(rf"\{{{field}\}}", f"(?P<{field}>[^/]+?)", 1)
    if not re.search(r"\(\?P<", expression) or r"\{" in expression:
        raise UsageError(
            f"file pattern {pattern!r}: expected {{subject}} or {{activity}}, each once, and nothing else in braces",
            next_step="Write it like {subject}_{activity}*.csv.",
        )
    match = re.fullmatch(f"(?:.*/)?{expression}", file.resolve().as_posix())
    if match is None:
        raise DataError(
            f"{file}: expected a name like {pattern}, got {file.name}",
            next_step="Rename the file, move it away, or change the pattern.",
            path=str(file),
        )
    return match.groupdict()


def _about_sheet(sheet: Sheet) -> list[str]:
    """Say how the file is written, where that is not plain CSV."""
    notes = []
    if sheet.delimiter != ",":
        notes.append(f"Columns are separated by a {DELIMITERS[sheet.delimiter]}.")
    if sheet.decimal_comma:
        notes.append("Numbers have a decimal comma.")
    if sheet.encoding == "cp1252":
        notes.append("The text is not UTF-8; it is read as Windows-1252.")
    return notes


def _unit(path: Path, runs: list[Run], measured: list[float], layout: Layout, notes: dict[str, None]) -> str:
    """Return the declared unit, or the one gravity tells; refuse a unit that gravity contradicts."""
    unit = layout.unit or detect_unit(measured)
    middle = float(np.median(measured))
    if unit is None:
        hint = "SCALE in counts per g, for example raw:16384"
        raise DataError(
            f"{path}: expected gravity to measure about 1 (g) or 9.81 (m/s²) in quiet stretches, got {middle:.4g}"
            + (": gravity seems to be removed, without it postures look alike" if middle < _REMOVED else ""),
            next_step=f"Import it with --unit g, m/s2 or raw:SCALE, {hint}.",
            path=str(path),
            gravity=middle,
        )
    if layout.unit is None:
        notes[f"The unit is taken as {unit}: gravity measures {middle:.3g} in quiet stretches."] = None
    for run, length in zip(runs, measured, strict=True):
        in_g = length / parse_unit(unit).per_g
        lowest = 0.0 if layout.unit else 1 / _WRONG_BY
        if run.duration_s >= 1.0 and not lowest <= in_g <= _WRONG_BY:
            raise DataError(
                f"{run.path}: expected gravity of about 1 g with the unit {unit}, got {in_g:.3g} g in quiet stretches",
                next_step="Import it with the right --unit, or this file apart from the others.",
                path=str(run.path),
                gravity=length,
            )
    return unit


def _about_gravity(measured: list[float], unit: str) -> list[str]:
    """Say how many recordings lack gravity: posture cannot be told from them."""
    without = sum(length / parse_unit(unit).per_g < 1 / _WRONG_BY for length in measured)
    if not without:
        return []
    return [f"{without} of {len(measured)} recordings measure far less than 1 g at rest: gravity seems to be removed."]


def _recording(run: Run, unit: str, placement: str) -> Recording:
    """Return a run as a recording in g."""
    return Recording(
        recording_id=run.recording_id,
        subject=run.subject,
        samples=parse_unit(unit).to_g(run.values),
        rate_hz=run.rate_hz,
        labels=run.labels,
        placement=placement,
        source=run.path.name,
        timestamps_s=run.seconds,
        gaps=run.gaps,
        problems=run.problems,
    )


def _in_order(activities: set[str]) -> tuple[str, ...]:
    """Return activities in the order of the training contract if all are there, else in natural order."""
    if activities <= set(ACTIVITIES):
        return tuple(activity for activity in ACTIVITIES if activity in activities)
    return in_natural_order(activities)


def _shortened(notes: Iterable[str]) -> tuple[str, ...]:
    """Return the first notes, and how many more there are."""
    every = tuple(notes)
    more = len(every) - _MAX_NOTES
    return every if more <= 0 else (*every[:_MAX_NOTES], f"{more} more notes of this kind.")
