"""`har tune`: choose the decoder of a bundle on the people it was trained on, and say what that gains."""

import json
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from edgehar.commands.bundle_argument import BundleArgument
from edgehar.commands.destination import check_writable, chosen_destination
from edgehar.commands.evaluate.kept import describe_decoder
from edgehar.commands.progress import progress_bar
from edgehar.commands.recordings_option import DATA_HELP, read_recordings
from edgehar.commands.subjects import parse_subjects
from edgehar.models.bundle import Bundle, check_not_released, read_bundle, update_bundle
from edgehar.models.bundle.manifest import DecoderSpec
from edgehar.models.bundle.recognition import check_recognises_activities
from edgehar.models.errors import UsageError
from edgehar.models.foreign_text import printable
from edgehar.models.stateful.windows import stream_engine
from edgehar.pipeline.data.identity import known_among
from edgehar.pipeline.data.recordings import Dataset, unknown_subject
from edgehar.pipeline.data.windows import Windows, make_windows
from edgehar.pipeline.evaluation.held_out import trained_people
from edgehar.pipeline.tuning.roles import push_of
from edgehar.pipeline.tuning.search import Choice, Grid, Trial, judge, search
from edgehar.pipeline.tuning.streams import check_enough, streams_of


def tune(
    bundle: BundleArgument,
    data: Annotated[list[str], typer.Option(metavar="PATH", help=DATA_HELP)],
    out: Annotated[
        Path | None, typer.Option(help="Where to write the bundle. Default: over the one that is read.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace another model that stands at --out.")] = False,
    subjects: Annotated[
        str | None, typer.Option(metavar="A,B,...", help="Whom to tune on. Default: whom the model was trained on.")
    ] = None,
    engine: Annotated[str, typer.Option(help="Which engine gives the posteriors.")] = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Choose smoothing, rejection and dwell by what a person notices: wrong time, false labels, delay.

    Decoders are tried on people the model was trained on, their recordings strung together; their posteriors are surer
    than a stranger's, so the report shows what the choice gains on everybody else in the data. By cross-validation over
    the people tuned on it must lose less than the bundle's decoder and have no lower macro-F1; else it is not kept.
    """
    model = read_bundle(bundle)
    check_recognises_activities(model.manifest, for_what="tune", gyroscope=True)
    target = _target(bundle, out, force=force)
    window = model.manifest.window
    runner = stream_engine(model, engine, hop=window.hop)
    dataset = read_recordings(data)
    windows = make_windows(
        dataset,
        window_length=window.length,
        hop=window.hop,
        rate_hz=window.rate_hz,
        channels=len(window.channels),
        activities=model.manifest.labels,
    )
    tuned_on, others = _people(model, dataset, windows, subjects)
    push = push_of(model.manifest.labels)
    with progress_bar("classifying") as advance:
        streams = streams_of(runner, windows, tuned_on, push=push, progress=advance)
    check_enough(streams)
    grid = Grid(tuple(streams), model.manifest.labels, window.hop, window.length, push)
    with progress_bar("trying decoders") as advance:
        choice = search(grid, progress=advance)
    present = judge(model.manifest.decoder, grid)
    kept = choice.improves_on(present)
    if kept and target == bundle:
        update_bundle(bundle, partial(Bundle.with_decoder, decoder=choice.best.spec), of=model)
    elif kept:
        model.with_decoder(choice.best.spec).save(target)
    held_out = streams_of(runner, windows, others, push=push) if others else []
    found = {
        "kept": kept,
        **_facts(choice, tuned_on, replace(grid, streams=tuple(held_out))),
        "present": _scores(present),
    }
    if as_json:
        typer.echo(json.dumps({"bundle": str(target if kept else bundle), **found}, ensure_ascii=False))
        return
    _print(found, choice.best.spec)
    if kept:
        typer.echo(printable(f"Written to {target}. See undecoded labels with: har live {target} --raw"))
    else:
        typer.echo(printable(f"Not written: the decoder {bundle} has loses as little on these people; it stays."))


def _target(bundle: Path, out: Path | None, *, force: bool) -> Path:
    """Return where to write the bundle."""
    if out is None and not bundle.is_dir():
        raise UsageError(f"{bundle}: expected --out for a zipped bundle, got none", next_step="Pass --out FOLDER.")
    if out is None or (out.exists() and out.resolve() == bundle.resolve()):
        check_not_released(bundle)
        check_writable(bundle)
        return bundle
    return chosen_destination(out, force=force).path


def _people(
    model: Bundle, dataset: Dataset, windows: Windows, subjects: str | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return whom to tune on, and everybody else who has windows."""
    there = windows.subject_names
    if subjects is not None:
        wanted = parse_subjects(subjects, option="--subjects")
        for name in wanted:
            if name not in there:
                raise unknown_subject(name, there)
    else:
        wanted = known_among(dataset, trained_people(model, needed=False))
    chosen = tuple(name for name in there if name in wanted)
    if not chosen:
        raise UsageError(
            f"expected recordings of people the model was trained on (of {model.manifest.provenance.dataset}), "
            f"got others: {', '.join(there)} of {dataset.name}",
            next_step="Name whom to tune on with --subjects.",
        )
    return chosen, tuple(name for name in there if name not in chosen)


def _facts(choice: Choice, tuned_on: tuple[str, ...], held_out: Grid) -> dict[str, Any]:
    """Return everything that was found, JSON-ready."""
    spec = choice.best.spec
    found: dict[str, Any] = {
        "decoder": {
            "smoothing_windows": spec.smoothing_windows,
            "reject_below": spec.reject_below,
            "minimum_dwell_windows": spec.minimum_dwell_windows,
            "markov": spec.is_markov,
            "stay_probability": spec.stay_probability,
            "temperature": spec.temperature,
            "push": spec.push is not None,
        },
        "tuned_on": list(tuned_on),
        "training": {"undecoded": _scores(choice.undecoded), "decoded": _scores(choice.best)},
        "cross_validated": {"cost": round(choice.cost, 4), "macro_f1": round(choice.macro_f1, 4)},
    }
    if held_out.streams:
        found["others"] = [stream.subject for stream in held_out.streams]
        found["held_out"] = {
            name: _scores(judge(trial.spec, held_out))
            for name, trial in (("undecoded", choice.undecoded), ("decoded", choice.best))
        }
    return found


def _scores(trial: Trial) -> dict[str, float]:
    """Return scores with their cost, rounded."""
    scores = {**asdict(trial.scores), "cost": trial.scores.cost, "macro_f1": trial.macro_f1}
    return {name: round(value, 4) for name, value in scores.items()}


_ROWS = (
    ("macro-F1, every window", "macro_f1", "{:.3f}"),
    ("label switches an hour", "switches_per_hour", "{:.0f}"),
    ("  of what was done", "true_switches_per_hour", "{:.0f}"),
    ("false activations an hour", "false_activations_per_hour", "{:.0f}"),
    ("detection delay, median", "delay_median_s", "{:.1f} s"),
    ("detection delay, p90", "delay_p90_s", "{:.1f} s"),
    ("changes missed", "missed", "{:.1%}"),
    ("time wrong", "wrong", "{:.1%}"),
    ("time unknown", "unknown", "{:.1%}"),
)


def _print(found: dict[str, Any], spec: DecoderSpec) -> None:
    """Print the choice, and what it gains."""
    typer.echo(f"Decoder: {describe_decoder(spec)}.")
    others = len(found.get("others", ()))
    also = f", and {others} it was not" if others else ""
    cross = found["cross_validated"]
    typer.echo(
        f"Each person under the decoder that the others chose: macro-F1 {cross['macro_f1']:.3f}, "
        f"{cross['cost']:.0f} s lost an hour; the present decoder {found['present']['macro_f1']:.3f}, "
        f"{found['present']['cost']:.0f} s."
    )
    typer.echo(f"Of {len(found['tuned_on'])} people it was tuned on{also}, one window every hop:")
    groups = [("training", "tuned on"), *([("held_out", "others")] if others else [])]
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("", no_wrap=True)
    for _, title in groups:
        table.add_column(f"{title}: raw", justify="right")
        table.add_column("decoded", justify="right", style="bold")
    for name, key, form in _ROWS:
        cells = [form.format(found[group][kind][key]) for group, _ in groups for kind in ("undecoded", "decoded")]
        table.add_row(name, *cells)
    Console().print(table)
