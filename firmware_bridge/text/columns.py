"""What the columns of a text stream mean: which hold x, y, z, which a time, and how long a tick of that time is.

A header that names its columns is believed. Without one, three columns are x, y, z; with more, the first column is a
time (or a sample counter) if it behaves like one at about the declared rate, and the next three are x, y, z.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Final

PROBE_ROWS: Final = 20
"""Rows that are held back until it is decided whether a column is a time."""

SECONDS_PER_TICK: Final = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
COUNTER: Final = "samples"
"""The time unit of a column that counts samples."""

_SEPARATOR_NAMES: Final = {";": "semicolons", "\t": "tabs", ",": "commas", " ": "spaces"}
_AXIS: Final = re.compile(r"(?:a|acc|accel|accelerometer|acceleration|linear)?[ _.\-]*([xyz])(?![a-z])", re.IGNORECASE)
_OTHER_SENSOR: Final = re.compile(r"g[xyz]|m[xyz]|gyr|mag|rot|euler|quat", re.IGNORECASE)
_TIME_NAME: Final = re.compile(
    r"t|ts|time.*|.*timestamp.*|(t|ts)[ _\[(].*|s|ms|us|ns|sec.*|milli.*|micro.*|nano.*", re.IGNORECASE
)
_COUNTER_NAME: Final = re.compile(r"n|i|idx|index|seq.*|count.*|sample.*", re.IGNORECASE)
_UNIT_WORDS: Final = {
    "s": {"s", "sec", "secs", "second", "seconds"},
    "ms": {"ms", "msec", "millis", "millisecond", "milliseconds"},
    "us": {"us", "usec", "micros", "microsecond", "microseconds"},
    "ns": {"ns", "nsec", "nanos", "nanosecond", "nanoseconds"},
}
_FEWEST_STEPS: Final = 5
_TINY: Final = 1e-30
_ABSURD_FACTOR: Final = 30.0
_RATE_FACTOR: Final = 4.0
"""How far the rate a column implies may be from the declared one for the column to pass as an unnamed time."""


@dataclass(frozen=True, slots=True)
class TextLayout:
    """The columns of a text stream.

    Parameters
    ----------
    separator
        One of ``,`` ``;`` tab and space; a space stands for any run of blanks.
    columns
        How many every line has.
    axes
        Columns of x, y and z.
    time_column
        Column of the device's time or sample counter, or None.
    time_unit
        ``s``, ``ms``, ``us``, ``ns``, or ``samples`` for a counter; None when it could not be told.
    period
        Typical step of the time column from one sample to the next, in its unit.
    time_repeats
        Whether several samples share a time, so that it cannot show which are missing.
    """

    separator: str
    columns: int
    axes: tuple[int, int, int]
    time_column: int | None = None
    time_unit: str | None = None
    period: float | None = None
    time_repeats: bool = False

    @property
    def shows_loss(self) -> bool:
        """Whether missing samples can be counted from the time column."""
        return self.time_column is not None and self.time_unit is not None and not self.time_repeats

    def __str__(self) -> str:
        names = dict(zip(self.axes, "xyz", strict=True))
        if self.time_column is not None:
            names[self.time_column] = {COUNTER: "counter", None: "time"}.get(
                self.time_unit, f"time in {self.time_unit}"
            )
        shown = ", ".join(names.get(column, "unused") for column in range(self.columns))
        return f"{self.columns} columns separated by {_SEPARATOR_NAMES[self.separator]}: {shown}"


def separator_of(line: bytes) -> str:
    """Return the separator a line of numbers uses."""
    for candidate in (";", "\t", ","):
        if candidate.encode() in line:
            return candidate
    return " "


def header_names(text: str) -> tuple[str, ...] | None:
    """Return the column names of a header, or None when a line does not name x, y and z."""
    separator = separator_of(text.encode())
    names = tuple(name.strip() for name in (text.split() if separator == " " else text.split(separator)))
    return names if _axes_by_name(names) is not None else None


def needs_probe(columns: int, names: Sequence[str]) -> bool:
    """Tell whether rows must be watched first: not if three columns stand alone, or a header names no time."""
    if columns == 3:
        return False
    return len(names) != columns or _axes_by_name(names) is None or _time_by_name(names) is not None


def infer_layout(
    rows: Sequence[Sequence[float]], *, separator: str, names: Sequence[str], rate_hz: float
) -> TextLayout:
    """Return what the columns mean.

    Parameters
    ----------
    rows
        The first rows of numbers, all of one length of at least 3.
    separator
        What stood between the numbers.
    names
        The header's names; used if there are as many as columns.
    rate_hz
        The declared sample rate, by which seconds are told from milliseconds and microseconds.
    """
    columns = len(rows[0])
    named = len(names) == columns
    axes = _axes_by_name(names) if named else None
    time_column = _time_by_name(names) if named and axes is not None else None
    counter = time_column is not None and _COUNTER_NAME.fullmatch(names[time_column].strip()) is not None
    if axes is None:
        behaves = columns > 3 and _behaves_like_time([row[0] for row in rows], rate_hz)
        time_column = 0 if behaves else None
        axes = (1, 2, 3) if behaves else (0, 1, 2)
    if time_column is None:
        return TextLayout(separator, columns, axes)
    ticks = [row[time_column] for row in rows]
    named_unit = _unit_by_name(names[time_column]) if named else None
    unit = COUNTER if counter else _checked_unit(named_unit, ticks, rate_hz)
    steps = _forward_steps(ticks)
    return TextLayout(
        separator,
        columns,
        axes,
        time_column=time_column,
        time_unit=unit,
        period=median(steps) if steps else None,
        time_repeats=0.0 in _steps(ticks),
    )


def _axes_by_name(names: Sequence[str]) -> tuple[int, int, int] | None:
    """Return the columns named after x, y and z of an accelerometer, the first of each."""
    found: dict[str, int] = {}
    for column, name in enumerate(names):
        match = _AXIS.match(name.strip())
        if match and not _OTHER_SENSOR.match(name.strip()):
            found.setdefault(match[1].lower(), column)
    return (found["x"], found["y"], found["z"]) if len(found) == 3 else None


def _time_by_name(names: Sequence[str]) -> int | None:
    """Return the first column named after a time, or else after a counter."""
    for pattern in (_TIME_NAME, _COUNTER_NAME):
        for column, name in enumerate(names):
            if pattern.fullmatch(name.strip()):
                return column
    return None


def _unit_by_name(name: str) -> str | None:
    """Return the unit of time a column's name ends with."""
    words = [word for word in re.split(r"[^a-zµ]+", name.lower().replace("µ", "u")) if word]
    for unit, spellings in _UNIT_WORDS.items():
        if words and words[-1] in spellings:
            return unit
    return None


def _steps(ticks: Sequence[float]) -> list[float]:
    """Return the differences between neighbours."""
    return [after - before for before, after in pairwise(ticks)]


def _forward_steps(ticks: Sequence[float]) -> list[float]:
    """Return the differences that run forward."""
    return [step for step in _steps(ticks) if step > 0]


def _behaves_like_time(ticks: Sequence[float], rate_hz: float) -> bool:
    """Tell whether unnamed numbers run forward in near-equal steps that make sense at about the declared rate."""
    steps = _steps(ticks)
    if len(steps) < _FEWEST_STEPS or min(steps) < 0 or len(_forward_steps(ticks)) < len(steps) / 2:
        return False
    typical = median(_forward_steps(ticks))
    if any(0 < step < typical / 2 for step in steps):
        return False
    unit = _unit_by_rate(ticks, rate_hz)
    if unit == COUNTER:
        return True
    return unit is not None and _mismatch(typical, unit, rate_hz) <= _RATE_FACTOR


def _checked_unit(named: str | None, ticks: Sequence[float], rate_hz: float) -> str | None:
    """Return the named unit, unless it is absurd: the first header of a stream may have been cut from "us" to "s"."""
    steps = _forward_steps(ticks)
    if named and steps and _mismatch(median(steps), named, rate_hz) < _ABSURD_FACTOR:
        return named
    return _unit_by_rate(ticks, rate_hz)


def _mismatch(step: float, unit: str, rate_hz: float) -> float:
    """Return by what factor, at least 1, a step in a unit is off the declared rate."""
    ratio = max(step * SECONDS_PER_TICK[unit] * rate_hz, _TINY)
    return max(ratio, 1.0 / ratio)


def _unit_by_rate(ticks: Sequence[float], rate_hz: float) -> str | None:
    """Return the unit in which the steps are nearest to the declared rate; steps of exactly one count samples."""
    steps = _forward_steps(ticks)
    if not steps:
        return None
    typical = median(steps)

    best = min(SECONDS_PER_TICK, key=lambda unit: _mismatch(typical, unit, rate_hz))
    whole = all(float(tick).is_integer() for tick in ticks)
    if typical == 1.0 and whole and _mismatch(typical, best, rate_hz) > _RATE_FACTOR:
        return COUNTER
    return best
