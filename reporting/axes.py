"""Axes of charts: scales that map numbers to pixels, and the round numbers worth a grid line."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


class Scale(Protocol):
    """Maps a range of numbers to a range of pixels."""

    def position(self, value: float) -> float:
        """Return the pixel of a value."""

    def ticks(self) -> list[float]:
        """Return the values worth a grid line, ascending."""


@dataclass(frozen=True, slots=True)
class LinearScale:
    """Equal differences are equal lengths.

    Examples
    --------
    >>> LinearScale(0, 1, start=0, end=200).position(0.25)
    50.0
    """

    low: float
    high: float
    start: float
    end: float
    wanted_ticks: int = 5

    def position(self, value: float) -> float:
        """Return the pixel of a value."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self) -> list[float]:
        """Return multiples of 1, 2, 2.5 or 5 times a power of ten."""
        step = _round_step((self.high - self.low) / self.wanted_ticks)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [index * step for index in range(first, last + 1)]


@dataclass(frozen=True, slots=True)
class LogScale:
    """Equal ratios are equal lengths; all values positive."""

    low: float
    high: float
    start: float
    end: float

    def position(self, value: float) -> float:
        """Return the pixel of a value; what is not above 0 sits at the low end."""
        share = math.log(max(value, self.low * 1e-3) / self.low) / math.log(self.high / self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self) -> list[float]:
        """Return powers of ten, with 2 and 5 between them where the range is short."""
        decades = math.log10(self.high / self.low)
        steps = (1, 2, 5) if decades < 2.2 else (1, 3) if decades < 4 else (1,)
        exponents = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        candidates = [step * 10.0**exponent for exponent in exponents for step in steps]
        return [value for value in candidates if self.low * 0.999 <= value <= self.high * 1.001]


def linear_scale(values: Sequence[float], *, start: float, end: float, include: Sequence[float] = ()) -> LinearScale:
    """Return a linear scale around the values, and any others to ``include``, that ends on round numbers."""
    shown = [*values, *include]
    low, high = min(shown), max(shown)
    if high - low < 1e-12 * max(1.0, abs(high)):
        low, high = low - 0.5, high + 0.5
    step = _round_step((high - low) / 5)
    return LinearScale(math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step, start, end)


def log_scale(values: Sequence[float], *, start: float, end: float, margin: float = 1.25) -> LogScale:
    """Return a logarithmic scale around the positive ones of the values, with a margin, at least a factor of four."""
    positive = [value for value in values if value > 0] or [1.0]
    low, high = min(positive) / margin, max(positive) * margin
    if high / low < 4:
        middle = math.sqrt(low * high)
        low, high = middle / 2, middle * 2
    return LogScale(low, high, start, end)


def _round_step(step: float) -> float:
    """Return the smallest of 1, 2, 2.5, 5, 10 times a power of ten that is not below ``step``."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= step * (1 - 1e-9))
