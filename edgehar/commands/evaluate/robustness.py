"""`har evaluate --robustness`: what another mounting, range, rate or line costs, person by person drawn once."""

import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from rich.console import Console
from rich.table import Table

from edgehar.commands.evaluate.cases import Case
from edgehar.commands.terminal_text import escape
from edgehar.models.bundle import Bundle
from edgehar.models.engines import Engine
from edgehar.pipeline.evaluation.held_out import JudgedSubjects
from edgehar.pipeline.evaluation.metrics import Scores
from edgehar.pipeline.evaluation.robustness import PERTURBATIONS, perturbed

AS_RECORDED: Final = "as recorded"


@dataclass(frozen=True, slots=True)
class RobustnessScores:
    """Macro-F1 of the same windows as recorded and under every perturbation, over some draws.

    Parameters
    ----------
    macro_f1
        By name of the perturbation: of each draw; `AS_RECORDED` has one.
    meanings
        What each does, in a sentence.
    windows
        How many were judged.
    """

    macro_f1: dict[str, tuple[float, ...]]
    meanings: dict[str, str]
    windows: int

    def to_json(self) -> dict[str, Any]:
        """Return everything as JSON-ready data."""
        plain = self.macro_f1[AS_RECORDED][0]
        rows = [
            {
                "name": name,
                "meaning": self.meanings[name],
                "macro_f1": float(np.mean(values)),
                "draws": list(values),
                "points_lost": 100 * (plain - float(np.mean(values))),
            }
            for name, values in self.macro_f1.items()
        ]
        return {"windows": self.windows, "rows": rows}


def judge_robustness(
    cases: Sequence[Case],
    runner: Callable[[Bundle], AbstractContextManager[Engine]],
    *,
    draws: int,
    advance: Callable[[int, int | None], None],
) -> RobustnessScores:
    """Judge every bundle on its people's windows under every perturbation, and score all of them together.

    Parameters
    ----------
    cases
        The bundles, each with the people it is judged on.
    runner
        Returns the engine of a bundle.
    draws
        How often what is drawn at random is drawn, with the seeds 0, 1, ...
    advance
        Is told how many of the rows of all bundles are done.
    """
    names = [AS_RECORDED, *(each.name for each in PERTURBATIONS)]
    counted: dict[str, list[list[Scores]]] = {name: [[] for _ in range(draws)] for name in names}
    done, total = 0, len(cases) * len(names)
    for case in cases:
        labels = case.bundle.manifest.labels
        batch, truth = case.windows.batch(case.indices), case.windows.labels[case.indices]
        subjects = case.windows.subjects[case.indices]
        with runner(case.bundle) as engine:
            said = engine.predict(batch).argmax(axis=1)
            for found in counted[AS_RECORDED]:
                found.append(Scores.of(labels, truth=truth, predicted=said))
            done += 1
            advance(done, total)
            for each in PERTURBATIONS:
                for seed, found in enumerate(counted[each.name]):
                    changed = perturbed(each, batch, subjects, seed=seed)
                    said = engine.predict(changed).argmax(axis=1)
                    found.append(Scores.of(labels, truth=truth, predicted=said))
                done += 1
                advance(done, total)
    macro_f1 = {name: tuple(Scores.pooled(parts).macro_f1 for parts in found) for name, found in counted.items()}
    macro_f1[AS_RECORDED] = macro_f1[AS_RECORDED][:1]
    meanings = {AS_RECORDED: "as the sensor gave it", **{each.name: each.meaning for each in PERTURBATIONS}}
    return RobustnessScores(macro_f1, meanings, sum(len(case.indices) for case in cases))


def publish_robustness(path: Path, people: JudgedSubjects, found: RobustnessScores, *, as_json: bool) -> str | None:
    """Return what to print as JSON; or print a table."""
    facts = found.to_json()
    if as_json:
        return json.dumps(
            {"bundle": str(path), "honest": people.is_honest, "protocol": people.protocol, **facts}, ensure_ascii=False
        )
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"{escape(people.protocol)}: {found.windows:,} windows, drawn once for each person")
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("", no_wrap=True)
    for title in ("macro-F1", "points lost"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("what is done")
    for row in facts["rows"]:
        table.add_row(
            escape(row["name"]), f"{row['macro_f1']:.3f}", f"{row['points_lost']:+.1f}", escape(row["meaning"])
        )
    console.print(table)
    return None
