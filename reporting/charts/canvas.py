"""What all charts draw on: an SVG of fixed coordinates, text of estimated width, grid lines, a legend."""

from collections.abc import Callable, Sequence
from typing import Final

from edgehar.reporting.axes import Scale
from edgehar.reporting.markup import EMPTY, Content, Markup, element, join

WIDTH: Final = 960.0
"""Pixels a full-width chart is drawn in; the page scales it."""

TEXT_HEIGHT: Final = 13.0
"""Font size of the page's style for charts."""

COLORS: Final = 12
"""Series colours of the page's style; further series begin again."""

_NARROW: Final = frozenset("iljtfrI.,:;'|!()[]1 ")
_WIDE: Final = frozenset("mwMW@%")


def svg(width: float, height: float, *children: Content, label: str) -> Markup:
    """Return a picture no wider on the page than ``width``; ``label`` is what a screen reader says of it."""
    return element(
        "svg",
        *children,
        viewBox=f"0 0 {width:g} {height:g}",
        style=f"max-width: {width:g}px",
        role="img",
        aria_label=label,
    )


def color_class(index: int) -> str:
    """Return the class that gives a mark its series' colour."""
    return f"s{index % COLORS + 1}"


def text_width(text: str) -> float:
    """Return about how many pixels a text takes: no font is at hand, so with a little to spare."""
    shares = (0.34 if char in _NARROW else 0.88 if char in _WIDE else 0.68 if char.isupper() else 0.58 for char in text)
    return TEXT_HEIGHT * sum(shares)


def label_at(x: float, y: float, content: str, classes: str = "") -> Markup:
    """Return a text whose middle height is ``y``."""
    return element("text", content, x=x, y=y + 0.35 * TEXT_HEIGHT, class_=classes or None)


def title_of(text: str) -> Markup:
    """Return what a mark says when it is pointed at."""
    return element("title", text)


def segment(x1: float, y1: float, x2: float, y2: float, classes: str) -> Markup:
    """Return a straight line."""
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=classes)


def vertical_grid(scale: Scale, top: float, bottom: float, written: Callable[[float], str]) -> Markup:
    """Return a grid line for every tick of a horizontal scale, its number above."""
    return join(
        *(
            join(
                segment(x := scale.position(value), top, x, bottom, "grid"),
                label_at(x, top - 12, written(value), "soft small middle"),
            )
            for value in scale.ticks()
        )
    )


def horizontal_grid(scale: Scale, left: float, right: float, written: Callable[[float], str]) -> Markup:
    """Return a grid line for every tick of a vertical scale, its number to the left."""
    return join(
        *(
            join(
                segment(left, y := scale.position(value), right, y, "grid"),
                label_at(left - 8, y, written(value), "soft small end"),
            )
            for value in scale.ticks()
        )
    )


def legend(entries: Sequence[tuple[str, int]], x: float, y: float, right: float) -> tuple[Markup, float]:
    """Return swatches with names from (x, y) on, in as many lines as they need, and the y below them."""
    parts, left, line_height = EMPTY, x, 20.0
    for name, color in entries:
        advance = 16 + text_width(name) + 18
        if x + advance > right and x > left:
            x, y = left, y + line_height
        swatch = element("rect", x=x, y=y - 5, width=11, height=11, rx=2.5, class_=f"mark {color_class(color)}")
        parts = join(parts, swatch, label_at(x + 17, y, name, "small"))
        x += advance
    return parts, y + line_height
