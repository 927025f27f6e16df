"""Metrics of predictions that were kept: without a model, without data."""

import json
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table

from edgehar.commands.progress import progress_bar
from edgehar.commands.scores_table import print_certainty, print_scores
from edgehar.commands.terminal_text import escape
from edgehar.models.bundle.manifest import DecoderSpec
from edgehar.models.files import atomic_path
from edgehar.pipeline.data.recordings import Dataset
from edgehar.pipeline.evaluation import Evaluation
from edgehar.pipeline.evaluation.intervals import LEVEL, bootstrap_intervals
from edgehar.pipeline.evaluation.predictions import read_predictions
from edgehar.pipeline.training.kept_run import read_kept_run
from edgehar.pipeline.training.out_of_fold import KINDS, ContinuousFigures, continuous_figures


def evaluate_predictions(path: Path, *, plots: Path | None, as_json: bool) -> None:
    """Print the scores of kept predictions, of all seeds and of each, with intervals."""
    predictions = read_predictions(path)
    evaluation, intervals = predictions.evaluation(), bootstrap_intervals(predictions.per_subject())
    if plots is not None:
        write_plots(plots, evaluation, predictions.origin.model)
    if as_json:
        origin = predictions.origin
        printed = {
            "predictions": str(path),
            "model": origin.model,
            "dataset": origin.dataset,
            **evaluation.to_json(),
            "seeds": predictions.by_seed(),
            "intervals": intervals.to_json(),
        }
        typer.echo(json.dumps(printed, ensure_ascii=False))
        return
    console = Console(highlight=False, soft_wrap=True)
    print_scores(evaluation, console)
    print_certainty(predictions, intervals, console)


def evaluate_run(path: Path, dataset: Dataset, *, lag_s: float, streaming: bool | None, as_json: bool) -> None:
    """Print what the models of a run make of streams of people they never saw, decoded as all others chose."""
    run = read_kept_run(path)
    with progress_bar("trying decoders", show=not as_json) as advance:
        found = continuous_figures(run, dataset, lag_s=lag_s, streaming=streaming, progress=advance)
    if as_json:
        origin = run.predictions.origin
        facts = {"predictions": str(path), "model": origin.model, "protocol": origin.protocol, "seeds": origin.seeds}
        typer.echo(json.dumps({**facts, **found.to_json()}, ensure_ascii=False))
        return
    console = Console(highlight=False, soft_wrap=True)
    console.print(
        f"{escape(run.predictions.origin.protocol)}. Recordings strung together in a random order, no reset between "
        f"them, {'the state carried' if found.carried else 'each window from a fresh state'}; each person is decoded "
        "as all other people chose, by what models said that had not seen them. Windows across a joint count only "
        "where every window does, by their last sample."
    )
    console.print(_streams_table(found))
    console.print(f"Decoder that all chose together: {escape(describe_decoder(found.decoder))}.")


def _streams_table(found: ContinuousFigures) -> Table:
    """Return the scores, a row for each kind."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("macro-F1", no_wrap=True)
    for title in ("mean", "between seeds", f"{LEVEL:.0%} interval over people", "of every window"):
        table.add_column(title, justify="right")
    for kind, title in KINDS.items():
        (mean, deviation), (low, high) = found.macro_f1(kind), found.intervals(kind).macro_f1
        between = f"± {deviation:.3f}" if len(found.seeds) > 1 else "one seed"
        cells = (f"{mean:.3f}", between, f"{low:.3f} to {high:.3f}", f"{found.every_window_macro_f1(kind)[0]:.3f}")
        table.add_row(title.format(lag_s=found.lag_s), *cells)
    return table


def describe_decoder(decoder: DecoderSpec) -> str:
    """Return what a decoder does, in words."""
    how = f"the mean of {decoder.smoothing_windows} windows"
    if decoder.is_markov:
        how = (
            f"a hidden Markov model that stays with {decoder.stay_probability:.3g} a window "
            f"(temperature {decoder.temperature:g})"
        )
    if decoder.push is not None:
        how += ", elevators by their push"
    return (
        f"{how}, unknown below {decoder.reject_below:.0%}, another label after {decoder.minimum_dwell_windows} in a row"
    )


def write_plots(folder: Path, evaluation: Evaluation, name: str) -> None:
    """Write the confusion matrix."""
    from edgehar.pipeline.evaluation.plots import confusion_files

    for file, content in confusion_files(evaluation, name=name).items():
        with atomic_path(folder / file) as temporary:
            temporary.write_bytes(content)
