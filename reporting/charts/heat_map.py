"""A confusion matrix as a heat map: every row is what was done, every cell the share of it that got one label."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from edgehar.reporting.charts.canvas import (
    Layout,
    color_class,
    label_at,
    label_width,
    responsive,
    svg,
    title_of,
)
from edgehar.reporting.markup import EMPTY, Markup, element, join

_ROW: Final = 32.0
_LARGEST_CELL: Final = 56.0
_STACKED_ROW: Final = 46.0
_STACKED_CELL: Final = 24.0
_TOP: Final = 48.0
_RIGHT: Final = 0
_WRONG: Final = 3


def heat_map(
    counts: Sequence[Sequence[int]],
    labels: Sequence[str],
    *,
    label: str,
    row_name: str = "was done ↓",
    column_name: str = "labelled as →",
    unit: str = "windows",
) -> Markup:
    """Return the chart of a square matrix: right ones in one colour, mistakes in another, numbers in percent.

    Rows carry numbers and names, columns the same numbers: names of any length then fit on any page.

    Parameters
    ----------
    counts : (n, n), ``counts[true][predicted]``
    labels : n names
    label
        What a screen reader says of the chart.
    row_name, column_name, unit
        What rows and columns stand for, and what is counted.
    """
    return responsive(
        lambda layout: _Drawing.of(layout, counts, labels, (row_name, column_name, unit)).picture(label=label)
    )


@dataclass(frozen=True, slots=True)
class _Drawing:
    """The chart in one layout: ``left`` is where cells of width ``cell`` begin, ``sums`` the column at the right."""

    layout: Layout
    counts: Sequence[Sequence[int]]
    labels: Sequence[str]
    names: tuple[str, str, str]
    left: float
    cell: float
    sums: float

    @classmethod
    def of(
        cls, layout: Layout, counts: Sequence[Sequence[int]], labels: Sequence[str], names: tuple[str, str, str]
    ) -> "_Drawing":
        """Share the width among names, cells and sums."""
        most = max((sum(row) for row in counts), default=0)
        left, sums = 0.0, 0.0
        if not layout.stacked:
            longest = max(label_width(_named(index, name)) for index, name in enumerate(labels))
            left = max(min(longest, layout.name_room), label_width(names[0], "small")) + 12
            sums = max(label_width(f"{most:,}", "small"), label_width(names[2], "small")) + 14
        cell = min((layout.width - left - sums) / len(labels), _LARGEST_CELL)
        return cls(layout, counts, labels, names, left, cell, sums)

    def picture(self, *, label: str) -> Markup:
        """Return the whole of it."""
        row_name, column_name, unit = self.names
        row = _STACKED_ROW if self.layout.stacked else _ROW
        rows = [self._row(index, _TOP + row * index) for index in range(len(self.labels))]
        end = self.left + self.cell * len(self.labels)
        right = self.layout.width if self.layout.stacked else end + self.sums
        classes = "soft small"
        if self.layout.stacked:
            heading = join(label_at(0, 8, row_name, classes), label_at(right, 8, column_name, f"{classes} end"))
        else:
            heading = join(
                label_at(self.left - 12, _TOP - 12, row_name, f"{classes} end"),
                label_at(self.left, 8, column_name, classes),
                label_at(right, _TOP - 12, unit, f"{classes} end"),
            )
        columns = [
            label_at(self.left + self.cell * (index + 0.5), _TOP - 12, str(index + 1), f"{classes} middle")
            for index in range(len(self.labels))
            if self._has_room("88")
        ]
        return svg(right, _TOP + row * len(self.labels) + 4, heading, *columns, *rows, label=label)

    def _has_room(self, number: str) -> bool:
        """Return whether a number fits into a cell."""
        return label_width(number, "small") + 2 <= self.cell

    def _row(self, index: int, top: float) -> Markup:
        """Return one true label, its cells and their sum."""
        row, total = self.counts[index], sum(self.counts[index])
        width, sums = self.layout.width, f"{total:,}"
        if self.layout.stacked:
            told = f"{sums} {self.names[2]}"
            room = width - label_width(told, "small") - 12
            text = join(
                label_at(0, top + 9, _named(index, self.labels[index]), room=room),
                label_at(width, top + 9, told, "soft small end"),
            )
            cells_top, height = top + 19, _STACKED_CELL
        else:
            middle, end = top + _ROW / 2, self.left + self.cell * len(self.labels) + self.sums
            text = join(
                label_at(self.left - 12, middle, _named(index, self.labels[index]), "end", room=self.left - 12),
                label_at(end, middle, sums, "soft small end"),
            )
            cells_top, height = top, _ROW
        cells = [
            self._cell_at(column, cells_top, height, count, total, right=column == index)
            for column, count in enumerate(row)
        ]
        titles = [
            f"{self.labels[index]}: {count:,} of {total:,} labelled as {self.labels[column]}"
            for column, count in enumerate(row)
        ]
        return join(text, *(element("g", title_of(told), cell) for told, cell in zip(titles, cells, strict=True)))

    def _cell_at(self, column: int, top: float, height: float, count: int, total: int, *, right: bool) -> Markup:
        """Return one cell: its colour grows with the share, and it says the percentage where that is not nothing."""
        x, share = self.left + self.cell * column, count / total if total else 0.0
        place = {"x": x, "y": top, "width": self.cell, "height": height, "rx": 4.0}
        background = element("rect", **place, class_="cell empty")
        if share == 0:
            return background
        # Mistakes matter when they are few: the square root lets a few percent show.
        strength = f"--share: {share**0.5:.2f}"
        color = color_class(_RIGHT if right else _WRONG)
        fill = element("rect", **place, class_=f"cell share {color}", style=strength)
        number = _percent(share)
        shown = self._has_room(number)
        ink = "small middle bold" if right else "small middle"
        return join(background, fill, label_at(x + self.cell / 2, top + height / 2, number, ink) if shown else EMPTY)


def _named(index: int, label: str) -> str:
    """Return a row's number and name."""
    return f"{index + 1}\u2002{label}"


def _percent(share: float) -> str:
    """Return a share in whole percent, and never as none or all when it is not."""
    if share < 0.005:
        return "<1"
    return "99" if 0.985 <= share < 1 else f"{share * 100:.0f}"
