"""How wide a text can get on a reader's screen, whose fonts nobody knows, and texts cut to the room there is."""

import unicodedata
from typing import Final

ELLIPSIS: Final = "…"

# Advance widths from U+0020 to U+007E in hundredths of an em, of DejaVu Sans: the widest font that browsers take for
# ``system-ui`` or ``sans-serif``. A text that has room in it has room in Segoe UI, Roboto, Helvetica or Arial.
# fmt: off
_ASCII: Final = (
    32, 40, 46, 84, 64, 95, 78, 27, 39, 39, 50, 84, 32, 36, 32, 34,  # space to /
    64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 34, 34, 84, 84, 84, 53,  # 0 to ?
    100, 68, 69, 70, 77, 63, 58, 77, 75, 29, 29, 66, 56, 86, 75, 79,  # @ to O
    60, 79, 69, 63, 61, 73, 68, 99, 69, 61, 69, 39, 34, 39, 84, 50,  # P to _
    50, 61, 63, 55, 63, 62, 35, 63, 63, 28, 28, 58, 28, 97, 63, 61,  # ` to o
    63, 63, 41, 52, 39, 63, 59, 82, 59, 59, 52, 64, 34, 64, 84,  # p to ~
)
# fmt: on
_ALPHABETIC: Final = 84
"""Of any other letter or sign: Cyrillic and Greek letters, arrows, mathematical signs are no wider but for a few."""
_SQUARE: Final = 135
"""Of an ideograph or an emoji, whichever font has it."""
_BOLD: Final = 1.13
"""How much wider the bold face is."""


def text_width(text: str, *, size: float = 13.0, bold: bool = False) -> float:
    """Return the pixels that a text takes at most.

    Parameters
    ----------
    text
        One line.
    size
        Font size in pixels.
    bold
        Whether the bold face is used.

    Examples
    --------
    >>> round(text_width("Walking"), 1), round(text_width("Walking", bold=True), 1)
    (52.0, 58.8)
    """
    return size / 100 * sum(map(_advance, text)) * (_BOLD if bold else 1.0)


def shortened(text: str, room: float, *, size: float = 13.0, bold: bool = False) -> str:
    """Return a text, or as much of its beginning as ``room`` pixels hold, with an ellipsis.

    Examples
    --------
    >>> shortened("Elevator Down", 60), shortened("Sitting", 60)
    ('Elevato…', 'Sitting')
    """
    if text_width(text, size=size, bold=bold) <= room:
        return text
    left = room - text_width(ELLIPSIS, size=size, bold=bold)
    kept = 0
    for char in text:
        left -= text_width(char, size=size, bold=bold)
        if left < 0:
            break
        kept += 1
    return text[:kept].rstrip() + ELLIPSIS


def _advance(char: str) -> int:
    """Return the width of one character in hundredths of an em."""
    code = ord(char)
    if 0x20 <= code < 0x7F:
        return _ASCII[code - 0x20]
    if unicodedata.combining(char):
        return 0
    return _SQUARE if code > 0x1F000 or unicodedata.east_asian_width(char) in "WF" else _ALPHABETIC
