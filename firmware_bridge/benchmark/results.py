"""What a benchmark found: a row for every engine and artifact, and the JSON they are written as."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.firmware_bridge.benchmark.machine import Machine
from edgehar.models.bundle import FLOAT_TOLERANCE

_FLOAT32: Final = "float32"

_QUIET_SHARE: Final = 0.02
"""Share of a row's time that may be lost to others before a reader is told."""

_OWN_ROUTES: Final = ("", "direct")
"""Routes of files that no standard converter had a hand in: weights as they are, and direct lowering."""


_JSON_NAMES: Final = {
    "rounds": "turns",
    "round_limit_s": "turn_limit_s",
    "bulk_rounds": "bulk_turns",
    "bulk_round_s": "bulk_turn_s",
    "round_p50_us": "turn_p50_us",
}
"""Fields that have another name in JSON."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How a benchmark is run. In JSON a round is called a turn.

    ``windows`` single predictions are timed for every row, in ``rounds`` rounds; a row takes at most ``round_limit_s``
    of each: one that is too slow for that is measured with fewer windows, and says with how many. Bulk prediction takes
    ``bulk_rounds`` rounds of about ``bulk_round_s``.
    """

    windows: int = 1000
    rounds: int = 10
    round_limit_s: float = 2.0
    bulk_rounds: int = 3
    bulk_round_s: float = 0.2
    threads: int = 1


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """The model a row is about; ``hop_s`` is how often a new window arrives in live use."""

    model_id: str
    architecture: str
    parameters: int
    bundle: str
    hop_s: float


@dataclass(frozen=True, slots=True)
class LatencyUs:
    """Microseconds one prediction took: percentiles are times that were really measured (nearest rank)."""

    p50: float
    p95: float
    p99: float
    max: float

    @classmethod
    def of_nanoseconds(cls, durations: NDArray[np.int64]) -> "LatencyUs":
        """Summarise at least one duration.

        Examples
        --------
        >>> LatencyUs.of_nanoseconds(np.arange(1, 101) * 1000)
        LatencyUs(p50=50.0, p95=95.0, p99=99.0, max=100.0)
        """
        ranks = np.percentile(durations, [50, 95, 99, 100], method="inverted_cdf")
        return cls(*(float(value) / 1e3 for value in ranks))


@dataclass(frozen=True, slots=True)
class DeviceFacts:
    """What a device said of its own computing, and what its program takes.

    ``unit`` is what it counted for one window: microseconds, cycles, or instructions (an emulator has no cycles).
    ``frames_lost`` are those that had to be asked for again. Sizes are None where no program file was named.
    """

    unit: str
    p50: int
    p95: int
    p99: int
    max: int
    frames_lost: int
    flash_bytes: int | None = None
    ram_bytes: int | None = None

    @property
    def has_time(self) -> bool:
        """Whether it counted time."""
        return self.unit == "microseconds"


@dataclass(frozen=True, slots=True)
class Row:
    """One engine with one artifact. Numbers are None where they could not be had; ``error`` then says why.

    Attributes
    ----------
    model, engine, runtime, artifact, quantization, route
        Who was measured: model id, name of the engine, the library behind it with its version, file, quantization
        and the converter that made the file.
    bytes
        Size of the file.
    windows
        Single predictions that were timed.
    load_ms
        From a bundle in memory to an engine ready to predict, import of its library included.
    latency_us
        Of one window at a time, as in live use.
    round_p50_us
        The median of every round: how steady the machine was.
    waited_share
        Share of the time in which the row was ready and the processor did something else.
    windows_per_s
        Of many windows in one call.
    peak_rss_mb
        Most memory the process ever held while predicting single windows, Python and NumPy included.
    max_abs_error, top1_agreement
        Largest difference of any probability from the NumPy oracle in float64, and the share of windows with its
        label, over all predictions that were timed.
    device
        Of a device on a line: what it counted. ``latency_us`` is then its own time, without the line, or None where it
        counts something else than time.
    """

    model: str
    engine: str
    artifact: str
    quantization: str
    route: str
    bytes: int | None
    runtime: str | None = None
    windows: int = 0
    load_ms: float | None = None
    latency_us: LatencyUs | None = None
    round_p50_us: tuple[float, ...] = ()
    waited_share: float | None = None
    windows_per_s: float | None = None
    peak_rss_mb: float | None = None
    max_abs_error: float | None = None
    top1_agreement: float | None = None
    device: DeviceFacts | None = None
    error: str | None = None

    @property
    def is_own(self) -> bool:
        """Whether the file was made by this project's own compilers, not by a standard converter."""
        return self.route in _OWN_ROUTES

    @property
    def is_inexact(self) -> bool:
        """Whether a file of unrounded numbers gave other outputs than the oracle on these inputs, by more than 1e-5."""
        exact = self.max_abs_error is None or self.max_abs_error <= FLOAT_TOLERANCE
        return self.quantization == _FLOAT32 and not exact

    def to_json(self) -> dict[str, Any]:
        """Return the row as JSON-ready data; ``device`` and ``error`` are there only where there is one."""
        data = _as_json(self)
        for key in ("device", "error"):
            if data[key] is None:
                del data[key]
        return data


@dataclass(frozen=True, slots=True)
class BenchmarkResult:
    """Everything one run found."""

    machine: Machine
    settings: Settings
    models: tuple[ModelFacts, ...]
    rows: tuple[Row, ...]
    interrupted: bool = False

    def rows_of(self, model: ModelFacts) -> tuple[list[Row], list[Row]]:
        """Return a model's measured rows, fastest first, and those that could not run.

        Devices that count something else than time come after the rows that have times.
        """
        own = [row for row in self.rows if row.model == model.model_id]
        untimed = [row for row in own if row.error is None and row.device is not None and row.latency_us is None]
        return [*fastest_first(own), *untimed], [row for row in own if row.error is not None]

    def disturbance(self) -> str | None:
        """Return the sentence that warns of times that are longer than they need be, or None."""
        machine, shares = self.machine, [row.waited_share for row in self.rows if row.waited_share is not None]
        if shares and max(shares) > _QUIET_SHARE:
            what = f"did other things for up to {max(shares):.0%} of a row's time"
        elif not shares and machine.busy:
            what = f"had other things to do before (load average {machine.load_average})"
        else:
            return None
        return f"The processor {what}: times are longer than on an idle machine, those of slow rows most."

    def to_json(self) -> dict[str, Any]:
        """Return the result as JSON-ready data."""
        return {
            "machine": self.machine.to_json(),
            "settings": _as_json(self.settings),
            "models": [asdict(model) for model in self.models],
            "interrupted": self.interrupted,
            "rows": [row.to_json() for row in self.rows],
        }


def _as_json(facts: Any) -> dict[str, Any]:
    """Return a dataclass as JSON-ready data, under the names that readers of older results know."""
    return {_JSON_NAMES.get(name, name): value for name, value in asdict(facts).items()}


def fastest_first(rows: Iterable[Row]) -> list[Row]:
    """Return the rows without an error that have times, by their median."""
    timed = [(row.latency_us.p50, index, row) for index, row in enumerate(rows) if row.latency_us and not row.error]
    return [row for _, _, row in sorted(timed, key=lambda entry: entry[:2])]


def times_slower(row: Row, rows: Sequence[Row]) -> float | None:
    """Return how many times the fastest row's median this row's median is; None where it has no times."""
    if row.latency_us is None:
        return None
    return row.latency_us.p50 / min(other.latency_us.p50 for other in rows if other.latency_us)
