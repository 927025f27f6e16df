"""Candidates that only pretend to compute, and results without a measurement."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from edgehar.firmware_bridge.benchmark.candidates import CandidateFacts, Loaded, Timed
from edgehar.firmware_bridge.benchmark.machine import Machine
from edgehar.firmware_bridge.benchmark.plan import ModelPlan
from edgehar.firmware_bridge.benchmark.results import BenchmarkResult, LatencyUs, ModelFacts, Row, Settings
from edgehar.models.errors import EngineError

CLASSES = 3
WINDOWS = 40


@dataclass
class FakeWorker:
    """Takes a given time for everything, and notes what it was asked."""

    name: str
    oracle: np.ndarray
    requests: list[tuple[str, ...]]
    window_us: float = 100.0
    offset: float = 0.0
    waited_ns: int | None = None
    fails_at: str | None = None
    failure: BaseException = field(default_factory=lambda: EngineError("the worker process was ended"))

    def _did(self, *entry: object) -> None:
        self.requests.append((self.name, *map(str, entry)))
        if entry[0] == self.fails_at:
            raise self.failure

    def _outputs(self, first: int, count: int) -> np.ndarray:
        chosen = self.oracle[np.arange(first, first + count) % len(self.oracle)]
        return (chosen + self.offset).astype(np.float32)

    def load(self) -> Loaded:
        self._did("load")
        return Loaded(12.5, "fake 1.0")

    def time_each(self, first: int, count: int, *, limit_s: float) -> Timed:
        self._did("each", first, count)
        done = min(count, max(1, int(limit_s / (self.window_us * 1e-6))))
        durations = np.full(done, int(self.window_us * 1000), np.int64)
        return Timed(durations, self._outputs(first, done), self.waited_ns)

    def time_bulk(self, first: int, count: int) -> Timed:
        self._did("bulk", first, count)
        return Timed(np.array([int(count * self.window_us * 500)], np.int64), self._outputs(first, count))

    def peak_rss_mb(self) -> float | None:
        self._did("memory")
        return 42.0

    def close(self) -> None:
        self.requests.append((self.name, "close"))


@dataclass
class FakeCandidate:
    """Starts the worker it was given."""

    worker: FakeWorker

    @property
    def facts(self) -> CandidateFacts:
        return CandidateFacts(self.worker.name, "model.bin", "float32", "direct", 1234)

    def start(self, windows: Path) -> FakeWorker:
        assert np.load(windows).shape == (WINDOWS, 5, 3)
        self.worker.requests.append((self.worker.name, "start"))
        return self.worker


@pytest.fixture
def make_plan() -> Callable[..., ModelPlan]:
    """A function that makes a plan of workers: ``make_plan(requests, fast={...}, slow={...})``."""

    def make(requests: list[tuple[str, ...]], **workers: dict[str, object]) -> ModelPlan:
        generator = np.random.default_rng(0)
        oracle = generator.dirichlet(np.ones(CLASSES), size=WINDOWS)
        candidates = tuple(
            FakeCandidate(FakeWorker(name, oracle, requests, **options)) for name, options in workers.items()
        )
        model = ModelFacts("lstm-0123", "lstm", 13324, "bundle", 1.0)
        return ModelPlan(model, candidates, np.zeros((WINDOWS, 5, 3), np.float32), oracle)

    return make


@pytest.fixture
def result() -> BenchmarkResult:
    """Two measured rows, a standard converter's, and one that could not run."""
    machine = Machine(
        "Test CPU <9>", 4, 2, 1000.0, None, 1.9, "Test OS", "CPython 3.11", {"edgehar": "0", "numpy": "2"}
    )
    model = ModelFacts("lstm-0123", "lstm", 13324, "out/lstm", 1.0)

    def row(engine: str, artifact: str, p50: float, **options: object) -> Row:
        facts = {
            "route": "direct",
            "bytes": 1234,
            "runtime": f"{engine} 1",
            "windows": 500,
            "load_ms": 1.5,
            "latency_us": LatencyUs(p50, p50 * 1.1, p50 * 1.3, p50 * 9),
            "windows_per_s": 2e6 / p50,
            "peak_rss_mb": 50.0,
            "max_abs_error": 2.1e-7,
            "top1_agreement": 1.0,
        }
        return Row("lstm-0123", engine, artifact, "float32", **facts | options)

    rows = (
        row("numpy", "weights.npz", 4000.0, route=""),
        row("onnxruntime", "model.float32.onnx", 105.0),
        row("litert", "peer.tflite", 1070.0, route="from_keras_model"),
        row("litert", "model.int8.tflite", 1.0, latency_us=None, error="killed by SIGSEGV [segfault]"),
    )
    return BenchmarkResult(machine, Settings(), (model,), rows)
