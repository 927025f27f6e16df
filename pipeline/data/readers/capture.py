"""Captures of `har record`: samples with their loss marks, takes with their labels."""

from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edgehar.models.capture_file import SUFFIX, Capture, read_capture, takes_of
from edgehar.models.contract import ACTIVITIES, CHANNELS, MOTION_CHANNELS
from edgehar.models.errors import DataError
from edgehar.models.foreign_text import printable
from edgehar.models.resampling import RATE_TOLERANCE
from edgehar.models.sensor_limits import is_possible_rate
from edgehar.pipeline.data.readers import Progress
from edgehar.pipeline.data.recordings import Dataset, LabelInterval, Recording

_EVEN: float = 0.1
"""Times that lie off an even grid by less than this share of a step say no more than the rate does."""
_MOMENT_S: float = 1e-6
_ARRIVAL_TOLERANCE: float = 0.05
_SHORTEST_SPAN_S: float = 5.0
_FEWEST_ARRIVALS: int = 20


def recognises(path: Path) -> bool:
    """Tell whether the path is a capture, or a folder that holds some."""
    return path.suffix == SUFFIX if path.is_file() else any(path.glob(f"*{SUFFIX}"))


def read(path: Path, *, progress: Progress | None = None, gyroscope: bool = False) -> Dataset:
    """Read a capture, or every capture of a folder, with the channels that were recorded.

    Parameters
    ----------
    path
        A capture, or a folder of them.
    progress
        Called after each one.
    gyroscope
        Refuse captures that hold no turning rate.

    Raises
    ------
    DataError
        When there is none, or one holds no samples, or not the channels that are wanted.
    """
    files = [path] if path.is_file() else sorted(path.glob(f"*{SUFFIX}"))
    if not files:
        raise DataError(f"{path}: expected captures ({SUFFIX}), found none", next_step="Check the path.")
    captures = ((file, read_capture(file)) for file in files)
    channels = len(MOTION_CHANNELS) if gyroscope else None
    return from_captures(path, captures, len(files), channels=channels, progress=progress)


def from_captures(
    path: Path,
    captures: Iterable[tuple[Path, Capture]],
    count: int,
    *,
    channels: int | None = None,
    progress: Progress | None = None,
) -> Dataset:
    """Return captures as a data set that is named after a path.

    Parameters
    ----------
    path, captures, count
        What was read.
    channels
        How many are wanted: 3 leave a turning rate out; None for those that were recorded.
    progress
        Called after each capture.

    Raises
    ------
    DataError
        When one holds no samples, or fewer channels than are wanted.
    """
    recordings = []
    for number, (file, capture) in enumerate(captures, start=1):
        recordings.append(_recording(file, capture, channels))
        if progress is not None:
            progress(number, count)
    return Dataset(
        name=path.stem,
        activities=_activities(recordings),
        recordings=tuple(recordings),
        notes=(f"{count} captures of har record.",),
    )


def _activities(recordings: Iterable[Recording]) -> tuple[str, ...]:
    """Return every activity once: in the order of the training defaults if all are among these, else as they came."""
    found = list(dict.fromkeys(label.activity for recording in recordings for label in recording.labels))
    return tuple(name for name in ACTIVITIES if name in found) if set(found) <= set(ACTIVITIES) else tuple(found)


def _recording(path: Path, capture: Capture, channels: int | None) -> Recording:
    """Return one capture as a recording."""
    blocks = [block for block in capture.blocks if len(block.samples_g)]
    if not blocks:
        raise DataError(f"{path}: expected samples, the capture holds none", next_step="Leave it out.", path=str(path))
    if channels is not None and channels > capture.channels:
        raise DataError(
            f"{path}: expected a capture of {', '.join(MOTION_CHANNELS[:channels])}, it holds {', '.join(CHANNELS)}",
            next_step="Leave the gyroscope out of --channels, or record with the six --columns of the sensor.",
            path=str(path),
        )
    samples = np.concatenate([block.samples_g[:, :channels] for block in blocks])
    times_s = np.concatenate([block.times_s for block in blocks])
    gaps, lost = _gaps(capture)
    measured_hz = _measured_hz(times_s, gaps)
    forward = bool((np.diff(times_s) > 0).all())
    believed = forward and (measured_hz is None or is_possible_rate(measured_hz))
    rate_hz = _rate(measured_hz if believed else None, capture.info.rate_hz)
    even = not believed or _is_even(times_s, gaps, rate_hz)
    labels, problems = _labels(capture, times_s)
    return Recording(
        recording_id=path.stem,
        subject=printable(capture.info.subject),
        samples=samples.astype(np.float32),
        rate_hz=rate_hz,
        labels=labels,
        placement=printable(capture.info.placement),
        source=path.name,
        timestamps_s=None if even else times_s.astype(np.float64),
        gaps=gaps,
        problems=(*problems, *_damage(capture, lost, len(gaps), believed), *_contradicted(capture, rate_hz)),
    )


def _gaps(capture: Capture) -> tuple[tuple[int, ...], int]:
    """Return the indices of samples that do not follow the one before, and how many are known to be missing."""
    gaps: list[int] = []
    index, lost, broken = 0, 0, False
    for block in capture.blocks:
        lost += block.lost
        broken = broken or block.lost > 0 or not block.continues
        if not len(block.samples_g):
            continue
        if broken and index:
            gaps.append(index)
        index, broken = index + len(block.samples_g), False
    return tuple(gaps), lost


def _runs(times_s: npt.NDArray[np.float64], gaps: tuple[int, ...]) -> list[npt.NDArray[np.float64]]:
    """Return the times between gaps."""
    return [times_s[start:stop] for start, stop in pairwise([0, *gaps, len(times_s)])]


def _measured_hz(times_s: npt.NDArray[np.float64], gaps: tuple[int, ...]) -> float | None:
    """Return the rate that the times show, or None if no two samples follow each other."""
    runs = _runs(times_s, gaps)
    span_s = sum(float(run[-1] - run[0]) for run in runs)
    return sum(len(run) - 1 for run in runs) / span_s if span_s > 0 else None


def _rate(measured_hz: float | None, declared_hz: float) -> float:
    """Return the measured rate, or the declared one where they agree or nothing was measured."""
    if measured_hz is None or abs(measured_hz / declared_hz - 1) <= RATE_TOLERANCE:
        return declared_hz
    return measured_hz


def _is_even(times_s: npt.NDArray[np.float64], gaps: tuple[int, ...], rate_hz: float) -> bool:
    """Tell whether the times say no more than the rate does."""
    off_s = max(float(np.abs(run - run[0] - np.arange(len(run)) / rate_hz).max()) for run in _runs(times_s, gaps))
    return off_s * rate_hz <= _EVEN


def _labels(capture: Capture, times_s: npt.NDArray[np.float64]) -> tuple[tuple[LabelInterval, ...], list[str]]:
    """Return the takes that were kept, and what is to be said of them.

    A take without an end reaches the last sample if it is the last one: the power was cut. If another take follows, the
    record of its end was damaged, and how long it lasted cannot be known.
    """
    takes, problems = sorted(takes_of(capture.events).items(), key=lambda item: float(item[1]["start_s"])), []
    forward_s = np.maximum.accumulate(times_s)
    intervals: list[LabelInterval] = []
    for place, (number, take) in enumerate(takes):
        stop_s = take.get("stop_s")
        if stop_s is None:
            if place + 1 < len(takes):
                problems.append(f"Take {number} ({take['activity']}) has no end, and another one follows; left out.")
                continue
            problems.append(f"Take {number} ({take['activity']}) has no end; it is taken to reach the last sample.")
            stop_s = float(forward_s[-1]) + _MOMENT_S
        start, stop = (int(np.searchsorted(forward_s, edge)) for edge in (take["start_s"], stop_s))
        if intervals and start < intervals[-1].stop:
            problems.append(f"Take {number} ({take['activity']}) begins before the one before it ends; left out.")
        elif stop > start:
            intervals.append(LabelInterval(start, stop, take["activity"]))
    return tuple(intervals), problems


def _contradicted(capture: Capture, rate_hz: float) -> list[str]:
    """Say that samples arrived at another rate than their times tell: one that was declared, and was wrong."""
    runs: list[list[tuple[float, int]]] = [[]]
    count = 0
    for block in capture.blocks:
        if not block.continues and not block.lost:
            runs.append([])
        count += block.lost + len(block.samples_g)
        if len(block.samples_g):
            runs[-1].append((block.arrived_unix_s, count))
    points = np.array(max(runs, key=len), np.float64).reshape(-1, 2)
    if len(points) < _FEWEST_ARRIVALS or points[-1, 0] - points[0, 0] < _SHORTEST_SPAN_S:
        return []
    arrived_hz = float(np.polyfit(points[:, 0] - points[0, 0], points[:, 1], 1)[0])
    if not is_possible_rate(arrived_hz) or abs(arrived_hz / rate_hz - 1) <= _ARRIVAL_TOLERANCE:
        return []
    return [
        f"Samples arrived at {arrived_hz:.3g} Hz, and are stored at {rate_hz:.4g} Hz; if it was no replay at another "
        f"speed, import it again with --rate {arrived_hz:.3g}."
    ]


def _damage(capture: Capture, lost: int, gaps: int, believed: bool) -> list[str]:
    """Say what is missing."""
    said = []
    if gaps or lost:
        said.append(f"{lost:,} samples were lost on the wire; {gaps} gaps are marked.")
    if capture.torn_bytes:
        said.append(f"The last {capture.torn_bytes} bytes are an unfinished record, as a power cut leaves; left out.")
    if capture.damaged:
        said.append(f"{capture.damaged_bytes} bytes in {capture.damaged} places are damaged; each left a gap.")
    if not believed:
        said.append("The sensor's times do not run forward at a possible rate; they are left out.")
    return said
