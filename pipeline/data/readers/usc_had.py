"""Read USC-HAD: 14 people, 12 activities, 5 trials each, MotionNode at the front right hip, 100 Hz.

Source: Zhang & Sawchuk, "USC-HAD: A Daily Activity Dataset for Ubiquitous Activity Recognition Using Wearable
Sensors", UbiComp 2012. Files are ``SubjectN/a{activity}t{trial}.mat``; ``sensor_readings`` is (n, 6): acceleration
in g, then angular rate in degrees/s. The acceleration is kept.

The label is taken from the *file name*. What a file says about itself is compared with it, and every disagreement is
reported: one file says another activity, two another trial, one spells a field differently.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from edgehar.models.contract import ACTIVITIES
from edgehar.models.errors import DataError
from edgehar.pipeline.data.importing.journal import Journal
from edgehar.pipeline.data.importing.kept_files import KeptFiles
from edgehar.pipeline.data.importing.spool import Workspace
from edgehar.pipeline.data.readers import Progress
from edgehar.pipeline.data.readers.mat5 import Variable, read_mat5
from edgehar.pipeline.data.recordings import Dataset, LabelInterval, Recording

RATE_HZ: Final = 100.0
NOMINAL_RANGE_G: Final = 6.0
TRIALS: Final = 5
TERMS: Final = (
    "Published as freely available for research at sipi.usc.edu/had; no licence text is known. "
    "Cite Zhang & Sawchuk, UbiComp 2012 (DOI 10.1145/2370216.2370438)."
)

_FOLDER: Final = re.compile(r"Subject(\d+)")
_FILE: Final = re.compile(r"a(\d+)t(\d+)\.mat")


@dataclass(frozen=True, slots=True)
class _Trial:
    """A file, and what its name says."""

    path: Path
    subject: int
    activity: int
    trial: int

    @property
    def name(self) -> str:
        """The id of the recording."""
        return f"S{self.subject}/a{self.activity}t{self.trial}"


def recognises(path: Path) -> bool:
    """Tell whether the folder, or the folder USC-HAD in it, holds SubjectN folders with .mat files."""
    return any(_subject_folders(path))


def read(
    path: Path,
    *,
    exclude_suspect: bool = False,
    allow_missing: bool = False,
    gyroscope: bool = False,
    journal: Journal | None = None,
    progress: Progress | None = None,
) -> Dataset:
    """Read every trial.

    Parameters
    ----------
    path
        The folder that holds ``Subject1`` to ``Subject14``.
    exclude_suspect
        Leave out a file that says another activity inside than its name does (S14/a3t2).
    allow_missing
        Report trials that are missing instead of refusing the folder.
    gyroscope
        Keep the turning rate, in degrees/s, behind the acceleration.
    journal
        Keeps what was read, and knows what an interrupted import has read.
    progress
        Called after each file with (files done, files in all).

    Raises
    ------
    DataError
        When there is no trial, one is missing, or a file is truncated or holds something else.
    """
    trials, problems = _find(path)
    missing = _missing(trials)
    if missing and not allow_missing:
        raise DataError(
            f"{path}: expected 12 activities x {TRIALS} trials of every subject, but {_listed(missing)} missing",
            next_step="Fetch the data set again, or import it with --allow-missing.",
            path=str(path),
            missing=missing,
        )
    recordings = []
    spellings: set[tuple[int, str]] = set()
    columns = 6 if gyroscope else 3
    kept = KeptFiles(path, journal, channels=columns)
    for done, trial in enumerate(trials, start=1):
        recording, (spelling, *doubt) = kept.read(trial.path, partial(_read_trial, trial, columns))
        spellings.add((trial.activity, spelling))
        if doubt and exclude_suspect:
            problems.append(f"{trial.name} was left out: its activity is in doubt.")
        else:
            recordings.append(recording)
        if progress is not None:
            progress(done, len(trials))
    problems += [f"{_listed(missing)} missing."] if missing else []
    problems += [*_about_spelling(spellings), *_about_range(recordings), *_about_sleeping(recordings)]
    return Dataset("USC-HAD", ACTIVITIES, tuple(recordings), problems=tuple(problems), terms=TERMS)


def _subject_folders(path: Path) -> Iterable[Path]:
    """Yield the SubjectN folders of the data set."""
    for root in (path, path / "USC-HAD"):
        if root.is_dir():
            for folder in root.iterdir():
                if _FOLDER.fullmatch(folder.name) and folder.is_dir():
                    yield folder


def _find(path: Path) -> tuple[list[_Trial], list[str]]:
    """Return the trials in order, and what was passed over."""
    trials, problems = [], []
    for folder in _subject_folders(path):
        subject = int(folder.name.removeprefix("Subject"))
        for file in sorted(folder.glob("*.mat")):
            match = _FILE.fullmatch(file.name)
            if match and 1 <= int(match[1]) <= len(ACTIVITIES):
                trials.append(_Trial(file, subject, int(match[1]), int(match[2])))
            else:
                problems.append(
                    f"{folder.name}/{file.name} was passed over: its name is not a1t1.mat to a12t{TRIALS}.mat."
                )
    if not trials:
        raise DataError(
            f"{path}: expected SubjectN folders with files a1t1.mat to a12t{TRIALS}.mat, found none",
            next_step="Point to the folder that holds Subject1 to Subject14.",
            path=str(path),
        )
    return sorted(trials, key=lambda trial: (trial.subject, trial.activity, trial.trial)), problems


def _missing(trials: list[_Trial]) -> list[str]:
    """Return the names of trials the data set has and the folder has not."""
    present = {(trial.subject, trial.activity, trial.trial) for trial in trials}
    return [
        f"S{subject}/a{activity}t{trial}"
        for subject in sorted({trial.subject for trial in trials})
        for activity in range(1, len(ACTIVITIES) + 1)
        for trial in range(1, TRIALS + 1)
        if (subject, activity, trial) not in present
    ]


def _read_trial(trial: _Trial, columns: int, workspace: Workspace | None) -> tuple[Recording, list[str]]:
    """Return the recording of a trial; and how the file writes its activity, and a doubt if there is one."""
    content = read_mat5(trial.path)
    recording, suspect = _recording(trial, content, columns)
    return recording, [_text(content, "activity"), *(["in doubt"] if suspect else [])]


def _recording(trial: _Trial, content: Mapping[str, Variable], columns: int) -> tuple[Recording, bool]:
    """Return the recording of a trial, and whether its activity is in doubt."""
    samples = _samples(trial.path, content, columns)
    problems = []
    field = "activity_number" if "activity_number" in content else "activity_numbr"
    if field == "activity_numbr":
        problems.append("The field activity_number is spelled activity_numbr.")
    inside = _text(content, field)
    suspect = inside != str(trial.activity)
    if suspect:
        problems.append(
            f"The file says activity {inside or 'nothing'} ({_text(content, 'activity')}) inside, its name says "
            f"{trial.activity} ({ACTIVITIES[trial.activity - 1]}); the name is used."
        )
    for what, expected in (("subject", trial.subject), ("trial", trial.trial)):
        if _text(content, what) != str(expected):
            found = _text(content, what) or "nothing"
            problems.append(f"The file says {what} {found} inside, its name says {expected}; the name is used.")
    if "comments" in content:
        problems.append(f"The file carries a comment: {_text(content, 'comments')!r}.")
    activity = ACTIVITIES[trial.activity - 1]
    recording = Recording(
        recording_id=trial.name,
        subject=str(trial.subject),
        samples=samples,
        rate_hz=RATE_HZ,
        labels=(LabelInterval(0, len(samples), activity),),
        placement=f"{_text(content, 'sensor_location')}, {_text(content, 'sensor_orientation')}",
        source=f"{trial.path.parent.name}/{trial.path.name}",
    )
    return replace(recording, problems=tuple(problems)) if problems else recording, suspect


def _samples(path: Path, content: Mapping[str, Variable], columns: int) -> npt.NDArray[np.float32]:
    """Return the first columns of a file: acceleration, then the turning rate."""
    readings = content.get("sensor_readings")
    if not isinstance(readings, np.ndarray) or readings.shape[1] != 6 or not len(readings):
        shape = readings.shape if isinstance(readings, np.ndarray) else "no such field"
        raise DataError(
            f"{path}: expected sensor_readings with 6 columns of numbers, got {shape}",
            next_step="Fetch the file again.",
            path=str(path),
        )
    with np.errstate(over="ignore"):
        samples = np.ascontiguousarray(readings[:, :columns], dtype=np.float32)
    if not np.isfinite(samples).all():
        row = int(np.flatnonzero(~np.isfinite(samples).all(axis=1))[0])
        raise DataError(
            f"{path}: expected finite acceleration, got {samples[row].tolist()} in row {row + 1}",
            next_step="Fetch the file again.",
            path=str(path),
            line=row + 1,
        )
    return samples


def _text(content: Mapping[str, Variable], field: str) -> str:
    """Return a field of text; empty when it is absent."""
    value = content.get(field, "")
    return value.strip() if isinstance(value, str) else f"{value.flat[0]:g}" if value.size else ""


def _listed(names: list[str]) -> str:
    """Return up to five names with their verb."""
    shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    return f"{shown} {'is' if len(names) == 1 else 'are'}"


def _about_spelling(spellings: set[tuple[int, str]]) -> list[str]:
    """Say how many ways activities are written inside the files."""
    extra = len(spellings) - len({activity for activity, _ in spellings})
    if not extra:
        return []
    return [f"The files spell their activities in {len(spellings)} ways inside; labels are taken from the file names."]


def _about_range(recordings: list[Recording]) -> list[str]:
    """Say how much lies beyond the nominal range of the sensor."""
    peaks = np.array([np.abs(recording.samples[:, :3]).max() for recording in recordings])
    beyond = int((peaks > NOMINAL_RANGE_G).sum())
    if not beyond:
        return []
    return [
        f"{beyond} recordings exceed the nominal ±{NOMINAL_RANGE_G:g} g (up to {peaks.max():.2f} g); kept as they are."
    ]


def _about_sleeping(recordings: list[Recording]) -> list[str]:
    """Say that people lie in different postures, when the data show it."""
    sleeping = ACTIVITIES[9]
    lying = [recording for recording in recordings if recording.labels[0].activity == sleeping]
    by_subject = {
        subject: float(np.mean([item.samples[:, 0].mean() for item in lying if item.subject == subject]))
        for subject in {item.subject for item in lying}
    }
    if not by_subject or max(by_subject.values()) - min(by_subject.values()) < 0.5:
        return []
    low, high = min(by_subject, key=by_subject.__getitem__), max(by_subject, key=by_subject.__getitem__)
    return [
        f"Posture in {sleeping} differs: mean gravity on x goes from {by_subject[low]:+.2f} g (subject {low}) "
        f"to {by_subject[high]:+.2f} g (subject {high})."
    ]
