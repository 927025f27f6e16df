"""A line chart: signals or learning curves over a common axis, with bands of labels below."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from edgehar.reporting.axes import LinearScale, linear_scale
from edgehar.reporting.charts.canvas import (
    WIDTH,
    color_class,
    horizontal_grid,
    label_at,
    legend,
    segment,
    svg,
    text_width,
    title_of,
)
from edgehar.reporting.markup import EMPTY, Markup, element, join
from edgehar.reporting.numbers import plain

_PLOT: Final = 220.0
_BAND: Final = 26.0
_LEFT: Final = 58.0
_BELOW: Final = 18.0
_COLUMNS: Final = 800
"""Buckets a long line is thinned to; of each the lowest and the highest point stay."""


@dataclass(frozen=True, slots=True)
class Series:
    """One line; x ascending."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    color: int = 0


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of the x axis that has one label."""

    start: float
    end: float
    label: str
    color: int = 0


@dataclass(frozen=True, slots=True)
class BandRow:
    """A row of labelled stretches below the lines, such as what was true, or what was predicted."""

    name: str
    spans: Sequence[Span]


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
    """
    left = max(_LEFT, *(text_width(row.name) + 14 for row in bands)) if bands else _LEFT
    edges = [line.x[end] for line in series for end in (0, -1)] + [s.end for row in bands for s in row.spans]
    x_scale = LinearScale(min(edges), max(max(edges), min(edges) + 1e-9), left, WIDTH - 12, wanted_ticks=8)
    names, top = legend([(line.name, line.color) for line in series], left, 10, WIDTH - 150)
    floor = top + 8 + _PLOT
    y_scale = linear_scale([v for line in series for v in line.y], start=floor, end=top + 8, include=y_include)
    rows = [_band(row, floor + _BELOW + (_BAND + 6) * index, x_scale) for index, row in enumerate(bands)]
    axis_y = floor + (_BELOW + (_BAND + 6) * len(bands) if bands else 6)
    key, bottom = _unnamed(bands, x_scale, left, axis_y + 44)
    plot = join(
        label_at(WIDTH - 12, 10, y_label, "soft small end"),
        names,
        horizontal_grid(y_scale, left, WIDTH - 12, y_written),
        *(_line(line, x_scale, y_scale) for line in series),
        _marker(marker, x_scale, top + 8, floor),
        *rows,
        _x_axis(x_scale, axis_y, x_label),
        key,
    )
    return svg(WIDTH, bottom, plot, label=label)


def _line(line: Series, x_scale: LinearScale, y_scale: LinearScale) -> Markup:
    """Return one line, thinned to what can be seen."""
    points = [(x_scale.position(x), y_scale.position(y)) for x, y in _thinned(line.x, line.y)]
    if len(points) == 1:
        return element("circle", cx=points[0][0], cy=points[0][1], r=4, class_=f"mark {color_class(line.color)}")
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return element("polyline", title_of(line.name), points=path, class_=f"stroke {color_class(line.color)}")


def _thinned(x: Sequence[float], y: Sequence[float]) -> list[tuple[float, float]]:
    """Return the points, or of a long line the lowest and highest of every bucket, so that no peak is lost."""
    points = list(zip(x, y, strict=True))
    if len(points) <= 2 * _COLUMNS:
        return points
    kept = []
    for column in range(_COLUMNS):
        bucket = points[column * len(points) // _COLUMNS : (column + 1) * len(points) // _COLUMNS]
        kept += sorted({min(bucket, key=lambda point: point[1]), max(bucket, key=lambda point: point[1])})
    return kept


def _band(row: BandRow, top: float, scale: LinearScale) -> Markup:
    """Return a row of labelled stretches; a label is written where it fits."""
    middle = top + _BAND / 2
    parts = [label_at(scale.start - 10, middle, row.name, "soft small end")]
    for span in row.spans:
        start, end = scale.position(span.start), scale.position(span.end)
        stretch = element(
            "g",
            title_of(f"{row.name}: {span.label}, {span.start:g} to {span.end:g}"),
            element("rect", x=start, y=top, width=max(end - start, 0.5), height=_BAND, class_="band"),
            element("rect", x=start, y=top, width=min(2.5, max(end - start, 0.5)), height=_BAND, class_="edge"),
            label_at((start + end) / 2, middle, span.label, "small middle") if _fits(span, scale) else EMPTY,
            class_=color_class(span.color),
        )
        parts.append(stretch)
    return join(*parts)


def _fits(span: Span, scale: LinearScale) -> bool:
    """Return whether a stretch is long enough for its label."""
    return scale.position(span.end) - scale.position(span.start) > 0.92 * text_width(span.label) + 10


def _unnamed(bands: Sequence[BandRow], scale: LinearScale, left: float, y: float) -> tuple[Markup, float]:
    """Return a legend of the labels that fit into none of their stretches, and where the chart ends."""
    spans = [span for row in bands for span in row.spans]
    written = {span.label for span in spans if _fits(span, scale)}
    missing = {span.label: span.color for span in spans if span.label not in written}
    if not missing:
        return EMPTY, y
    return legend(list(missing.items()), left, y + 6, WIDTH - 12)


def _marker(marker: tuple[str, float] | None, scale: LinearScale, top: float, floor: float) -> Markup:
    """Return a named vertical line."""
    if marker is None:
        return EMPTY
    name, value = marker
    x = scale.position(value)
    beside = x + 6 + text_width(name) < WIDTH
    line = element("line", x1=x, y1=top, x2=x, y2=floor, class_="axis", stroke_dasharray="4 3")
    return join(line, label_at(x + (6 if beside else -6), floor - 12, name, "soft small" + ("" if beside else " end")))


def _x_axis(scale: LinearScale, y: float, name: str) -> Markup:
    """Return the axis with its numbers below and its name at the end."""
    ticks = [
        join(
            segment(x := scale.position(value), y, x, y + 4, "axis"),
            label_at(x, y + 15, plain(value), "soft small middle"),
        )
        for value in scale.ticks()
    ]
    line = segment(scale.start, y, scale.end, y, "axis")
    return join(line, *ticks, label_at(scale.end, y + 33, name, "soft small end"))
