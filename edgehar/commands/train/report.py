"""What `har train` prints at its end."""

import json
from pathlib import Path
from typing import Any

import typer
from rich.console import Console

from edgehar.commands.scores_table import print_certainty, print_leaky, print_scores
from edgehar.commands.terminal_text import escape
from edgehar.commands.train.run import Result
from edgehar.pipeline.evaluation.predictions import FOLDS_SUFFIX, PREDICTIONS


def print_json(result: Result) -> None:
    """Print the result as one JSON object."""
    manifest = result.final.bundle.manifest
    origin = manifest.provenance
    printed: dict[str, Any] = {
        "bundle": str(result.final.bundle.location),
        "model": manifest.architecture.name,
        "model_id": manifest.model_id,
        "parameters": manifest.architecture.parameter_count,
        "complete": origin.complete,
        "seed": origin.seed,
        "trainer": origin.configuration["trainer"],
        **{name: origin.configuration[name] for name in ("epochs_done", "kept_epoch", "training_s", "windows_per_s")},
        "metrics": result.final.evaluation.to_json(),
    }
    if len(result.models) > 1:
        printed["groups"] = [
            {"bundle": str(each.bundle.location), **each.evaluation.headline()} for each in result.models
        ]
    if result.predictions is not None and result.intervals is not None:
        printed["seeds"] = result.predictions.by_seed()
        printed["intervals"] = result.intervals.to_json()
        printed["predictions"] = str(_predictions_file(result))
    if result.leaky is not None:
        printed["leaky"] = result.leaky.headline()
    typer.echo(json.dumps(printed, ensure_ascii=False))


def print_for_people(result: Result) -> None:
    """Print the result as a table and a few sentences."""
    bundle, evaluation = result.final.bundle, result.final.evaluation
    manifest, console = bundle.manifest, Console(highlight=False, soft_wrap=True)
    done = manifest.provenance.configuration
    console.print(
        f"[bold]{manifest.architecture.name}[/]  {manifest.architecture.parameter_count:,} parameters, "
        f"{done['epochs_done']} epochs in {done['training_s']:,.0f} s ({done['windows_per_s']:,} windows/s), "
        f"weights of epoch {done['kept_epoch']}"
    )
    print_scores(evaluation, console)
    if result.predictions is not None and result.intervals is not None:
        print_certainty(result.predictions, result.intervals, console)
        console.print(f"Every prediction is kept: har evaluate --from-predictions {escape(_predictions_file(result))}")
    if result.leaky is not None:
        print_leaky(result.leaky, evaluation, console)
    place = escape(bundle.location)
    console.print(f"Written to {place}. Measure it with: har evaluate {place} --data PATH")


def _predictions_file(result: Result) -> Path:
    """Return where the predictions of all models are."""
    place = result.final.bundle.location or Path()
    return place.with_name(place.name + FOLDS_SUFFIX) / PREDICTIONS
