"""JSON that holds a table: written out as CSV, and read like that.

::

    [{"timestamp": 1, "x": 0.1, "y": 0.2, "z": 0.9}, ...]        also below a key such as "data", and one level deeper
    [{"timestamp": 1, "acc": [0.1, 0.2, 0.9]}, ...]
    {"timestamp": [1, ...], "x": [0.1, ...], "y": [...], "z": [...]}
    {"columns": ["timestamp", "x", "y", "z"], "data": [[1, 0.1, 0.2, 0.9], ...]}

Numbers and texts beside the table, such as a rate or a unit, stand before it, as loggers write them into CSV.
"""

import csv
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

_FEWEST_ROWS: Final = 3
_FEWEST_COLUMNS: Final = 3
_SHARE: Final = 0.1
_LONGEST: Final = 200
_AXES: Final = ("x", "y", "z")


def csv_of(document: Any) -> bytes | None:
    """Return the table of a document as CSV; None if it holds none.

    Examples
    --------
    >>> csv_of([{"t": 0, "acc": {"x": 1, "y": 2, "z": 3}}] * 3)[:32]
    b't,acc.x,acc.y,acc.z\\n0,1,2,3\\n0,1,'
    >>> csv_of({"rate": 50, "columns": ["x", "y", "z"], "data": [[1, 2, 3]] * 3})[:24]
    b'# rate: 50\\nx,y,z\\n1,2,3\\n1'
    """
    rows = _records(document) or _unnamed_rows(document)
    if rows is None:
        return None
    columns = columns_of(rows) if isinstance(rows[0], dict) else _names_of(document, len(rows[0]))
    width = len(columns) if isinstance(rows[0], dict) else len(rows[0])
    if width < _FEWEST_COLUMNS:
        return None
    text = io.StringIO()
    text.writelines(f"# {key}: {value}\n" for key, value in _beside(document))
    writer = csv.writer(text, lineterminator="\n")
    if columns:
        writer.writerow(columns)
    shapes = usual_shapes(rows) if isinstance(rows[0], dict) else []
    for row in rows:
        if not isinstance(row, dict):
            writer.writerow(row)
        elif is_usual(row, shapes):
            writer.writerow([row.get(name, "") for name in columns])
    return text.getvalue().encode("utf-8", "replace")


def columns_of(rows: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the names of all records that are of a usual shape, in order; what a few have more is a column too."""
    shapes = usual_shapes(rows)
    return tuple(dict.fromkeys(name for row in rows if is_usual(row, shapes) for name in row))


def usual_shapes(rows: Sequence[Mapping[str, Any]]) -> list[frozenset[str]]:
    """Return the names of records of every shape that is not rare: of several sensors, each has its own."""
    shapes = Counter(frozenset(row) for row in rows)
    usual = [shape for shape, count in shapes.items() if count >= _SHARE * len(rows)]
    return usual or [shapes.most_common(1)[0][0]]


def is_usual(row: Mapping[str, Any], shapes: Sequence[frozenset[str]]) -> bool:
    """Tell whether a record has all names of a shape."""
    return any(shape <= set(row) for shape in shapes)


def flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the numbers and texts of a record, those one level deeper too; three numbers are x, y and z.

    Examples
    --------
    >>> flat({"t": 1, "acc": [1, 2, 3], "gyro": {"x": 4}})
    {'t': 1, 'acc.x': 1, 'acc.y': 2, 'acc.z': 3, 'gyro.x': 4}
    """
    flat: dict[str, Any] = {}
    for name, value in row.items():
        inner: Any = [("", value)]
        if isinstance(value, dict):
            inner = value.items()
        elif isinstance(value, list) and len(value) == len(_AXES):
            inner = zip(_AXES, value, strict=True)
        for more, cell in inner:
            if isinstance(cell, str | int | float):
                flat[f"{name}.{more}" if more else str(name)] = cell
    return flat


def _places(document: Any) -> list[Any]:
    """Return what stands in the first two levels of a document."""
    return [document, *(document.values() if isinstance(document, dict) else ())]


def _records(document: Any) -> list[dict[str, Any]] | None:
    """Return the records of a document."""
    for place in _places(document):
        if isinstance(place, list) and len(place) >= _FEWEST_ROWS and all(isinstance(row, dict) for row in place):
            return [flat(row) for row in place]
        if isinstance(place, dict) and (columns := _equal_lists(place)):
            names = list(columns)
            return [dict(zip(names, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    return None


def _unnamed_rows(document: Any) -> list[list[Any]] | None:
    """Return the rows of a document that are lists of equally many numbers and texts."""
    for place in _places(document):
        if not isinstance(place, list) or len(place) < _FEWEST_ROWS or not all(isinstance(row, list) for row in place):
            continue
        if len({len(row) for row in place}) == 1 and all(isinstance(cell, str | int | float) for cell in place[0]):
            return place
    return None


def _names_of(document: Any, width: int) -> tuple[str, ...]:
    """Return the names that stand beside unnamed rows; nothing where there are none."""
    for place in document.values() if isinstance(document, dict) else ():
        names = (
            [cell.get("name") if isinstance(cell, dict) else cell for cell in place] if isinstance(place, list) else []
        )
        if len(names) == width and all(isinstance(name, str) for name in names):
            return tuple(map(str, names))
    return ()


def _beside(document: Any) -> list[tuple[str, Any]]:
    """Return the numbers and short texts beside the table."""
    pairs = document.items() if isinstance(document, dict) else ()
    return [
        (str(key), value)
        for key, value in pairs
        if isinstance(value, str | int | float) and len(f"{key}{value}") < _LONGEST and "\n" not in f"{key}{value}"
    ]


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
