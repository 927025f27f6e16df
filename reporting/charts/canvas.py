"""What all charts draw on: layouts for wide and narrow pages, text that stays in its room, grid lines, a legend.

A chart is drawn once for every layout; the page's style shows the one that fits the space the chart is given. So text
keeps its size on a phone, and nothing is cropped or scaled until it cannot be read.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from edgehar.reporting.axes import Scale
from edgehar.reporting.markup import EMPTY, Content, Markup, element, join, visible
from edgehar.reporting.text_width import shortened, text_width

TEXT_HEIGHT: Final = 13.0
"""Font size of the page's style for charts."""
SMALL_TEXT_HEIGHT: Final = 12.0
"""Font size of what has the class ``small``."""

COLORS: Final = 12
"""Series colours of the page's style; further series begin again."""

_LARGEST_SCALE: Final = 1.15
"""How much a picture may grow beyond the size it was drawn for."""
_EDGE: Final = 1.0


@dataclass(frozen=True, slots=True)
class Layout:
    """A page width that charts are drawn for; ``stacked`` puts names above their rows instead of beside them."""

    name: str
    width: float
    stacked: bool = False

    @property
    def name_room(self) -> float:
        """The most pixels that names beside rows may take."""
        return self.width if self.stacked else 0.32 * self.width


LAYOUTS: Final = (Layout("narrow", 340, stacked=True), Layout("medium", 580), Layout("wide", 940))
"""Every layout, in the order of their widths; the page's style knows their names."""


def responsive(draw: Callable[[Layout], Markup]) -> Markup:
    """Return a chart in every layout; the page shows the one that fits."""
    return element(
        "div", *(element("div", draw(layout), class_=f"at-{layout.name}") for layout in LAYOUTS), class_="chart"
    )


def svg(width: float, height: float, *children: Content, label: str) -> Markup:
    """Return a picture that is hardly larger on the page than drawn; ``label`` is what a screen reader says of it."""
    return element(
        "svg",
        *children,
        viewBox=f"0 0 {width:g} {height:g}",
        style=f"max-width: {width * _LARGEST_SCALE:.0f}px",
        role="img",
        aria_label=label,
    )


def color_class(index: int) -> str:
    """Return the class that gives a mark its series' colour; below 0 the colour of what belongs to no series."""
    return f"s{index % COLORS + 1}" if index >= 0 else "s0"


def label_width(text: str, classes: str = "") -> float:
    """Return the pixels that a text with these classes takes at most."""
    names = classes.split()
    return text_width(visible(text), size=SMALL_TEXT_HEIGHT if "small" in names else TEXT_HEIGHT, bold="bold" in names)


def label_at(x: float, y: float, content: str, classes: str = "", *, room: float | None = None) -> Markup:
    """Return a text whose middle height is ``y``; with ``room``, cut to so many pixels, and whole when pointed at."""
    shown, title = visible(content), EMPTY
    if room is not None:
        names = classes.split()
        size = SMALL_TEXT_HEIGHT if "small" in names else TEXT_HEIGHT
        shown = shortened(shown, room, size=size, bold="bold" in names)
        title = title_of(content) if shown != visible(content) else EMPTY
    return element("text", shown, title, x=x, y=y + 0.35 * TEXT_HEIGHT, class_=classes or None)


def label_inside(x: float, y: float, content: str, classes: str, *, width: float) -> Markup:
    """Return a text centred on ``x``, moved sideways where it would leave a picture of this width."""
    half = min(label_width(content, classes), width - 2 * _EDGE) / 2
    return label_at(max(half + _EDGE, min(x, width - half - _EDGE)), y, content, f"{classes} middle", room=2 * half)


def title_of(text: str) -> Markup:
    """Return what a mark says when it is pointed at."""
    return element("title", text)


def segment(x1: float, y1: float, x2: float, y2: float, classes: str) -> Markup:
    """Return a straight line."""
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=classes)


def dashed(x1: float, y1: float, x2: float, y2: float) -> Markup:
    """Return a dashed line to compare with."""
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_="axis", stroke_dasharray="4 3")


def vertical_grid(scale: Scale, top: float, bottom: float, written: Callable[[float], str], *, width: float) -> Markup:
    """Return a grid line for every tick of a horizontal scale, the numbers that have room above them."""
    parts, free_from = [], float("-inf")
    for value in scale.ticks():
        x, text = scale.position(value), written(value)
        parts.append(segment(x, top, x, bottom, "grid"))
        half = label_width(text, "small") / 2
        middle = max(half + _EDGE, min(x, width - half - _EDGE))
        if middle - half > free_from:
            parts.append(label_at(middle, top - 12, text, "soft small middle"))
            free_from = middle + half + 6
    return join(*parts)


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


def stroke_swatch(color: int, x: float, y: float) -> Markup:
    """Return a legend's sample of a line."""
    return segment(x, y, x + 14, y, f"stroke {color_class(color)}")


def mark_swatch(color: int, x: float, y: float) -> Markup:
    """Return a legend's sample of a filled mark."""
    return element("rect", x=x, y=y - 5.5, width=14, height=11, rx=2.5, class_=f"mark {color_class(color)}")


def legend(
    entries: Sequence[tuple[str, int]],
    x: float,
    y: float,
    right: float,
    *,
    swatch: Callable[[int, float, float], Markup] = mark_swatch,
) -> tuple[Markup, float]:
    """Return samples with names from (x, y) on, in as many lines as they need, and the y below them.

    ``swatch`` draws the sample of a colour: it must look as the marks do.
    """
    parts, left, line_height = [], x, 20.0
    for name, color in entries:
        advance = 20 + min(label_width(name, "small"), right - left - 20) + 16
        if x + advance - 16 > right and x > left:
            x, y = left, y + line_height
        parts += [swatch(color, x, y), label_at(x + 20, y, name, "small", room=right - x - 20)]
        x += advance
    return join(*parts), y + line_height
