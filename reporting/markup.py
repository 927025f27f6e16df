"""Markup that cannot be confused with text: what is not `Markup` is escaped."""

from html import escape
from typing import Final

_VOID: Final = frozenset({"br", "hr", "meta"})


class Markup(str):
    """HTML or SVG source, safe to place in a page as it is."""

    __slots__ = ()


Content = Markup | str
Attribute = str | float | bool | None

EMPTY: Final = Markup("")


def element(tag: str, /, *children: Content, **attributes: Attribute) -> Markup:
    """Return an element; plain strings among the children and attributes are escaped.

    A trailing underscore keeps an attribute's name from being a Python keyword, other underscores become hyphens.
    None and False leave an attribute out, True gives it no value, floats are written with two decimals.

    Examples
    --------
    >>> element("p", "a < b", class_="note", data_row=1.5)
    '<p class="note" data-row="1.5">a &lt; b</p>'
    """
    head = f"<{tag}{''.join(_attribute(name, value) for name, value in attributes.items())}>"
    return Markup(head) if tag in _VOID else Markup(f"{head}{join(*children)}</{tag}>")


def join(*parts: Content) -> Markup:
    """Return the parts one after the other, plain strings escaped."""
    return Markup("".join(part if isinstance(part, Markup) else escape(part, quote=False) for part in parts))


def _attribute(name: str, value: Attribute) -> str:
    """Return `` name="value"``, or nothing."""
    if value is None or value is False:
        return ""
    written = name.rstrip("_").replace("_", "-")
    if value is True:
        return f" {written}"
    text = value if isinstance(value, str) else f"{value:.2f}".rstrip("0").rstrip(".")
    return f' {written}="{escape(text)}"'
