"""Every compiled file of a bundle in the same run: how right, how fast, how large."""

from pathlib import Path
from typing import Final

from edgehar.commands.evaluate.artifacts import ArtifactScores, judge_artifacts
from edgehar.commands.evaluate.cases import Case
from edgehar.commands.interruption import termination_interrupts
from edgehar.commands.progress import Advance
from edgehar.firmware_bridge.benchmark.plan import plan_bundle
from edgehar.firmware_bridge.benchmark.results import BenchmarkResult, Row, Settings
from edgehar.firmware_bridge.benchmark.rounds import run_benchmark
from edgehar.models.errors import UsageError

_QUICK: Final = Settings(windows=200, round_limit_s=0.5, bulk_rounds=1, bulk_round_s=0.1)
"""Enough for the place of every file among the others; `har bench` measures longer."""


def score_artifacts(case: Case, *, threads: int, advance: Advance) -> tuple[ArtifactScores, ...]:
    """Return scores of every compiled file that can run here; none where there is no such file."""
    try:
        return tuple(judge_artifacts([case], threads=threads, advance=advance))
    except UsageError:
        return ()


def quick_bench(bundle: Path, *, advance: Advance) -> BenchmarkResult:
    """Return a short benchmark of every engine with every file.

    Raises
    ------
    KeyboardInterrupt
        If interrupted: half of a benchmark makes no report.
    """
    plan = plan_bundle(bundle, artificial=_QUICK.windows)
    with termination_interrupts():
        result = run_benchmark([plan], _QUICK, on_progress=lambda done, total, text: advance(done, total))
    if result.interrupted:
        raise KeyboardInterrupt
    return result


def timed_row(bench: BenchmarkResult, scores: ArtifactScores) -> Row | None:
    """Return the row of the benchmark that ran the same file on the same engine; None if it could not run."""
    for row in bench.rows:
        same = (row.engine, row.artifact) == (scores.evaluation.engine, scores.evaluation.artifact)
        if same and row.latency_us is not None and row.error is None:
            return row
    return None
