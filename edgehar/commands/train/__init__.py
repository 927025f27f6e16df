"""`har train`: recordings in, a trained, compiled and judged model out."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final

import typer

from edgehar.commands.destination import Destination, check_writable, chosen_destination, free_name, latest_name
from edgehar.commands.interruption import termination_interrupts
from edgehar.commands.recordings_option import DATA_HELP, read_recordings
from edgehar.commands.subjects import parse_subjects
from edgehar.commands.train.release import carry_out_release, check_release, read_reference
from edgehar.commands.train.report import print_for_people, print_json
from edgehar.commands.train.run import Result, carry_out
from edgehar.commands.train.sequence_options import (
    BatchOption,
    EpochsOption,
    JoinedOption,
    LengthOption,
    RateOption,
    StreamingOption,
    with_sequences,
)
from edgehar.commands.train.work import INTERRUPTED, Work
from edgehar.models.architecture import ARCHITECTURE_NAMES, named_architecture
from edgehar.models.bundle import read_bundle
from edgehar.models.contract import SAMPLE_RATE_HZ, WINDOW_LENGTH
from edgehar.models.errors import UsageError
from edgehar.models.zoo import find_bundle
from edgehar.pipeline.data.readers import SYNTHETIC
from edgehar.pipeline.data.splits import (
    Split,
    default_holdout,
    everybody,
    holdout,
    in_time,
    leave_one_subject_out,
    subject_groups,
)
from edgehar.pipeline.data.windows import Windows, make_windows
from edgehar.pipeline.evaluation.held_out import check_apart
from edgehar.pipeline.evaluation.predictions import PREDICTIONS
from edgehar.pipeline.training.experiment import Experiment
from edgehar.pipeline.training.recipe import INITIALIZATIONS
from edgehar.pipeline.training.recipes import ModelRecipe, default_recipe, read_recipe
from edgehar.pipeline.training.starting import Start, StartingRun
from edgehar.pipeline.training.trainers import AUTO, NATIVE, choose_trainer

_RECIPE: Final = "Recipe (by default the measured one of the model)"
_SPLIT: Final = "Who is judged (by default every fourth person)"
_LEAST_PATIENCE: Final = 5


def train(
    data: Annotated[
        list[str],
        typer.Option(metavar="PATH", help=DATA_HELP),
    ],
    model: Annotated[
        str | None, typer.Option(help=f"One of {', '.join(ARCHITECTURE_NAMES)}. Default: that of --recipe.")
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|NAME|BUNDLE",
            help="How to train: a recipe's file (TOML), a model's name, or a bundle, which keeps the recipe it was "
            "trained with. Default: the measured one of --model.",
        ),
    ] = None,
    start_from: Annotated[
        Path | None,
        typer.Option(
            metavar="BUNDLE|RUN",
            parser=find_bundle,
            help="Begin with the weights of a trained model, such as a released one (lstm), instead of random ones; it "
            "must not know those who are judged. Or with a run of --groups or --leave-one-subject-out: each model then "
            "begins with the one of the same seed and split. --epochs and --learning-rate say how far to go.",
            show_default="random weights",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="BUNDLE", help="Folder of the bundle. Default: a new name in runs/: simple_rnn, simple_rnn-2, ..."
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the model that stands at --out.")] = False,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same model on the same machine.")] = 0,
    seeds: Annotated[
        int,
        typer.Option(min=1, help="Train every model with so many seeds, from --seed on, and compare them."),
    ] = 1,
    window: Annotated[int, typer.Option(min=1, help="Samples of a window.")] = WINDOW_LENGTH,
    rate: Annotated[
        float, typer.Option(metavar="HZ", help="Samples per second of the model; recordings are resampled to it.")
    ] = SAMPLE_RATE_HZ,
    hop: Annotated[
        int | None, typer.Option(min=1, help="Samples from one window to the next. Default: half a window.")
    ] = None,
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
    all_people: Annotated[
        bool,
        typer.Option(
            "--all-people",
            rich_help_panel=_SPLIT,
            help="Learn from everybody, for a model to be released: nobody is left to judge; needs --metrics-from.",
        ),
    ] = False,
    metrics_from: Annotated[
        Path | None,
        typer.Option(
            metavar="RUN",
            rich_help_panel=_SPLIT,
            help="With --all-people: the run of the same recipe, of --groups or --leave-one-subject-out, whose figures "
            "and decoder the bundle gets.",
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            rich_help_panel=_SPLIT,
            help="Go on with a run of several models that was interrupted: keep those that are complete.",
        ),
    ] = False,
    jobs: Annotated[
        int | None,
        typer.Option(
            min=1,
            rich_help_panel=_SPLIT,
            help="Models trained at once, each in a process. Default: one for each processor; one at a time by Keras.",
        ),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            rich_help_panel=_SPLIT,
            help="A Dask scheduler, as tcp://HOST:8786, whose workers train the models of several splits or seeds; "
            "they read --data themselves. Default: this machine.",
        ),
    ] = None,
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
    mixup: Annotated[
        float | None,
        typer.Option(rich_help_panel=_RECIPE, help="Windows are mixed in pairs, by shares from Beta(x, x); 0 is none."),
    ] = None,
    stretch: Annotated[
        float | None,
        typer.Option(rich_help_panel=_RECIPE, help="Share by which windows are played faster or slower; 0 is none."),
    ] = None,
    restart_epochs: Annotated[
        int | None,
        typer.Option(min=0, rich_help_panel=_RECIPE, help="Epochs after the schedule has started once more."),
    ] = None,
    restart_learning_rate: Annotated[
        float | None, typer.Option(rich_help_panel=_RECIPE, help="The highest rate of these epochs.")
    ] = None,
    streaming: StreamingOption = False,
    sequence_epochs: EpochsOption = None,
    sequence_s: LengthOption = None,
    sequence_joined: JoinedOption = None,
    sequence_learning_rate: RateOption = None,
    sequence_batch_size: BatchOption = None,
    early_stopping: Annotated[
        bool,
        typer.Option(
            "--early-stopping",
            rich_help_panel=_RECIPE,
            help="Hold out every fourth training subject, keep the epoch best on them, stop when none is better.",
        ),
    ] = False,
    trainer: Annotated[
        str,
        typer.Option(
            help="native (in C: several times as fast, needs a C compiler), keras, or auto: native if it can."
        ),
    ] = AUTO,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Train a model, compile it, judge it on people it has never seen, and write all of it as a bundle.

    Ctrl-C keeps the best epoch so far in a valid bundle that says so (exit code 130).
    """
    start, start_run = _start(start_from)
    chosen = _recipe(
        model,
        recipe if recipe or model or start_from is None else _one_bundle(start_from, start_run),
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
        mixup=mixup,
        stretch=stretch,
        restart_epochs=restart_epochs,
        restart_learning_rate=restart_learning_rate,
    )
    sequences = with_sequences(
        chosen.recipe,
        streaming=streaming,
        continues=start_from is not None and epochs is None,
        sequence_epochs=sequence_epochs,
        sequence_s=sequence_s,
        sequence_joined=sequence_joined,
        sequence_learning_rate=sequence_learning_rate,
        sequence_batch_size=sequence_batch_size,
    )
    chosen = ModelRecipe(chosen.model, sequences)
    subjects = None if holdout_subjects is None else parse_subjects(holdout_subjects, option="--holdout-subjects")
    _one_split(subjects, groups, leave_one_out, all_people)
    check_release(all_people=all_people, metrics_from=metrics_from, seeds=seeds, show_leaky=show_leaky, resume=resume)
    place = _destination(chosen.model, out, force=force, resume=resume)
    dataset = read_recordings(data)
    windows = make_windows(dataset, window_length=window, hop=hop or max(1, window // 2), rate_hz=rate)
    splits = (everybody(windows),) if all_people else _splits(windows, subjects, groups, leave_one_out)
    check_apart(dataset, splits)
    architecture = named_architecture(
        chosen.model, classes=len(windows.activities), window=windows.window_length, channels=len(windows.channels)
    )
    for each in range(seed, seed + seeds) if start_run is not None else (seed,):
        for split in splits:
            begun = start if start_run is None else start_run.of(each, split)
            if begun is not None:
                begun.check_apart(dataset, split)
    trains, reason = choose_trainer(trainer, architecture, chosen.recipe)
    if scheduler is not None:
        _check_cluster(models=len(splits) * seeds, jobs=jobs)
    at_once, threads = _shared_processors(jobs, trains, models=len(splits) * seeds)
    work = Work(
        Experiment(dataset, windows, architecture, chosen.recipe, seed, trains, threads, start),
        splits,
        tuple(range(seed, seed + seeds)),
        place,
        jobs=at_once,
        resume=resume,
        show_leaky=show_leaky,
        quiet=quiet,
        scheduler=scheduler,
        data=tuple(map(_found_anywhere, data)),
        start_run=start_run,
    )
    if not quiet:
        for sentence in _remarks(windows, splits, reason):
            work.say(sentence)
    with termination_interrupts():
        result = (
            carry_out(work) if metrics_from is None else carry_out_release(work, read_reference(metrics_from, work))
        )
    (print_json if as_json else print_for_people)(result)
    if not result.final.complete:
        _say_incomplete(work, result)
        raise typer.Exit(INTERRUPTED)


def _start(path: Path | None) -> tuple[Start | None, StartingRun | None]:
    """Return the model that all begin with, or the run of which each begins with one."""
    if path is None:
        return None, None
    if (path / PREDICTIONS).is_file():
        return None, StartingRun.read(path)
    return Start(read_bundle(path)), None


def _one_bundle(path: Path, run: StartingRun | None) -> str:
    """Return a bundle that knows the recipe."""
    if run is None:
        return str(path)
    found = next(iter(run.starts.values())).bundle.location
    return str(found)


def _destination(model: str, out: Path | None, *, force: bool, resume: bool) -> Destination:
    """Return where the bundle goes: a name of its own, or the one that was given and may be replaced."""
    if out is not None:
        return chosen_destination(out, force=force or resume)
    run = Path("runs") / model
    place = latest_name(run) if resume else free_name(run)
    if place is None:
        raise UsageError(
            f"--resume: expected a run of {model} in {run.parent}, found none", next_step="Name its --out."
        )
    check_writable(place)
    return Destination(place, may_replace=resume)


def _shared_processors(jobs: int | None, trainer: str, *, models: int) -> tuple[int, int]:
    """Return how many models are trained at once, and how many threads each may use."""
    processors = os.cpu_count() or 1
    at_once = min(models, jobs or (processors if trainer == NATIVE else 1))
    return at_once, max(1, processors // at_once)


def _check_cluster(*, models: int, jobs: int | None) -> None:
    """Refuse a cluster for one model, and processes of this machine beside it."""
    if models == 1:
        raise UsageError(
            "--scheduler: expected several models to train, got one",
            next_step="Pass --groups, --leave-one-subject-out or --seeds, or leave it out.",
        )
    if jobs is not None:
        raise UsageError(
            "--jobs: expected it without --scheduler: the cluster has its own workers", next_step="Leave one out."
        )


def _found_anywhere(data: str) -> str:
    """Return a path of recordings that means the same in every working folder."""
    return data if data.partition(":")[0] == SYNTHETIC else str(Path(data).absolute())


def _recipe(model: str | None, named: str | None, *, early_stopping: bool, **changes: object) -> ModelRecipe:
    """Return what to train, and the recipe that was named with what was asked for changed."""
    if model is None and named is None:
        raise UsageError(
            f"expected --model (one of {', '.join(ARCHITECTURE_NAMES)}) or --recipe, got neither",
            next_step="Pass --model lstm, for example.",
        )
    found = ModelRecipe(str(model), default_recipe(str(model))) if named is None else read_recipe(named)
    recipe = found.recipe.changed(**changes)
    if early_stopping:
        recipe = recipe.changed(patience=max(_LEAST_PATIENCE, recipe.epochs // 4))
    return ModelRecipe(model or found.model, recipe)


def _one_split(subjects: tuple[str, ...] | None, groups: int | None, leave_one_out: bool, all_people: bool) -> None:
    """Refuse two answers to the question who is judged."""
    asked = {
        "--holdout-subjects": subjects is not None,
        "--groups": groups is not None,
        "--leave-one-subject-out": leave_one_out,
        "--all-people": all_people,
    }
    given = [option for option, is_given in asked.items() if is_given]
    if len(given) > 1:
        raise UsageError(f"expected one of {', '.join(asked)}, got {' and '.join(given)}", next_step="Choose one.")


def _splits(
    windows: Windows, subjects: tuple[str, ...] | None, groups: int | None, leave_one_out: bool
) -> tuple[Split, ...]:
    """Return the splits asked for; by default every fourth person is judged, and one person alone on later takes."""
    if groups is not None:
        return subject_groups(windows, groups)
    if leave_one_out:
        return leave_one_subject_out(windows)
    if subjects is None and len(windows.subject_names) == 1:
        return (in_time(windows),)
    return (holdout(windows, default_holdout(windows) if subjects is None else subjects),)


def _remarks(windows: Windows, splits: tuple[Split, ...], reason: str | None) -> Iterator[str]:
    """Yield what a person should know before the training starts."""
    yield from windows.notes
    if reason is not None:
        yield f"Keras trains, which takes longer: {reason}"
    if len(windows.subject_names) == 1:
        yield (
            f"{windows.subject_names[0]} is the only person: the model is judged on later takes, which "
            "says how well it knows this person again, and nothing about anybody else."
        )
    for split in splits:
        learned = set(windows.labels[split.train].tolist())
        missing = [name for index, name in enumerate(windows.activities) if index not in learned]
        if missing:
            yield f"{split.name}: there is no window of {', '.join(missing)} to learn from; the model will not know it."


def _say_incomplete(work: Work, result: Result) -> None:
    """Say what an interruption left behind."""
    configuration, place = result.final.bundle.manifest.provenance.configuration, result.final.bundle.location
    epochs = work.experiment.recipe.total_epochs
    sentence = (
        f"har: interrupted after {configuration['epochs_done']} of {epochs} epochs: {place} "
        f"holds the best so far (epoch {configuration['kept_epoch']}), and says that it is not complete."
    )
    tasks = len(work.tasks())
    if tasks > 1:
        done = sum(model.complete for model in result.models)
        sentence += f" {done} of {tasks} models are complete: go on with --resume."
    work.say(sentence)
