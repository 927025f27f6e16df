"""A virtual person: what a sensor feels of a body that walks, climbs, runs, jumps, sits, stands, lies and rides.

This is a caricature with the right kinds of structure, not a biomechanical model. What is put in, and why:

* gravity, turned by posture: the strongest cue for sitting, standing and lying;
* gait as two harmonics of the step and one of the stride, with a cadence that wanders and steps that differ;
* contact and flight in running and jumping: the sensor feels nothing in flight, so the contact must average to 1 g;
* the transient of every heel strike, a damped oscillation, harder going downstairs;
* on a curve, a little centripetal acceleration (less than what a tilted sensor shows) and a longer step of the outer
  leg: left and right stay hard to tell apart;
* an elevator that starts briskly, stops softly, and feels like standing in between.

Axes are those of USC-HAD: x up, y forward, z to the right of an upright person. All randomness comes from a generator
that the caller seeds.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Motion = npt.NDArray[np.float64]
"""Acceleration of shape (n, 3), in g, gravity included."""

_BUILT_IN_RATE_HZ: Final = 100.0


@dataclass(frozen=True, slots=True)
class Gait:
    """How one way of moving on foot differs from level walking; amplitudes in g."""

    pace: float = 1.0
    vertical: float = 0.25
    forward: float = 0.13
    lateral: float = 0.09
    impact: float = 0.22
    second: float = 0.4
    skew: float = 0.0
    lean_deg: float = 2.0
    turn: float = 0.0
    contact: float = 0.0


GAITS: Final[dict[str, Gait]] = {
    "Walking Forward": Gait(),
    "Walking Left": Gait(pace=0.94, turn=-0.13, lateral=0.11),
    "Walking Right": Gait(pace=0.94, turn=0.13, lateral=0.11),
    "Walking Upstairs": Gait(pace=0.82, vertical=0.22, forward=0.17, impact=0.12, second=0.7, skew=1.3, lean_deg=8.0),
    "Walking Downstairs": Gait(
        pace=0.97, vertical=0.32, forward=0.12, impact=0.55, second=0.6, skew=-1.0, lean_deg=-2.0
    ),
    "Running Forward": Gait(
        pace=1.45, vertical=0.25, forward=0.35, lateral=0.3, impact=1.6, lean_deg=6.0, contact=0.62
    ),
    "Jumping Up": Gait(pace=1.05, vertical=0.1, forward=0.2, lateral=0.1, impact=2.2, lean_deg=3.0, contact=0.45),
}
"""The activities on foot; a contact above zero is the part of a step during which the foot is on the ground."""


@dataclass(frozen=True, slots=True, eq=False)
class VirtualPerson:
    """What makes one virtual person move differently from the next.

    Parameters
    ----------
    name
        The subject.
    mounting : ndarray of shape (3, 3)
        How the sensor sits on this body, as a rotation.
    cadence_hz
        Steps per second on level ground.
    vigour, hardness, sway
        Factors on amplitudes, on heel strikes, and on lateral movement.
    phases : ndarray of shape (4,)
        Where the harmonics of a step stand to each other.
    limp
        How much a left step differs from a right one.
    slouch_deg, lying_deg
        How far the hip leans back when sitting, and how far the body is rolled when lying on its back.
    lift
        Acceleration of the elevator of this building, in g.
    """

    name: str
    mounting: npt.NDArray[np.float64]
    cadence_hz: float
    vigour: float
    hardness: float
    sway: float
    phases: npt.NDArray[np.float64]
    limp: float
    slouch_deg: float
    lying_deg: float
    lift: float

    @classmethod
    def meet(cls, name: str, rng: np.random.Generator) -> "VirtualPerson":
        """Draw a person."""
        return cls(
            name=name,
            mounting=random_rotation(rng, 7.0),
            cadence_hz=float(rng.normal(1.85, 0.13)),
            vigour=float(np.exp(rng.normal(0.0, 0.18))),
            hardness=float(np.exp(rng.normal(0.0, 0.35))),
            sway=float(np.exp(rng.normal(0.0, 0.3))),
            phases=rng.normal(0.0, 0.5, 4),
            limp=float(rng.normal(0.0, 0.12)),
            slouch_deg=float(np.clip(rng.normal(38.0, 14.0), 10.0, 75.0)),
            lying_deg=float(rng.choice([-90.0, 0.0, 0.0, 90.0]) + rng.normal(0.0, 12.0)),
            lift=float(rng.uniform(0.08, 0.14)),
        )

    def perform(self, activity: str, samples: int, rng: np.random.Generator) -> Motion:
        """Return what an ideal sensor on this person feels during one trial of an activity.

        Parameters
        ----------
        activity
            One of the twelve activities of the training contract.
        samples
            How many, at 100 Hz.
        rng
            Makes this trial differ from the next.
        """
        if activity in GAITS:
            felt = self._on_foot(GAITS[activity], samples, rng)
        elif activity == "Sleeping":
            felt = self._lying(samples, rng)
        elif activity == "Sitting":
            felt = self._resting(samples, rng, lean_deg=-self.slouch_deg + rng.normal(0.0, 4.0), restlessness=0.6)
        else:
            felt = self._resting(samples, rng, lean_deg=rng.normal(0.0, 2.0), restlessness=1.0)
            if activity.startswith("Elevator"):
                felt[:, 0] += self._ride(samples, rng) * (1.0 if activity == "Elevator Up" else -1.0)
        turned: Motion = felt @ (self.mounting @ random_rotation(rng, 2.0)).T
        return turned

    def _on_foot(self, gait: Gait, samples: int, rng: np.random.Generator) -> Motion:
        """Return steps: harmonics, contact and flight, and heel strikes."""
        cadence = self.cadence_hz * gait.pace * (1.0 + rng.normal(0.0, 0.03)) * (1.0 + wander(rng, samples, 1.5, 0.025))
        phase = rng.uniform() + np.cumsum(cadence) / _BUILT_IN_RATE_HZ
        step = np.floor(phase).astype(np.int64)
        uneven = self.limp + 3.0 * gait.turn
        size = self.vigour * (1.0 + rng.normal(0.0, 0.1, step[-1] + 1))[step] * (1.0 + uneven * (step % 2 - 0.5))
        turns = 2.0 * np.pi * phase
        first = np.cos(turns + self.phases[0])
        second = np.cos(2.0 * turns + self.phases[1] + gait.skew)
        felt = np.empty((samples, 3))
        felt[:, 0] = (
            1.0 + size * gait.vertical * (first + gait.second * second) + self._strikes(gait, phase, cadence, size)
        )
        felt[:, 1] = size * gait.forward * (np.sin(turns + self.phases[2]) + gait.second * second)
        felt[:, 2] = gait.turn * self.vigour + self.sway * gait.lateral * np.sin(turns / 2.0 + self.phases[3])
        if gait.contact:
            felt[:, 0] += _contact(phase - step, gait.contact) - 1.0
        lean = gait.lean_deg + wander(rng, samples, 2.0, 1.5)
        return _leaned(felt, lean)

    def _strikes(self, gait: Gait, phase: Motion, cadence: Motion, size: Motion) -> Motion:
        """Return the damped oscillation after every heel strike."""
        since_s = (phase - np.floor(phase)) / cadence
        ringing = np.exp(-since_s / 0.045) * np.sin(2.0 * np.pi * 13.0 * since_s)
        strikes: Motion = gait.impact * self.hardness * size * ringing
        return strikes

    def _resting(self, samples: int, rng: np.random.Generator, *, lean_deg: float, restlessness: float) -> Motion:
        """Return gravity in a leaned posture, with sway, and a fidget now and then."""
        fidget = np.clip(wander(rng, samples, 1.2, 1.0) - 1.6, 0.0, None) * 12.0 * restlessness
        upright = np.tile([1.0, 0.0, 0.0], (samples, 1))
        upright += np.stack([wander(rng, samples, 0.08, 0.004 * restlessness) for _ in range(3)], axis=1)
        return _leaned(upright, lean_deg + wander(rng, samples, 1.0, 0.7 * restlessness) + fidget)

    def _lying(self, samples: int, rng: np.random.Generator) -> Motion:
        """Return gravity across the body, with breath."""
        roll = np.deg2rad(self.lying_deg + rng.normal(0.0, 6.0))
        breath = 0.006 * np.sin(2.0 * np.pi * 0.25 * np.arange(samples) / _BUILT_IN_RATE_HZ + rng.uniform(0.0, 6.3))
        felt = np.empty((samples, 3))
        felt[:, 0] = rng.normal(0.0, 0.12)
        felt[:, 1] = np.cos(roll) + breath
        felt[:, 2] = np.sin(roll)
        felt /= np.linalg.norm(felt, axis=1, keepdims=True)
        return felt

    def _ride(self, samples: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
        """Return the vertical push of rides from floor to floor, upwards."""
        start = 2.2 * self.lift * np.sin(np.pi * np.arange(110) / 110.0) ** 2
        stop = 1.1 * self.lift * np.sin(np.pi * np.arange(220) / 220.0) ** 2
        ride = np.zeros(samples)
        at = -int(rng.integers(0, 300))
        while at < samples:
            travel = int(rng.integers(160, 260))
            _add(ride, at, start)
            _add(ride, at + travel, -stop)
            at += travel + len(stop) + int(rng.integers(10, 50))
        return ride


def random_rotation(rng: np.random.Generator, spread_deg: float) -> npt.NDArray[np.float64]:
    """Return a rotation about a random axis by a normally distributed angle (Rodrigues' formula)."""
    axis = rng.normal(size=3)
    x, y, z = axis / np.linalg.norm(axis)
    angle = np.deg2rad(rng.normal(0.0, spread_deg))
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    turned: npt.NDArray[np.float64] = np.eye(3) + np.sin(angle) * cross + (1.0 - np.cos(angle)) * cross @ cross
    return turned


def wander(rng: np.random.Generator, samples: int, every_s: float, spread: float) -> npt.NDArray[np.float64]:
    """Return a slow random signal: normal values ``every_s`` seconds apart, joined by lines."""
    step = every_s * _BUILT_IN_RATE_HZ
    knots = rng.normal(0.0, spread, int(samples / step) + 2)
    return np.interp(np.arange(samples), np.arange(len(knots)) * step, knots)


def _contact(part: Motion, duty: float) -> Motion:
    """Return the push of the ground over a step: half a sine while in contact, nothing in flight, 1 g on average."""
    return np.where(part < duty, np.pi / (2.0 * duty) * np.sin(np.pi * np.minimum(part / duty, 1.0)), 0.0)


def _leaned(felt: Motion, lean_deg: float | Motion) -> Motion:
    """Turn acceleration by leaning forward, about the axis to the right."""
    angle = np.deg2rad(lean_deg)
    up, forward = felt[:, 0].copy(), felt[:, 1].copy()
    felt[:, 0] = up * np.cos(angle) - forward * np.sin(angle)
    felt[:, 1] = up * np.sin(angle) + forward * np.cos(angle)
    return felt


def _add(signal: npt.NDArray[np.float64], at: int, shape: npt.NDArray[np.float64]) -> None:
    """Add a shape to a signal at a place that may reach over its ends."""
    start, stop = max(at, 0), min(at + len(shape), len(signal))
    if start < stop:
        signal[start:stop] += shape[start - at : stop - at]
