"""Samples that take several lines, each with a part of the axes: ``ax:1``, ``ay:2``, ``az:3``."""

from collections.abc import Sequence
from dataclasses import dataclass

from edgehar.firmware_bridge.text.layout import Place, TextLayout, declared_unit
from edgehar.firmware_bridge.text.slots import from_first, plain, slot_of
from edgehar.firmware_bridge.text.template import Template
from edgehar.models.sensing.names import NamedColumns, find_acceleration
from edgehar.models.sensing.unit_names import OF_ACCELERATION


@dataclass(frozen=True, slots=True)
class Part:
    """A number of a line that comes again and again, by its name."""

    template: Template
    slot: int
    name: str


@dataclass(frozen=True, slots=True)
class Across:
    """What the names of several lines say together: a layout, or what is doubtful."""

    layout: TextLayout | None
    doubt: str | None = None


def across(parts: Sequence[Part], *, columns: Sequence[str] = ()) -> Across:
    """Return the layout whose axes the names of several lines give, or the columns that a person has declared.

    Numbers that are printed in a unit are preferred: counts of the same sensor may stand beside them.
    """
    if columns:
        slots = [slot_of(column, [plain(part.name) for part in parts], 0) for column in columns]
        x, y, z = (parts[slot] if slot is not None else None for slot in slots)
        return Across(None) if x is None or y is None or z is None else _joined(parts, [x, y, z], None)
    in_units = [part for part in parts if part.template.units[part.slot] in OF_ACCELERATION]
    said = NamedColumns(None)
    for some in (in_units, parts):
        said = find_acceleration([part.name for part in some])
        if said.axes is not None:
            return _joined(parts, [some[at] for at in said.axes], said.unit)
    return Across(None, said.doubt)


def _joined(parts: Sequence[Part], axes: Sequence[Part], unit: str | None) -> Across:
    """Return the layout of samples whose axes stand in these parts."""
    used = {part.template for part in axes}
    order = [each for each in dict.fromkeys(part.template for part in parts) if each in used]
    templates = from_first(order, [(part.template, part.slot) for part in axes])
    x, y, z = (Place(templates.index(part.template), part.slot) for part in axes)
    units = [unit or part.template.units[part.slot] for part in axes]
    return Across(TextLayout(templates, (x, y, z), tuple(part.name for part in axes), None, declared_unit(units)))
