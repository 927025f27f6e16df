"""Every artifact of a bundle on the same windows: what its quantization costs on people the model has never seen."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from edgehar.commands.evaluate.cases import COMPARED, Case, pool
from edgehar.commands.terminal_text import escape
from edgehar.models.bundle import FLOAT_TOLERANCE
from edgehar.models.engines import ENGINES, Engine, load_engine, missing_reason, runnable
from edgehar.models.errors import UsageError
from edgehar.pipeline.evaluation import Evaluation

FLOAT32 = "float32"


@dataclass(frozen=True, slots=True, eq=False)
class ArtifactScores:
    """One artifact on the engine that runs its format.

    Parameters
    ----------
    evaluation
        Of all bundles together.
    single
        Of each bundle, in their order.
    bytes
        Of the file; of several bundles, the largest.
    same_label
        Share of windows that get the label of the float32 model.
    points_lost
        Macro-F1 of the float32 model less this one's, in points of 0.01.
    max_abs_error
        Of a float32 file, the largest difference of a probability from the oracle's on `COMPARED` windows of each
        bundle; None of a file that rounds.
    """

    evaluation: Evaluation
    single: tuple[Evaluation, ...]
    bytes: int
    same_label: float
    points_lost: float
    max_abs_error: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the row as JSON-ready data."""
        return {
            "artifact": self.evaluation.artifact,
            "quantization": self.evaluation.quantization,
            "engine": self.evaluation.engine,
            "runtime": self.evaluation.runtime,
            "bytes": self.bytes,
            "windows": self.evaluation.scores.windows,
            "accuracy": self.evaluation.scores.accuracy,
            "macro_f1": self.evaluation.scores.macro_f1,
            "points_of_macro_f1_lost": self.points_lost,
            "same_label_as_float32": self.same_label,
            "max_abs_error": self.max_abs_error,
        }


def judge_artifacts(
    cases: Sequence[Case], *, threads: int, advance: Callable[[int, int | None], None]
) -> list[ArtifactScores]:
    """Judge every artifact that all cases have and an installed engine runs, beside the float32 model.

    Raises
    ------
    UsageError
        If there is no such artifact.
    """
    runs = _runs(cases)
    total, done = (1 + len(runs)) * sum(len(case.indices) for case in cases), 0

    def count(windows: int) -> None:
        nonlocal done
        done += windows
        advance(done, total)

    floats = [load_engine(case.bundle, "auto", FLOAT32, threads=threads) for case in cases]
    truths = [case.labels(engine, advance=count) for case, engine in zip(cases, floats, strict=True)]
    judged = [case.judge(engine, labels) for case, engine, labels in zip(cases, floats, truths, strict=True)]
    best = pool(cases, judged)[1].scores.macro_f1
    rows = []
    for name, quantization in runs:
        engines = [load_engine(case.bundle, name, quantization, threads=threads) for case in cases]
        labels = [case.labels(engine, advance=count) for case, engine in zip(cases, engines, strict=True)]
        parts = zip(cases, engines, labels, strict=True)
        single = tuple(case.judge(engine, own) for case, engine, own in parts)
        evaluation = pool(cases, single)[1]
        rows.append(
            ArtifactScores(
                evaluation,
                single,
                max(_bytes(case, engine) for case, engine in zip(cases, engines, strict=True)),
                float(np.mean(np.concatenate(labels) == np.concatenate(truths))),
                100 * (best - evaluation.scores.macro_f1),
                _largest_error(cases, engines) if quantization == FLOAT32 else None,
            )
        )
    return rows


def print_artifacts(rows: Sequence[ArtifactScores], console: Console) -> None:
    """Print the rows as a table."""
    first = rows[0].evaluation
    console.print(f"{escape(first.protocol)}: {first.scores.windows:,} windows")
    table = Table(box=None, padding=(0, 1, 0, 0))
    for title in ("artifact", "engine"):
        table.add_column(title, no_wrap=True)
    for title in ("bytes", "accuracy", "macro-F1", "lost", "agrees"):
        table.add_column(title, justify="right", no_wrap=True)
    for row in rows:
        scores = row.evaluation.scores
        table.add_row(
            escape(row.evaluation.artifact),
            row.evaluation.engine,
            f"{row.bytes:,}",
            f"{scores.accuracy:.3f}",
            f"{scores.macro_f1:.3f}",
            f"{row.points_lost:+.2f}",
            f"{row.same_label:.1%}",
        )
    console.print(table)
    for row in rows:
        if row.max_abs_error is not None and not row.max_abs_error <= FLOAT_TOLERANCE:
            console.print(
                f"[yellow]{escape(row.evaluation.artifact)} on {row.evaluation.engine}: a probability is "
                f"{row.max_abs_error:.1e} from the oracle's, more than {FLOAT_TOLERANCE:g}, on up to {COMPARED:,} "
                "windows of a bundle.[/]"
            )
    console.print("lost: points of macro-F1, 0.01 each, against the float32 model; agrees: windows it labels alike.")


def _largest_error(cases: Sequence[Case], engines: Sequence[Engine]) -> float:
    """Return the largest error of any case."""
    return max(case.largest_error(engine) for case, engine in zip(cases, engines, strict=True))


def _runs(cases: Sequence[Case]) -> list[tuple[str, str]]:
    """Return the (engine, quantization) of every artifact to judge."""
    common = set.intersection(*({(name, kind) for name, _, kind in runnable(case.bundle)} for case in cases))
    compiled = [(name, kind) for name, file, kind in runnable(cases[0].bundle) if file.startswith("model.")]
    missing = {name: missing_reason(name) for name in ENGINES}
    runs = [run for run in compiled if run in common and missing[run[0]] is None]
    if not runs:
        raise UsageError(
            "expected artifacts that an installed engine runs, there are none",
            next_step="Compile the bundle with `har compile`, or install a runtime.",
        )
    return runs


def _bytes(case: Case, engine: Engine) -> int:
    """Return the size of the file an engine runs."""
    return len(case.bundle.files[engine.artifact])
