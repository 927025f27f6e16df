"""Bands of labels below a chart: what was true and what was predicted, stretch by stretch, on the chart's time axis."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from edgehar.reporting.axes import LinearScale
from edgehar.reporting.charts.canvas import Layout, color_class, label_at, label_width, legend, title_of
from edgehar.reporting.markup import EMPTY, Markup, element, join

_BAND: Final = 26.0
_GAP: Final = 6.0
_BELOW: Final = 12.0
_NAME: Final = 18.0
"""Height of a row's name where it stands above the row."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of the x axis that has one label; below 0, the colour is that of what has no label."""

    start: float
    end: float
    label: str
    color: int = 0


@dataclass(frozen=True, slots=True)
class BandRow:
    """A row of labelled stretches below the lines, such as what was true, or what was predicted."""

    name: str
    spans: Sequence[Span]


def bands_height(rows: Sequence[BandRow], layout: Layout) -> float:
    """Return the pixels that all rows take."""
    return _BELOW + _row_height(layout) * len(rows) if rows else 0.0


def draw_bands(
    rows: Sequence[BandRow], scale: LinearScale, floor: float, key_top: float, layout: Layout
) -> tuple[Markup, float]:
    """Return the rows below ``floor``, a legend of all their labels from ``key_top`` on, and where the chart ends."""
    if not rows:
        return EMPTY, key_top
    drawn = [_band(row, floor + _BELOW + _row_height(layout) * index, scale, layout) for index, row in enumerate(rows)]
    colors = {span.label: span.color for row in rows for span in row.spans}
    entries = sorted(colors.items(), key=lambda entry: (entry[1] < 0, entry[1]))
    key, bottom = legend(entries, 0, key_top + 4, layout.width, swatch=_swatch)
    return join(*drawn, key), bottom


def _row_height(layout: Layout) -> float:
    return _BAND + _GAP + (_NAME if layout.stacked else 0)


def _band(row: BandRow, top: float, scale: LinearScale, layout: Layout) -> Markup:
    """Return a row of labelled stretches; a label is written where it fits."""
    if layout.stacked:
        parts = [label_at(0, top + _NAME / 2, row.name, "soft small", room=layout.width)]
        top += _NAME
    else:
        room = scale.start - 10
        parts = [label_at(room, top + _BAND / 2, row.name, "soft small end", room=room)]
    for span in row.spans:
        start, end = scale.position(span.start), scale.position(span.end)
        fits = end - start > label_width(span.label, "small") + 10
        stretch = element(
            "g",
            title_of(f"{row.name}: {span.label}, {span.start:g} to {span.end:g}"),
            _fill(start, top, max(end - start, 0.5), _BAND),
            label_at((start + end) / 2, top + _BAND / 2, span.label, "small middle") if fits else EMPTY,
            class_=color_class(span.color),
        )
        parts.append(stretch)
    return join(*parts)


def _swatch(color: int, x: float, y: float) -> Markup:
    """Return a legend's sample of a band."""
    return element("g", _fill(x, y - 6, 14, 12), class_=color_class(color))


def _fill(x: float, y: float, width: float, height: float) -> Markup:
    """Return the fill of a band, with the edge where it begins."""
    return join(
        element("rect", x=x, y=y, width=width, height=height, class_="band"),
        element("rect", x=x, y=y, width=min(2.5, width), height=height, class_="edge"),
    )
