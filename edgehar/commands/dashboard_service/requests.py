"""Fields of a page's request, checked: a page is hostile until its Origin was checked, and clumsy after."""

from collections.abc import Mapping
from typing import Any, Final

from edgehar.firmware_bridge.record.script import Step
from edgehar.models.errors import UsageError
from edgehar.models.foreign_text import unprintable

LONGEST_NAME: Final = 60
_MOST_STEPS: Final = 30
_SECONDS: Final = (5.0, 600.0)


def name_in(request: Mapping[str, Any], field: str, what: str) -> str:
    """Return a name that a person typed or chose.

    Raises
    ------
    UsageError
        When it is missing, empty, too long, or holds what cannot be shown.
    """
    value = request.get(field)
    text = value.strip() if isinstance(value, str) else ""
    if not text:
        raise UsageError(f"Expected {what}, got nothing.")
    if len(text) > LONGEST_NAME:
        raise UsageError(f"Expected {what} of at most {LONGEST_NAME} characters, got {len(text)}.")
    hidden = unprintable(text)
    if hidden is not None:
        raise UsageError(f"Expected {what} of visible characters, got {hidden}.")
    return text


def text_in(request: Mapping[str, Any], field: str) -> str:
    """Return a name that the page was given; whatever else is there names nothing."""
    value = request.get(field)
    return value if isinstance(value, str) else ""


def number_in(request: Mapping[str, Any], field: str) -> int:
    """Return a number of a take."""
    value = request.get(field)
    return value if isinstance(value, int) and not isinstance(value, bool) else -1


def names_in(request: Mapping[str, Any], field: str) -> list[str]:
    """Return a list of names that the page was given."""
    value = request.get(field)
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def steps_in(request: Mapping[str, Any]) -> tuple[Step, ...]:
    """Return the steps of a guided recording.

    Raises
    ------
    UsageError
        When there is none, too many, or a time that no take has.
    """
    activities = names_in(request, "activities")
    seconds = request.get("seconds")
    if not 1 <= len(activities) <= _MOST_STEPS:
        raise UsageError(f"Expected 1 to {_MOST_STEPS} activities to record, got {len(activities)}.")
    low, high = _SECONDS
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not low <= seconds <= high:
        raise UsageError(f"Expected {low:g} to {high:g} seconds for each activity.")
    return tuple(
        Step(name_in({"activity": each}, "activity", "the name of an activity"), float(seconds)) for each in activities
    )
