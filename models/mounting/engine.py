"""An engine that is given windows as a wearer's sensor feels them, and turns them into the model's axes."""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edgehar.models.mounting.rotation import Mounting


class Predictor(Protocol):
    """The part of an engine that is needed here."""

    def predict(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return probabilities (n, n_classes) of windows (n, length, 3) in g, or (n, length, 6) in g and degrees/s."""
        ...


class MountedEngine:
    """Predict of windows that a mounting turns first.

    A rotation changes no length: what looks at the length of the acceleration, such as the check of the unit or the
    detector of elevators, needs no mounting.
    """

    def __init__(self, engine: Predictor, mounting: Mounting) -> None:
        self._engine, self._mounting = engine, mounting

    def predict(self, windows: NDArray[Any]) -> NDArray[np.float32]:
        """Return probabilities (n, n_classes) of windows (n, length, channels) in the axes of the wearer's sensor."""
        return self._engine.predict(np.ascontiguousarray(self._mounting.apply(windows)))
