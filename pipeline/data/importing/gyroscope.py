"""The gyroscope of a table: which columns hold the turning rate, and in which unit they are.

It is read where it is asked for (``--channels accelerometer,gyroscope``). Nothing in the values tells degrees from
radians for sure, so the unit must be written in the file, or declared.
"""

import re
from collections.abc import Sequence
from typing import Final

from edgehar.models.contract import DEGREES_PER_SECOND
from edgehar.models.errors import UsageError
from edgehar.models.sensing.names import AXES, GYROSCOPE, read_name
from edgehar.pipeline.data.importing.preamble import Preamble
from edgehar.pipeline.data.importing.refusals import refusal

ACCELEROMETER: Final = "accelerometer"
_OPTION: Final = "--gyroscope-unit"
_ASK: Final = f"Import it with {_OPTION} deg/s or rad/s"
_MOST_DEG_S: Final = 4500.0
"""Sensors measure up to 4,000."""
_MUCH_G: Final = 1.8
_LEAST_DEG_S: Final = 8.0
_Y: Final = re.compile(r"\W*gy(?![a-z])", re.IGNORECASE)
_WRITTEN: Final = (
    ("mdeg/s", re.compile(r"mdps|mdeg/s|millideg", re.IGNORECASE)),
    ("rad/s", re.compile(r"rad(ians?)?\s*[/_ ]?\s*(s(ec(ond)?)?|per)|rads\b|rad[_ ]?s\b", re.IGNORECASE)),
    ("deg/s", re.compile(r"dps|\bd/s\b|(deg(rees?)?|°)\s*[/_ ]?\s*(s(ec(ond)?)?|per)|deg[_ ]?s\b", re.IGNORECASE)),
)


def wants_gyroscope(channels: Sequence[str]) -> bool:
    """Tell whether the gyroscope is asked for.

    Raises
    ------
    UsageError
        When anything else than the accelerometer, with or without the gyroscope, is asked for.
    """
    if set(channels) <= {ACCELEROMETER, GYROSCOPE} and ACCELEROMETER in channels:
        return GYROSCOPE in channels
    raise UsageError(
        f"channels {','.join(channels)}: expected {ACCELEROMETER}, or {ACCELEROMETER},{GYROSCOPE}",
        next_step="Choose one of these.",
    )


def gyroscope_columns(preamble: Preamble, axes: Sequence[int]) -> tuple[int, int, int]:
    """Return the columns of the gyroscope that belongs to an accelerometer.

    Raises
    ------
    DataError
        When there is none, or several.
    """
    groups: dict[tuple[str, ...], dict[str, list[int]]] = {}
    for place, text in enumerate(preamble.header or ()):
        name = read_name(text)
        # "gy" is short for gyroscope, and beside gx and gz it is an axis of it.
        axis = name.axis or ("y" if _Y.match(text) else None)
        if name.sensor == GYROSCOPE and axis in AXES:
            groups.setdefault(name.rest, {}).setdefault(axis, []).append(place)
    found = [
        (group["x"][turn], group["y"][turn], group["z"][turn])
        for group in groups.values()
        if len(group) == 3
        for turn in range(min(map(len, group.values())))
    ]
    if len(found) > 1:
        # Of several, the one that stands beside the accelerometer, as 3 columns further on.
        found = [places for places in found if min(places) - max(axes) == 1] or found
    if len(found) != 1:
        there = f"{len(found)} of them" if found else "none by the names of the columns"
        raise refusal(
            preamble.name,
            f"expected columns of one gyroscope, got {there}",
            line=max(1, preamble.first_line - 1),
            next_step="Name the columns: --columns AX,AY,AZ,GX,GY,GZ; or leave the gyroscope out of --channels.",
        )
    return found[0]


def degrees_per_second(preamble: Preamble, places: Sequence[int], declared: str | None) -> tuple[float, str]:
    """Return what to multiply the turning rate with, and the unit as it was found.

    Raises
    ------
    UsageError
        When the declared unit is none.
    DataError
        When neither the file nor the caller says it.
    """
    if declared is not None:
        if declared not in DEGREES_PER_SECOND:
            raise UsageError(
                f"gyroscope unit {declared!r} is not one of {', '.join(DEGREES_PER_SECOND)}",
                next_step="Choose one of these.",
            )
        return DEGREES_PER_SECOND[declared], declared
    said = {_written_in(preamble, place) for place in places}
    unit = said.pop() if len(said) == 1 else None
    if unit is None:
        raise refusal(
            preamble.name,
            f"expected the unit of the gyroscope in the names of its columns, got {preamble.called(places[0])}",
            next_step=f"{_ASK}.",
        )
    return DEGREES_PER_SECOND[unit], unit


def about_turning(peak_deg_s: float, peak_g: float) -> str | None:
    """Return what the values of a gyroscope say against its unit; None where nothing.

    Parameters
    ----------
    peak_deg_s
        The largest turning rate about any axis.
    peak_g
        The largest acceleration along any axis: who moves much turns, too.

    Examples
    --------
    >>> about_turning(320.0, 2.5) is None, "1.146e+05 deg/s" in (about_turning(114_600.0, 2.5) or "")
    (True, True)
    """
    if peak_deg_s > _MOST_DEG_S:
        return f"It turns up to {peak_deg_s:.4g} deg/s, more than any gyroscope measures: check {_OPTION}."
    if peak_g > _MUCH_G and peak_deg_s < _LEAST_DEG_S:
        return f"It moves much and turns at most {peak_deg_s:.3g} deg/s: check {_OPTION}."
    return None


def _written_in(preamble: Preamble, place: int) -> str | None:
    """Return the unit in the name of a column, or in the row of units."""
    texts = [preamble.header[place] if preamble.header else ""]
    if preamble.units is not None and place < len(preamble.units):
        texts.append(preamble.units[place])
    return next((unit for unit, form in _WRITTEN for text in texts if form.search(text)), None)
