"""How units are written: behind a number, in brackets behind a name, in a row of units.

A unit of acceleration is named as :mod:`edgehar.models.units` reads it; ``counts`` says that a number has none.
"""

import re
from typing import Final

COUNTS: Final = "counts"
MILLI_G: Final = "raw:1000"
_PER_SECOND_TWICE: Final = r"/s(?:ec)?(?:\^|\*\*)?(?:2|Â?²)"


def _length(unit: str) -> str:
    """Return the pattern of a length over seconds squared."""
    return rf"(?:{unit})(?:{_PER_SECOND_TWICE}|/s/s)"


_OTHERS: Final = {
    "raw:9806.65": _length("mm"),
    "raw:980.665": _length("cm") + "|gals?",
    "raw:98.0665": _length("dm"),
    "raw:32.17404856": _length("ft|feet"),
    "raw:386.0885827": _length("in(?:ch)?"),
}
"""Units of length other than the metre, over seconds squared; the scale is how many make 1 g."""
OF_ACCELERATION: Final = ("g", MILLI_G, "raw:1000000", "m/s2", *_OTHERS)
"""Units in which acceleration is known without a data sheet."""

_SHORT: Final = {
    "m/s2": (
        r"m/\(?s(?:ec)?(?:\^|\*\*)?(?:2|Â?²)\)?|m/s/s|ms/2|m\.s\^?-2|m[*·]s\^?-2|m[ ·]?s⁻²|m s\^?-2"
        r"|mps[2²]|ms2|mss|ms\^?-2|met(?:er|re)s?/s(?:ec(?:ond)?)?\^?(?:2|Â?²)|n/kg"
    ),
    **_OTHERS,
    "raw:1000000": r"ug|micro-?g",
    MILLI_G: r"mg|milli-?g(?:s|ravity)?",
    "g": r"g's|gs|g",
    "deg/s": r"m?deg/s(?:ec)?|degrees/s|Â?°/s|m?dps",
    "rad/s": r"m?rad/s(?:ec)?",
    "uT": r"[uµμm]t|m?gauss",
    COUNTS: r"lsb|counts?|raw|adc",
}
"""What may stand anywhere: a word of a sentence is none of these."""
_LONG: Final = {
    "g": r"gravit(?:y|ies)|std?\.? ?g|standard gravity",
    COUNTS: r"digits?|int16|ticks",
    "degrees": r"°|deg|degrees?",
    "rad": r"rad|radians?",
}
"""What is a unit only where nothing else can stand: in brackets, in a row of units."""
_TIME: Final = {
    "s": r"s|secs?|seconds?",
    "ms": r"ms|msecs?|millis|millisecs?|milliseconds?",
    "us": r"us|usecs?|micros|microsecs?|microseconds?|samplet?imefine|fine",
    "ns": r"ns|nsecs?|nanos|nanosecs?|nanoseconds?",
}
SHORT_UNIT: Final = re.compile(
    "|".join(f"(?P<unit{index}>{pattern})" for index, pattern in enumerate(_SHORT.values())), re.IGNORECASE
)
"""A unit that may stand behind a number or a name; `name_of_match` names what it has matched."""


def name_of_match(match: "re.Match[str]") -> str:
    """Return the one name of the unit that `SHORT_UNIT` has matched."""
    groups = match.groupdict()
    return next(unit for index, unit in enumerate(_SHORT) if groups[f"unit{index}"] is not None)


def any_unit_named(text: str) -> str | None:
    """Return the unit of any sensor that a whole text names, or None.

    Examples
    --------
    >>> any_unit_named("(deg/s)"), any_unit_named("m/(s^2)"), any_unit_named("left")
    ('deg/s', 'm/s2', None)
    """
    for written in (text.strip().strip("()[]{} ").lower(), text.strip().lower()):
        plain = written.replace("µ", "u").replace("μ", "u")
        for units in (_SHORT, _LONG):
            for unit, pattern in units.items():
                if re.fullmatch(pattern, plain, re.IGNORECASE):
                    return unit
    return None


def unit_named(text: str) -> str | None:
    """Return the unit of acceleration that a whole text names, or ``counts``, or None.

    Examples
    --------
    >>> unit_named("m/(s^2)"), unit_named("mg"), unit_named("deg/s")
    ('m/s2', 'raw:1000', None)
    """
    unit = any_unit_named(text)
    return unit if unit in (*OF_ACCELERATION, COUNTS) else None


def time_unit_named(text: str) -> str | None:
    """Return ``s``, ``ms``, ``us`` or ``ns`` where a whole text names a unit of time, or None.

    Examples
    --------
    >>> time_unit_named("[µs]"), time_unit_named("millis"), time_unit_named("m")
    ('us', 'ms', None)
    """
    written = text.strip().strip("()[] ").lower().replace("µ", "u").replace("μ", "u")
    return next((unit for unit, pattern in _TIME.items() if re.fullmatch(pattern, written)), None)


def unit_at_start(text: str) -> tuple[str | None, str]:
    """Return the unit a text begins with, and the rest of the text.

    Examples
    --------
    >>> unit_at_start(" m/s^2 Rotation X: "), unit_at_start(", Y:")
    (('m/s2', ' Rotation X: '), (None, ', Y:'))
    """
    stripped = text.lstrip(" \t)]}Â§")
    match = SHORT_UNIT.match(stripped)
    if match is None or re.match(r"\w", stripped[match.end() :]):
        return None, text
    # A unit stands behind its number; what is followed by ":" or "=" is a name.
    if stripped[match.end() :].lstrip()[:1] in (":", "="):
        return None, text
    return name_of_match(match), stripped[match.end() :]
