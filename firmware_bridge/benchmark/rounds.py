"""Measure all candidates in rounds: in each round every candidate is measured for a short time, in changing order.

A machine gets warmer, slower, busier while a benchmark runs. If candidates were measured one after the other, the last
one would look slow; in rounds, all of them slow down alike. What other programs take is measured and told
(`BenchmarkResult.disturbance`): it costs rows that take longer than a time slice of the scheduler more than others.
"""

import random
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from edgehar.firmware_bridge.benchmark.candidate_run import CandidateRun
from edgehar.firmware_bridge.benchmark.machine import describe_machine
from edgehar.firmware_bridge.benchmark.plan import ModelPlan
from edgehar.firmware_bridge.benchmark.results import BenchmarkResult, Row, Settings

Progress = Callable[[int, int, str], None]
"""Told of every step: steps done, steps in all, and what is being done."""

_ORDER_SEED: Final = 7


def run_benchmark(
    plans: Sequence[ModelPlan],
    settings: Settings | None = None,
    *,
    on_progress: Progress = lambda done, total, text: None,
) -> BenchmarkResult:
    """Measure every candidate of every plan.

    A keyboard interruption ends the workers and returns what was measured until then, with ``interrupted`` set.

    Parameters
    ----------
    plans
        One for each model. Workers of one plan are alive together, those of different plans are not.
    settings
        How many windows, rounds, threads.
    on_progress
        Called before every step.
    """
    settings = settings or Settings()
    machine = describe_machine()
    steps = _Steps(sum(len(plan.candidates) for plan in plans) * _steps_of_run(settings), on_progress)
    rows: list[Row] = []
    interrupted = False
    for plan in plans:
        runs = [CandidateRun(plan, candidate, settings) for candidate in plan.candidates]
        if not interrupted:
            interrupted = not _measure_in_rounds(plan, runs, settings, steps)
        rows += [run.row() for run in runs]
    models = tuple(plan.model for plan in plans)
    return BenchmarkResult(machine, settings, models, tuple(rows), interrupted)


def _measure_in_rounds(plan: ModelPlan, runs: list[CandidateRun], settings: Settings, steps: "_Steps") -> bool:
    """Measure all runs of a plan; return False if the keyboard interrupted it."""
    order = random.Random(_ORDER_SEED)
    try:
        with tempfile.TemporaryDirectory(prefix="har-bench-") as folder:
            windows = Path(folder) / "windows.npy"
            np.save(windows, plan.windows)
            for run in runs:
                steps.next(f"loading {run.name}")
                run.load(windows)
            for number in range(settings.rounds):
                for run in order.sample(runs, len(runs)):
                    steps.next(f"timing {run.name}, round {number + 1} of {settings.rounds}")
                    run.time_each(number)
            for run in runs:
                run.measure_memory()
            for number in range(settings.bulk_rounds + 1):
                for run in order.sample(runs, len(runs)):
                    steps.next(f"timing {run.name}, many windows at once")
                    run.time_bulk(counts=number > 0)
    except KeyboardInterrupt:
        return False
    finally:
        for run in runs:
            run.close()
    return True


def _steps_of_run(settings: Settings) -> int:
    """Return how many steps one run has: loading, its rounds, and the bulk rounds with one to warm up."""
    return 1 + settings.rounds + settings.bulk_rounds + 1


class _Steps:
    """Counts the steps of a run for whoever shows progress."""

    def __init__(self, total: int, on_progress: Progress) -> None:
        self._done, self._total, self._on_progress = 0, total, on_progress

    def next(self, text: str) -> None:
        """Tell of the step that begins now."""
        self._on_progress(self._done, self._total, text)
        self._done += 1
