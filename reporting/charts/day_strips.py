"""Days as strips from midnight to midnight: what was done when, how sure that is, and when nothing is known.

A strip is tall where a label stands and low below it: the low bar is the darker the surer the labels above it are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from edgehar.reporting.axes import LinearScale
from edgehar.reporting.charts.canvas import Layout, color_class, label_at, legend, responsive, segment, svg, title_of
from edgehar.reporting.markup import EMPTY, Markup, element, join
from edgehar.reporting.numbers import percent

_STRIP: Final = 20.0
_SURE: Final = 4.0
_GAP: Final = 9.0
_NAME: Final = 17.0
_TOP: Final = 24.0
_NAME_ROOM: Final = 92.0
_HOURS: Final = 24
NOT_WORN: Final = -2
"""The colour of stretches in which the sensor was not worn."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """What was done from one hour of the day to another.

    ``color`` is a series' number, -1 for what has no label, `NOT_WORN` for a sensor that nobody wore. ``confidence`` is
    the mean probability of the labels, from 0 to 1.
    """

    start_h: float
    end_h: float
    label: str
    color: int
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class DayStrip:
    """A day: its name, and stretches in order; between two, nothing was recorded."""

    name: str
    stretches: Sequence[Stretch]


def day_strips(days: Sequence[DayStrip], *, label: str, keys: Sequence[tuple[str, int]]) -> Markup:
    """Return the chart, a strip a day from top to bottom.

    Parameters
    ----------
    days
        At least one.
    label
        What a screen reader says of the chart.
    keys
        Names and colours of the legend.
    """
    return responsive(lambda layout: _picture(layout, days, label, keys))


def _picture(layout: Layout, days: Sequence[DayStrip], label: str, keys: Sequence[tuple[str, int]]) -> Markup:
    """Return the chart in one layout."""
    left = 0.0 if layout.stacked else _NAME_ROOM
    scale = LinearScale(0, _HOURS, start=left + 1, end=layout.width - 1)
    row = (_NAME if layout.stacked else 0.0) + _STRIP + _SURE + 1 + _GAP
    bottom = _TOP + row * len(days)
    strips = [_strip(day, _TOP + row * place, scale, layout) for place, day in enumerate(days)]
    key, end = legend(keys, 0, bottom + 12, layout.width, swatch=_swatch)
    return svg(layout.width, end, _hours(scale, bottom - _GAP, layout), *strips, key, label=label)


def _hours(scale: LinearScale, bottom: float, layout: Layout) -> Markup:
    """Return the hours of a day above the strips, with lines down to the last one."""
    step = 6 if layout.stacked else 3
    parts = []
    for hour in range(0, _HOURS + 1, step):
        x = scale.position(hour)
        side = "" if hour == 0 else " end" if hour == _HOURS else " middle"
        parts += [segment(x, _TOP - 6, x, bottom, "grid"), label_at(x, _TOP - 14, f"{hour}:00", f"soft small{side}")]
    return join(*parts)


def _strip(day: DayStrip, top: float, scale: LinearScale, layout: Layout) -> Markup:
    """Return a day."""
    parts = []
    if layout.stacked:
        parts.append(label_at(0, top + _NAME / 2 - 2, day.name, "small", room=layout.width))
        top += _NAME
    else:
        parts.append(label_at(0, top + _STRIP / 2, day.name, "small", room=_NAME_ROOM - 10))
    parts.append(_rect(scale.position(0), top, scale.end - scale.start, _STRIP, "empty"))
    parts += [_stretch(stretch, top, scale) for stretch in day.stretches]
    return join(*parts)


def _stretch(stretch: Stretch, top: float, scale: LinearScale) -> Markup:
    """Return a stretch of one label, and below it how sure that is."""
    start, end = scale.position(stretch.start_h), scale.position(stretch.end_h)
    width = max(end - start, 0.6)
    told = f"{_clock(stretch.start_h)} to {_clock(stretch.end_h)}: {stretch.label}"
    if stretch.color == NOT_WORN:
        middle = top + _STRIP / 2
        return element("g", title_of(told), segment(start, middle, start + width, middle, "axis"))
    sure: Markup = EMPTY
    if stretch.confidence is not None:
        told += f", {percent(stretch.confidence, 0)} sure"
        sure = element(
            "rect", x=start, y=top + _STRIP + 1, width=width, height=_SURE, class_="share",
            style=f"--share: {max(0.0, min(1.0, stretch.confidence)):.2f}; --strength: 1",
        )  # fmt: skip
    return element(
        "g", title_of(told), _rect(start, top, width, _STRIP, "mark"), sure, class_=color_class(stretch.color)
    )


def _clock(hour: float) -> str:
    """Return a time of day."""
    minutes = round(hour * 60)
    return f"{minutes // 60}:{minutes % 60:02d}"


def _swatch(color: int, x: float, y: float) -> Markup:
    """Return a legend's sample."""
    if color == NOT_WORN:
        return segment(x, y, x + 14, y, "axis")
    return element("g", _rect(x, y - 6, 14, 12, "mark"), class_=color_class(color))


def _rect(x: float, y: float, width: float, height: float, classes: str) -> Markup:
    """Return a rectangle."""
    return element("rect", x=x, y=y, width=width, height=height, class_=classes)
