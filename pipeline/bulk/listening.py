"""Elevators in the parts of a recording: a part begins to listen some way before it, and is held to the one before it.

What a detector remembers of a stream depends on all of it; but movement and time make it forget, so that two detectors
that began apart become equal. A part says what it remembered where it begins and where the next one begins: where these
are equal, its directions are those of the whole stream, to the bit; where they are not, the part is listened to again.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from edgehar.models.batch_decoding import listen
from edgehar.models.bundle.manifest import PushSpec
from edgehar.models.decoder.push import AT_REST, PushState
from edgehar.pipeline.bulk.stretches import Samples

BEFORE_SAMPLES: Final = 2**17
"""Twenty minutes at 100 Hz: the slow baseline, of twenty seconds, has forgotten where it began long before."""


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """What was heard in a part.

    Parameters
    ----------
    directions
        At the last sample of each window.
    before, after
        What was remembered where the part begins, and where the next one does.
    """

    directions: npt.NDArray[np.int8]
    before: PushState
    after: PushState


class Listener:
    """Listen to a part, block by block.

    Parameters
    ----------
    spec, rate_hz
        Of the decoder and the model.
    early
        How many samples come before the part.
    samples
        From where the part begins to where the next one does; None where none follows.
    ends
        Positions in the part of the last samples of its windows: the first one, and how far they are apart.
    state
        What is remembered before the first sample.
    """

    def __init__(
        self,
        spec: PushSpec,
        *,
        rate_hz: float,
        early: int,
        samples: int | None,
        ends: tuple[int, int],
        state: PushState = AT_REST,
    ) -> None:
        self._spec, self._rate_hz, self._state = spec, rate_hz, state
        self._at = -early
        self._ends = ends
        self._marks = {0: state} if samples is None else {0: state, samples: state}
        self._found: list[npt.NDArray[np.int8]] = []

    def feed(self, block: Samples) -> None:
        """Take the next samples."""
        while len(block):
            mark = next((mark for mark in self._marks if self._at < mark < self._at + len(block)), None)
            taken = len(block) if mark is None else mark - self._at
            directions, self._state = listen(self._spec, block[:taken], rate_hz=self._rate_hz, state=self._state)
            first, hop = self._ends
            next_end = first + max(0, -(-(self._at - first) // hop)) * hop
            self._found.append(directions[next_end - self._at :: hop].copy())
            self._at += taken
            block = block[taken:]
            if self._at in self._marks:
                self._marks[self._at] = self._state

    def heard(self, windows: int) -> Heard:
        """Return what was heard at the ends of so many windows."""
        found = np.concatenate(self._found) if self._found else np.empty(0, np.int8)
        before, *after = self._marks.values()
        return Heard(found[:windows], before, after[0] if after else self._state)
