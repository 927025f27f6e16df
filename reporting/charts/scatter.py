"""A scatter chart on two logarithmic axes, every point named beside it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from reporting.axes import log_scale
from reporting.charts.canvas import (
    WIDTH,
    color_class,
    horizontal_grid,
    label_at,
    segment,
    svg,
    text_width,
    title_of,
    vertical_grid,
)
from reporting.markup import EMPTY, Markup, element, join

_HEIGHT: Final = 420.0
_TOP: Final = 52.0
_BOTTOM: Final = 20.0
_LEFT: Final = 74.0
_LABEL_HEIGHT: Final = 17.0


@dataclass(frozen=True, slots=True)
class Point:
    """One point; x and y positive."""

    label: str
    x: float
    y: float
    color: int = 0


def scatter_chart(
    points: Sequence[Point],
    *,
    label: str,
    x_label: str,
    y_label: str,
    x_written: Callable[[float], str],
    y_written: Callable[[float], str],
) -> Markup:
    """Return the chart; at least one point. Names stand beside their points and make way for each other."""
    longest = max(text_width(point.label) for point in points)
    floor = _HEIGHT - _BOTTOM
    x_scale = log_scale([p.x for p in points], start=_LEFT, end=WIDTH - longest - 24, margin=1.4)
    y_scale = log_scale([p.y for p in points], start=floor, end=_TOP, margin=1.5)
    grid = join(
        horizontal_grid(y_scale, _LEFT, WIDTH, y_written),
        vertical_grid(x_scale, _TOP, floor, x_written),
        label_at(WIDTH, 12, x_label, "soft small end"),
        label_at(0, 12, y_label, "soft small"),
    )
    spots = [(x_scale.position(p.x), y_scale.position(p.y)) for p in points]
    heights = _label_heights(spots, points)
    marks = [
        _point(point, spot, height, f"{x_written(point.x)}, {y_written(point.y)}")
        for point, spot, height in zip(points, spots, heights, strict=True)
    ]
    return svg(WIDTH, _HEIGHT, grid, *marks, label=label)


def _point(point: Point, spot: tuple[float, float], label_y: float, told: str) -> Markup:
    """Return a dot, its name, and a hair between them where the name had to move."""
    x, y = spot
    hair = segment(x, y, x + 10, label_y, "grid") if abs(label_y - y) > 6 else EMPTY
    dot = element("circle", title_of(f"{point.label}: {told}"), cx=x, cy=y, r=6.5, class_="mark")
    return element("g", hair, dot, label_at(x + 13, label_y, point.label, "small"), class_=color_class(point.color))


def _label_heights(spots: Sequence[tuple[float, float]], points: Sequence[Point]) -> list[float]:
    """Return a y for every name, moved down as far as it takes not to lie on a name or a dot placed above it."""
    heights = [y for _, y in spots]
    placed: list[tuple[float, float, float]] = []
    for index in sorted(range(len(spots)), key=lambda number: spots[number][1]):
        start, y = spots[index][0] + 10, spots[index][1]
        end = start + text_width(points[index].label)
        for other_start, other_end, other_y in sorted(placed, key=lambda item: item[2]):
            if start < other_end and other_start < end and abs(other_y - y) < _LABEL_HEIGHT:
                y = other_y + _LABEL_HEIGHT
        heights[index] = y
        placed.append((start, end, y))
    return heights
