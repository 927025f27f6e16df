"""A recording: acceleration of one person in g, with its rate, its labels, and everything known to be wrong with it.

A :class:`Dataset` is recordings that share a set of activities. Readers make them, `edgehar.pipeline.data.store`
keeps them on disk, `edgehar.pipeline.data.windows` cuts them up.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from edgehar.models.contract import CHANNELS, MOTION_CHANNELS
from edgehar.models.errors import DataError, UsageError
from edgehar.pipeline.data.blocks import blocks_of

_WIDTHS: Final = (len(CHANNELS), len(MOTION_CHANNELS))


@dataclass(frozen=True, slots=True)
class LabelInterval:
    """Samples ``start`` (inclusive) to ``stop`` (exclusive) of a recording, during which one activity was done.

    Examples
    --------
    >>> LabelInterval(0, 400, "Sitting").length
    400
    """

    start: int
    stop: int
    activity: str

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.stop:
            raise DataError(
                f"label {self.activity!r}: expected 0 <= start < stop, got start {self.start} and stop {self.stop}",
                next_step="Repair the label intervals of the recording.",
            )

    @property
    def length(self) -> int:
        """Samples in the interval."""
        return self.stop - self.start


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Recording:
    """One uninterrupted session of one sensor on one person.

    Parameters
    ----------
    recording_id
        Unique within its data set.
    subject
        Who wore the sensor; the unit by which data are split.
    samples : ndarray of shape (n, 3) or (n, 6), float32
        Acceleration x, y, z in g as the sensor gave it, gravity included; then, where there are six columns, the
        turning rate about x, y, z in degrees/s. All values finite.
    rate_hz
        Nominal samples per second.
    labels
        Intervals in order, not overlapping. Samples in no interval are unlabelled.
    placement
        Where on the body, and how mounted, in words; empty if unknown.
    source
        The file it was read from.
    timestamps_s : ndarray of shape (n,), float64, in s, or None
        When each sample was taken, strictly increasing, if the source says so.
    gaps
        Indices of samples before which samples are missing; increasing, each in 1 .. n - 1.
    problems
        What the reader found wrong and did about it, as sentences.
    origin
        Data set and subject it came from under other names, where recordings of several data sets were mixed.

    Raises
    ------
    DataError
        When a field breaks one of the promises above.

    Examples
    --------
    >>> samples = np.zeros((400, 3), np.float32)
    >>> still = Recording("r1", "7", samples, 100.0, (LabelInterval(100, 400, "Sitting"),))
    >>> still.duration_s, still.labelled_s
    (4.0, 3.0)
    """

    recording_id: str
    subject: str
    samples: npt.NDArray[np.float32]
    rate_hz: float
    labels: tuple[LabelInterval, ...] = ()
    placement: str = ""
    source: str = ""
    timestamps_s: npt.NDArray[np.float64] | None = None
    gaps: tuple[int, ...] = ()
    problems: tuple[str, ...] = ()
    origin: tuple[str, str] | None = None

    def __post_init__(self) -> None:
        self._check_samples()
        self._check_labels()
        self._check_time()

    def __len__(self) -> int:
        """Samples in the recording."""
        return len(self.samples)

    def __repr__(self) -> str:
        done = ", ".join(dict.fromkeys(label.activity for label in self.labels)) or "no labels"
        return (
            f"<Recording {self.recording_id!r} of subject {self.subject!r}: {self.duration_s:.1f} s at "
            f"{self.rate_hz:g} Hz, {done}>"
        )

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the columns of the samples."""
        return MOTION_CHANNELS[: self.samples.shape[1]]

    @property
    def duration_s(self) -> float:
        """Seconds of signal, gaps not counted."""
        return len(self.samples) / self.rate_hz

    @property
    def labelled_s(self) -> float:
        """Seconds of signal that have a label."""
        return sum(label.length for label in self.labels) / self.rate_hz

    def _check_samples(self) -> None:
        """Refuse samples of another shape, type or content than promised."""
        samples = self.samples
        if samples.dtype != np.float32 or samples.ndim != 2 or samples.shape[1] not in _WIDTHS or not len(samples):
            self._refuse(f"expected samples of shape (n, 3) or (n, 6), float32, got {samples.shape}, {samples.dtype}")
        at = 0
        for block in blocks_of(samples):
            if not np.isfinite(block).all():
                first = int(np.flatnonzero(~np.isfinite(block).all(axis=1))[0])
                self._refuse(f"expected finite samples, got {block[first].tolist()} at sample {at + first}")
            at += len(block)
        if not (np.isfinite(self.rate_hz) and self.rate_hz > 0):
            self._refuse(f"expected a rate above 0 Hz, got {self.rate_hz}")
        if not self.subject:
            self._refuse("expected a subject, got an empty name")

    def _check_labels(self) -> None:
        """Refuse label intervals that overlap, are out of order, or reach past the end."""
        for before, after in pairwise(self.labels):
            if after.start < before.stop:
                self._refuse(f"expected labels in order without overlap, got {before} then {after}")
        if self.labels and self.labels[-1].stop > len(self.samples):
            self._refuse(f"expected labels within {len(self.samples)} samples, got {self.labels[-1]}")

    def _check_time(self) -> None:
        """Refuse timestamps that do not run forward and gaps that are not inside the recording."""
        stamps = self.timestamps_s
        if stamps is not None:
            if stamps.dtype != np.float64 or stamps.shape != (len(self.samples),):
                self._refuse(f"expected {len(self.samples)} float64 timestamps, got {stamps.shape}, {stamps.dtype}")
            if any(not np.isfinite(part).all() or (np.diff(part) <= 0).any() for part in blocks_of(stamps, overlap=1)):
                self._refuse("expected finite timestamps that increase with every sample, got others")
        if any(after <= before for before, after in pairwise((0, *self.gaps, len(self.samples)))):
            self._refuse(f"expected increasing gaps within 1 .. {len(self.samples) - 1}, got {self.gaps}")

    def _refuse(self, sentence: str) -> None:
        """Raise a DataError that names this recording."""
        raise DataError(
            f"recording {self.recording_id}: {sentence}",
            next_step="Repair the file it came from, or the reader that made it.",
            recording=self.recording_id,
            path=self.source,
        )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Dataset:
    """Recordings that share a set of activities.

    Parameters
    ----------
    name
        What the data set is called.
    activities
        Every activity in its published order; the order of a model's outputs.
    recordings
        At least one.
    problems
        What is wrong with the data set as a whole; each recording carries its own as well.
    notes
        What a reader detected rather than was told (unit, rate, delimiter), as sentences.
    terms
        Under which conditions the data may be used, as far as is known.
    quarantined
        Files that were put aside when the recordings were imported; not kept in a store.
    passed_over
        Files beside them that are no recordings; not kept in a store.

    Raises
    ------
    DataError
        When there is no recording, two share an id, they differ in channels, or a label is not among the activities.
    """

    name: str
    activities: tuple[str, ...]
    recordings: tuple[Recording, ...]
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    terms: str = ""
    quarantined: tuple[str, ...] = ()
    passed_over: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.recordings:
            raise DataError(f"{self.name}: expected at least one recording, got none", next_step="Check the path.")
        counts = Counter(recording.recording_id for recording in self.recordings)
        repeated = [name for name, count in counts.items() if count > 1]
        if repeated:
            raise DataError(
                f"{self.name}: expected every recording id once, got {repeated[0]!r} {counts[repeated[0]]} times",
                next_step="Rename one of them.",
            )
        widths = {recording.channels: recording.recording_id for recording in self.recordings}
        if len(widths) > 1:
            listed = " and ".join(f"{len(channels)} ({name})" for channels, name in widths.items())
            raise DataError(
                f"{self.name}: expected recordings of the same channels, got {listed}",
                next_step="Import all of them with the same --channels.",
            )
        unknown = {label.activity for recording in self.recordings for label in recording.labels} - set(self.activities)
        if unknown:
            raise DataError(
                f"{self.name}: expected labels among {', '.join(self.activities)}, got {', '.join(sorted(unknown))}",
                next_step="Add the activity to the data set's list, or relabel the recording.",
            )

    def __repr__(self) -> str:
        return (
            f"<Dataset {self.name!r}: {len(self.recordings)} recordings of {len(self.subjects)} people, "
            f"{len(self.activities)} activities, {sum(self.seconds().values()) / 60:.1f} labelled minutes>"
        )

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the columns of the samples."""
        return self.recordings[0].channels

    @property
    def subjects(self) -> tuple[str, ...]:
        """Every subject once, in natural order: "2" before "10"."""
        return in_natural_order({recording.subject for recording in self.recordings})

    @property
    def all_problems(self) -> tuple[str, ...]:
        """Problems of the data set, then those of every recording with the recording named."""
        own = (f"{item.recording_id}: {problem}" for item in self.recordings for problem in item.problems)
        return (*self.problems, *own)

    @property
    def content_hash(self) -> str:
        """SHA-256, in hexadecimal, of everything a model could learn from: samples, rates, times, labels, subjects.

        Names, notes and paths do not count: the same recordings give the same hash from any format they are read from.
        """
        digest = hashlib.sha256()
        for _, part in self.content():
            digest.update(part)
        return digest.hexdigest()

    def content(self) -> Iterator[tuple[str, bytes | memoryview]]:
        """Yield what the content hash is made of, in order: ``facts``, ``samples`` (float32), ``timestamps`` (float64).

        A store is written from the same pieces, so that long recordings are gone through once.
        """
        for item in self.recordings:
            labels = [[label.start, label.stop, label.activity] for label in item.labels]
            timed = item.timestamps_s is not None
            facts = [item.subject, float(item.rate_hz), len(item), labels, list(item.gaps), timed]
            yield "facts", json.dumps(facts, separators=(",", ":")).encode()
            for block in blocks_of(item.samples):
                yield "samples", np.ascontiguousarray(block, dtype="<f4").data
            for block in () if item.timestamps_s is None else blocks_of(item.timestamps_s):
                yield "timestamps", np.ascontiguousarray(block, dtype="<f8").data

    def of_subject(self, subject: str) -> tuple[Recording, ...]:
        """Return the recordings of one subject, in order.

        Raises
        ------
        UsageError
            When no recording is of that subject.
        """
        found = tuple(recording for recording in self.recordings if recording.subject == str(subject))
        if not found:
            raise unknown_subject(str(subject), self.subjects)
        return found

    def seconds(self) -> dict[tuple[str, str], float]:
        """Return labelled seconds for every (subject, activity) that occurs."""
        totals: dict[tuple[str, str], float] = {}
        for recording in self.recordings:
            for label in recording.labels:
                key = (recording.subject, label.activity)
                totals[key] = totals.get(key, 0.0) + label.length / recording.rate_hz
        return totals


def in_natural_order(names: Iterable[str]) -> tuple[str, ...]:
    """Sort names the way people count.

    Examples
    --------
    >>> in_natural_order(["10", "2", "S10", "S9"])
    ('2', '10', 'S9', 'S10')
    """
    return tuple(sorted(names, key=_natural_key))


def unknown_subject(subject: str, known: Iterable[str]) -> UsageError:
    """Return the error that says which subjects there are."""
    names = tuple(known)
    return UsageError(
        f"subject {subject!r} is not in the data; there are {', '.join(names)}",
        next_step="Choose from these.",
        subject=subject,
        known=names,
    )


def _natural_key(name: str) -> list[tuple[int, int, str]]:
    """Split a name into texts and numbers that compare with each other."""
    parts = re.findall(r"\d+|\D+", name)
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts]
