"""Print what each piece of a recipe is worth, on people never seen: the recipe, and the recipe without each piece.

Every line is a run of `har train --groups` with several seeds, kept in a folder and resumed where it is there already.
A difference is called noise if its interval over people holds zero, or if seeds of one line differ by as much.

Usage: tools/ablate.py --data PATH --recipe NAME [--out FOLDER] [--groups 4] [--seeds 3]
                       [--without rotation_deg] [--add mixup=0.3] [--quick]

``--without`` (repeatable) measures these pieces instead of all. ``--add`` tries a piece that the recipe does not have.
``--quick`` shows that everything works: one epoch, two groups, two seeds, synthetic people; its figures mean nothing.
"""

import argparse
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from edgehar.models.errors import HarError, UsageError
from edgehar.pipeline.evaluation.intervals import LEVEL, bootstrap_intervals, difference_interval
from edgehar.pipeline.evaluation.metrics import mean_and_deviation
from edgehar.pipeline.evaluation.predictions import Predictions, read_predictions
from edgehar.pipeline.training.recipe import ORTHOGONAL, Recipe
from edgehar.pipeline.training.recipes import ModelRecipe, parse_recipe, read_recipe

_WIDTH: Final = 140

WITHOUT: Final[dict[str, Any]] = {
    "offset_samples": 0,
    "rotation_deg": 0.0,
    "supervise_every": 0,
    "initialization": ORTHOGONAL,
    "weight_decay": 0.0,
    "warmup": 0.0,
    "clip_norm": 0.0,
    "recurrent_dropout": 0.0,
    "mixup": 0.0,
    "stretch": 0.0,
    "restart_epochs": 0,
}
"""Pieces that can be switched off, and the value that means without."""


def main(arguments: list[str]) -> int:
    """Train what is missing, and print the table."""
    options = _options(arguments)
    try:
        chosen = read_recipe(options.recipe)
        rows = list(variants(chosen.recipe, options.add, options.without))
        options.out.mkdir(parents=True, exist_ok=True)
        measured = []
        for name, recipe in rows:
            quick = recipe.changed(epochs=1, restart_epochs=min(1, recipe.restart_epochs)) if options.quick else recipe
            measured.append((name, _run(ModelRecipe(chosen.model, quick), name, options)))
    except HarError as error:
        print(f"ablate: {error}", file=sys.stderr)
        return error.exit_code
    _print(chosen.model, measured, options)
    return 0


def variants(recipe: Recipe, added: list[str], without: list[str] | None = None) -> Iterator[tuple[str, Recipe]]:
    """Yield the recipe, the recipe without each piece (or each of those named), and with each that is added.

    Raises
    ------
    UsageError
        If what is added or left out is no piece of a recipe, is not in this one, or has an impossible value.
    """
    present = [piece for piece, off in WITHOUT.items() if getattr(recipe, piece) != off]
    missing = [piece for piece in without or [] if piece not in present]
    if missing:
        raise UsageError(
            f"--without: expected pieces of this recipe, got {', '.join(missing)}",
            next_step=f"It has {', '.join(present) or 'none'}.",
        )
    yield "recipe", recipe
    for piece in without or present:
        yield f"without {piece.replace('_', ' ')}", recipe.changed(**{piece: WITHOUT[piece]})
    for text in added:
        pieces = dict(part.partition("=")[::2] for part in text.split(","))
        strange = [piece for piece in pieces if piece not in WITHOUT]
        if strange:
            raise UsageError(
                f"--add: expected pieces among {', '.join(WITHOUT)}, got {', '.join(strange)}",
                next_step="Write --add mixup=0.3,stretch=0.1, for example.",
            )
        lines = _toml(ModelRecipe("lstm", recipe)) | pieces
        content = "\n".join(f"{key} = {value}" for key, value in lines.items())
        yield f"with {text}", parse_recipe(content.encode(), where="--add").recipe


def _toml(chosen: ModelRecipe) -> dict[str, str]:
    """Return a recipe as the lines of its file, by key."""
    values = {"model": chosen.model, **chosen.recipe.to_json()}
    return {key: f'"{value}"' if isinstance(value, str) else repr(value) for key, value in values.items()}


def _run(chosen: ModelRecipe, name: str, options: argparse.Namespace) -> Predictions:
    """Train the models of a line that are not there, and return what they said."""
    slug = "".join(letter if letter.isalnum() else "-" for letter in name)
    file = options.out / f"{slug}.toml"
    file.write_text("\n".join(f"{key} = {value}" for key, value in _toml(chosen).items()) + "\n", encoding="utf-8")
    place = options.out / slug
    command = [sys.executable, "-P", "-m", "edgehar", "train", "--data", options.data, "--recipe", str(file)]
    command += [
        "--groups",
        str(options.groups),
        "--seeds",
        str(options.seeds),
        "--out",
        str(place),
        "--resume",
        "--quiet",
    ]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    if done.returncode:
        raise SystemExit(done.returncode)
    return read_predictions(place.with_name(f"{place.name}.groups"))


def _print(model: str, measured: list[tuple[str, Predictions]], options: argparse.Namespace) -> None:
    """Print a line for every variant, held against the recipe."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for title in ("", "macro-F1", "between seeds", f"{LEVEL:.0%} over people", "difference", f"{LEVEL:.0%}", ""):
        table.add_column(title, justify="right" if title else "left", overflow="fold")
    whole = measured[0][1].per_subject()
    reference, spread = mean_and_deviation(each["macro_f1"] for each in measured[0][1].by_seed())
    for name, predictions in measured:
        mean, deviation = mean_and_deviation(each["macro_f1"] for each in predictions.by_seed())
        low, high = bootstrap_intervals(predictions.per_subject()).macro_f1
        cells = [name, f"{mean:.3f}", f"± {deviation:.3f}", f"{low:.3f} to {high:.3f}"]
        if predictions is not measured[0][1]:
            least, most = difference_interval(whole, predictions.per_subject())
            verdict = _verdict(mean - reference, least, most, between_seeds=max(deviation, spread))
            cells += [f"{mean - reference:+.3f}", f"{least:+.3f} to {most:+.3f}", verdict]
        table.add_row(*cells)
    # A file is as wide as the table.
    console = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else _WIDTH)
    console.print(
        f"{model}, {options.data}, {options.groups} groups of people, each judged by models that never saw them, "
        f"{options.seeds} seeds:"
    )
    console.print(table)
    if options.quick:
        console.print("--quick: one epoch of synthetic people; these figures mean nothing.")


def _verdict(difference: float, least: float, most: float, *, between_seeds: float) -> str:
    """Return what a difference is, with the ends of its interval over people and the deviation between seeds."""
    if least <= 0 <= most or abs(difference) <= between_seeds:
        return "noise"
    return "better" if difference > 0 else "worse"


def _options(arguments: list[str]) -> argparse.Namespace:
    """Return what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="synthetic")
    parser.add_argument("--recipe", required=True)
    parser.add_argument("--out", type=Path, default=Path("runs/ablation"))
    parser.add_argument("--groups", type=int, default=4)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--without", action="append", metavar="PIECE")
    parser.add_argument("--add", action="append", default=[], metavar="PIECE=VALUE[,PIECE=VALUE]")
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args(arguments)
    if options.quick:
        options.data, options.groups, options.seeds = "synthetic", 2, 2
    return options


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
