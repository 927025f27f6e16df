"""Metrics of predictions that were kept: without a model, without data."""

import json
from pathlib import Path

import typer
from rich.console import Console

from edgehar.commands.scores_table import print_certainty, print_scores
from edgehar.models.files import atomic_path
from edgehar.pipeline.evaluation import Evaluation
from edgehar.pipeline.evaluation.intervals import bootstrap_intervals
from edgehar.pipeline.evaluation.predictions import read_predictions


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


def write_plots(folder: Path, evaluation: Evaluation, name: str) -> None:
    """Write the confusion matrix."""
    from edgehar.pipeline.evaluation.plots import confusion_files

    for file, content in confusion_files(evaluation, name=name).items():
        with atomic_path(folder / file) as temporary:
            temporary.write_bytes(content)
