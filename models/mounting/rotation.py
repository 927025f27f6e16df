"""A mounting: the rotation from a wearer's sensor to the axes of a model, and the file that keeps it."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.errors import DataError
from edgehar.models.files import atomic_path
from edgehar.models.foreign_text import printable

FORMAT: Final = "edgehar mounting"
SCHEMA: Final = "1.0"
_MOST_BYTES: Final = 64 * 1024
_ORTHOGONAL: Final = 1e-3


@dataclass(frozen=True, slots=True)
class Mounting:
    """The rotation from the axes of a wearer's sensor to those of a model.

    Parameters
    ----------
    rotation
        Three rows; ``rotation @ acceleration`` is the acceleration as the model knows it. A rotation turns the turning
        rate of a gyroscope alike; only a reflection would not, and a mounting is none.
    agreement
        How much of the horizontal rhythm of walking turned into everybody else's, 0 to 1.
    wearer
        Who wore it; empty if unknown.

    Examples
    --------
    >>> turned = Mounting(((0.0, 1.0, 0.0), (-1.0, 0.0, 0.0), (0.0, 0.0, 1.0)), 1.0, "7")
    >>> turned.apply(np.array([[0.0, 1.0, 0.0]], np.float32)).tolist()
    [[1.0, 0.0, 0.0]]
    """

    rotation: tuple[tuple[float, float, float], ...]
    agreement: float
    wearer: str = ""

    def __post_init__(self) -> None:
        matrix = np.array(self.rotation, np.float64)
        fits = matrix.shape == (3, 3) and bool(np.isfinite(matrix).all())
        if not fits or np.abs(matrix @ matrix.T - np.eye(3)).max() > _ORTHOGONAL or np.linalg.det(matrix) < 0:
            raise DataError(
                "mounting: expected a rotation of three rows that does not mirror, got something else",
                next_step="Find the mounting again: stand still, then walk ten seconds.",
            )
        if not 0 <= self.agreement <= 1:
            raise DataError(f"mounting: expected an agreement from 0 to 1, got {self.agreement}")

    @property
    def matrix(self) -> NDArray[np.float64]:
        """The rotation as an array of shape (3, 3)."""
        return np.array(self.rotation, np.float64)

    def of_channels(self, channels: int) -> NDArray[np.float64]:
        """Return the rotation of samples of so many channels, (channels, channels): every three of them are a vector.

        Examples
        --------
        >>> turned = Mounting(((0.0, 1.0, 0.0), (-1.0, 0.0, 0.0), (0.0, 0.0, 1.0)), 1.0, "7")
        >>> (turned.of_channels(6) @ [0.0, 1.0, 0.0, 0.0, 90.0, 0.0]).tolist()
        [1.0, 0.0, 0.0, 90.0, 0.0, 0.0]
        """
        return np.asarray(np.kron(np.eye(channels // 3), self.matrix), np.float64)

    @property
    def angle_deg(self) -> float:
        """By how much the sensor is turned against the model's frame."""
        return math.degrees(math.acos(min(1.0, max(-1.0, (float(np.trace(self.matrix)) - 1) / 2))))

    def apply(self, samples: NDArray[Any]) -> NDArray[np.float32]:
        """Return samples of shape (..., 3) or (..., 6), acceleration and turning rate, in the frame of the model."""
        vectors = samples.reshape(*samples.shape[:-1], -1, 3)
        return np.asarray(vectors @ self.matrix.T, np.float32).reshape(samples.shape)

    def save(self, path: Path) -> None:
        """Write the mounting as a small JSON file, whole or not at all."""
        facts = {
            "format": FORMAT,
            "schema": SCHEMA,
            "wearer": self.wearer,
            "agreement": self.agreement,
            "rotation": [list(row) for row in self.rotation],
        }
        with atomic_path(path) as temporary:
            temporary.write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read_mounting(path: Path) -> Mounting:
    """Read what `Mounting.save` wrote.

    Raises
    ------
    DataError
        If there is no such file, or it holds something else.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ValueError(f"it is larger than {_MOST_BYTES:,} bytes")
        found = json.loads(path.read_bytes())
        if not isinstance(found, dict) or found.get("format") != FORMAT:
            raise ValueError("it does not say that it is one")
        if str(found.get("schema")).partition(".")[0] != SCHEMA.partition(".")[0]:
            raise ValueError(f"it is of schema {printable(str(found.get('schema')), 20)}, this version reads {SCHEMA}")
        rows = [[_number(value) for value in row] for row in found["rotation"]]
        first, second, third = ((x, y, z) for x, y, z in rows)
        return Mounting((first, second, third), _number(found["agreement"]), printable(str(found["wearer"]), 120))
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise DataError(
            f"{path}: expected a mounting, got something else ({printable(str(error), 120)})",
            next_step="Find the mounting again: stand still, then walk ten seconds.",
            path=str(path),
        ) from error


def _number(value: Any) -> float:
    """Return a number of JSON as a float; True is none."""
    if type(value) not in (int, float):
        raise ValueError(f"expected a number, got {value!r:.20}")
    return float(value)
