"""JSON that holds a table, a list of records or a list for every column: written out as CSV, and read like that.

::

    [{"timestamp": 1, "x": 0.1, "y": 0.2, "z": 0.9}, ...]        also below a key such as "data", and one level deeper
    {"timestamp": [1, ...], "x": [0.1, ...], "y": [...], "z": [...]}
"""

import csv
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

_FEWEST_ROWS: Final = 3
_FEWEST_COLUMNS: Final = 3


def csv_of(document: Any) -> bytes | None:
    """Return the table of a document as CSV; None if it holds none.

    Examples
    --------
    >>> csv_of([{"t": 0, "acc": {"x": 1, "y": 2, "z": 3}}] * 3)[:32]
    b't,acc.x,acc.y,acc.z\\n0,1,2,3\\n0,1,'
    """
    rows = _records(document)
    if rows is None:
        return None
    columns, _ = Counter(tuple(row) for row in rows).most_common(1)[0]
    every = dict.fromkeys(name for row in rows if set(columns) <= set(row) for name in row)
    if len(every) < _FEWEST_COLUMNS:
        return None
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(every)
    writer.writerows([row.get(name, "") for name in every] for row in rows if set(columns) <= set(row))
    return text.getvalue().encode("utf-8", "replace")


def _records(document: Any) -> list[dict[str, Any]] | None:
    """Return the rows of a document, wherever they stand in its first two levels."""
    places = [document, *(document.values() if isinstance(document, dict) else ())]
    for place in places:
        if isinstance(place, list) and len(place) >= _FEWEST_ROWS and all(isinstance(row, dict) for row in place):
            return [_flat(row) for row in place]
        if isinstance(place, dict) and (columns := _equal_lists(place)):
            names = list(columns)
            return [dict(zip(names, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    return None


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the numbers and texts of a record, those one level deeper too."""
    flat: dict[str, Any] = {}
    for name, value in row.items():
        inner = value.items() if isinstance(value, dict) else [("", value)]
        for more, cell in inner:
            if isinstance(cell, str | int | float):
                flat[f"{name}.{more}" if more else str(name)] = cell
    return flat


def _equal_lists(place: Mapping[str, Any]) -> dict[str, Sequence[Any]]:
    """Return the columns of numbers and texts that are equally long."""
    lists = {
        str(name): value
        for name, value in place.items()
        if isinstance(value, list) and all(isinstance(cell, str | int | float) for cell in value)
    }
    lengths = Counter(map(len, lists.values()))
    usual = lengths.most_common(1)[0][0] if lengths else 0
    kept: dict[str, Sequence[Any]] = {name: value for name, value in lists.items() if len(value) == usual}
    return kept if usual >= _FEWEST_ROWS and len(kept) >= _FEWEST_COLUMNS else {}
