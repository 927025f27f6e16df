"""Where labels go: the Protocol of every sink, and the state of a session that sinks show.

=====================  =======================================================
room                   labels go to
=====================  =======================================================
``json_lines``         a program, one JSON object a line
``plain_lines``        a log or a pipe, one line a label
``terminal``           a person, as a view that is redrawn in place
``mqtt``               a broker
``dashboard``          pages that watch, as messages
=====================  =======================================================
"""

from dataclasses import dataclass
from typing import Any, Protocol

from edgehar.firmware_bridge.live.pipeline import Prediction
from edgehar.firmware_bridge.stream.host_clock import ClockFit
from edgehar.firmware_bridge.stream.rate import RateEstimate
from edgehar.firmware_bridge.stream.samples import Remark, StreamCounts


@dataclass(frozen=True, slots=True)
class LiveStatus:
    """How a live session stands, or at its end how it went.

    ``filled`` is how much of the next window is there, from 0 to 1; ``refilling`` tells that the stream has just begun
    or was broken, so that the last label, if any, is old; ``silent`` that nothing has arrived for long. Latencies are
    from the arrival of a window's last sample to its label; None before the first label. ``bridged`` counts samples
    interpolated across short gaps; ``clock`` is how the sensor's clock runs against the host's, where it is known;
    ``warnings`` are what a person was warned of, each once. ``sensor`` says which of several it is, else it is empty.
    """

    elapsed_s: float
    windows: int
    counts: StreamCounts
    rate: RateEstimate | None
    filled: float
    refilling: bool
    silent: bool
    latency_p50_s: float | None
    latency_p95_s: float | None
    latency_p99_s: float | None
    bridged: int = 0
    clock: ClockFit | None = None
    warnings: tuple[str, ...] = ()
    sensor: str = ""

    def sentence(self) -> str:
        """Return the session in one line.

        Examples
        --------
        >>> LiveStatus(2.0, 1, StreamCounts(samples=200), None, 0.0, False, False, 0.001, 0.001, 0.002).sentence()
        '1 window classified, 200 samples, 0 lost, rate not measured yet, label latency p50 1.0, p95 1.0, p99 2.0 ms'
        """
        parts = [
            f"{_count(self.windows, 'window')} classified",
            f"{self.counts.samples:,} samples",
            f"{self.counts.lost:,} lost",
        ]
        if self.bridged:
            parts.append(f"{self.bridged:,} bridged")
        if self.counts.damaged:
            parts.append(_count(self.counts.damaged, "damaged line"))
        if self.counts.restarts:
            parts.append(_count(self.counts.restarts, "hole") + " of unknown size")
        parts.append(f"{self.rate} measured" if self.rate else "rate not measured yet")
        if self.clock is not None and self.clock.may_be_drift:
            parts.append(f"sensor clock {self.clock}")
        if self.latency_p50_s is not None:
            parts.append(f"label latency {_latency_text(self)}")
        return ", ".join(parts)

    def to_json(self) -> dict[str, Any]:
        """Return the session as JSON-ready data, latencies in milliseconds."""
        drift = self.clock if self.clock is not None and self.clock.may_be_drift else None
        return {
            **({"sensor": self.sensor} if self.sensor else {}),
            "elapsed_s": round(self.elapsed_s, 3),
            "windows": self.windows,
            "samples": self.counts.samples,
            "lost_samples": self.counts.lost,
            "bridged_samples": self.bridged,
            "damaged_lines": self.counts.damaged,
            "repeated_samples": self.counts.repeated,
            "holes_of_unknown_size": self.counts.restarts,
            "rate_hz": self.rate and round(self.rate.rate_hz, 4),
            "rate_uncertainty_hz": self.rate and round(self.rate.uncertainty_hz, 4),
            "clock_drift_ppm": drift and round(drift.drift_ppm, 2),
            "clock_drift_uncertainty_ppm": drift and round(drift.uncertainty_ppm, 2),
            "latency_ms": {
                "p50": _milliseconds(self.latency_p50_s),
                "p95": _milliseconds(self.latency_p95_s),
                "p99": _milliseconds(self.latency_p99_s),
            },
            "warnings": list(self.warnings),
        }


class Sink(Protocol):
    """Where labels go."""

    def predicted(self, prediction: Prediction) -> None:
        """Take a label."""
        ...

    def remarked(self, remark: Remark) -> None:
        """Take something a person should know."""
        ...

    def progressed(self, status: LiveStatus) -> None:
        """Take how the session stands; called a few times a second."""
        ...

    def model_changed(self, model_id: str, labels: tuple[str, ...]) -> None:
        """Take note that every later label is one of these, of another model."""
        ...

    def close(self) -> None:
        """End; closing twice is fine."""
        ...


def _count(number: int, noun: str) -> str:
    """Return a number of things."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _latency_text(status: LiveStatus) -> str:
    """Return latencies as ``p50 0.4, p95 0.6, p99 1.1 ms``."""
    values = (status.latency_p50_s, status.latency_p95_s, status.latency_p99_s)
    shown = (f"{name} {1e3 * value:.1f}" for name, value in zip(("p50", "p95", "p99"), values, strict=True) if value)
    return ", ".join(shown) + " ms"


def _milliseconds(seconds: float | None) -> float | None:
    """Return seconds as milliseconds, rounded to a microsecond."""
    return None if seconds is None else round(1e3 * seconds, 3)
