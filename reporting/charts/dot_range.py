"""A dot-range chart: for every row a median, and how far its slow tail reaches, on a logarithmic axis."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from edgehar.reporting.axes import LogScale, log_scale
from edgehar.reporting.charts.canvas import (
    WIDTH,
    color_class,
    label_at,
    segment,
    svg,
    text_width,
    title_of,
    vertical_grid,
)
from edgehar.reporting.markup import EMPTY, Markup, element, join
from edgehar.reporting.numbers import duration_us

_ROW: Final = 46.0
_TOP: Final = 30.0
_GAP: Final = 26.0


@dataclass(frozen=True, slots=True)
class DotRange:
    """One row: a label with a detail below it, the quantiles drawn, and what stands to the right.

    ``quantiles`` are (median, a high one, a higher one, the largest); None where the row has none to show, and then
    ``remark`` says why.
    """

    label: str
    detail: str
    quantiles: tuple[float, float, float, float] | None
    remark: str
    color: int = 0


def dot_range_chart(
    rows: Sequence[DotRange],
    *,
    label: str,
    names: tuple[str, str, str, str] = ("p50", "p95", "p99", "max"),
    remark_heading: str = "",
    written: Callable[[float], str] = duration_us,
) -> Markup:
    """Return the chart, rows from top to bottom as given.

    Parameters
    ----------
    rows
        At least one.
    label
        What a screen reader says of the chart.
    names
        What the four quantiles are called.
    remark_heading
        Heading of the remarks at the right.
    written
        Writes a value with its unit.
    """
    left = max(max(text_width(row.label), 0.92 * text_width(row.detail)) for row in rows) + _GAP
    measured = [row for row in rows if row.quantiles is not None]
    remarks = max((text_width(row.remark) for row in measured), default=0.0)
    value_width = max((text_width(written(row.quantiles[0])) for row in measured if row.quantiles), default=0.0)
    column = max(value_width, text_width(names[0])) + _GAP
    remark_column = max(remarks, text_width(remark_heading)) + _GAP if remarks else 0.0
    right = WIDTH - column - remark_column
    scale = log_scale([value for row in measured for value in row.quantiles or ()], start=left, end=right)
    height = _TOP + _ROW * len(rows) + 6
    lines = [_line(row, _TOP + _ROW * (index + 0.5), scale, names, written) for index, row in enumerate(rows)]
    values = [
        _values(row, _TOP + _ROW * (index + 0.5), WIDTH - remark_column, left, written)
        for index, row in enumerate(rows)
    ]
    headings = join(
        label_at(WIDTH - remark_column, _TOP - 12, names[0], "soft small end"),
        label_at(WIDTH, _TOP - 12, remark_heading, "soft small end") if remark_column else EMPTY,
    )
    grid = vertical_grid(scale, _TOP, height - 6, written) if measured else EMPTY
    return svg(WIDTH, height, grid, headings, *lines, *values, label=label)


def _line(
    row: DotRange, y: float, scale: LogScale, names: tuple[str, str, str, str], written: Callable[[float], str]
) -> Markup:
    """Return a row's label, and its dot with the range."""
    text = join(label_at(0, y - 8, row.label, "bold"), label_at(0, y + 9, row.detail, "soft small"))
    if row.quantiles is None:
        return text
    middle, high, higher, largest = map(scale.position, row.quantiles)
    told = ", ".join(f"{name} {written(value)}" for name, value in zip(names, row.quantiles, strict=True))
    marks = element(
        "g",
        title_of(f"{row.label} {row.detail}: {told}"),
        segment(higher, y, largest, y, "stroke thin"),
        segment(largest, y - 4, largest, y + 4, "stroke thin"),
        segment(middle, y, higher, y, "stroke thick"),
        segment(high, y - 7, high, y + 7, "stroke"),
        element("circle", cx=higher, cy=y, r=4, class_="hollow"),
        element("circle", cx=middle, cy=y, r=6.5, class_="mark"),
        class_=color_class(row.color),
    )
    return join(text, marks)


def _values(row: DotRange, y: float, value_end: float, left: float, written: Callable[[float], str]) -> Markup:
    """Return the median and the remark in columns at the right, or the remark alone where the range would be."""
    if row.quantiles is None:
        return label_at(left, y, row.remark, "warn small")
    return join(
        label_at(value_end, y, written(row.quantiles[0]), "bold end"),
        label_at(WIDTH, y, row.remark, "soft end") if value_end < WIDTH else EMPTY,
    )
