"""The texts of a manifest: what reaches terminals, pages, C and topics holds no character that steers them.

Every target escapes what means something to it. Control characters mean something to most, and nobody needs them in the
name of an activity; so they are refused where they enter.
"""

import dataclasses
from collections.abc import Iterator
from typing import Any, Final

from edgehar.models.foreign_text import unprintable

LONGEST_TEXT: Final = 1000
"""Characters of a label, a name or a sentence."""

DEEPEST: Final = 32
"""Levels of lists and objects inside a training's configuration."""

_FREE_TEXTS: Final = ("provenance: dataset_terms", "provenance: configuration")
"""Where lines and tabs are needed, and any length: terms of use, and what a training was configured with."""


def hostile_texts(value: Any, where: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """Yield where a text is not fit to be shown, and why, for everything inside dataclasses, lists and objects."""
    free = where.startswith(_FREE_TEXTS)
    if isinstance(value, str):
        character = unprintable(value.replace("\n", "").replace("\t", "") if free else value)
        if character is not None:
            yield where, f"the character {character}"
        elif len(value) > LONGEST_TEXT and not free:
            yield where, f"{len(value):,} characters"
    elif depth > DEEPEST:
        yield where, f"more than {DEEPEST} levels"
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from hostile_texts(key, f"{where}: a key" if not free else where, depth + 1)
            yield from hostile_texts(item, where, depth + 1)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from hostile_texts(item, where, depth + 1)
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            inner = f"{where}: {field.name}" if where else field.name
            yield from hostile_texts(getattr(value, field.name), inner, depth + 1)
