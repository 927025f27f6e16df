"""Labels as events: one row where an activity begins and another where it ends, as BORIS and stop-watches write them.

::

    Time,Behavior,Behavior type        time,label
    0.0,walking,START                  0.0,walking start
    4.0,walking,STOP                   4.0,walking end
"""

import re
from collections.abc import Sequence
from typing import Final

_BEGINS: Final = r"(?:state )?(?:start(?:ed|s)?|begin(?:s|ning)?|on(?:set)?)"
_ENDS: Final = r"(?:state )?(?:stop(?:ped|s)?|end(?:ed|s)?|off(?:set)?|finish(?:ed)?)"
_STATUS: Final = re.compile(rf"(?P<begins>{_BEGINS})|(?P<ends>{_ENDS})|point", re.IGNORECASE)
_MARK: Final = r"[\s_:\-./]+"
_BEFORE: Final = re.compile(rf"(?:(?P<begins>{_BEGINS})|(?P<ends>{_ENDS})){_MARK}(?P<label>.+)", re.IGNORECASE)
_BEHIND: Final = re.compile(rf"(?P<label>.+?){_MARK}\(?(?:(?P<begins>{_BEGINS})|(?P<ends>{_ENDS}))\)?", re.IGNORECASE)

Interval = tuple[float, float | None, str]


def status_column(rows: Sequence[Sequence[str]], taken: Sequence[int]) -> int | None:
    """Return the column that says whether an activity begins or ends; None if there is none.

    Parameters
    ----------
    rows
        Of the table.
    taken
        Columns that are something else.

    Examples
    --------
    >>> status_column([["0", "walking", "START"], ["4", "walking", "STOP"]], [0, 1])
    2
    """
    for place in range(max(map(len, rows), default=0)):
        cells = [row[place].strip() for row in rows if len(row) > place and row[place].strip()]
        matches = [_STATUS.fullmatch(cell) for cell in cells]
        if place not in taken and all(matches) and _pair(matches):
            return place
    return None


def split_status(labels: Sequence[str]) -> list[tuple[str, str]] | None:
    """Return (label, status) of labels that say themselves whether they begin or end; None if not all of them do.

    Examples
    --------
    >>> split_status(["walking start", "walking end"]), split_status(["walking", "sitting"])
    ([('walking', 'start'), ('walking', 'end')], None)
    """
    for form in (_BEHIND, _BEFORE):
        matches = [form.fullmatch(label.strip()) for label in labels]
        if all(matches) and _pair(matches):
            return [(m["label"].strip(), m["begins"] or m["ends"]) for m in matches if m]
    return None


def intervals_of(events: Sequence[tuple[float, str, str]]) -> tuple[list[Interval], int]:
    """Return the intervals of events (time, label, status), and how many events have no counterpart.

    Examples
    --------
    >>> intervals_of([(0.0, "walking", "START"), (4.0, "walking", "STOP"), (5.0, "sitting", "START")])
    ([(0.0, 4.0, 'walking')], 1)
    """
    begun: dict[str, float] = {}
    intervals: list[Interval] = []
    alone = 0
    for time, label, status in sorted(events, key=lambda event: event[0]):
        match = _STATUS.fullmatch(status.strip())
        if match is None or not (match["begins"] or match["ends"]):
            alone += 1
        elif match["begins"]:
            alone += label in begun
            begun[label] = time
        elif label in begun and begun[label] < time:
            intervals.append((begun.pop(label), time, label))
        else:
            alone += 1
    return sorted(intervals, key=lambda interval: interval[0]), alone + len(begun)


def _pair(matches: Sequence[re.Match[str] | None]) -> bool:
    """Tell whether some of the matches begin and some end something."""
    return any(m and m["begins"] for m in matches) and any(m and m["ends"] for m in matches)
