"""Recordings for programs: load them from any format, make them from arrays, keep them in a store."""

import os
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edgehar.commands.page_file import check_page_destination
from edgehar.commands.progress import progress_bar
from edgehar.models.errors import DataError
from edgehar.models.files import atomic_path
from edgehar.models.units import parse_unit
from edgehar.pipeline.data.importing.options import Options
from edgehar.pipeline.data.overview.page import dataset_page
from edgehar.pipeline.data.readers import load_dataset
from edgehar.pipeline.data.recordings import Dataset, LabelInterval, Recording
from edgehar.pipeline.data.store import check_target, save_store


def load_recordings(
    path: str | os.PathLike[str],
    *,
    format: str = "auto",  # noqa: A002
    columns: tuple[str, ...] | None = None,
    channels: Sequence[str] = ("accelerometer",),
    gyroscope_unit: str | None = None,
    time_column: str | None = None,
    label_column: str | None = None,
    subject_column: str | None = None,
    unit: str | None = None,
    rate_hz: float | None = None,
    time_unit: str | None = None,
    delimiter: str | None = None,
    activity: str | None = None,
    subject: str | None = None,
    file_pattern: str | None = None,
    unlabelled: Sequence[str] = (),
    drop_bad_rows: bool = False,
    placement: str = "",
    label_map: Mapping[str, str] | None = None,
    profile: str | None = None,
    progress: bool = True,
) -> Dataset:
    """Load recordings: a store, USC-HAD, HAPT, captures of ``har record``, CSV or JSON files, a folder or zip of them.

    What a file does not say is detected; the ``notes`` of the result say what was found. Declare what is wrong.

    Parameters
    ----------
    path
        A file or a folder; or ``"synthetic"`` (``"synthetic:SEED"``) for the built-in synthetic recordings.
    format
        One of ``edgehar.pipeline.data.readers.FORMATS``; ``auto`` looks at the files.
    columns
        CSV: the columns of x, y and z (and of the gyroscope), by name or by number from 1.
    channels
        CSV and USC-HAD: ``accelerometer``, or that and ``gyroscope``.
    gyroscope_unit
        CSV: ``deg/s``, ``rad/s`` or ``mdeg/s``, where the file does not say it.
    time_column, label_column, subject_column
        CSV: the columns of the timestamp, the activity and the person; ``"none"`` ignores one that is there.
    unit
        CSV: ``g``, ``m/s2``, or ``raw:SCALE`` with SCALE in counts per g.
    rate_hz
        CSV: samples per second.
    time_unit
        CSV: ``s``, ``ms``, ``us``, ``ns``, ``min``, ``h``, ``d`` or ``iso``.
    delimiter
        CSV: ``comma``, ``semicolon``, ``tab``, ``bar`` or ``space``.
    activity, subject
        CSV: the activity and the person of all rows, where no column says it.
    file_pattern
        CSV: what file names say, such as ``{subject}_{activity}*.csv``.
    unlabelled
        CSV: labels that mean "no label", such as ``"0"``.
    drop_bad_rows
        CSV: leave out, count and report rows that cannot be used, instead of refusing the file.
    placement
        CSV: where on the body the sensor was.
    label_map
        CSV: from labels as they are to labels as they should be.
    profile
        CSV: a known profile, or a TOML file that holds one.
    progress
        Whether to show a progress bar, on a terminal or in a notebook.

    Raises
    ------
    DataError
        When nothing at ``path`` is readable, or a file is not what it claims to be.
    UsageError
        When the format does not exist, or a declaration means nothing for it.

    Examples
    --------
    >>> import edgehar
    >>> recordings = edgehar.load_recordings("synthetic", progress=False)
    >>> len(recordings.subjects), len(recordings.activities)
    (14, 12)
    """
    layout = Options(
        axes=columns,
        channels=tuple(channels),
        gyroscope_unit=gyroscope_unit,
        time=time_column,
        label=label_column,
        subject=subject_column,
        unit=unit,
        rate_hz=rate_hz,
        time_unit=time_unit,
        delimiter=delimiter,
        activity_name=activity,
        subject_name=subject,
        file_pattern=file_pattern,
        unlabelled=tuple(unlabelled),
        drop_bad_rows=drop_bad_rows,
        placement=placement,
        label_map=dict(label_map or {}),
        profile=profile,
    )
    declared = None if layout == Options() else layout
    with progress_bar("reading", show=progress) as advance:
        return load_dataset(os.fspath(path), format=format, progress=advance, layout=declared)


def recording_from_array(
    samples: npt.ArrayLike,
    *,
    rate_hz: float,
    unit: str = "g",
    labels: str | Sequence[str | None] | None = None,
    subject: str = "1",
    recording_id: str = "array",
    placement: str = "",
) -> Recording:
    """Return samples that a program already has as a recording.

    Parameters
    ----------
    samples : array-like of shape (n, 3) or (n, 6)
        Acceleration x, y, z in ``unit``, gravity included; then, if known, the turning rate in degrees/s.
    rate_hz
        Samples per second.
    unit
        ``g``, ``m/s2``, or ``raw:SCALE`` with SCALE in counts per g.
    labels
        The activity of all samples, or of each one (None where there is none).
    subject
        Who wore the sensor; the unit by which data are split.
    recording_id
        Unique among the recordings that are used together.
    placement
        Where on the body the sensor was.

    Raises
    ------
    DataError
        When samples are not of that shape or not finite, or there is not one label a sample.

    Examples
    --------
    >>> import edgehar
    >>> still = np.tile([0.0, 0.0, 9.80665], (400, 1))
    >>> recording = edgehar.recording_from_array(still, rate_hz=100, unit="m/s2", labels="Sitting")
    >>> recording.duration_s, recording.samples[0].tolist()
    (4.0, [0.0, 0.0, 1.0])
    """
    values = np.asarray(samples, np.float64)
    if values.ndim != 2 or values.shape[1] not in (3, 6) or not len(values):
        raise DataError(
            f"recording {recording_id}: expected samples of shape (n, 3) or (n, 6), got {values.shape}",
            next_step="Pass one row of x, y, z for every sample.",
        )
    return Recording(
        recording_id,
        subject,
        np.hstack([values[:, :3] / parse_unit(unit).per_g, values[:, 3:]]).astype(np.float32),
        float(rate_hz),
        _intervals(labels, len(values), recording_id),
        placement,
    )


def dataset_from_recordings(
    recordings: Iterable[Recording], *, name: str = "my recordings", activities: Sequence[str] | None = None
) -> Dataset:
    """Return recordings as one data set, to be cut into windows, learned from, judged on or saved.

    Parameters
    ----------
    recordings
        At least one; every ``recording_id`` once.
    name
        What the data set is called. A model is judged on people it has not seen *of the same data set*.
    activities
        Every activity, in the order of a model's outputs. Default: as the labels name them first.

    Examples
    --------
    >>> import edgehar
    >>> level = np.tile([0.0, 0.0, 1.0], (400, 1))
    >>> one = edgehar.recording_from_array(level, rate_hz=100, labels="Sitting", recording_id="a")
    >>> two = edgehar.recording_from_array(level, rate_hz=100, labels="Lying", recording_id="b", subject="2")
    >>> edgehar.dataset_from_recordings([one, two]).activities
    ('Sitting', 'Lying')
    """
    found = tuple(recordings)
    named = dict.fromkeys(label.activity for recording in found for label in recording.labels)
    return Dataset(name, tuple(named) if activities is None else tuple(activities), found)


def save_recordings(recordings: Dataset, path: str | os.PathLike[str]) -> Path:
    """Keep recordings in a store, a folder that opens at once; a store that is there is replaced.

    Raises
    ------
    UsageError
        When something else than a store is there.
    """
    place = Path(path)
    check_target(place)
    save_store(recordings, place)
    return place


def show_recordings(recordings: Dataset, path: str | os.PathLike[str] = "recordings.html") -> Path:
    """Write recordings as one HTML page to look at: who did what, how it looks, where gravity points, rates, gaps.

    Raises
    ------
    UsageError
        When something else than such a page stands there.

    Examples
    --------
    >>> import tempfile, edgehar
    >>> still = edgehar.recording_from_array(np.tile([0.0, 0.0, 1.0], (400, 1)), rate_hz=100, labels="Sitting")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     edgehar.show_recordings(edgehar.dataset_from_recordings([still]), f"{folder}/page.html").name
    'page.html'
    """
    place = Path(path)
    check_page_destination(place)
    with atomic_path(place) as temporary:
        temporary.write_text(dataset_page(recordings), encoding="utf-8")
    return place


def _intervals(labels: str | Sequence[str | None] | None, length: int, name: str) -> tuple[LabelInterval, ...]:
    """Return the stretches of one label."""
    if labels is None:
        return ()
    if isinstance(labels, str):
        return (LabelInterval(0, length, labels),)
    each = [None if label is None else str(label) for label in labels]
    if len(each) != length:
        raise DataError(
            f"recording {name}: expected {length} labels, one for every sample, got {len(each)}",
            next_step="Pass one label a sample, or one for all of them.",
        )
    edges = [0, *(index for index in range(1, length) if each[index] != each[index - 1]), length]
    stretches = pairwise(edges)
    return tuple(LabelInterval(start, stop, label) for start, stop in stretches if (label := each[start]) is not None)
