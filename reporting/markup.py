"""Markup that cannot be confused with text: what is not `Markup` is escaped, and cannot turn or hide its neighbours.

A label, a name or a message may be a stranger's. Escaping keeps it from being read as HTML. Control characters, which
HTML does not allow, surrogates, which no file can hold, and the marks that turn the direction of the text around them
(Unicode Standard Annex 9) are written as their numbers.
"""

import re
from html import escape
from typing import Final

_VOID: Final = frozenset({"br", "hr", "meta"})

_UNSAFE: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff]"
)


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
    return Markup("".join(part if isinstance(part, Markup) else escape(visible(part), quote=False) for part in parts))


def visible(text: str) -> str:
    """Return a text in which characters that act on a page instead of being seen are written as their numbers.

    Examples
    --------
    >>> visible("Wal\\u202eking")
    'Wal⟨U+202E⟩king'
    """
    return _UNSAFE.sub(lambda found: f"⟨U+{ord(found[0]):04X}⟩", text)


def _attribute(name: str, value: Attribute) -> str:
    """Return `` name="value"``, or nothing."""
    if value is None or value is False:
        return ""
    written = name.rstrip("_").replace("_", "-")
    if value is True:
        return f" {written}"
    text = visible(value) if isinstance(value, str) else f"{value:.2f}".rstrip("0").rstrip(".")
    return f' {written}="{escape(text)}"'
