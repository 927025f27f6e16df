"""Places of numbers in lines: which slots of which templates are meant, told from names and from how lines differ."""

import re
from collections.abc import Iterable, Sequence

import numpy as np

from edgehar.firmware_bridge.text.kinds import Row
from edgehar.firmware_bridge.text.layout import Place
from edgehar.firmware_bridge.text.template import Template
from edgehar.models.sensing.gravity import guess_unit
from edgehar.models.sensing.names import NamedColumns, read_name


def are_siblings(templates: list[Template]) -> bool:
    """Tell whether lines are written alike but for the text before their first number."""
    return len({template.constants[1:] for template in templates}) == 1


def may_be_number(rows: Sequence[Sequence[float]], others: set[int]) -> bool:
    """Tell whether one of some slots could still turn out to tell sensors apart."""
    return any(all(float(row[slot]).is_integer() for row in rows) for slot in others)


def from_first(templates: list[Template], axes: list[tuple[Template, int]]) -> tuple[Template, ...]:
    """Return the lines of a sample in the order in which it prints them, whichever of them was seen first.

    They follow each other in a circle. It begins where the axes then come as x, y, z, else as z, y, x.
    """
    order = [templates.index(template) for template, _ in axes]
    for wanted in (order, order[::-1]):
        start = wanted[0]
        turned = [(each - start) % len(templates) for each in wanted]
        if turned == sorted(turned):
            return (*templates[start:], *templates[:start])
    return tuple(templates)


def places(template: int, slots: tuple[int, int, int]) -> tuple[Place, Place, Place]:
    """Return the places of three slots of one template."""
    x, y, z = (Place(template, slot) for slot in slots)
    return x, y, z


def is_label_of_four(template: Template, axes: tuple[int, int, int]) -> bool:
    """Tell whether one word names the axes, and a fourth number without a name follows them."""
    first, second, third = axes
    if (second, third) != (first + 1, first + 2) or third + 1 >= template.slots:
        return False
    between = template.constants[second : third + 2]
    return not any(character.isalpha() for constant in between for character in constant)


def names_a_sensor(names: Sequence[str], said: NamedColumns) -> bool:
    """Tell whether names say that it is acceleration, not only that there are axes."""
    return said.axes is not None and read_name(names[said.axes[0]]).sensor is not None


def plain(name: str) -> str:
    """Return a name as people type it: without case, blanks and punctuation."""
    return re.sub(r"[\W_]+", "", name).lower()


def slot_of(column: str, names: Sequence[str], slots: int) -> int | None:
    """Return the slot of a declared column: by its name, else by its number."""
    name = plain(column)
    if names.count(name) == 1:
        return list(names).index(name)
    if name.isdecimal() and 1 <= int(name) <= slots:
        return int(name) - 1
    return None


def feels_gravity(rows: Sequence[Row], said: NamedColumns) -> bool:
    """Tell whether the named columns of some lines are as long as gravity in some unit."""
    values = [[row.numbers[slot] for slot in said.axes or ()] for row in rows]
    return guess_unit(np.array(values, np.float64).reshape(-1, 3)).unit is not None


def common_unit(units: Iterable[str | None]) -> str | None:
    """Return the unit that all of some columns have, or None."""
    said = set(units)
    return said.pop() if len(said) == 1 else None


def unit_of_names(names: Sequence[str], axes: Sequence[int]) -> str | None:
    """Return the unit that the names of three columns agree on."""
    said = {read_name(names[slot]).unit for slot in axes}
    return said.pop() if len(said) == 1 else None
