"""What can be measured: two protocols, a candidate and the worker it starts.

A candidate may be an engine in a process of its own, a file that a foreign converter made, a device on a serial line.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edgehar.firmware_bridge.benchmark.results import DeviceFacts
from edgehar.models.errors import EngineError


@dataclass(frozen=True, slots=True)
class CandidateFacts:
    """What identifies a row: engine, file, quantization, the converter that made the file, the file's size."""

    engine: str
    artifact: str
    quantization: str
    route: str
    bytes: int | None


@dataclass(frozen=True, slots=True)
class Loaded:
    """A worker is ready: how long that took, and the library that will compute."""

    load_ms: float
    runtime: str


@dataclass(frozen=True, slots=True)
class Timed:
    """One measurement: durations (n,) in nanoseconds, one a call, and probabilities (n_windows, n_classes).

    ``waited_ns`` is how long of that the worker was ready and the processor did something else, where this is known.
    ``device`` is what a device has counted so far; where it counts time, that is what the durations are.
    """

    durations_ns: NDArray[np.int64]
    outputs: NDArray[np.float32]
    waited_ns: int | None = None
    device: DeviceFacts | None = None


class Worker(Protocol):
    """A loaded engine somewhere: in a process, on a device. Idle between its measurements."""

    def load(self) -> Loaded:
        """Prepare to predict."""

    def time_each(self, first: int, count: int, *, limit_s: float) -> Timed:
        """Predict ``count`` windows one by one from number ``first`` on, fewer if ``limit_s`` is over before."""

    def time_bulk(self, first: int, count: int) -> Timed:
        """Predict ``count`` windows in one call."""

    def peak_rss_mb(self) -> float | None:
        """Return the most memory held so far, if it can be known."""

    def close(self) -> None:
        """End, whatever is going on."""


class Candidate(Protocol):
    """Something that can be measured."""

    @property
    def facts(self) -> CandidateFacts:
        """Return what identifies its row."""

    def start(self, windows: Path) -> Worker:
        """Start a worker that predicts the windows in this .npy file, (n, window_length, channels) float32 in g.

        Raises
        ------
        EngineError
            If it cannot be started.
        """


@dataclass(frozen=True, slots=True)
class UnavailableCandidate:
    """A candidate that cannot be measured; its row says why."""

    facts: CandidateFacts
    reason: str

    def start(self, windows: Path) -> Worker:
        """Refuse, with the reason."""
        raise EngineError(self.reason)
