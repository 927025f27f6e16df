"""Dates and times of day as loggers write them, in seconds: ISO 8601, 05.01.2024, 5-Jan-2024, 23:59:58.020, AM and PM.

A time without a zone counts as UTC; a time of day counts from midnight. Texts that all have the same shape, which is
nearly always so, are read by columns of digits at once; the others one by one.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

_CLOCK: Final = (
    r"(?P<hour>\d{1,2})[:h](?P<minute>\d{2})(?:[:m](?P<second>\d{2})(?:[.,:](?P<fraction>\d{1,9}))?)?s?"
    r"(?:\s*(?P<half>[AaPp])\.?[Mm]\.?)?(?:\s*(?P<zone>Z|UTC|(?P<sign>[-+])(?P<zh>\d{2}):?(?P<zm>\d{2})?))?(?:\s*\[[^\]]*\])?"
)
_MONTHS: Final = {
    word: number
    for number, words in enumerate(
        ("jan", "feb", "mar mär mrz", "apr", "may mai", "jun", "jul", "aug", "sep", "oct okt", "nov", "dec dez"), 1
    )
    for word in words.split()
}
_WORDS: Final = "|".join(_MONTHS)
_DATE: Final = (
    r"(?P<year>\d{4})(?P<mark>[-/.])(?P<month>\d{1,2})(?P=mark)(?P<day>\d{1,2})"
    r"|(?P<first>\d{1,2})(?P<mark2>[-/.])(?P<second_part>\d{1,2})(?P=mark2)"
    r"(?P<year2>\d{4}|(?<=[/.])\d{2}(?=[T ,]+\d{1,2}:\d{2}))"
    r"|(?P<year3>\d{4})(?P<month3>\d{2})(?P<day3>\d{2})(?=[T ]\d{1,2}:)"
    r"|(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*,?\s+)?"
    rf"(?:(?P<day4>\d{{1,2}})[-. ]\s*(?P<word4>{_WORDS})[a-z]*\.?[-, ]+|"
    rf"(?P<word5>{_WORDS})[a-z]*\.?\s+(?P<day5>\d{{1,2}}),?\s+)(?P<year4>\d{{4}})"
)
_MOMENT: Final = re.compile(rf"\s*(?:{_DATE})(?:[T \-_,]+(?:at\s+)?{_CLOCK})?\s*", re.IGNORECASE)
_TIME_OF_DAY: Final = re.compile(rf"\s*(?:(?P<days>\d+)\s+days?,?\s+)?{_CLOCK}\s*")
_TIME_OF_HOUR: Final = re.compile(r"\s*(?P<minute>[0-5]?\d):(?P<second>[0-5]\d)[.,](?P<fraction>\d{1,6})\s*")
"""What a spreadsheet leaves of a time of day whose hours it does not show."""
_RUN_TOGETHER: Final = re.compile(
    r"\s*(?P<year>(?:19|20)\d\d)(?P<month>0[1-9]|1[0-2])(?P<day>0[1-9]|[12]\d|3[01])[T _-]?"
    r"(?P<hour>[01]\d|2[0-3])(?P<minute>[0-5]\d)(?P<second>[0-5]\d|60)(?:[._,-]?(?P<fraction>\d{1,9}))?Z?\s*"
)
"""All digits of a date and a time one after the other, so that it looks like a number."""
DAY_S: Final = 86_400.0
HOUR_S: Final = 3_600.0


@dataclass(frozen=True, slots=True)
class DateForm:
    """How the dates of a file are written.

    Parameters
    ----------
    day_first
        Whether 05/01/2024 is in January.
    of_day
        Whether there are times of day only.
    ambiguous
        Whether nothing tells which comes first, day or month.
    of_hour
        Whether there are minutes and seconds of an hour only.
    run_together
        Whether all digits stand one after the other.
    """

    day_first: bool
    of_day: bool
    ambiguous: bool
    of_hour: bool = False
    run_together: bool = False

    @property
    def starts_over_s(self) -> tuple[float, ...]:
        """After how many seconds such times start over: a day, or half of one where nothing says AM or PM."""
        return (HOUR_S,) if self.of_hour else (DAY_S, DAY_S / 2) if self.of_day else ()

    @property
    def pattern(self) -> re.Pattern[str]:
        """What a date of this form looks like."""
        if self.run_together:
            return _RUN_TOGETHER
        return _TIME_OF_HOUR if self.of_hour else _TIME_OF_DAY if self.of_day else _MOMENT


def looks_like_date(cell: str) -> bool:
    """Tell whether a cell holds a date or a time of day.

    Examples
    --------
    >>> looks_like_date("05.01.2024 10:00:00,020"), looks_like_date("10:00"), looks_like_date("10.5")
    (True, True, False)
    """
    return bool(_MOMENT.fullmatch(cell) or _TIME_OF_DAY.fullmatch(cell) or _TIME_OF_HOUR.fullmatch(cell))


def is_only_a_date(cell: str) -> bool:
    """Tell whether a cell holds a date without a time of day."""
    match = _MOMENT.fullmatch(cell)
    return match is not None and match["hour"] is None


def read_form(cells: Sequence[str], *, day_first: bool | None = None) -> DateForm | None:
    """Return how dates are written, judged by some of them; None if they are no dates."""
    matches = [_MOMENT.fullmatch(cell) for cell in cells]
    if not any(matches):
        if any(_TIME_OF_DAY.fullmatch(cell) for cell in cells):
            return DateForm(False, True, False)
        if any(_TIME_OF_HOUR.fullmatch(cell) for cell in cells):
            return DateForm(False, True, False, of_hour=True)
        return DateForm(False, False, False, run_together=True) if are_run_together(cells) else None
    parts = [(int(m["first"]), int(m["second_part"]), m["mark2"]) for m in matches if m and m["first"]]
    if day_first is not None or not parts:
        return DateForm(bool(day_first), False, False)
    if any(first > 12 for first, _, _ in parts):
        return DateForm(True, False, False)
    if any(second > 12 for _, second, _ in parts):
        return DateForm(False, False, False)
    return DateForm(parts[0][2] == ".", False, parts[0][2] != ".")


def are_run_together(cells: Sequence[str]) -> bool:
    """Tell whether all cells are dates whose digits stand one after the other, and no other numbers.

    Examples
    --------
    >>> are_run_together(["20240105100000020"]), are_run_together(["1700000000020"])
    (True, False)
    """
    return bool(cells) and all(map(_RUN_TOGETHER.fullmatch, cells))


def seconds_of(texts: npt.NDArray[np.bytes_], form: DateForm) -> npt.NDArray[np.float64]:
    """Return texts as seconds since 1970, or since midnight; NaN where one is no date.

    Parameters
    ----------
    texts : ndarray of shape (n,) of bytes
    form
        How they are written.
    """
    if not len(texts):
        return np.empty(0)
    same = _by_columns(texts, form)
    if same is not None:
        return same
    unique, places = np.unique(texts, return_inverse=True)
    values = np.array([_one(text.decode("utf-8", "replace"), form) for text in unique.tolist()])
    result: npt.NDArray[np.float64] = values[places]
    return result


def _one(text: str, form: DateForm) -> float:
    """Return one text in seconds; NaN if it is no date."""
    match = form.pattern.fullmatch(text)
    if match is None:
        return float("nan")
    got: dict[str, str | None] = dict.fromkeys(("hour", "half", "sign", "first", "word4", "word5", "days"))
    got.update(match.groupdict())
    hour = int(got["hour"] or 0)
    if got["half"]:
        hour = hour % 12 + (12 if got["half"] in "pP" else 0)
    minute, second = int(got["minute"] or 0), int(got["second"] or 0)
    if hour > 23 or minute > 59 or second > 60:
        return float("nan")
    seconds = hour * 3600 + minute * 60 + second
    fraction = int(got["fraction"]) / 10 ** len(got["fraction"]) if got["fraction"] else 0.0
    if got["sign"]:
        shift = int(got["zh"] or 0) * 3600 + int(got["zm"] or 0) * 60
        seconds -= shift if got["sign"] == "+" else -shift
    if form.of_day:
        return int(got["days"] or 0) * DAY_S + seconds + fraction
    date = _iso_date(got, form)
    try:
        day = int(np.datetime64(date, "D").astype(np.int64))
    except ValueError:
        return float("nan")
    return day * DAY_S + seconds + fraction


def _iso_date(got: dict[str, str | None], form: DateForm) -> str:
    """Return the date of a match as ISO 8601."""
    if got["first"]:
        day, month = (got["first"], got["second_part"]) if form.day_first else (got["second_part"], got["first"])
        year = got["year2"] or ""
        return f"{'20' * (len(year) == 2)}{year}-{int(month or 0):02}-{int(day or 0):02}"
    if got["year"]:
        return f"{got['year']}-{int(got['month'] or 0):02}-{int(got['day'] or 0):02}"
    if word := got["word4"] or got["word5"]:
        return f"{got['year4']}-{_MONTHS[word.lower()]:02}-{int(got['day4'] or got['day5'] or 0):02}"
    return f"{got['year3']}-{got['month3']}-{got['day3']}"


def _by_columns(texts: npt.NDArray[np.bytes_], form: DateForm) -> npt.NDArray[np.float64] | None:
    """Return seconds of texts that differ from the first only in digits and only below the hour's; None if some do.

    Texts that begin alike up to the minute are the rule; a change of the minute is read anew.
    """
    first = texts[0].decode("utf-8", "replace")
    match = form.pattern.fullmatch(first)
    if match is None or match["second"] is None:
        return None
    grid = np.ascontiguousarray(texts).view(np.uint8).reshape(len(texts), -1)
    stop = match.end("fraction") if match["fraction"] else match.end("second")
    if not first.isascii() or grid.shape[1] < len(first):
        return None
    digits = np.array([at for at in range(match.start("second"), stop) if first[at].isdigit()])
    varying = grid[:, digits] - np.uint8(48)
    fixed = np.delete(grid, digits, axis=1)
    if (varying > 9).any():
        return None
    changed = np.flatnonzero(np.concatenate([[True], (fixed[1:] != fixed[:-1]).any(axis=1)]))
    if len(changed) > max(16, len(texts) // 50):
        return None
    weights = [10.0, 1.0] + [10.0**-place for place in range(1, len(digits) - 1)]
    within = varying @ np.array(weights)
    blank = bytearray(first.encode())
    values = np.empty(len(texts))
    for start, end in zip(changed, [*changed[1:], len(texts)], strict=True):
        blank = bytearray(texts[start])
        for at in digits:
            blank[at] = 48
        values[start:end] = _one(blank.decode("utf-8", "replace"), form)
    result: npt.NDArray[np.float64] = values + within
    return result
