"""A confusion matrix as a heat map: every row is one true label, every cell the share of it that got one label."""

from collections.abc import Sequence
from typing import Final

from edgehar.reporting.charts.canvas import color_class, label_at, svg, text_width, title_of
from edgehar.reporting.markup import Markup, element, join

_CELL: Final = 48.0
_ROW: Final = 36.0
_SLANT: Final = 40
_RIGHT: Final = 0
_WRONG: Final = 3
_DARK_SHARE: Final = 0.5


def heat_map(
    counts: Sequence[Sequence[int]], labels: Sequence[str], *, label: str, row_name: str = "true", unit: str = "windows"
) -> Markup:
    """Return the chart of a square matrix: right ones in one colour, mistakes in another, numbers in percent.

    Parameters
    ----------
    counts : (n, n), ``counts[true][predicted]``
    labels : n names
    label
        What a screen reader says of the chart.
    row_name, unit
        What a row stands for and what is counted.
    """
    left = max(map(text_width, labels)) + 14
    top = 0.66 * max(map(text_width, labels)) + 26
    end = left + _CELL * len(labels)
    columns = [_column_heading(name, left + _CELL * (index + 0.5), top - 10) for index, name in enumerate(labels)]
    totals = [sum(row) for row in counts]
    rows = [
        _row(name, row, total, index, labels, (left, top + _ROW * index))
        for index, (name, row, total) in enumerate(zip(labels, counts, totals, strict=True))
    ]
    sums = [
        label_at(end + 66, top + _ROW * (index + 0.5), f"{total:,}", "soft small end")
        for index, total in enumerate(totals)
    ]
    heading = join(label_at(0, top - 12, row_name, "soft small"), label_at(end + 66, top - 12, unit, "soft small end"))
    slant_room = 0.76 * text_width(labels[-1]) - _CELL / 2
    width = end + max(78.0, slant_room)
    return svg(width, top + _ROW * len(labels) + 4, heading, *columns, *rows, *sums, label=label)


def _column_heading(name: str, x: float, y: float) -> Markup:
    """Return a slanted name above a column."""
    return element("text", name, class_="small", transform=f"translate({x + 4:.1f} {y:.1f}) rotate(-{_SLANT})")


def _row(
    name: str, row: Sequence[int], total: int, index: int, labels: Sequence[str], origin: tuple[float, float]
) -> Markup:
    """Return one true label and its cells."""
    left, top = origin
    middle = top + _ROW / 2
    cells = [
        _cell(count / total if total else 0.0, column == index, (left + _CELL * column, top), told)
        for column, count in enumerate(row)
        for told in [f"{name}: {count:,} of {total:,} were labelled {labels[column]}"]
    ]
    return join(label_at(left - 10, middle, name, "end"), *cells)


def _cell(share: float, right: bool, origin: tuple[float, float], told: str) -> Markup:
    """Return one cell: its colour grows with the share, and it says the percentage where that is not nothing."""
    x, y = origin
    place = {"x": x, "y": y, "width": _CELL, "height": _ROW, "rx": 4.0}
    background = element("rect", title_of(told), **place, class_="cell empty")
    if share == 0:
        return background
    color = color_class(_RIGHT if right else _WRONG)
    # Mistakes matter when they are few: the square root lets a few percent show.
    opacity = share**0.5 * 0.92 + 0.06
    fill = element("rect", title_of(told), **place, class_=f"cell mark {color}", fill_opacity=opacity)
    number = "<1" if share < 0.005 else f"{share * 100:.0f}"
    ink = "on-mark bold" if opacity > _DARK_SHARE + 0.2 else "bold" if right else ""
    return join(background, fill, label_at(x + _CELL / 2, y + _ROW / 2, number, f"small middle {ink}".rstrip()))
