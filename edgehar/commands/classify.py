"""`har classify`: label an archive of recordings, on every core of this machine or on a cluster."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from edgehar.commands.bundle_argument import BundleArgument
from edgehar.commands.interruption import termination_interrupts
from edgehar.commands.progress import progress_bar
from edgehar.commands.terminal_text import escape
from edgehar.models.bundle import read_bundle
from edgehar.models.engines import ENGINES
from edgehar.pipeline.data.importing.options import Options

if TYPE_CHECKING:
    from edgehar.pipeline.bulk.classification import Classification
    from edgehar.pipeline.bulk.cluster import Cluster

_BRIDGE_MS = 50.0
_MOST_SHOWN = 20


def classify(
    bundle: BundleArgument,
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH...",
            help="Recordings in any format that can be imported, and Parquet: files, folders, patterns, and addresses "
            "(s3://, gs://, https://).",
        ),
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the labels go. What is there is not done again.")],
    scheduler: Annotated[
        str | None,
        typer.Option(metavar="URL", help="A Dask scheduler, as tcp://HOST:8786. Default: a cluster of this machine."),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1, help="Processes on this machine. Default: one a core; with 1, everything runs in this process."
        ),
    ] = None,
    hop: Annotated[
        int | None, typer.Option(min=1, help="Samples from one window to the next. Default: the bundle's.")
    ] = None,
    bridge: Annotated[
        float, typer.Option(metavar="MS", min=0, help="Interpolate, and mark, gaps of up to so many milliseconds.")
    ] = _BRIDGE_MS,
    unit: Annotated[
        str | None, typer.Option(help="Of all files: g, m/s2 or raw:SCALE. Default: as files say, held to gravity.")
    ] = None,
    rate: Annotated[
        float | None, typer.Option(metavar="HZ", help="Of all files. Default: by their timestamps.")
    ] = None,
    file_pattern: Annotated[
        str | None,
        typer.Option(help="What file names say, such as {subject}_{placement}.csv. Default: as the profile says."),
    ] = None,
    profile: Annotated[
        str | None, typer.Option(help="A known layout, or a TOML file. Default: the one that fits.")
    ] = None,
    engine: Annotated[str, typer.Option(help=f"auto, {', '.join(ENGINES)}.")] = "auto",
    quantization: Annotated[str, typer.Option(help="Which artifact of the bundle to run.")] = "float32",
    report: Annotated[
        bool, typer.Option("--report", help="Also write DIR/report: a page of the cohort, and one for every person.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Label an archive: DIR/labels/*.parquet, a row per window, and DIR/summary.parquet, minutes per person and day.

    The bundle's decoder makes the labels; the label of each window alone is kept as raw_label. A run that was stopped
    goes on where it was. Files that cannot be read are put aside, with the reason, and the exit code is 1.
    """
    from edgehar.pipeline.bulk.classification import classify_recordings

    console = Console(stderr=True, highlight=False, soft_wrap=True)

    def say(cluster: "Cluster") -> None:
        if cluster.dashboard:
            console.print(escape(f"{cluster.workers} workers, dashboard at {cluster.dashboard}"))

    options = Options(unit=unit, rate_hz=rate, file_pattern=file_pattern, profile=profile)
    try:
        with termination_interrupts(), progress_bar("classifying", in_bytes=True, show=not as_json) as advance:
            found = classify_recordings(
                read_bundle(bundle),
                paths,
                out,
                scheduler=scheduler,
                workers=workers,
                engine=engine,
                quantization=quantization,
                hop=hop,
                bridge_ms=bridge,
                options=options,
                progress=advance,
                began=say,
            )
    except KeyboardInterrupt:
        console.print(f"Stopped. What {escape(str(out))} holds is whole; the same command goes on from there.")
        raise
    page = _report(out) if report else None
    if as_json:
        typer.echo(json.dumps({**found.to_json(), "report": page and str(page)}, ensure_ascii=False))
    else:
        _print(found)
        if page is not None:
            typer.echo(f"Report: {page}")
    if found.put_aside:
        raise typer.Exit(1)


def _report(out: Path) -> Path:
    """Write the pages."""
    from edgehar.commands.report.cohort import write_pages

    return write_pages(out)


def _print(found: "Classification") -> None:
    """Print what was done, and what was not."""
    console = Console(highlight=False, soft_wrap=True)
    facts = found.facts
    console.print(
        escape(
            f"{len(found.done)} files classified with {found.engine}, {len(found.skipped)} were done before. In all: "
            f"{facts['windows']:,} windows, {facts['hours']:,.1f} hours of {facts['people']} people, "
            f"{facts['not_worn_hours']:,.1f} of them not worn."
        )
    )
    if facts["undated_recordings"]:
        console.print(
            f"{facts['undated_recordings']} recordings say no time of day: the summary adds up as undated those "
            "shorter than a day, and counts the days of longer ones from their beginning."
        )
    for file, other in found.duplicates[:_MOST_SHOWN]:
        console.print(escape(f"{file} has the same content as {other}: counted once."))
    for sentence in facts["overlaps"][:_MOST_SHOWN]:
        console.print(escape(sentence))
    for file, reason in list(found.put_aside.items())[:_MOST_SHOWN]:
        console.print(escape(f"Put aside: {file}: {reason}"))
    if len(found.put_aside) > _MOST_SHOWN:
        console.print(f"… and {len(found.put_aside) - _MOST_SHOWN} more, listed in put-aside.json.")
    console.print(escape(f"Labels: {found.folder}/labels; minutes per person and day: {found.folder}/summary.parquet"))
