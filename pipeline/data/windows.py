"""Windows: equally long stretches of labelled samples, cut as views, never across a label, a recording or a gap."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from edgehar.models.contract import MOTION_CHANNELS, SAMPLE_RATE_HZ, WINDOW_LENGTH
from edgehar.models.errors import DataError, UsageError
from edgehar.pipeline.data.mapped import joined, taken
from edgehar.pipeline.data.rate_conversion import resample_timed
from edgehar.pipeline.data.recordings import Dataset, Recording, in_natural_order

DEFAULT_HOP: Final = 100
"""Samples from one window to the next."""
_FORGIVEN: Final = 1e-6
"""Periods by which floating point may move a sample across the edge of a label."""

Indices = npt.NDArray[np.int64]
_Samples = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Windows:
    """An index of windows into one array of samples; nothing is copied until a batch is taken.

    A *segment* is a stretch of one label in one recording without a gap; it holds one or more windows.

    Parameters
    ----------
    samples : ndarray of shape (n_samples, channels), float32, in g, then degrees/s
        What all segments lie in, at the model's rate: one after the other, or where they are in the file of a store.
    starts, segment_starts, segment_stops : ndarray of shape (n,), int64
        First sample of each window; first sample and end of its segment.
    labels : ndarray of shape (n,), int64
        Positions in ``activities``.
    subjects, recording_ids : ndarray of shape (n,) of str
        Whose window it is, and from which recording.
    activities
        Names of the labels, in order.
    window_length, hop
        In samples.
    rate_hz
        Samples per second.
    notes
        What was left out, as sentences.
    """

    samples: _Samples
    starts: Indices
    segment_starts: Indices
    segment_stops: Indices
    labels: Indices
    subjects: npt.NDArray[np.str_]
    recording_ids: npt.NDArray[np.str_]
    activities: tuple[str, ...]
    window_length: int
    hop: int
    rate_hz: float
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        """Number of windows."""
        return len(self.starts)

    def __repr__(self) -> str:
        return (
            f"<{len(self)} Windows of {self.window_length} samples at {self.rate_hz:g} Hz, hop {self.hop}, "
            f"{len(self.activities)} activities, {len(self.subject_names)} people>"
        )

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the columns of the samples."""
        return MOTION_CHANNELS[: self.samples.shape[1]]

    @property
    def subject_names(self) -> tuple[str, ...]:
        """Every subject that has a window, in natural order."""
        return in_natural_order(np.unique(self.subjects).tolist())

    @property
    def views(self) -> _Samples:
        """Every possible window as a read-only view of shape (positions, window_length, channels).

        ``views[starts[i]]`` is window ``i``. Positions between segments do not make windows.
        """
        slid = np.lib.stride_tricks.sliding_window_view(self.samples, self.window_length, axis=0)
        return slid.swapaxes(1, 2)

    def batch(self, indices: npt.ArrayLike | slice | None = None, *, offsets: npt.ArrayLike | None = None) -> _Samples:
        """Copy windows out.

        Parameters
        ----------
        indices
            Which windows, in which order; all of them by default.
        offsets : int or array-like of int, one per window
            By how many samples each window is moved. A window that would leave its segment stops at the segment's edge.

        Returns
        -------
        ndarray of shape (n, window_length, channels), float32
        """
        chosen = _choice(indices)
        starts = self.starts[chosen]
        if offsets is not None:
            last = self.segment_stops[chosen] - self.window_length
            starts = np.clip(starts + np.asarray(offsets, dtype=np.int64), self.segment_starts[chosen], last)
        # Rows of a flat view are contiguous, so that taking a window is one copy of its bytes.
        width = self.samples.shape[1]
        flat = np.ascontiguousarray(self.samples).reshape(-1)
        rows = np.lib.stride_tricks.sliding_window_view(flat, width * self.window_length)[::width]
        taken: _Samples = rows[starts].reshape(-1, self.window_length, width)
        return taken

    def subset(self, indices: npt.ArrayLike) -> "Windows":
        """Return some of the windows, over the same samples."""
        chosen = _choice(indices)
        names = ("starts", "segment_starts", "segment_stops", "labels", "subjects", "recording_ids")
        return replace(self, **{name: getattr(self, name)[chosen] for name in names})


@dataclass(frozen=True, slots=True, eq=False)
class _Segment:
    """Samples of one label in one recording, without a gap, at the model's rate."""

    recording: Recording
    activity: str
    samples: _Samples


def make_windows(
    dataset: Dataset,
    *,
    window_length: int = WINDOW_LENGTH,
    hop: int = DEFAULT_HOP,
    rate_hz: float = SAMPLE_RATE_HZ,
    activities: Sequence[str] | None = None,
    channels: int | None = None,
) -> Windows:
    """Cut every labelled stretch of a data set into windows.

    Parameters
    ----------
    dataset
        Recordings at any rate; what lies between two gaps is resampled in one piece, then cut at its labels.
    window_length, hop
        In samples at ``rate_hz``. What is left at the end of a segment is shorter than a window and not used.
    rate_hz
        The rate of the model.
    activities
        The labels of the model, in its order; stretches of any other activity are left out. The data set's by default.
    channels
        How many the model takes: 3 of recordings with a gyroscope are their acceleration. By default all there are.

    Raises
    ------
    UsageError
        When window, hop or rate is not above zero, an activity is named twice, or the recordings lack channels.
    DataError
        When not one window can be cut.

    Examples
    --------
    >>> from edgehar.pipeline.data.recordings import LabelInterval
    >>> label = LabelInterval(0, 450, "Sitting")
    >>> recording = Recording("r", "1", np.zeros((450, 3), np.float32), 100.0, (label,))
    >>> make_windows(Dataset("d", ("Sitting",), (recording,))).starts.tolist()
    [0, 100, 200]
    """
    names = dataset.activities if activities is None else tuple(activities)
    _check(window_length, hop, rate_hz, names)
    width = _width(dataset, channels)
    segments = [segment for item in dataset.recordings for segment in _segments(item, rate_hz, names, width)]
    lengths = np.array([len(segment.samples) for segment in segments], dtype=np.int64)
    counts = np.where(lengths < window_length, 0, (lengths - window_length) // hop + 1)
    if not counts.sum():
        raise DataError(
            f"{dataset.name}: expected a labelled stretch of {window_length} samples at {rate_hz:g} Hz, found none",
            next_step="Check the labels of the recordings, or make the window shorter.",
            notes=_notes(dataset, names, lengths, window_length, rate_hz),
        )
    samples, firsts = joined([segment.samples for segment in segments])
    of_window = np.repeat(np.arange(len(segments)), counts)
    place = np.arange(len(of_window)) - np.repeat(np.cumsum(counts) - counts, counts)
    labels = np.array([names.index(segment.activity) for segment in segments], dtype=np.int64)
    return Windows(
        samples=samples,
        starts=firsts[of_window] + place * hop,
        segment_starts=taken(firsts, of_window),
        segment_stops=taken(firsts + lengths, of_window),
        labels=taken(labels, of_window),
        subjects=taken(np.array([segment.recording.subject for segment in segments]), of_window),
        recording_ids=taken(np.array([segment.recording.recording_id for segment in segments]), of_window),
        activities=names,
        window_length=window_length,
        hop=hop,
        rate_hz=float(rate_hz),
        notes=_notes(dataset, names, lengths, window_length, rate_hz),
    )


def evenly_spread(indices: Indices, most: int) -> Indices:
    """Return at most so many of the indices, evenly spread over all of them.

    Examples
    --------
    >>> evenly_spread(np.arange(10), 4).tolist(), evenly_spread(np.arange(3), 4).tolist()
    ([0, 3, 6, 9], [0, 1, 2])
    """
    if len(indices) <= most:
        return indices
    return indices[np.linspace(0, len(indices) - 1, most).round().astype(np.int64)]


def _choice(indices: npt.ArrayLike | slice | None) -> Any:
    """Return what NumPy takes as an index; an empty list chooses nothing."""
    if indices is None or isinstance(indices, slice):
        return slice(None) if indices is None else indices
    chosen = np.asarray(indices)
    return chosen if chosen.size else chosen.astype(np.int64)


def _check(window_length: int, hop: int, rate_hz: float, names: Sequence[str]) -> None:
    """Refuse numbers that cannot be meant."""
    if window_length < 1 or hop < 1 or not 0 < rate_hz < np.inf:
        raise UsageError(
            f"window {window_length}, hop {hop} and rate {rate_hz:g} Hz: expected all above zero",
            next_step="Give the window and the hop in samples.",
        )
    if len(set(names)) != len(names):
        raise UsageError(f"activities {', '.join(names)}: expected each once", next_step="Remove the repeated one.")


def _width(dataset: Dataset, channels: int | None) -> int:
    """Return how many of the columns are taken."""
    there = len(dataset.channels)
    if channels is not None and channels > there:
        raise UsageError(
            f"{dataset.name}: expected {channels} channels ({', '.join(MOTION_CHANNELS[:channels])}), got {there}",
            next_step="Import the recordings with --channels accelerometer,gyroscope, if they hold the turning rate.",
        )
    return channels or there


def _segments(recording: Recording, rate_hz: float, activities: Sequence[str], width: int) -> Iterator[_Segment]:
    """Yield the stretches of wanted labels.

    What lies between two gaps is resampled in one piece and cut at its labels afterwards: a model that hears a wearer
    begin to walk has heard the standing before.
    """
    stretches: dict[int, tuple[_Samples, npt.NDArray[np.float64]]] = {}
    bounds = [0, *recording.gaps, len(recording.samples)]
    for label in recording.labels:
        if label.activity not in activities:
            continue
        for begin, end in pairwise(bounds):
            start, stop = max(begin, label.start), min(end, label.stop)
            if start >= stop:
                continue
            if begin not in stretches:
                stretches[begin] = _resampled(recording, begin, end, rate_hz, width)
            samples, times_s = stretches[begin]
            yield _Segment(recording, label.activity, samples[_between(recording, begin, start, stop, times_s)])


def _resampled(
    recording: Recording, begin: int, end: int, rate_hz: float, width: int
) -> tuple[_Samples, npt.NDArray[np.float64]]:
    """Return a stretch without a gap at the model's rate, and when its samples were taken."""
    stamps = recording.timestamps_s
    return resample_timed(
        recording.samples[begin:end, :width],
        from_hz=recording.rate_hz,
        to_hz=rate_hz,
        timestamps_s=None if stamps is None else stamps[begin:end],
    )


def _between(recording: Recording, begin: int, start: int, stop: int, times_s: npt.NDArray[np.float64]) -> slice:
    """Return which resampled samples lie from the first to the last sample of a label, in a stretch from ``begin``."""
    stamps, period_s = recording.timestamps_s, 1.0 / recording.rate_hz
    if stamps is None:
        first_s, last_s = (start - begin) * period_s, (stop - 1 - begin) * period_s
    else:
        first_s, last_s = float(stamps[start]), float(stamps[stop - 1])
    margin_s = _FORGIVEN * period_s
    return slice(
        int(np.searchsorted(times_s, first_s - margin_s)),
        int(np.searchsorted(times_s, last_s + margin_s, side="right")),
    )


def _notes(
    dataset: Dataset, names: Sequence[str], lengths: Indices, window_length: int, rate_hz: float
) -> tuple[str, ...]:
    """Say which activities and how many short segments were left out."""
    seconds = dataset.seconds()
    notes = []
    for activity in dataset.activities:
        total = sum(value for (_, name), value in seconds.items() if name == activity)
        if activity not in names and total:
            notes.append(f"{total:.0f} s of {activity} were left out: it is not among the labels.")
    short = lengths[lengths < window_length]
    if len(short):
        lost_s = short.sum() / rate_hz
        notes.append(f"{len(short)} stretches ({lost_s:.1f} s) were left out: they are shorter than a window.")
    return tuple(notes)
