"""Augmentation: what else a window could have looked like, had it begun earlier or had the sensor sat differently.

No axis is ever mirrored (left and right would change places), and nothing is normalised per window (the direction of
gravity says how somebody sits, stands or lies).
"""

import numpy as np
from numpy.typing import NDArray

from edgehar.pipeline.data.windows import Indices, Windows

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


def turned(values: NDArray[np.float32], rotations: Rotations) -> NDArray[np.float32]:
    """Return windows (n, samples, channels) turned, each by its own rotation.

    A sensor that sits otherwise feels the turning about its own axes, as it feels gravity along them: every three
    channels are a vector.
    """
    turns = rotations.swapaxes(1, 2)
    vectors = np.split(values, range(3, values.shape[2], 3), axis=2)
    return np.concatenate([vector @ turns for vector in vectors], axis=2)


def random_stretches(count: int, *, most: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return how much time each window takes, as a factor: as often 1 + most as 1 / (1 + most), and between."""
    return np.asarray(np.exp(rng.uniform(-1.0, 1.0, count) * np.log1p(most)), np.float64)


def stretched_windows(
    windows: Windows, chosen: Indices, *, offsets: NDArray[np.int64], factors: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Return windows that take more or less time than their length, resampled on straight lines to that length.

    Parameters
    ----------
    windows, chosen
        Where they come from, and which.
    offsets : ndarray of shape (n,)
        By how many samples the middle of each is moved; a window stays inside its segment.
    factors : ndarray of shape (n,)
        Of time; above 1 movement gets faster. One that does not fit into the segment is made smaller.

    Returns
    -------
    ndarray of shape (n, window_length, 3), float32, in g
    """
    steps = windows.window_length - 1
    first, last = windows.segment_starts[chosen], windows.segment_stops[chosen] - 1
    spans = np.minimum(factors * steps, last - first)
    begins = np.clip(windows.starts[chosen] + offsets + (steps - spans) / 2, first, last - spans)
    places = begins[:, None] + spans[:, None] * (np.arange(steps + 1) / steps)
    before = np.minimum(places.astype(np.int64), last[:, None])
    after = np.minimum(before + 1, last[:, None])
    part = (places - before).astype(np.float32)[:, :, None]
    return np.asarray(windows.samples[before] * (1 - part) + windows.samples[after] * part, np.float32)


def mixed(
    values: NDArray[np.float32], targets: NDArray[np.float32], *, concentration: float, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return windows mixed in pairs, and their targets in the same shares, drawn from Beta(c, c).

    Targets are of whole windows (n, classes), or of steps (n, steps, classes).

    Source: Zhang et al., mixup: Beyond Empirical Risk Minimization, ICLR 2018, equation 1.
    """
    shares = rng.beta(concentration, concentration, len(values)).astype(np.float32)
    others, shares = rng.permutation(len(values)), np.maximum(shares, 1 - shares)
    wide, high = shares[:, None, None], shares.reshape(-1, *[1] * (targets.ndim - 1))
    return wide * values + (1 - wide) * values[others], high * targets + (1 - high) * targets[others]
