"""`har train`: recordings in, a trained, compiled and judged model out."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final

import typer

from edgehar.commands.interruption import termination_interrupts
from edgehar.commands.progress import progress_bar
from edgehar.commands.subjects import parse_subjects
from edgehar.commands.train.report import print_for_people, print_json
from edgehar.commands.train.work import INTERRUPTED, Result, Work, carry_out
from edgehar.models.architecture import ARCHITECTURE_NAMES
from edgehar.models.bundle import check_destination
from edgehar.models.errors import UsageError
from edgehar.pipeline.data.readers import load_dataset
from edgehar.pipeline.data.splits import Split, default_holdout, holdout, leave_one_subject_out, subject_groups
from edgehar.pipeline.data.windows import DEFAULT_HOP, Windows, make_windows
from edgehar.pipeline.training.recipe import INITIALIZATIONS, Recipe, default_recipe

_RECIPE: Final = "Recipe (by default the measured one of the model)"
_SPLIT: Final = "Who is judged (by default every fourth person)"
_LEAST_PATIENCE: Final = 5


def train(
    data: Annotated[
        str, typer.Option(metavar="PATH", help="A store, USC-HAD, HAPT, a CSV file or a folder of them, or synthetic.")
    ],
    model: Annotated[str, typer.Option(help=f"One of {', '.join(ARCHITECTURE_NAMES)}.")],
    out: Annotated[
        Path | None, typer.Option(metavar="BUNDLE", help="Folder of the bundle. Default: runs/ and the model's name.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same model on the same machine.")] = 0,
    hop: Annotated[int, typer.Option(min=1, help="Samples from one window to the next.")] = DEFAULT_HOP,
    holdout_subjects: Annotated[
        str | None,
        typer.Option(metavar="A,B,C", rich_help_panel=_SPLIT, help="People to judge on. Default: every fourth."),
    ] = None,
    groups: Annotated[
        int | None,
        typer.Option(
            metavar="K", rich_help_panel=_SPLIT, help="Judge everybody: train K models, each without a group of people."
        ),
    ] = None,
    leave_one_out: Annotated[
        bool,
        typer.Option("--leave-one-subject-out", rich_help_panel=_SPLIT, help="Judge everybody: one model per person."),
    ] = False,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", rich_help_panel=_SPLIT, help="Keep models of groups that were trained with the same settings."
        ),
    ] = False,
    show_leaky: Annotated[
        bool,
        typer.Option(
            "--show-leaky",
            rich_help_panel=_SPLIT,
            help="Also train a model on windows split at random, to show how much that flatters. Takes as long again.",
        ),
    ] = False,
    epochs: Annotated[int | None, typer.Option(min=1, rich_help_panel=_RECIPE, help="Passes over the windows.")] = None,
    learning_rate: Annotated[float | None, typer.Option(rich_help_panel=_RECIPE, help="The highest rate.")] = None,
    batch_size: Annotated[int | None, typer.Option(rich_help_panel=_RECIPE, help="Windows per step.")] = None,
    weight_decay: Annotated[
        float | None, typer.Option(rich_help_panel=_RECIPE, help="Decoupled decay of kernels; 0 is none.")
    ] = None,
    warmup: Annotated[
        float | None, typer.Option(rich_help_panel=_RECIPE, help="Share of the steps that climb; a cosine follows.")
    ] = None,
    rotation_deg: Annotated[
        float | None, typer.Option(rich_help_panel=_RECIPE, help="Deviation of random rotations of windows; 0 is none.")
    ] = None,
    no_rotation: Annotated[
        bool, typer.Option("--no-rotation", rich_help_panel=_RECIPE, help="Turn no window.")
    ] = False,
    no_offset: Annotated[
        bool, typer.Option("--no-offset", rich_help_panel=_RECIPE, help="Begin every window where it was cut.")
    ] = False,
    no_supervision: Annotated[
        bool,
        typer.Option(
            "--no-deep-supervision", rich_help_panel=_RECIPE, help="Let the loss look at the last sample only."
        ),
    ] = False,
    initialization: Annotated[
        str | None, typer.Option(rich_help_panel=_RECIPE, help=f"One of {', '.join(INITIALIZATIONS)}.")
    ] = None,
    recurrent_dropout: Annotated[
        float | None,
        typer.Option(rich_help_panel=_RECIPE, help="Share of recurrent states dropped while training; 0 is none."),
    ] = None,
    early_stopping: Annotated[
        bool,
        typer.Option(
            "--early-stopping",
            rich_help_panel=_RECIPE,
            help="Hold out every fourth training subject, keep the epoch best on them, stop when none is better.",
        ),
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Train a model, compile it, judge it on people it has never seen, and write all of it as a bundle.

    Ctrl-C keeps the best epoch so far in a valid bundle that says so (exit code 130).
    """
    recipe = _recipe(
        model,
        early_stopping=early_stopping,
        epochs=epochs,
        learning_rate=learning_rate,
        batch_size=batch_size,
        weight_decay=weight_decay,
        warmup=warmup,
        rotation_deg=0.0 if no_rotation else rotation_deg,
        offset_samples=0 if no_offset else None,
        supervise_every=0 if no_supervision else None,
        initialization=initialization,
        recurrent_dropout=recurrent_dropout,
    )
    place = Path("runs") / model if out is None else out
    check_destination(place)
    subjects = None if holdout_subjects is None else parse_subjects(holdout_subjects, option="--holdout-subjects")
    _one_split(subjects, groups, leave_one_out)
    with progress_bar("reading") as advance:
        dataset = load_dataset(data, progress=advance)
    windows = make_windows(dataset, hop=hop)
    splits = _splits(windows, subjects, groups, leave_one_out)
    work = Work(dataset, windows, model, recipe, seed, splits, place, resume, show_leaky, quiet)
    if not quiet:
        for sentence in _remarks(windows, splits):
            work.say(sentence)
    with termination_interrupts():
        result = carry_out(work)
    (print_json if as_json else print_for_people)(result)
    if not result.final.complete:
        _say_incomplete(work, result)
        raise typer.Exit(INTERRUPTED)


def _recipe(model: str, *, early_stopping: bool, **changes: object) -> Recipe:
    """Return the model's recipe with what was asked for changed."""
    recipe = default_recipe(model).changed(**changes)
    return recipe.changed(patience=max(_LEAST_PATIENCE, recipe.epochs // 4)) if early_stopping else recipe


def _one_split(subjects: tuple[str, ...] | None, groups: int | None, leave_one_out: bool) -> None:
    """Refuse two answers to the question who is judged."""
    asked = {
        "--holdout-subjects": subjects is not None,
        "--groups": groups is not None,
        "--leave-one-subject-out": leave_one_out,
    }
    given = [option for option, is_given in asked.items() if is_given]
    if len(given) > 1:
        raise UsageError(f"expected one of {', '.join(asked)}, got {' and '.join(given)}", next_step="Choose one.")


def _splits(
    windows: Windows, subjects: tuple[str, ...] | None, groups: int | None, leave_one_out: bool
) -> tuple[Split, ...]:
    """Return the splits asked for; by default every fourth person is judged."""
    if groups is not None:
        return subject_groups(windows, groups)
    if leave_one_out:
        return leave_one_subject_out(windows)
    return (holdout(windows, default_holdout(windows) if subjects is None else subjects),)


def _remarks(windows: Windows, splits: tuple[Split, ...]) -> Iterator[str]:
    """Yield what a person should know before the training starts."""
    yield from windows.notes
    for split in splits:
        learned = set(windows.labels[split.train].tolist())
        missing = [name for index, name in enumerate(windows.activities) if index not in learned]
        if missing:
            yield f"{split.name}: there is no window of {', '.join(missing)} to learn from; the model will not know it."


def _say_incomplete(work: Work, result: Result) -> None:
    """Say what an interruption left behind."""
    configuration, place = result.final.bundle.manifest.provenance.configuration, result.final.bundle.location
    sentence = (
        f"har: interrupted after {configuration['epochs_done']} of {work.recipe.epochs} epochs: {place} holds the best "
        f"so far (epoch {configuration['kept_epoch']}), and says that it is not complete."
    )
    if len(work.splits) > 1:
        done = sum(model.complete for model in result.models)
        sentence += f" {done} of {len(work.splits)} models are complete: go on with --resume."
    work.say(sentence)
