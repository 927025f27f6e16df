"""Find how a sensor is mounted on its wearer from standing still and walking.

Standing still shows where up is. While somebody walks, the body speeds up and slows down along its way once a step,
and rises and falls as often; the one follows the other by the same part of a step in everybody. So the cross-spectrum
of vertical and horizontal acceleration at the step frequency, a pair of complex numbers, is the same for all mountings
but for a rotation about the vertical, and the rotation that makes it the `_GAIT` of other people is the heading.

Source of the idea that the phase tells forward from backward: Kunze et al., Which Way Am I Facing, ISWC 2009.
"""

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.errors import DataError
from edgehar.models.mounting.frame import Frame, level_axes
from edgehar.models.mounting.rotation import Mounting
from edgehar.models.sensing.gravity import PLAUSIBLE_LENGTH_G

STILL_S: Final = 2.0
WALKING_S: Final = 8.0
"""How long somebody stands and walks at least; ten seconds of walking are what the prompts ask for."""

_GAIT: Final = (-0.225 + 0.504j, -0.148 + 0.38j)
"""Forward and sideways acceleration over vertical one at the step frequency: a mean over people (tools/fit_gait.py)."""
_STEPS_HZ: Final = (1.2, 3.0)
_SMEARED: Final = 3
"""Bins beside the peak that the taper spreads a rhythm over."""
_LEAST_AGREEMENT: Final = 0.6
"""Share of the horizontal rhythm that must turn into everybody else's."""
_MOST_APART_DEG: Final = 60.0
"""Between the headings of both halves of a walk: of 190 walks of ten seconds (USC-HAD) 95 % differ by 10 at most, two
have one half the wrong way round."""
_MOST_STILL_G: Final = 0.1
_LEAST_STEP_G: Final = 0.04
_MOST_TURNED_DEG: Final = 40.0

Vector = NDArray[np.float64]
Samples = NDArray[Any]


def find_mounting(still: Samples, walking: Samples, *, rate_hz: float, frame: Frame, wearer: str = "") -> Mounting:
    """Find how a sensor is mounted.

    Parameters
    ----------
    still : ndarray of shape (n, 3), in g
        Two seconds or more of standing.
    walking : ndarray of shape (m, 3), in g
        Eight seconds or more of walking straight ahead.
    rate_hz
        Of both; 10 Hz or more.
    frame
        The model's.
    wearer
        Who wears it.

    Raises
    ------
    DataError
        If the wearer did not stand still, did not walk, or the walk tells no direction.
    """
    gravity = _gravity(still, rate_hz)
    if not rate_hz >= 10 or len(walking) < WALKING_S * rate_hz:
        raise DataError(
            f"mounting: expected {WALKING_S:g} s of walking or more at 10 Hz or more, got {len(walking) / rate_hz:.1f} "
            f"s at {rate_hz:g} Hz",
            next_step="Stand still, then walk ten seconds straight ahead.",
        )
    up = upright(gravity, np.asarray(walking, np.float64).mean(axis=0))
    # Any two level axes will do: how far they are off the heading is what is looked for.
    leveled = level_axes(up, np.eye(3)[int(np.abs(up).argmin())])
    level = np.asarray(walking, np.float64) @ leveled.T
    heading_rad, agreement = _heading(gait_ratios(level, rate_hz))
    if agreement < _LEAST_AGREEMENT:
        raise DataError(
            f"mounting: expected a walk whose steps tell forward from backward, this one agrees with other people's by "
            f"{agreement:.0%} only",
            next_step="Fasten the sensor, stand still, then walk ten seconds straight ahead at your usual pace.",
            agreement=agreement,
        )
    apart_deg = _apart_deg(level, rate_hz)
    if apart_deg > _MOST_APART_DEG:
        raise DataError(
            f"mounting: expected one direction of walking, both halves of the walk differ by {apart_deg:.0f}°",
            next_step="Fasten the sensor, stand still, then walk ten seconds straight ahead without turning.",
            apart_deg=apart_deg,
        )
    cosine, sine = math.cos(heading_rad), math.sin(heading_rad)
    turned = np.array([[1, 0, 0], [0, cosine, sine], [0, -sine, cosine]]) @ leveled
    rows = (frame.axes.T @ turned).tolist()
    return Mounting(tuple((x, y, z) for x, y, z in rows), agreement, wearer)


def _gravity(still: Samples, rate_hz: float) -> Vector:
    """Return where gravity is while somebody stands, once it is sure that they did."""
    values = np.asarray(still, np.float64)
    advice = "Stand still for three seconds, then walk ten seconds straight ahead."
    if len(values) < STILL_S * rate_hz:
        raise DataError(
            f"mounting: expected {STILL_S:g} s of standing still or more, got {len(values) / rate_hz:.1f} s",
            next_step=advice,
        )
    # People shift their weight: the stretches of two seconds in which they do not say how they stand.
    size, hop = round(STILL_S * rate_hz), max(1, round(STILL_S * rate_hz / 4))
    stretches = np.lib.stride_tricks.sliding_window_view(values, size, axis=0)[::hop]
    restlessness = np.sqrt(stretches.var(axis=2).sum(axis=1))
    restless = float(restlessness.min())
    gravity: Vector = stretches[restlessness <= max(restless, _MOST_STILL_G)].mean(axis=(0, 2))
    length = float(np.linalg.norm(gravity))
    low, high = PLAUSIBLE_LENGTH_G
    if not low <= length <= high:
        raise DataError(
            f"mounting: expected gravity of about 1 g while standing, got {length:.3g} g",
            next_step="Check the unit of the sensor.",
        )
    if not restless <= _MOST_STILL_G:
        raise DataError(
            f"mounting: expected standing still, the sensor moves by {restless:.2f} g",
            next_step=advice,
        )
    return gravity


def upright(standing: Vector, walking: Vector) -> Vector:
    """Return where up is for somebody who does both: a hip leans otherwise in each."""
    one, other = standing / np.linalg.norm(standing), walking / max(1e-9, float(np.linalg.norm(walking)))
    if one @ other < math.cos(math.radians(_MOST_TURNED_DEG)):
        raise DataError(
            f"mounting: expected the sensor to stay as it is, between standing and walking gravity turned by more than "
            f"{_MOST_TURNED_DEG:g}°",
            next_step="Fasten the sensor, stand still, then walk ten seconds straight ahead.",
        )
    middle: Vector = (one + other) / np.linalg.norm(one + other)
    return middle


def gait_ratios(leveled: Vector, rate_hz: float) -> NDArray[np.complex128]:
    """Return both level accelerations over the vertical one at the step frequency."""
    tapered = (leveled - leveled.mean(axis=0)) * np.hanning(len(leveled))[:, None]
    spectrum = np.fft.rfft(tapered, axis=0)
    frequencies_hz = np.fft.rfftfreq(len(leveled), 1 / rate_hz)
    inside = np.flatnonzero((frequencies_hz >= _STEPS_HZ[0]) & (frequencies_hz <= _STEPS_HZ[1]))
    peak = int(inside[np.abs(spectrum[inside, 0]).argmax()])
    amplitude_g = 4 * float(np.abs(spectrum[peak, 0])) / len(leveled)
    if amplitude_g < _LEAST_STEP_G:
        raise DataError(
            f"mounting: expected steps that move it up and down by {_LEAST_STEP_G} g or more, got {amplitude_g:.3f}",
            next_step="Stand still, then walk ten seconds straight ahead.",
        )
    near = slice(max(0, peak - _SMEARED), peak + _SMEARED + 1)
    vertical = spectrum[near, 0]
    crossed = (spectrum[near, 1:] * vertical.conj()[:, None]).sum(axis=0)
    return np.asarray(crossed / np.square(np.abs(vertical)).sum(), np.complex128)


def _apart_deg(level: Vector, rate_hz: float) -> float:
    """Return by how much the headings differ that the two halves of a walk tell."""
    half = len(level) // 2
    one, other = (_heading(gait_ratios(part, rate_hz))[0] for part in (level[:half], level[half:]))
    return math.degrees(abs(math.remainder(one - other, 2 * math.pi)))


def _heading(ratios: NDArray[np.complex128]) -> tuple[float, float]:
    """Return the angle of the forward axis from the first level axis, and how well the rest fits.

    A rotation multiplies the two circular components by opposite phases, so that the best one is an argument.
    """
    forward, sideways = _GAIT
    turning = (ratios[0] + 1j * ratios[1]) * np.conj(forward + 1j * sideways)
    returning = (ratios[0] - 1j * ratios[1]) * np.conj(forward - 1j * sideways)
    score = turning + np.conj(returning)
    size = 2 * float(np.linalg.norm(ratios)) * float(np.linalg.norm(_GAIT))
    return float(np.angle(score)), min(1.0, float(np.abs(score)) / size) if size else 0.0
