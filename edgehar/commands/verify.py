"""`har verify`: prove a bundle with its golden windows, on every engine that is installed."""

import dataclasses
import json
from collections.abc import Iterator
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from edgehar.commands.bundle_argument import BundleArgument
from edgehar.commands.terminal_text import escape
from edgehar.models.bundle import read_bundle
from edgehar.models.verification import ArtifactVerification, Verification, verify_bundle

FAILED = 1


def verify(
    bundle: BundleArgument,
    engine: Annotated[
        list[str] | None, typer.Option(help="Check on this engine only; may be repeated. Default: all.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Prove that every artifact of a bundle gives what the model gives.

    Checks every hash, then replays the golden windows on every installed engine: forwards, backwards, twice, and one by
    one. What is not installed is listed as not checked. Exit code 1 if anything fails.
    """
    model = read_bundle(bundle)
    result = verify_bundle(model, engine, isolate=True)
    imported = model.manifest.provenance.configuration.get("imported")
    if as_json:
        known = {"imported": imported} if isinstance(imported, dict) else {}
        typer.echo(json.dumps(dataclasses.asdict(result) | known, ensure_ascii=False))
    else:
        _print(result)
        for sentence in _of_import(imported):
            Console().print(escape(sentence), highlight=False, soft_wrap=True)
    if not result.ok:
        raise typer.Exit(FAILED)


def _of_import(imported: Any) -> Iterator[str]:
    """Yield what the bundle says it was compared with when it was imported; it is the bundle's word."""
    found = imported if isinstance(imported, dict) else {}
    compared = found.get("comparisons")
    for each in compared if isinstance(compared, list) else ():
        if isinstance(each, dict):
            yield (
                f"imported: its bundle says that it was compared with {each.get('framework')} on {each.get('inputs')} "
                f"({each.get('windows')} windows), largest difference {each.get('max_abs_error')}"
            )
    if found.get("not_compared"):
        yield f"imported: not compared with its source, {found['not_compared']}"


def _print(result: Verification) -> None:
    """Print the findings as a table, and the reasons as sentences below it."""
    table = Table(box=None, padding=(0, 1, 0, 0))
    table.add_column("artifact", overflow="fold")
    table.add_column("engine", overflow="fold")
    for title in ("error", "mean", "agrees", "recorded", "allowed"):
        table.add_column(title, no_wrap=True, justify="right")
    table.add_column("", overflow="fold")
    for row in result.artifacts:
        table.add_row(*_cells(row))
    console = Console()
    console.print(table)
    for row in result.artifacts:
        if row.reason is not None:
            console.print(escape(f"{row.artifact} on {row.engine}: {row.reason}"), highlight=False, soft_wrap=True)
    console.print(
        "error: largest difference of a probability from the float64 oracle's; mean: what a window gives to other "
        "classes than the oracle does; agrees: windows with the oracle's label; recorded: largest difference from what "
        "the file gave when it was made; allowed: of that.",
        soft_wrap=True,
    )
    console.print("[green]verified[/]" if result.ok else "[red]not verified[/]")


def _cells(row: ArtifactVerification) -> list[str]:
    """Return one row of the table."""
    names = [escape(row.artifact), escape(row.runtime or row.engine)]
    if not row.checked:
        return [*names, "", "", "", "", "", "[yellow]not checked[/]"]
    verdict = "[green]ok[/]" if row.ok else "[red]FAILED[/]"
    numbers = (row.max_abs_error, row.mean_error, row.max_abs_deviation, row.tolerance, row.top1_agreement)
    if None in numbers:
        return [*names, "", "", "", "", "", verdict]
    of_batch = "number of samples at once" if row.stateful else "batch of windows"
    leaks = [
        name for name, matters in (("order of windows", row.order_matters), (of_batch, row.batch_matters)) if matters
    ]
    return [
        *names,
        f"{row.max_abs_error:.1e}",
        f"{row.mean_error:.1e}",
        f"{row.top1_agreement:.1%}",
        f"{row.max_abs_deviation:.1e}",
        f"{row.tolerance:.2g}",
        f"{verdict}, {' and '.join(leaks)} matters" if leaks else verdict,
    ]
