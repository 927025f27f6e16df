"""Make text that others wrote fit to be shown: labels, names of models, files and ports, lines of devices.

A terminal obeys control characters: they set its title, read and write the clipboard, move the cursor over what was
said before. Characters that turn the direction of writing let a text look like another one, and a lone surrogate cannot
be written at all. Where such text can be refused, it is (`unprintable`); where it must be shown, it is made harmless
(`printable`). What has a meaning of its own in a format, such as brackets in Rich or angles in HTML, the writer of that
format escapes afterwards.
"""

import unicodedata
from typing import Final

PLACEHOLDER: Final = "·"
"""Stands for every character that is not shown."""

LONGEST: Final = 1000
"""Characters of a foreign text that are shown unless a caller says otherwise."""

_ELLIPSIS: Final = "…"
_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode's categories of control and format characters, lone surrogates, line and paragraph separators."""

_JOINERS: Final = "\u200c\u200d"
"""Format characters that Persian, Hindi and many emoji are written with; they change no other text."""


def printable(text: str, limit: int = LONGEST) -> str:
    r"""Return a text as one line that any terminal can show and none obeys.

    Parameters
    ----------
    text
        Anything, whoever wrote it.
    limit
        Most characters of it to return; where it is longer, the last of them is an ellipsis.

    Examples
    --------
    >>> printable("Sitting\x1b]0;title\x07")
    'Sitting·]0;title·'
    >>> printable("Walking Upstairs", 8)
    'Walking…'
    """
    cut = text if len(text) <= limit else text[: max(0, limit - 1)] + _ELLIPSIS
    return cut if cut.isprintable() else "".join(PLACEHOLDER if _is_hidden(each) else each for each in cut)


def unprintable(text: str) -> str | None:
    r"""Return the first character of a text that is never shown, as ``U+001B``; None if there is none.

    Examples
    --------
    >>> unprintable("a\nb"), unprintable("Gehen, treppauf")
    ('U+000A', None)
    """
    if text.isprintable():
        return None
    return next((f"U+{ord(each):04X}" for each in text if _is_hidden(each)), None)


def _is_hidden(character: str) -> bool:
    """Whether a character steers instead of being seen."""
    return unicodedata.category(character) in _HIDDEN and character not in _JOINERS
