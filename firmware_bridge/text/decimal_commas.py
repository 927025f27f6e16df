"""Whether numbers have decimal commas: ``4812;0,44;0,83;-0,78``, ``X: 0,44``, or ``0,44,0,83,-0,78`` in many lines."""

import re
from collections.abc import Sequence
from typing import Final

_FIELDS: Final = re.compile(r"\s*[-+]?\d+(?:,\d+)?(?:\s*[;|\t ]\s*[-+]?\d+(?:,\d+)?){2,}[\s;]*")
_STAMP: Final = re.compile(r"^\s*(?:[\d./-]+[ T;\t])?\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?\s*[;|\t ]")
"""A date and a time of day before the numbers."""
_FEWEST_COMMAS: Final = 3
_LABELLED_TOKEN: Final = re.compile(r"(?<![\w.,])[-+]?\d+(?:[.,]\d+)*")
_COMMA_TOKEN: Final = re.compile(r"[-+]?\d+,(\d{2,})")
_ALL_COMMAS: Final = re.compile(r"\s*[-+]?\d+(,[-+]?\d+){5,}\s*,?\s*")


def has_decimal_commas(line: str) -> bool:
    """Tell whether one line shows that commas stand inside its numbers.

    Examples
    --------
    >>> has_decimal_commas("0,44;0,83;-0,78"), has_decimal_commas("44,83,78")
    (True, False)
    """
    bare = line.count(",") >= _FEWEST_COMMAS and _FIELDS.fullmatch(_STAMP.sub("", line)) is not None
    return bare or _has_labelled_decimal_commas(line)


def has_split_decimals(lines: Sequence[str]) -> bool:
    """Tell whether commas stand inside the numbers as well as between them: ``0,44,0,83,-0,78``."""
    if not all(_ALL_COMMAS.fullmatch(line) for line in lines):
        return False
    fields = [line.strip().rstrip(",").split(",") for line in lines]
    if len({len(row) for row in fields}) != 1 or len(fields[0]) % 2:
        return False
    decimals = [text for row in fields for text in row[1::2]]
    return (
        len({len(text) for text in decimals}) == 1
        and all(text.isdecimal() for text in decimals)
        and any(text.startswith("-0") or text == "0" for row in fields for text in row[0::2])
    )


def _has_labelled_decimal_commas(line: str) -> bool:
    """Tell whether a line has names and three numbers like ``0,55``, all with as many decimals, and none like 0.55."""
    if line.count(",") < 3 or not any(character.isalpha() for character in line):
        return False
    matches = [_COMMA_TOKEN.fullmatch(token) for token in _LABELLED_TOKEN.findall(line)]
    commas = [match[1] for match in matches if match is not None]
    whole = sum(match is None for match in matches)
    return len(commas) >= 3 and len({len(each) for each in commas}) == 1 and whole <= 1 and "." not in line
