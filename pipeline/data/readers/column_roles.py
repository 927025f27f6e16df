"""What the columns of a table of recordings mean: declared by the caller, or found by their names.

Names in the wild differ: ``ax``, ``acc_x``, ``Accelerometer X (g)``, ``accX``, ``x-axis``. A name is split into words;
one word must be an axis, and the others say which sensor it is. Columns that share the other words are one sensor.
"""

import re
from dataclasses import dataclass
from typing import Final

from edgehar.models.errors import UsageError
from edgehar.pipeline.data.readers.sheet import Sheet, is_number, refusal
from edgehar.pipeline.data.readers.table import Places

NO_COLUMN: Final = "none"
"""Declares that a column that is there is not to be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What the caller declares about a table; everything left out is detected, and said.

    Parameters
    ----------
    axes
        Columns of x, y and z: names, or numbers counted from 1.
    time, label, subject
        Columns of the timestamp, the activity and the person; ``none`` ignores one that is there.
    unit
        ``g``, ``m/s2`` or ``raw:SCALE`` with SCALE in counts per g; None finds it by the magnitude of gravity.
    rate_hz
        Samples per second; None takes it from the timestamps.
    time_unit
        ``s``, ``ms``, ``us``, ``ns`` or ``iso``; None finds it.
    delimiter
        One character, or one of the words tab, semicolon, bar, comma, space.
    activity_name, subject_name
        The activity or the person of all rows, where no column says it.
    file_pattern
        Where file names say it: ``{subject}_{activity}*.csv``, matched against the end of the path. ``*`` is anything.
    unlabelled
        Labels that mean "no label", such as 0 in MHEALTH and PAMAP2.
    drop_bad_rows
        Leave out, count and report rows that cannot be used, instead of refusing the file.
    placement
        Where on the body the sensor was.
    """

    axes: tuple[str, str, str] | None = None
    time: str | None = None
    label: str | None = None
    subject: str | None = None
    unit: str | None = None
    rate_hz: float | None = None
    time_unit: str | None = None
    delimiter: str | None = None
    activity_name: str | None = None
    subject_name: str | None = None
    file_pattern: str | None = None
    unlabelled: tuple[str, ...] = ()
    drop_bad_rows: bool = False
    placement: str = ""


_AXIS: Final = frozenset("xyz")
_OTHER_SENSOR: Final = re.compile(
    r"gyr\w*|rot\w*|omega|deg|dps|rad|mag\w*|ut|orient\w*|attitude|euler|quat\w*|grav|gravity|angle|lin|linear|user"
    r"|roll|pitch|yaw|pos|position|vel|velocity"
)
_TIME: Final = re.compile(r"time|timestamps?|ts?|datetime|date|epoch|elapsed|millis|micros|seconds|ms|us")
_LABEL: Final = re.compile(r"labels?|activity|activities|class|target|annotation|gt")
_SUBJECT: Final = re.compile(r"subjects?|user|person|participant|volunteer|userid|subjectid")
_GLUED: Final = re.compile(r"(acc|accel|accelerometer|acceleration|a|gyr|gyro|gyroscope|g|w|rot|mag|m|lin|q)([xyz])")
_SHORT: Final = {"g": "gyro", "w": "gyro", "m": "mag", "q": "quat"}


def locate(sheet: Sheet, layout: Layout) -> tuple[Places, list[str]]:
    """Find the columns of a table.

    Returns
    -------
    tuple
        Where the columns are, and sentences about those that were found rather than declared.

    Raises
    ------
    UsageError
        When a declared column does not exist.
    DataError
        When no three columns, or more than one sensor, look like an accelerometer.
    """
    notes: list[str] = []
    time = _named(sheet, layout.time, _TIME, "time", notes)
    label = _named(sheet, layout.label, _LABEL, "label", notes)
    subject = _named(sheet, layout.subject, _SUBJECT, "subject", notes)
    if layout.axes is not None:
        x, y, z = (_column(sheet, name) for name in layout.axes)
        return Places((x, y, z), time, label, subject), notes
    if sheet.header is None:
        axes, time = _unnamed(sheet, layout, time)
    else:
        axes = _accelerometer(sheet)
    columns = ", ".join(sheet.called(place).removeprefix("column ") for place in axes)
    stamped = f", time is {sheet.called(time)}" if sheet.header is None and time is not None else ""
    notes.append(f"Acceleration is taken from the columns {columns}{stamped}.")
    return Places(axes, time, label, subject), notes


def words_of(name: str) -> list[str]:
    """Split the name of a column into lower-case words.

    Examples
    --------
    >>> words_of("accX"), words_of("Accelerometer Y (g)"), words_of("gz")
    (['acc', 'x'], ['accelerometer', 'y', 'g'], ['gyro', 'z'])
    """
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    words = []
    for word in re.findall(r"[^\W_]+", spaced.lower()):
        glued = _GLUED.fullmatch(word)
        turned = _GLUED.fullmatch(word[1:] + word[0])
        match = glued or (turned if word[0] in _AXIS else None)
        words += [_SHORT.get(match[1], match[1]), match[2]] if match else [word]
    return words


def _named(sheet: Sheet, declared: str | None, names: re.Pattern[str], role: str, notes: list[str]) -> int | None:
    """Return the declared column, else the first whose name says what it is."""
    if declared is not None:
        return None if declared == NO_COLUMN else _column(sheet, declared)
    for place, name in enumerate(sheet.header or ()):
        words = words_of(name)
        if words and not _AXIS & set(words) and (names.fullmatch(words[0]) or names.fullmatch("".join(words))):
            notes.append(f"The {role} is taken from {sheet.called(place)}.")
            return place
    return None


def _column(sheet: Sheet, name: str) -> int:
    """Return the place of a declared column."""
    if sheet.header is not None and sheet.header.count(name) == 1:
        return sheet.header.index(name)
    if name.isdecimal() and 1 <= int(name) <= sheet.width:
        return int(name) - 1
    there = ", ".join(sheet.header) if sheet.header else f"numbers 1 to {sheet.width}"
    raise UsageError(
        f"{sheet.path}: column {name!r} is not there; there are {there}",
        next_step="Name one of these, or count from 1.",
        path=str(sheet.path),
        column=name,
    )


def _accelerometer(sheet: Sheet) -> tuple[int, int, int]:
    """Return the columns of the only sensor whose names look like an accelerometer."""
    sensors: dict[tuple[str, ...], dict[str, int]] = {}
    for place, name in enumerate(sheet.header or ()):
        words = words_of(name)
        axes = [word for word in words if word in _AXIS]
        rest = tuple(word for word in words if word not in _AXIS)
        if len(axes) == 1 and not any(_OTHER_SENSOR.fullmatch(word) for word in rest):
            sensors.setdefault(rest, {}).setdefault(axes[0], place)
    whole = {rest: places for rest, places in sensors.items() if len(places) == 3}
    if len(whole) == 1:
        (places,) = whole.values()
        return places["x"], places["y"], places["z"]
    there = ", ".join(sheet.header or ())
    if not whole:
        sentence = f"expected columns named like x, y, z or acc_x, acc_y, acc_z, got {there}"
    else:
        found = " and ".join(
            "/".join(sheet.called(place)[7:] for place in places.values()) for places in whole.values()
        )
        sentence = f"expected one accelerometer, got {len(whole)}: {found}"
    raise refusal(sheet.path, sentence, line=1, next_step="Import it with --columns X,Y,Z.")


def _unnamed(sheet: Sheet, layout: Layout, time: int | None) -> tuple[tuple[int, int, int], int | None]:
    """Return the columns of a table without names: x, y, z, or time and x, y, z."""
    numeric = all(is_number(cell, comma=sheet.decimal_comma) for row in sheet.head[:20] for cell in row[1:])
    if numeric and sheet.width == 3 and time is None:
        return (0, 1, 2), None
    if numeric and sheet.width == 4 and time in (None, 0):
        return (1, 2, 3), None if layout.time == NO_COLUMN else 0
    raise refusal(
        sheet.path,
        f"expected column names, or three or four columns of numbers, got {sheet.delimiter.join(sheet.head[0])[:80]!r}",
        line=1,
        next_step="Import it with columns by number: --columns 4,5,6 --label-column 2.",
    )
