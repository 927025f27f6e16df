"""The frame of a model: which way is up and which way is forward in its axes."""

import itertools
import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.bundle.manifest import Manifest
from edgehar.models.errors import DataError
from edgehar.models.foreign_text import printable

UPRIGHT: Final = "upright_g"
"""Key of a bundle's configuration: the mean acceleration of the people it learned from while they stood and walked."""

_NAMES: Final = ("x", "y", "z")
_MOST_TILT_DEG: Final = 35.0

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """Where up and forward are for a model.

    Parameters
    ----------
    up, forward : ndarray of shape (3,), float64
        Unit vectors, not parallel. ``up`` is where acceleration at rest points while the wearer stands.
    """

    up: Vector
    forward: Vector

    @classmethod
    def of_model(cls, manifest: Manifest) -> "Frame":
        """Return the frame a model was trained in, as far as its bundle says it.

        The axes come from the words of ``window.mounting``, such as ``x up, y forward`` or ``x-gravity,
        y-walking-direction``. No hip is upright: up is what the people learned from felt while they stood and walked,
        if the bundle keeps it (`UPRIGHT`), else the mean of all training samples; either only where it is near the
        axis that is named.

        Raises
        ------
        DataError
            If the bundle does not name the axes.
        """
        words = manifest.window.mounting.lower().replace("-", " ").replace(",", " ").split()
        up, forward = _axis(words, ("up", "gravity")), _axis(words, ("forward", "walking"))
        if up is None or forward is None or up == forward:
            raise DataError(
                f"mounting: expected a model that says which axis points up and which forward, it says "
                f"{printable(manifest.window.mounting, 120)!r}",
                next_step="Mount the sensor as in the recordings the model was trained on.",
            )
        axes = np.eye(3)
        mean_g = np.array(manifest.normalization.mean_g[: len(_NAMES)])
        for mean in (_vector(manifest.provenance.configuration.get(UPRIGHT)), mean_g):
            length = 0.0 if mean is None else float(np.linalg.norm(mean))
            if mean is not None and length > 0 and _angle_deg(mean, axes[up]) <= _MOST_TILT_DEG:
                return cls(mean / length, axes[forward])
        return cls(axes[up], axes[forward])

    @property
    def axes(self) -> NDArray[np.float64]:
        """Up, level forward and level sideways, as the rows of a rotation."""
        return level_axes(self.up, self.forward)


def level_axes(up: Vector, forward: Vector) -> NDArray[np.float64]:
    """Return up, forward made level, and sideways as rows of a rotation."""
    ahead = forward - (forward @ up) * up
    ahead /= np.linalg.norm(ahead)
    return np.stack([up, ahead, np.cross(up, ahead)])


def _vector(value: object) -> Vector | None:
    """Return three finite numbers of a bundle's configuration, which is a stranger's, or None."""
    if not isinstance(value, list) or len(value) != 3 or not all(type(each) in (int, float) for each in value):
        return None
    found = np.array(value, np.float64)
    return found if np.isfinite(found).all() else None


def _axis(words: list[str], meanings: tuple[str, ...]) -> int | None:
    """Return which axis is named just before a word with one of the meanings."""
    for name, meaning in itertools.pairwise(words):
        if name in _NAMES and meaning in meanings:
            return _NAMES.index(name)
    return None


def _angle_deg(one: Vector, other: Vector) -> float:
    """Return the angle between two vectors."""
    cosine = float(one @ other) / float(np.linalg.norm(one) * np.linalg.norm(other))
    return math.degrees(math.acos(min(1.0, max(-1.0, cosine))))
