"""`har data`: bring recordings in, look at them, fetch them."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from edgehar.commands.capture_repair import repaired_captures
from edgehar.commands.data_label import label
from edgehar.commands.data_show import show
from edgehar.commands.dataset_report import facts_about, print_dataset
from edgehar.commands.import_journal import resumable
from edgehar.commands.interruption import termination_interrupts
from edgehar.commands.progress import progress_bar
from edgehar.commands.stream_options import require_rate
from edgehar.models.contract import DEGREES_PER_SECOND
from edgehar.models.errors import UsageError
from edgehar.models.foreign_text import printable
from edgehar.pipeline.data.export import ENCODINGS, export_edge_impulse
from edgehar.pipeline.data.export import FORMATS as EXPORTS
from edgehar.pipeline.data.fetch import SOURCES, fetch
from edgehar.pipeline.data.importing.gyroscope import ACCELEROMETER, wants_gyroscope
from edgehar.pipeline.data.importing.options import Options
from edgehar.pipeline.data.importing.profiles import read_label_map
from edgehar.pipeline.data.label_file import with_label_file
from edgehar.pipeline.data.readers import FORMATS, load_dataset
from edgehar.pipeline.data.store import check_target, save_store

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Bring recordings in, look at them, fetch them.")

PATH_HELP = (
    "A store, USC-HAD, HAPT, captures, CSV, JSON, .gt3x, .cwa or .bin files, a folder of them, or synthetic "
    "(synthetic:SEED)."
)

CSV = "What a file does not say by itself"
USC_HAD = "USC-HAD"

PathArgument = Annotated[str, typer.Argument(metavar="PATH", help=PATH_HELP)]
FormatOption = Annotated[str, typer.Option("--format", help=f"One of {', '.join(FORMATS)}.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command("import")
def import_(
    path: PathArgument,
    out: Annotated[Path, typer.Option("--out", help="The store to write; a store that is there is replaced.")],
    format: FormatOption = "auto",  # noqa: A002
    columns: Annotated[
        str | None,
        typer.Option(
            rich_help_panel=CSV,
            help="Columns of x, y, z, by name or number: ax,ay,az; of six, the last are the gyroscope's.",
        ),
    ] = None,
    channels: Annotated[
        str | None,
        typer.Option(
            rich_help_panel=CSV,
            help="accelerometer, or accelerometer,gyroscope: x, y, z and the turning rate.",
            show_default="accelerometer; of captures, what was recorded",
        ),
    ] = None,
    gyroscope_unit: Annotated[
        str | None, typer.Option(rich_help_panel=CSV, help=f"One of {', '.join(DEGREES_PER_SECOND)}.")
    ] = None,
    time_column: Annotated[
        str | None, typer.Option(rich_help_panel=CSV, help="Column of the timestamp; none ignores it.")
    ] = None,
    label_column: Annotated[
        str | None, typer.Option(rich_help_panel=CSV, help="Column of the activity; none ignores it.")
    ] = None,
    subject_column: Annotated[
        str | None, typer.Option(rich_help_panel=CSV, help="Column of the person; none ignores it.")
    ] = None,
    unit: Annotated[
        str | None, typer.Option(rich_help_panel=CSV, help="g, m/s2, or raw:SCALE in counts per g.")
    ] = None,
    rate: Annotated[float | None, typer.Option(metavar="HZ", rich_help_panel=CSV, help="Samples per second.")] = None,
    time_unit: Annotated[str | None, typer.Option(rich_help_panel=CSV, help="s, ms, us, ns, min, h, d or iso.")] = None,
    delimiter: Annotated[
        str | None, typer.Option(rich_help_panel=CSV, help="comma, semicolon, tab, bar or space.")
    ] = None,
    activity: Annotated[str | None, typer.Option(rich_help_panel=CSV, help="The activity of all rows.")] = None,
    subject: Annotated[str | None, typer.Option(rich_help_panel=CSV, help="The person of all rows.")] = None,
    file_pattern: Annotated[
        str | None,
        typer.Option(
            rich_help_panel=CSV, help="What file names say, such as '{subject}_{activity}*.csv'; {placement} too."
        ),
    ] = None,
    unlabelled: Annotated[str, typer.Option(rich_help_panel=CSV, help="Labels that mean none, such as 0.")] = "",
    drop_bad_rows: Annotated[
        bool, typer.Option("--drop-bad-rows", rich_help_panel=CSV, help="Leave out, count and report unusable rows.")
    ] = False,
    placement: Annotated[
        str, typer.Option(rich_help_panel=CSV, help="Where on the body the sensor was. Default: not stated.")
    ] = "",
    label_map: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="OLD=NEW", rich_help_panel=CSV, help="Rename a label; or a file of such lines."),
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="A label file of har data label.", show_default="NAME.labels.csv beside PATH, if there"
        ),
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(rich_help_panel=CSV, help="What the files are: a known profile, or a TOML file of your own."),
    ] = None,
    exclude_suspect: Annotated[
        bool,
        typer.Option("--exclude-suspect", rich_help_panel=USC_HAD, help="Leave out files that contradict their name."),
    ] = False,
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", rich_help_panel=USC_HAD, help="Read a folder that lacks files.")
    ] = False,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="Go on with an interrupted import, or refuse; without it, one goes on if it can."
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Read recordings of any format into a store, and say what was found in them.

    A store opens at once. What a CSV does not say is detected and printed: check it, and declare what is wrong.
    An import that was interrupted goes on when the same command is given again.
    """
    wanted = tuple(name.strip() for name in (channels or ACCELEROMETER).split(","))
    layout = Options(
        axes=_axes(columns, wants_gyroscope(wanted)),
        channels=wanted,
        gyroscope_unit=gyroscope_unit,
        time=time_column,
        label=label_column,
        subject=subject_column,
        unit=unit,
        rate_hz=rate,
        time_unit=time_unit,
        delimiter=delimiter,
        activity_name=activity,
        subject_name=subject,
        file_pattern=file_pattern,
        unlabelled=tuple(label.strip() for label in unlabelled.split(",") if label.strip()),
        drop_bad_rows=drop_bad_rows,
        placement=placement,
        label_map=read_label_map(label_map or ()),
        profile=profile,
    )
    check_target(out)
    require_rate(rate)
    with termination_interrupts(), resumable(out, path, layout, must_continue=resume) as journal:
        with progress_bar("reading") as advance:
            repaired = repaired_captures(
                path,
                format=format,
                unit=unit,
                rate_hz=rate,
                columns=layout.axes,
                gyroscope=None if channels is None else wants_gyroscope(wanted),
                gyroscope_unit=gyroscope_unit,
                progress=advance,
            )
            dataset = (
                with_label_file(repaired, path, labels)
                if repaired
                else load_dataset(
                    path,
                    format=format,
                    progress=advance,
                    labels=labels,
                    scratch=out.absolute().parent,
                    journal=journal,
                    layout=None if layout == Options() else layout,
                    exclude_suspect=exclude_suspect,
                    allow_missing=allow_missing,
                )
            )
        content_hash = save_store(dataset, out)
    if as_json:
        facts = facts_about(dataset, content_hash=content_hash)
        aside = {"quarantined": list(dataset.quarantined), "passed_over": list(dataset.passed_over)}
        facts = {"store": str(out), **facts, **aside}
        typer.echo(json.dumps(facts, ensure_ascii=False))
    else:
        print_dataset(dataset, Console(), content_hash=content_hash)
        typer.echo(printable(f"Written to {out}. Use it with --data {out}."))
    if dataset.quarantined:
        count = len(dataset.quarantined)
        typer.echo(
            f"har: {count} file{'s' * (count > 1)} could not be used, the rest was imported; "
            "the problems say why each was put aside",
            err=True,
        )
        raise typer.Exit(1)


@app.command()
def info(path: PathArgument, format: FormatOption = "auto", as_json: JsonOption = False) -> None:  # noqa: A002
    """Show who does what for how long, at which rate, and every problem found."""
    with progress_bar("reading") as advance:
        dataset = load_dataset(path, format=format, progress=advance)
    if as_json:
        typer.echo(json.dumps(facts_about(dataset), ensure_ascii=False))
        return
    print_dataset(dataset, Console())


app.command()(show)
app.command()(label)


@app.command()
def export(
    path: PathArgument,
    out: Annotated[Path, typer.Option("--out", help="The new folder to write.")],
    format: Annotated[str, typer.Option("--format", help=f"One of {', '.join(EXPORTS)}.")] = EXPORTS[0],  # noqa: A002
    encoding: Annotated[str, typer.Option(help=f"Of the files: one of {', '.join(ENCODINGS)}.")] = ENCODINGS[0],
    as_json: JsonOption = False,
) -> None:
    """Write recordings in the format of another tool."""
    if format not in EXPORTS:
        raise UsageError(f"format {format!r} is not one of {', '.join(EXPORTS)}", next_step="Choose one of these.")
    with progress_bar("reading") as advance:
        dataset = load_dataset(path, progress=advance)
    files = export_edge_impulse(dataset, out, encoding=encoding)
    if as_json:
        typer.echo(json.dumps({"path": str(out), "files": files}, ensure_ascii=False))
        return
    typer.echo(
        printable(f"{files} files are in {out}. Upload them with edge-impulse-uploader --info-file info.labels.")
    )


@app.command("fetch")
def fetch_(
    name: Annotated[str, typer.Argument(help=f"One of {', '.join(SOURCES)}.")],
    directory: Annotated[
        Path | None, typer.Argument(metavar="FOLDER", help="The folder to make. Default: named after the data set.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FOLDER", help="The same, as an option. Default: FOLDER.")
    ] = None,
    url: Annotated[
        str | None, typer.Option(help="Another address, such as a mirror. Default: the official one.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Download a public data set from its official address, check it, and unpack it.

    A download that broke goes on where it stopped.
    """
    if directory is not None and out is not None:
        raise UsageError(f"expected FOLDER or --out, got both: {directory} and {out}", next_step="Choose one.")
    with progress_bar(f"fetching {name}", in_bytes=True) as advance:
        folder = fetch(name, directory or out or Path(name), url=url, progress=advance)
    if as_json:
        typer.echo(json.dumps({"name": name, "path": str(folder)}, ensure_ascii=False))
        return
    typer.echo(printable(f"{name} is in {folder}. Look at it with: har data info {folder}"))


def _axes(columns: str | None, gyroscope: bool) -> tuple[str, ...] | None:
    """Return the columns of x, y and z, and those of the gyroscope where it is wanted."""
    if columns is None:
        return None
    names = tuple(name.strip() for name in columns.split(","))
    if len(names) != (6 if gyroscope else 3) or not all(names):
        expected = "six columns, for x, y, z and the gyroscope" if gyroscope else "three columns for x, y, z"
        hint = "ax,ay,az,gx,gy,gz" if gyroscope else "ax,ay,az"
        more = "; six go with --channels accelerometer,gyroscope" if len(names) == 6 else ""
        raise UsageError(f"expected {expected}, got {columns!r}", next_step=f"Write --columns {hint}{more}.")
    return names
