"""Turns: every contestant is measured in short turns, in rounds of changing order.

A machine gets warmer, slower, busier while a benchmark runs. Measured one after the other, whoever comes last pays for
it; in rounds, every row pays. What other programs take is measured and told (`BenchmarkResult.disturbance`): it costs
rows that take longer than a time slice of the scheduler more than others.
"""

import random
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from edgehar.firmware_bridge.benchmark.candidate_run import Lane
from edgehar.firmware_bridge.benchmark.machine import describe_machine
from edgehar.firmware_bridge.benchmark.plan import Contest
from edgehar.firmware_bridge.benchmark.results import BenchmarkResult, Row, Settings

Progress = Callable[[int, int, str], None]
"""Told of every step: steps done, steps in all, and what is being done."""

_ORDER_SEED: Final = 7


def run_benchmark(
    contests: Sequence[Contest],
    settings: Settings | None = None,
    *,
    on_progress: Progress = lambda done, total, text: None,
) -> BenchmarkResult:
    """Measure every contestant of every contest.

    A keyboard interruption ends the workers and returns what was measured until then, with ``interrupted`` set.

    Parameters
    ----------
    contests
        One for each model. Workers of one contest are alive together, those of different contests are not.
    settings
        How many windows, turns, threads.
    on_progress
        Called before every step.
    """
    settings = settings or Settings()
    machine = describe_machine()
    steps = _Steps(sum(len(contest.contestants) for contest in contests) * _steps_of_lane(settings), on_progress)
    rows: list[Row] = []
    interrupted = False
    for contest in contests:
        lanes = [Lane(contest, contestant, settings) for contestant in contest.contestants]
        if not interrupted:
            interrupted = not _measured_to_the_end(contest, lanes, settings, steps)
        rows += [lane.row() for lane in lanes]
    models = tuple(contest.model for contest in contests)
    return BenchmarkResult(machine, settings, models, tuple(rows), interrupted)


def _measured_to_the_end(contest: Contest, lanes: list[Lane], settings: Settings, steps: "_Steps") -> bool:
    """Give every lane its turns; return False if the keyboard interrupted it."""
    order = random.Random(_ORDER_SEED)
    try:
        with tempfile.TemporaryDirectory(prefix="har-bench-") as folder:
            windows = Path(folder) / "windows.npy"
            np.save(windows, contest.windows)
            for lane in lanes:
                steps.next(f"loading {lane.name}")
                lane.load(windows)
            for turn in range(settings.turns):
                for lane in order.sample(lanes, len(lanes)):
                    steps.next(f"timing {lane.name}, turn {turn + 1} of {settings.turns}")
                    lane.time_each(turn)
            for lane in lanes:
                lane.measure_memory()
            for turn in range(settings.bulk_turns + 1):
                for lane in order.sample(lanes, len(lanes)):
                    steps.next(f"timing {lane.name}, many windows at once")
                    lane.time_bulk(counts=turn > 0)
    except KeyboardInterrupt:
        return False
    finally:
        for lane in lanes:
            lane.close()
    return True


def _steps_of_lane(settings: Settings) -> int:
    """Return how many steps one lane takes: loading, its turns, and the bulk turns with one to warm up."""
    return 1 + settings.turns + settings.bulk_turns + 1


class _Steps:
    """Counts the steps of a run for whoever shows progress."""

    def __init__(self, total: int, on_progress: Progress) -> None:
        self._done, self._total, self._on_progress = 0, total, on_progress

    def next(self, text: str) -> None:
        """Tell of the step that begins now."""
        self._on_progress(self._done, self._total, text)
        self._done += 1
