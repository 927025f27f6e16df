"""What `har train` prints at its end."""

import json
from typing import Any

import typer
from rich.console import Console

from edgehar.commands.scores_table import print_leaky, print_scores
from edgehar.commands.terminal_text import escape
from edgehar.commands.train.work import Result


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
        **{name: origin.configuration[name] for name in ("epochs_done", "kept_epoch", "training_s", "windows_per_s")},
        "metrics": result.final.evaluation.to_json(),
    }
    if len(result.models) > 1:
        printed["groups"] = [
            {"bundle": str(each.bundle.location), **each.evaluation.headline()} for each in result.models
        ]
    if result.leaky is not None:
        printed["leaky"] = result.leaky.headline()
    typer.echo(json.dumps(printed, ensure_ascii=False))


def print_for_people(result: Result) -> None:
    """Print the result as a table and a few sentences."""
    bundle, evaluation = result.final.bundle, result.final.evaluation
    manifest, console = bundle.manifest, Console(highlight=False, soft_wrap=True)
    done = manifest.provenance.configuration
    console.print(
        f"[bold]{escape(manifest.architecture.name)}[/]  {manifest.architecture.parameter_count:,} parameters, "
        f"{done['epochs_done']} epochs in {done['training_s']:,.0f} s ({done['windows_per_s']:,} windows/s), "
        f"weights of epoch {done['kept_epoch']}"
    )
    print_scores(evaluation, console)
    if result.leaky is not None:
        print_leaky(result.leaky, evaluation, console)
    place = escape(bundle.location)
    console.print(f"Written to {place}. Measure it with: har evaluate {place} --data PATH")
