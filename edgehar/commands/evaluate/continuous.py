"""`har evaluate --continuous`: people's recordings strung together, and what a bundle's decoder makes of them."""

import json
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from edgehar.commands.evaluate.cases import Case
from edgehar.commands.terminal_text import escape
from edgehar.models.decoder.decoder import lag_in_windows
from edgehar.models.engines import Engine
from edgehar.models.stateful.windows import CarriedWindows
from edgehar.pipeline.evaluation.held_out import JudgedSubjects
from edgehar.pipeline.tuning.continuous import DECODED, DECODED_LAG, RAW, StreamScores, labels_of, score_streams
from edgehar.pipeline.tuning.streams import streams_of

Advance = Callable[[int, int | None], None]

_TITLES = {RAW: "raw", DECODED: "decoded", DECODED_LAG: "{lag_s:g} s later"}


@dataclass(frozen=True, slots=True)
class ContinuousScores:
    """Labels on streams, of three kinds.

    Parameters
    ----------
    scores
        By kind: raw, decoded, decoded after a lag.
    windows, across
        How many windows there are, and how many of them hold more than one activity.
    lag_s, seed
        The lag, and what the order of recordings came from.
    carried
        Whether the state was carried from window to window.
    """

    scores: dict[str, StreamScores]
    windows: int
    across: int
    lag_s: float
    seed: int
    carried: bool

    def to_json(self) -> dict[str, Any]:
        """Return everything as JSON-ready data."""
        flat: dict[str, float] = {}
        for kind, scores in self.scores.items():
            prefix = "" if kind == RAW else f"{kind}_"
            flat[f"{prefix}macro_f1"] = scores.macro_f1
            flat[f"{prefix}every_window_macro_f1"] = scores.every_window_macro_f1
        return {
            **flat,
            "windows": self.windows,
            "windows_across_joints": self.across,
            "lag_s": self.lag_s,
            "order_seed": self.seed,
            "streaming": self.carried,
            **{kind: scores.to_json() for kind, scores in self.scores.items()},
        }


def judge_continuous(
    cases: Iterable[Case],
    runner: Callable[[Case], AbstractContextManager[Engine]],
    *,
    lag_s: float,
    seed: int,
    advance: Advance,
) -> ContinuousScores:
    """Judge every bundle on the streams of its people, and score all streams together.

    Parameters
    ----------
    cases
        The bundles, each with the people it is judged on.
    runner
        Returns the engine of a case.
    lag_s
        Of the decoder that waits.
    seed
        Of the order of each person's recordings.
    advance
        Is told how far the present bundle is.
    """
    streams, shown = [], {kind: [] for kind in _TITLES}  # type: ignore[var-annotated]
    for case in cases:
        manifest, hop = case.bundle.manifest, case.windows.hop
        lag_in_windows(lag_s, hop=hop, rate_hz=manifest.window.rate_hz)
        with runner(case) as engine:
            carried = isinstance(engine, CarriedWindows)
            own = streams_of(
                engine,
                case.windows,
                case.people.subjects,
                push=manifest.decoder.push,
                seed=seed,
                progress=advance,
            )
        streams += own
        for kind, labels in shown.items():
            labels += [labels_of(stream, manifest, hop=hop, kind=kind, lag_s=lag_s) for stream in own]
        classes = len(manifest.labels)
    scores = {kind: score_streams(streams, labels, classes=classes) for kind, labels in shown.items()}
    across = sum(int(stream.joined.sum()) for stream in streams if stream.joined is not None)
    return ContinuousScores(scores, sum(len(stream.truth) for stream in streams), across, lag_s, seed, carried)


def publish_continuous(path: Path, people: JudgedSubjects, found: ContinuousScores, *, as_json: bool) -> str | None:
    """Return what to print as JSON; or print a table."""
    if as_json:
        facts = {"bundle": str(path), "honest": people.is_honest, "protocol": people.protocol, **found.to_json()}
        return json.dumps(facts, ensure_ascii=False)
    console = Console(highlight=False, soft_wrap=True)
    console.print(
        f"{escape(people.protocol)}. Recordings strung together in a random order, no reset between them, "
        f"{'the state carried' if found.carried else 'each window from a fresh state'}: {found.windows:,} windows. "
        f"The {found.across:,} across a joint count only where every window does, by their last sample."
    )
    console.print(_table(found))
    return None


def _table(found: ContinuousScores) -> Table:
    """Return the scores, a column a kind."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("", no_wrap=True)
    for title in _TITLES.values():
        table.add_column(title.format(lag_s=found.lag_s), justify="right", no_wrap=True)
    every = [found.scores[kind] for kind in _TITLES]
    _add(table, "macro-F1", [f"{scores.macro_f1:.3f}" for scores in every])
    _add(table, "  of every window", [f"{scores.every_window_macro_f1:.3f}" for scores in every])
    _add(table, "label switches an hour", [f"{scores.events.switches_per_hour:.0f}" for scores in every])
    _add(table, "  of what was done", [f"{scores.events.true_switches_per_hour:.0f}" for scores in every])
    _add(table, "false activations an hour", [f"{scores.events.false_activations_per_hour:.0f}" for scores in every])
    _add(table, "detection delay, median", [f"{scores.events.delay_median_s:.1f} s" for scores in every])
    _add(table, "changes seen at once", [f"{scores.events.at_once:.1%}" for scores in every])
    _add(table, "changes missed", [f"{scores.events.missed:.1%}" for scores in every])
    _add(table, "seconds wrong an hour", [f"{3600 * scores.events.wrong:.0f}" for scores in every])
    _add(table, "seconds unknown an hour", [f"{3600 * scores.events.unknown:.0f}" for scores in every])
    if every[0].unlearned_windows:
        cells = [f"{scores.unlearned_unknown:.1%}" for scores in every]
        _add(table, f"unlearned, called unknown ({every[0].unlearned_windows:,})", cells)
    return table


def _add(table: Table, name: str, cells: Sequence[str]) -> None:
    """Add a row."""
    table.add_row(name, *cells)
