"""Where a text stream says x, y and z: in which slots of which lines, with which time and which unit."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Final

from edgehar.firmware_bridge.text.template import Template
from edgehar.firmware_bridge.text.ticks import (
    COUNTER,
    all_steps,
    checked_unit,
    forward_steps,
    is_counter_name,
    unit_of_name,
)
from edgehar.models.contract import MOTION_CHANNELS
from edgehar.models.sensing.unit_names import OF_ACCELERATION

_SEPARATOR_NAMES: Final = {";": "semicolons", ",": "commas", "": "blanks", "|": "bars", "/": "slashes"}


@dataclass(frozen=True, slots=True)
class Place:
    """A slot of one of the layout's templates, both counted from 0."""

    template: int
    slot: int


@dataclass(frozen=True, slots=True)
class TimeColumn:
    """The device's time or sample counter.

    Parameters
    ----------
    place
        Where it stands; in the line that completes a sample.
    unit
        ``s``, ``ms``, ``us``, ``ns``, or ``samples`` for a counter; None when it could not be told.
    period
        Typical step from one sample to the next, in its unit.
    repeats
        Whether several samples share a time, so that it cannot show which are missing.
    """

    place: Place
    unit: str | None
    period: float | None
    repeats: bool

    @property
    def shows_loss(self) -> bool:
        """Whether missing samples can be counted from it."""
        return self.unit is not None and not self.repeats


@dataclass(frozen=True, slots=True)
class TextLayout:
    """How a sample is read from text lines.

    Parameters
    ----------
    templates
        The lines that hold its axes: one, or up to three, in the order they come.
    axes
        Where x, y and z stand.
    names
        What the axes are called, or empty where nothing names them.
    time
        The time column, or None.
    unit
        The unit that names or text give, as `parse_unit` reads it; None where they give none.
    turning
        Where the turning rate about x, y and z stands, if it is wanted.
    only
        A slot and the number it must have: lines with another one are of another sensor. None to take all.
    """

    templates: tuple[Template, ...]
    axes: tuple[Place, Place, Place]
    names: tuple[str, ...] = ()
    time: TimeColumn | None = None
    unit: str | None = None
    turning: tuple[Place, ...] = ()
    only: tuple[Place, float] | None = None

    @property
    def shows_loss(self) -> bool:
        """Whether missing samples can be counted from a time column."""
        return self.time is not None and self.time.shows_loss

    def reads_like(self, other: "TextLayout") -> bool:
        """Tell whether samples of both can be joined: the same numbers of the same lines, in the same unit."""
        return (self.templates, self.axes, self.unit) == (other.templates, other.axes, other.unit)

    def __str__(self) -> str:
        if self.only is not None:
            place, number = self.only
            return f"{replace(self, only=None)}; only lines whose number {place.slot + 1} is {number:g}"
        if len(self.templates) > 1:
            return f"a sample takes {len(self.templates)} lines: {', '.join(self.names)}"
        (template,) = self.templates
        slots = dict(zip((place.slot for place in (*self.axes, *self.turning)), MOTION_CHANNELS, strict=False))
        if self.time is not None:
            slots[self.time.place.slot] = {COUNTER: "counter", None: "time"}.get(
                self.time.unit, f"time in {self.time.unit}"
            )
        if any(self.names):
            shown = ", ".join(f"{axis} is {name}" for axis, name in zip("xyz", self.names, strict=True))
            timed = "" if self.time is None else f", {slots[self.time.place.slot]}"
            if self.turning:
                timed = f", turning rate in {', '.join(str(place.slot + 1) for place in self.turning)}{timed}"
            return f"{template.slots} numbers a line: {shown}{timed}"
        shown = ", ".join(slots.get(slot, "unused") for slot in range(template.slots))
        between = _SEPARATOR_NAMES.get(template.constants[1] if template.slots > 1 else "", "text")
        comma = ", with decimal commas" if template.decimal_comma else ""
        return f"{template.slots} columns separated by {between}{comma}: {shown}"


def declared_unit(units: Sequence[str | None]) -> str | None:
    """Return the unit that all of some slots are said to be in, as `parse_unit` reads it."""
    said = set(units)
    unit = said.pop() if len(said) == 1 else None
    return unit if unit in OF_ACCELERATION else None


def time_column(place: Place, ticks: Sequence[float], *, name: str, rate_hz: float) -> TimeColumn:
    """Return what is known of a time column from its first ticks and its name."""
    unit = COUNTER if name and is_counter_name(name) else checked_unit(unit_of_name(name), ticks, rate_hz)
    steps = forward_steps(ticks)
    return TimeColumn(place, unit, median(steps) if steps else None, 0.0 in all_steps(ticks))
