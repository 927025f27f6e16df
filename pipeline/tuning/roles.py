"""What names of labels tell about a decoder: which are an elevator's, and how long people do such things.

It is told by the data set that names them so, and written into the bundle once.
"""

from collections.abc import Sequence
from typing import Final

from edgehar.models.bundle.manifest import DecoderSpec, PushSpec
from edgehar.models.decoder import UNDECODED

ELEVATORS: Final = (("Elevator Up", "Elevator Down"),)
"""Up and down, as USC-HAD names them."""


STAY_S: Final = 10.0
EVIDENCE: Final = 0.8
"""How long people stay with one of USC-HAD's activities, and the exponent of a window's posterior where one begins
every second: what people who had not been learned from chose, in all runs near these (decision 62)."""


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


def first_decoder(labels: Sequence[str], *, hop_s: float) -> DecoderSpec:
    """Return the decoder of a model that was just trained: what is known of its labels, nothing where they are new.

    Parameters
    ----------
    labels
        Of the model.
    hop_s
        Seconds from one window to the next.

    Examples
    --------
    >>> first_decoder(("Sitting", "Elevator Up", "Elevator Down"), hop_s=1.0).stay_probability
    0.9
    >>> first_decoder(("clap", "wave"), hop_s=1.0).is_markov
    False
    """
    push = push_of(labels)
    if push is None:
        return UNDECODED
    stay = max(1 / len(labels), 1 - hop_s / STAY_S)
    return DecoderSpec(1, 0.0, 1, (), stay, max(1.0, 1 / (EVIDENCE * hop_s)), push)
