"""Which columns of a table are x, y, z, the time, the activity and the person: declared, or found by their names."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from edgehar.models.sensing.names import read_name, words_of
from edgehar.models.sensing.roles import DATE, INDEX, SUBJECT, TIME, ColumnRole, role_of
from edgehar.models.sensing.unit_names import COUNTS, OF_ACCELERATION, time_unit_named, unit_named
from edgehar.pipeline.data.importing.acceleration_columns import acceleration_columns
from edgehar.pipeline.data.importing.cells import is_number
from edgehar.pipeline.data.importing.dates import (
    DateForm,
    are_run_together,
    is_only_a_date,
    looks_like_date,
    read_form,
)
from edgehar.pipeline.data.importing.devices_in_turn import device_column
from edgehar.pipeline.data.importing.gyroscope import gyroscope_columns, wants_gyroscope
from edgehar.pipeline.data.importing.label_columns import LabelChoice, choose_label
from edgehar.pipeline.data.importing.options import NO_COLUMN, Options
from edgehar.pipeline.data.importing.preamble import Preamble
from edgehar.pipeline.data.importing.refusals import MissingColumnError, refusal
from edgehar.pipeline.data.importing.rows import Places
from edgehar.pipeline.data.importing.sensor_rows import are_sparse, find_sensor_rows
from edgehar.pipeline.data.importing.subseconds import find_subseconds
from edgehar.pipeline.data.importing.unnamed_columns import times_beside, unnamed_columns

_NAMED_TIMES: Final = 50
_STEPS: Final = frozenset(["delta", "diff", "difference", "dt", "last", "prev", "previous", "interval", "period"])
"""Words of columns that may say what has passed since the row before."""


@dataclass(frozen=True, slots=True)
class Roles:
    """What the columns of a table are.

    Parameters
    ----------
    places
        Where the wanted ones are.
    unit, time_unit
        As written in names or in a row of units.
    notes
        What was found, as sentences.
    unread_time
        A column that is called a time, and what is written in it, where that is neither a number nor a date.
    problems
        What may be wrong with the choice, as sentences.
    step_times
        Whether the time says what has passed since the row before.
    """

    places: Places
    unit: str | None
    time_unit: str | None
    notes: tuple[str, ...]
    unread_time: str | None = None
    problems: tuple[str, ...] = ()
    step_times: bool = False


def find_roles(preamble: Preamble, options: Options, *, stem: str) -> Roles:
    """Return what the columns of a table are.

    Parameters
    ----------
    preamble
        How the table is written.
    options
        What is declared.
    stem
        The name of the file without suffix: ``Gyroscope`` is no accelerometer, whatever its columns are called.

    Raises
    ------
    ForeignTableError
        When the table holds another sensor.
    UnrecognisedError
        When nothing says which columns are an accelerometer's.
    DataError
        When several sensors may be meant.
    MissingColumnError
        When a declared column is not there.
    """
    roles = [_role_of(name) for name in preamble.header or ()]
    notes: list[str] = []
    halves = find_subseconds(preamble, roles) if roles and options.time is None else None
    time = (halves.seconds,) if halves else _time(preamble, options, roles, notes)
    chosen = _label(preamble, options.label, roles)
    label = chosen.place
    notes += chosen.notes
    subject = _subject(preamble, options.subject, roles, notes)
    rows = find_sensor_rows(preamble, roles)
    sensor, sensors = rows.place, rows.sensors
    notes += rows.notes
    added: tuple[int, ...] = ()
    turning: tuple[int, ...] = ()
    if options.axes is not None:
        x, y, z, *declared = (_column(preamble, name) for name in options.axes)
        axes, turning = (x, y, z), tuple(declared)
        added = tuple(_column(preamble, name) for name in options.add_axes or ())
        if preamble.header is None and options.time is None:
            time = times_beside(preamble, {x, y, z, *declared}, numbers_too=options.rate_hz is None)
    elif preamble.header:
        axes, added, said = acceleration_columns(preamble, preamble.header, stem, known=bool(sensors))
        notes += said
    else:
        axes, time = unnamed_columns(preamble, time)
        label = label if options.label else None
    notes.append(
        f"Acceleration is taken from the columns {_listed(preamble, axes)}{_stamped(preamble, options, time)}."
    )
    if added:
        notes.append(f"Gravity is added from the columns {_listed(preamble, added)}.")
    if wants_gyroscope(options.channels):
        turning = turning or gyroscope_columns(preamble, axes)
        notes.append(f"The turning rate is taken from the columns {_listed(preamble, turning)}.")
    form = _date_form(preamble, time, notes if options.time != NO_COLUMN else [])
    if form is None and options.time == NO_COLUMN and time and not _is_number(preamble, time[0]):
        time = ()
    known = {*axes, *added, *turning, *time, *(at for at in (label, subject, sensor) if at is not None)}
    device = rows.place if rows.several else device_column(preamble, known)
    places = Places(axes, added, turning, time, form, label, subject, device, sensor, sensors)
    beside = [at for at, role in enumerate(roles) if role.role in (INDEX, TIME, DATE)]
    beside += [*time, *(at for at in (label, subject, device) if at is not None)]
    if time and are_sparse(preamble, axes, beside):
        places = replace(places, sparse=True)
        notes.append("Rows without any value of the accelerometer are of other sensors: they are passed over.")
    if halves is not None:
        places = replace(places, part=halves.part, part_s=halves.part_s)
        notes.append(f"The time is taken from {preamble.called(halves.seconds)} and {preamble.called(halves.part)}.")
    unread = next(
        (at for at, said in enumerate(roles) if said.role in (TIME, DATE) and not _filled(preamble, at)), None
    )
    text = "" if time or unread is None else _cell(preamble, unread)
    return Roles(
        places,
        _unit(preamble, axes),
        "s" if halves else _time_unit(preamble, roles, time),
        tuple(notes),
        f"{text[:40]!r} in {preamble.called(unread)}" if text and unread is not None else None,
        chosen.problems,
        bool(time) and form is None and _are_steps(preamble, time[0]),
    )


def _role_of(name: str) -> ColumnRole:
    """Return what a column is for; of a path such as ``key.userId`` the last part may say it."""
    role = role_of(name)
    inner = role_of(name.rpartition(".")[2]) if not role.role and "." in name else role
    return inner if inner.role == SUBJECT else role


def _column(preamble: Preamble, name: str) -> int:
    """Return the place of a declared column."""
    header = preamble.header or ()
    folded = [each.casefold() for each in header]
    if header.count(name) == 1:
        return header.index(name)
    if name not in header and folded.count(name.casefold()) == 1:
        return folded.index(name.casefold())
    if name.isdecimal() and 1 <= int(name) <= preamble.width:
        return int(name) - 1
    there = ", ".join(preamble.header) if preamble.header else f"numbers 1 to {preamble.width}"
    raise MissingColumnError(
        f"{preamble.name}: column {name!r} is not there; there are {there}",
        next_step="Name one of these, or count from 1.",
        path=preamble.name,
        column=name,
    )


def _label(preamble: Preamble, declared: str | None, roles: Sequence[ColumnRole]) -> LabelChoice:
    """Return the declared column of the activity, else the one that names and values speak for."""
    if declared is not None:
        return LabelChoice(None if declared == NO_COLUMN else _column(preamble, declared))
    return choose_label(preamble, roles)


def _subject(preamble: Preamble, declared: str | None, roles: Sequence[ColumnRole], notes: list[str]) -> int | None:
    """Return the declared column of the person, else the first whose name says that."""
    if declared is not None:
        return None if declared == NO_COLUMN else _column(preamble, declared)
    for place, said in enumerate(roles):
        if said.role == SUBJECT:
            notes.append(f"The person is taken from {preamble.called(place)}.")
            return place
    return None


def _time(preamble: Preamble, options: Options, roles: Sequence[ColumnRole], notes: list[str]) -> tuple[int, ...]:
    """Return the column of the time, or those of a date and a time of day."""
    if options.time is not None and options.time != NO_COLUMN:
        places = tuple(_column(preamble, part) for part in options.time.split("+"))
        if preamble.rate_hz is None or any(_cell(preamble, place) for place in places):
            return places
        notes.append(f"Nothing is written in {preamble.called(places[0])}.")
        return ()
    times = [place for place, said in enumerate(roles) if said.role == TIME and _filled(preamble, place)]
    dates = [place for place, said in enumerate(roles) if said.role == DATE and _filled(preamble, place)]
    if dates and times and is_only_a_date(_cell(preamble, dates[0])) and looks_like_date(_cell(preamble, times[0])):
        notes.append(f"The time is taken from {preamble.called(dates[0])} and {preamble.called(times[0])}.")
        return dates[0], times[0]
    usable = times + [place for place in dates if not is_only_a_date(_cell(preamble, place))]
    # What has passed since the row before is a time only where there is no other.
    steps = [place for place in range(len(preamble.header or ())) if _are_steps(preamble, place)]
    usable = [place for place in usable if place not in steps] or steps
    # A number or a whole date is better than a time of day beside it.
    usable.sort(
        key=lambda place: not _is_number(preamble, place) and not re.match(r"\s*\d+[-./]", _cell(preamble, place))
    )
    if options.time == NO_COLUMN:
        # Its values are no times, but where they go back, a recording ends all the same.
        counters = [place for place, said in enumerate(roles) if said.role == INDEX and _is_number(preamble, place)]
        return tuple((usable + counters)[:1])
    if not usable:
        return ()
    notes.append(f"The time is taken from {preamble.called(usable[0])}.")
    return (usable[0],)


def _filled(preamble: Preamble, place: int) -> bool:
    """Tell whether a column holds numbers or dates."""
    cell = _cell(preamble, place)
    return _is_number(preamble, place) or looks_like_date(cell) or are_run_together([cell]) or not preamble.head


def _cell(preamble: Preamble, place: int) -> str:
    """Return the first cell of a column that is filled."""
    return next((row[place] for row in preamble.head[:_NAMED_TIMES] if len(row) > place and row[place]), "")


def _is_number(preamble: Preamble, place: int) -> bool:
    """Tell whether a column begins with a number."""
    cell = _cell(preamble, place)
    return bool(cell) and is_number(cell, comma=preamble.decimal_comma)


def _date_form(preamble: Preamble, time: tuple[int, ...], notes: list[str]) -> DateForm | None:
    """Return how dates are written, if the time column holds some."""
    if not time or (_is_number(preamble, time[0]) and not _are_run_together(preamble, time)):
        return None
    cells = [" ".join(row[place] for place in time) for row in preamble.head if len(row) > max(time)]
    cells = [cell.replace(",", ".") if preamble.decimal_comma else cell for cell in cells]
    if not cells:
        return None
    form = read_form(cells, day_first=preamble.day_first)
    if form is None:
        shown = cells[0][:40] if cells else ""
        raise refusal(
            preamble.name,
            f"expected a date and time in {preamble.called(time[0])}, got {shown!r}",
            line=preamble.first_line,
            next_step="Name another --time-column, or ignore it: --time-column none --rate HZ.",
        )
    kind = "times of day" if form.of_day else "dates, the day first" if form.day_first else "dates"
    notes.append(f"Times are {kind}.")
    if form.ambiguous:
        notes.append("Nothing says whether day or month comes first; the month is taken.")
    return form


def _are_run_together(preamble: Preamble, time: tuple[int, ...]) -> bool:
    """Tell whether the numbers of a time column are dates."""
    cells = [row[time[0]] for row in preamble.head if len(row) > time[0] and row[time[0]]]
    return len(time) == 1 and are_run_together(cells)


def _are_steps(preamble: Preamble, place: int) -> bool:
    """Tell whether a column says what has passed since the row before: by its name, and as it does not rise."""
    name = (preamble.header or ())[place] if preamble.header else ""
    if _STEPS.isdisjoint(words_of(name)) or not _is_number(preamble, place):
        return False
    cells = [row[place].replace(",", ".") for row in preamble.head if len(row) > place and row[place]]
    values = [float(cell) for cell in cells if is_number(cell)]
    rises = all(after >= before for before, after in pairwise(values)) and values[-1] > values[0]
    return not rises and min(values) >= 0


def _unit(preamble: Preamble, axes: Sequence[int]) -> str | None:
    """Return the unit written for the axes."""
    if preamble.units is not None and max(axes) < len(preamble.units) and (unit := unit_named(preamble.units[axes[0]])):
        return unit
    units = {read_name(preamble.header[place]).unit for place in axes} if preamble.header else {None}
    unit = units.pop() if len(units) == 1 else None
    return unit if unit in (*OF_ACCELERATION, COUNTS) else None


def _time_unit(preamble: Preamble, roles: Sequence[ColumnRole], time: tuple[int, ...]) -> str | None:
    """Return the unit written for the time."""
    if not time or not roles or preamble.header is None:
        return None
    beside = preamble.units[time[0]] if preamble.units is not None and time[0] < len(preamble.units) else ""
    name = preamble.header[time[0]]
    return time_unit_named(beside) or _long_unit(beside) or roles[time[0]].time_unit or _long_unit(name)


def _long_unit(text: str) -> str | None:
    """Return minutes, hours or days, where a name ends in them, in brackets or behind an underscore."""
    match = re.search(
        r"(?:^|[\s_(\[{,/])(min|mins|minutes?|h|hrs?|hours?|d|days?)[)\]}\s]*$", text.strip(), re.IGNORECASE
    )
    return {"m": "min", "h": "h", "d": "d"}[match[1][0].lower()] if match else None


def _listed(preamble: Preamble, places: Sequence[int]) -> str:
    """Return names of columns."""
    return ", ".join(preamble.called(place).removeprefix("column ") for place in places)


def _stamped(preamble: Preamble, options: Options, time: tuple[int, ...]) -> str:
    """Say which column is the time where no name says it."""
    return f", time is {preamble.called(time[0])}" if preamble.header is None and time and options.time is None else ""
