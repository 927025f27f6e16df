"""The page of a report: one HTML file that needs nothing else, with the blocks its sections are made of.

Examples
--------
>>> page = render_page(title="Hello", sections=[Section("One", (paragraph("1 < 2"),))])
>>> page.startswith("<!DOCTYPE html>"), "1 &lt; 2" in page
(True, True)
"""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Final

from edgehar.reporting.markup import EMPTY, Content, Markup, element, join

_DOCTYPE: Final = "<!DOCTYPE html>\n"
_BEGINNING: Final = f'{_DOCTYPE}<html lang="en"><head><meta charset="utf-8">'

_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"
"""What a page may load: nothing, from anywhere. Its own style is inline."""

_FEW_COLUMNS: Final = 3
"""Columns up to which a table fits on a phone."""
_MANY_COLUMNS: Final = 6
"""Columns up to which it fits on a small tablet."""
_COMFORTABLE_COLUMNS: Final = 8
"""Columns past which a table is set smaller, to fit on a screen."""


@dataclass(frozen=True, slots=True)
class Section:
    """A titled part of a page. ``lead`` is one sentence that says what the reader is about to see."""

    title: str
    blocks: Sequence[Markup]
    lead: Content = ""


@dataclass(frozen=True, slots=True)
class KeyFigure:
    """One number worth seeing first: ``value`` large, ``label`` above it, ``detail`` below."""

    label: str
    value: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its heading, what the heading means, and whether it holds numbers."""

    heading: str
    numeric: bool = False
    meaning: str = ""


def render_page(
    *,
    title: str,
    sections: Sequence[Section],
    kicker: str = "",
    lead: Content = "",
    footer: Content = "",
) -> str:
    """Return a whole HTML file.

    Parameters
    ----------
    title
        What the report is about; also the browser's tab.
    sections
        In reading order.
    kicker
        A few words above the title: what kind of report this is.
    lead
        What the report says, in two sentences at most.
    footer
        What made it and when.
    """
    style = resources.files("edgehar.reporting").joinpath("page.css").read_text(encoding="utf-8")
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title),
        element("style", Markup(style)),
    )
    top = element(
        "header",
        element("p", kicker, class_="kicker") if kicker else EMPTY,
        element("h1", title),
        element("p", lead, class_="lead") if lead else EMPTY,
    )
    body = element("body", element("main", top, *map(_section, sections), element("footer", footer)))
    return f"{_DOCTYPE}{element('html', head, body, lang='en')}\n"


def is_page(content: bytes) -> bool:
    """Return whether a file that begins like this is a page made here, which may be replaced by a newer one."""
    return content.startswith(_BEGINNING.encode())


def paragraph(*content: Content) -> Markup:
    """Return a paragraph of running text."""
    return element("p", *content)


def warning(*content: Content) -> Markup:
    """Return what a reader must not miss, set apart: a number that must not be taken for what it is not."""
    return element("p", *content, class_="note warning", role="note")


def note(*content: Content) -> Markup:
    """Return a remark set apart from the running text: a limit, a warning, what to do next."""
    return element("p", *content, class_="note")


def code(text: str) -> Markup:
    """Return a name or value within a sentence, as it would be typed."""
    return element("code", text)


def command(text: str) -> Markup:
    """Return a command to copy, on lines of its own."""
    return element("pre", element("code", text))


def key_figures(figures: Sequence[KeyFigure]) -> Markup:
    """Return a strip of large numbers."""
    tiles = [
        element(
            "div",
            element("dt", figure.label),
            element("dd", element("strong", figure.value), element("span", figure.detail) if figure.detail else EMPTY),
        )
        for figure in figures
    ]
    return element("dl", *tiles, class_="figures")


def figure(picture: Markup, caption: Content = "") -> Markup:
    """Return a chart with the sentence that says how to read it."""
    return element(
        "figure",
        picture,
        element("figcaption", caption) if caption else EMPTY,
    )


def side_by_side(*blocks: Markup) -> Markup:
    """Return blocks beside each other, below each other where there is no room."""
    return element("div", *(element("div", block) for block in blocks), class_="beside")


def table(columns: Sequence[Column], rows: Sequence[Sequence[Content]], *, caption: Content = "") -> Markup:
    """Return a table; numbers are right-aligned with digits of one width.

    A row shorter than the columns lets its last cell span the rest: a sentence where numbers could not be had. Where a
    table with many columns has no room, its rows become cards that carry the headings; roles keep it a table for screen
    readers.
    """
    headings = [
        element(
            "th",
            column.heading,
            role="columnheader",
            scope="col",
            class_=_alignment(column),
            title=column.meaning or None,
        )
        for column in columns
    ]
    body = [
        element("tr", *_cells(columns, row), role="row", class_=None if len(row) == len(columns) else "failed")
        for row in rows
    ]
    content = join(
        element("caption", caption) if caption else EMPTY,
        element("thead", element("tr", *headings, role="row"), role="rowgroup"),
        element("tbody", *body, role="rowgroup"),
    )
    scrolled = element(
        "div", element("table", content, role="table", class_=_width_class(len(columns))), class_="scroll"
    )
    return element("div", scrolled, class_="table")


def meanings(columns: Sequence[Column]) -> Markup:
    """Return what the columns of a table mean, to unfold: a phone and a sheet of paper show no hints."""
    entries: list[tuple[str, Content]] = [
        (column.heading.replace("\n", " "), column.meaning) for column in columns if column.meaning
    ]
    return details("What the columns mean", definitions(entries))


def imprint(*, program: str, version: str, made: datetime.datetime) -> str:
    """Return the footer of a page: what made it, which version of it, and when.

    Examples
    --------
    >>> imprint(program="har bench", version="0.3", made=datetime.datetime(2026, 5, 4, 12, 30, tzinfo=datetime.UTC))
    'Made by har bench, edgehar 0.3, on 2026-05-04 at 12:30 UTC. This file needs nothing else to be read.'
    """
    day = made.astimezone(datetime.UTC).strftime("%Y-%m-%d at %H:%M UTC")
    return f"Made by {program}, edgehar {version}, on {day}. This file needs nothing else to be read."


def definitions(entries: Sequence[tuple[str, Content]]) -> Markup:
    """Return names and what they stand for, one pair a line."""
    pairs = [join(element("dt", name), element("dd", value)) for name, value in entries]
    return element("dl", *pairs, class_="definitions")


def details(summary: str, *blocks: Markup) -> Markup:
    """Return blocks that unfold when asked for."""
    return element("details", element("summary", summary), *blocks)


def _section(section: Section) -> Markup:
    """Return a section with its heading."""
    lead = element("p", section.lead, class_="lead") if section.lead else EMPTY
    return element("section", element("h2", section.title), lead, *section.blocks)


def _width_class(columns: int) -> str | None:
    """Return the classes that say how much room a table needs before its rows become cards."""
    if columns <= _FEW_COLUMNS:
        return None
    if columns <= _MANY_COLUMNS:
        return "many"
    return "wide dense" if columns > _COMFORTABLE_COLUMNS else "wide"


def _cells(columns: Sequence[Column], row: Sequence[Content]) -> list[Markup]:
    """Return the cells of one row; the first one heads it."""
    missing = len(columns) - len(row)
    cells = []
    for index, (column, value) in enumerate(zip(columns, row, strict=False)):
        spanned = index == len(row) - 1 and missing > 0
        cells.append(
            element(
                "td" if index else "th",
                value,
                role="cell" if index else "rowheader",
                scope=None if index else "row",
                data_label=None if spanned or not index else column.heading.replace("\n", " "),
                colspan=missing + 1 if spanned else None,
                class_=None if spanned else _alignment(column),
            )
        )
    return cells


def _alignment(column: Column) -> str | None:
    """Return the class of a column's cells."""
    return "number" if column.numeric else None
