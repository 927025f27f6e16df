"""What people did when, in stretches of five minutes, read from the labels of a folder, one person at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from edgehar.pipeline.bulk.archive import LABELS
from edgehar.pipeline.bulk.days import DAY_S, days_of
from edgehar.pipeline.bulk.labels_table import read_record
from edgehar.pipeline.data.recordings import in_natural_order

BINS: Final = 288
"""Of five minutes, in a day."""
NOT_WORN: Final = "not worn"


@dataclass(slots=True, eq=False)
class DayBins:
    """A day in bins.

    Parameters
    ----------
    windows : ndarray of shape (BINS, n_labels + 1)
        How many windows have each label; the last column counts those not worn.
    probability : ndarray of shape (BINS,)
        Sum of the probabilities of windows that were worn.
    """

    windows: npt.NDArray[np.int64]
    probability: npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """A person: days in order, by name, and the recordings they come from."""

    name: str
    days: dict[str, DayBins]
    recordings: tuple[dict[str, Any], ...]


def people_of(folder: Path, labels: tuple[str, ...]) -> Iterator[Person]:
    """Yield every person of a folder of labels, in natural order; one is in memory at a time."""
    files: dict[str, list[Path]] = {}
    recordings: dict[str, list[dict[str, Any]]] = {}
    for path in sorted((folder / LABELS).glob("*.parquet")):
        for entry in read_record(path)["recordings"]:
            files.setdefault(entry["subject"], [])
            if path not in files[entry["subject"]]:
                files[entry["subject"]].append(path)
            recordings.setdefault(entry["subject"], []).append(entry)
    places = {name: place for place, name in enumerate(labels)}
    for subject in in_natural_order(files):
        days: dict[str, DayBins] = {}
        for path in files[subject]:
            _add_file(path, subject, {entry["recording"]: entry for entry in recordings[subject]}, days, places)
        yield Person(subject, dict(sorted(days.items())), tuple(recordings[subject]))


def _add_file(
    path: Path, subject: str, known: dict[str, dict[str, Any]], days: dict[str, DayBins], places: dict[str, int]
) -> None:
    """Count the windows that a file holds of a person."""
    columns = ["recording", "subject", "start_s", "label", "probability", "worn"]
    for batch in pq.ParquetFile(path).iter_batches(2**17, columns=columns):
        names, label_names = (batch.column(name).dictionary.to_pylist() for name in ("recording", "label"))
        people = batch.column("subject").dictionary.to_pylist()
        own = np.array([person == subject for person in people])[batch.column("subject").indices.to_numpy()]
        which = batch.column("recording").indices.to_numpy()
        label = np.array([places.get(name, len(places) - 1) for name in label_names])[
            batch.column("label").indices.to_numpy()
        ]
        starts_s, sure = batch.column("start_s").to_numpy(), batch.column("probability").to_numpy()
        worn = batch.column("worn").to_numpy(zero_copy_only=False)
        for number, recording in enumerate(names):
            here = own & (which == number)
            if here.any():
                _add(days, starts_s[here], known[recording], label[here], sure[here], worn[here], places)


def _add(
    days: dict[str, DayBins],
    starts_s: npt.NDArray[np.float64],
    recording: dict[str, Any],
    label: npt.NDArray[np.int64],
    sure: npt.NDArray[np.float32],
    worn: npt.NDArray[np.bool_],
    places: dict[str, int],
) -> None:
    """Count the windows of a recording."""
    began_s = recording["began_s"]
    names, of_day = days_of(starts_s, began_s, recording["recording"], seconds=recording["seconds"])
    bins = ((starts_s + (began_s or 0.0)) % DAY_S / DAY_S * BINS).astype(np.int64)
    column = np.where(worn, label, len(places))
    for number, name in enumerate(names):
        here = of_day == number
        day = days.setdefault(name, DayBins(np.zeros((BINS, len(places) + 1), np.int64), np.zeros(BINS)))
        np.add.at(day.windows, (bins[here], column[here]), 1)
        day.probability += np.bincount(bins[here & worn], sure[here & worn], minlength=BINS)
