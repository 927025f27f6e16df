"""Which columns of a table are x, y, z, the time, the activity and the person: declared, or found by their names."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from edgehar.models.sensing import names as sensor_names
from edgehar.models.sensing.names import accelerometers, read_name, sensor_groups, sensor_of_text, words_of
from edgehar.models.sensing.roles import DATE, INDEX, SENSOR, SUBJECT, TIME, ColumnRole, role_of
from edgehar.models.sensing.unit_names import COUNTS, OF_ACCELERATION, time_unit_named, unit_named
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
from edgehar.pipeline.data.importing.parser import sensors_in
from edgehar.pipeline.data.importing.preamble import Preamble, is_number
from edgehar.pipeline.data.importing.refusals import MissingColumnError, foreign, refusal, unrecognised
from edgehar.pipeline.data.importing.rows import Places
from edgehar.pipeline.data.importing.subseconds import find_subseconds

_ASK: Final = "Import it with --columns X,Y,Z: names, or numbers counted from 1"
_NAMED_TIMES: Final = 50
_STEPS: Final = frozenset(["delta", "diff", "difference", "dt", "last", "prev", "previous", "interval", "period"])
"""Words of columns that may say what has passed since the row before."""
_OTHER_SENSORS: Final = (
    sensor_names.GYROSCOPE,
    sensor_names.MAGNETOMETER,
    sensor_names.GRAVITY,
    sensor_names.QUATERNION,
    sensor_names.OTHER,
)


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
    roles = [role_of(name) for name in preamble.header] if preamble.header else []
    notes: list[str] = []
    halves = find_subseconds(preamble, roles) if roles and options.time is None else None
    time = (halves.seconds,) if halves else _time(preamble, options, roles, notes)
    chosen = _label(preamble, options.label, roles)
    label = chosen.place
    notes += chosen.notes
    subject = _subject(preamble, options.subject, roles, notes)
    sensor, sensors = _sensor_column(preamble, roles, notes)
    added: tuple[int, ...] = ()
    turning: tuple[int, ...] = ()
    if options.axes is not None:
        x, y, z, *declared = (_column(preamble, name) for name in options.axes)
        axes, turning = (x, y, z), tuple(declared)
        added = tuple(_column(preamble, name) for name in options.add_axes or ())
    elif preamble.header:
        axes, added = _accelerometer(preamble, preamble.header, stem, known=bool(sensors))
    else:
        axes, time = _unnamed(preamble, options, time)
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
    device = device_column(preamble, known)
    places = Places(axes, added, turning, time, form, label, subject, device, sensor, sensors)
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


def _column(preamble: Preamble, name: str) -> int:
    """Return the place of a declared column."""
    if preamble.header is not None and preamble.header.count(name) == 1:
        return preamble.header.index(name)
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
        return tuple(_column(preamble, part) for part in options.time.split("+"))
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


def _sensor_column(
    preamble: Preamble, roles: Sequence[ColumnRole], notes: list[str]
) -> tuple[int | None, tuple[str, ...]]:
    """Return the column that says which sensor a row is of, and what it says for the accelerometer."""
    for place, column in enumerate(roles):
        if column.role != SENSOR:
            continue
        said = sensors_in(preamble, place)
        wanted = tuple(text for text in said if sensor_of_text(text) == sensor_names.ACCELERATION)
        if wanted and len(wanted) < len(said):
            others = ", ".join(repr(text) for text in said if text not in wanted)
            notes.append(f"Only rows whose {preamble.called(place)} is {wanted[0]!r} are taken; passed over: {others}.")
            return place, wanted
    return None, ()


def _accelerometer(
    preamble: Preamble, header: Sequence[str], stem: str, *, known: bool
) -> tuple[tuple[int, int, int], tuple[int, ...]]:
    """Return the columns of the accelerometer, and of the gravity to be added where a program took it away."""
    groups = accelerometers(header)
    if len(groups) > 1:
        raise _several(preamble, groups)
    if groups:
        if not known and read_name(header[groups[0][0]]).sensor is None:
            _refuse_by_stem(preamble, stem)
        return groups[0], ()
    linear, gravity = (
        sensor_groups(header, sensor) for sensor in (sensor_names.LINEAR_ACCELERATION, sensor_names.GRAVITY)
    )
    if linear and gravity:
        return linear[0], gravity[0]
    if linear:
        raise _gravity_removed(preamble)
    raise _no_sensor(preamble, header)


def _several(preamble: Preamble, groups: Sequence[tuple[int, int, int]]) -> Exception:
    """Return the question which of several sensors is meant."""
    listed = " and ".join("/".join(preamble.called(place)[7:] for place in places) for places in groups)
    numbers = " or ".join(",".join(str(place + 1) for place in places) for places in groups)
    return refusal(
        preamble.name,
        f"expected columns of one accelerometer, got {len(groups)}: {listed}",
        line=max(1, preamble.first_line - 1),
        next_step=f"{_ASK}: {numbers}.",
    )


def _refuse_by_stem(preamble: Preamble, stem: str) -> None:
    """Refuse a file whose name says that it is another sensor's."""
    sensor = sensor_of_text(stem)
    if sensor == sensor_names.LINEAR_ACCELERATION:
        raise _gravity_removed(preamble)
    if sensor not in (None, sensor_names.ACCELERATION):
        raise foreign(preamble.name, f"expected a recording of an accelerometer, got one of the {sensor} by its name")


def _gravity_removed(preamble: Preamble) -> Exception:
    """Return the error for linear acceleration."""
    return foreign(
        preamble.name,
        "expected acceleration with gravity, got linear acceleration: gravity is removed, so that postures look alike",
        next_step="Record or export the accelerometer with gravity.",
    )


def _no_sensor(preamble: Preamble, header: Sequence[str]) -> Exception:
    """Return the error for a table without acceleration."""
    there = ", ".join(header)
    other = {sensor for sensor in _OTHER_SENSORS if sensor_groups(header, sensor)}
    if other:
        sentence = f"expected columns of an accelerometer, got those of the {' and the '.join(sorted(other))}: {there}"
        return foreign(preamble.name, sentence)
    sentence = f"expected columns named like x, y, z or acc_x, acc_y, acc_z, got {there[:300]}"
    return unrecognised(preamble.name, sentence, next_step=f"{_ASK}.")


def _unnamed(
    preamble: Preamble, options: Options, time: tuple[int, ...]
) -> tuple[tuple[int, int, int], tuple[int, ...]]:
    """Return the columns of a table without names: x, y, z, or time and x, y, z."""
    rows = preamble.head[:20]
    numeric = [
        all(len(row) > at and is_number(row[at], comma=preamble.decimal_comma) for row in rows)
        for at in range(preamble.width)
    ]
    dated = bool(rows) and looks_like_date(_cell(preamble, 0))
    if preamble.width == 3 and all(numeric) and not time:
        return (0, 1, 2), ()
    if preamble.width == 4 and all(numeric[1:]) and time in ((), (0,)) and (numeric[0] or dated):
        return (1, 2, 3), (0,)
    shown = preamble.delimiter.join(preamble.head[0])[:80] if preamble.head else ""
    raise refusal(
        preamble.name,
        f"expected column names, or three or four columns of numbers, got {shown!r}",
        line=preamble.first_line,
        next_step="Import it with columns by number: --columns 4,5,6 --label-column 2.",
    )


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
