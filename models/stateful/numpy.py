"""Carry state with the weights of the bundle, in NumPy."""

import numpy as np
from numpy.typing import NDArray

from edgehar.models.bundle import WEIGHTS, Bundle
from edgehar.models.bundle.manifest import ArtifactEntry
from edgehar.models.engines.numpy import runtime_version
from edgehar.models.reference.stateful import step
from edgehar.models.stateful.stream import States


class NumPyStream:
    """Runs the folded weights; see `edgehar.models.stateful.stream.Stream`."""

    name = "numpy"
    artifact = WEIGHTS
    quantization = "float32"
    block = 1
    state_type = np.float32

    def __init__(self, bundle: Bundle) -> None:
        self.runtime = runtime_version()
        self._architecture, self._weights = bundle.manifest.architecture, bundle.folded_weights

    def step(self, samples: NDArray[np.float32], states: States) -> tuple[NDArray[np.float32], States]:
        """Return the outputs after samples, and the states then."""
        outputs, after = step(self._architecture, self._weights, samples[np.newaxis], states, dtype=np.float32)
        return outputs[0], after


def numpy_stream(bundle: Bundle, artifact: ArtifactEntry | None) -> NumPyStream:
    """Return the stream of a bundle's weights."""
    return NumPyStream(bundle)
