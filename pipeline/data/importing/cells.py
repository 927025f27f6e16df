"""The cells of a line: how it is split, and which of them are numbers or missing."""

import csv
from typing import Final

from edgehar.pipeline.data.importing.refusals import refusal

MISSING: Final = frozenset({"", "nan", "na", "n/a", "null", "none", "-"})
"""How a missing value is written, in lower case."""


def is_number(cell: str, *, comma: bool = False) -> bool:
    """Tell whether a cell holds a number, or a missing one written as NaN; an underscore is no part of one."""
    try:
        float(cell.replace(",", ".") if comma else cell)
    except ValueError:
        return False
    return "_" not in cell


def cells_of(line: str, mark: str, name: str) -> list[str]:
    """Split a line into cells; the semicolon at the end of a record and the blanks around cells are taken off."""
    line = line.strip() if mark == " " else line
    line = line if mark == ";" else line.rstrip("; ") if mark != "\t" else line.rstrip(" ")
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=mark, skipinitialspace=True), [])]
    except csv.Error as error:
        raise refusal(name, f"expected every quote closed and short cells, but {error}") from error
