"""Numbers for people: three significant digits, with the unit that keeps them short."""

import math
from collections.abc import Sequence
from typing import Final

MISSING: Final = "–"
"""What a table shows where there is no number."""

_TIMES: Final = ((1.0, "µs"), (1e3, "ms"), (1e6, "s"))
_SIZES: Final = ((1.0, "B"), (1e3, "kB"), (1e6, "MB"), (1e9, "GB"))
_AMOUNTS: Final = ((1.0, ""), (1e3, "k"), (1e6, "M"), (1e9, "G"))


def significant(value: float, digits: int = 3) -> str:
    """Return a number with this many significant digits, its thousands separated, never in exponents.

    Examples
    --------
    >>> significant(0.07512), significant(1234.5), significant(12)
    ('0.0751', '1,230', '12')
    """
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    decimals = digits - 1 - math.floor(math.log10(abs(value)))
    rounded = round(value, decimals)
    if float(rounded).is_integer() or decimals <= 0:
        return f"{rounded:,.0f}"
    return f"{rounded:,.{max(decimals, 0)}f}"


def plain(value: float) -> str:
    """Return a number of an axis, without zeros that say nothing, with a true minus sign."""
    return f"{value:.6g}".replace("-", "\u2212")


def duration_us(value_us: float | None) -> str:
    """Return microseconds as µs, ms or s: ``1070`` is ``1.07 ms``."""
    return _scaled(value_us, _TIMES)


def byte_size(value: float | None) -> str:
    """Return bytes as B, kB, MB or GB (powers of 1000)."""
    return _scaled(value, _SIZES)


def amount(value: float | None) -> str:
    """Return a count with k, M or G."""
    return _scaled(value, _AMOUNTS).rstrip()


def error_size(value: float | None) -> str:
    """Return a small difference as a power of ten: ``2.1e-07`` is ``2.1e-7``."""
    if value is None:
        return MISSING
    if value == 0:
        return "0"
    mantissa, _, exponent = f"{value:.1e}".partition("e")
    return f"{mantissa}e{int(exponent)}"


def percent(share: float | None, decimals: int = 1) -> str:
    """Return a share as a percentage; only all of it is ``100 %``.

    Examples
    --------
    >>> percent(0.99997), percent(1.0)
    ('99.9 %', '100 %')
    """
    if share is None:
        return MISSING
    if share == 1:
        return "100 %"
    steps = 10**decimals
    shown = round(share * 100 * steps) / steps
    if shown >= 100:
        shown = 100 - 1 / steps
    return f"{shown:.{decimals}f} %"


def ratio(value: float) -> str:
    """Return how many times: ``1.0×``, ``3.4×``, ``28×``."""
    return f"{value:.1f}×" if value < 9.95 else f"{value:,.0f}×"


def _scaled(value: float | None, units: Sequence[tuple[float, str]]) -> str:
    """Return the value in the largest unit that leaves at least 1 of it."""
    if value is None:
        return MISSING
    factor, unit = max((entry for entry in units if abs(value) >= entry[0] * 0.9995), default=units[0])
    return f"{significant(value / factor)} {unit}"
