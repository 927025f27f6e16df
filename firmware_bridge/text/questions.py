"""The errors that ask a person about a stream of text, each with the option that answers it."""

from typing import Final

from edgehar.firmware_bridge.stream.rate import RateEstimate
from edgehar.firmware_bridge.text.learning import Question
from edgehar.models.errors import BridgeError
from edgehar.models.units import UNIT_HELP

_NO_GRAVITY: Final = 0.4
"""A mean vector shorter than this is no gravity in g, nor in a longer unit."""


def too_slow(rate: RateEstimate, slowest_hz: float) -> BridgeError:
    """Return the error of a sensor that sends too seldom."""
    return BridgeError(
        f"expected at least {slowest_hz:g} samples a second, the sensor sends {rate}",
        next_step="Set the sensor to a higher rate, or pass --rate if this is a replay that is slower than it was.",
        reason="rate",
    )


def unit_question(reason: str, length: float) -> BridgeError:
    """Return the error that asks for the unit."""
    hint = (
        "If gravity is left out, the model cannot use it: send the acceleration with gravity."
        if length < _NO_GRAVITY
        else ""
    )
    return BridgeError(
        f"expected to find the unit of acceleration by gravity, and cannot: {reason}",
        next_step=f"Pass --unit: {UNIT_HELP}; or --columns, if these are not the acceleration. {hint}".rstrip(),
        reason="unit",
    )


def column_question(question: Question) -> BridgeError:
    """Return the error that asks which columns are acceleration."""
    option = question.option
    answer = question.answer or f"{option} with the names or numbers of x, y and z, for example {option} 5,6,7"
    return BridgeError(
        f"expected to find which numbers are the acceleration, and cannot: {question.text}",
        next_step=f"Pass {answer}." if option else f"{answer}.",
        reason="columns",
    )
