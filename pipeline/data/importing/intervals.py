"""Tables that say what was done when: intervals with labels, and whose they are."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from edgehar.models.sensing.names import words_of
from edgehar.models.sensing.roles import SUBJECT, role_of
from edgehar.pipeline.data.importing.cells import is_number
from edgehar.pipeline.data.importing.dates import looks_like_date, read_form, seconds_of
from edgehar.pipeline.data.importing.label_events import intervals_of, split_status, status_column
from edgehar.pipeline.data.importing.options import UNKNOWN_SUBJECT
from edgehar.pipeline.data.importing.preamble import Preamble
from edgehar.pipeline.data.importing.refusals import refusal
from edgehar.pipeline.data.label_file import COLUMNS, Interval, intervals_of_rows
from edgehar.pipeline.data.recordings import Recording

_START: Final = frozenset(
    {
        *("start", "begin", "from", "onset", "starts", "beginning", "starttime", "begintime"),
        *("beginn", "anfang", "von", "début", "debut", "inicio"),
    }
)
_STOP: Final = frozenset(["end", "stop", "to", "offset", "finish", "ends", "endtime", "stoptime", "ende", "bis", "fin"])
_DURATION: Final = frozenset({"duration", "length", "dauer", "durée", "duree", "duración"})
_RECORDING: Final = frozenset({"file", "filename", "recording", "recordingid", "csv", "path", "session", "video"})
_LABELS: Final = (
    "label", "labels", "activity", "activities", "annotation", "timeserieslabels", "behavior", "class", "event", "text",
    "marker", "value", "comment", "name",
)  # fmt: skip
"""What a column of labels is called; where there are several, the first of these."""
_TEXTS: Final = frozenset({"text", "value", "name", "comment", "marker", "event"})
"""Columns of these names hold labels only if they do not hold numbers."""
_CLOCK: Final = frozenset({"time", "timestamp", "elapsed", "seconds", "t"})
_SAMPLES: Final = frozenset({"sample", "samples", "idx", "index", "row", "rows"})
_FRAMES: Final = frozenset({"frame", "frames"})
"""Numbers of video frames are no times: nothing says how many make a second."""


@dataclass(frozen=True, slots=True)
class IntervalTable:
    """A file that says what was done when.

    Parameters
    ----------
    name, folder, stem
        Of the file.
    intervals
        (start, stop, label) in the file's own numbers; a stop of None is the next start, or the end.
    named
        Intervals by recording, in its own time, where it is a label file of ``har data label``.
    owners
        The file that each interval belongs to, where the table says that.
    unusable
        How many rows have no start, or an end before it.
    people
        The person that each interval belongs to, where the table says that.
    in_samples
        Whether starts and ends are numbers of samples.
    """

    name: str
    folder: str
    stem: str
    intervals: tuple[tuple[float, float | None, str], ...]
    named: dict[str, list[Interval]] | None = None
    owners: tuple[str, ...] | None = None
    unusable: int = 0
    people: tuple[str, ...] | None = None
    in_samples: bool = False

    def of(self, item: Recording) -> "IntervalTable":
        """Return the table with the intervals of one recording only, where it says whose they are."""
        if self.owners is not None:
            name = stem_of(item)
            own = [interval for interval, owner in zip(self.intervals, self.owners, strict=True) if _means(owner, name)]
            return replace(self, intervals=tuple(own), owners=None, people=None)
        if self.people is not None:
            own = [one for one, person in zip(self.intervals, self.people, strict=True) if wears(person, item)]
            return replace(self, intervals=tuple(own), people=None)
        return self


def read_intervals(
    preamble: Preamble, rows: Sequence[Sequence[str]], *, folder: str, stem: str
) -> IntervalTable | None:
    """Return the intervals of a table that has a label and a start, and no axes; None if it is another table."""
    if preamble.header is None:
        return None
    if tuple(preamble.header) == COLUMNS:
        named = intervals_of_rows(rows, name=preamble.name)
        every = tuple(each for intervals in named.values() for each in intervals)
        return IntervalTable(preamble.name, folder, stem, every, named)
    words = [words_of(name) for name in preamble.header]
    label = next((at for name in _LABELS for at, w in enumerate(words) if w and name in (w[0], w[-1])), None)
    start = next((at for at, w in enumerate(words) if set(w) & _START or "".join(w) in _START), None)
    stop = next((at for at, w in enumerate(words) if set(w) & _STOP or "".join(w) in _STOP), None)
    if label is None or any(word in "xyz" for w in words for word in w):
        return None
    length = next((at for at, w in enumerate(words) if set(w) & _DURATION), None) if stop is None else None
    whose = next((at for at, w in enumerate(words) if at != label and "".join(w) in _RECORDING), None)
    if start is None or (stop is None and length is None):
        start = next((at for at, w in enumerate(words) if at != label and set(w) & _CLOCK), None)
        stop = length = None
    if start is None:
        return None
    if set(words[start]) & _FRAMES:
        raise refusal(
            preamble.name,
            f"expected the times of labels, got numbers of video frames in {preamble.called(start)}",
            next_step="Export the labels with times in seconds.",
        )
    person = next(
        (at for at, name in enumerate(preamble.header) if at != label and role_of(name).role == SUBJECT), None
    )
    columns = (label, start, stop, length, whose, person)
    found, unusable = _found(rows, columns, numbers_too=preamble.header[label].lower() not in _TEXTS)
    if stop is None and length is None and (events := _events(found, rows, [at for at in columns if at is not None])):
        return replace(IntervalTable(preamble.name, folder, stem, tuple(events[0])), unusable=unusable + events[1])
    if not found:
        return None
    found.sort(key=lambda one: one[0][0])
    people = tuple(one[2] for one in found)
    return IntervalTable(
        preamble.name,
        folder,
        stem,
        tuple(one[0] for one in found),
        owners=None if whose is None else tuple(one[1] for one in found),
        unusable=unusable,
        people=people if any(people) else None,
        in_samples=bool(set(words[start]) & _SAMPLES) and not set(words[start]) & _CLOCK,
    )


_Found = tuple[tuple[float, float | None, str], str, str, Sequence[str]]


def _found(
    rows: Sequence[Sequence[str]], columns: tuple[int | None, ...], *, numbers_too: bool
) -> tuple[list[_Found], int]:
    """Return every row with a label and a start as (interval, file, person, cells), and how many cannot be used."""
    label, start, stop, length, whose, person = columns
    found: list[_Found] = []
    unusable = 0
    for row in rows:
        if label is None or start is None or len(row) <= max(at or 0 for at in columns) or not row[label].strip():
            continue
        if is_number(row[label]) and not numbers_too:
            continue
        begun = moment_of(row[start])
        ended = None if stop is None else moment_of(row[stop])
        if length is not None and begun is not None and (lasting := moment_of(row[length])) is not None:
            ended = begun + lasting
        if begun is None or (ended is not None and ended <= begun):
            unusable += 1
            continue
        interval = (begun, ended, row[label].strip())
        found.append(
            (interval, "" if whose is None else row[whose], "" if person is None else row[person].strip(), row)
        )
    return found, unusable


def _events(
    found: Sequence[_Found], rows: Sequence[Sequence[str]], taken: Sequence[int]
) -> tuple[list[tuple[float, float | None, str]], int] | None:
    """Return the intervals of rows that are beginnings and ends, and how many stand alone; None if they are not."""
    if (status := status_column(rows, taken)) is not None:
        return intervals_of([(one[0], one[2], cells[status]) for one, _, _, cells in found if len(cells) > status])
    if said := split_status([one[2] for one, *_ in found]):
        return intervals_of([(one[0], label, text) for (one, *_), (label, text) in zip(found, said, strict=True)])
    return None


def moment_of(cell: str) -> float | None:
    """Return a start or an end as a number, or a date in s."""
    if is_number(plain := cell.replace(",", ".")):
        return float(plain) if np.isfinite(float(plain)) else None
    if looks_like_date(cell) and (form := read_form([cell])):
        return float(seconds_of(np.array([cell.encode()]), form)[0])
    return None


def stem_of(item: Recording) -> str:
    """Return the name of the file of a recording, without its suffix."""
    return item.recording_id.partition("#")[0].rpartition("/")[2]


def wears(person: str, item: Recording) -> bool:
    """Tell whether a person is the one of a recording: its subject, else a word of its name."""
    if item.subject != UNKNOWN_SUBJECT:
        return person.casefold() == item.subject.casefold()
    stem = stem_of(item).casefold()
    return person.casefold() in (stem, *re.split(r"[\W_]+", stem))


def _means(owner: str, name: str) -> bool:
    """Tell whether the name of a file in a table is that of a recording; a prefix of an upload may stand before it."""
    stem = re.sub(r"\.\w{1,5}(\.gz)?$", "", re.split(r"[/\\]", owner.strip())[-1])
    return stem == name or re.fullmatch(rf"[0-9a-f]{{8}}-{re.escape(name)}", stem) is not None
