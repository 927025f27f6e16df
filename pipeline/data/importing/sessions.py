"""Where one recording ends and the next begins: counters that wrap, restarts, rows in disorder, another person.

A restart is cut, never joined. A counter that wraps at a power of two, or a time of day at midnight, goes on. Rows that
only stand in the wrong order are sorted, where that makes time even; and it is said.
"""

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from edgehar.pipeline.data.importing.clock import Steps
from edgehar.pipeline.data.importing.dates import DAY_S, HOUR_S
from edgehar.pipeline.data.importing.options import DROP_OPTION
from edgehar.pipeline.data.importing.refusals import refusal
from edgehar.pipeline.data.importing.rows import Rows
from edgehar.pipeline.data.importing.spool import Column, Scaled, Spool

_WRAPS: Final = (2.0**16, 2.0**24, 2.0**31, 2.0**32)
_MOST_DROPPED: Final = 0.2
_RESTART_STEPS: Final = 10
_RESTART_ROWS: Final = 8
_TURNS: Final = 4
_REPEATED_ROWS: Final = 2**17
_NAMED: Final = 4
_SORTED_ROWS: Final = 2**22
"""A file is sorted in memory, so a longer one only where it must be."""

Floats = npt.NDArray[np.float64]


@dataclass(slots=True, eq=False)
class Sessions:
    """Rows with times in s that run forward within each session.

    Parameters
    ----------
    rows
        As they were read, or sorted.
    times
        In s, or None.
    starts
        The first row of every session.
    notes, problems
        What was found and done, as sentences; problems by the row they are about.
    """

    rows: Rows
    times: Column | None
    starts: list[int]
    notes: list[str] = field(default_factory=list)
    problems: list[tuple[int, str]] = field(default_factory=list)


def apart(rows: Rows) -> tuple[Rows, str | None]:
    """Return rows with those of each person and device together, where they stand in turn; and a note about it."""
    runs = rows.owners()
    owners = {owner: number for number, owner in enumerate(dict.fromkeys(owner for _, owner in runs))}
    if len(runs) <= max(_TURNS * len(owners), len(rows) // 100):
        return rows, None
    starts = np.array([row for row, _ in runs])
    whose = np.array([owners[owner] for _, owner in runs])
    owner = whose[np.searchsorted(starts, np.arange(len(rows)), side="right") - 1]
    people, devices = (sorted({owner[part] for owner in owners}) for part in (0, 1))
    what = "people" if len(people) > 1 else f"devices ({', '.join(devices[:_NAMED])}{', …' * (len(devices) > _NAMED)})"
    taken = rows.taken(np.argsort(owner, kind="stable"))
    return taken, f"Rows of several {what} stand in turn: they are taken apart."


def find_sessions(
    rows: Rows, seconds_per_tick: float, steps: Steps | None, *, starts_over_s: tuple[float, ...], drop: bool, name: str
) -> Sessions:
    """Cut the rows of a file into sessions.

    Parameters
    ----------
    rows
        Of one file.
    seconds_per_tick
        What one step of the time column is.
    steps
        What its steps are like, in its own unit; None without times.
    starts_over_s
        After how many seconds times start over: times of day do so at midnight.
    drop
        Whether rows may be left out whose time does not run forward.
    name
        Of the file, for messages.

    Raises
    ------
    DataError
        When time does not run forward, and sorting does not mend it.
    """
    if rows.time is None or steps is None:
        starts = {0, *rows.breaks} if _rare(rows.breaks, len(rows)) else {0, *rows.repeated_names}
        return Sessions(rows, None, _inside({*starts, *_changes(rows)}, len(rows)))
    changes = set(_changes(rows)) - {0}
    wraps, backs = _turns(rows.time, steps, list(starts_over_s or _WRAPS), changes)
    sessions = Sessions(rows, None, [])
    if wraps:
        what = _name_of_wrap(wraps[0][1]) if starts_over_s else "the end of its counter"
        sessions.notes.append(f"Time passes {what} {len(wraps)} time{'s' * (len(wraps) > 1)}, and goes on.")
    if backs and len(rows) <= _SORTED_ROWS and (once := _without_repeats(rows, backs, sessions)):
        sessions.rows = rows = once
        times = rows.time or rows.workspace.column()
        changes = set(_changes(rows)) - {0}
        wraps, backs = _turns(times, steps, list(starts_over_s or _WRAPS), changes)
    mendable = backs and not wraps and len(rows) <= _SORTED_ROWS
    if mendable and (mended := _sorted(rows, backs, sorted(changes), steps, sessions)):
        sessions.rows, backs = mended, []
        rows = mended
    restarts = _restarts(rows.time, backs, steps) if rows.time is not None else []
    disorder = [row for row in backs if row not in restarts]
    if disorder:
        borders = sorted({*restarts, *changes})
        mended = _sorted(rows, disorder, borders, steps, sessions)
        if mended is None:
            mended, kept = _dropped(rows, borders, drop, name, sessions)
            restarts = np.searchsorted(kept, restarts).tolist()
        sessions.rows = rows = mended
    if restarts:
        lines = ", ".join(str(rows.line_of(row)) for row in restarts[:3])
        sessions.notes.append(
            f"Time starts over {len(restarts)} time{'s' * (len(restarts) > 1)} (line {lines}"
            f"{', …' * (len(restarts) > 3)})"
            ": a new recording each time."
        )
    broken = set(rows.breaks) if _rare(rows.breaks, len(rows)) else set()
    starts = {0, *restarts, *rows.repeated_names, *broken, *_changes(rows)}
    sessions.starts = _inside(starts, len(rows))
    sessions.times = _in_seconds(rows, wraps, seconds_per_tick)
    return sessions


def _turns(
    times: Spool, steps: Steps, moduli: list[float], changes: set[int]
) -> tuple[list[tuple[int, float]], list[int]]:
    """Return (row, modulus) of wraps, and the rows at which time goes back; not where rows of others begin."""
    wraps: list[tuple[int, float]] = []
    backs: list[int] = []
    reach = max(3 * steps.usual, 1.5 * steps.limit)
    at = 1
    for block in times.blocks(overlap=1):
        passed = np.diff(block)
        for row in np.flatnonzero(passed < 0).tolist():
            after = [
                m for m in moduli if 0 < passed[row] + m <= reach and block[row] < _end_of(m) and block[row + 1] >= 0
            ]
            if at + row in changes:
                continue
            if after:
                wraps.append((at + row, after[0]))
            else:
                backs.append(at + row)
        at += len(passed)
    return wraps, backs


def _without_repeats(rows: Rows, backs: list[int], sessions: Sessions) -> Rows | None:
    """Return the rows without stretches that were written twice, one after the other; None where there are none.

    A session that is the same as the one before from its first row on is another one.
    """
    times = rows.time or rows.workspace.column()
    keep = np.ones(len(rows), dtype=bool)
    starts = {0, *backs}
    for row in backs:
        earlier = times.read(max(0, row - _REPEATED_ROWS), row)
        length = len(earlier) - int(np.searchsorted(earlier, times.read(row, row + 1)[0]))
        again = slice(row, row + length)
        if (
            length
            and row - length not in starts
            and again.stop <= len(rows)
            and (
                (times.read(row, again.stop) == earlier[-length:]).all()
                and (rows.values.read(row, again.stop) == rows.values.read(row - length, row)).all()
            )
        ):
            keep[again] = False
    if keep.all():
        return None
    first = int(np.argmin(keep))
    kept = rows.taken(np.flatnonzero(keep))
    text = f"{int((~keep).sum())} rows stood twice: they are left out once (first in line {rows.line_of(first)})."
    sessions.problems.append((min(first, len(kept) - 1), text))
    return kept


def _restarts(times: Spool, backs: list[int], steps: Steps) -> list[int]:
    """Return the rows at which time goes back far, and then forward for a while."""
    restarts = []
    ends = [*backs[1:], len(times)][: len(backs)]
    for row, end in zip(backs, ends, strict=True):
        before, after = times.read(row - 1, row + 1)
        far = before - after >= _RESTART_STEPS * steps.usual
        if far and (end - row >= _RESTART_ROWS or len(backs) == 1):
            restarts.append(row)
    return restarts


def _sorted(rows: Rows, disorder: list[int], restarts: list[int], steps: Steps, sessions: Sessions) -> Rows | None:
    """Return the rows sorted within sessions; None where that does not make time even."""
    times = np.empty(0) if rows.time is None else rows.time.read(0, len(rows))
    edges = [0, *restarts, len(rows)]
    order = np.arange(len(rows))
    for start, stop in pairwise(edges):
        order[start:stop] = start + np.argsort(times[start:stop], kind="stable")
    after = np.diff(times[order])
    odd = int(((after < 0.5 * steps.usual) | (after > 1.5 * steps.usual)).sum()) - len(restarts)
    was_odd = int(((np.diff(times) < 0.5 * steps.usual) | (np.diff(times) > 1.5 * steps.usual)).sum()) - len(restarts)
    if odd >= len(disorder) or odd >= was_odd:
        return None
    moved = int((order != np.arange(len(rows))).sum())
    sessions.problems.append((disorder[0], f"{moved} rows stood in another order than their times: they are sorted."))
    return rows.taken(order)


def _dropped(
    rows: Rows, restarts: list[int], drop: bool, name: str, sessions: Sessions
) -> tuple[Rows, npt.NDArray[np.intp]]:
    """Return the rows without those that are not later than all before them, and which are kept; or refuse them."""
    times = np.empty(0) if rows.time is None else rows.time.read(0, len(rows))
    edges = [0, *restarts, len(rows)]
    keep = np.ones(len(rows), dtype=bool)
    for start, stop in pairwise(edges):
        latest = np.maximum.accumulate(times[start:stop])
        keep[start + 1 : stop] = times[start + 1 : stop] > latest[:-1]
    back = np.flatnonzero(~keep)
    line = rows.line_of(int(back[0]))
    what = f"a step of {times[back[0]] - times[back[0] - 1]:.6g}"
    if not drop:
        raise refusal(
            name,
            f"expected time to run forward, got {what}",
            line=line,
            next_step=f"Leave such rows out with {DROP_OPTION}, or name another --time-column.",
        )
    if len(back) > _MOST_DROPPED * len(rows):
        raise refusal(
            name,
            f"expected time to run forward, but {len(back)} of {len(rows)} rows do not (here {what})",
            line=line,
            next_step="Split the file where time starts over, or name another --time-column.",
        )
    sessions.problems.append(
        (
            int(back[0]),
            f"{len(back)} row{'s' * (len(back) > 1)} left out: time does not run forward (first in line {line}).",
        )
    )
    kept = np.flatnonzero(keep)
    return rows.taken(kept), kept


def _in_seconds(rows: Rows, wraps: list[tuple[int, float]], scale: float) -> Column:
    """Return the times in s, with counters that wrapped going on."""
    seconds = rows.workspace.column()
    if rows.time is None or (not wraps and scale == 1.0):
        return rows.time or seconds
    if not wraps:
        return Scaled(rows.time, scale)
    at, shift = 0, 0.0
    pending = list(wraps)
    for block in rows.time.blocks():
        end = at + len(block)
        block += shift
        while pending and pending[0][0] < end:
            row, modulus = pending.pop(0)
            block[row - at :] += modulus
            shift += modulus
        seconds.append(block * scale)
        at = end
    return seconds


def _changes(rows: Rows) -> list[int]:
    """Return the rows at which the person or the device changes."""
    return [row for row, _ in rows.owners()]


def _end_of(modulus: float) -> float:
    """Return what times that start over stay below: from twelve to one o'clock, a half day counts on."""
    return modulus + (HOUR_S if modulus == DAY_S / 2 else 0.0)


def _name_of_wrap(seconds: float) -> str:
    """Return when a time of day starts over."""
    return {DAY_S: "midnight", DAY_S / 2: "twelve o'clock"}.get(seconds, "the full hour")


def _rare(breaks: list[int], rows: int) -> bool:
    """Tell whether blank lines are so few that they mean something."""
    return len(breaks) <= max(1, rows // 20)


def _inside(starts: set[int], rows: int) -> list[int]:
    """Return starts in order, without those behind the end."""
    return sorted(row for row in starts if row < rows)
