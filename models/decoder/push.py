"""The pushes of an elevator: its first strong one says whether it goes up or down.

A ride begins with a push (up: the length of acceleration rises above its baseline for a second, down: it falls below)
and ends with the opposite one. Between them nothing can be felt: two seconds of signal cannot tell the direction, the
first push can. So the direction is remembered: the *smoothed length of acceleration* is held against a *slow baseline*,

- the first strong push after a rest is the direction, and begins a ride; the opposite push ends the ride;
- between rides the last direction is still known, until the next first push;
- while the wearer moves, and after a jump or a lasting offset (the sensor lies otherwise now), nothing is known, and
  the baseline follows quickly.

The direction redistributes the probability of the two elevator classes and touches no other class. It costs about ten
operations a sample.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.bundle.manifest import PushSpec

UP: Final = 1
DOWN: Final = -1
NEITHER: Final = 0


@dataclass(frozen=True, slots=True)
class PushState:
    """What is remembered of a stream: two that are equal go on alike. Its defaults are those of a stream that begins.

    Parameters
    ----------
    length, baseline, deviation
        Of the length of acceleration, in g: smoothed, slowly followed, and how far single samples are off.
    seen, off
        Samples in the baseline, and off it one after the other.
    direction, rides, is_ready
        Of the last ride, whether it lasts, and whether the next one may begin.
    """

    length: float = 0.0
    baseline: float = 0.0
    deviation: float = 0.0
    seen: int = 0
    off: int = 0
    direction: int = NEITHER
    rides: bool = False
    is_ready: bool = True


AT_REST: Final = PushState()
"""Of a stream that begins."""


class PushDetector:
    """Follow the direction of an elevator through a stream of samples.

    Parameters
    ----------
    spec
        Bounds and times.
    rate_hz
        Of the samples.
    state
        What is known of the stream already.

    Examples
    --------
    >>> push = PushDetector(PushSpec("up", "down"), rate_hz=100.0)
    >>> rest, rise = np.tile([0.0, 0.0, 1.0], (300, 1)), np.tile([0.0, 0.0, 1.08], (100, 1))
    >>> push.feed(rest)[-1], push.feed(rise)[-1], push.feed(rest)[-1]
    (np.int8(0), np.int8(1), np.int8(1))
    """

    def __init__(self, spec: PushSpec, *, rate_hz: float, state: PushState = AT_REST) -> None:
        self._spec = spec
        self._smoothing = in_samples(spec.smoothing_s, rate_hz)
        self._settling = in_samples(spec.settling_s, rate_hz)
        self._baseline_memory = in_samples(spec.baseline_s, rate_hz)
        self._longest_push = in_samples(spec.longest_push_s, rate_hz)
        self._resume(state)

    @property
    def direction(self) -> int:
        """`UP`, `DOWN` or `NEITHER`."""
        return self._direction

    @property
    def state(self) -> PushState:
        """What is remembered of the stream."""
        return PushState(
            self._length, self._baseline, self._deviation, self._seen, self._off,
            self._direction, self._rides, self._is_ready,
        )  # fmt: skip

    def restart(self) -> None:
        """Forget everything: the stream was broken."""
        self._resume(AT_REST)

    def _resume(self, state: PushState) -> None:
        """Remember what is known of a stream."""
        self._length, self._baseline, self._deviation = state.length, state.baseline, state.deviation
        self._seen, self._off = state.seen, state.off
        self._direction, self._rides, self._is_ready = state.direction, state.rides, state.is_ready

    def feed(self, samples_g: NDArray[Any]) -> NDArray[np.int8]:
        """Take samples; return the direction after each.

        Parameters
        ----------
        samples_g : ndarray of shape (n, 3), in g

        Returns
        -------
        ndarray of shape (n,), int8
        """
        lengths = np.sqrt(np.square(np.asarray(samples_g, np.float64)).sum(axis=1))
        found = np.empty(len(lengths), np.int8)
        for index, length in enumerate(lengths.tolist()):
            self._step(length)
            found[index] = self._direction
        return found

    def _step(self, length: float) -> None:
        """Take the length of one sample's acceleration."""
        if self._seen == 0:
            self._length = self._baseline = length
        self._length += (length - self._length) / self._smoothing
        self._deviation += (abs(length - self._length) - self._deviation) / self._smoothing
        if self._deviation > self._spec.moving_g:
            self._seen = min(self._seen + 1, self._settling)
            self._baseline += (length - self._baseline) / self._settling
            self._off = 0
            self._forget_ride()
            return
        push = self._length - self._baseline
        if abs(push) <= self._spec.strong_g or self._seen < self._settling:
            self._seen = min(self._seen + 1, self._baseline_memory)
            self._baseline += (length - self._baseline) / self._seen
            self._off = 0
        else:
            self._off += 1
            if self._off > self._longest_push or abs(push) > self._spec.jump_g:
                self._baseline, self._seen, self._off = self._length, self._settling, 0
                self._forget_ride()
                return
        if self._seen >= self._settling:
            self._take_push(push)

    def _take_push(self, push: float) -> None:
        """Begin or end a ride, or get ready for the next one."""
        if abs(push) < self._spec.weak_g:
            self._is_ready = True
        elif abs(push) > self._spec.strong_g:
            towards = UP if push > 0 else DOWN
            if self._rides:
                self._rides = towards == self._direction
                self._is_ready = False
            elif self._is_ready:
                self._direction, self._rides, self._is_ready = towards, True, False

    def _forget_ride(self) -> None:
        """No ride is known."""
        self._direction = NEITHER
        self._rides = False
        self._is_ready = True


def redistribute(posterior: NDArray[Any], *, up: int, down: int, log_odds: float) -> NDArray[np.float64]:
    """Return a posterior in which ``up`` has gained so much against ``down``; all else, and their sum, is as before.

    Parameters
    ----------
    posterior : ndarray of shape (n_classes,)
    up, down
        Positions of the two classes.
    log_odds
        Below zero, ``down`` gains.

    Examples
    --------
    >>> redistribute(np.array([0.2, 0.4, 0.4]), up=1, down=2, log_odds=3.0).round(3).tolist()
    [0.2, 0.762, 0.038]
    """
    moved = np.array(posterior, np.float64)
    mass = moved[up] + moved[down]
    if mass > 0 and log_odds != 0:
        odds = np.exp(log_odds / 2)
        rise, fall = moved[up] * odds, moved[down] / odds
        moved[up] = mass * rise / (rise + fall)
        moved[down] = mass * fall / (rise + fall)
    return moved


def in_samples(time_s: float, rate_hz: float) -> int:
    """Return how many samples a time is, at least one."""
    return max(1, round(time_s * rate_hz))
