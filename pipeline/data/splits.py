"""Splits: which windows a model learns from, and which people it is judged on.

People walk alike from one second to the next, and differently from each other. A split of windows at random puts
seconds of the same walk on both sides, and flatters; so every split here is by subject, but for one that shows it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgehar.models.errors import DataError, UsageError
from edgehar.pipeline.data.recordings import in_natural_order, unknown_subject
from edgehar.pipeline.data.windows import Indices, Windows


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Split:
    """Windows to learn from and windows to be judged on.

    Parameters
    ----------
    name
        Short, for file names and tables.
    protocol
        One sentence for a report.
    train, test : ndarray of int64
        Positions in the windows.
    train_subjects, test_subjects
        In natural order.
    """

    name: str
    protocol: str
    train: Indices
    test: Indices
    train_subjects: tuple[str, ...]
    test_subjects: tuple[str, ...]

    def __repr__(self) -> str:
        return f"<Split {self.name!r}: {len(self.train)} windows to learn from, {len(self.test)} to be judged on>"


def default_holdout(windows: Windows) -> tuple[str, ...]:
    """Return every fourth subject (of 14: 4, 8 and 12), or the last where there are fewer.

    Raises
    ------
    DataError
        When there is only one subject.
    """
    subjects = windows.subject_names
    _need(windows, 2)
    return subjects[3::4] or subjects[-1:]


def holdout(windows: Windows, subjects: Iterable[str | int]) -> Split:
    """Judge on the named subjects, learn from all others.

    Raises
    ------
    UsageError
        When a subject is not there, or none is named.
    DataError
        When no subject is left to learn from.
    """
    wanted = in_natural_order({str(subject) for subject in subjects})
    if not wanted:
        raise UsageError("expected subjects to hold out, got none", next_step="Name at least one.")
    for subject in wanted:
        if subject not in windows.subject_names:
            raise unknown_subject(subject, windows.subject_names)
    protocol = f"Judged on subject{'s' if len(wanted) > 1 else ''} {', '.join(wanted)}, never seen in training."
    return _by_subject(windows, f"holdout-{'-'.join(wanted)}", protocol, wanted)


def subject_groups(windows: Windows, k: int) -> tuple[Split, ...]:
    """Judge on each of k groups of subjects in turn.

    Group ``f`` holds the subjects whose number is ``f`` modulo ``k``; where subjects are not numbers, or their numbers
    would leave a group empty, their position in natural order takes the number's place.

    Raises
    ------
    UsageError
        When ``k`` is less than 2.
    DataError
        When there are fewer than ``k`` subjects.
    """
    _check_k(k)
    _need(windows, k)
    subjects = windows.subject_names
    numbers = [int(subject) if subject.isdecimal() else -1 for subject in subjects]
    if min(numbers) < 0 or len({number % k for number in numbers}) < k:
        numbers = list(range(len(subjects)))
    groups = [tuple(name for name, number in zip(subjects, numbers, strict=True) if number % k == f) for f in range(k)]
    return tuple(
        _by_subject(
            windows,
            f"group-{f + 1}-of-{k}",
            f"Group {f + 1} of {k} groups of subjects: judged on {', '.join(group)}, never seen in training.",
            group,
        )
        for f, group in enumerate(groups)
    )


def leave_one_subject_out(windows: Windows) -> tuple[Split, ...]:
    """Judge on every subject in turn, learning from all others.

    Raises
    ------
    DataError
        When there is only one subject.
    """
    _need(windows, 2)
    return tuple(
        _by_subject(windows, f"subject-{subject}", f"Leave one subject out: judged on {subject}.", (subject,))
        for subject in windows.subject_names
    )


def everybody(windows: Windows) -> Split:
    """Learn from everybody: for a model that is released, whose figures are those of models that did not.

    Raises
    ------
    DataError
        When there is no window.
    """
    if not len(windows):
        raise DataError("expected windows to learn from, got none", next_step="Add recordings.")
    protocol = "Learned from everybody: nobody is left to be judged."
    return Split("everybody", protocol, np.arange(len(windows)), np.empty(0, np.int64), windows.subject_names, ())


def in_time(windows: Windows, *, share: float = 0.25) -> Split:
    """Judge on the last takes of every activity, learn from the earlier ones: for the recordings of one person.

    A take is a segment: one activity in one recording, without a gap. Where there is only one take of an activity, its
    last part is judged on, and the windows within one window's length of it are left out: neighbours are too alike.

    Parameters
    ----------
    windows
        Of any number of people; those of one person are what this is for.
    share
        Of the takes, or of the length of the only take.

    Raises
    ------
    UsageError
        When ``share`` is not between 0 and 1.
    DataError
        When the recordings are too short to learn from one part and be judged on another.
    """
    if not 0 < share < 1:
        raise UsageError(f"expected a share between 0 and 1, got {share:g}", next_step="Choose 0.25, for example.")
    parts = [_later(windows, np.flatnonzero(windows.labels == label), share) for label in np.unique(windows.labels)]
    train, test = (np.sort(np.concatenate([part[side] for part in parts])) for side in (0, 1)) if parts else ((), ())
    people = ", ".join(windows.subject_names)
    protocol = f"Judged on later takes of the same people ({people}): says nothing about anybody else."
    return _checked(windows, "in-time", protocol, np.asarray(train, np.int64), np.asarray(test, np.int64))


def random_windows(windows: Windows, *, k: int = 4, seed: int = 0) -> tuple[Split, ...]:
    """Judge on each of k random parts of the windows in turn. **Leaky**: it exists to show how much it flatters.

    Raises
    ------
    UsageError
        When ``k`` is less than 2.
    DataError
        When there are fewer than ``k`` windows.
    """
    _check_k(k)
    if len(windows) < k:
        raise DataError(f"expected at least {k} windows, got {len(windows)}", next_step="Use fewer parts.")
    parts = np.array_split(np.random.default_rng(seed).permutation(len(windows)), k)
    protocol = "LEAKY: windows were split at random, so that people and even overlapping windows are on both sides."
    return tuple(
        _split(windows, f"random-{f + 1}-of-{k}", protocol, np.isin(np.arange(len(windows)), part))
        for f, part in enumerate(parts)
    )


def _by_subject(windows: Windows, name: str, protocol: str, subjects: Sequence[str]) -> Split:
    """Return the split that judges on these subjects."""
    return _split(windows, name, protocol, np.isin(windows.subjects, list(subjects)))


def _split(windows: Windows, name: str, protocol: str, is_test: npt.NDArray[np.bool_]) -> Split:
    """Return the split that judges on the marked windows."""
    return _checked(windows, name, protocol, np.flatnonzero(~is_test), np.flatnonzero(is_test))


def _checked(windows: Windows, name: str, protocol: str, train: Indices, test: Indices) -> Split:
    """Return a split, and refuse one with nothing on a side."""
    if not len(train) or not len(test):
        empty = "to learn from" if not len(train) else "to be judged on"
        raise DataError(
            f"split {name}: expected windows {empty}, got none",
            next_step="Choose other subjects, or record more.",
            split=name,
        )
    return Split(
        name,
        protocol,
        train,
        test,
        in_natural_order(np.unique(windows.subjects[train]).tolist()),
        in_natural_order(np.unique(windows.subjects[test]).tolist()),
    )


def _later(windows: Windows, chosen: Indices, share: float) -> tuple[Indices, Indices]:
    """Return the earlier and the later ones of the windows of one activity, with nothing alike on both sides."""
    takes = np.unique(windows.segment_starts[chosen])
    if len(takes) > 1:
        first = takes[len(takes) - max(1, round(share * len(takes)))]
        is_later = windows.segment_starts[chosen] >= first
        return chosen[~is_later], chosen[is_later]
    starts, stops = windows.starts[chosen], windows.starts[chosen] + windows.window_length
    border = stops.max() - round(share * (stops.max() - starts.min()))
    return chosen[stops <= border - windows.window_length], chosen[starts >= border]


def _need(windows: Windows, count: int) -> None:
    """Refuse a split that needs more subjects than there are."""
    subjects = windows.subject_names
    if len(subjects) < count:
        raise DataError(
            f"expected at least {count} subjects to split by, got {len(subjects)} ({', '.join(subjects)})",
            next_step="Add recordings of other people, or say which recording is whose.",
            subjects=subjects,
        )


def _check_k(k: int) -> None:
    """Refuse a number of parts that is no split."""
    if k < 2:
        raise UsageError(f"expected at least 2 parts, got {k}", next_step="Choose 2 or more.")
