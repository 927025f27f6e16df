"""Where labels go: a Protocol every sink obeys, JSON lines for programs, plain lines for logs.

The view for a terminal is in ``edgehar.firmware_bridge.live.sinks.terminal``.
"""

import json
from dataclasses import dataclass
from typing import Any, Final, Protocol, TextIO

from edgehar.firmware_bridge.live.pipeline import Prediction
from edgehar.firmware_bridge.stream.rate import RateEstimate
from edgehar.firmware_bridge.stream.samples import Remark, StreamCounts
from edgehar.models.errors import BridgeError

_LABEL_WIDTH: Final = 20


@dataclass(frozen=True, slots=True)
class LiveStatus:
    """How a live session stands, or at its end how it went.

    ``filled`` is how much of the next window is there, from 0 to 1; ``refilling`` tells that the stream has just begun
    or was broken, so that the last label, if any, is old; ``silent`` that nothing has arrived for long. Latencies are
    from the arrival of a window's last sample to its label; None before the first label. ``bridged`` counts samples
    interpolated across short gaps; ``drift_ppm`` is by how much the sensor's clock loses on the host's.
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
    drift_ppm: float | None = None

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
        if self.drift_ppm is not None:
            parts.append(drift_text(self.drift_ppm))
        if self.latency_p50_s is not None:
            parts.append(f"label latency {_latency_text(self)}")
        return ", ".join(parts)

    def to_json(self) -> dict[str, Any]:
        """Return the session as JSON-ready data, latencies in milliseconds."""
        return {
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
            "clock_drift_ppm": self.drift_ppm and round(self.drift_ppm, 2),
            "latency_ms": {
                "p50": _milliseconds(self.latency_p50_s),
                "p95": _milliseconds(self.latency_p95_s),
                "p99": _milliseconds(self.latency_p99_s),
            },
        }


def drift_text(drift_ppm: float) -> str:
    """Return how the sensor's clock runs against the host's.

    Examples
    --------
    >>> drift_text(41.6), drift_text(-12.0), drift_text(0.2)
    ('sensor clock 42 ppm slow', 'sensor clock 12 ppm fast', 'sensor clock right to 1 ppm')
    """
    if abs(drift_ppm) < 0.5:
        return "sensor clock right to 1 ppm"
    return f"sensor clock {abs(drift_ppm):,.0f} ppm {'slow' if drift_ppm > 0 else 'fast'}"


class Sink(Protocol):
    """Somebody who wants to know the labels."""

    def predicted(self, prediction: Prediction) -> None:
        """Take a label."""
        ...

    def remarked(self, remark: Remark) -> None:
        """Take something a person should know."""
        ...

    def progressed(self, status: LiveStatus) -> None:
        """Take how the session stands; called a few times a second."""
        ...

    def close(self) -> None:
        """End; closing twice is fine."""
        ...


class JsonLinesSink:
    """One JSON object a line for every label, written at once.

    Keys: see `as_json`.

    Parameters
    ----------
    stream
        Where to write; it stays the caller's to close.
    name
        What it is called in messages.
    labels
        Names of the classes, in order.
    """

    def __init__(self, stream: TextIO, *, name: str, labels: tuple[str, ...]) -> None:
        self._stream = stream
        self._name = name
        self._labels = labels

    def predicted(self, prediction: Prediction) -> None:
        """Write one line.

        Raises
        ------
        BridgeError
            When the file cannot be written any more.
        """
        line = json.dumps(as_json(prediction, self._labels), ensure_ascii=False)
        try:
            self._stream.write(line + "\n")
            self._stream.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise BridgeError(
                f"{self._name}: could not write a label ({error.strerror or error}); every line before it is whole",
                next_step="Make room, then start again with another --jsonl file.",
                path=self._name,
            ) from error

    def remarked(self, remark: Remark) -> None:
        """Remarks are for people."""

    def progressed(self, status: LiveStatus) -> None:
        """Progress is for people."""

    def close(self) -> None:
        """Nothing to close: every line was flushed, and the stream belongs to the caller."""


def as_json(prediction: Prediction, labels: tuple[str, ...]) -> dict[str, Any]:
    """Return a label as JSON-ready data.

    ``t_s``, ``label`` and ``probability`` as decoded, ``lost_samples`` since the beginning, ``latency_ms``;
    ``raw_label`` and ``probabilities`` of this window alone; ``bridged_samples`` of it that were interpolated.
    """
    return {
        "t_s": round(prediction.t_s, 6),
        "label": prediction.label,
        "probability": round(prediction.probability, 6),
        "lost_samples": prediction.lost_samples,
        "latency_ms": round(prediction.latency_s * 1e3, 3),
        "raw_label": prediction.raw_label or prediction.label,
        "bridged_samples": prediction.bridged_samples,
        "probabilities": {name: round(value, 6) for name, value in zip(labels, prediction.probabilities, strict=True)},
    }


class LineSink:
    """Labels as plain lines, for a log or a pipe; remarks go to another stream.

    Parameters
    ----------
    labels_to
        Where labels go, or None to leave them out.
    remarks_to
        Where remarks go.
    """

    def __init__(self, *, labels_to: TextIO | None, remarks_to: TextIO) -> None:
        self._labels_to = labels_to
        self._remarks_to = remarks_to
        self._lost = 0

    def predicted(self, prediction: Prediction) -> None:
        """Write ``seconds  label  probability``, and the loss where there is new loss."""
        if self._labels_to is None:
            return
        new_loss = prediction.lost_samples - self._lost
        self._lost = prediction.lost_samples
        loss = f"   {new_loss} lost before this window" if new_loss else ""
        line = f"{prediction.t_s:10.2f} s   {prediction.label:<{_LABEL_WIDTH}} {prediction.probability:4.0%}{loss}\n"
        self._labels_to.write(line)
        self._labels_to.flush()

    def remarked(self, remark: Remark) -> None:
        """Write a remark."""
        self._remarks_to.write(f"{'warning: ' if remark.warning else ''}{remark.text}\n")
        self._remarks_to.flush()

    def progressed(self, status: LiveStatus) -> None:
        """A log needs no progress."""

    def close(self) -> None:
        """Nothing to close: the streams belong to the caller."""


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
