"""What carries a model's state: from samples and the states before them to outputs and the states after them."""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edgehar.models.architecture import Architecture
from edgehar.models.architecture.stateful import states_of

States = dict[str, NDArray[Any]]
"""Of every name of `edgehar.models.architecture.stateful.states_of` an array (1, units)."""


class Stream(Protocol):
    """A loaded artifact that keeps nothing itself: all state goes in and comes out."""

    name: str
    runtime: str
    artifact: str
    quantization: str

    block: int
    """Samples that it takes at once; 1 for any number."""

    state_type: type[np.floating[Any]]
    """Type that holds its states without rounding."""

    def step(self, samples: NDArray[np.float32], states: States) -> tuple[NDArray[np.float32], States]:
        """Return the outputs after samples (n, channels), n a multiple of `block`, and the states then."""


def whole_windows(
    stream: Stream, architecture: Architecture, windows: NDArray[np.float32], *, at_once: int | None = None
) -> NDArray[np.float32]:
    """Return the outputs of windows (n, steps, channels), each stepped through from zeros, ``at_once`` samples a call.

    By default a whole window is one call.
    """
    size = windows.shape[1] if at_once is None else at_once
    outputs = []
    for window in windows:
        states: States = {
            state.name: np.zeros((1, state.units), stream.state_type) for state in states_of(architecture)
        }
        parts = []
        for start in range(0, len(window), size):
            found, states = stream.step(window[start : start + size], states)
            parts.append(found)
        outputs.append(np.concatenate(parts) if len(architecture.output_shape) > 1 else parts[-1])
    return np.stack(outputs)
