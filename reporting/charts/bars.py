"""A bar chart: one horizontal bar a row, its number at its end."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from edgehar.reporting.axes import LinearScale, linear_scale
from edgehar.reporting.charts.canvas import (
    WIDTH,
    color_class,
    label_at,
    segment,
    svg,
    text_width,
    title_of,
    vertical_grid,
)
from edgehar.reporting.markup import EMPTY, Markup, element, join
from edgehar.reporting.numbers import significant

_ROW: Final = 28.0
_BAR: Final = 16.0
_TOP: Final = 30.0


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar from zero to ``value``; ``spread`` draws a whisker that far to both sides; ``note`` stands behind it."""

    label: str
    value: float
    color: int = 0
    spread: float | None = None
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
    left = max(text_width(bar.label) for bar in bars) + 14
    right = WIDTH - max(text_width(_told(bar, written)) for bar in bars) - 12
    reach = [bar.value + (bar.spread or 0) for bar in bars] + ([reference[1]] if reference else [])
    scale = LinearScale(0, limit, left, right) if limit else linear_scale(reach, start=left, end=right, include=[0])
    height = _TOP + _ROW * len(bars) + (26 if reference else 6)
    rows = [_row(bar, _TOP + _ROW * (index + 0.5), scale, written) for index, bar in enumerate(bars)]
    grid = vertical_grid(scale, _TOP - 4, _TOP + _ROW * len(bars), written)
    return svg(WIDTH, height, grid, *rows, _reference(reference, scale, height, written), label=label)


def _row(bar: Bar, y: float, scale: LinearScale, written: Callable[[float], str]) -> Markup:
    """Return a label, its bar, whisker and number."""
    start, end = scale.position(0), scale.position(bar.value)
    told = _told(bar, written)
    rectangle = element(
        "rect",
        title_of(f"{bar.label}: {told}"),
        x=min(start, end),
        y=y - _BAR / 2,
        width=max(abs(end - start), 1.5),
        height=_BAR,
        rx=3,
        class_=f"mark {color_class(bar.color)}",
    )
    whisker, reach = EMPTY, max(start, end)
    if bar.spread:
        low, high = scale.position(bar.value - bar.spread), scale.position(bar.value + bar.spread)
        whisker = join(
            segment(low, y, high, y, "whisker"), *(segment(x, y - 4, x, y + 4, "whisker") for x in (low, high))
        )
        reach = high
    return join(
        label_at(scale.start - 10, y, bar.label, "end"), rectangle, whisker, label_at(reach + 8, y, told, "bold")
    )


def _reference(
    reference: tuple[str, float] | None, scale: LinearScale, height: float, written: Callable[[float], str]
) -> Markup:
    """Return the dashed line with its name below the bars."""
    if reference is None:
        return EMPTY
    name, value = reference
    x, bottom = scale.position(value), height - 24
    line = element("line", x1=x, y1=_TOP - 4, x2=x, y2=bottom, class_="axis", stroke_dasharray="4 3")
    return join(line, label_at(x, bottom + 12, f"{name} {written(value)}", "soft small middle"))


def _told(bar: Bar, written: Callable[[float], str]) -> str:
    """Return the number behind a bar, with its spread and note."""
    spread = f" ± {written(bar.spread)}" if bar.spread else ""
    return f"{written(bar.value)}{spread}{' ' + bar.note if bar.note else ''}"
