"""A device in a benchmark: it predicts over its line, and its own counting is what is measured."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter_ns
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgehar.firmware_bridge.benchmark.candidates import Candidate, CandidateFacts, Loaded, Timed, UnavailableCandidate
from edgehar.firmware_bridge.benchmark.results import DeviceFacts
from edgehar.firmware_bridge.device.engine import DeviceDuration, DeviceEngine
from edgehar.firmware_bridge.frames.fields import DurationUnit
from edgehar.firmware_bridge.projects.elf import ProgramSize, program_size
from edgehar.models.bundle import Bundle
from edgehar.models.errors import HarError

_BULK_NS: Final = 500_000_000
_NS_PER_US: Final = 1000


def device_candidate(bundle: Bundle, url: str, *, program: Path | None = None) -> Candidate:
    """Return the device at a URL as a candidate, or a candidate that says why it cannot be measured.

    Parameters
    ----------
    bundle
        The model it was built from.
    url
        Its line.
    program
        The program it runs, an ELF file, for its sizes.

    Raises
    ------
    DataError
        If ``program`` is none.
    """
    size = None if program is None else program_size(program)
    start = perf_counter_ns()
    try:
        engine = DeviceEngine(bundle, url)
    except HarError as error:
        return UnavailableCandidate(CandidateFacts("device", url, "", "direct", None), str(error))
    facts = CandidateFacts("device", engine.artifact, engine.quantization, "direct", len(bundle.files[engine.artifact]))
    return DeviceCandidate(facts, engine, (perf_counter_ns() - start) / 1e6, size)


@dataclass(frozen=True, slots=True)
class DeviceCandidate:
    """A device that has said hello; it can be started once."""

    facts: CandidateFacts
    engine: DeviceEngine
    load_ms: float
    size: ProgramSize | None

    def start(self, windows: Path) -> "DeviceWorker":
        """Begin with these windows."""
        return DeviceWorker(self.engine, self.load_ms, self.size, np.load(windows, allow_pickle=False))


class DeviceWorker:
    """Sends windows to a device, one by one."""

    def __init__(
        self, engine: DeviceEngine, load_ms: float, size: ProgramSize | None, windows: NDArray[np.float32]
    ) -> None:
        self._engine, self._load_ms, self._size, self._windows = engine, load_ms, size, windows

    def load(self) -> Loaded:
        """Return how long the hello took: the model is there already."""
        return Loaded(self._load_ms, self._engine.runtime)

    def time_each(self, first: int, count: int, *, limit_s: float) -> Timed:
        """Let the device predict windows one by one."""
        return self._predict(first, count, int(limit_s * 1e9))

    def time_bulk(self, first: int, count: int) -> Timed:
        """Let the device predict as many windows as it can in a moment: it knows no other way than one by one."""
        timed = self._predict(first, count, _BULK_NS)
        return Timed(timed.durations_ns.sum(keepdims=True), timed.outputs, device=timed.device)

    def peak_rss_mb(self) -> None:
        """Return None: its memory is its program's."""

    def close(self) -> None:
        """Give the line back."""
        self._engine.close()

    def _predict(self, first: int, count: int, limit_ns: int) -> Timed:
        """Predict windows until the time is over, at least one."""
        outputs: list[NDArray[np.float32]] = []
        waited: list[int] = []
        end = perf_counter_ns() + limit_ns
        for index in range(first, first + count):
            at = index % len(self._windows)
            start = perf_counter_ns()
            outputs.append(self._engine.predict(self._windows[at : at + 1]))
            waited.append(perf_counter_ns() - start)
            if perf_counter_ns() > end:
                break
        counted = self._engine.durations
        facts = device_facts(counted, self._engine.frames_lost, self._size)
        times = [duration.count * _NS_PER_US for duration in counted[-len(outputs) :]] if facts.has_time else waited
        return Timed(np.array(times, np.int64), np.concatenate(outputs), device=facts)


def device_facts(durations: Sequence[DeviceDuration], frames_lost: int, size: ProgramSize | None) -> DeviceFacts:
    """Summarise what a device counted for at least one window: percentiles are counts it really said."""
    counts = np.array([duration.count for duration in durations], np.int64)
    p50, p95, p99, most = np.percentile(counts, [50, 95, 99, 100], method="inverted_cdf").astype(int).tolist()
    unit = DurationUnit(durations[-1].unit).name.lower()
    flash, ram = (None, None) if size is None else (size.flash_bytes, size.ram_bytes)
    return DeviceFacts(unit, p50, p95, p99, most, frames_lost, flash, ram)
