"""A line chart: signals or learning curves over a common axis, with bands of labels below."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from edgehar.reporting.axes import LinearScale, linear_scale
from edgehar.reporting.charts.bands import BandRow, bands_height, draw_bands
from edgehar.reporting.charts.canvas import (
    Layout,
    color_class,
    dashed,
    horizontal_grid,
    label_at,
    label_inside,
    label_width,
    legend,
    responsive,
    segment,
    stroke_swatch,
    svg,
    title_of,
)
from edgehar.reporting.markup import EMPTY, Markup, element, join
from edgehar.reporting.numbers import plain

_PLOT: Final = 220.0
_RIGHT: Final = 14.0
_TICK_PIXELS: Final = 90.0
"""About how far ticks of the x axis lie apart."""


@dataclass(frozen=True, slots=True)
class Series:
    """One line; x ascending."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    color: int = 0


def line_chart(
    series: Sequence[Series],
    *,
    label: str,
    x_label: str,
    y_label: str,
    bands: Sequence[BandRow] = (),
    y_include: Sequence[float] = (),
    marker: tuple[str, float] | None = None,
    y_written: Callable[[float], str] = plain,
    whole_x: bool = False,
) -> Markup:
    """Return the chart; at least one series with at least one point.

    Parameters
    ----------
    label
        What a screen reader says of the chart.
    bands
        Rows of labels drawn below, on the same x axis.
    y_include
        Values the y axis must reach, such as 0 and 1.
    marker
        Name and x of a vertical line, such as the epoch that was kept.
    whole_x
        Whether x counts something: ticks are then whole numbers.
    """
    return responsive(
        lambda layout: _Drawing(layout, series, bands, y_include, marker, y_written, whole_x).picture(
            label, x_label, y_label
        )
    )


@dataclass(frozen=True, slots=True)
class _Drawing:
    """The chart in one layout."""

    layout: Layout
    series: Sequence[Series]
    bands: Sequence[BandRow]
    y_include: Sequence[float]
    marker: tuple[str, float] | None
    y_written: Callable[[float], str]
    whole_x: bool

    def picture(self, label: str, x_label: str, y_label: str) -> Markup:
        """Return the whole of it."""
        width, right = self.layout.width, self.layout.width - _RIGHT
        names = [(line.name, line.color) for line in self.series]
        samples, top = legend(names, 0, 10, width, swatch=stroke_swatch) if len(names) > 1 else (EMPTY, 0.0)
        top, floor = top + 26, top + 26 + _PLOT
        values = [value for line in self.series for value in line.y]
        y_scale = linear_scale(values, start=floor, end=top, include=self.y_include)
        x_scale = self._x_scale(self._left(y_scale), right)
        axis_y = floor + bands_height(self.bands, self.layout) + 6
        below, bottom = draw_bands(self.bands, x_scale, floor, axis_y + 46, self.layout)
        plot = join(
            samples,
            label_at(0, top - 14, y_label, "soft small", room=width),
            horizontal_grid(y_scale, x_scale.start, right, self.y_written),
            *(_line(line, x_scale, y_scale, points=int(right - x_scale.start)) for line in self.series),
            self._marker(x_scale, top, floor),
            below,
            self._x_axis(x_scale, axis_y, x_label),
        )
        return svg(width, bottom, plot, label=label)

    def _left(self, y_scale: LinearScale) -> float:
        """Return where the plot begins: right of the numbers, and of the names of bands that stand beside them."""
        numbers = max(label_width(self.y_written(value), "small") for value in y_scale.ticks()) + 10
        if self.layout.stacked or not self.bands:
            return numbers
        names = max(label_width(row.name, "small") for row in self.bands) + 12
        return max(numbers, min(names, self.layout.name_room))

    def _x_scale(self, left: float, right: float) -> LinearScale:
        """Return the x axis."""
        edges = [line.x[end] for line in self.series for end in (0, -1)]
        edges += [span.end for row in self.bands for span in row.spans]
        low, high = min(edges), max(edges)
        if self.whole_x and low == high:
            low, high = low - 0.5, high + 0.5
        ticks = max(2, int((right - left) / _TICK_PIXELS))
        return LinearScale(low, max(high, low + 1e-9), left, right, wanted_ticks=ticks)

    def _marker(self, scale: LinearScale, top: float, floor: float) -> Markup:
        """Return a named vertical line."""
        if self.marker is None:
            return EMPTY
        name, value = self.marker
        x = scale.position(value)
        beside = x + 6 + label_width(name, "small") < self.layout.width
        side, classes = (6, "soft small halo") if beside else (-6, "soft small halo end")
        room = self.layout.width - x - 6 if beside else x - 6
        return join(dashed(x, top, x, floor), label_at(x + side, floor - 12, name, classes, room=room))

    def _x_axis(self, scale: LinearScale, y: float, name: str) -> Markup:
        """Return the axis with its numbers below and its name at the end."""
        width = self.layout.width
        values = [value for value in scale.ticks() if not self.whole_x or float(value).is_integer()]
        ticks = [
            join(
                segment(x := scale.position(value), y, x, y + 4, "axis"),
                label_inside(x, y + 15, plain(value), "soft small", width=width),
            )
            for value in values
        ]
        line = segment(scale.start, y, scale.end, y, "axis")
        return join(line, *ticks, label_at(scale.end, y + 33, name, "soft small end", room=scale.end))


def _line(line: Series, x_scale: LinearScale, y_scale: LinearScale, *, points: int) -> Markup:
    """Return one line, thinned to what can be seen."""
    places = [(x_scale.position(x), y_scale.position(y)) for x, y in _thinned(line.x, line.y, points)]
    if len(places) == 1:
        return element("circle", cx=places[0][0], cy=places[0][1], r=4, class_=f"mark {color_class(line.color)}")
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    return element("polyline", title_of(line.name), points=path, class_=f"stroke {color_class(line.color)}")


def _thinned(x: Sequence[float], y: Sequence[float], columns: int) -> list[tuple[float, float]]:
    """Return the points, or of a long line the lowest and highest of every column, so that no peak is lost."""
    points = list(zip(x, y, strict=True))
    if len(points) <= 2 * columns:
        return points
    kept = []
    for column in range(columns):
        bucket = points[column * len(points) // columns : (column + 1) * len(points) // columns]
        kept += sorted({min(bucket, key=lambda point: point[1]), max(bucket, key=lambda point: point[1])})
    return kept
