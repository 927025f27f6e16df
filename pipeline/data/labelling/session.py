"""What is being labelled: recordings, the intervals marked so far, and the file that keeps them.

Every change of a recording's labels carries the revision it was made from. A change made from an older one, in another
tab, is refused instead of overwriting the newer one; so is one made while another program wrote the file.
"""

import hashlib
import threading
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from edgehar.models.errors import DataError
from edgehar.models.foreign_text import unprintable
from edgehar.pipeline.data.label_file import (
    Interval,
    apply_labels,
    intervals_in_seconds,
    label_file_text,
    read_label_file,
    write_label_file,
)
from edgehar.pipeline.data.recordings import Dataset, LabelInterval, Recording

MAX_INTERVALS: Final = 20_000
MAX_LABEL: Final = 200
MAX_COLUMNS: Final = 4096
_MAX_GAPS: Final = 5000


class StaleLabelsError(DataError):
    """Labels were changed elsewhere since they were read."""


class LabelSession:
    """Recordings and their labels, kept in a label file after every change; safe to use from several threads.

    Parameters
    ----------
    dataset
        The recordings.
    path
        The label file; what is in it already is gone on with.
    activities
        Labels to offer first.

    Raises
    ------
    DataError
        When there is a file that is not a label file of these recordings.
    """

    def __init__(self, dataset: Dataset, path: Path, *, activities: tuple[str, ...] = ()) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._kept = read_label_file(path) if path.exists() else {}
        if self._kept:
            dataset = apply_labels(dataset, self._kept, name=path.name)
        self.dataset = dataset
        self.offered = tuple(dict.fromkeys((*activities, *dataset.activities)))
        self._labels = [item.labels for item in dataset.recordings]
        self._revisions = [0] * len(dataset.recordings)
        self._seen = _digest(path)

    def recordings(self) -> dict[str, Any]:
        """Return what there is, for the page."""
        with self._lock:
            return {
                "name": self.dataset.name,
                "file": str(self.path),
                "activities": list(self.offered),
                "recordings": [
                    {
                        "id": item.recording_id,
                        "subject": item.subject,
                        "rateHz": float(item.rate_hz),
                        "samples": len(item),
                        "gaps": [int(gap) for gap in item.gaps[:_MAX_GAPS]],
                        "labelled": sum(label.length for label in labels) / len(item),
                    }
                    for item, labels in zip(self.dataset.recordings, self._labels, strict=True)
                ],
            }

    def recording(self, index: int) -> Recording:
        """Return one of the recordings.

        Raises
        ------
        DataError
            When there is none of that number.
        """
        if not 0 <= index < len(self.dataset.recordings):
            raise DataError(f"expected a recording from 0 to {len(self.dataset.recordings) - 1}, got {index}")
        return self.dataset.recordings[index]

    def labels(self, index: int) -> dict[str, Any]:
        """Return the labels of a recording, in samples, with their revision."""
        self.recording(index)
        with self._lock:
            return self._state(index)

    def replace(self, index: int, revision: Any, intervals: Any) -> dict[str, Any]:
        """Take new labels of a recording and write the file; nothing is taken if it cannot be written.

        Raises
        ------
        StaleLabelsError
            When they were changed in another tab or by another program since ``revision``.
        DataError
            When they are not labels.
        OSError
            When the file cannot be written.
        """
        item = self.recording(index)
        labels = _checked(intervals, len(item))
        with self._lock:
            if revision != self._revisions[index]:
                raise StaleLabelsError("these labels were changed in another tab")
            if _digest(self.path) != self._seen:
                raise StaleLabelsError(
                    f"{self.path.name} was changed by another program: start har data label again to go on with it"
                )
            kept = {**self._kept, item.recording_id: intervals_in_seconds(item, labels)}
            write_label_file(self.path, kept)
            self._kept, self._seen = kept, _digest(self.path)
            self._labels[index] = labels
            self._revisions[index] += 1
            return self._state(index)

    def export(self) -> str:
        """Return all labels as a label file, those that the recordings came with included."""
        with self._lock:
            every: dict[str, list[Interval]] = {
                item.recording_id: intervals_in_seconds(item, labels)
                for item, labels in zip(self.dataset.recordings, self._labels, strict=True)
                if labels or item.recording_id in self._kept
            }
        return label_file_text(every)

    def extremes(self, index: int, start: int, stop: int, columns: int) -> npt.NDArray[np.float32]:
        """Return the lowest and highest value of every axis in columns of a stretch.

        Parameters
        ----------
        start, stop
            In samples; cut to the recording.
        columns
            At most so many; fewer where there are fewer samples.

        Returns
        -------
        ndarray of shape (columns, 2, 3), float32, in g
        """
        item = self.recording(index)
        start, stop = max(0, start), min(len(item), stop)
        if start >= stop or columns < 1:
            return np.empty((0, 2, 3), np.float32)
        edges = np.linspace(start, stop, min(columns, MAX_COLUMNS, stop - start) + 1).astype(np.int64)
        part = item.samples[start:stop, :3]
        at = edges[:-1] - start
        return np.stack([np.minimum.reduceat(part, at), np.maximum.reduceat(part, at)], axis=1)

    def _state(self, index: int) -> dict[str, Any]:
        """Return labels and revision; the lock is held."""
        labels = [[label.start, label.stop, label.activity] for label in self._labels[index]]
        return {"revision": self._revisions[index], "intervals": labels}


def _checked(intervals: Any, length: int) -> tuple[LabelInterval, ...]:
    """Return what a page sent as labels."""
    if not isinstance(intervals, list) or len(intervals) > MAX_INTERVALS:
        raise DataError(f"expected a list of at most {MAX_INTERVALS} intervals")
    labels: list[LabelInterval] = []
    for each in intervals:
        if not isinstance(each, list) or [type(part) for part in each] != [int, int, str]:
            raise DataError(f"expected [start, stop, label], got {str(each)[:80]}")
        start, stop, label = each
        name = label.strip()
        if not name or len(name) > MAX_LABEL or unprintable(name):
            raise DataError(f"expected a label of 1 to {MAX_LABEL} characters that can be shown, got {name[:40]!r}")
        if not (labels[-1].stop if labels else 0) <= start < stop <= length:
            raise DataError(f"expected intervals in order within {length} samples, got {start} to {stop}")
        labels.append(LabelInterval(start, stop, name))
    return tuple(labels)


def _digest(path: Path) -> str | None:
    """Return the hash of a file; None where there is none."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError:
        return None
