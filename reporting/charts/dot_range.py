"""A dot-range chart: for every row a median, and how far its slow tail reaches, on a logarithmic axis."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from edgehar.reporting.axes import LogScale, log_scale
from edgehar.reporting.charts.canvas import (
    Layout,
    color_class,
    label_at,
    label_width,
    responsive,
    segment,
    svg,
    title_of,
    vertical_grid,
)
from edgehar.reporting.markup import EMPTY, Markup, element, join
from edgehar.reporting.numbers import duration_us

_TOP: Final = 30.0
_GAP: Final = 24.0


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
    return responsive(lambda layout: _Drawing(layout, rows, names, remark_heading, written).picture(label))


@dataclass(frozen=True, slots=True)
class _Drawing:
    """The chart in one layout."""

    layout: Layout
    rows: Sequence[DotRange]
    names: tuple[str, str, str, str]
    remark_heading: str
    written: Callable[[float], str]

    def picture(self, label: str) -> Markup:
        """Return the whole of it."""
        width, height = self.layout.width, _TOP + self._row_height * len(self.rows) + 6
        scale = self._scale()
        rows = [self._row(row, _TOP + self._row_height * index, scale) for index, row in enumerate(self.rows)]
        grid = vertical_grid(scale, _TOP, height - 6, self.written, width=self._axis_end) if self._measured else EMPTY
        return svg(width, height, grid, EMPTY if self.layout.stacked else self._headings(), *rows, label=label)

    @property
    def _measured(self) -> list[DotRange]:
        return [row for row in self.rows if row.quantiles is not None]

    @property
    def _row_height(self) -> float:
        return 64.0 if self.layout.stacked else 46.0

    @property
    def _name_room(self) -> float:
        widths = [max(label_width(row.label, "bold"), label_width(row.detail, "small")) for row in self.rows]
        return min(max(widths), self.layout.name_room)

    @property
    def _remark_column(self) -> float:
        widths = [label_width(text) for row in self._measured if (text := row.remark)]
        return (
            min(max([*widths, label_width(self.remark_heading, "small")]), 0.2 * self.layout.width) + _GAP
            if widths
            else 0.0
        )

    @property
    def _value_end(self) -> float:
        """Where the column of medians ends."""
        return self.layout.width - self._remark_column

    @property
    def _axis_end(self) -> float:
        """Where the axis and its numbers end."""
        if self.layout.stacked:
            return self.layout.width
        values = [label_width(self.written(row.quantiles[0]), "bold") for row in self._measured if row.quantiles]
        return self._value_end - max([*values, label_width(self.names[0], "small")]) - 10

    def _scale(self) -> LogScale:
        """Return the axis of the range."""
        left = 8.0 if self.layout.stacked else self._name_room + _GAP
        values = [value for row in self._measured for value in row.quantiles or ()]
        return log_scale(values, start=left, end=self._axis_end - (8 if self.layout.stacked else 14))

    def _headings(self) -> Markup:
        """Return what stands above the columns at the right."""
        remark = label_at(self.layout.width, _TOP - 12, self.remark_heading, "soft small end", room=self._remark_column)
        return join(
            label_at(self._value_end, _TOP - 12, self.names[0], "soft small end") if self._measured else EMPTY,
            remark if self._remark_column else EMPTY,
        )

    def _row(self, row: DotRange, top: float, scale: LogScale) -> Markup:
        """Return a row: who, the range, the median, the remark."""
        y = top + (46 if self.layout.stacked else self._row_height / 2)
        texts = self._stacked_texts(row, top) if self.layout.stacked else self._texts(row, y)
        return join(texts, self._range(row, y, scale) if row.quantiles else EMPTY)

    def _texts(self, row: DotRange, y: float) -> Markup:
        """Return the texts of a row beside its range; a remark alone where the range would be."""
        room = self._name_room
        who = join(
            label_at(0, y - 8, row.label, "bold", room=room), label_at(0, y + 9, row.detail, "soft small", room=room)
        )
        if row.quantiles is None:
            left = room + _GAP
            return join(who, label_at(left, y, row.remark, "warn small", room=self.layout.width - left))
        median = label_at(self._value_end, y, self.written(row.quantiles[0]), "bold end")
        remark = label_at(self.layout.width, y, row.remark, "soft end", room=self._remark_column)
        return join(who, median, remark if self._remark_column else EMPTY)

    def _stacked_texts(self, row: DotRange, top: float) -> Markup:
        """Return the texts of a row above its range."""
        width = self.layout.width
        if row.quantiles is None:
            texts = [(row.label, "bold"), (row.detail, "soft small"), (row.remark, "warn small")]
            return join(*(label_at(0, top + 10 + 16 * n, *text, room=width) for n, text in enumerate(texts)))
        median, remark = self.written(row.quantiles[0]), " ".join(filter(None, (row.remark, self.remark_heading)))
        first = width - label_width(median, "bold") - 12
        second = width - min(label_width(remark, "small"), width / 2) - 12
        return join(
            label_at(0, top + 10, row.label, "bold", room=first),
            label_at(width, top + 10, median, "bold end"),
            label_at(0, top + 26, row.detail, "soft small", room=second),
            label_at(width, top + 26, remark, "soft small end", room=width / 2),
        )

    def _range(self, row: DotRange, y: float, scale: LogScale) -> Markup:
        """Return the dot of the median with what reaches to the right of it."""
        quantiles = row.quantiles or (0.0,) * 4
        middle, high, higher, largest = map(scale.position, quantiles)
        told = ", ".join(f"{name} {self.written(value)}" for name, value in zip(self.names, quantiles, strict=True))
        return element(
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
