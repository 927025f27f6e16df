"""What a sensor may do otherwise than in the recordings: windows as another mounting, rate, range or line gives them.

Every perturbation takes windows in g and returns as many of the same shape. A wearer mounts a sensor once, so a
perturbation is drawn once for each person (`perturbed`), not for each window.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from edgehar.models.contract import STANDARD_GRAVITY_M_S2
from edgehar.pipeline.data.recordings import in_natural_order

Windows = npt.NDArray[np.float32]
Change = Callable[[Windows, np.random.Generator], Windows]


@dataclass(frozen=True, slots=True)
class Perturbation:
    """One thing that goes otherwise: its name, a sentence that says what is done, and what does it."""

    name: str
    meaning: str
    change: Change


def rotated(windows: Windows, angle_deg: float, axis: npt.ArrayLike) -> Windows:
    """Return windows of a sensor that is turned by an angle about an axis (Rodrigues' formula).

    Parameters
    ----------
    windows : ndarray of shape (n, length, 3), float32, in g; or of six channels, the last a turning rate
    angle_deg
        In degrees.
    axis : array-like of shape (3,)
        Not all zero.

    Examples
    --------
    >>> rotated(np.array([[[1.0, 0.0, 0.0]]], np.float32), 90, [0, 0, 1]).round(6).tolist()
    [[[0.0, 1.0, 0.0]]]
    """
    x, y, z = np.asarray(axis, np.float64) / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    angle = np.radians(angle_deg)
    matrix = np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * (cross @ cross)
    vectors = np.split(windows, range(3, windows.shape[2], 3), axis=2)
    return np.concatenate([vector @ matrix.T for vector in vectors], axis=2).astype(np.float32)


def with_axes_swapped(windows: Windows) -> Windows:
    """Return windows of a sensor whose first two axes are exchanged.

    That is a reflection: it turns round the sense of a turning rate, a pseudovector, too (docs/protocol.md).
    """
    order = np.arange(windows.shape[2]).reshape(-1, 3)[:, [1, 0, 2]].ravel()
    exchanged = windows[:, :, order]
    exchanged[:, :, 3:] *= -1
    return exchanged


def sampled_fast(windows: Windows, share: float) -> Windows:
    """Return what windows of the same length hold if the sensor runs fast by a share: less time, stretched.

    Between two samples values are interpolated on a straight line.
    """
    length = windows.shape[1]
    places = np.arange(length) / (1 + share)
    before = np.floor(places).astype(np.int64)
    after = np.minimum(before + 1, length - 1)
    part = (places - before).astype(np.float32)[None, :, None]
    return windows[:, before] * (1 - part) + windows[:, after] * part


def clipped(windows: Windows, limit_g: float) -> Windows:
    """Return windows of an accelerometer that measures no more than a limit on each axis."""
    return _with_acceleration(windows, np.clip(windows[:, :, :3], -limit_g, limit_g))


def in_steps(windows: Windows, step_g: float) -> Windows:
    """Return windows whose acceleration is rounded to whole steps, halves away from zero."""
    values = windows[:, :, :3]
    return _with_acceleration(windows, np.copysign(np.floor(np.abs(values) / step_g + 0.5) * step_g, values))


def _with_acceleration(windows: Windows, values: npt.NDArray[Any]) -> Windows:
    """Return windows with other acceleration; a turning rate behind it stays."""
    return np.concatenate([values.astype(np.float32), windows[:, :, 3:]], axis=2)


def with_lost_samples(windows: Windows, share: float, generator: np.random.Generator) -> Windows:
    """Return windows that lost a share of their samples at random, bridged on a straight line, as live use does.

    The first and the last sample of a window stay.
    """
    count, length, _ = windows.shape
    lost = generator.random((count, length)) < share
    lost[:, [0, -1]] = False
    places = np.arange(length)
    bridged = windows.copy()
    for window, missing in zip(bridged, lost, strict=True):
        kept = ~missing
        for axis in range(window.shape[1]):
            window[missing, axis] = np.interp(places[missing], places[kept], window[kept, axis])
    return bridged


def _turned(angle_deg: float) -> Change:
    """Return a rotation about an axis that is drawn for each person."""
    return lambda windows, generator: rotated(windows, angle_deg, generator.normal(size=3))


_STEP_8_BITS_G: Final = 8 / 256

PERTURBATIONS: Final = (
    *(
        Perturbation(
            f"turned by {angle}°", f"the sensor turned by {angle}° about an axis drawn for each person", _turned(angle)
        )
        for angle in (15, 30, 90, 180)
    ),
    Perturbation("x and y exchanged", "the first two axes exchanged", lambda windows, _: with_axes_swapped(windows)),
    Perturbation(
        "rate wrong by 5 %",
        "the sensor runs 5 % faster than it says",
        lambda windows, _: sampled_fast(windows, 0.05),
    ),
    Perturbation("clipped at ±2 g", "values beyond ±2 g cut off", lambda windows, _: clipped(windows, 2.0)),
    Perturbation(
        "8 bits",
        "8 bits over ±4 g, steps of 31 mg",
        lambda windows, _: in_steps(clipped(windows, 4.0), _STEP_8_BITS_G),
    ),
    Perturbation(
        "rounded to 0.1 m/s²",
        "one decimal in m/s², as some apps write it",
        lambda windows, _: in_steps(windows, 0.1 / STANDARD_GRAVITY_M_S2),
    ),
    Perturbation(
        "5 % of samples lost",
        "each sample lost with a probability of 5 %, holes bridged on a straight line",
        lambda windows, generator: with_lost_samples(windows, 0.05, generator),
    ),
)
"""What `har report` tries."""


def perturbed(
    perturbation: Perturbation, windows: Windows, subjects: npt.NDArray[np.str_], *, seed: int = 0
) -> Windows:
    """Return windows changed by a perturbation, drawn once for each person.

    Parameters
    ----------
    perturbation
        What to do.
    windows : ndarray of shape (n, length, 3), float32, in g
    subjects : ndarray of shape (n,)
        Whose windows they are.
    seed
        The same seed draws the same.
    """
    changed = np.empty_like(windows)
    for name, generator in _generators(subjects, seed).items():
        own = subjects == name
        changed[own] = perturbation.change(windows[own], generator)
    return changed


def perturbed_samples(
    perturbation: Perturbation, subjects: npt.NDArray[np.str_], *, seed: int = 0
) -> Callable[[str, npt.NDArray[Any]], npt.NDArray[Any]]:
    """Return what changes a person's samples, of shape (n, 3), as `perturbed` changes the windows of these people."""

    def change(subject: str, samples: npt.NDArray[Any]) -> npt.NDArray[Any]:
        windows = np.asarray(samples, np.float32)[None]
        changed = perturbation.change(windows, _generators(subjects, seed)[subject])
        return np.asarray(changed[0])

    return change


def _generators(subjects: npt.NDArray[np.str_], seed: int) -> dict[str, np.random.Generator]:
    """Return the source of what is drawn for each person."""
    names = in_natural_order(np.unique(subjects).tolist())
    return {name: np.random.default_rng([seed, number]) for number, name in enumerate(names)}
