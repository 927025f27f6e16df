"""The run of one candidate: its worker, and what was measured of it so far."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgehar.firmware_bridge.benchmark.candidates import Candidate, Timed, Worker
from edgehar.firmware_bridge.benchmark.plan import ModelPlan
from edgehar.firmware_bridge.benchmark.results import DeviceFacts, LatencyUs, Row, Settings
from edgehar.models.agreement import labels_kept, largest_error
from edgehar.models.errors import EngineError, HarError

_BULK_WINDOWS: Final = (64, 4096)
"""Fewest and most windows of one bulk call."""


class CandidateRun:
    """Measures one candidate, a round at a time. Its first failure ends its worker and becomes its row's error."""

    def __init__(self, plan: ModelPlan, candidate: Candidate, settings: Settings) -> None:
        self._plan, self._candidate, self._settings = plan, candidate, settings
        self._worker: Worker | None = None
        self._error: str | None = None
        self._runtime: str | None = None
        self._load_ms: float | None = None
        self._peak_rss_mb: float | None = None
        self._rounds: list[NDArray[np.int64]] = []
        self._waits_ns: list[int | None] = []
        self._bulk_rates: list[float] = []
        self._bulk_pace: float | None = None
        self._device: DeviceFacts | None = None
        self._max_abs_error = 0.0
        self._compared = self._agreed = 0

    @property
    def name(self) -> str:
        """The model, the engine and the file, for progress."""
        facts = self._candidate.facts
        return f"{self._plan.model.architecture} {facts.engine} {facts.artifact}".strip()

    def load(self, windows: Path) -> None:
        """Start the worker and load the engine."""
        try:
            self._worker = self._candidate.start(windows)
        except HarError as error:
            self._fail(error)
        self._attempt(self._load)

    def time_each(self, number: int) -> None:
        """Time single predictions in the round of this number: an equal part of all windows."""
        wanted = np.linspace(0, self._settings.windows, self._settings.rounds + 1).round().astype(int).tolist()
        first, count = wanted[number], wanted[number + 1] - wanted[number]
        if count:
            self._attempt(lambda worker: self._time_each(worker, first, count))

    def measure_memory(self) -> None:
        """Note how much memory single predictions have taken."""
        self._attempt(self._measure_memory)

    def time_bulk(self, *, counts: bool) -> None:
        """Time many windows in one call; ``counts`` is whether the time is part of the result."""
        self._attempt(lambda worker: self._time_bulk(worker, counts=counts))

    def close(self) -> None:
        """End the worker."""
        if self._worker is not None:
            self._worker.close()
            self._worker = None

    def row(self) -> Row:
        """Return what was measured until now."""
        facts, durations = self._candidate.facts, self._durations()
        error = self._error
        if error is None and not len(durations):
            error = "interrupted before its first round"
        return Row(
            model=self._plan.model.model_id,
            engine=facts.engine,
            artifact=facts.artifact,
            quantization=facts.quantization,
            route=facts.route,
            bytes=facts.bytes,
            runtime=self._runtime,
            windows=len(durations),
            load_ms=self._load_ms,
            latency_us=LatencyUs.of_nanoseconds(durations) if len(durations) and self._has_time() else None,
            round_p50_us=tuple(
                LatencyUs.of_nanoseconds(durations_ns).p50 for durations_ns in self._rounds if self._has_time()
            ),
            waited_share=self._waited_share(),
            windows_per_s=float(np.median(self._bulk_rates)) if self._bulk_rates else None,
            peak_rss_mb=self._peak_rss_mb,
            max_abs_error=self._max_abs_error if self._compared else None,
            top1_agreement=self._agreed / self._compared if self._compared else None,
            device=self._device,
            error=error,
        )

    def _attempt(self, action: Callable[[Worker], None]) -> None:
        """Do something with the worker, unless it has failed before."""
        if self._worker is None:
            return
        try:
            action(self._worker)
        except HarError as error:
            self._fail(error)

    def _fail(self, error: HarError) -> None:
        """Take the candidate out of the benchmark."""
        self._error = str(error)
        self.close()

    def _load(self, worker: Worker) -> None:
        loaded = worker.load()
        self._load_ms, self._runtime = loaded.load_ms, loaded.runtime

    def _time_each(self, worker: Worker, first: int, count: int) -> None:
        timed = worker.time_each(first, count, limit_s=self._settings.round_limit_s)
        self._compare(first, timed)
        self._rounds.append(timed.durations_ns)
        self._device = timed.device
        self._waits_ns.append(timed.waited_ns)

    def _measure_memory(self, worker: Worker) -> None:
        self._peak_rss_mb = worker.peak_rss_mb()

    def _time_bulk(self, worker: Worker, *, counts: bool) -> None:
        timed = worker.time_bulk(0, self._bulk_windows())
        self._compare(0, timed)
        self._bulk_pace = len(timed.outputs) / (float(timed.durations_ns.sum()) / 1e9)
        if counts:
            self._bulk_rates.append(self._bulk_pace)

    def _bulk_windows(self) -> int:
        """Return how many windows take about as long as a bulk call shall, by the pace known so far."""
        pace = self._bulk_pace or 1e9 / float(np.median(self._durations()))
        return int(np.clip(pace * self._settings.bulk_round_s, *_BULK_WINDOWS))

    def _compare(self, first: int, timed: Timed) -> None:
        """Hold outputs to the oracle's."""
        oracle = self._plan.oracle
        expected = oracle[np.arange(first, first + len(timed.outputs)) % len(oracle)]
        if timed.outputs.shape != expected.shape:
            raise EngineError(f"expected outputs of shape {expected.shape}, got {timed.outputs.shape}")
        broken = int((~np.isfinite(timed.outputs)).any(axis=1).sum())
        if broken:
            raise EngineError(f"expected probabilities, got NaN or infinity for {broken} of {len(expected)} windows")
        self._max_abs_error = max(self._max_abs_error, largest_error(timed.outputs, expected))
        self._agreed += labels_kept(timed.outputs, expected)
        self._compared += len(expected)

    def _waited_share(self) -> float | None:
        """Return the share of the time of single predictions that was lost to others, if every round knows."""
        known = [wait for wait in self._waits_ns if wait is not None]
        if not known or len(known) < len(self._waits_ns):
            return None
        return min(1.0, sum(known) / max(1, int(self._durations().sum())))

    def _has_time(self) -> bool:
        """Whether durations are the engine's: those of a device that counts no time are the line's as well."""
        return self._device is None or self._device.has_time

    def _durations(self) -> NDArray[np.int64]:
        """Return the durations of all rounds."""
        return np.concatenate([np.empty(0, np.int64), *self._rounds])
