"""Which labels are an elevator's: told by the data set that names them, and written into the bundle once."""

from collections.abc import Sequence
from typing import Final

from edgehar.models.bundle.manifest import DecoderSpec, PushSpec
from edgehar.models.decoder import UNDECODED

ELEVATORS: Final = (("Elevator Up", "Elevator Down"),)
"""Up and down, as USC-HAD names them."""


def push_of(labels: Sequence[str]) -> PushSpec | None:
    """Return how the elevators among some labels are told apart; None where there are none.

    Examples
    --------
    >>> push_of(("Sitting", "Elevator Up", "Elevator Down")).up
    'Elevator Up'
    >>> push_of(("Sitting", "Elevator Up")) is None
    True
    """
    for up, down in ELEVATORS:
        if {up, down} <= set(labels):
            return PushSpec(up, down)
    return None


def first_decoder(labels: Sequence[str]) -> DecoderSpec:
    """Return the decoder of a model that was just trained: elevators are told apart, nothing is smoothed."""
    push = push_of(labels)
    return UNDECODED if push is None else DecoderSpec(1, 0.0, 1, push=push)
