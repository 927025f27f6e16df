"""`har personalize`: fit a model to one person, and say what that gains and what more to record."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from edgehar.commands.bundle_argument import WHAT, bundle_argument
from edgehar.commands.destination import chosen_destination
from edgehar.commands.progress import progress_bar
from edgehar.commands.recordings_option import DATA_HELP, read_recordings
from edgehar.commands.terminal_text import escape
from edgehar.models.bundle import Bundle, read_bundle
from edgehar.models.errors import UsageError
from edgehar.models.mounting import Mounting, read_mounting
from edgehar.pipeline.training.personalization.mounting_takes import mounting_of
from edgehar.pipeline.training.personalization.personalizing import Personalization
from edgehar.pipeline.training.personalization.personalizing import personalize as fit_to_person


def personalize(
    bundle: Annotated[Path, bundle_argument(f"The general model, which is not changed: {WHAT}")],
    data: Annotated[list[str], typer.Option(metavar="PATH", help=f"Recordings of one person. {DATA_HELP}")],
    out: Annotated[Path, typer.Option(help="Where to write the new bundle.")],
    subject: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="SUBJECT",
            help="Try it on a data set: the first take of each activity of this person adapts, the others test. "
            "Default: everything adapts.",
        ),
    ] = None,
    mounting: Annotated[
        str | None,
        typer.Option(
            metavar="PATH",
            help="How the sensor is mounted: recordings with standing still and ten seconds of walking, or a file of "
            "--save-mounting. The new model then takes what the turned sensor gives. Default: mounted as in training.",
        ),
    ] = None,
    save_mounting: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Also write the mounting, for use with the general model. Default: not written."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the order of windows.")] = 0,
    force: Annotated[bool, typer.Option("--force", help="Replace another model that stands at --out.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Fit a model to a person by a few minutes of their own movements.

    First the output layer, then all weights, then a quarter of the way back to the general model: each step is kept
    only if cross-validation over takes allows it. Every compiled file is made again and verified. Record the takes
    with har record --script; docs/how-to/personalize.md has a script of five minutes.
    """
    if save_mounting is not None and mounting is None:
        raise UsageError("--save-mounting: expected --mounting, got none", next_step="Pass --mounting CAPTURE.")
    general = read_bundle(bundle)
    if out.exists() and out.resolve() == bundle.resolve():
        raise UsageError(f"{out}: expected another place than the general model's", next_step="Choose another --out.")
    destination = chosen_destination(out, force=force)
    turned = None if mounting is None else _mounting(general, mounting, subject)
    dataset = read_recordings(data)
    with progress_bar("fitting", show=not as_json) as advance:
        found = fit_to_person(
            general,
            dataset,
            subject=subject,
            test_later_takes=subject is not None,
            mounting=turned,
            seed=seed,
            progress=advance,
        )
    if turned is not None and save_mounting is not None:
        turned.save(save_mounting)
    place = destination.settled()
    found.bundle.save(place, plots={})
    if as_json:
        typer.echo(json.dumps({"bundle": str(place), **found.to_json()}, ensure_ascii=False))
        return
    _print(found, place)


def _mounting(general: Bundle, text: str, subject: str | None) -> Mounting:
    """Return the mounting that a file or recordings tell."""
    path = Path(text)
    if path.suffix == ".json" and path.is_file():
        return read_mounting(path)
    recordings = read_recordings([text])
    return mounting_of(general, recordings, subject if subject in recordings.subjects else None)


def _print(found: Personalization, place: Path) -> None:
    """Print what was done, what it gains, and what to record."""
    console = Console(highlight=False, soft_wrap=True)
    console.print(escape(f"{found.protocol}:"))
    console.print(_figures(found))
    for stage in found.stages[1:]:
        if stage.macro_f1 is None:
            console.print(escape(f"{stage.name}: not tried ({stage.reason})"))
        else:
            verdict = "kept" if stage.kept else "not kept"
            console.print(escape(f"{stage.name}: {verdict}, macro-F1 {stage.macro_f1:.3f} in cross-validation"))
    if not any(stage.kept for stage in found.stages[1:]):
        console.print("No step helped: the new model is the general one.")
    for sentence in (*found.remarks, *found.advice):
        console.print(escape(sentence))
    files = ", ".join(entry.file for entry in found.bundle.manifest.artifacts) or "no compiled file"
    console.print(escape(f"Written to {place}, verified: {files}"))


def _figures(found: Personalization) -> Table:
    """Return F1 of every activity before and after."""
    table = Table(box=None, pad_edge=False)
    table.add_column("activity")
    for title in ("windows", "before", "after"):
        table.add_column(title, justify="right")
    before, after = found.before.scores, found.after.scores
    for row, name in enumerate(after.labels):
        count = int(after.confusion[row].sum())
        if count:
            f1 = (f"{each.per_class_f1[name]:.3f}" for each in (before, after))
            table.add_row(escape(name), f"{count:,}", *f1)
    for title, pair in (
        ("macro-F1", (before.macro_f1, after.macro_f1)),
        ("macro-F1, decoded", (found.before.decoded_macro_f1, found.after.decoded_macro_f1)),
    ):
        table.add_row(title, "", *(f"{value:.3f}" for value in pair), style="bold")
    return table
