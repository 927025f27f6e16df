"""Recordings that stand twice in a data set: copies of a file, and one sensor that an app has written in two ways.

An app may write its accelerometer with gravity, without it, and uncalibrated, each to a file of that name: that is one
recording. Other recordings that are alike are kept, as they may be meant, and copies are said.
"""

import re
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Final

import numpy as np

from edgehar.models.sensing.names import ACCELERATION, sensor_of_text
from edgehar.pipeline.data.blocks import BLOCK_ROWS
from edgehar.pipeline.data.identity import fingerprint
from edgehar.pipeline.data.recordings import Recording

_FEWEST: Final = 50
_FEWEST_DIFFERENT: Final = 10
_COMPARED: Final = 512
_NEAR_G: Final = 0.05
_NAMED: Final = 3


def without_repeats(recordings: Sequence[Recording]) -> tuple[list[Recording], list[str]]:
    """Return recordings without those that are another one of the same folder, written differently; and problems.

    Parameters
    ----------
    recordings
        Of a data set; the first of several that are one is kept, or the first that is labelled.
    """
    kept: list[Recording] = []
    repeats: list[tuple[str, str]] = []
    near: dict[tuple[str, int], list[int]] = {}
    for item in recordings:
        key = _place_and_time(item)
        same = None
        for moment in () if key is None else (key[1] - 1, key[1], key[1] + 1):
            candidates = near.get((key[0], moment), []) if key else []
            same = next((at for at in candidates if _are_one_sensor(kept[at], item)), same)
        if same is None:
            if key is not None:
                near.setdefault(key, []).append(len(kept))
            kept.append(item)
            continue
        repeats.append((item.recording_id, kept[same].recording_id))
        if item.labels and not kept[same].labels:
            repeats[-1] = (repeats[-1][1], repeats[-1][0])
            kept[same] = item
    problems = [f"{one} measures the same as {other}: only {other} is taken." for one, other in repeats[:_NAMED]]
    if len(repeats) > _NAMED:
        problems.append(f"{len(repeats) - _NAMED} more recordings measure the same as another one, and are left out.")
    return kept, [*problems, *_about_copies(kept)]


def _place_and_time(item: Recording) -> tuple[str, int] | None:
    """Return the folder and the second of a recording whose file is named after its sensor; else None."""
    named = sensor_of_text(PurePosixPath(item.source).stem) == ACCELERATION
    if not named or item.timestamps_s is None or len(item) < _FEWEST:
        return None
    folder = item.recording_id.partition("#")[0].rpartition("/")[0]
    return folder, int(item.timestamps_s[0])


def _are_one_sensor(one: Recording, other: Recording) -> bool:
    """Tell whether recordings of two files that are named differently measure the same movement at the same times."""
    names = [re.sub(r"\d+", "", item.source) for item in (one, other)]
    if one.timestamps_s is None or other.timestamps_s is None or names[0] == names[1]:
        return False
    slack_s = 2 / min(one.rate_hz, other.rate_hz)
    begin, end = one.timestamps_s[[0, -1]] - other.timestamps_s[[0, -1]]
    if max(abs(begin), abs(end)) > slack_s:
        return False
    rows = np.linspace(0, len(other) - 1, min(_COMPARED, len(other))).astype(int)
    moments, there = np.asarray(other.timestamps_s)[rows], np.asarray(one.timestamps_s)
    nearest = np.clip(np.searchsorted(there, moments - 0.5 / one.rate_hz), 0, len(one) - 1)
    apart = np.abs(np.asarray(one.samples)[nearest, :3] - np.asarray(other.samples)[rows, :3])
    varies = len(np.unique(np.asarray(other.samples)[rows], axis=0)) >= _FEWEST_DIFFERENT
    return varies and float(np.quantile(apart, 0.9)) <= _NEAR_G


def _about_copies(recordings: Sequence[Recording]) -> list[str]:
    """Say which recordings are exact copies of others."""
    first: dict[tuple[int, bytes], list[Recording]] = {}
    for item in recordings:
        if len(item) >= _FEWEST:
            first.setdefault((len(item), np.asarray(item.samples[[0, len(item) // 2, -1]]).tobytes()), []).append(item)
    copies: list[tuple[str, str]] = []
    for alike in (items for items in first.values() if len(items) > 1):
        seen: dict[str, str] = {}
        for item in alike:
            if len(np.unique(np.asarray(item.samples[:BLOCK_ROWS]), axis=0)) < _FEWEST_DIFFERENT:
                continue
            other = seen.setdefault(fingerprint(item.samples), item.recording_id)
            if other != item.recording_id:
                copies.append((item.recording_id, other))
    if not copies:
        return []
    listed = ", ".join(f"{one} as {other}" for one, other in copies[:_NAMED]) + ", …" * (len(copies) > _NAMED)
    number = f"{len(copies):,} recording{'s hold' if len(copies) > 1 else ' holds'}"
    return [f"{number} the same samples as another one ({listed}): each counts twice."]
