"""When the samples of a table were taken: the unit of its times, its recordings, and the rate of each.

A unit of time is believed in this order: declared, written in the name of the column, told by the step. A rate:
declared, measured, said by the head of the file; where two of them contradict, the file is not taken.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from edgehar.models.errors import DataError, UsageError
from edgehar.models.sensing.names import words_of
from edgehar.models.sensor_limits import FASTEST_GUESS_HZ, SLOWEST_GUESS_HZ
from edgehar.pipeline.data.importing.clock import (
    TIME_UNITS,
    Clock,
    Steps,
    guess_time_unit,
    look_at_steps,
    read_clock,
)
from edgehar.pipeline.data.importing.columns import Roles
from edgehar.pipeline.data.importing.epochs import Epoch, epoch_of
from edgehar.pipeline.data.importing.options import NO_COLUMN, Options
from edgehar.pipeline.data.importing.preamble import Preamble
from edgehar.pipeline.data.importing.profiles import Profile
from edgehar.pipeline.data.importing.refusals import refusal
from edgehar.pipeline.data.importing.rows import Rows
from edgehar.pipeline.data.importing.sessions import Sessions, apart, find_sessions
from edgehar.pipeline.data.importing.sources import Source
from edgehar.pipeline.data.importing.spool import Column, Spool, Workspace
from edgehar.pipeline.data.importing.steadiness import about_rate

_RATES_AGREE: Final = 0.1
_TICKS: Final = frozenset(["raw", "tick", "ticks", "cycle", "cycles", "jiffies"])


@dataclass(slots=True, eq=False)
class OpenTable:
    """A table whose rows were read, with all that is known about it so far."""

    source: Source
    options: Options
    preamble: Preamble
    roles: Roles
    rows: Rows
    notes: list[str]
    profile: Profile | None
    workspace: Workspace


@dataclass(slots=True, eq=False)
class Take:
    """Rows of one recording; ``times`` says where its times are kept, ``about_rate`` what is wrong with its rate."""

    start: int
    stop: int
    subject: str
    rate_hz: float
    device: str = ""
    clock: Clock | None = None
    times: tuple[int, int] | None = None
    about_rate: str | None = None


def find_takes(table: OpenTable) -> tuple[Sessions, list[Take], list[str]]:
    """Return the recordings of a file, and what their times say."""
    rows, options, name = table.rows, table.options, table.source.name
    rows, note = apart(rows)
    table.rows = rows
    timeless = options.time == NO_COLUMN
    scale, steps, notes = _time_scale(table) if not timeless else (1.0, _counter_steps(rows), [])
    form = table.roles.places.form
    starts_over_s = form.starts_over_s if form is not None else ()
    try:
        sessions = find_sessions(rows, scale, steps, starts_over_s=starts_over_s, drop=options.drop_bad_rows, name=name)
    except DataError:
        if not timeless:
            raise
        sessions = find_sessions(rows, scale, None, starts_over_s=starts_over_s, drop=True, name=name)
    rows = sessions.rows
    stops = [*sessions.starts[1:], len(rows)]
    takes = []
    for start, stop in zip(sessions.starts, stops, strict=True):
        subject = text_at(rows.subjects, start) or options.subject_name or ""
        take = Take(start, stop, subject, 0.0, text_at(rows.devices, start))
        if (
            sessions.times is not None
            and not timeless
            and (own := look_at_steps(sessions.times, start, stop))
            and stop - start >= 3
            and own.tells_rate
        ):
            first = len(table.workspace.times)
            take.clock = read_clock(sessions.times, start, stop, own, table.workspace.times)
            take.times = (first, len(table.workspace.times))
            take.about_rate = about_rate(sessions.times, start, stop, own)
        takes.append(take)
    rate_hz, said = _rate(table, [take.clock.rate_hz for take in takes if take.clock])
    for take in takes:
        take.rate_hz = take.clock.rate_hz if take.clock and options.rate_hz is None else rate_hz
    if any(take.clock and take.clock.in_packets for take in takes):
        notes.append("Samples share times or come in packets: they are spread evenly over them.")
    return sessions, takes, [*([note] if note else []), *notes, *said]


def _counter_steps(rows: Rows) -> Steps | None:
    """Return what the steps of a column are like whose values are no times, if it counts at all."""
    return look_at_steps(rows.time, 0, len(rows)) if rows.time is not None else None


def _time_scale(table: OpenTable) -> tuple[float, Steps | None, list[str]]:
    """Return how long a step of the time column is in s, what its steps are like, and what was detected."""
    rows, options, name = table.rows, table.options, table.source.name
    if rows.time is None:
        return 1.0, None, []
    if table.roles.step_times:
        rows.time = _summed(table, rows.time)
    steps = look_at_steps(rows.time, 0, len(rows))
    form = table.roles.places.form
    counts = steps and form is None and options.time_unit is None and table.roles.time_unit in (None, "d")
    if steps and counts and (epoch := epoch_of(steps.usual, steps.first)) is not None:
        rows.time = _since_1970(table, rows.time, epoch)
        return 1.0, look_at_steps(rows.time, 0, len(rows)), [f"Times are {epoch.called}."]
    if options.time_unit is not None and options.time_unit not in (*TIME_UNITS, "iso"):
        raise UsageError(
            f"time unit {options.time_unit!r} is not one of {', '.join(TIME_UNITS)}, iso",
            next_step="Choose one of these.",
        )
    if form is not None:
        unit, said = "s", None
    elif options.time_unit == "iso":
        raise refusal(
            name, "expected times that are dates, got numbers", next_step="Import it with --time-unit s, ms, us or ns."
        )
    elif options.time_unit is not None:
        unit, said = options.time_unit, None
    else:
        unit, said = _told_or_guessed(table, steps)
    if steps is None:
        shown = "one row" if len(rows) == 1 else "the same time in every row"
        raise refusal(
            name,
            f"expected times with steps of 2 ms to 125 ms, got {shown}",
            next_step="Ignore its times: --time-column none --rate HZ.",
        )
    if not steps.tells_rate and options.rate_hz is None:
        raise refusal(
            name,
            f"expected times that tell samples apart, got {steps.stamps} different ones in {len(rows)} rows",
            next_step="Export them with more digits, or ignore them: --time-column none --rate HZ.",
        )
    return TIME_UNITS[unit], steps, [said] if said else []


def _summed(table: OpenTable, passed: Column) -> Spool:
    """Return the sums of times that have passed since the row before."""
    times, so_far = table.workspace.column(), 0.0
    for block in passed.blocks():
        times.append(so_far + np.cumsum(block))
        so_far += float(block.sum())
    return times


def _since_1970(table: OpenTable, counted: Column, epoch: Epoch) -> Spool:
    """Return times that count from another year in s since 1970."""
    times = table.workspace.column()
    for block in counted.blocks():
        times.append((block - epoch.at_1970) * epoch.seconds)
    return times


def _told_or_guessed(table: OpenTable, steps: Steps | None) -> tuple[str, str | None]:
    """Return the unit of a numeric time column: written in its name, or the only one that makes a believable rate."""
    name = table.source.name
    column = table.preamble.called(table.roles.places.time[0])
    told = table.roles.time_unit
    if steps is None:
        return "s", None
    if told is not None:
        rate_hz = 1.0 / (steps.usual * TIME_UNITS[told])
        if SLOWEST_GUESS_HZ / 8 <= rate_hz <= FASTEST_GUESS_HZ:
            return told, f"Times are in {told}, as the name of {column} says."
        raise refusal(
            name,
            f"expected a rate between {SLOWEST_GUESS_HZ:g} and {FASTEST_GUESS_HZ:g} Hz, but times in {told}, as "
            f"{column} is named, make {rate_hz:.4g} Hz",
            next_step="Import it with the right --time-unit, or ignore its times: --time-column none --rate HZ.",
        )
    if steps.whole_ones:
        raise refusal(
            name,
            f"expected times or a rate, but {column} counts rows: it goes up by exactly 1",
            next_step="Import it with --time-column none --rate HZ; if these are milliseconds, with --time-unit ms.",
        )
    if table.preamble.header and not _TICKS.isdisjoint(words_of(column)):
        raise refusal(
            name,
            f"expected times in s, ms, us or ns, but {column} counts ticks of a clock by its name",
            next_step="Import it with --time-column none --rate HZ; if these are times, with --time-unit.",
        )
    unit = guess_time_unit(steps.usual, steps.first)
    if unit is None:
        raise refusal(
            name,
            f"expected times with steps of 2 ms to 125 ms (8 to 500 Hz), written in s, ms, us or ns, got steps of "
            f"{steps.usual:.6g} in {column}",
            next_step="Import it with --time-unit, or ignore its times: --time-column none --rate HZ.",
        )
    return unit, f"Times are in {unit}, by their usual step."


def _rate(table: OpenTable, measured: list[float]) -> tuple[float, list[str]]:
    """Return the declared rate, the one the timestamps give, or the one the head of the file says."""
    options, name, said = table.options, table.source.name, table.preamble.rate_hz
    middle = float(np.median(measured)) if measured else None
    if options.rate_hz is not None:
        if not 0 < options.rate_hz < np.inf:
            raise UsageError(f"rate {options.rate_hz} Hz is not above 0", next_step="Declare the rate in Hz.")
        if middle is not None and abs(middle / options.rate_hz - 1) > _RATES_AGREE:
            raise refusal(
                name,
                f"expected {options.rate_hz:g} Hz as declared, but the timestamps give {middle:g} Hz",
                next_step="Correct --rate or --time-unit, or ignore its times: --time-column none.",
            )
        return options.rate_hz, []
    if middle is None:
        if said is None:
            unread = table.roles.unread_time
            got = f"{unread}, which is no date that is read here" if unread else "neither"
            raise refusal(name, f"expected timestamps or a rate, got {got}", next_step="Import it with --rate HZ.")
        return said, [f"The rate is {said:g} Hz, as the head of the file says."]
    if said is not None and abs(middle / said - 1) > _RATES_AGREE:
        raise refusal(
            name,
            f"expected the {said:g} Hz that the head of the file says, but the timestamps give {middle:g} Hz",
            next_step="Import it with the right --time-unit, or with --time-column none --rate HZ.",
        )
    low, high = min(measured), max(measured)
    if low == high:
        return middle, [f"The rate is {low:g} Hz, by the timestamps."]
    return middle, [f"Rates are {low:g} to {high:g} Hz, by the timestamps."]


def text_at(runs: list[tuple[int, str]] | None, row: int) -> str:
    """Return the text of a row."""
    return "" if not runs else next((text for at, text in reversed(runs) if at <= row), "")
