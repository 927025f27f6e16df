"""Minutes per person, day and activity: counted file by file, added up for the summary.

A window counts for one hop. There are three kinds of day:

=============  =====================================================================================================
``date``       on the clock of the recordings
``recording``  24 hours of a recording of a day or longer whose times are no dates, counted from 1
``undated``    all shorter recordings of a person without dates: which days they are of, and of how many, nobody knows
=============  =====================================================================================================
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Final

import numpy as np
import numpy.typing as npt

DAY_S: Final = 86_400.0
DATE: Final = "date"
RECORDING: Final = "recording"
UNDATED: Final = "undated"

Mask = npt.NDArray[np.bool_]


@dataclass(slots=True, eq=False)
class Day:
    """Counts of windows of one person on one day, by activity where it says so.

    Parameters
    ----------
    windows, begun, probability
        By activity: windows while worn, how often it began after another one, and the sum of probabilities.
    not_worn, doubtful, filled
        Windows of which this is true.
    """

    windows: npt.NDArray[np.int64]
    begun: npt.NDArray[np.int64]
    probability: npt.NDArray[np.float64]
    not_worn: int = 0
    doubtful: int = 0
    filled: int = 0

    @classmethod
    def empty(cls, activities: int) -> "Day":
        """Return a day without a window."""
        return cls(np.zeros(activities, np.int64), np.zeros(activities, np.int64), np.zeros(activities))

    def add(self, other: "Day") -> None:
        """Take the counts of another one."""
        for name in ("windows", "begun", "probability"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("not_worn", "doubtful", "filled"):
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def to_json(self) -> dict[str, Any]:
        """Return the counts as JSON-ready data."""
        lists = {name: getattr(self, name).tolist() for name in ("windows", "begun", "probability")}
        return {**lists, "not_worn": self.not_worn, "doubtful": self.doubtful, "filled": self.filled}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Day":
        """Return the counts that `to_json` wrote."""
        return cls(
            np.array(data["windows"], np.int64),
            np.array(data["begun"], np.int64),
            np.array(data["probability"], np.float64),
            *(int(data[name]) for name in ("not_worn", "doubtful", "filled")),
        )


@dataclass(slots=True, eq=False)
class Days:
    """The days of people, by (person, day)."""

    activities: int
    found: dict[tuple[str, str], Day] = field(default_factory=dict)

    def count(
        self,
        subject: str,
        names: tuple[str, ...],
        of_day: npt.NDArray[np.intp],
        labels: npt.NDArray[np.int16],
        probabilities: npt.NDArray[np.float32],
        *,
        follows: Mask,
        worn: Mask,
        doubtful: Mask,
        filled: Mask,
    ) -> None:
        """Count the windows of a recording.

        Parameters
        ----------
        subject
            Whose.
        names, of_day
            The days, and which of them each window is of.
        labels, probabilities
            The label of every window, and how probable that is.
        follows
            Which windows have one right before them.
        worn, doubtful, filled
            What is known about them.
        """
        changed = np.zeros(len(labels), np.bool_)
        changed[1:] = follows[1:] & worn[1:] & worn[:-1] & (labels[1:] != labels[:-1])
        for place, name in enumerate(names):
            here = of_day == place
            kept = here & worn
            day = Day(
                np.bincount(labels[kept], minlength=self.activities).astype(np.int64),
                np.bincount(labels[here & changed], minlength=self.activities).astype(np.int64),
                np.bincount(labels[kept], probabilities[kept], minlength=self.activities).astype(np.float64),
                int((here & ~worn).sum()),
                int((kept & doubtful).sum()),
                int((kept & filled).sum()),
            )
            self.add(subject, name, day)

    def add(self, subject: str, name: str, day: Day) -> None:
        """Add counts to those of a person's day."""
        self.found.setdefault((subject, name), Day.empty(self.activities)).add(day)

    def to_json(self) -> list[dict[str, Any]]:
        """Return all days as JSON-ready data."""
        return [{"subject": subject, "day": name, **day.to_json()} for (subject, name), day in self.found.items()]


def days_of(
    starts_s: npt.NDArray[np.float64], began_s: float | None, recording_id: str, *, seconds: float
) -> tuple[tuple[str, ...], npt.NDArray[np.intp]]:
    """Return the days of a recording, or of a piece of it, and which of them each window is of.

    Parameters
    ----------
    starts_s
        When windows begin, in s since the recording began.
    began_s
        When it began, in s since 1970 on its own clock; None where its times are no dates.
    recording_id, seconds
        Of the recording, and how long it is.

    Examples
    --------
    >>> names, of_day = days_of(np.array([0.0, 90_000.0]), 1.4e9, "a", seconds=90_002.0)
    >>> names, of_day.tolist()
    (('2014-05-13', '2014-05-14'), [0, 1])
    >>> days_of(np.array([0.0, 90_000.0]), None, "a", seconds=90_002.0)[0]
    ('a day 1', 'a day 2')
    >>> days_of(np.array([0.0, 60.0]), None, "a", seconds=62.0)[0]
    ('undated',)
    """
    if began_s is None and seconds < DAY_S:
        return (UNDATED,), np.zeros(len(starts_s), np.intp)
    numbers = np.floor((starts_s + (began_s or 0.0)) / DAY_S).astype(np.int64)
    found, of_day = np.unique(numbers, return_inverse=True)
    if began_s is None:
        return tuple(f"{recording_id} day {number + 1}" for number in found.tolist()), of_day
    return tuple(datetime.fromtimestamp(number * DAY_S, UTC).date().isoformat() for number in found.tolist()), of_day


def kind_of(name: str) -> str:
    """Return which kind a day is of.

    Examples
    --------
    >>> [kind_of(name) for name in ("2014-05-13", "a day 1", "undated")]
    ['date', 'recording', 'undated']
    """
    if name == UNDATED:
        return UNDATED
    try:
        date.fromisoformat(name)
    except ValueError:
        return RECORDING
    return DATE


def summary_rows(
    days: Iterable[tuple[tuple[str, str], Day]], names: tuple[str, ...], *, hop_s: float
) -> dict[str, list[Any]]:
    """Return the summary, a row for every person, day and activity, as columns."""
    columns: dict[str, list[Any]] = {
        name: []
        for name in (
            "subject", "day", "day_kind", "activity", "minutes", "begun", "probability", "transitions", "worn_minutes",
            "non_wear_minutes", "doubtful_minutes", "bridged_minutes",
        )
    }  # fmt: skip
    minutes = hop_s / 60
    for (subject, day), counts in days:
        total = int(counts.windows.sum())
        for place, name in enumerate(names):
            windows = int(counts.windows[place])
            row = (
                subject, day, kind_of(day), name, windows * minutes, int(counts.begun[place]),
                float(counts.probability[place] / windows) if windows else None, int(counts.begun.sum()),
                total * minutes, counts.not_worn * minutes, counts.doubtful * minutes, counts.filled * minutes,
            )  # fmt: skip
            for column, value in zip(columns.values(), row, strict=True):
                column.append(value)
    return columns
