"""A bar chart: one horizontal bar a row, its number at its end; on a narrow page above it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from edgehar.reporting.axes import LinearScale, linear_scale
from edgehar.reporting.charts.canvas import (
    Layout,
    color_class,
    dashed,
    label_at,
    label_inside,
    label_width,
    responsive,
    segment,
    svg,
    title_of,
    vertical_grid,
)
from edgehar.reporting.markup import EMPTY, Markup, element, join
from edgehar.reporting.numbers import significant

_BAR: Final = 16.0
_THIN_BAR: Final = 10.0
_TOP: Final = 30.0
_STACKED_LABEL: Final = 17.0


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar from zero to ``value``; ``interval`` draws a whisker; ``note`` stands behind the number."""

    label: str
    value: float
    color: int = 0
    interval: tuple[float, float] | None = None
    note: str = ""


def bar_chart(
    bars: Sequence[Bar],
    *,
    label: str,
    written: Callable[[float], str] = significant,
    limit: float | None = None,
    reference: tuple[str, float] | None = None,
) -> Markup:
    """Return the chart, bars from top to bottom as given; at least one.

    Parameters
    ----------
    label
        What a screen reader says of the chart.
    written
        Writes a value with its unit.
    limit
        Where the axis ends, such as 1 for a share; by default at a round number past the longest bar.
    reference
        Name and value of a dashed line to compare all bars with.
    """
    return responsive(lambda layout: _Drawing(layout, bars, written, limit, reference).picture(label))


@dataclass(frozen=True, slots=True)
class _Drawing:
    """The chart in one layout."""

    layout: Layout
    bars: Sequence[Bar]
    written: Callable[[float], str]
    limit: float | None
    reference: tuple[str, float] | None

    def picture(self, label: str) -> Markup:
        """Return the whole of it."""
        scale, width = self._scale(), self.layout.width
        floor = _TOP + self._row_height * len(self.bars)
        rows = [self._row(bar, _TOP + self._row_height * index, scale) for index, bar in enumerate(self.bars)]
        grid = vertical_grid(scale, _TOP - 4, floor, self.written, width=width)
        return svg(
            width,
            floor + (26 if self.reference else 6),
            grid,
            *rows,
            self._reference_line(scale, floor),
            label=label,
        )

    @property
    def _row_height(self) -> float:
        return 40.0 if self.layout.stacked else 28.0

    @property
    def _name_room(self) -> float:
        return min(max(label_width(bar.label) for bar in self.bars), self.layout.name_room)

    def _scale(self) -> LinearScale:
        """Return the axis, between the names and the numbers."""
        numbers = max(label_width(self._told(bar), "bold") for bar in self.bars) + 12
        left, right = (
            (8.0, self.layout.width - 14)
            if self.layout.stacked
            else (self._name_room + 14, self.layout.width - numbers)
        )
        reach = [end for bar in self.bars for end in (bar.value, *(bar.interval or ()))]
        if self.limit:
            return LinearScale(min(0.0, *reach), self.limit, left, right)
        return linear_scale(reach + ([self.reference[1]] if self.reference else []), start=left, end=right, include=[0])

    def _row(self, bar: Bar, top: float, scale: LinearScale) -> Markup:
        """Return a name, its bar, whisker and number."""
        told, stacked = self._told(bar), self.layout.stacked
        height = _THIN_BAR if stacked else _BAR
        y = top + _STACKED_LABEL + _THIN_BAR if stacked else top + self._row_height / 2
        start, end = scale.position(0), scale.position(bar.value)
        rectangle = element(
            "rect",
            title_of(f"{bar.label}: {told}"),
            x=min(start, end),
            y=y - height / 2,
            width=max(abs(end - start), 1.5),
            height=height,
            rx=3,
            class_=f"mark {color_class(bar.color)}",
        )
        return join(self._texts(bar, told, top, y, scale), rectangle, _whisker(bar, y, scale))

    def _texts(self, bar: Bar, told: str, top: float, y: float, scale: LinearScale) -> Markup:
        """Return the name and the number of a bar."""
        width = self.layout.width
        if self.layout.stacked:
            room = width - label_width(told, "bold") - 12
            return join(
                label_at(0, top + 10, bar.label, room=room),
                label_at(width, top + 10, told, "bold halo end"),
            )
        reach = max(scale.position(value) for value in (0, bar.value, *(bar.interval or ())))
        return join(
            label_at(self._name_room, y, bar.label, "end", room=self._name_room),
            label_at(reach + 8, y, told, "bold halo"),
        )

    def _reference_line(self, scale: LinearScale, floor: float) -> Markup:
        """Return the dashed line with its name below the bars."""
        if self.reference is None:
            return EMPTY
        name, value = self.reference
        x = scale.position(value)
        text = label_inside(x, floor + 14, f"{name} {self.written(value)}", "soft small", width=self.layout.width)
        return join(dashed(x, _TOP - 4, x, floor + 2), text)

    def _told(self, bar: Bar) -> str:
        """Return the number behind a bar, with its interval and note."""
        ends = f" ({self.written(bar.interval[0])}–{self.written(bar.interval[1])})" if bar.interval else ""
        return f"{self.written(bar.value)}{ends}{' ' + bar.note if bar.note else ''}"


def _whisker(bar: Bar, y: float, scale: LinearScale) -> Markup:
    """Return the interval of a bar."""
    if bar.interval is None:
        return EMPTY
    low, high = map(scale.position, bar.interval)
    return join(segment(low, y, high, y, "whisker"), *(segment(x, y - 4, x, y + 4, "whisker") for x in (low, high)))
