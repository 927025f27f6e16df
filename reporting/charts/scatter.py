"""A scatter chart on two axes, every point named beside it; on a narrow page by a number with a key below."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from edgehar.reporting.axes import LinearScale, LogScale, linear_scale, log_scale
from edgehar.reporting.charts.canvas import (
    Layout,
    color_class,
    horizontal_grid,
    label_at,
    label_inside,
    label_width,
    responsive,
    segment,
    svg,
    title_of,
)
from edgehar.reporting.markup import EMPTY, Markup, element, join

_HEIGHT: Final = 388.0
_STACKED_HEIGHT: Final = 320.0
_TOP: Final = 52.0
_BOTTOM: Final = 46.0
_LEFT: Final = 74.0
_RIGHT: Final = 16.0
_RADIUS: Final = 6.5
_LINE: Final = 15.0
_KEY_LINE: Final = 20.0
_LEAST_MARGIN: Final = 0.02
_MOST_LEVELS: Final = 24
_MOST_NAMES: Final = 12
"""Points up to which all names find a place of their own, even if the points lie on each other."""


@dataclass(frozen=True, slots=True)
class Point:
    """One point; on a logarithmic axis its number is positive."""

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
    linear_y: bool = False,
) -> Markup:
    """Return the chart; at least one point. Names stand beside their points and make way for each other.

    Both axes are logarithmic, unless ``linear_y``.
    """
    return responsive(
        lambda layout: _Drawing(layout, points, x_written, y_written, linear_y).picture(label, x_label, y_label)
    )


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


@dataclass(frozen=True, slots=True)
class _Drawing:
    """The chart in one layout."""

    layout: Layout
    points: Sequence[Point]
    x_written: Callable[[float], str]
    y_written: Callable[[float], str]
    linear_y: bool

    def picture(self, label: str, x_label: str, y_label: str) -> Markup:
        """Return the whole of it."""
        width, floor = self.layout.width, self._height - _BOTTOM
        x_scale = log_scale([p.x for p in self.points], start=_LEFT, end=width - self._names_room, margin=1.4)
        y_scale = self._y_scale(floor)
        grid = join(
            horizontal_grid(y_scale, _LEFT, width, self.y_written),
            self._x_grid(x_scale, floor),
            label_at(width, self._height - 10, x_label, "soft small end", room=width),
            label_at(0, 12, y_label, "soft small", room=width),
        )
        spots = [(x_scale.position(p.x), y_scale.position(p.y)) for p in self.points]
        dots = [self._dot(point, spot) for point, spot in zip(self.points, spots, strict=True)]
        names = self._names()
        frame = _Box(_LEFT, _TOP - 12, width, floor + 4)
        boxes = _name_boxes(spots, [label_width(name, "small") for name in names], frame)
        named = [_name(name, spot, box) for name, spot, box in zip(names, spots, boxes, strict=True)]
        key, height = self._key()
        return svg(width, height, grid, *dots, *named, key, label=label)

    @property
    def _height(self) -> float:
        return _STACKED_HEIGHT if self.layout.stacked else _HEIGHT

    @property
    def _names_room(self) -> float:
        """Room to the right of the last point."""
        longest = max(label_width(name, "small") for name in self._names())
        return longest + _RADIUS + _RIGHT

    def _names(self) -> list[str]:
        """Return what stands beside the points: their names, or where those would fill the picture, numbers."""
        room, many = self.layout.name_room, len(self.points) > _MOST_NAMES
        if self.layout.stacked or many or max(label_width(point.label, "small") for point in self.points) > room:
            return [str(number) for number in range(1, len(self.points) + 1)]
        return [point.label for point in self.points]

    def _y_scale(self, floor: float) -> LinearScale | LogScale:
        values = [point.y for point in self.points]
        if self.linear_y:
            margin = max(0.25 * (max(values) - min(values)), _LEAST_MARGIN)
            return linear_scale(values, start=floor, end=_TOP, include=[min(values) - margin, max(values) + margin])
        return log_scale(values, start=floor, end=_TOP, margin=1.5)

    def _x_grid(self, scale: LogScale, floor: float) -> Markup:
        """Return grid lines with numbers below them."""
        parts, free_from = [], float("-inf")
        for value in scale.ticks():
            x, text = scale.position(value), self.x_written(value)
            parts.append(segment(x, _TOP - 8, x, floor, "grid"))
            half = label_width(text, "small") / 2
            if x - half > free_from:
                parts.append(label_inside(x, floor + 14, text, "soft small", width=self.layout.width))
                free_from = x + half + 6
        return join(*parts)

    def _dot(self, point: Point, spot: tuple[float, float]) -> Markup:
        """Return a point's dot."""
        title = title_of(f"{point.label}: {self.x_written(point.x)}, {self.y_written(point.y)}")
        return element("circle", title, cx=spot[0], cy=spot[1], r=_RADIUS, class_=f"mark {color_class(point.color)}")

    def _key(self) -> tuple[Markup, float]:
        """Return what the numbers stand for, and the height of the whole picture."""
        if self._names() == [point.label for point in self.points]:
            return EMPTY, self._height
        lines = []
        for index, point in enumerate(self.points):
            y = self._height + 14 + _KEY_LINE * index
            values = f"{self.x_written(point.x)}, {self.y_written(point.y)}"
            room = self.layout.width - 24 - label_width(values, "small") - 12
            lines += [
                label_at(14, y, str(index + 1), "small end"),
                label_at(24, y, point.label, "small", room=room),
                label_at(self.layout.width, y, values, "soft small end"),
            ]
        return join(*lines), self._height + 14 + _KEY_LINE * len(self.points)


def _name(name: str, spot: tuple[float, float], box: _Box) -> Markup:
    """Return a point's name, and a hair to its dot where it had to move far."""
    middle = (box.top + box.bottom) / 2
    far = abs(middle - spot[1]) > 1.5 * _LINE
    hair = segment(*spot, min(max(spot[0], box.left), box.right), middle, "axis") if far else EMPTY
    return join(hair, label_at(box.left, middle, name, "small halo"))


def _name_boxes(spots: Sequence[tuple[float, float]], widths: Sequence[float], frame: _Box) -> list[_Box]:
    """Return a place for every name: of those around its dot, the first that lies on nothing, or on the least."""
    taken = [_Box(x - _RADIUS, y - _RADIUS, x + _RADIUS, y + _RADIUS) for x, y in spots]
    chosen: list[_Box] = []
    for spot, width in zip(spots, widths, strict=True):
        best, least = None, float("inf")
        for box in _places(spot, width):
            crowding = sum(map(box.overlap, taken)) + 1e3 * box.outside(frame)
            if crowding < least:
                best, least = box, crowding
            if crowding == 0:
                break
        if best is not None:
            chosen.append(best)
            taken.append(best)
    return chosen


def _places(spot: tuple[float, float], width: float) -> Iterator[_Box]:
    """Yield where a name may stand: right and left of its dot, then further and further above and below."""
    x, y = spot
    for rise in (0.0, *(sign * step * _LINE for step in range(1, _MOST_LEVELS + 1) for sign in (1, -1))):
        for left in (x + _RADIUS + 6, x - _RADIUS - 6 - width):
            yield _Box(left, y + rise - _LINE / 2, left + width, y + rise + _LINE / 2)
