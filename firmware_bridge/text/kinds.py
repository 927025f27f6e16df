"""Kinds of lines: those of one template, and those of templates that differ only in a word at the end of the line.

``0.1,0.2,0.9,IDLE`` and ``0.1,0.2,0.9,MOVE`` are of one kind: the word is a state of one sensor. Where the word changes
all the time and the numbers jump with it, it tells two sensors apart, and their lines are of two kinds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from edgehar.firmware_bridge.text.selection import CHANGES, jumps
from edgehar.firmware_bridge.text.template import Template

_FEWEST: Final = 3
"""How often lines must have come to be a kind; and how many axes an accelerometer has."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of numbers that has been seen, as the so many-th."""

    at: int
    line: str
    template: Template
    numbers: tuple[float, ...]


def kinds_of(rows: Mapping[Template, list[Row]]) -> dict[Template, list[Row]]:
    """Return lines by their kind, each named by the template that is the most common one of it."""
    # By what stands before the last number, so that many templates are not held to each other one by one.
    heads: dict[tuple[str, ...], list[list[Template]]] = {}
    for template in rows:
        alike = heads.setdefault(template.constants[:-1], [])
        group = next((each for each in alike if is_variant(template, each[0])), None)
        if group is None:
            alike.append([template])
        else:
            group.append(template)
    kinds: dict[Template, list[Row]] = {}
    for group in (group for alike in heads.values() for group in alike):
        together = sorted((row for template in group for row in rows[template]), key=lambda row: row.at)
        if len(group) > 1 and not _take_turns(together):
            kinds[max(group, key=lambda each: len(rows[each]))] = together
        else:
            kinds |= {template: rows[template] for template in group}
    return kinds


def is_variant(template: Template, other: Template) -> bool:
    """Tell whether two templates are the same but for words at the end, which name neither a number nor a unit."""
    return (
        template.constants[:-1] == other.constants[:-1]
        and template.decimal_comma == other.decimal_comma
        and (template.has_last_words or other.has_last_words)
        and (template.names, template.units) == (other.names, other.units)
    )


def siblings_of(template: Template, kinds: Mapping[Template, list[Row]]) -> list[Template]:
    """Return the kinds that are written like one, but for their first or last words, and about as common as it is."""
    return [
        other
        for other, rows in kinds.items()
        if template.slots >= _FEWEST
        and other.constants[1:-1] == template.constants[1:-1]
        and (other.constants[0] == template.constants[0] or other.constants[-1] == template.constants[-1])
        and _FEWEST <= len(rows) >= len(kinds[template]) / 3
    ]


def _take_turns(rows: Sequence[Row]) -> bool:
    """Tell whether the last words change so often, and the numbers with them, that they are of several sensors."""
    words = list({row.template: None for row in rows})
    column = np.array([words.index(row.template) for row in rows], np.float64)
    if len(rows) < _FEWEST or np.mean(column[1:] != column[:-1]) < CHANGES:
        return False
    numbers = np.array([row.numbers for row in rows], np.float64)
    moving = [slot for slot in range(numbers.shape[1]) if np.diff(numbers[:, slot]).min() < 0]
    return jumps(numbers[:, moving], column)
