"""Read a capture again with another unit, rate or columns than it was recorded with.

Another unit scales the samples. Another rate moves their times, and the takes with them. Other columns are read from
the lines of text that the capture kept; takes are then found by the time at which their samples arrived.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgehar.firmware_bridge.stream.samples import SampleBlock
from edgehar.firmware_bridge.text.source import TextSource
from edgehar.models.capture_file import Capture, CapturedBlock
from edgehar.models.contract import CHANNELS, DEGREES_PER_SECOND, MOTION_CHANNELS
from edgehar.models.errors import BridgeError, DataError, UsageError
from edgehar.models.units import Unit, parse_unit

Times = NDArray[np.float64]


def repaired(
    path: Path,
    capture: Capture,
    *,
    unit: Unit | None = None,
    rate_hz: float | None = None,
    columns: tuple[str, ...] | None = None,
    gyroscope_unit: str | None = None,
) -> Capture:
    """Return a capture as it would be with other settings.

    Parameters
    ----------
    path
        Named in messages.
    capture
        What was recorded.
    unit, rate_hz, columns, gyroscope_unit
        What the sensor really sent; None for what the capture says. Of six columns the last are the turning rate.

    Raises
    ------
    UsageError
        When there is no such unit of a turning rate, or six columns come without one.
    DataError
        When the capture does not say what its unit was, holds no lines to read other columns from, or these have no
        such columns.
    """
    if columns is not None:
        return _read_again(path, capture, unit, rate_hz, columns, gyroscope_unit)
    blocks, events = capture.blocks, capture.events
    if gyroscope_unit is not None:
        blocks = _turned_at(path, capture, gyroscope_unit)
    if unit is not None:
        if not capture.info.unit:
            raise DataError(
                f"{path}: expected the unit it was recorded in, the capture does not say it",
                next_step="Leave --unit out: its samples are in g.",
                path=str(path),
            )
        scale = np.ones(capture.channels)
        scale[: len(CHANNELS)] = parse_unit(capture.info.unit).per_g / unit.per_g
        blocks = [replace(block, samples_g=(block.samples_g * scale).astype(np.float32)) for block in blocks]
    if rate_hz is not None:
        old_s = _all_times(blocks)
        blocks = _at_rate(blocks, rate_hz)
        events = _moved(events, old_s, _all_times(blocks))
    info = replace(
        capture.info,
        unit=capture.info.unit if unit is None else unit.name,
        rate_hz=capture.info.rate_hz if rate_hz is None else rate_hz,
    )
    return replace(capture, info=info, blocks=blocks, events=events)


def _turned_at(path: Path, capture: Capture, gyroscope_unit: str) -> list[CapturedBlock]:
    """Return blocks whose turning rate was given in another unit."""
    per_unit = _degrees(gyroscope_unit)
    if not capture.turning_unit:
        why = "a device that sends frames" if capture.channels == len(MOTION_CHANNELS) else "acceleration alone"
        raise DataError(
            f"{path}: expected a turning rate that a sensor of text sent, the capture is of {why}",
            next_step="Leave --gyroscope-unit out.",
            path=str(path),
        )
    scale = np.ones(capture.channels)
    scale[len(CHANNELS) :] = per_unit / _degrees(capture.turning_unit)
    return [replace(block, samples_g=(block.samples_g * scale).astype(np.float32)) for block in capture.blocks]


def _degrees(unit: str) -> float:
    """Return how many degrees per second one of a unit is."""
    if unit not in DEGREES_PER_SECOND:
        raise UsageError(
            f"expected --gyroscope-unit as one of {', '.join(DEGREES_PER_SECOND)}, got {unit!r}",
            next_step="Choose one of these.",
        )
    return DEGREES_PER_SECOND[unit]


def _read_again(
    path: Path,
    capture: Capture,
    unit: Unit | None,
    rate_hz: float | None,
    columns: tuple[str, ...],
    gyroscope_unit: str | None,
) -> Capture:
    """Return a capture with its lines decoded anew."""
    turning_unit = (gyroscope_unit or capture.turning_unit) if len(columns) > len(CHANNELS) else ""
    if len(columns) > len(CHANNELS) and not turning_unit:
        raise UsageError(
            f"{path}: expected the unit of the turning rate with six --columns, got none",
            next_step=f"Pass --gyroscope-unit, one of {', '.join(DEGREES_PER_SECOND)}.",
        )
    if not capture.lines:
        raise DataError(
            f"{path}: expected the lines of text that its columns are read from, the capture holds none",
            next_step="Leave --columns out: the sensor sent frames, or an earlier version recorded it.",
            path=str(path),
        )
    used_hz = capture.info.rate_hz if rate_hz is None else rate_hz
    source = TextSource(
        unit=unit,
        rate_hz=used_hz,
        columns=columns,
        turning_scale=_degrees(turning_unit) if turning_unit else 1.0,
        adopts_rate=rate_hz is None,
    )
    blocks: list[CapturedBlock] = []
    origin_s = capture.lines[0][0]
    try:
        for arrived_s, data in capture.lines:
            decoded = source.feed(data, arrived_s - origin_s)
            blocks += [_captured(block, arrived_s) for block in decoded.blocks]
        last_s = capture.lines[-1][0]
        blocks += [_captured(block, last_s) for block in source.finish(last_s - origin_s).blocks]
    except BridgeError as error:
        raise DataError(f"{path}: {error.message}", next_step=error.next_step, path=str(path)) from error
    found = source.unit
    info = replace(capture.info, unit="" if found is None else found.name, rate_hz=used_hz)
    events = _moved(capture.events, *_same_arrivals(capture.blocks, blocks))
    return replace(capture, info=info, blocks=blocks, events=events, turning_unit=turning_unit)


def _captured(block: SampleBlock, arrived_s: float) -> CapturedBlock:
    """Return a block as a capture holds it."""
    return CapturedBlock(block.samples_g, block.times_s, arrived_s, block.lost, block.continues)


def _all_times(blocks: list[CapturedBlock]) -> Times:
    """Return the times of all samples."""
    return np.concatenate([np.empty(0), *(block.times_s for block in blocks)])


def _at_rate(blocks: list[CapturedBlock], rate_hz: float) -> list[CapturedBlock]:
    """Return blocks whose samples, and those that were lost, come evenly at a rate."""
    moved, number = [], 0
    for block in blocks:
        number += block.lost
        moved.append(replace(block, times_s=(number + np.arange(len(block.times_s))) / rate_hz))
        number += len(block.times_s)
    return moved


def _same_arrivals(before: list[CapturedBlock], after: list[CapturedBlock]) -> tuple[Times, Times]:
    """Return times before, and times after, of samples that arrived together."""
    ends = [np.array([(b.arrived_unix_s, b.times_s[-1]) for b in each if len(b.times_s)]) for each in (before, after)]
    if not len(ends[0]) or not len(ends[1]):
        return np.empty(0), np.empty(0)
    return ends[0][:, 1], np.interp(ends[0][:, 0], ends[1][:, 0], ends[1][:, 1])


def _moved(events: list[dict[str, Any]], old_s: Times, new_s: Times) -> list[dict[str, Any]]:
    """Return events at the new times of the samples that they belong to."""
    if not len(old_s):
        return events
    return [
        {**event, "t_s": float(np.interp(event["t_s"], old_s, new_s))} if "t_s" in event else event for event in events
    ]
