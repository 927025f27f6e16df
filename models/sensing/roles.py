"""What a column is for, by its name: an axis, the time, a counter, the activity, the person.

The same rules for the header of a file and for that of a live stream.
"""

import re
from dataclasses import dataclass
from typing import Final

from edgehar.models.sensing.names import AXES, read_axis, words_of
from edgehar.models.sensing.unit_names import time_unit_named

AXIS: Final = "axis"
TIME: Final = "time"
DATE: Final = "date"
LABEL: Final = "label"
SUBJECT: Final = "subject"
INDEX: Final = "index"
SENSOR: Final = "sensor"

_BRACKETS: Final = re.compile(r"[(\[{]([^()\[\]{}]*(?:\([^()]*\)[^()\[\]{}]*)?)[)\]}]")
_TIMES: Final = re.compile(
    r"time\w*|\w*time|\w*timestamps?|ts?|datetime|epoch?|epoc|elapsed|millis\w*|micros\w*|nanos\w*|seconds?|secs?|ms|us|ns|clock"
    r"|unix|zeit|zeitstempel|uhrzeit|temps|horodatage|tiempo|hora|tijd|tempo|czas|čas|время|时间|時間|時刻|시간|aika|zaman"
    r"|sampletimefine|since|yyyy\w*"
)
_WHOLE: Final = (
    (TIME, re.compile(r"s")),
    (
        INDEX,
        re.compile(r"|[ni]|id|idx|index|no|nr|number|row|samples?|count(?:er)?|packetcounter|packet|seq\w*|unnamed"),
    ),
    (SENSOR, re.compile(r"sensor|sensors|sensorname|sensortype|type")),
    (DATE, re.compile(r"date|datum|fecha")),
)
_WHOLE_OR_FIRST: Final = (
    (
        LABEL,
        re.compile(
            r"labels?|activity|activities|activityid|activityname|class|target|annotations?|gt|behaviou?r|aktivität"
            r"|aktivitaet|activité|actividad|text"
        ),
    ),
    (
        SUBJECT,
        re.compile(
            r"subjects?|users?|person|participants?|pid|volunteers?|userid|subjectid|wearer|benutzer"
            r"|patients?|patientid|participantid|personid|athletes?|proband\w*|sujet|sujeto"
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class ColumnRole:
    """What a column is for.

    Parameters
    ----------
    role
        One of the constants of this module, or empty where its name does not say.
    time_unit
        ``s``, ``ms``, ``us`` or ``ns``, where the name of a time says it.
    """

    role: str
    time_unit: str | None = None


def role_of(name: str) -> ColumnRole:
    """Return what a column is for.

    Examples
    --------
    >>> role_of("t_ms"), role_of("Acceleration x (m/s^2)").role, role_of("PacketCounter").role
    (ColumnRole(role='time', time_unit='ms'), 'axis', 'index')
    """
    bracketed = [match[1].strip().lower() for match in _BRACKETS.finditer(name)]
    words = words_of(_BRACKETS.sub(" ", name).strip())
    joined = "".join(words)
    if joined in AXES and (unit := _first_unit(bracketed)) is not None:
        return ColumnRole(TIME, unit)  # X[s] is what the horizontal axis of a plot shows
    if read_axis(_BRACKETS.sub(" ", name)):
        return ColumnRole(AXIS)
    for role, pattern in _WHOLE:
        if pattern.fullmatch(joined):
            return ColumnRole(role, _first_unit([*bracketed, joined]) if role == TIME else None)
    for role, pattern in _WHOLE_OR_FIRST:
        if pattern.fullmatch(joined) or (words and pattern.fullmatch(words[0])):
            return ColumnRole(role)
    odd = joined == "t" and bracketed and _first_unit(bracketed) is None  # T(°) is a temperature
    if not odd and any(_TIMES.fullmatch(word) for word in (joined, *words)):
        return ColumnRole(TIME, _first_unit([*bracketed, joined, *reversed(words)]))
    return ColumnRole("")


def _first_unit(written: list[str]) -> str | None:
    """Return the first unit of time that one of the texts names."""
    return next((unit for text in written if (unit := time_unit_named(text)) is not None), None)
