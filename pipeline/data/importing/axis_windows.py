"""UCI-HAR's inertial signals: one file per axis, one window of 128 samples per row, neighbours overlapping by half.

``total_acc_x_train.txt`` and its two neighbours lie in ``Inertial Signals``; beside that folder lie ``y_train.txt``
with the number of each window's activity, ``subject_train.txt``, and ``activity_labels.txt`` one further up. Windows
that follow one another, by their equal halves, are joined again, so that no sample counts twice.
"""

import re
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import PurePosixPath
from typing import Final

import numpy as np
import numpy.typing as npt

from edgehar.models.units import parse_unit
from edgehar.pipeline.data.importing.evidence import decide_unit, measure, problems_of
from edgehar.pipeline.data.importing.options import UNKNOWN_SUBJECT, Options
from edgehar.pipeline.data.importing.refusals import refusal
from edgehar.pipeline.data.importing.sources import Source
from edgehar.pipeline.data.importing.table import Imported
from edgehar.pipeline.data.recordings import LabelInterval, Recording

RATE_HZ: Final = 50.0
_FILE: Final = re.compile(r"(.*/)?total_acc_([xyz])_(\w+)\.txt")

Floats = npt.NDArray[np.float64]


def find_axis_files(sources: Sequence[Source]) -> dict[str, dict[str, Source]]:
    """Return the three files of every part (train, test), by the name of the part with its folder."""
    parts: dict[str, dict[str, Source]] = {}
    for source in sources:
        if match := _FILE.fullmatch(source.inner):
            parts.setdefault(f"{match[1] or ''}{match[3]}", {})[match[2]] = source
    return {name: files for name, files in parts.items() if len(files) == 3}


def read_axis_files(
    part: str, files: dict[str, Source], options: Options, find: Callable[[str], Source | None]
) -> Imported:
    """Read the windows of a part into recordings, one for each stretch of windows that follow one another.

    Parameters
    ----------
    part
        Its name, with its folder.
    files
        By axis.
    options
        What is declared.
    find
        Finds a file by its path.

    Raises
    ------
    DataError
        When the files do not belong together.
    """
    axes = [_numbers(files[axis]) for axis in "xyz"]
    if len({grid.shape for grid in axes}) != 1:
        raise refusal(files["x"].name, f"expected as many windows in every axis, got {[grid.shape for grid in axes]}")
    windows = np.stack(axes, axis=2)
    place = PurePosixPath(part)
    home = place.parent.parent
    activities = _column(find((home / f"y_{place.name}.txt").as_posix()), len(windows))
    people = _column(find((home / f"subject_{place.name}.txt").as_posix()), len(windows))
    names = _names(find((home.parent / "activity_labels.txt").as_posix()) or find("activity_labels.txt"))
    rate_hz = options.rate_hz or RATE_HZ
    measured = measure([windows.reshape(-1, 3)], rate_hz)
    unit, note = decide_unit(files["x"].name, [measured], declared=options.unit, written="g")
    imported = Imported(unit=unit)
    imported.notes = [
        f"{place.name}: {len(windows)} windows of {windows.shape[1]} samples; half overlaps are joined.",
        f"The rate is taken as {rate_hz:g} Hz, that of UCI-HAR.",
        *([note] if note else []),
    ]
    for number, (start, stop) in enumerate(_stretches(windows, people), 1):
        subject = people[start] if people else options.subject_name or UNKNOWN_SUBJECT
        samples = np.concatenate(
            [windows[start], *(window[windows.shape[1] // 2 :] for window in windows[start + 1 : stop])]
        )
        labels = _labels(activities[start:stop] if activities else [], names, windows.shape[1])
        own = measure([samples], rate_hz)
        per_g = parse_unit(unit).per_g
        imported.recordings.append(
            Recording(
                recording_id=f"{place.name}#{subject}/{number}",
                subject=subject,
                samples=parse_unit(unit).to_g(samples),
                rate_hz=rate_hz,
                labels=labels,
                placement=options.placement,
                source=PurePosixPath(files["x"].inner).name,
                problems=tuple(problems_of(own, per_g=per_g, rate_hz=rate_hz, line=start + 1)),
            )
        )
    return imported


def _numbers(source: Source) -> Floats:
    """Return the rows of a file."""
    with source.open() as stream:
        try:
            grid = np.loadtxt(stream, ndmin=2, comments=None)
        except ValueError as error:
            raise refusal(source.name, f"expected a window of numbers on every line, but {error}") from error
    if not grid.size or grid.shape[1] < 2 or not np.isfinite(grid).all():
        raise refusal(source.name, f"expected windows of finite numbers, got {grid.shape[0]} rows of {grid.shape[-1]}")
    return grid


def _column(source: Source | None, rows: int) -> list[str]:
    """Return the words of a file with one word a line; nothing if it is not there."""
    if source is None:
        return []
    with source.open() as stream:
        words = stream.read(16 * 2**20).decode("ascii", "replace").split()
    if len(words) != rows:
        raise refusal(source.name, f"expected {rows} lines, one for each window, got {len(words)}")
    return words


def _names(source: Source | None) -> dict[str, str]:
    """Return the names of activities by number."""
    if source is None:
        return {}
    with source.open() as stream:
        lines = stream.read(2**20).decode("utf-8", "replace").splitlines()
    return {parts[0]: parts[1].strip() for line in lines if len(parts := line.split(maxsplit=1)) == 2}


def _stretches(windows: Floats, people: Sequence[str]) -> list[tuple[int, int]]:
    """Return where windows of one person follow one another."""
    half = windows.shape[1] // 2
    follows = np.isclose(windows[1:, :half], windows[:-1, half : 2 * half], atol=1e-9).all(axis=(1, 2))
    if people:
        follows &= np.array(people[1:]) == np.array(people[:-1])
    edges = [0, *(np.flatnonzero(~follows) + 1).tolist(), len(windows)]
    return list(pairwise(edges))


def _labels(activities: Sequence[str], names: dict[str, str], length: int) -> tuple[LabelInterval, ...]:
    """Return the labels of joined windows; where two differ, the border lies in the middle of what they share."""
    if not activities:
        return ()
    half = length // 2
    centres = [half // 2 + at * half for at in range(len(activities))]
    edges = [0]
    labels: list[LabelInterval] = []
    total = length + half * (len(activities) - 1)
    for at in range(1, len(activities) + 1):
        if at == len(activities) or activities[at] != activities[at - 1]:
            stop = total if at == len(activities) else centres[at] + half // 2
            labels.append(LabelInterval(edges[-1], stop, names.get(activities[at - 1], activities[at - 1])))
            edges.append(stop)
    return tuple(labels)
