"""A block of samples as a device stored it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Samples that follow each other without a hole; or the news of damage.

    Parameters
    ----------
    place
        Of the block, for messages.
    starts_s
        When the first sample was taken, by the device's clock.
    rate_hz
        Samples per second.
    samples_g : ndarray of shape (n, 3), float32, in g
        Acceleration.
    damaged
        Whether the block could not be read; nothing else is then meant.
    """

    place: str
    starts_s: float
    rate_hz: float
    samples_g: npt.NDArray[np.float32]
    damaged: bool = False


def damage(place: str) -> Block:
    """Return the news that a block is damaged."""
    return Block(place, 0.0, 0.0, np.empty((0, 3), np.float32), damaged=True)
