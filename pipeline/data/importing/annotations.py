"""Labels as tools for annotation export them: ELAN and Audacity as lines without names, Label Studio in JSON and CSV.

::

    tier  participant  begin  end  duration  label     ELAN; each time once, or in several formats one after the other
    begin  end  label                                  Audacity
"""

import csv
import json
from collections.abc import Sequence
from typing import Any, Final

from edgehar.pipeline.data.importing.cells import is_number
from edgehar.pipeline.data.importing.intervals import IntervalTable, moment_of

_MARKS: Final = ("\t", ",", ";")
_NEAR_S: Final = 0.002
_FEWEST: Final = 2

Interval = tuple[float, float | None, str]


def annotation_lines(lines: Sequence[str], *, name: str, folder: str, stem: str) -> IntervalTable | None:
    """Return the intervals of lines that all are annotations; None if they are something else.

    Parameters
    ----------
    lines
        Of the whole file.
    name, folder, stem
        Of the file.
    """
    written = [line for line in lines if line.strip() and not line.startswith("\\")]
    for mark in _MARKS:
        found = []
        for cells in csv.reader(written, delimiter=mark):
            interval = _interval(cells)
            if interval is None:
                break
            found.append(interval)
        else:
            if len(found) >= min(_FEWEST, max(1, len(written))):
                return IntervalTable(name, folder, stem, tuple(sorted(found, key=lambda item: item[0])))
    return None


def label_studio_lines(lines: Sequence[str], *, name: str, folder: str, stem: str) -> IntervalTable | None:
    """Return the intervals of a CSV export of Label Studio, whose labels are JSON; None if it is something else."""
    if not lines or "timeserieslabels" not in "".join(lines[1:3]):
        return None
    tasks = []
    for row in csv.DictReader(lines):
        try:
            tasks.append({**row, "label": json.loads(row.get("label") or "[]")})
        except (ValueError, RecursionError):
            return None
    return label_studio(tasks, name=name, folder=folder, stem=stem)


def label_studio(document: Any, *, name: str, folder: str, stem: str) -> IntervalTable | None:
    """Return the intervals of an export of Label Studio, in JSON or its short form; None if it is something else."""
    found: list[tuple[Interval, str]] = []
    for task in document if isinstance(document, list) else []:
        if not isinstance(task, dict):
            continue
        data = task["data"] if isinstance(task.get("data"), dict) else task
        owner = next((data[key] for key in ("csv", "timeseries", "ts") if isinstance(data.get(key), str)), "")
        found += [(interval, owner) for region in _regions(task) if (interval := _of_region(region)) is not None]
    if not found:
        return None
    found.sort(key=lambda item: item[0][0])
    owners = tuple(owner for _, owner in found)
    several = len(set(owners)) > 1
    return IntervalTable(name, folder, stem, tuple(each for each, _ in found), owners=owners if several else None)


def _regions(task: dict[str, Any]) -> list[Any]:
    """Return the marked regions of a task."""
    regions = list(task["label"]) if isinstance(task.get("label"), list) else []
    for done in task["annotations"] if isinstance(task.get("annotations"), list) else []:
        results = done.get("result") if isinstance(done, dict) else None
        regions += [item.get("value") for item in results or [] if isinstance(item, dict)]
    return regions


def _of_region(region: Any) -> Interval | None:
    """Return a region as an interval; None if it is no stretch of time."""
    names = region.get("timeserieslabels") if isinstance(region, dict) else None
    if not names or not isinstance(names, list):
        return None
    start, stop = (moment_of(str(region.get(key))) for key in ("start", "end"))
    return None if start is None or stop is None else (start, stop, str(names[0]))


def _interval(cells: Sequence[str]) -> Interval | None:
    """Return a line as an interval; None if it is no annotation."""
    *times, label = [cell.strip() for cell in cells if cell.strip()] or [""]
    moments = [moment for cell in times if (moment := moment_of(cell)) is not None]
    if not label or is_number(label) or moment_of(label) is not None:
        return None
    if len(moments) == 2 and len(times) == 2:
        return (moments[0], moments[1], label) if moments[0] <= moments[1] else None
    formats, rest = divmod(len(moments), 3)
    if (
        rest
        or not formats
        or [moment_of(cell) is None for cell in times] != [True] * (len(times) - len(moments)) + [False] * len(moments)
    ):
        return None
    begin, end, lasting = moments[0], moments[formats], moments[2 * formats]
    return (begin, end, label) if abs(end - begin - lasting) <= _NEAR_S * max(1.0, abs(lasting)) else None
