"""`har bench --training`: the native trainer and Keras in one run."""

import json

import typer
from rich.console import Console
from rich.table import Table

from edgehar.commands.progress import progress_bar
from edgehar.pipeline.training.speed import TrainingSpeed, measure_training
from edgehar.pipeline.training.trainers import KERAS


def bench_training(*, as_json: bool) -> None:
    """Measure the trainers and print one row for each with each model."""
    with progress_bar("training") as advance:
        rows = measure_training(progress=advance)
    if as_json:
        typer.echo(json.dumps({"rows": [row.to_json() for row in rows]}))
        return
    keras = {row.model: row.windows_per_cpu_s for row in rows if row.trainer == KERAS}
    table = Table(box=None, padding=(0, 2, 0, 0))
    for title in ("model", "trainer"):
        table.add_column(title, no_wrap=True)
    for title in ("windows per CPU second", "times Keras", "from a cold start"):
        table.add_column(title, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(
            row.model,
            row.trainer,
            f"{row.windows_per_cpu_s:,.0f}",
            _times(row, keras),
            f"{row.first_windows_per_cpu_s:,.0f}",
        )
    console = Console(highlight=False)
    console.print(table)
    for text in dict.fromkeys(f"{row.trainer}: {row.runtime}" for row in rows):
        console.print(text, markup=False)


def _times(row: TrainingSpeed, keras: dict[str, float]) -> str:
    """Return how many times as fast as Keras a row is, where that is known."""
    return f"{row.windows_per_cpu_s / keras[row.model]:.1f}" if row.model in keras else ""
