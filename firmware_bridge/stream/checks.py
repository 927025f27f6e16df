"""Checks of a stream: silence, garbage, a wrong unit, a wrong rate, a stuck or saturated sensor. Each is said once."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgehar.firmware_bridge.stream.gravity_check import GravityCheck
from edgehar.firmware_bridge.stream.rate import RateEstimate
from edgehar.firmware_bridge.stream.samples import Remark, SampleBlock, StreamCounts
from edgehar.models.units import Unit

SILENCE_S: Final = 2.0
"""A stream that stands still for so long is worth a remark, and without timestamps has a hole of unknown size in it."""
RATE_TOLERANCE: Final = 0.02
"""A model does not mind a rate that is off by less."""
_RATE_SPAN_S: Final = 5.0
_EARLY_RATE_TOLERANCE: Final = 0.1
"""Before the rate was measured for five seconds, only a rate that is off by more is worth a remark."""
_RATE_SIGMAS: Final = 4.0
_GARBAGE_BYTES: Final = 2000
_STUCK_S: Final = 5.0
_SATURATED_SHARE: Final = 0.01
_NEAR_RANGE: Final = 0.999


class SilenceCheck:
    """Notice that nothing arrives, and that it does again."""

    def __init__(self, *, port: str, baud: int, started_s: float) -> None:
        self._port = port
        self._baud = baud
        self._last_s = started_s
        self._heard = False
        self._silent = False

    @property
    def silent(self) -> bool:
        """Whether nothing has arrived for long."""
        return self._silent

    def heard(self, now_s: float) -> list[Remark]:
        """Take note that bytes arrived."""
        remarks = [Remark(f"{self._port}: data again after {now_s - self._last_s:.1f} s")] if self._silent else []
        self._last_s, self._heard, self._silent = now_s, True, False
        return remarks

    def waited(self, now_s: float) -> list[Remark]:
        """Take note that nothing arrived; remarks when the silence begins to be one."""
        if self._silent or now_s - self._last_s < SILENCE_S:
            return []
        self._silent = True
        if self._heard:
            text = f"nothing has arrived for {SILENCE_S:.0f} s"
        else:
            text = f"nothing has arrived yet; is the sensor on, and sending at {self._baud} baud?"
        return [Remark(f"{self._port}: {text}", warning=True)]


class StillnessCheck:
    """Notice a sensor that sends the same value on and on: a real one has noise.

    Parameters
    ----------
    longest
        So many equal samples in a row are worth a remark.
    """

    def __init__(self, *, longest: int) -> None:
        self._longest = max(2, longest)
        self._last: NDArray[np.float32] | None = None
        self._equal = 0
        self._said = False

    def after(self, samples_g: NDArray[np.float32]) -> list[Remark]:
        """Return what is to be said after these samples: once for every time it gets stuck."""
        if not len(samples_g):
            return []
        before = samples_g[:1] if self._last is None else self._last
        moved = np.flatnonzero((np.diff(samples_g, axis=0, prepend=before) != 0).any(axis=1))
        self._last = samples_g[-1:]
        if len(moved):
            self._equal, self._said = len(samples_g) - int(moved[-1]), False
        else:
            self._equal += len(samples_g)
        if self._said or self._equal < self._longest:
            return []
        self._said = True
        x, y, z = samples_g[-1].tolist()
        text = (
            f"the sensor has sent the same value, {x:.3g}, {y:.3g}, {z:.3g} g, for {self._equal} samples: is it "
            "asleep, or its bus broken?"
        )
        return [Remark(text, warning=True)]


class SaturationCheck:
    """Notice a sensor whose range is too small for what it is worn for.

    Parameters
    ----------
    range_g
        Largest acceleration it can express.
    window_length
        Samples that are looked at together.
    """

    def __init__(self, *, range_g: float, window_length: int) -> None:
        self._range_g = range_g
        self._window_length = window_length
        self._seen = 0
        self._at_limit = 0
        self._said = False

    def after(self, samples_g: NDArray[np.float32]) -> list[Remark]:
        """Return what is to be said after these samples, once."""
        if self._said:
            return []
        self._seen += len(samples_g)
        self._at_limit += int((np.abs(samples_g) >= _NEAR_RANGE * self._range_g).any(axis=1).sum())
        if self._seen < self._window_length:
            return []
        share, seen, at_limit = self._at_limit / self._seen, self._seen, self._at_limit
        self._seen = self._at_limit = 0
        if share < _SATURATED_SHARE:
            return []
        self._said = True
        text = (
            f"{at_limit} of {seen} samples are at the end of the sensor's range, ±{self._range_g:.3g} g: what was "
            "there is cut off; set the sensor to a larger range"
        )
        return [Remark(text, warning=True)]


class StreamChecks:
    """Compare what arrives with what was declared.

    Parameters
    ----------
    declared_rate_hz
        The declared rate.
    window_length
        Samples over which gravity is looked for.
    range_g
        Largest acceleration the sensor can express, where that is known.
    rate_is_adopted
        Whether the source uses the rate it measures: then another rate than the declared one is no doubt.
    """

    def __init__(
        self,
        *,
        declared_rate_hz: float,
        window_length: int,
        range_g: float | None = None,
        rate_is_adopted: bool = False,
    ) -> None:
        self._declared_hz = declared_rate_hz
        self._rate_is_adopted = rate_is_adopted
        self._gravity = GravityCheck(window_length=window_length)
        self._rate_doubtful = False
        self._rate_said = False
        self._garbage_said = False
        self._stillness = StillnessCheck(longest=round(_STUCK_S * declared_rate_hz))
        self._saturation = None if range_g is None else SaturationCheck(range_g=range_g, window_length=window_length)

    @property
    def doubts(self) -> tuple[str, ...]:
        """What is doubtful about the samples now: ``unit_doubtful``, ``rate_doubtful``."""
        doubts = {"unit_doubtful": self._gravity.doubtful, "rate_doubtful": self._rate_doubtful}
        return tuple(name for name, is_doubtful in doubts.items() if is_doubtful)

    def after_read(self, blocks: list[SampleBlock], counts: StreamCounts, unit: Unit | None) -> list[Remark]:
        """Return what is to be said after one read of samples that came in a unit."""
        remarks = self._garbage(counts)
        for block in blocks:
            remarks += self._gravity.after(block.samples_g[:, :3], unit)
            remarks += self._stillness.after(block.samples_g[:, :3])
            remarks += [] if self._saturation is None else self._saturation.after(block.samples_g[:, :3])
        return remarks

    def of_rate(self, rate: RateEstimate | None) -> list[Remark]:
        """Return what is to be said of the measured rate; asked less often, for a fit costs more than a read."""
        if rate is None or rate.by_device or self._rate_is_adopted:
            return self._of_device_rate(rate)
        off_hz = abs(rate.rate_hz - self._declared_hz)
        tolerance = _EARLY_RATE_TOLERANCE if rate.span_s < _RATE_SPAN_S else RATE_TOLERANCE
        self._rate_doubtful = off_hz > max(tolerance * self._declared_hz, _RATE_SIGMAS * rate.uncertainty_hz)
        if self._rate_said or not self._rate_doubtful:
            return []
        self._rate_said = True
        text = f"expected {self._declared_hz:g} Hz, measured {rate}: pass --rate {rate.rate_hz:.4g}"
        return [Remark(f"{text}, unless this is a replay at another speed", warning=True)]

    def _of_device_rate(self, rate: RateEstimate | None) -> list[Remark]:
        """Return what is to be said of a rate that the device's own times show: they are believed."""
        if self._rate_said or rate is None or not rate.by_device:
            return []
        off_hz = abs(rate.rate_hz - self._declared_hz)
        if off_hz <= max(RATE_TOLERANCE * self._declared_hz, _RATE_SIGMAS * rate.uncertainty_hz):
            return []
        self._rate_said = True
        return [Remark(f"expected {self._declared_hz:g} Hz, measured {rate}: the device's own times are believed")]

    def _garbage(self, counts: StreamCounts) -> list[Remark]:
        """Notice bytes that never become samples."""
        understood = counts.samples or counts.implausible or counts.waiting
        if self._garbage_said or understood or counts.bytes_read < _GARBAGE_BYTES:
            return []
        self._garbage_said = True
        asked = "is the baud rate right, and does it send frames or text lines?"
        text = f"{counts.bytes_read} bytes and not one sample: {asked}"
        return [Remark(text, warning=True)]
