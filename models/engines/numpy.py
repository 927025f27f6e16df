"""The NumPy engine: the weights of the bundle, run by the oracle's own code in float32. Needs nothing but NumPy."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.bundle import WEIGHTS, Bundle
from edgehar.models.bundle.manifest import ArtifactEntry
from edgehar.models.engines import check_windows
from edgehar.models.reference import forward

_MOST_WINDOWS: Final = 1024
_NUMBERS: Final = 2**25
"""Numbers that a batch may become in a layer: 128 MiB, however large the model."""


def runtime_version() -> str:
    """Return the library and its version."""
    return f"numpy {np.__version__}"


class NumPyEngine:
    """Runs the folded weights; see `edgehar.models.engines.Engine`."""

    name = "numpy"
    artifact = WEIGHTS
    quantization = "float32"

    def __init__(self, bundle: Bundle, artifact: ArtifactEntry | None = None, *, threads: int = 1) -> None:
        self.runtime = runtime_version()
        self._bundle = bundle
        self._weights = bundle.folded_weights
        most = bundle.manifest.architecture.most_numbers
        self._batch = max(1, min(_MOST_WINDOWS, _NUMBERS // most))

    def predict(self, windows: NDArray[Any]) -> NDArray[np.float32]:
        """Return (n_windows, n_classes) probabilities of windows (n_windows, window_length, channels) in g."""
        architecture = self._bundle.manifest.architecture
        values = check_windows(windows, self._bundle)
        outputs = np.empty((len(values), architecture.classes), np.float32)
        for start in range(0, len(values), self._batch):
            part = values[start : start + self._batch]
            outputs[start : start + self._batch] = forward(architecture, self._weights, part, dtype=np.float32)
        return outputs
