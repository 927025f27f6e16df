"""`har search`: try sizes and recipes of a model on people it has not seen, on every core or a cluster."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from edgehar.commands.interruption import termination_interrupts
from edgehar.commands.progress import progress_bar
from edgehar.commands.recordings_option import DATA_HELP
from edgehar.models.files import atomic_path
from edgehar.pipeline.data.windows import DEFAULT_HOP

_SHOWN = 10


def search(
    data: Annotated[list[str], typer.Option(metavar="PATH", help=DATA_HELP)],
    model: Annotated[str, typer.Option(help="simple_rnn, lstm or gru.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the search is kept. A search there goes on.")],
    trials: Annotated[int, typer.Option(min=1, help="How many settings in all, those of earlier runs counted.")] = 20,
    groups: Annotated[
        int,
        typer.Option(metavar="K", min=2, help="Judge everybody: K models a setting, each without a group of people."),
    ] = 4,
    leave_one_out: Annotated[
        bool, typer.Option("--leave-one-subject-out", help="Judge everybody: one model per person, instead of groups.")
    ] = False,
    seeds: Annotated[int, typer.Option(min=1, help="Models of each setting and group.")] = 1,
    epochs: Annotated[int | None, typer.Option(min=1, help="Of every model. Default: as the recipe says.")] = None,
    hop: Annotated[int, typer.Option(min=1, help="Samples from one window to the next.")] = DEFAULT_HOP,
    dropout: Annotated[
        bool, typer.Option("--dropout", help="Also search recurrent dropout, which only the slower Keras trainer has.")
    ] = False,
    scheduler: Annotated[
        str | None,
        typer.Option(metavar="URL", help="A Dask scheduler, as tcp://HOST:8786. Default: a cluster of this machine."),
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes on this machine. Default: one a core.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of what is proposed.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Search units, layers, learning rate and augmentation; the table has an interval over people for each setting.

    The best of many settings looks better than it is: train it again, and judge it on people who took no part.
    """
    from edgehar.pipeline.bulk.search import SearchPlan, TrialResult
    from edgehar.pipeline.bulk.search import search as run_search

    plan = SearchPlan(tuple(data), model, None if leave_one_out else groups, seeds, epochs, hop, dropout)
    with termination_interrupts(), progress_bar("models", show=not as_json) as advance:
        results: list[TrialResult] = run_search(
            plan, out, trials=trials, scheduler=scheduler, workers=workers, seed=seed, progress=advance
        )
    listed = [result.to_json() for result in results]
    with atomic_path(out / "trials.json") as place:
        place.write_text(json.dumps(listed, indent=1) + "\n", encoding="utf-8")
    if as_json:
        typer.echo(json.dumps({"trials": listed}))
        return
    console = Console(highlight=False, soft_wrap=True)
    table = Table(box=None, pad_edge=False)
    names = list(results[0].parameters)
    for title in (*names, "weights", "macro-F1", "90 % of people"):
        table.add_column(title.replace("_", " "), justify="right", no_wrap=title.startswith("90"))
    for result in results[:_SHOWN]:
        values = [f"{result.parameters[name]:.3g}" for name in names]
        low, high = result.interval
        table.add_row(*values, f"{result.weights:,}", f"{result.macro_f1:.3f}", f"{low:.3f} to {high:.3f}")
    console.print(table)
    console.print(f"{len(results)} settings, all in {out}/trials.json. The best of many looks better than it is.")
