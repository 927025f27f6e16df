"""The activities of the rows of one recording: from a column, a name, or an option."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from edgehar.pipeline.data.importing.cells import MISSING
from edgehar.pipeline.data.importing.options import NO_COLUMN
from edgehar.pipeline.data.importing.rows import Rows
from edgehar.pipeline.data.importing.timing import OpenTable, Take, text_at
from edgehar.pipeline.data.recordings import LabelInterval

_NO_LABEL: Final = MISSING | {"?", "unlabeled", "unlabelled", "no label", "no_label", "nolabel", "undefined"}
"""Words that say that nothing is said."""
_LONGEST_MARK: Final = 3
_MOST_MARKED: Final = 0.2


def labels_of_rows(table: OpenTable, rows: Rows, take: Take, said: dict[str, str]) -> tuple[LabelInterval, ...]:
    """Return the stretches of equal labels."""
    options, names = table.options, table.profile.labels if table.profile else {}
    length = take.stop - take.start
    if rows.labels is None or options.label == NO_COLUMN:
        activity = options.activity_name or said.get("activity")
        return (LabelInterval(0, length, names.get(activity, activity)),) if activity else ()
    inside = [(row, text) for row, text in rows.labels if take.start <= row < take.stop]
    if not inside or inside[0][0] > take.start:
        inside.insert(0, (take.start, text_at(rows.labels, take.start)))
    edges = [*(row for row, _ in inside), take.stop]
    labels = []
    for (row, text), (_, end) in zip(inside, pairwise(edges), strict=True):
        if text and text not in options.unlabelled and text.lower() not in _NO_LABEL:
            labels.append(LabelInterval(row - take.start, end - take.start, names.get(text, text)))
    return tuple(labels)


def about_marks(labels: tuple[LabelInterval, ...], length: int) -> Iterator[str]:
    """Say that labels stand on single rows, as marks of a moment do, and that nothing between them is labelled."""
    lasting = [label.stop - label.start for label in labels]
    if lasting and max(lasting) <= _LONGEST_MARK and sum(lasting) <= _MOST_MARKED * length:
        yield (
            f"The activity stands on {sum(lasting)} of {length:,} rows only, as marks do: nothing is labelled between "
            "them. Write it on every row, or into a table of start,end,label."
        )
