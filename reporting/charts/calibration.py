"""A reliability diagram: how often labels of one confidence are right, beside how often they should be."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from edgehar.reporting.axes import LinearScale
from edgehar.reporting.charts.canvas import (
    Layout,
    color_class,
    dashed,
    horizontal_grid,
    label_at,
    label_inside,
    legend,
    responsive,
    segment,
    svg,
    title_of,
)
from edgehar.reporting.markup import Markup, element, join
from edgehar.reporting.numbers import percent

_LARGEST: Final = 460.0
_LEFT: Final = 52.0
_RADII: Final = (3.0, 11.0)


@dataclass(frozen=True, slots=True)
class ConfidenceBin:
    """Labels of about one confidence: their mean probability, the share that is right, and how many there are."""

    confidence: float
    accuracy: float
    windows: int


def calibration_chart(curves: Sequence[tuple[str, Sequence[ConfidenceBin]]], *, label: str) -> Markup:
    """Return the chart of some models' bins, a colour each; the dashed line is where confidence and share agree.

    The area of a dot grows with the number of its windows.
    """
    return responsive(lambda layout: _picture(layout, curves, label))


def _picture(layout: Layout, curves: Sequence[tuple[str, Sequence[ConfidenceBin]]], label: str) -> Markup:
    """Return the chart in one layout; it is square, so it does not grow with the page for long."""
    width = min(layout.width, _LARGEST)
    key, top = legend([(name, index) for index, (name, _) in enumerate(curves)], 0, 10, width)
    top, side = top + 26, width - _LEFT - 12
    x_scale = LinearScale(0, 1, _LEFT, _LEFT + side)
    y_scale = LinearScale(0, 1, top + side, top)
    most = max((each.windows for _, bins in curves for each in bins), default=1)
    ticks = [
        label_inside(x_scale.position(value), top + side + 15, percent(value, 0), "soft small", width=width)
        for value in x_scale.ticks()
    ]
    return svg(
        width,
        top + side + 42,
        key,
        label_at(0, top - 14, "labels that are right", "soft small"),
        horizontal_grid(y_scale, _LEFT, _LEFT + side, lambda value: percent(value, 0)),
        segment(_LEFT, top + side, _LEFT + side, top + side, "axis"),
        dashed(x_scale.position(0), y_scale.position(0), x_scale.position(1), y_scale.position(1)),
        *ticks,
        label_at(_LEFT + side, top + side + 33, "probability given to the label", "soft small end"),
        *(_curve(name, bins, index, x_scale, y_scale, most) for index, (name, bins) in enumerate(curves)),
        label=label,
    )


def _curve(
    name: str, bins: Sequence[ConfidenceBin], color: int, x_scale: LinearScale, y_scale: LinearScale, most: int
) -> Markup:
    """Return the bins of one model: dots on a line."""
    spots = [(x_scale.position(each.confidence), y_scale.position(each.accuracy)) for each in bins]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in spots)
    dots = []
    for each, (x, y) in zip(bins, spots, strict=True):
        told = f"{name}: {each.windows:,} windows at {percent(each.confidence)}, {percent(each.accuracy)} right"
        radius = max(_RADII[0], _RADII[1] * (each.windows / most) ** 0.5)
        dots.append(element("circle", title_of(told), cx=x, cy=y, r=radius, class_="dot"))
    return element("g", element("polyline", points=path, class_="stroke thin"), join(*dots), class_=color_class(color))
