"""The time column of a text stream: which column it is, and how long one of its ticks lasts.

A name is believed unless it is absurd, for the first header of a stream may be cut from "us" to "s". A column without a
name is a time, or a sample counter, if it runs forward in near-equal steps that make sense at about the declared rate.
"""

from collections.abc import Sequence
from itertools import pairwise
from statistics import median
from typing import Final

from edgehar.models.sensing.roles import INDEX, TIME, role_of

SECONDS_PER_TICK: Final = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
COUNTER: Final = "samples"
"""The time unit of a column that counts samples."""

_FEWEST_STEPS: Final = 5
_TINY: Final = 1e-30
_ABSURD_FACTOR: Final = 30.0
_RATE_FACTOR: Final = 4.0
"""How far the rate a column implies may be from the declared one for the column to pass as an unnamed time."""


def time_by_name(names: Sequence[str]) -> int | None:
    """Return the first column named after a time, or else after a counter."""
    roles = [role_of(name).role if name else "" for name in names]
    return next((roles.index(role) for role in (TIME, INDEX) if role in roles), None)


def is_counter_name(name: str) -> bool:
    """Tell whether a column is named after a count of samples."""
    return bool(name) and role_of(name).role == INDEX


def unit_of_name(name: str) -> str | None:
    """Return the unit of time that a column's name says."""
    return role_of(name).time_unit


def checked_unit(named: str | None, ticks: Sequence[float], rate_hz: float) -> str | None:
    """Return the named unit unless the ticks make it absurd; else the one that fits the declared rate."""
    steps = forward_steps(ticks)
    if named and steps and _mismatch(median(steps), named, rate_hz) < _ABSURD_FACTOR:
        return named
    return _unit_by_rate(ticks, rate_hz)


def behaves_like_time(ticks: Sequence[float], rate_hz: float) -> bool:
    """Tell whether unnamed numbers run forward in near-equal steps that make sense at about the declared rate."""
    steps = all_steps(ticks)
    if len(steps) < _FEWEST_STEPS or min(steps) < 0 or len(forward_steps(ticks)) < len(steps) / 2:
        return False
    typical = median(forward_steps(ticks))
    if any(0 < step < typical / 2 for step in steps):
        return False
    unit = _unit_by_rate(ticks, rate_hz)
    if unit == COUNTER:
        return True
    return unit is not None and _mismatch(typical, unit, rate_hz) <= _RATE_FACTOR


def all_steps(ticks: Sequence[float]) -> list[float]:
    """Return the differences between neighbours."""
    return [after - before for before, after in pairwise(ticks)]


def forward_steps(ticks: Sequence[float]) -> list[float]:
    """Return the differences that run forward."""
    return [step for step in all_steps(ticks) if step > 0]


def _mismatch(step: float, unit: str, rate_hz: float) -> float:
    """Return by what factor, at least 1, a step in a unit is off the declared rate."""
    ratio = max(step * SECONDS_PER_TICK[unit] * rate_hz, _TINY)
    return max(ratio, 1.0 / ratio)


def _unit_by_rate(ticks: Sequence[float], rate_hz: float) -> str | None:
    """Return the unit in which the steps are nearest to the declared rate; steps of exactly one count samples."""
    steps = forward_steps(ticks)
    if not steps:
        return None
    typical = median(steps)
    best = min(SECONDS_PER_TICK, key=lambda unit: _mismatch(typical, unit, rate_hz))
    whole = all(float(tick).is_integer() for tick in ticks)
    if typical == 1.0 and whole and _mismatch(typical, best, rate_hz) > _RATE_FACTOR:
        return COUNTER
    return best
