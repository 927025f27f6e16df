"""What the samples of a data set say about how they were taken: gravity, largest values, measured rates.

Every sample is read once, in blocks; of each recording a bounded number of windows is kept.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from edgehar.models.sensing.gravity import PLAUSIBLE_LENGTH_G
from edgehar.pipeline.data.blocks import blocks_of
from edgehar.pipeline.data.recordings import Dataset, Recording

Floats = npt.NDArray[np.float64]

WINDOW_S: Final = 2.0
"""Seconds over which the mean vector of a worn sensor is gravity (see `edgehar.models.sensing.gravity`)."""
TURNED_DEG: Final = 45.0
"""From this angle on a sensor is worn another way than those of most people: no belt slips as far."""
_QUIET_G: Final = 0.1
_LEAST_PEOPLE: Final = 3
_KEPT_WINDOWS: Final = 500


@dataclass(slots=True, eq=False)
class Person:
    """One person's recordings in numbers.

    Parameters
    ----------
    recordings, seconds, gaps
        How many, how long, and at how many places samples are missing.
    gravity_g
        Median length of the mean vector of the quiet windows of 2 s; of all windows, where none is quiet.
    largest_g
        The largest value of any axis.
    directions : activity -> ndarray of shape (3,), in g
        Mean vector of all samples of the activity; the key None is what has no label.
    turned_deg
        Median angle between these and those of most people; None where fewer than three people did the same.
    """

    recordings: int = 0
    seconds: float = 0.0
    gaps: int = 0
    gravity_g: float = 0.0
    largest_g: float = 0.0
    directions: dict[str | None, Floats] = field(default_factory=dict)
    turned_deg: float | None = None

    @property
    def has_doubtful_gravity(self) -> bool:
        """Whether a person's sensor at rest does not measure 1 g."""
        low, high = PLAUSIBLE_LENGTH_G
        return not low <= self.gravity_g <= high

    @property
    def is_turned(self) -> bool:
        """Whether the sensor points elsewhere than those of most people."""
        return self.turned_deg is not None and self.turned_deg >= TURNED_DEG


@dataclass(slots=True, eq=False)
class _Sums:
    """What is added up of one person."""

    total: dict[str | None, Floats] = field(default_factory=dict)
    count: dict[str | None, int] = field(default_factory=dict)
    lengths: list[Floats] = field(default_factory=list)
    spreads: list[Floats] = field(default_factory=list)

    def add(self, key: str | None, block: npt.NDArray[np.float32]) -> None:
        """Add samples of an activity."""
        self.total[key] = self.total.get(key, np.zeros(3)) + block.sum(axis=0, dtype=np.float64)
        self.count[key] = self.count.get(key, 0) + len(block)


def measure_people(dataset: Dataset) -> dict[str, Person]:
    """Return what the samples of every person say, in natural order."""
    people = {subject: Person() for subject in dataset.subjects}
    sums = {subject: _Sums() for subject in people}
    for item in dataset.recordings:
        person = people[item.subject]
        person.recordings += 1
        person.seconds += item.duration_s
        person.gaps += len(item.gaps)
        person.largest_g = max(person.largest_g, _add(item, sums[item.subject]))
    for subject, person in people.items():
        own = sums[subject]
        person.directions = {key: total / own.count[key] for key, total in own.total.items()}
        lengths, spreads = np.concatenate(own.lengths), np.concatenate(own.spreads)
        quiet = spreads < _QUIET_G
        person.gravity_g = float(np.median(lengths[quiet] if quiet.any() else lengths))
    _compare(people)
    return people


def _add(item: Recording, sums: _Sums) -> float:
    """Add a recording to the sums of its person, and return its largest value."""
    length = min(len(item), max(2, round(WINDOW_S * item.rate_hz)))
    every = max(1, len(item) // length // _KEPT_WINDOWS)
    largest, at = 0.0, 0
    for block in blocks_of(item.samples):
        block = block[:, :3]
        largest = max(largest, float(block.max()), -float(block.min()))
        for key, start, stop in pieces(item, at, at + len(block)):
            sums.add(key, block[start - at : stop - at])
        at += len(block)
        whole = max(1, len(block) // length)
        windows = block[: whole * length].reshape(whole, -1, 3)[::every].astype(np.float64)
        sums.lengths.append(np.linalg.norm(windows.mean(axis=1), axis=1))
        sums.spreads.append(np.linalg.norm(windows.std(axis=1), axis=1))
    return largest


def pieces(item: Recording, start: int, stop: int) -> Iterator[tuple[str | None, int, int]]:
    """Yield (activity, start, stop) of everything between two samples; None is what has no label."""
    at = start
    for label in item.labels:
        if label.stop <= at or label.start >= stop:
            continue
        if label.start > at:
            yield None, at, label.start
            at = label.start
        end = min(label.stop, stop)
        yield label.activity, at, end
        at = end
    if at < stop:
        yield None, at, stop


def _compare(people: dict[str, Person]) -> None:
    """Say of every person how far the sensor is turned from those of most people, by what they did alike."""
    for subject, person in people.items():
        angles = []
        for key, own in person.directions.items():
            others = [
                each.directions[key] for name, each in people.items() if name != subject and key in each.directions
            ]
            if key is not None and len(others) >= _LEAST_PEOPLE - 1:
                angles.append(_angle_deg(own, np.median(others, axis=0)))
        person.turned_deg = float(np.median(angles)) if angles else None


def _angle_deg(left: Floats, right: Floats) -> float:
    """Return the angle between two vectors."""
    lengths = float(np.linalg.norm(left) * np.linalg.norm(right))
    return float(np.degrees(np.arccos(np.clip(left @ right / lengths, -1.0, 1.0)))) if lengths else 0.0
