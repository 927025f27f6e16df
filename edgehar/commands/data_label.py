"""`har data label`: a local page to mark on a signal what was done when."""

import json
import time
import webbrowser
from pathlib import Path
from typing import Annotated, Final

import typer

from edgehar.commands.interruption import stop_on_signals
from edgehar.commands.progress import progress_bar
from edgehar.models.foreign_text import printable
from edgehar.pipeline.data.label_file import label_file_of
from edgehar.pipeline.data.readers import FORMATS, load_dataset

_LOOK_EVERY_S: Final = 0.2


def label(
    path: Annotated[str, typer.Argument(metavar="PATH", help="Recordings of any kind that har data import reads.")],
    labels: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The label file to keep.", show_default="NAME.labels.csv beside PATH"),
    ] = None,
    activities: Annotated[
        str,
        typer.Option(metavar="A,B,C", help="Labels to offer, on the keys 1, 2, 3. Default: those of the recordings."),
    ] = "",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port to listen at; 0 for any free one.")] = 0,
    open_browser: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
    format: Annotated[str, typer.Option("--format", help=f"One of {', '.join(FORMATS)}.")] = "auto",  # noqa: A002
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object with the address.")] = False,
) -> None:
    """Mark on a signal what was done when, on a page of this machine, with the keyboard alone; Ctrl-C ends it.

    Every change is written to the label file at once; `har data import PATH` reads it, and `--labels FILE` another one.
    """
    # The server of the page loads when a page is wanted.
    from edgehar.pipeline.data.labelling.server import serve_labelling
    from edgehar.pipeline.data.labelling.session import LabelSession

    with progress_bar("reading") as advance:
        dataset = load_dataset(path, format=format, progress=advance)
    names = tuple(name.strip() for name in activities.split(",") if name.strip())
    session = LabelSession(dataset, labels or label_file_of(path), activities=names)
    with serve_labelling(session, port=port) as address, stop_on_signals() as stop:
        if as_json:
            typer.echo(json.dumps({"address": address, "labels": str(session.path)}))
        else:
            typer.echo(f"{address}\nOpen it in a browser of this machine. Ctrl-C ends it.")
            typer.echo(printable(f"Labels are kept in {session.path}."))
        if open_browser:
            webbrowser.open(address)
        while not stop():
            time.sleep(_LOOK_EVERY_S)
    raise typer.Exit(stop.exit_code)
