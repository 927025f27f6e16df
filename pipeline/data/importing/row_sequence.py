"""What rows say that follow one another: samples of one sensor, of several in turn, or each value several times.

A sensor that moves goes on from where it was: the sample after the next is farther away than the next one. Where rows
of two sensors stand in turn, it is the other way round, all the time.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

_CHUNK: Final = 64
_MOST_SENSORS: Final = 4
_APART: Final = 3.0
_JUMP: Final = 0.05
_MOSTLY: Final = 0.8
_FEWEST_CHUNKS: Final = 3
_FASTEST_REPEATED_HZ: Final = 8.0
"""People repeat a movement up to about five times a second."""
_HELD: Final = 0.3
_STEPS: Final = 3.0

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RowSequence:
    """What the rows of a stretch are.

    Parameters
    ----------
    sensors
        Of how many sensors rows stand in turn: 1 where they are of one.
    held
        In how many rows each value stands on average while the sensor moves.
    """

    sensors: int = 1
    held: float = 1.0


def look_at_rows(values: Floats, rate_hz: float) -> RowSequence:
    """Return what rows are that follow one another.

    Parameters
    ----------
    values : ndarray of shape (n, 3)
        In any unit.
    rate_hz
        Rows per second: what people repeat is slower than sensors in turn are.

    Examples
    --------
    >>> wave = np.sin(np.arange(300)[:, np.newaxis] * [0.1, 0.2, 0.3])
    >>> in_turn = np.stack([wave, wave[:, ::-1] + 2], 1).reshape(-1, 3)
    >>> look_at_rows(wave, 50.0).sensors, look_at_rows(in_turn, 100.0).sensors
    (1, 2)
    >>> round(look_at_rows(np.repeat(wave, 2, axis=0), 100.0).held)
    2
    """
    count = len(values) // _CHUNK
    if count < _FEWEST_CHUNKS:
        return RowSequence()
    chunks = values[: count * _CHUNK].reshape(count, _CHUNK, 3)
    return RowSequence(_sensors(chunks, rate_hz), _held(chunks))


def _sensors(chunks: Floats, rate_hz: float) -> int:
    """Return after how many rows the same sensor comes again."""
    apart = np.stack([_distance(chunks, lag) for lag in range(1, _MOST_SENSORS + 1)])
    jump = _JUMP * np.median(np.linalg.norm(chunks, axis=2), axis=1)
    for sensors in range(2, _MOST_SENSORS + 1):
        if rate_hz / sensors < _FASTEST_REPEATED_HZ:
            break
        others = apart[: sensors - 1].min(axis=0)
        if (others > np.maximum(jump, _APART * apart[sensors - 1])).mean() >= _MOSTLY:
            return sensors
    return 1


def _distance(chunks: Floats, lag: int) -> Floats:
    """Return how far samples of each chunk are apart that stand some rows after one another."""
    found: Floats = np.median(np.linalg.norm(chunks[:, lag:] - chunks[:, :-lag], axis=2), axis=1)
    return found


def _held(chunks: Floats) -> float:
    """Return in how many rows each value stands, in the more restless half of the chunks."""
    restless = chunks.std(axis=1).sum(axis=1)
    moving = chunks[restless >= np.median(restless)]
    apart = np.abs(np.diff(moving, axis=1))
    steps = apart.max(axis=2)
    # Where a step is one digit of the sensor, equal values are what such a sensor measures.
    if not steps.any() or np.median(steps[steps > 0]) < _STEPS * apart[apart > 0].min():
        return 1.0
    share = float((steps == 0).mean())
    return 1.0 / (1.0 - share) if share >= _HELD else 1.0
