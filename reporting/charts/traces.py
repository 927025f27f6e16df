"""Small traces: a short stretch of a signal for every activity, as many in a row as fit."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from edgehar.reporting.axes import LinearScale
from edgehar.reporting.charts.canvas import color_class, stroke_swatch, title_of
from edgehar.reporting.markup import Markup, element, join
from edgehar.reporting.numbers import plain

_WIDTH: Final = 220.0
_HEIGHT: Final = 96.0
AXES: Final = (("x", 3), ("y", 0), ("z", 2))
"""Names of the axes of a sensor, and the series colours they have in every picture."""


@dataclass(frozen=True, slots=True)
class Trace:
    """A stretch of a signal: its name, and the samples of each axis."""

    label: str
    axes: Sequence[Sequence[float]]


def small_traces(traces: Sequence[Trace], *, unit: str) -> Markup:
    """Return the traces, all on the same vertical scale; at least one with at least two samples."""
    values = [value for trace in traces for axis in trace.axes for value in axis]
    scale = LinearScale(min(values), max(max(values), min(values) + 1e-9), _HEIGHT - 3, 3)
    keys = [
        element("span", element("svg", stroke_swatch(color, 0, 4), viewBox="0 0 14 8", aria_hidden="true"), name)
        for name, color in AXES
    ]
    span = f"all from {plain(round(scale.low, 2))} to {plain(round(scale.high, 2))} {unit}"
    key = element("p", *keys, element("span", span), class_="trace-key")
    return join(key, element("div", *(_trace(trace, scale) for trace in traces), class_="traces"))


def _trace(trace: Trace, scale: LinearScale) -> Markup:
    """Return one trace below its name; it stretches with its place, the strokes do not."""
    step = _WIDTH / max(1, len(trace.axes[0]) - 1)
    zero = min(max(scale.position(0), 0), _HEIGHT)
    lines = [
        element(
            "polyline",
            title_of(name),
            points=" ".join(f"{index * step:.1f},{scale.position(value):.1f}" for index, value in enumerate(axis)),
            class_=f"stroke {color_class(color)}",
        )
        for (name, color), axis in zip(AXES, trace.axes, strict=True)
    ]
    picture = element(
        "svg",
        element("line", x1=0.0, y1=zero, x2=_WIDTH, y2=zero, class_="grid"),
        *lines,
        viewBox=f"0 0 {_WIDTH:g} {_HEIGHT:g}",
        preserveAspectRatio="none",
        role="img",
        aria_label=f"Signal of {trace.label}",
    )
    return element("div", element("p", trace.label), picture)
