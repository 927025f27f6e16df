"""Read HAPT: 30 people, 6 activities and 6 postural transitions, smartphone at the waist, 50 Hz.

Source: Reyes-Ortiz et al., "Transition-Aware Human Activity Recognition Using Smartphones", Neurocomputing 2016; UCI
data set 341. ``RawData/acc_expEE_userUU.txt`` holds three columns in g; a line of ``RawData/labels.txt`` is experiment,
user, activity, first sample, last sample, counted from 1 and both inclusive. Samples between labels stay unlabelled.
"""

import re
from collections import defaultdict
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from edgehar.models.errors import DataError
from edgehar.pipeline.data.importing.journal import Journal
from edgehar.pipeline.data.importing.kept_files import KeptFiles
from edgehar.pipeline.data.importing.spool import Workspace
from edgehar.pipeline.data.readers import Progress
from edgehar.pipeline.data.recordings import Dataset, LabelInterval, Recording

RATE_HZ: Final = 50.0
PLACEMENT: Final = "waist (smartphone on a belt)"
TERMS: Final = "Distributed by UCI (data set 341) for non-commercial use; cite Reyes-Ortiz et al., Neurocomputing 2016."

_FILE: Final = re.compile(r"acc_exp(\d+)_user(\d+)\.txt")
_Key = tuple[int, int]


def recognises(path: Path) -> bool:
    """Tell whether the folder holds RawData with acceleration files and labels."""
    raw = path / "RawData"
    return (raw / "labels.txt").is_file() and any(raw.glob("acc_exp*_user*.txt"))


def read(path: Path, *, journal: Journal | None = None, progress: Progress | None = None) -> Dataset:
    """Read every experiment.

    Parameters
    ----------
    path
        The folder that holds ``RawData`` and ``activity_labels.txt``.
    journal
        Keeps the samples that were read, and knows those of an interrupted import; labels are always read.
    progress
        Called after each file with (files done, files in all).

    Raises
    ------
    DataError
        When a file is missing, a line is not what it must be, or a label lies outside its recording.
    """
    activities = _activities(path / "activity_labels.txt")
    files = _files(path / "RawData")
    labels = _labels(path / "RawData" / "labels.txt", activities, files)
    recordings = []
    kept = KeptFiles(path, journal)
    for done, (key, file) in enumerate(sorted(files.items()), start=1):
        recording, _ = kept.read(file, partial(_read_samples, file, key))
        recordings.append(_labelled(recording, labels.get(key, [])))
        if progress is not None:
            progress(done, len(files))
    note = "Activity names are written in words (WALKING_UPSTAIRS is Walking Upstairs), as in USC-HAD."
    return Dataset("HAPT", tuple(activities.values()), tuple(recordings), notes=(note,), terms=TERMS)


def _activities(path: Path) -> dict[int, str]:
    """Return the activities by number, in order."""
    activities: dict[int, str] = {}
    for number, line in _lines(path):
        match = re.fullmatch(r"(\d+)\s+(\S+)", line)
        if not match:
            raise _refusal(path, "expected a number and a name", line, number)
        activities[int(match[1])] = match[2].replace("_", " ").title()
    return dict(sorted(activities.items()))


def _files(folder: Path) -> dict[_Key, Path]:
    """Return the acceleration files by (experiment, user)."""
    matches = ((_FILE.fullmatch(file.name), file) for file in folder.glob("acc_exp*_user*.txt"))
    files = {(int(match[1]), int(match[2])): file for match, file in matches if match}
    if not files:
        raise DataError(
            f"{folder}: expected files acc_exp01_user01.txt and so on, found none",
            next_step="Point to the folder that holds RawData.",
            path=str(folder),
        )
    return files


def _labels(path: Path, activities: dict[int, str], files: dict[_Key, Path]) -> dict[_Key, list[LabelInterval]]:
    """Return the label intervals of every recording, in order."""
    labels: dict[_Key, list[LabelInterval]] = defaultdict(list)
    for number, line in _lines(path):
        fields = line.split()
        if len(fields) != 5 or not all(field.isdecimal() for field in fields):
            raise _refusal(
                path, "expected five whole numbers: experiment, user, activity, first and last sample", line, number
            )
        experiment, user, activity, first, last = map(int, fields)
        if activity not in activities or not 1 <= first <= last:
            raise _refusal(
                path, f"expected an activity among 1 to {len(activities)} and 1 <= first <= last", line, number
            )
        if (experiment, user) not in files:
            raise _refusal(
                path, f"expected a file acc_exp{experiment:02}_user{user:02}.txt beside it, none for", line, number
            )
        labels[experiment, user].append(LabelInterval(first - 1, last, activities[activity]))
    return {key: sorted(intervals, key=lambda label: label.start) for key, intervals in labels.items()}


def _labelled(recording: Recording, labels: list[LabelInterval]) -> Recording:
    """Return a recording with what labels.txt says of it."""
    problems = () if labels else ("labels.txt says nothing about this recording; all of it is unlabelled.",)
    return replace(recording, labels=tuple(labels), problems=problems)


def _read_samples(path: Path, key: _Key, workspace: Workspace | None) -> tuple[Recording, list[str]]:
    """Read one acceleration file, without labels."""
    recording = Recording(
        recording_id=f"exp{key[0]:02}",
        subject=str(key[1]),
        samples=_samples(path),
        rate_hz=RATE_HZ,
        placement=PLACEMENT,
        source=path.name,
    )
    return recording, []


def _samples(path: Path) -> npt.NDArray[np.float32]:
    """Read three columns of finite numbers, or say which line is not that."""
    try:
        if path.stat().st_size:
            samples = np.loadtxt(path, dtype=np.float32, ndmin=2, comments=None)
            if samples.shape[1] == 3 and np.isfinite(samples).all():
                return samples
    except (OSError, ValueError) as error:
        raise _bad_line(path) from error
    raise _bad_line(path)


def _bad_line(path: Path) -> DataError:
    """Return the error for the first line that is not three finite numbers."""
    number, line = 0, ""
    for number, line in _lines(path):  # noqa: B007
        try:
            values = [float(field) for field in line.split()]
        except ValueError:
            break
        if len(values) != 3 or not np.isfinite(values).all():
            break
    return _refusal(path, "expected three finite numbers on every line", line, number)


def _lines(path: Path) -> list[tuple[int, str]]:
    """Return the lines of a text file that are not blank, with their numbers."""
    try:
        text = path.read_text(encoding="ascii")
    except (OSError, ValueError) as error:
        reason = "it is not text" if isinstance(error, ValueError) else error
        raise DataError(
            f"{path}: expected a text file, but {reason}", next_step="Fetch the data set again.", path=str(path)
        ) from error
    return [(number, line.strip()) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]


def _refusal(path: Path, expected: str, line: str, number: int) -> DataError:
    """Return the error for a line that is not what it must be."""
    return DataError(
        f"{path}, line {number}: {expected}, got {line[:60]!r}",
        next_step="Fetch the data set again.",
        path=str(path),
        line=number,
    )
