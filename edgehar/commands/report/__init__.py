"""`har report`: one page about one bundle, every number of it measured in the same run."""

import json
import os
import shlex
import sys
from pathlib import Path
from typing import Annotated, Final

import numpy as np
import typer
from rich.console import Console
from rich.markup import escape

from edgehar.commands.bundle_argument import WHAT, bundle_argument
from edgehar.commands.evaluate.cases import Case
from edgehar.commands.page_file import check_page_destination
from edgehar.commands.progress import progress_bar
from edgehar.commands.report.facts import ReportFacts
from edgehar.commands.report.learning import read_learning_curves
from edgehar.commands.report.measure import (
    calibrate,
    follow,
    people_interval,
    probabilities_of,
    stretch_intervals,
    try_perturbations,
)
from edgehar.commands.report.page import report_page
from edgehar.commands.report.signal import signal_traces
from edgehar.commands.report.speed import quick_bench, score_artifacts
from edgehar.commands.subjects import parse_subjects
from edgehar.models.bundle import Bundle, read_bundle
from edgehar.models.engines import ENGINES, Engine, load_engine
from edgehar.models.errors import UsageError
from edgehar.models.files import atomic_path
from edgehar.pipeline.data.readers import load_dataset
from edgehar.pipeline.data.recordings import Dataset
from edgehar.pipeline.data.windows import Windows, evenly_spread, make_windows
from edgehar.pipeline.evaluation.held_out import check_activities, choose_judged
from edgehar.pipeline.tuning.streams import streams_of

_THREADS: Final = os.cpu_count() or 1
_MOST_ARTIFACT_WINDOWS: Final = 2000


def report(
    bundle: Annotated[Path, bundle_argument(f"The model: {WHAT} Or a folder of har classify.")],
    data: Annotated[
        str | None,
        typer.Option(metavar="PATH", help="A store, USC-HAD, HAPT, a CSV file or a folder of them, or synthetic."),
    ] = None,
    out: Annotated[Path, typer.Option(metavar="FILE", help="The page to write.")] = Path("report.html"),
    engine: Annotated[str, typer.Option(help=f"auto, or one of {', '.join(ENGINES)}.")] = "auto",
    quantization: Annotated[str, typer.Option(help="Which artifact of the bundle to judge.")] = "float32",
    subjects: Annotated[
        str | None, typer.Option(metavar="A,B,C", help="Judge these people. Default: those held out in training.")
    ] = None,
    person: Annotated[
        str | None, typer.Option(help="Whose labels to show over time. Default: the first of the people judged.")
    ] = None,
    common_activities: Annotated[
        bool, typer.Option("--common-activities", help="Leave out activities the model has no label for.")
    ] = False,
    bench: Annotated[bool, typer.Option(help="Also time every compiled file.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as one JSON object.")] = False,
) -> None:
    """Write one page about a model: what it takes for what, on whom, how sure, over time, how fast, how robust.

    The people judged are those the model has never seen. Judging others is possible, and said loudly. For a folder that
    har classify wrote, FOLDER/report has a page of the cohort, and one for every person.
    """
    if is_labels(bundle):
        _cohort(bundle, as_json=as_json)
        return
    if data is None:
        raise UsageError("--data: expected recordings to judge the model on, got none", next_step="Pass --data PATH.")
    check_page_destination(out)
    chosen = None if subjects is None else parse_subjects(subjects, option="--subjects")
    model = read_bundle(bundle)
    runner = load_engine(model, engine, quantization, threads=_THREADS)
    with progress_bar("reading") as advance:
        dataset = load_dataset(data, progress=advance)
    windows = _windows(model, dataset, common_only=common_activities)
    judged = choose_judged(model, dataset, windows, subjects=chosen)
    if person is not None and person not in judged.subjects:
        raise UsageError(
            f"--person: expected one of {', '.join(judged.subjects)}, got {person!r}",
            next_step="Name one of the people judged.",
        )
    case = Case(model, judged, windows, judged.indices(windows))
    facts = _measure(case, dataset, runner, bundle, person or judged.subjects[0], with_bench=bench)
    page = report_page(facts, command_line=shlex.join(["har", *sys.argv[1:]]))
    with atomic_path(out) as temporary:
        temporary.write_text(page, encoding="utf-8")
    _publish(facts, out, as_json=as_json)


def is_labels(folder: Path) -> bool:
    """Tell whether a folder holds labels by `har classify`."""
    return (folder / "classification.json").is_file()


def _cohort(folder: Path, *, as_json: bool) -> None:
    """Write the pages of a folder of labels."""
    from edgehar.commands.report.cohort import write_pages

    page = write_pages(folder)
    typer.echo(json.dumps({"report": str(page)}) if as_json else f"Written to {page}")


def _windows(bundle: Bundle, dataset: Dataset, *, common_only: bool) -> Windows:
    """Return the windows of a bundle's own length, hop, rate and labels."""
    check_activities(bundle, dataset, common_only=common_only)
    spec = bundle.manifest.window
    return make_windows(
        dataset,
        window_length=spec.length,
        hop=spec.hop,
        rate_hz=spec.rate_hz,
        channels=len(spec.channels),
        activities=bundle.manifest.labels,
    )


def _measure(case: Case, dataset: Dataset, runner: Engine, path: Path, person: str, *, with_bench: bool) -> ReportFacts:
    """Measure everything the page shows."""
    manifest, windows, indices = case.bundle.manifest, case.windows, case.indices
    spec, subjects = manifest.window, tuple(np.unique(windows.subjects[indices]).tolist())
    with progress_bar("judging") as advance:
        probabilities = probabilities_of(runner, windows, indices)
        predicted = probabilities.argmax(axis=1).astype(np.int64)
        evaluation = case.judge(runner, predicted)
        streams = streams_of(runner, windows, subjects, push=manifest.decoder.push, progress=advance)
    with progress_bar("perturbing"):
        robustness = try_perturbations(runner, windows, indices)
    timeline, decoder = follow(manifest, streams, person)
    some = Case(case.bundle, case.people, windows, evenly_spread(indices, _MOST_ARTIFACT_WINDOWS))
    with progress_bar("judging every file") as advance:
        artifacts = score_artifacts(some, threads=_THREADS, advance=advance)
    result = None
    if with_bench:
        with progress_bar("timing every file") as advance:
            result = quick_bench(path, advance=advance)
    return ReportFacts(
        manifest=manifest,
        place=str(path),
        dataset=dataset.name,
        honest=case.people.is_honest,
        evaluation=evaluation,
        people=people_interval(evaluation),
        stretches=stretch_intervals(windows, indices, predicted),
        curves=read_learning_curves(case.bundle.plots()),
        calibration=calibrate(runner, windows, indices, probabilities, _learned_from(case, dataset)),
        timeline=timeline,
        decoder=decoder,
        signal=signal_traces(dataset.of_subject(timeline.subject), duration_s=spec.length / spec.rate_hz),
        artifacts=artifacts,
        artifact_windows=len(some.indices),
        bench=result,
        robustness=robustness,
    )


def _learned_from(case: Case, dataset: Dataset) -> tuple[str, ...]:
    """Return who in the data the model learned from, and is not judged."""
    origin = case.bundle.manifest.provenance
    names = origin.configuration.get("train_subjects", ()) if dataset.name == origin.dataset else ()
    return tuple(str(name) for name in names if str(name) not in case.people.subjects)


def _publish(facts: ReportFacts, out: Path, *, as_json: bool) -> None:
    """Say where the page is, and what it says first."""
    if not facts.honest:
        Console(stderr=True, highlight=False, soft_wrap=True).print(
            f"[bold red]har:[/] {escape(facts.evaluation.protocol)}. Such a number says nothing about other people."
        )
    if as_json:
        typer.echo(json.dumps({"report": str(out), **facts.to_json()}, ensure_ascii=False))
        return
    scores = facts.evaluation.scores
    console = Console(highlight=False, soft_wrap=True)
    console.print(
        f"{escape(facts.evaluation.protocol)}: {scores.windows:,} windows, accuracy [bold]{scores.accuracy:.3f}[/], "
        f"macro-F1 [bold]{scores.macro_f1:.3f}[/]"
    )
    console.print(f"Wrote {escape(str(out))}.")
