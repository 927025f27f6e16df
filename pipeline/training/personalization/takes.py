"""Takes: how one person's windows are parted, so that nothing is judged by what it was learned from."""

from dataclasses import replace
from typing import Final

import numpy as np

from edgehar.models.errors import DataError
from edgehar.pipeline.data.windows import Indices, Windows

FOLDS: Final = 3


def first_takes(windows: Windows, indices: Indices) -> tuple[Indices, Indices]:
    """Return the windows of the first take of every activity, and those of all later takes.

    A take is a segment: one activity in one recording, without a gap.

    Raises
    ------
    DataError
        If there is no later take.
    """
    labels, segments = windows.labels[indices], windows.segment_starts[indices]
    first = {label: segments[labels == label].min() for label in np.unique(labels).tolist()}
    is_first = segments == np.array([first[label] for label in labels.tolist()])
    if is_first.all():
        raise DataError(
            "expected a second take of some activity to test on, every activity was recorded once",
            next_step="Leave --from out to learn from everything, judged by cross-validation.",
        )
    return indices[is_first], indices[~is_first]


def folds_of(windows: Windows, indices: Indices) -> Indices:
    """Return for every window the fold (0 to `FOLDS` - 1) that judges it, or -1 for one that only its take learns from.

    Takes of an activity go into the folds in turn. The only take of an activity is parted in time, and windows that
    reach over a border are in no fold: they are neither learned from nor judged.

    Parameters
    ----------
    windows, indices
        Of one person.
    """
    folds = np.full(len(indices), -1, np.int64)
    for label in np.unique(windows.labels[indices]).tolist():
        own = np.flatnonzero(windows.labels[indices] == label)
        segments = windows.segment_starts[indices[own]]
        takes = np.unique(segments)
        folds[own] = np.searchsorted(takes, segments) % FOLDS if len(takes) > 1 else _parts(windows, indices[own])
    return folds


def confined(windows: Windows, indices: Indices, folds: Indices) -> Windows:
    """Return windows whose segments end where their fold ends, so that none is moved into what another fold judges.

    Parameters
    ----------
    windows, indices
        Of one person.
    folds
        Of `folds_of`.
    """
    starts, stops = windows.segment_starts.copy(), windows.segment_stops.copy()
    for label in np.unique(windows.labels[indices]).tolist():
        own = (windows.labels[indices] == label) & (folds >= 0)
        for fold in range(FOLDS):
            part = indices[own & (folds == fold)]
            for take in np.unique(windows.segment_starts[part]):
                inside = part[windows.segment_starts[part] == take]
                starts[inside] = windows.starts[inside].min()
                stops[inside] = windows.starts[inside].max() + windows.window_length
    return replace(windows, segment_starts=starts, segment_stops=stops)


def long_enough(windows: Windows, indices: Indices) -> tuple[Indices, tuple[str, ...]]:
    """Return the windows of activities that can be learned from and judged, and a sentence for each of the others.

    That is two takes, or one of three windows' length.

    Raises
    ------
    DataError
        If fewer than two activities are left.
    """
    length_s = windows.window_length / windows.rate_hz
    usable, remarks = np.ones(len(indices), bool), []
    labels = windows.labels[indices]
    for label in np.unique(labels).tolist():
        own = labels == label
        takes = np.unique(windows.segment_starts[indices[own]])
        span = np.ptp(windows.starts[indices[own]]) + windows.window_length
        if len(takes) == 1 and span < FOLDS * windows.window_length:
            usable &= ~own
            remarks.append(
                f"{windows.activities[label]}: {span / windows.rate_hz:.1f} s are too little to learn from and judge "
                f"by; record {FOLDS * length_s:g} s or more, better twice 20 s."
            )
    names = [windows.activities[label] for label in np.unique(labels[usable]).tolist()]
    if len(names) < 2:
        got = f"only {names[0]}" if names else "none"
        raise DataError(
            f"expected recordings of two activities or more, each {FOLDS * length_s:g} s long or longer, got {got}",
            next_step="Record several activities; har record --script leads through them.",
            notes=tuple(remarks),
        )
    return indices[usable], tuple(remarks)


def _parts(windows: Windows, own: Indices) -> Indices:
    """Return in which part of its take each window lies, -1 for those that reach over a border."""
    starts, length = windows.starts[own] - windows.starts[own].min(), windows.window_length
    part = (int(starts.max()) + length) / FOLDS
    first, last = (starts // part).astype(np.int64), ((starts + length - 1) // part).astype(np.int64)
    return np.where(first == last, first, -1)
