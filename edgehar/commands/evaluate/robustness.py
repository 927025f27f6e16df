"""`har evaluate --robustness`: what another mounting, range, rate or line costs, person by person drawn once."""

import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from edgehar.commands.evaluate.cases import Case
from edgehar.commands.terminal_text import escape
from edgehar.models.bundle import Bundle
from edgehar.models.engines import Engine
from edgehar.models.mounting import Frame
from edgehar.pipeline.data.recordings import Dataset
from edgehar.pipeline.evaluation.held_out import JudgedSubjects
from edgehar.pipeline.evaluation.metrics import Scores
from edgehar.pipeline.evaluation.mounted import find_mountings
from edgehar.pipeline.evaluation.robustness import PERTURBATIONS, Perturbation, perturbed, perturbed_samples

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
    calibrated
        The same, once each person's mounting was found; empty unless asked for.
    """

    macro_f1: dict[str, tuple[float, ...]]
    meanings: dict[str, str]
    windows: int
    calibrated: dict[str, tuple[float, ...]] = field(default_factory=dict)

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
                **({"calibrated_macro_f1": float(np.mean(self.calibrated[name]))} if self.calibrated else {}),
            }
            for name, values in self.macro_f1.items()
        ]
        return {"windows": self.windows, "rows": rows}


def judge_robustness(
    cases: Sequence[Case],
    runner: Callable[[Bundle], AbstractContextManager[Engine]],
    *,
    draws: int,
    recordings: Dataset | None = None,
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
    recordings
        Of the same people: judge once more when each one's mounting was found from what they stand and walk in these.
    advance
        Is told how many of the rows of all bundles are done.
    """
    tried = (Perturbation(AS_RECORDED, "as the sensor gave it", lambda windows, _: windows), *PERTURBATIONS)
    counted: dict[str, list[list[Scores]]] = {each.name: [[] for _ in range(draws)] for each in tried}
    turned_back: dict[str, list[list[Scores]]] = {each.name: [[] for _ in range(draws)] for each in tried}
    done, total = 0, len(cases) * len(tried)
    for case in cases:
        labels = case.bundle.manifest.labels
        batch, truth = case.windows.batch(case.indices), case.windows.labels[case.indices]
        subjects = case.windows.subjects[case.indices]
        with runner(case.bundle) as engine:
            for each in tried:
                for seed in range(1 if each.name == AS_RECORDED else draws):
                    changed = perturbed(each, batch, subjects, seed=seed)
                    said = engine.predict(changed).argmax(axis=1)
                    counted[each.name][seed].append(Scores.of(labels, truth=truth, predicted=said))
                    if recordings is not None:
                        worn = perturbed_samples(each, subjects, seed=seed)
                        mended = _turned_back(case, recordings, changed, subjects, worn)
                        said = engine.predict(mended).argmax(axis=1)
                        turned_back[each.name][seed].append(Scores.of(labels, truth=truth, predicted=said))
                done += 1
                advance(done, total)
    return RobustnessScores(
        _pooled(counted),
        {each.name: each.meaning for each in tried},
        sum(len(case.indices) for case in cases),
        {} if recordings is None else _pooled(turned_back),
    )


def _pooled(counted: dict[str, list[list[Scores]]]) -> dict[str, tuple[float, ...]]:
    """Return the macro-F1 of every draw, of all cases together."""
    return {name: tuple(Scores.pooled(parts).macro_f1 for parts in found if parts) for name, found in counted.items()}


def _turned_back(
    case: Case,
    recordings: Dataset,
    windows: NDArray[np.float32],
    subjects: NDArray[np.str_],
    worn: Callable[[str, NDArray[Any]], NDArray[Any]],
) -> NDArray[np.float32]:
    """Return windows in the axes of the model, each person's mounting found from what they stand and walk."""
    frame = Frame.of_model(case.bundle.manifest)
    found = find_mountings(recordings, np.unique(subjects).tolist(), frame, worn=worn)
    turned = windows.copy()
    for name, mounting in found.mountings.items():
        own = subjects == name
        turned[own] = mounting.apply(windows[own])
    return turned


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
    titles = ("macro-F1", "points lost", *(("mounting found", "points lost") if found.calibrated else ()))
    for title in titles:
        table.add_column(title, justify="right", no_wrap=True)
    if not found.calibrated:
        table.add_column("what is done")
    plain = found.macro_f1[AS_RECORDED][0]
    for row in facts["rows"]:
        values = [row["macro_f1"], *([row["calibrated_macro_f1"]] if found.calibrated else [])]
        figures = [text for value in values for text in (f"{value:.3f}", f"{100 * (plain - value):+.1f}")]
        table.add_row(escape(row["name"]), *figures, *([] if found.calibrated else [escape(row["meaning"])]))
    console.print(table)
    return None
