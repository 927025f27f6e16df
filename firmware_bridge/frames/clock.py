"""When the samples of frames were taken, in seconds: from wrapping microseconds and sample numbers.

Strategy. A frame carries two measures of time: the device's clock at its first sample, and the number of that sample.
The clock gives the time; the number says how often the clock wrapped, and whether it can be true.

1. A step of the clock is unwrapped to the value nearest to what the sample numbers expect.
2. A step that is shorter or longer than that by a factor of ten and a second is a *jump*: the device stood still, or
   its clock is wrong. The stream is broken there, so that nothing is interpolated across the jump.
3. Until 50 samples have shown that its rate can be true, steps that are off by a factor of ten are not used as times.
4. The clock is *put aside* when it jumps again and again, or when over 50 samples it shows a rate that differs from the
   declared one by a factor of ten. From then on the sample numbers and the declared rate give the time.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

_MODULUS_US: Final = 2**32
_FEWEST_SAMPLES: Final = 50
_SPAN_SAMPLES: Final = 2000
_LEAST_STEP_S: Final = 1e-6
_FACTOR: Final = 10.0
_SLACK_US: Final = 1e6
_MOST_JUMPS: Final = 3
"""Jumps within thousands of samples that a clock may make before it is put aside."""


class FrameTime:
    """Follow the clock of a device that tells the time of every frame's first sample.

    Its microseconds wrap every 71.6 minutes; the sample numbers tell how often they did, even across a long loss. The
    time between two samples is what the clock shows over the last thousands of samples, the declared rate until then.

    Parameters
    ----------
    rate_hz
        Declared rate of the sensor.

    Examples
    --------
    >>> time = FrameTime(rate_hz=100.0)
    >>> [round(time.advance(micros % 2**32, index), 2) for micros, index in ((2**32 - 10_000, 0), (2**32, 1))]
    [0.0, 0.01]
    """

    def __init__(self, *, rate_hz: float) -> None:
        self._declared_us = self._period_us = 1e6 / rate_hz
        self._now_us = self._shown_us = 0.0
        self._checked = False
        self._last: tuple[int, int] | None = None
        self._anchors: list[tuple[float, int]] = []
        self._last_sample_s = -np.inf
        self._believed = True
        self._jumped = False
        self._jumps = 0
        self._last_jump = 0

    @property
    def believed(self) -> bool:
        """Whether the device's clock gives the time; False once it was put aside."""
        return self._believed

    @property
    def jumped(self) -> bool:
        """Whether the clock jumped just before the last frame: an unknown number of samples is missing there."""
        return self._jumped

    @property
    def period_s(self) -> float:
        """Seconds from one sample to the next."""
        return self._period_us * 1e-6

    def advance(self, micros: int, index: int, *, restarted: bool = False) -> float:
        """Return the time of a frame's first sample, in seconds since the first one.

        Parameters
        ----------
        micros
            The device's clock at that sample, modulo 2³².
        index
            Number of that sample since the first one, lost ones included.
        restarted
            Whether the clock began anew since the last frame.
        """
        self._jumped = False
        if self._last is not None:
            last_micros, last_index = self._last
            expected_us = (index - last_index) * self._period_us
            step_us = float((micros - last_micros) % _MODULUS_US)
            step_us += _MODULUS_US * round((expected_us - step_us) / _MODULUS_US)
            if restarted or not self._believed:
                step_us = expected_us
            elif not expected_us / _FACTOR - _SLACK_US <= step_us <= expected_us * _FACTOR + _SLACK_US:
                self._note_jump(index)
                # A clock that runs on while no sample is taken is right; one that runs backward is not.
                step_us = step_us if step_us > expected_us and self._believed else expected_us
            self._shown_us += step_us
            if not (self._checked or self._jumped or expected_us / _FACTOR <= step_us <= expected_us * _FACTOR):
                step_us = expected_us
            self._now_us += step_us
        if restarted:
            self._anchors.clear()
        self._last = (micros, index)
        self._refine(index)
        return self._now_us * 1e-6

    def of_samples(self, frames: list[tuple[int, float]]) -> NDArray[np.float64]:
        """Return the time of every sample of frames, strictly increasing.

        Parameters
        ----------
        frames
            How many samples each holds, and the time of its first sample, in order.
        """
        if not frames:
            return np.empty(0, np.float64)
        numbers = np.array([count for count, _ in frames])
        starts_s = np.repeat([start_s for _, start_s in frames], numbers)
        first = np.repeat(np.cumsum(numbers) - numbers, numbers)
        times_s: NDArray[np.float64] = starts_s + (np.arange(len(first)) - first) * self.period_s
        if times_s[0] <= self._last_sample_s or (np.diff(times_s) <= 0).any():
            ramp = np.arange(len(times_s)) * _LEAST_STEP_S
            times_s = np.maximum.accumulate(np.maximum(times_s - ramp, self._last_sample_s + _LEAST_STEP_S)) + ramp
        self._last_sample_s = float(times_s[-1])
        return times_s

    def _refine(self, index: int) -> None:
        """Measure the period over the last thousands of samples."""
        if not self._believed:
            return
        anchors = self._anchors
        if not anchors or index - anchors[-1][1] >= _SPAN_SAMPLES:
            anchors.append((self._shown_us, index))
            del anchors[:-2]
        since_us, since_index = anchors[0]
        if index - since_index >= _FEWEST_SAMPLES:
            measured_us = (self._shown_us - since_us) / (index - since_index)
            if 0.5 * self._declared_us < measured_us < 2.0 * self._declared_us:
                self._period_us = measured_us
                if not self._checked:
                    self._now_us, self._checked = self._shown_us, True
            elif not self._declared_us / _FACTOR < measured_us < self._declared_us * _FACTOR:
                self._put_aside()

    def _note_jump(self, index: int) -> None:
        """Break the stream at a jump; put a clock aside that jumps again and again."""
        self._jumps = self._jumps + 1 if index - self._last_jump <= _SPAN_SAMPLES else 1
        self._jumped, self._last_jump = True, index
        self._anchors.clear()
        if self._jumps > _MOST_JUMPS:
            self._put_aside()

    def _put_aside(self) -> None:
        """Take the time from the sample numbers and the declared rate from now on."""
        self._jumped = self._jumped or self._believed
        self._believed = False
        self._period_us = self._declared_us
