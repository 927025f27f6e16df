"""What the values of a recording say about its unit, and what is wrong with them; they may contradict, and are asked.

A unit is believed in this order: declared by the caller, written in the file, told by gravity. Whichever it is, gravity
must agree: the mean vector of a quiet stretch is 1 g long. Where it does not, the file is not taken.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from edgehar.models.sensing.gravity import has_offset, propose_counts, resting_unit
from edgehar.models.sensing.quiet import REMOVED_G, gravity_of_blocks, longest_repeat, quiet_blocks
from edgehar.models.sensing.unit_names import COUNTS
from edgehar.models.sensor_limits import MOST_G, UNUSUAL_G
from edgehar.models.units import parse_unit
from edgehar.pipeline.data.importing.refusals import refusal
from edgehar.pipeline.data.importing.row_sequence import RowSequence, look_at_rows

_WRONG_BY: Final = 2.5
_STUCK_S: Final = 1.5
_STUCK_ROWS: Final = 50
_LONG_ENOUGH_S: Final = 1.0
_JUMP_G: Final = 0.4
_METRIC: Final = {980.665: "cm/s²", 9806.65: "mm/s²"}
_AS_EXACT: Final = 0.01
_ABSURD: Final = 1e30
"""Larger numbers would overflow when squared."""
_MEASURED_ROWS: Final = 65_536
"""Of every block: gravity needs a part of a long recording only."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Magnitudes:
    """What was measured of a recording, in its own unit.

    Parameters
    ----------
    gravity
        The length of the mean vector in quiet stretches.
    median
        Of the lengths of some vectors.
    seconds
        How long the recording is.
    stuck
        Where the longest run of equal rows starts, and its length.
    offset
        Whether all axes keep far from zero, as raw readings of a converter do.
    rows
        What rows are that follow one another.
    """

    gravity: float
    median: float
    seconds: float
    stuck: tuple[int, int]
    offset: bool = False
    rows: RowSequence = field(default_factory=RowSequence)


def measure(blocks: Iterable[Floats], rate_hz: float) -> Magnitudes:
    """Measure a recording block by block.

    Parameters
    ----------
    blocks : iterable of ndarray of shape (n, 3)
        Consecutive rows.
    rate_hz
        Samples per second.
    """
    means, restless, lengths, offset = [], [], [], True
    stuck, at = (0, 0), 0
    sequence = RowSequence()
    for block in blocks:
        block = block if np.abs(block).max() < _ABSURD else np.clip(block, -_ABSURD, _ABSURD)
        mean, rest = quiet_blocks(block[:_MEASURED_ROWS], rate_hz)
        means.append(mean)
        restless.append(rest)
        lengths.append(np.linalg.norm(block[:: max(1, len(block) // 4096)], axis=1))
        where, length = longest_repeat(block)
        offset = offset and has_offset(block)
        sequence = look_at_rows(block[:_MEASURED_ROWS], rate_hz) if at == 0 else sequence
        if length > stuck[1]:
            stuck = (at + where, length)
        at += len(block)
    gravity = gravity_of_blocks(np.concatenate(means), np.concatenate(restless))
    return Magnitudes(gravity, float(np.median(np.concatenate(lengths))), at / rate_hz, stuck, offset, sequence)


def decide_unit(
    name: str, measured: list[Magnitudes], *, declared: str | None, written: str | None, fallback: str | None = None
) -> tuple[str, str | None]:
    """Return the unit of a file, and a note about it.

    Parameters
    ----------
    name
        Of the file, for messages.
    measured
        One for each of its recordings.
    declared
        By the caller.
    written
        In the file; ``counts`` where it says that there is no unit.
    fallback
        The unit of the other files beside it.

    Raises
    ------
    DataError
        When gravity contradicts the unit, or does not tell it; with the question that the option --unit answers.
    """
    long = [m for m in measured if m.seconds >= _LONG_ENOUGH_S] or measured
    gravity, median = (float(np.median([getattr(m, key) for m in long])) for key in ("gravity", "median"))
    if declared is not None:
        for item in long:
            in_g = item.gravity / parse_unit(declared).per_g
            if item.seconds >= _LONG_ENOUGH_S and in_g > _WRONG_BY:
                raise refusal(
                    name,
                    f"expected gravity of about 1 g with the unit {declared}, got {in_g:.3g} g in quiet stretches",
                    next_step="Import it with the right --unit, or this file apart from the others.",
                )
        return declared, None
    if written not in (None, COUNTS):
        return _written(name, gravity, str(written))
    unit = None if written == COUNTS else resting_unit(gravity)
    if unit is None and fallback is not None and 1 / _WRONG_BY <= gravity / parse_unit(fallback).per_g <= _WRONG_BY:
        unit = fallback
    if unit is None:
        raise _unknown(name, gravity, median, said=written == COUNTS, offset=all(m.offset for m in long))
    per_g = parse_unit(unit).per_g
    if not 0.6 <= median / per_g <= 2.5:
        raise refusal(
            name,
            f"expected one unit that quiet and moving stretches agree on, but gravity measures {gravity:.3g} in quiet "
            f"stretches and the median sample {median:.3g}",
            next_step="Import it with --unit g, m/s2 or raw:SCALE.",
        )
    for item in long:
        if not 1 / _WRONG_BY <= item.gravity / per_g <= _WRONG_BY and item.seconds >= _LONG_ENOUGH_S:
            raise refusal(
                name,
                f"expected gravity of about 1 g with the unit {unit}, got {item.gravity / per_g:.3g} g in quiet "
                "stretches of one recording",
                next_step="Import it with the right --unit, or this file apart from the others.",
            )
    return unit, f"The unit is taken as {unit}: gravity measures {gravity:.3g} in quiet stretches."


def _written(name: str, gravity: float, unit: str) -> tuple[str, str | None]:
    """Return the unit that is written in the file, if gravity agrees."""
    in_g = gravity / parse_unit(unit).per_g
    if in_g < REMOVED_G and resting_unit(gravity) is None:
        raise _removed(name, in_g)
    if not 0.5 <= in_g <= 2.0:
        other = resting_unit(gravity)
        hint = f", as if the unit were {other}" if other else ""
        raise refusal(
            name,
            f"expected gravity of about 1 g with the unit {unit} that the file or its profile names, "
            f"got {in_g:.3g} g{hint}",
            next_step=f"Import it with --unit {other or 'g, m/s2 or raw:SCALE'}.",
        )
    return (
        unit,
        f"The unit is {unit}, as the file or its profile says; gravity measures {gravity:.3g} in quiet stretches.",
    )


def _unknown(name: str, gravity: float, median: float, *, said: bool, offset: bool) -> Exception:
    """Return the question for the unit."""
    if offset:
        return refusal(
            name,
            "expected values around zero, but all three axes keep far from zero, as raw readings of a converter do",
            next_step="Subtract what each axis reads at 0 g, and import the file again.",
        )
    if gravity < REMOVED_G and median < 30 and not said:
        return _removed(name, gravity)
    counts = propose_counts(gravity)
    metric = next((per_g for per_g in _METRIC if abs(gravity / per_g - 1) < _AS_EXACT), None)
    if metric is not None:
        return refusal(
            name,
            "expected a unit in which gravity measures about 1 (g) or 9.81 (m/s²) in quiet stretches, got "
            f"{gravity:.4g}, as in {_METRIC[metric]}",
            next_step=f"Import it with --unit raw:{metric:g} if these are {_METRIC[metric]}; else with "
            f"--unit raw:{counts}, if the sensor's data sheet agrees.",
        )
    fits = f"; {counts} counts per g fit best" if counts else ""
    return refusal(
        name,
        "expected a unit in which gravity measures about 1 (g) or 9.81 (m/s²) in quiet stretches, got "
        f"{gravity:.4g}{fits}",
        next_step=f"Import it with --unit raw:{counts}, if the sensor's data sheet agrees."
        if counts
        else "Import it with --unit g, m/s2 or raw:SCALE, SCALE in counts per g, for example raw:16384.",
    )


def _removed(name: str, in_g: float) -> Exception:
    """Return the error for a signal without gravity."""
    return refusal(
        name,
        f"expected gravity of 1 g in quiet stretches, got {in_g:.2g}: gravity seems to be removed, "
        "without it postures look alike",
        next_step="Record or export the accelerometer with gravity; if the values are right, declare --unit.",
    )


def problems_of(measured: Magnitudes, *, per_g: float, rate_hz: float, line: int) -> list[str]:
    """Return what the values of a recording say against it, as sentences.

    Parameters
    ----------
    measured
        Of the recording.
    per_g
        Of its unit.
    rate_hz
        Samples per second.
    line
        At which the longest run of equal rows begins.
    """
    problems = []
    in_g = measured.gravity / per_g
    if in_g < 1 / _WRONG_BY:
        problems.append(f"It measures {in_g:.2g} g at rest, far less than 1 g: gravity seems to be removed.")
    rows = measured.stuck[1]
    if rows >= max(_STUCK_ROWS, _STUCK_S * rate_hz):
        problems.append(
            f"The sensor repeats the same value {rows} times ({rows / rate_hz:.3g} s, from line {line}): "
            "stuck or not worn."
        )
    if measured.rows.sensors > 1:
        problems.append(f"Values jump to and fro as those of {measured.rows.sensors} sensors in turn.")
    if (held := measured.rows.held) > 1.0:
        problems.append(
            f"Each value stands in {held:.2g} rows on average while the sensor moves: it gives about "
            f"{rate_hz / held:.3g} new ones a second, not {rate_hz:g}."
        )
    return problems


def refuse_rows_in_turn(name: str, measured: list[Magnitudes], *, declared: bool) -> None:
    """Refuse rows of several sensors in turn that nothing tells apart, unless the caller has said their rate.

    Raises
    ------
    DataError
        When they jump to and fro all the time.
    """
    sensors = max((item.rows.sensors for item in measured if item.seconds >= _LONG_ENOUGH_S), default=1)
    if sensors > 1 and not declared:
        raise refusal(
            name,
            f"expected the rows of one sensor, got values that jump to and fro as those of {sensors} sensors in turn",
            next_step="Name the sensor of each row in a column called device, or give each a file of its own; if they "
            "are of one sensor, import it with --rate HZ.",
        )


def beyond_sensors(values: Floats, per_g: float) -> tuple[npt.NDArray[np.intp], float]:
    """Return the rows that no accelerometer measures, and the largest value among the others, in g."""
    peak = max(float(values.max()), -float(values.min())) / per_g
    if peak <= MOST_G:
        return np.empty(0, np.intp), peak
    peaks = np.abs(values).max(axis=1) / per_g
    wild = peaks > MOST_G
    return np.flatnonzero(wild), float(peaks[~wild].max(initial=0.0))


def unanswered(values: Floats, per_g: float) -> npt.NDArray[np.intp]:
    """Return the rows with one value on all axes that jump away from their neighbours: the sensor did not answer.

    Loggers write 0, -1 or their last value of something else where a reading fails.
    """
    same = (values[:, 0] == values[:, 1]) & (values[:, 1] == values[:, 2])
    if not same.any() or same.all():
        return np.empty(0, np.intp)
    rows = np.flatnonzero(same)
    answered = np.flatnonzero(~same)
    after = np.searchsorted(answered, rows)
    near = (answered[np.maximum(after - 1, 0)], answered[np.minimum(after, len(answered) - 1)])
    jumps = [np.linalg.norm(values[rows] - values[place], axis=1) / per_g for place in near]
    found: npt.NDArray[np.intp] = rows[np.minimum(*jumps) > _JUMP_G]
    return found


def is_unusual(peak_g: float) -> bool:
    """Tell whether a peak is more than people and their usual sensors reach."""
    return peak_g > UNUSUAL_G
