"""`har tune`: choose the decoder of a bundle on the people it was trained on, and say what that gains."""

import json
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from edgehar.commands.data import PATH_HELP
from edgehar.commands.progress import progress_bar
from edgehar.models.bundle import Bundle, check_destination, read_bundle, update_bundle
from edgehar.models.engines import load_engine
from edgehar.models.errors import UsageError
from edgehar.models.foreign_text import printable
from edgehar.pipeline.data.readers import load_dataset
from edgehar.pipeline.data.windows import Windows, make_windows
from edgehar.pipeline.tuning.events import EventScores
from edgehar.pipeline.tuning.search import Trial, decode, search
from edgehar.pipeline.tuning.streams import Stream, streams_of


def tune(
    bundle: Annotated[Path, typer.Argument(help="The model: a bundle's folder or zip.")],
    data: Annotated[str, typer.Option(help=PATH_HELP)],
    out: Annotated[
        Path | None, typer.Option(help="Where to write the bundle. Default: over the one that is read.")
    ] = None,
    subjects: Annotated[
        str | None, typer.Option(metavar="A,B,...", help="Whom to tune on. Default: whom the model was trained on.")
    ] = None,
    engine: Annotated[str, typer.Option(help="Which engine gives the posteriors.")] = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Choose smoothing, rejection and dwell by what a person notices: wrong time, false labels, delay.

    Decoders are tried on people the model was trained on, whose posteriors are surer than a stranger's; the report then
    shows, on everybody else in the data, what the choice gains there.
    """
    model = read_bundle(bundle)
    target = out or bundle
    if out is None and not bundle.is_dir():
        raise UsageError(f"{bundle}: expected --out for a zipped bundle, got none", next_step="Pass --out FOLDER.")
    check_destination(target)
    runner = load_engine(model, engine)
    with progress_bar("reading") as advance:
        dataset = load_dataset(data, progress=advance)
    window = model.manifest.window
    windows = make_windows(
        dataset,
        window_length=window.length,
        hop=window.hop,
        rate_hz=window.rate_hz,
        activities=model.manifest.labels,
    )
    tuned_on, others = _people(model, windows, subjects)
    with progress_bar("classifying") as advance:
        streams = streams_of(runner, windows, tuned_on, progress=advance)
    with progress_bar("trying decoders") as advance:
        undecoded, best = search(streams, hop=window.hop, window_length=window.length, progress=advance)
    held_out = streams_of(runner, windows, others) if others else []
    if out is None:
        update_bundle(bundle, partial(Bundle.with_decoder, decoder=best.spec), of=model)
    else:
        model.with_decoder(best.spec).save(out)
    found = _facts(undecoded, best, tuned_on, held_out, window.hop, window.length)
    if as_json:
        typer.echo(json.dumps({"bundle": str(target), **found}, ensure_ascii=False))
        return
    _print(found)
    typer.echo(printable(f"Written to {target}. See undecoded labels with: har live {target} --raw"))


def _people(model: Bundle, windows: Windows, subjects: str | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return whom to tune on, and everybody else who has windows."""
    known = windows.subject_names
    if subjects is not None:
        wanted = {name.strip() for name in subjects.split(",") if name.strip()}
    else:
        wanted = {name for entry in model.manifest.metrics for name in entry.train_subjects}
    chosen = tuple(name for name in known if name in wanted)
    if not chosen:
        said = f"none of {', '.join(sorted(wanted))} is in the data" if wanted else "the bundle does not say on whom"
        raise UsageError(
            f"expected people the model was trained on, {said}; there are {', '.join(known)}",
            next_step="Name them with --subjects.",
        )
    return chosen, tuple(name for name in known if name not in chosen)


def _facts(
    undecoded: Trial, best: Trial, tuned_on: tuple[str, ...], held_out: list[Stream], hop: int, length: int
) -> dict[str, Any]:
    """Return everything that was found, JSON-ready."""
    spec = best.spec
    found: dict[str, Any] = {
        "decoder": {
            "smoothing_windows": spec.smoothing_windows,
            "reject_below": spec.reject_below,
            "minimum_dwell_windows": spec.minimum_dwell_windows,
            "markov": bool(spec.transitions),
        },
        "tuned_on": list(tuned_on),
        "training": {"undecoded": _scores(undecoded.scores), "decoded": _scores(best.scores)},
    }
    if held_out:
        found["others"] = [stream.subject for stream in held_out]
        found["held_out"] = {
            name: _scores(decode(trial.spec, held_out, hop=hop, window_length=length))
            for name, trial in (("undecoded", undecoded), ("decoded", best))
        }
    return found


def _scores(scores: EventScores) -> dict[str, float]:
    """Return scores with their cost, rounded."""
    return {name: round(value, 4) for name, value in {**asdict(scores), "cost": scores.cost}.items()}


_ROWS = (
    ("label switches an hour", "switches_per_hour", "{:.0f}"),
    ("  of what was done", "true_switches_per_hour", "{:.0f}"),
    ("false activations an hour", "false_activations_per_hour", "{:.0f}"),
    ("detection delay, median", "delay_median_s", "{:.1f} s"),
    ("detection delay, p90", "delay_p90_s", "{:.1f} s"),
    ("changes missed", "missed", "{:.1%}"),
    ("time wrong", "wrong", "{:.1%}"),
    ("time unknown", "unknown", "{:.1%}"),
)


def _print(found: dict[str, Any]) -> None:
    """Print the choice, and what it gains."""
    decoder = found["decoder"]
    how = "a hidden Markov model" if decoder["markov"] else f"the mean of {decoder['smoothing_windows']} windows"
    typer.echo(
        f"Decoder: {how}, unknown below {decoder['reject_below']:.0%}, "
        f"another label after {decoder['minimum_dwell_windows']} in a row."
    )
    others = len(found.get("others", ()))
    also = f", and {others} it was not" if others else ""
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
