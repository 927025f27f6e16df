"""Whether the last line of a file is whole: a logger that lost its power cuts it anywhere, even inside a number."""

from typing import Final

from edgehar.pipeline.data.importing.cells import cells_of, is_number
from edgehar.pipeline.data.importing.preamble import Preamble

_COMPARED_LINES: Final = 20
_FEWEST_VALUES: Final = 8


def wrong_with_last_line(data: bytes, preamble: Preamble, *, sure: bool) -> str | None:
    """Say why a last line without a line end cannot be used: it was cut off; None where it seems to be whole.

    Parameters
    ----------
    data
        Whole lines, the last of which had no line end in the file.
    preamble
        How the table is written.
    sure
        Whether it was cut off in any case, as the files beside it end in a line end.
    """
    if sure:
        return "expected a line end as in the other files, got a last line that may be cut off"
    tail = data[:-1].rsplit(b"\n", _COMPARED_LINES + 1)[-_COMPARED_LINES - 1 :]
    rows = [cells_of(line.decode("utf-8", "replace"), preamble.delimiter, preamble.name) for line in tail]
    if len(rows) < 3 or any(len(row) != preamble.width for row in rows):
        return None
    *before, last = (row[-1] for row in rows)
    # Few different values, or numbers with as many digits as they happen to have, tell nothing.
    if all(is_number(cell, comma=preamble.decimal_comma) for cell in before):
        decimals = {len(cell.replace(",", ".").partition(".")[2]) for cell in before}
        fixed = len(decimals) == 1 and len(set(before)) >= _FEWEST_VALUES
        short = fixed and len(last.replace(",", ".").partition(".")[2]) < min(decimals)
    else:
        short = last not in before and before[-1].startswith(last) and all(row[-1:] != (last,) for row in preamble.head)
    return f"expected a whole last line, got one that is cut off at {last[:40]!r}" if short else None
