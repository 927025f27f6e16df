"""Times that count days, or steps of 100 ns, from another year than 1970: of Excel, MATLAB, .NET and Windows.

Such a number is known by two things together: it is a date of our days, and its steps make a rate that sensors have.
"""

from dataclasses import dataclass
from typing import Final

from edgehar.models.sensor_limits import FASTEST_GUESS_HZ, SLOWEST_GUESS_HZ
from edgehar.pipeline.data.importing.clock import DATES_S
from edgehar.pipeline.data.importing.dates import DAY_S

_STEP_S: Final = 1e-7


@dataclass(frozen=True, slots=True)
class Epoch:
    """What a program counts times from, and in which steps.

    Parameters
    ----------
    called
        What it is called in a sentence.
    seconds
        What one of it is, in s.
    at_1970
        What it counts at the beginning of 1970.
    """

    called: str
    seconds: float
    at_1970: float


_EPOCHS: Final = (
    Epoch("days as Excel counts them", DAY_S, 25_569.0),
    Epoch("days as MATLAB counts them", DAY_S, 719_529.0),
    Epoch("steps of 100 ns as .NET counts them", _STEP_S, 621_355_968_000_000_000.0),
    Epoch("steps of 100 ns as Windows counts them", _STEP_S, 116_444_736_000_000_000.0),
)

_OF_DAY: Final = Epoch("parts of a day as Excel counts them", DAY_S, 0.0)
_SHORTEST_S: Final = 1e-5


def epoch_of(step: float, first: float) -> Epoch | None:
    """Return what times count, if it is neither s, ms, us nor ns.

    Parameters
    ----------
    step
        What passes per sample.
    first
        The first time.

    Examples
    --------
    >>> epoch_of(0.02 / 86_400, 45_244.9).called, epoch_of(100_000, 638_355_680_000_000_000).called
    ('days as Excel counts them', 'steps of 100 ns as .NET counts them')
    >>> epoch_of(20.0, 1.7e12) is None
    True
    """
    if 0 <= first < 1 and 1 / FASTEST_GUESS_HZ <= step * DAY_S <= 1 / SLOWEST_GUESS_HZ:
        return _OF_DAY if step < _SHORTEST_S else None
    for epoch in _EPOCHS:
        since_1970_s, step_s = (first - epoch.at_1970) * epoch.seconds, step * epoch.seconds
        if DATES_S[0] <= since_1970_s <= DATES_S[1] and 1 / FASTEST_GUESS_HZ <= step_s <= 1 / SLOWEST_GUESS_HZ:
            return epoch
    return None
