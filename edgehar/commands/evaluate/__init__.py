"""`har evaluate`: judge a bundle's files on labelled recordings, with any engine."""

import contextlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import typer
from rich.console import Console

from edgehar.commands.bundle_argument import WHAT, bundle_argument
from edgehar.commands.bundles import check_writable_bundles, read_bundles
from edgehar.commands.evaluate.artifacts import ArtifactScores, judge_artifacts, print_artifacts
from edgehar.commands.evaluate.calibrated import calibrated
from edgehar.commands.evaluate.cases import Case, pool, pooled_people
from edgehar.commands.evaluate.choices import check_choices
from edgehar.commands.evaluate.continuous import judge_continuous, publish_continuous
from edgehar.commands.evaluate.kept import evaluate_predictions, evaluate_run, write_plots
from edgehar.commands.evaluate.robustness import judge_robustness, publish_robustness
from edgehar.commands.progress import progress_bar
from edgehar.commands.recordings_option import DATA_HELP, read_recordings
from edgehar.commands.scores_table import print_leaky, print_scores
from edgehar.commands.subjects import parse_subjects
from edgehar.commands.terminal_text import escape
from edgehar.commands.training_progress import watched
from edgehar.models.bundle import Bundle, update_bundle
from edgehar.models.engines import ENGINES, Engine, load_engine
from edgehar.models.errors import UsageError
from edgehar.models.stateful.windows import stream_engine
from edgehar.pipeline.data.recordings import Dataset
from edgehar.pipeline.data.windows import Indices, Windows, make_windows
from edgehar.pipeline.evaluation import Evaluation
from edgehar.pipeline.evaluation.held_out import JudgedSubjects, check_activities, choose_judged
from edgehar.pipeline.training.recipe import Recipe
from edgehar.pipeline.tuning.continuous import LAG_S

_WHO: Final = "Who is judged"
_DRAWS: Final = 3
"""Of what is random in a perturbation."""
_THREADS: Final = os.cpu_count() or 1


def evaluate(
    bundle: Annotated[
        Path | None,
        bundle_argument(f"The model: {WHAT} Or a folder of models, such as har train --groups makes: judged as one."),
    ] = None,
    data: Annotated[list[str] | None, typer.Option(metavar="PATH", help=DATA_HELP)] = None,
    from_predictions: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="No bundle and no data: the predictions that har train --groups or --leave-one-subject-out kept. With "
            "--continuous and --data: the models kept beside them, on streams.",
        ),
    ] = None,
    engine: Annotated[str, typer.Option(help=f"auto, {', '.join(ENGINES)}, or device.")] = "auto",
    port: Annotated[
        str | None, typer.Option(metavar="URL", help="Of the device, with --engine device: its firmware classifies.")
    ] = None,
    quantization: Annotated[str, typer.Option(help="Which artifact of the bundle to run.")] = "float32",
    hop: Annotated[
        int | None, typer.Option(min=1, help="Samples from one window to the next. Default: the bundle's.")
    ] = None,
    most_windows: Annotated[
        int | None, typer.Option("--windows", min=1, help="Judge so many windows, evenly spread. Default: all.")
    ] = None,
    subjects: Annotated[
        str | None,
        typer.Option(metavar="A,B,C", rich_help_panel=_WHO, help="These people. Default: those held out in training."),
    ] = None,
    all_subjects: Annotated[
        bool, typer.Option("--all-subjects", rich_help_panel=_WHO, help="Everybody in the data.")
    ] = False,
    common_activities: Annotated[
        bool,
        typer.Option(
            "--common-activities", rich_help_panel=_WHO, help="Leave out activities the model has no label for."
        ),
    ] = False,
    show_leaky: Annotated[
        bool,
        typer.Option(
            "--show-leaky",
            help="Also train a model the same way on windows split at random, to show how much that flatters.",
        ),
    ] = False,
    plots: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Write the confusion matrix as PNG and JSON.")
    ] = None,
    every_artifact: Annotated[
        bool,
        typer.Option(
            "--every-artifact",
            help="Judge every compiled file, each on the runtime of its format, and say what its quantization costs.",
        ),
    ] = False,
    continuous: Annotated[
        bool,
        typer.Option(
            "--continuous",
            help="Judge as it is worn: each person's recordings strung together in a random order, decoded.",
        ),
    ] = False,
    robustness: Annotated[
        bool,
        typer.Option(
            "--robustness",
            help="Judge the same windows as another mounting, rate, range or line would give them, three draws each.",
        ),
    ] = False,
    calibrate: Annotated[
        bool,
        typer.Option(
            "--calibrate",
            help="Find first how each person's sensor is mounted, from seconds of their standing and walking, as "
            "har live --calibrate does. With --robustness: after each change of it.",
        ),
    ] = False,
    lag: Annotated[float, typer.Option(metavar="S", help="With --continuous: how long a label may also wait.")] = LAG_S,
    unlearned: Annotated[
        bool,
        typer.Option(
            "--unlearned",
            help="With --continuous: keep activities the model has no label for; how often are they called unknown?",
        ),
    ] = False,
    streaming: Annotated[
        bool | None,
        typer.Option(
            "--streaming/--no-streaming",
            help="With --continuous: carry the state from window to window, or reset it. Default: as the model was "
            "trained.",
            show_default=False,
        ),
    ] = None,
    order_seed: Annotated[int, typer.Option(min=0, help="With --continuous: of the order of recordings.")] = 0,
    keep: Annotated[
        bool, typer.Option("--keep", help="Write the figures into the bundle: its manifest and its model card.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Measure accuracy and macro-F1, per class and per person, on people the model has never seen.

    Judging people the model learned from is possible, and said loudly.
    """
    if from_predictions is not None:
        if bundle is not None or bool(data) != continuous:
            raise UsageError(
                "--from-predictions: expected no bundle beside it, and --data only with --continuous",
                next_step="Leave them out, or pass --continuous and the --data of that run.",
            )
        if data:
            evaluate_run(from_predictions, read_recordings(data), lag_s=lag, streaming=streaming, as_json=as_json)
        else:
            evaluate_predictions(from_predictions, plots=plots, as_json=as_json)
        return
    if bundle is None or not data:
        raise UsageError(
            "expected a bundle and --data, or --from-predictions", next_step="har evaluate BUNDLE --data PATH"
        )
    check_choices(
        {
            "subjects": subjects is not None,
            "all-subjects": all_subjects,
            "windows": most_windows is not None,
            "every-artifact": every_artifact,
            "show-leaky": show_leaky,
            "plots": plots is not None,
            "keep": keep,
            "continuous": continuous,
            "robustness": robustness,
            "calibrate": calibrate,
            "unlearned": unlearned,
            "streaming": streaming is not None,
            "engine": engine != "auto",
            "quantization": quantization != "float32",
            "port": port is not None,
        }
    )
    if plots is not None and plots.exists() and not plots.is_dir():
        raise UsageError(f"{plots}: expected a folder, got a file", next_step="Choose another --plots.")
    chosen = None if subjects is None else parse_subjects(subjects, option="--subjects")
    found = read_bundles(bundle)
    if keep:
        check_writable_bundles(found)
    dataset = read_recordings(data)
    windows = _windows(found[0][1], dataset, hop, common_only=common_activities, unlearned=unlearned)
    cases = []
    for _, each in found:
        people = choose_judged(each, dataset, windows, subjects=chosen, everyone=all_subjects)
        own = windows
        if calibrate and not robustness:
            turned, people = calibrated(each, dataset, people)
            own = _windows(each, turned, hop, common_only=common_activities, unlearned=unlearned)
        cases.append(Case(each, people, own, _spread(people.indices(own), most_windows)))
    if continuous:
        runner = partial(_stream_runner, engine=engine, quantization=quantization, port=port, streaming=streaming)
        _judge_continuous(bundle, cases, runner, lag_s=lag, seed=order_seed, as_json=as_json)
        return
    if robustness:
        recordings = dataset if calibrate else None
        _judge_robustness(bundle, cases, engine, quantization, port, recordings, as_json=as_json)
        return
    rows = _artifact_rows(cases) if every_artifact else []
    evaluations = [row.single for row in rows] or [_judge(cases, engine, quantization, port)]
    people, shown = pool(cases, evaluations[0])
    if keep:
        for index, (path, each) in enumerate(found):
            entries = [single[index].metrics_entry() for single in evaluations]
            update_bundle(path, partial(Bundle.with_metrics, metrics=entries), of=each)
    leaky = _leaky(found[0][1], dataset, windows) if show_leaky else None
    if plots is not None:
        write_plots(plots, shown, found[0][1].manifest.architecture.name)
    _publish(bundle, people, shown, rows, leaky, as_json=as_json)


def _judge_continuous(
    path: Path,
    cases: list[Case],
    runner: Callable[[Case], AbstractContextManager[Engine]],
    *,
    lag_s: float,
    seed: int,
    as_json: bool,
) -> None:
    """Judge on streams, and print what came of it."""
    with progress_bar("classifying") as advance:
        found = judge_continuous(cases, runner, lag_s=lag_s, seed=seed, advance=advance)
    people = pooled_people([case.people for case in cases])
    _warn(people)
    printed = publish_continuous(path, people, found, as_json=as_json)
    if printed is not None:
        typer.echo(printed)


def _judge_robustness(
    path: Path,
    cases: list[Case],
    engine: str,
    quantization: str,
    port: str | None,
    recordings: Dataset | None,
    *,
    as_json: bool,
) -> None:
    """Judge windows that are changed, and print what that costs."""
    with progress_bar("perturbing") as advance:
        found = judge_robustness(
            cases,
            lambda each: _runner(each, engine, quantization, port),
            draws=_DRAWS,
            recordings=recordings,
            advance=advance,
        )
    people = pooled_people([case.people for case in cases])
    _warn(people)
    printed = publish_robustness(path, people, found, as_json=as_json)
    if printed is not None:
        typer.echo(printed)


def _warn(people: JudgedSubjects) -> None:
    """Say loudly that people were judged whom the model learned from."""
    if not people.is_honest:
        Console(stderr=True, highlight=False, soft_wrap=True).print(
            f"[bold red]har:[/] {escape(people.protocol)}. Such a number says nothing about other people."
        )


def _artifact_rows(cases: list[Case]) -> list[ArtifactScores]:
    """Judge every artifact, with a bar for those who wait."""
    with progress_bar("judging") as advance:
        return judge_artifacts(cases, threads=_THREADS, advance=advance)


def _judge(cases: list[Case], engine: str, quantization: str, port: str | None) -> tuple[Evaluation, ...]:
    """Judge one engine with one artifact of every bundle."""
    evaluations = []
    for case in cases:
        with _runner(case.bundle, engine, quantization, port) as runner:
            evaluations.append(case.judge(runner))
    return tuple(evaluations)


@contextlib.contextmanager
def _runner(bundle: Bundle, engine: str, quantization: str, port: str | None) -> Iterator[Engine]:
    """Give the engine that is judged; the line to a device is closed afterwards."""
    if (engine == "device") != (port is not None):
        raise UsageError(
            "expected --engine device and --port URL together, got one of them",
            next_step="Pass both, or neither.",
        )
    if port is None:
        yield load_engine(bundle, engine, quantization, threads=_THREADS)
        return
    from edgehar.firmware_bridge.device.engine import DeviceEngine

    with contextlib.closing(DeviceEngine(bundle, port)) as device:
        yield device


@contextlib.contextmanager
def _stream_runner(
    case: Case, *, engine: str, quantization: str, port: str | None, streaming: bool | None
) -> Iterator[Engine]:
    """Give the engine that is judged on streams, which may carry its state."""
    if port is None and engine != "device":
        yield stream_engine(
            case.bundle, engine, quantization, hop=case.windows.hop, streaming=streaming, threads=_THREADS
        )
        return
    with _runner(case.bundle, engine, quantization, port) as device:
        yield device


def _spread(indices: Indices, most: int | None) -> Indices:
    """Return at most so many of the indices, evenly spread."""
    if most is None or most >= len(indices):
        return indices
    return indices[np.linspace(0, len(indices) - 1, most).round().astype(np.int64)]


def _windows(
    bundle: Bundle, dataset: Dataset, hop: int | None, *, common_only: bool, unlearned: bool = False
) -> Windows:
    """Return the windows of a bundle's own length, rate and labels; activities it has not learned follow these."""
    check_activities(bundle, dataset, common_only=common_only or unlearned)
    spec, labels = bundle.manifest.window, bundle.manifest.labels
    others = tuple(name for name in dataset.activities if name not in labels) if unlearned else ()
    windows = make_windows(
        dataset,
        window_length=spec.length,
        hop=spec.hop if hop is None else hop,
        rate_hz=spec.rate_hz,
        channels=len(spec.channels),
        activities=(*labels, *others),
    )
    for note in windows.notes:
        Console(stderr=True, highlight=False, soft_wrap=True).print(escape(note))
    return windows


def _leaky(bundle: Bundle, dataset: Dataset, windows: Windows) -> Evaluation:
    """Return what the bundle's recipe seems to reach on windows split at random."""
    from edgehar.pipeline.training.experiment import Experiment
    from edgehar.pipeline.training.trainers import AUTO, KERAS, choose_trainer

    manifest = bundle.manifest
    recipe = Recipe.from_json(manifest.provenance.configuration.get("recipe", {}))
    is_keras = manifest.provenance.configuration.get("trainer", KERAS) == KERAS
    trainer, _ = choose_trainer(KERAS if is_keras else AUTO, manifest.architecture, recipe)
    experiment = Experiment(
        dataset, windows, manifest.architecture, recipe, manifest.provenance.seed, trainer, _THREADS
    )
    title = f"{manifest.architecture.name}, windows split at random (leaky)"
    with watched(title, epochs=recipe.total_epochs, quiet=False) as watcher:
        return experiment.leaky(watcher=watcher)


def _publish(
    path: Path,
    people: JudgedSubjects,
    evaluation: Evaluation,
    rows: list[ArtifactScores],
    leaky: Evaluation | None,
    *,
    as_json: bool,
) -> None:
    """Print what was measured; what is not honest, on stderr as well."""
    _warn(people)
    if not as_json:
        console = Console(highlight=False, soft_wrap=True)
        if rows:
            print_artifacts(rows, console)
        else:
            print_scores(evaluation, console)
        if leaky is not None:
            print_leaky(leaky, evaluation, console)
        return
    printed: dict[str, Any] = {"bundle": str(path), "honest": people.is_honest}
    if rows:
        printed |= {"protocol": evaluation.protocol, "artifacts": [row.to_json() for row in rows]}
    else:
        printed |= evaluation.to_json()
    if leaky is not None:
        printed["leaky"] = leaky.headline()
    typer.echo(json.dumps(printed, ensure_ascii=False))
