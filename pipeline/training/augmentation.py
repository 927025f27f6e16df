"""Augmentation: what else a window could have looked like, had it begun earlier or had the sensor sat differently.

No axis is ever mirrored (left and right would change places), and nothing is normalised per window (the direction of
gravity says how somebody sits, stands or lies).
"""

import numpy as np
from numpy.typing import NDArray

Rotations = NDArray[np.float32]


def random_offsets(count: int, *, largest: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return by how many samples to move each window, uniform from -largest to +largest."""
    return rng.integers(-largest, largest, size=count, endpoint=True)


def random_rotations(count: int, *, deviation_deg: float, rng: np.random.Generator) -> Rotations:
    """Return rotation matrices around uniformly random axes, by normally distributed angles.

    Returns
    -------
    ndarray of shape (count, 3, 3), float32
        ``window @ rotation.T`` turns a window of shape (samples, 3).

    Notes
    -----
    Rodrigues' formula: R = I + sin(a) K + (1 - cos(a)) K², K the cross-product matrix of the axis.

    Examples
    --------
    >>> turned = random_rotations(5, deviation_deg=20.0, rng=np.random.default_rng(0))
    >>> bool(np.allclose(turned @ turned.swapaxes(1, 2), np.eye(3), atol=1e-6))
    True
    """
    axes = rng.normal(size=(count, 3))
    axes /= np.linalg.norm(axes, axis=1, keepdims=True)
    angles = rng.normal(scale=np.deg2rad(deviation_deg), size=(count, 1, 1))
    cross = np.zeros((count, 3, 3))
    x, y, z = axes.T
    cross[:, 0, 1], cross[:, 0, 2], cross[:, 1, 2] = -z, y, -x
    cross -= cross.swapaxes(1, 2)
    rotations = np.eye(3) + np.sin(angles) * cross + (1 - np.cos(angles)) * (cross @ cross)
    return rotations.astype(np.float32)
