"""Rows of dots on one linear axis: every row a few series, each a line of dots, so that what differs is seen."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from edgehar.reporting.axes import LinearScale, linear_scale
from edgehar.reporting.charts.canvas import (
    Layout,
    color_class,
    dashed,
    label_at,
    label_width,
    legend,
    responsive,
    segment,
    svg,
    title_of,
    vertical_grid,
)
from edgehar.reporting.markup import EMPTY, Markup, element, join
from edgehar.reporting.numbers import plain

_LINE: Final = 13.0
_PADDING: Final = 10.0
_NAME: Final = 18.0
_GAP: Final = 20.0
_KEY: Final = 26.0


@dataclass(frozen=True, slots=True)
class DotRow:
    """A named row: for every series its dots, each with its value and what it says when pointed at."""

    label: str
    series: Sequence[Sequence[tuple[float, str]]]


def dot_rows_chart(
    rows: Sequence[DotRow],
    series: Sequence[tuple[str, int]],
    *,
    label: str,
    include: Sequence[float] = (),
    written: Callable[[float], str] = plain,
) -> Markup:
    """Return the chart, rows from top to bottom as given; at least one dot.

    Parameters
    ----------
    rows
        Each with as many series as named.
    series
        Names and colours of the series.
    label
        What a screen reader says of the chart.
    include
        Values the axis must reach.
    written
        Writes a value of the axis.
    """
    return responsive(lambda layout: _Drawing(layout, rows, series, include, written).picture(label))


@dataclass(frozen=True, slots=True)
class _Drawing:
    """The chart in one layout."""

    layout: Layout
    rows: Sequence[DotRow]
    series: Sequence[tuple[str, int]]
    include: Sequence[float]
    written: Callable[[float], str]

    def picture(self, label: str) -> Markup:
        """Return the whole of it."""
        width = self.layout.width
        key, key_end = legend(self.series, 0, 10, width, swatch=_swatch)
        top = key_end + _KEY
        height = top + self._row_height * len(self.rows)
        scale = self._scale()
        zero = scale.position(0.0) if scale.low <= 0 <= scale.high else None
        return svg(
            width,
            height + 4,
            key,
            vertical_grid(scale, top, height, self.written, width=width),
            dashed(zero, top, zero, height) if zero is not None else EMPTY,
            *(self._row(row, top + self._row_height * index, scale) for index, row in enumerate(self.rows)),
            label=label,
        )

    @property
    def _row_height(self) -> float:
        return _LINE * len(self.series) + _PADDING + (_NAME if self.layout.stacked else 0.0)

    def _scale(self) -> LinearScale:
        """Return the axis."""
        values = [value for row in self.rows for dots in row.series for value, _ in dots]
        names = max(label_width(row.label) for row in self.rows)
        left = 8.0 if self.layout.stacked else min(names, self.layout.name_room) + _GAP
        return linear_scale(values, start=left, end=self.layout.width - 10, include=self.include)

    def _row(self, row: DotRow, top: float, scale: LinearScale) -> Markup:
        """Return a row: its name, a line above it, its dots."""
        dots_top = top + _PADDING / 2 + (_NAME if self.layout.stacked else 0.0)
        middle = top + 12 if self.layout.stacked else dots_top + _LINE * len(self.series) / 2
        room = self.layout.width - 6 if self.layout.stacked else scale.start - _GAP
        lines = [
            element(
                "g",
                *(_dot(scale.position(value), dots_top + _LINE * (place + 0.5), says) for value, says in dots),
                class_=color_class(color),
            )
            for place, ((_, color), dots) in enumerate(zip(self.series, row.series, strict=True))
        ]
        return join(segment(0, top, self.layout.width, top, "grid"), label_at(0, middle, row.label, room=room), *lines)


def _dot(x: float, y: float, says: str) -> Markup:
    """Return a dot; where many lie on each other, it gets darker."""
    return element("circle", title_of(says), cx=x, cy=y, r=4, class_="dot faint")


def _swatch(color: int, x: float, y: float) -> Markup:
    """Return a legend's sample of a dot."""
    return element("circle", cx=x + 7, cy=y, r=4, class_=f"dot {color_class(color)}")
