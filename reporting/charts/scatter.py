"""A scatter chart on two logarithmic axes, every point named beside it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from edgehar.reporting.axes import log_scale
from edgehar.reporting.charts.canvas import (
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
from edgehar.reporting.markup import EMPTY, Markup, element, join

_HEIGHT: Final = 360.0
_TOP: Final = 52.0
_BOTTOM: Final = 20.0
_LEFT: Final = 74.0
_RADIUS: Final = 6.5
_LINE: Final = 15.0


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
    frame = _Box(_LEFT, _TOP - 8, WIDTH, floor + 8)
    boxes = _name_boxes(spots, [text_width(point.label) for point in points], frame)
    dots = [
        _dot(point, spot, f"{x_written(point.x)}, {y_written(point.y)}")
        for point, spot in zip(points, spots, strict=True)
    ]
    names = [_name(point, spot, box) for point, spot, box in zip(points, spots, boxes, strict=True)]
    marks = [*dots, *names]
    return svg(WIDTH, _HEIGHT, grid, *marks, label=label)


@dataclass(frozen=True, slots=True)
class _Box:
    """A rectangle that a name or a dot takes."""

    left: float
    top: float
    right: float
    bottom: float

    def overlap(self, other: "_Box") -> float:
        """Return the area both take."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(width, 0.0) * max(height, 0.0)

    def outside(self, frame: "_Box") -> float:
        """Return how far it sticks out of a frame."""
        return max(
            frame.left - self.left, self.right - frame.right, frame.top - self.top, self.bottom - frame.bottom, 0
        )


def _dot(point: Point, spot: tuple[float, float], told: str) -> Markup:
    """Return a point's dot."""
    title = title_of(f"{point.label}: {told}")
    return element("circle", title, cx=spot[0], cy=spot[1], r=_RADIUS, class_=f"mark {color_class(point.color)}")


def _name(point: Point, spot: tuple[float, float], box: _Box) -> Markup:
    """Return a point's name, and a hair to its dot where it had to move far."""
    middle = (box.top + box.bottom) / 2
    far = abs(middle - spot[1]) > 1.5 * _LINE
    hair = segment(*spot, min(max(spot[0], box.left), box.right), middle, "axis") if far else EMPTY
    return join(hair, label_at(box.left, middle, point.label, "small halo"))


def _name_boxes(spots: Sequence[tuple[float, float]], widths: Sequence[float], frame: _Box) -> list[_Box]:
    """Return a place for every name: of those around its dot, the first that lies on nothing, or on the least."""
    taken = [_Box(x - _RADIUS, y - _RADIUS, x + _RADIUS, y + _RADIUS) for x, y in spots]
    chosen: list[_Box] = []
    for (x, y), width in zip(spots, widths, strict=True):
        candidates = [
            _Box(left, y + rise - _LINE / 2, left + width, y + rise + _LINE / 2)
            for rise in (0.0, *(sign * step * _LINE for step in range(1, 25) for sign in (1, -1)))
            for left in (x + _RADIUS + 6, x - _RADIUS - 6 - width)
        ]
        crowding = [sum(map(box.overlap, taken)) + 1e3 * box.outside(frame) for box in candidates]
        chosen.append(candidates[crowding.index(min(crowding))])
        taken.append(chosen[-1])
    return chosen
